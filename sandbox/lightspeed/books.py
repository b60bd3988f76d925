"""The account's books: its tables, and the one place where stock moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from sandbox.clock import Clock
from sandbox.lightspeed.fixtures import as_record
from sandbox.lightspeed.rows import Category, InventoryLog, Item, ItemShop, Record, Sale, SaleLine, SalePayment
from sandbox.lightspeed.tables import Table
from sandbox.lightspeed.wire import ApiError, Value, not_found

Row = TypeVar("Row")

ALL_SHOPS = 0  # the ItemShop row that sums up all shops
_UNCOUNTED = ("non_inventory",)


class Reason(StrEnum):
    """Why stock moved, as InventoryLog names it."""

    SOLD = "RemoveForTransaction"
    REFUNDED = "RefundAddInventory"
    VOIDED = "VoidRefund"
    BY_HAND = "ManualQuantityAdjustment"
    COUNTED_LESS = "RemoveForInventoryCount"
    COUNTED_MORE = "AddInventoryForCount"
    RECEIVED = "AddInventoryForOrder"
    ARCHIVED = "RemoveForArchiveItem"
    LAID_AWAY = "RemoveForLayaway"
    PUT_BACK = "PutBackForTransaction"


class Overselling(StrEnum):
    """What the account does when more is sold than there is."""

    NEGATIVE = "negative"  # accounts since 2019-06-25: qoh falls below zero
    AUTO_ADD = "auto_add"  # older ones: the missing units are added at the sale, qoh stays at zero


class Books:
    """All rows of the account, with native values. Times are whole seconds in UTC."""

    def __init__(
        self, *, clock: Clock, shop_ids: Sequence[int], overselling: Overselling, tax_rates: tuple[Decimal, Decimal]
    ) -> None:
        self._clock = clock
        self.shop_ids = tuple(shop_ids)
        self.overselling = overselling
        self.tax_rates = tax_rates
        self.register_must_be_open = False
        self.layaways_lower_stock = True  # probably so, not certain: whether qoh leaves out what is laid away
        self.search_lag = timedelta(0)
        self.items = Table[Item](
            lambda item: item.time_stamp,
            {
                "customSku": lambda item: item.custom_sku.casefold(),
                "systemSku": lambda item: item.system_sku,
                "itemMatrixID": lambda item: item.item_matrix_id,
            },
        )
        self.item_shops = Table[ItemShop](lambda row: row.time_stamp, {"itemID": lambda row: row.item_id})
        self.sales = Table[Sale](
            lambda sale: sale.time_stamp, {"referenceNumber": lambda sale: sale.reference_number.casefold()}
        )
        self.sale_lines = Table[SaleLine](
            lambda line: line.time_stamp,
            {"saleID": lambda line: line.sale_id, "customerID": lambda line: line.customer_id},
        )
        self.sale_payments = Table[SalePayment](lambda row: row.time_stamp, {"saleID": lambda row: row.sale_id})
        self.logs = Table[InventoryLog](None)
        self.categories = Table[Category](lambda row: row.time_stamp)
        self.records: dict[str, Table[Record]] = {}

    def now(self) -> datetime:
        """Return the server's time in whole seconds."""
        return self._clock.now().replace(microsecond=0)

    def searched_from(self) -> datetime:
        """Return when a sale made now begins to be found by searching."""
        return self._clock.now() + self.search_lag

    def is_searched(self, sale: Sale) -> bool:
        """Say whether searching finds a sale by now."""
        return sale.searched_from <= self._clock.now()

    def keep(self, resource: str, fields: Mapping[str, Value]) -> Record:
        """Store a row of a resource that is only kept and shown; its first field is its id."""
        row = as_record(fields, self.now())
        return self.open_empty(resource).add(row.key, row)

    def open_empty(self, resource: str) -> Table[Record]:
        """Return the table of a resource that is only kept and shown, opening it if need be."""
        return self.records.setdefault(resource, Table[Record](lambda row: row.time_stamp))

    def stock_rows(self, item_id: int) -> dict[int, ItemShop]:
        """Return an item's ItemShop rows by shop."""
        return {row.shop_id: row for row in self.item_shops.having("itemID", item_id)}

    def add_item(self, item: Item, stock: Mapping[int, int]) -> None:
        """Store an item and open its ItemShop rows: the summary first, then one per shop."""
        self.items.add(item.item_id, item)
        total = sum(stock.values())
        for shop_id in (ALL_SHOPS, *self.shop_ids):
            qoh = total if shop_id == ALL_SHOPS else stock.get(shop_id, 0)
            key = self.item_shops.next_id()
            row = ItemShop(
                item_shop_id=key,
                item_id=item.item_id,
                shop_id=shop_id,
                qoh=qoh,
                sellable=max(0, qoh),
                time_stamp=item.time_stamp,
                average_cost=item.avg_cost if shop_id == ALL_SHOPS else Decimal(0),
            )
            self.item_shops.add(key, row)

    def move(
        self,
        item: Item,
        shop_id: int,
        change: int,
        reason: Reason,
        *,
        employee_id: int = 1,
        sale_id: int = 0,
        order_id: int = 0,
        count_id: int = 0,
        automated: bool = False,
    ) -> None:
        """Move stock in one shop: its row and the summary row change in the same second, the item does not."""
        if item.item_type in _UNCOUNTED or change == 0:
            return
        rows, now = self.stock_rows(item.item_id), self.now()
        row = rows[shop_id]
        missing = -(row.qoh + change)
        if missing > 0 and change < 0 and self.overselling is Overselling.AUTO_ADD:
            self.move(item, shop_id, min(missing, -change), Reason.BY_HAND, employee_id=employee_id, automated=True)
        row.qoh += change
        row.sellable = max(0, row.qoh)
        summary = rows[ALL_SHOPS]
        summary.qoh += change
        summary.sellable = sum(rows[each].sellable for each in self.shop_ids)
        for touched in (row, summary):
            touched.time_stamp = now
            self.item_shops.changed(touched.item_shop_id)
        log = InventoryLog(
            inventory_log_id=self.logs.next_id(),
            shop_id=shop_id,
            item_id=item.item_id,
            employee_id=employee_id,
            qoh_change=change,
            reason=reason,
            create_time=now,
            automated=automated,
            caused_negative=row.qoh < 0,
            sale_id=sale_id,
            order_id=order_id,
            inventory_count_id=count_id,
        )
        self.logs.add(log.inventory_log_id, log)

    def unreserved(self, item: Item, shop_id: int) -> int:
        """Return the units that can still be laid away; of an item without stock there are none."""
        if item.item_type in _UNCOUNTED:
            return 0
        row = self.stock_rows(item.item_id)[shop_id]
        return max(0, row.qoh - (0 if self.layaways_lower_stock else row.on_layaway))

    def lay_away(self, item: Item, shop_id: int, units: int, *, employee_id: int) -> None:
        """Put units aside, or back (negative): both stock rows tell, their quantity too if this account's does."""
        if not units:
            return
        rows = self.stock_rows(item.item_id)
        for touched in (rows[shop_id], rows[ALL_SHOPS]):
            touched.on_layaway += units
            touched.time_stamp = self.now()
            self.item_shops.changed(touched.item_shop_id)
        if self.layaways_lower_stock:
            reason = Reason.LAID_AWAY if units > 0 else Reason.PUT_BACK
            self.move(item, shop_id, -units, reason, employee_id=employee_id)

    def set_stock(self, item: Item, shop_id: int, qoh: int, *, employee_id: int = 1) -> None:
        """Set what lies in one shop, as `PUT Item` with ItemShops does; raises ApiError below zero."""
        if qoh < 0:
            raise ApiError(400, "Item not updated. Quantity on hand cannot be negative.")
        self.move(item, shop_id, qoh - self.stock_rows(item.item_id)[shop_id].qoh, Reason.BY_HAND)

    def archive(self, item: Item) -> None:
        """Archive an item: its stock is zeroed and does not come back."""
        for shop_id in self.shop_ids:
            self.move(item, shop_id, -self.stock_rows(item.item_id)[shop_id].qoh, Reason.ARCHIVED)
        item.archived = True
        self.touch(item)

    def touch(self, item: Item) -> None:
        """Note that an item's own fields changed."""
        item.time_stamp = self.now()
        self.items.changed(item.item_id)


def found(table: Table[Row], key: str, kind: str) -> Row:
    """Return the row of an id; raises ApiError (404)."""
    row = table.get(int(key)) if key.isdigit() else None
    if row is None:
        raise not_found(kind, key)
    return row
