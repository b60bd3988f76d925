"""The pretend store as a whole: what is done to it by shoppers, the merchant and the client of its API."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sandbox.clock import Clock
from sandbox.goods import Good
from sandbox.shopify.access import Access
from sandbox.shopify.assortment import Assortment
from sandbox.shopify.bulk import BulkOperations
from sandbox.shopify.cost import STANDARD, Bucket, Plan
from sandbox.shopify.docs import item_doc, product_doc, variant_doc
from sandbox.shopify.idempotency import IdempotencyKeys
from sandbox.shopify.index import Index
from sandbox.shopify.listing import REACH
from sandbox.shopify.model import Event, Item, Level, Location, RestockType, StockWrite, Truth
from sandbox.shopify.money import cents
from sandbox.shopify.opening import collection_of, online, open_shelves
from sandbox.shopify.order_model import Line, Order, Tax
from sandbox.shopify.orders import OrderBook
from sandbox.shopify.prices import Prices
from sandbox.shopify.stock import Stock
from sandbox.shopify.webhooks import Subscriptions

WAREHOUSE_EVERY, WAREHOUSE_UNITS = 10, 5
"""Every tenth good also lies at the second location, so that a client that adds up locations is found out."""


class ShopifyStore:
    """One shop. Opened from goods `age` ago, so that nothing in it is new; times are the clock's, in UTC.

    A SKU names a good as `Good.sku` does, however Shopify spells it. Methods that act raise ValueError for what
    cannot be done. `writes` is every stock row written through the API and `request_log` counts answered root
    fields; `events` calls back with everything that a webhook may tell.
    """

    def __init__(
        self,
        goods: Sequence[Good],
        *,
        clock: Clock,
        seed: int,
        domain: str = "wtfswag.myshopify.com",
        location_id: str = "gid://shopify/Location/1001",
        second_location_id: str = "gid://shopify/Location/1002",
        rate_limits: bool = True,
        plan: Plan = STANDARD,
        index_lag_seconds: float = 0.0,
        timezone: str = "America/New_York",
        currency: str = "USD",
        tax: Tax = Tax(Decimal("0.0825")),  # noqa: B008 - frozen
        age: timedelta = timedelta(days=30),
    ) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.domain = domain
        self.zone = ZoneInfo(timezone)
        self.currency = currency
        self.rate_limits = rate_limits
        self.plan = plan
        self.opened_at = (clock.now() - age).replace(microsecond=0)
        self.request_log: Counter[str] = Counter()
        self.paging_reach = REACH  # objects after which a walk through pages just ends
        self.throttled = 0  # calls answered THROTTLED
        self.points = 0  # what all answered calls cost
        self.stale_names_row = True  # False: a stale compare is reported with a null field
        self.token_leaks = 0  # downloads that sent the access token to the storage
        self.events: list[Callable[[Event], None]] = []
        self.access = Access(clock, self.random)
        self.idempotency = IdempotencyKeys(clock)
        self.subscriptions = Subscriptions(clock)
        self.bulk = BulkOperations(clock, self.random)
        self.buckets: dict[str, Bucket] = {}
        self.operations: dict[str, object] = {}  # product sets that were asked to run beside their call
        self.stock = Stock(clock, index_lag_seconds, self._publish)
        self.order_book = OrderBook(clock, self.stock, index_lag_seconds, self._publish, tax)
        self._open(goods, location_id, second_location_id, index_lag_seconds)

    def _open(self, goods: Sequence[Good], first: str, second: str, lag: float) -> None:
        selling = online(goods)
        self.shelves = open_shelves(selling, self.opened_at)
        self.home = Location(int(first.rsplit("/", 1)[1]), "Store", "Austin", self.opened_at, self.opened_at)
        self.warehouse = Location(int(second.rsplit("/", 1)[1]), "Warehouse", "Dallas", self.opened_at, self.opened_at)
        self.locations = {place.id: place for place in (self.home, self.warehouse)}
        stocked = list(zip(self.shelves.items.values(), selling, strict=True))
        for place in self.locations.values():
            self.stock.add_location(place)
        here = ((item, good.stock if good.online_stock is None else good.online_stock) for item, good in stocked)
        self.stock.load(self.home, here, self.opened_at)
        there = ((item, WAREHOUSE_UNITS) for item, _ in stocked[::WAREHOUSE_EVERY])
        self.stock.load(self.warehouse, there, self.opened_at)
        self.product_index = Index(self.clock, lag, product_doc)
        self.variant_index = Index(self.clock, lag, variant_doc)
        self.item_index = Index(self.clock, lag, item_doc)
        self.product_index.load(self.shelves.products.values())
        self.variant_index.load(self.shelves.variants.values())
        self.item_index.load(self.shelves.items.values())
        self.assortment = Assortment(
            self.clock,
            self.shelves,
            self.stock,
            self.locations,
            products=self.product_index,
            variants=self.variant_index,
            items=self.item_index,
            tell=self._tell,
        )

    def _publish(self, event: Event) -> None:
        """Tell the listeners, and let a product's updatedAt move with its stock, as Shopify does."""
        if event.topic == "inventory_levels/update":
            variant = self.shelves.items[event.subject].variant
            variant.product.updated_at = self.stock.now()
            self.product_index.touch(variant.product)
            self.variant_index.touch(variant)
            self._tell(Event("products/update", variant.product.id, event.at))
        self._tell(event)

    def _tell(self, event: Event) -> None:
        for tell in self.events:
            tell(event)

    # --- what is true

    @property
    def writes(self) -> list[StockWrite]:
        """Every row of stock written through the API, oldest first."""
        return self.stock.writes

    @property
    def orders(self) -> list[Order]:
        """All orders, oldest first."""
        return list(self.order_book.orders.values())

    def item(self, sku: str) -> Item:
        """Return the inventory item of a good; raises ValueError for one that is not sold online."""
        item = self.shelves.by_sku.get(sku)
        if item is None:
            raise ValueError(f"no variant with the SKU {sku!r}")
        return item

    def level(self, sku: str, location: str | None = None) -> Level:
        """Return a good's stock level at a location (gid; None: the first); raises ValueError."""
        level = self.item(sku).levels.get(location or self.home.id)
        if level is None:
            raise ValueError(f"{sku!r} is not stocked at {location}")
        return level

    def available(self, sku: str, location: str | None = None) -> int:
        """Return the units a shopper may buy."""
        return self.level(sku, location).quantities["available"]

    def committed(self, sku: str, location: str | None = None) -> int:
        """Return the units ordered and not yet sent."""
        return self.level(sku, location).quantities["committed"]

    def on_hand(self, sku: str, location: str | None = None) -> int:
        """Return the units that lie there."""
        return self.level(sku, location).quantity("on_hand")

    def truth(self, sku: str, location: str | None = None) -> Truth:
        """Return everything about a good at one location, its orders included."""
        item, level, place = self.item(sku), self.level(sku, location), location or self.home.id
        lines = [
            line
            for order in self.order_book.orders.values()
            if order.location.id == place
            for line in order.lines
            if line.variant.item is item
        ]
        back = sum(
            row.quantity
            for order in self.order_book.orders.values()
            for refund in order.refunds
            for row in refund.lines
            if row.line.variant.item is item and row.location is not None and row.location.id == place
        )
        return Truth(
            available=level.quantities["available"],
            committed=level.quantities["committed"],
            reserved=level.quantities["reserved"],
            on_hand=level.quantity("on_hand"),
            taken=sum(line.quantity for line in lines) - back,
            open=sum(line.unfulfilled for line in lines),
            available_at=level.touched.get("available"),
        )

    # --- what shoppers and the merchant do

    def place_order(
        self,
        units: Mapping[str, int],
        test: bool = False,  # noqa: FBT001, FBT002 - the agreed shape
        location: str | None = None,
        *,
        oversell: bool = False,
        discount: Decimal = Decimal(0),
        line_discounts: Mapping[str, Decimal] | None = None,
        shipping: Decimal = Decimal(0),
        tip_cents: int = 0,
        paid: bool = True,
        source_name: str = "web",
        from_draft: bool = False,
        cart_token: str | None = None,
    ) -> str:
        """Buy `units` by SKU and return the order's gid; raises SoldOut if not all of it is available.

        `discount` is taken off the whole order, `line_discounts` off single lines by SKU. `from_draft` turns a
        draft's reserved units into the order's.
        """
        wanted = [(self.item(sku), amount) for sku, amount in units.items()]
        if not wanted:
            raise ValueError("an order has a line")
        if from_draft:
            for sku, amount in units.items():
                self.release_draft(sku, amount, location)
        off = {self.item(sku): cents(amount) for sku, amount in (line_discounts or {}).items()}
        order = self.order_book.place(
            wanted,
            self.locations[location or self.home.id],
            Prices(cents(discount), cents(shipping), tip_cents, off),
            test=test,
            oversell=oversell,
            paid=paid,
            source_name=source_name,
            cart_token=cart_token,
        )
        return order.id

    def fulfil(self, order: str, units: Mapping[str, int] | None = None) -> str:
        """Send units by SKU (None: all that is open) and return the fulfilment's gid."""
        found = self.order(order)
        lines = {line: line.unfulfilled for line in found.lines if line.unfulfilled}
        return self.order_book.fulfil(found, lines if units is None else self._lines(found, units)).id

    def cancel(
        self,
        order: str,
        restock: bool = True,  # noqa: FBT001, FBT002 - the agreed shape
        reason: str = "CUSTOMER",
        *,
        pay_back: bool = True,
    ) -> None:
        """Cancel what has not been sent, with or without putting it back on the shelf and giving its money back."""
        self.order_book.cancel(self.order(order), restock=restock, reason=reason, pay_back=pay_back)

    def refund(self, order: str, units: Mapping[str, int], restock_type: str, location: str | None = None) -> str:
        """Refund units by SKU as CANCEL, RETURN or NO_RESTOCK, put back at `location`; return the refund's gid."""
        found = self.order(order)
        place = None if location is None else self.locations[location]
        return self.order_book.refund(found, self._lines(found, units), RestockType(restock_type), place).id

    def refund_money(self, order: str, amount: Decimal, *, shipping: bool = False) -> str:
        """Give money back for no goods, out of goodwill or of the shipping; return the refund's gid."""
        return self.order_book.refund_money(self.order(order), cents(amount), shipping=shipping).id

    def edit(self, order: str, sku: str, delta: int, restock: bool = True, *, oversell: bool = False) -> None:  # noqa: FBT001, FBT002
        """Put units on an order, or take unsent ones off."""
        self.order_book.edit(self.order(order), self.item(sku), delta, restock=restock, oversell=oversell)

    def adjust(self, sku: str, delta: int, location: str | None = None) -> None:
        """Edit the available stock by hand, as somebody does in the admin."""
        self.stock.move(self.level(sku, location), available=delta)

    def reserve_draft(self, sku: str, units: int, location: str | None = None) -> None:
        """Reserve units for a draft order; raises ValueError if they are not available."""
        level = self.level(sku, location)
        if not 0 < units <= level.quantities["available"]:
            raise ValueError(f"{sku}: {units} units cannot be reserved")
        self.stock.move(level, available=-units, reserved=units)

    def release_draft(self, sku: str, units: int, location: str | None = None) -> None:
        """Give a draft order up."""
        level = self.level(sku, location)
        if not 0 < units <= level.quantities["reserved"]:
            raise ValueError(f"{sku}: {units} units are not reserved")
        self.stock.move(level, available=units, reserved=-units)

    def bundle(self, sku: str) -> None:
        """Turn a variant into a bundle's parent: its stock follows its components and cannot be written."""
        self.update_item(self.item(sku), bundle=True)

    def untrack(self, sku: str) -> None:
        """Stop counting an item: orders no longer move its stock."""
        self.update_item(self.item(sku), tracked=False)

    def gift_card(self, sku: str) -> None:
        """Turn a variant into a gift card: not counted, not sent, not taxed."""
        item = self.item(sku)
        item.variant.is_gift_card = True
        self.update_item(item, tracked=False, requires_shipping=False)

    def delete_variant(self, sku: str) -> None:
        """Delete a variant for good: its item is gone too, and order lines forget what it was."""
        self.assortment.remove_variant(self.item(sku).variant)

    def update_item(self, item: Item, **changes: object) -> None:
        """Change an inventory item's own fields."""
        self.assortment.change_item(item, changes)

    def archive(self, sku: str) -> None:
        """Take the good's product out of the shop."""
        self.edit_product(sku, status="ARCHIVED")

    def delete_product(self, sku: str) -> str:
        """Delete the good's product with all its variants and return the product's gid."""
        product = self.item(sku).variant.product
        self.assortment.remove(product)
        return product.id

    def rename_sku(self, old: str, new: str) -> None:
        """Give a variant another SKU."""
        item = self.item(old)
        self.shelves.by_sku[new] = self.shelves.by_sku.pop(old)
        self.assortment.change_item(item, {"sku": new})

    def mistype_sku(self, sku: str, typed: str) -> None:
        """Type another SKU into a variant; the good is still known here by its own."""
        self.assortment.change_item(self.item(sku), {"sku": typed})

    def edit_product(self, sku: str, **changes: object) -> None:
        """Edit the good's product in the admin: title, description_html, product_type, tags, status, vendor."""
        self.assortment.change(self.item(sku).variant.product, changes)

    def reprice(self, sku: str, price: Decimal, compare_at: Decimal | None = None) -> None:
        """Give a variant another price, and a price it is compared with (None: none)."""
        crossed = None if compare_at is None else cents(compare_at)
        fields = {"price_cents": cents(price), "compare_cents": crossed}
        self.assortment.change_variant(self.item(sku).variant, fields)

    def picture(self, sku: str, urls: Sequence[str]) -> None:
        """Give the good's product these pictures instead of those it has."""
        product = self.item(sku).variant.product
        self.assortment.unpicture(product)
        self.assortment.picture(product, [(url, "") for url in urls])

    def collect(self, sku: str, titles: Sequence[str]) -> None:
        """Put the good's product into the collections of these titles, and out of all others."""
        found = [collection_of(self.shelves, title, self.stock.now()) for title in titles]
        self.assortment.collect(self.item(sku).variant.product, [each for each in found if each is not None])

    def add(self, good: Good) -> str:
        """Put one more good up for sale, in the product of its handle if there is one; returns the variant's gid."""
        return self.assortment.put_up(good, self.home.id).id

    def order(self, gid: str) -> Order:
        """Return an order by its gid; raises ValueError for one that is not there."""
        order = self.order_book.orders.get(gid)
        if order is None:
            raise ValueError(f"no order {gid}")
        return order

    def _lines(self, order: Order, units: Mapping[str, int]) -> dict[Line, int]:
        found = {line.variant.item: line for line in order.lines}
        missing = [sku for sku in units if self.item(sku) not in found]
        if missing or not units:
            raise ValueError(f"{order.name} has no line for {missing or 'nothing'}")
        return {found[self.item(sku)]: amount for sku, amount in units.items()}

    def bucket(self, app: str) -> Bucket:
        """Return the cost bucket of one app in this shop."""
        if app not in self.buckets:
            self.buckets[app] = Bucket(self.clock, self.plan)
        return self.buckets[app]
