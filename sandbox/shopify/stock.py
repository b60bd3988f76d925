"""The store's stock: every level, and the only way its quantities move."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sandbox.clock import Clock
from sandbox.shopify.index import Doc, Index
from sandbox.shopify.model import AdjustmentGroup, Event, Item, Level, Location, Quantity, StockWrite

FIRST_LEVEL = 110_000_000_000


def level_doc(level: Level) -> Doc:
    """Return a level's searchable values."""
    return {
        "id": level.number,
        "updated_at": level.updated_at,
        "created_at": level.created_at,
        "inventory_item_id": level.item.number,
        "inventory_group_id": level.item.number,
        "is_active": level.is_active,
    }


def second(moment: datetime) -> datetime:
    """Cut a moment to the whole second, as every answered time is."""
    return moment.replace(microsecond=0)


class Stock:
    """Levels by location, moved in whole units; `writes` is every row ever written through the API."""

    def __init__(self, clock: Clock, lag_seconds: float, publish: Callable[[Event], None]) -> None:
        self._clock = clock
        self._lag = lag_seconds
        self._publish = publish
        self._next = FIRST_LEVEL
        self.indexes: dict[str, Index] = {}
        self.levels: dict[str, Level] = {}
        self.groups: dict[str, AdjustmentGroup] = {}
        self.writes: list[StockWrite] = []

    def now(self) -> datetime:
        """Return the present second."""
        return second(self._clock.now())

    def add_location(self, location: Location) -> None:
        """Make room for the levels of a location."""
        self.indexes[location.id] = Index(self._clock, self._lag, level_doc)

    def load(self, location: Location, rows: Iterable[tuple[Item, int]], at: datetime) -> None:
        """Stock items at a location as of `at`, long before the store is first asked."""
        made: list[Level] = []
        for item, available in rows:
            level = self._new(item, location, at)
            if available:
                level.quantities["available"] = available
                level.touched["available"] = at
            made.append(level)
        self.indexes[location.id].load(made)

    def activate(self, item: Item, location: Location) -> Level:
        """Begin to stock an item at a location, with nothing there, or with what lay there before."""
        level = item.levels.get(location.id)
        if level is None:
            level = self._new(item, location, self.now())
        level.is_active = True
        self._touched(level)
        self._publish(Event("inventory_levels/connect", item.id, self._clock.now(), location.id))
        return level

    def deactivate(self, level: Level) -> None:
        """Stop stocking: the quantities stay, the level is hidden unless inactive ones are asked for."""
        level.is_active = False
        self._touched(level)
        self._publish(Event("inventory_levels/disconnect", level.item.id, self._clock.now(), level.location.id))

    def move(self, level: Level, **deltas: int) -> None:
        """Change quantities by name. `available` moves its own updatedAt, any change the level's."""
        now = self.now()
        for name, delta in deltas.items():
            if delta:
                level.quantities[name] += delta
                level.touched[name] = now
        if not any(deltas.values()):
            return
        self._touched(level)
        if deltas.get("available"):
            self._publish(Event("inventory_levels/update", level.item.id, self._clock.now(), level.location.id))

    def remove(self, level: Level) -> None:
        """Forget the level of an item that was deleted."""
        del self.levels[level.id]
        self.indexes[level.location.id].drop(level.number)

    def touch(self, level: Level) -> None:
        """Let the level's updatedAt move although no quantity did."""
        self._touched(level)

    def quantities(self, level: Level, names: Iterable[str]) -> list[Quantity]:
        """Return the named quantities in the order asked for; a name that does not exist is passed over."""
        found: list[Quantity] = []
        for name in names:
            if name == "on_hand" or name in level.quantities:
                gid = (
                    f"gid://shopify/InventoryQuantity/{level.number}?inventory_item_id={level.item.number}&name={name}"
                )
                found.append(Quantity(gid, name, level.quantity(name), level.touched.get(name)))
        return found

    def _new(self, item: Item, location: Location, at: datetime) -> Level:
        self._next += 1
        level = Level(self._next, item, location, at, at)
        item.levels[location.id] = level
        self.levels[level.id] = level
        return level

    def _touched(self, level: Level) -> None:
        level.updated_at = self.now()
        self.indexes[level.location.id].touch(level)
