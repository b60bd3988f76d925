"""What is really there: the pretend shops' own figures, with their recent past and what moved them.

Nothing here is read from the product. A thing is known by the SKU it was opened with, whatever it is called later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.goods import Good
from sandbox.lightspeed.books import Reason
from sandbox.lightspeed.rows import Item as TillItem
from sandbox.lightspeed.rows import Sale
from sandbox.shopify.model import Event, Item
from sandbox.shopify.order_model import Order
from sandbox.world import World

REFERENCE = "SH-"  # what the product's own sales in Lightspeed are called
_SHOP = 1
_KEPT = 4_000  # moves of one number that are remembered
_OF_ORDERS = ("orders/create", "orders/edited", "orders/cancelled", "refunds/create")


class Series:
    """A number over time."""

    def __init__(self, at: float, value: int) -> None:
        self._times, self._values = [at], [value]

    @property
    def now(self) -> int:
        """Return its present value."""
        return self._values[-1]

    def put(self, at: float, value: int) -> bool:
        """Let it become `value`; tell whether that changed it."""
        if value == self._values[-1]:
            return False
        self._times.append(at)
        self._values.append(value)
        if len(self._times) > 2 * _KEPT:
            del self._times[:_KEPT], self._values[:_KEPT]
        return True

    def since(self, at: float) -> list[int]:
        """Return what it was at a moment and all it has been after."""
        return self._values[max(0, bisect_right(self._times, at) - 1) :]


@dataclass(slots=True, eq=False)
class Thing:
    """One good in both shops. `said` is Lightspeed's stock without what the product itself booked there."""

    good: Good
    till: TillItem
    online: Item
    said: Series
    taken: int = 0
    booked: int = 0
    foreign: list[tuple[float, int]] = field(default_factory=list)  # edits of Shopify's number by hand
    unreal: list[tuple[float, int]] = field(default_factory=list)  # units put back on sale that do not exist
    said_at: float = 0.0  # when Lightspeed's stock last moved
    caused_at: float = 0.0  # when anything else last happened that a stock write may answer
    right_since: float | None = None
    written_at: float = 0.0  # when the product last wrote its number
    exempt: bool = False  # renamed, archived: the product may or may not keep it in step

    @property
    def set_aside(self) -> int:
        """Return the units that Shopify holds for drafts and the like."""
        level = self.online.levels[_home(self.online)]
        return sum(level.quantities[name] for name in ("reserved", "safety_stock", "damaged", "quality_control"))

    @property
    def available(self) -> int:
        """Return the units that a shopper may buy."""
        return self.online.levels[_home(self.online)].quantities["available"]

    @property
    def left(self) -> int:
        """Return the units that may be sold online; below zero: oversold."""
        return self.said.now - self.taken - self.set_aside

    @property
    def right(self) -> bool:
        """Tell whether Shopify shows what may be sold."""
        return self.available == max(0, self.left) or (self.available <= 0 and self.left <= 0)


def _home(item: Item) -> str:
    return next(iter(item.levels))


class Truth:
    """Follows the world. Call `observe` after every step; `ordered` is called with each thing's newly placed units."""

    def __init__(self, world: World, now: Callable[[], float]) -> None:
        self._world = world
        self._now = now
        self.things = {good.sku: self._thing(good) for good in world.goods if good.in_store and good.online}
        for thing in self.things.values():
            thing.right_since = self._now() if thing.right else None
        self._by_item = {thing.online.id: thing for thing in self.things.values()}
        self._by_till = {thing.till.item_id: thing for thing in self.things.values()}
        self._taken: dict[str, dict[str, int]] = {}  # order -> SKU -> units placed and not put back
        self._logs = len(world.lightspeed.books.logs)
        self._moved: dict[Thing, None] = {}  # looked at when the step is over
        self.ordered: list[Callable[[Thing, int], None]] = []
        world.shopify.events.append(self._hear)

    def _thing(self, good: Good) -> Thing:
        till, online = self._world.lightspeed.item(good.sku), self._world.shopify.item(good.sku)
        stock = self._world.lightspeed.books.stock_rows(till.item_id)[_SHOP].qoh
        return Thing(good, till, online, Series(self._now(), stock))

    def of_item(self, gid: str) -> Thing | None:
        """Return the thing behind an inventory item."""
        return self._by_item.get(gid)

    def of_till(self, item_id: int) -> Thing | None:
        """Return the thing behind a Lightspeed item."""
        return self._by_till.get(item_id)

    def taken_by(self, order: Order) -> Mapping[str, int]:
        """Return the units that an order takes, by inventory item."""
        return self._taken.get(order.id, {})

    def cause(self, thing: Thing) -> None:
        """Note that something happened that a stock write may answer."""
        thing.caused_at = self._now()
        self._moved[thing] = None

    def observe(self) -> None:
        """Take in what the last step moved."""
        self._read_logs()
        for thing in self._moved:
            if not thing.right:
                thing.right_since = None
            elif thing.right_since is None:
                thing.right_since = self._now()
        self._moved.clear()

    def _read_logs(self) -> None:
        logs = self._world.lightspeed.books.logs
        while self._logs < len(logs):
            self._logs += 1
            row = logs[self._logs]
            thing = self._by_till.get(row.item_id)
            if thing is None or row.shop_id != _SHOP:
                continue
            if row.reason in (Reason.LAID_AWAY, Reason.PUT_BACK):  # the product's: nobody else lays anything away here
                pass
            elif self._is_ours(row.sale_id):
                thing.booked -= row.qoh_change
            elif thing.said.put(self._now(), thing.said.now + row.qoh_change):
                thing.said_at = self._now()
            self._moved[thing] = None

    def _is_ours(self, sale_id: int) -> bool:
        sale = self._world.lightspeed.books.sales.get(sale_id) if sale_id else None
        return isinstance(sale, Sale) and sale.reference_number.startswith(REFERENCE)

    def _hear(self, event: Event) -> None:
        if event.topic in _OF_ORDERS:
            self._count(event.subject)
        elif event.topic == "inventory_levels/update":
            thing = self._by_item.get(event.subject)
            if thing is not None:
                self._moved[thing] = None

    def _count(self, gid: str) -> None:
        """Count what an order takes, anew."""
        taken = _takes(self._world.shopify.order(gid))
        before = self._taken.get(gid, {})
        self._taken[gid] = taken
        for item, units in taken.items():
            thing, change = self._by_item.get(item), units - before.get(item, 0)
            if thing is None or not change:
                continue
            if change < 0 and thing.left < 0:
                thing.unreal.append((self._now(), -change))
            thing.taken += change
            if thing.left < 0:
                thing.caused_at = self._now()
            self._moved[thing] = None
            if change > 0:
                for tell in self.ordered:
                    tell(thing, change)


def _takes(order: Order) -> dict[str, int]:
    """Return the units that an order takes, by inventory item: placed and not put back where they came from."""
    taken: dict[str, int] = defaultdict(int)
    for line in order.lines:
        taken[line.variant.item.id] += line.quantity
    for refund in order.refunds:
        for row in refund.lines:
            if row.location is order.location:
                taken[row.line.variant.item.id] -= row.quantity
    return dict(taken)
