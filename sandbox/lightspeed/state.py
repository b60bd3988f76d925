"""The pretend shop as its people use it: cashiers sell, deliveries arrive, stock is counted, items change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from sandbox.clock import Clock
from sandbox.goods import Good
from sandbox.lightspeed import fixtures, layaways, sales
from sandbox.lightspeed.books import Books, Overselling, Reason
from sandbox.lightspeed.goods import Catalogue
from sandbox.lightspeed.limits import Limiter
from sandbox.lightspeed.oauth import OAuth
from sandbox.lightspeed.rows import Item, Sale, SaleLine
from sandbox.lightspeed.wire import ApiError

CASH = 1
HOLDS_CUSTOMER = 2  # the technical customer of online reservations


class LightspeedShop:
    """One Lightspeed account, opened from a list of goods.

    Its methods are what people do at the till and in the back office; they are synchronous and raise ValueError
    for a SKU that no item has. The API over it is `app.lightspeed_app`. `base_url` is where `next` links point to
    ("": to the host that was asked). `other_shops` are further shops of the account, without stock. `services` are
    items without stock by their ids.
    """

    def __init__(
        self,
        goods: Sequence[Good],
        *,
        clock: Clock,
        seed: int,
        account_id: str = "123456",
        shop_id: str = "1",
        register_id: str = "1",
        registers: int = 1,
        rate_limits: bool = True,
        other_shops: Sequence[str] = (),
        overselling: Overselling = Overselling.NEGATIVE,
        tax_rates: tuple[Decimal, Decimal] = (Decimal("0.0825"), Decimal(0)),
        base_url: str = "",
        services: Mapping[int, str] | None = None,
        age: timedelta = timedelta(0),
    ) -> None:
        self.account_id = account_id
        self.name = "Sandbox Shop"
        self.base_url = base_url
        self.clock = clock
        self._shop_id, self._register_id = int(shop_id), int(register_id)
        shop_ids = sorted({self._shop_id, *(int(each) for each in other_shops)})
        self.books = Books(clock=clock, shop_ids=shop_ids, overselling=overselling, tax_rates=tax_rates)
        self.catalogue = Catalogue(self.books, seed)
        self.oauth = OAuth(clock=clock, seed=seed, account_id=account_id, employee_id="1")
        self.limiter = Limiter(registers=registers, enabled=rate_limits)
        self._furnish()
        self.catalogue.stock_up(goods, self._shop_id, age)
        self.catalogue.offer(services or {}, age)
        self.set_registers(registers)

    def _furnish(self) -> None:
        now, keep = self.books.now(), self.books.keep
        for shop_id in self.books.shop_ids:
            keep("Shop", fixtures.shop(shop_id, f"{self.name} {shop_id}", now))
        keep("Register", fixtures.register(self._register_id, self._shop_id, now))
        keep("Employee", fixtures.employee(1, "Sandbox", "Owner", now))
        keep("Employee", fixtures.employee(2, "Sandbox", "Cashier", now))
        keep("TaxCategory", fixtures.tax_category(self.books.tax_rates, now))
        keep("TaxClass", fixtures.tax_class(1, "Item", "item", now))
        keep("TaxClass", fixtures.tax_class(2, "Labor", "labor", now))
        for payment_type in fixtures.payment_types():
            keep("PaymentType", payment_type)
        keep("Contact", fixtures.contact(1, now))
        keep("Customer", fixtures.customer(1, "Online", "Orders", now))
        keep("Contact", fixtures.contact(HOLDS_CUSTOMER, now))
        keep("Customer", fixtures.customer(HOLDS_CUSTOMER, "Online", "Holds", now))
        keep("Tag", fixtures.tag(1, "webstore"))
        for empty in ("ItemMatrix", "Manufacturer"):
            self.books.open_empty(empty)

    def set_registers(self, registers: int) -> None:
        """License `registers` tills: more of them make the rate limits wider."""
        if registers < 1:
            raise ValueError("an account has at least one register")
        self.limiter.registers = registers
        table = self.books.records["Register"]
        while len(table) < registers:
            self.books.keep("Register", fixtures.register(table.next_id(), self._shop_id, self.books.now()))

    def item(self, sku: str) -> Item:
        """Return the item of a SKU, one in use before an archived one; raises ValueError."""
        having = self.books.items.having("customSku", sku.casefold())
        matching = [item for item in having if item.custom_sku == sku]
        if not matching:
            raise ValueError(f"no item has the SKU {sku!r}")
        return min(matching, key=lambda item: (item.archived, item.item_id))

    def item_id(self, sku: str) -> str:
        """Return the itemID of a SKU."""
        return str(self.item(sku).item_id)

    def qoh(self, sku: str) -> int:
        """Return the quantity on hand in the shop."""
        return self.books.stock_rows(self.item(sku).item_id)[self._shop_id].qoh

    def booked(self, sku: str) -> int:
        """Return how many units of an item the sales with a reference number took, less those that came back.

        The till itself gives its sales none: they are online orders that somebody booked.
        """
        item = int(self.item_id(sku))
        lines = [self.books.sale_lines[key] for sale in self.online_sales() for key in sale.line_ids]
        return sum(line.quantity for line in lines if line.item_id == item)

    def layaways(self, customer_id: int = HOLDS_CUSTOMER) -> list[SaleLine]:
        """Return a customer's layaways that were not sold yet, oldest first."""
        lines = self.books.sale_lines.having("customerID", customer_id)
        return [line for line in lines if line.is_layaway and not line.sale_id]

    def laid_away(self, sku: str) -> int:
        """Return how many units of an item the quantity on hand leaves out because online reservations hold them."""
        item = int(self.item_id(sku))
        units = sum(line.reserved for line in self.layaways() if line.item_id == item)
        return units if self.books.layaways_lower_stock else 0

    def lay_away(self, sku: str, qty: int, customer_id: int = 1) -> str:
        """Lay goods away for a customer at the till; returns the saleLineID."""
        body = {"customerID": customer_id, "employeeID": 1, "shopID": self._shop_id, "isLayaway": True}
        line = layaways.create(self.books, {**body, "itemID": self.item(sku).item_id, "unitQuantity": qty})
        return str(line.sale_line_id)

    def cancel_layaway(self, sale_line_id: str) -> None:
        """Put what was laid away back on the shelf."""
        layaways.cancel(self.books, self.books.sale_lines[int(sale_line_id)])

    def sell_layaway(self, sale_line_id: str) -> str:
        """Sell what was laid away to its customer, paid in cash; returns the saleID."""
        line = self.books.sale_lines[int(sale_line_id)]
        return self._paid({"saleLineID": line.sale_line_id}, customer_id=line.customer_id)

    def sell(self, sku: str, qty: int) -> str:
        """Sell over the counter, paid in cash; returns the saleID."""
        if qty <= 0:
            raise ValueError(f"cannot sell {qty}")
        return self._ring_up(self.item(sku), qty)

    def refund(self, sku: str, qty: int) -> str:
        """Take goods back over the counter; returns the saleID of the refund."""
        if qty <= 0:
            raise ValueError(f"cannot take back {qty}")
        return self._ring_up(self.item(sku), -qty)

    def receive(self, sku: str, qty: int) -> None:
        """Book a delivery in."""
        if qty <= 0:
            raise ValueError(f"cannot receive {qty}")
        self.books.move(self.item(sku), self._shop_id, qty, Reason.RECEIVED, order_id=1)

    def count(self, sku: str, qty: int) -> None:
        """Set the stock to what a stock-take found."""
        if qty < 0:
            raise ValueError(f"cannot have counted {qty}")
        change = qty - self.qoh(sku)
        reason = Reason.COUNTED_MORE if change > 0 else Reason.COUNTED_LESS
        self.books.move(self.item(sku), self._shop_id, change, reason, count_id=1)

    def archive(self, sku: str) -> None:
        """Archive an item: its stock is gone, and lists hide it."""
        self.books.archive(self.item(sku))

    def rename_sku(self, old: str, new: str) -> None:
        """Give an item another custom SKU."""
        item = self.item(old)
        item.custom_sku = new
        self.books.touch(item)

    def reprice(self, sku: str, price: Decimal, *, online: Decimal | None = None) -> None:
        """Give an item another price, and another one online (0: none of its own); stock does not move."""
        item = self.item(sku)
        item.price = price
        item.online_price = item.online_price if online is None else online
        self.books.touch(item)

    def edit(self, sku: str, changes: Mapping[str, object]) -> None:
        """Change an item in the back office, by what a `PUT Item` takes; raises ValueError for what it refuses."""
        try:
            self.catalogue.update(self.item(sku), changes)
        except ApiError as refused:
            raise ValueError(refused.message) from refused

    def picture(self, sku: str, urls: Sequence[str]) -> None:
        """Give an item these pictures instead of those it has; its time stamp does not move."""
        self.catalogue.details.picture(self.item(sku), urls)

    def add(self, good: Good) -> str:
        """Take one more good into the shop, with its stock; returns the itemID."""
        return str(self.catalogue.add(good, self._shop_id).item_id)

    def void(self, sale_id: str) -> None:
        """Void a completed sale at the till; raises ValueError for one that cannot be."""
        sale = self.books.sales.get(int(sale_id))
        if sale is None or not sale.completed or sale.voided:
            raise ValueError(f"sale {sale_id} cannot be voided")
        sales.void(self.books, sale)

    def require_open_registers(self, *, required: bool = True) -> None:
        """Take sales at open registers only, or at any: which of them the live shop does is not known."""
        self.books.register_must_be_open = required

    def close_register(self) -> None:
        """Count the till and close it."""
        self.books.records["Register"][self._register_id].fields["open"] = False

    def find_sales_after(self, seconds: float) -> None:
        """Let the search for sales know a new one only so much later; by its id it is there at once."""
        self.books.search_lag = timedelta(seconds=seconds)

    def issue_code(self, challenge: str = "") -> str:
        """Return an authorization code as the consent page would; it lives 60 s."""
        return self.oauth.issue_code(challenge)

    def sales_with_reference(self, reference: str) -> list[Sale]:
        """Return the sales of a referenceNumber that were neither archived nor voided, oldest first."""
        having = self.books.sales.having("referenceNumber", reference.casefold())
        return [sale for sale in having if not sale.archived and not sale.voided]

    def online_sales(self) -> list[Sale]:
        """Return the sales that count and have a reference number, oldest first."""
        return [sale for sale in self.books.sales if sale.reference_number and sale.completed and not sale.voided]

    def _ring_up(self, item: Item, quantity: int) -> str:
        return self._paid({"itemID": item.item_id, "unitQuantity": quantity})

    def _paid(self, line: Mapping[str, int], customer_id: int = 0) -> str:
        till = {"employeeID": 1, "registerID": self._register_id, "shopID": self._shop_id}
        lines = {"SaleLine": dict(line)}
        sale = sales.create(self.books, {**till, "customerID": customer_id, "SaleLines": lines})
        paid = {"SalePayment": {"amount": sale.calc_total, "paymentTypeID": CASH}}
        sales.update(self.books, sale, {"completed": True, "SalePayments": paid if sale.calc_total else ""})
        return str(sale.sale_id)
