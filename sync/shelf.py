"""What may be promised to an online shopper: one value for each item that both shops sell, kept in memory.

Ids are decimal here, as the storefront's own pages know them; the engine's gids are made of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sync.clock import Clock
from sync.reservations import Ending, digest

Key = TypeVar("Key", str, tuple[str, str])
Name = TypeVar("Name", str, int)


@dataclass(frozen=True, slots=True)
class ShelfItem:
    """One confirmed link of which both numbers are known.

    `sellable` is the lesser of Shopify's number and the target, at least 0, holds not taken off. `held` are the units
    of active holds, and of consumed ones that the target does not leave out yet. `on_hand` is what Lightspeed has in
    the store, at least 0: nobody is promised that. `changed_at` is when either, or what
    is told beside them, last changed; `evaluated_at` when the target was made. `due`: news of it wait to be looked at.
    """

    link_id: int
    item_id: str
    variant_id: str
    inventory_item_id: str
    sku: str
    description: str
    sellable: int
    held: int
    changed_at: datetime
    evaluated_at: datetime
    due: bool = False
    on_hand: int = 0

    @property
    def promised(self) -> int:
        """Return the units that another cart can still have."""
        return max(0, self.sellable - self.held)

    @property
    def variant_gid(self) -> str:
        """Return the variant's id as the engine knows it."""
        return f"gid://shopify/ProductVariant/{self.variant_id}"

    @property
    def inventory_item_gid(self) -> str:
        """Return the inventory item's id as the engine knows it."""
        return f"gid://shopify/InventoryItem/{self.inventory_item_id}"

    def as_of(self, passed_at: datetime | None) -> datetime:
        """Return how fresh the numbers are, where the last complete pass began at `passed_at`."""
        if self.due or passed_at is None:
            return self.evaluated_at
        return max(self.evaluated_at, passed_at)


@dataclass(frozen=True, slots=True)
class ShelfHold:
    """What the shelf knows of a hold: `counts` as the table says it, whatever the time is."""

    hold_id: str
    inventory_item_id: str
    units: int
    client: str  # a hash
    expires_at: datetime
    ending: Ending | None
    counts: bool


def decimal(gid: str) -> str:
    """Return the number at the end of one of Shopify's gids."""
    return gid.rpartition("/")[2]


class LiveShelf:
    """The `Shelf` of `storefront/ports.py` in memory, for one event loop; nothing of it waits.

    Whoever feeds it says what was read. What has expired counts no more from that moment on, told or not.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._generation = 0
        self.passed_at: datetime | None = None
        self._items: dict[str, ShelfItem] = {}  # by item id
        self._of_variant: dict[str, str] = {}  # to item ids, as the next two
        self._of_inventory: dict[str, str] = {}
        self._of_link: dict[int, str] = {}
        self._order: list[str] | None = None
        self._holds: dict[str, ShelfHold] = {}
        self._counted: dict[str, ShelfHold] = {}  # those that are in the sums
        self._held: dict[str, int] = {}  # units by inventory item
        self._own: dict[tuple[str, str], int] = {}  # units by client and inventory item
        self._expiries: list[tuple[datetime, str]] = []

    # --- what is asked ---
    @property
    def generation(self) -> int:
        """Return a number that grows with every change."""
        self._lapse()
        return self._generation

    async def find(self, item_id: str | None, variant_id: str | None) -> ShelfItem | None:
        """Return the item with these ids; None: it is not on the shelf, or the ids do not belong together."""
        return self.find_now(item_id, variant_id)

    async def find_all(self, names: Sequence[tuple[str | None, str | None]]) -> Sequence[ShelfItem]:
        """Return the items that these pairs of ids name, each once."""
        found = (self.find_now(item_id, variant_id) for item_id, variant_id in names)
        return list({item.link_id: item for item in found if item is not None}.values())

    async def page(self, limit: int, offset: int, since: datetime | None = None) -> Sequence[ShelfItem]:
        """Return items by item id, the least number first."""
        self._lapse()
        if self._order is None:
            self._order = sorted(self._items, key=lambda item_id: (len(item_id), item_id))
        if since is None:
            return [self._items[item_id] for item_id in self._order[offset : offset + limit]]
        changed = [item for item_id in self._order if (item := self._items[item_id]).changed_at >= since]
        return changed[offset : offset + limit]

    async def own(self, client: str, inventory_item_id: str) -> int:
        """Return the units of an item that a client holds itself."""
        self._lapse()
        return self._own.get((digest(client), inventory_item_id), 0)

    def find_now(self, item_id: str | None, variant_id: str | None) -> ShelfItem | None:
        """Return what `find` does."""
        self._lapse()
        if variant_id is None:
            return self._items.get(item_id) if item_id is not None else None
        found = self._of_variant.get(variant_id)
        return None if found is None or item_id not in (None, found) else self._items[found]

    # --- what it is told ---
    def links_known(self) -> Iterable[int]:
        """Return the links that are on the shelf."""
        return self._of_link.keys()

    def holds_known(self) -> Iterable[str]:
        """Return the holds that it knows."""
        return self._holds.keys()

    def put(self, items: Iterable[ShelfItem]) -> None:
        """Take in items as they were read, holds left out of account."""
        for item in items:
            self._put(item)

    def remove(
        self, link_ids: Iterable[int] = (), item_ids: Iterable[str] = (), inventory_item_ids: Iterable[str] = ()
    ) -> None:
        """Take items off the shelf; what is not there is no mistake."""
        gone = {self._of_link.get(link_id) for link_id in link_ids} | {*item_ids}
        gone |= {self._of_inventory.get(each) for each in inventory_item_ids}
        for item_id in gone:
            item = self._items.pop(item_id, None) if item_id is not None else None
            if item is not None:
                _forget(self._of_link, item.link_id, item.item_id)
                _forget(self._of_variant, item.variant_id, item.item_id)
                _forget(self._of_inventory, item.inventory_item_id, item.item_id)
                self._order = None
                self._generation += 1

    def put_holds(self, holds: Iterable[ShelfHold]) -> list[Ending]:
        """Take in holds as they were read; return the endings that were not known yet."""
        self._lapse()
        endings: list[Ending] = []
        for hold in holds:
            before = self._holds.pop(hold.hold_id, None)
            if before is not None and before.ending is None and hold.ending is not None:
                endings.append(hold.ending)
            self._uncount(hold.hold_id)
            if hold.counts:
                self._holds[hold.hold_id] = hold
                self._count(hold)
            self._tell_item(hold.inventory_item_id)
        return endings

    # --- how it is kept ---
    def _put(self, item: ShelfItem) -> None:
        known = self._items.get(item.item_id)
        if known is not None and known.link_id != item.link_id:
            self.remove(item_ids=[known.item_id])
            known = None
        # A link is told before the ended one whose goods it has: both on the shelf would promise each unit twice.
        self.remove(item_ids=self._with_goods_of(item) - {item.item_id})
        held = self._held.get(item.inventory_item_id, 0)
        changed_at = max(item.changed_at, self._clock.now())  # what expired before, nobody may have been told
        if known is not None:
            same = _told(known) == (item.sku, item.description, item.sellable, item.on_hand, held)
            changed_at = known.changed_at if same else self._clock.now()
        fresh = replace(item, held=held, changed_at=changed_at)
        if fresh == known:
            return
        if known is None:
            self._order = None
        self._items[item.item_id] = fresh
        self._of_variant[item.variant_id] = item.item_id
        self._of_inventory[item.inventory_item_id] = item.item_id
        self._of_link[item.link_id] = item.item_id
        self._generation += 1

    def _with_goods_of(self, item: ShelfItem) -> set[str]:
        """Return the ids of the items that are on the shelf with the same variant or inventory item."""
        found = (self._of_variant.get(item.variant_id), self._of_inventory.get(item.inventory_item_id))
        return {item_id for item_id in found if item_id is not None}

    def _tell_item(self, inventory_item_id: str) -> None:
        """Let an item say how much of it is held by now."""
        item_id = self._of_inventory.get(inventory_item_id)
        item, held = self._items.get(item_id or ""), self._held.get(inventory_item_id, 0)
        if item is not None and item.held != held:
            self._items[item.item_id] = replace(item, held=held, changed_at=self._clock.now())
            self._generation += 1

    def _count(self, hold: ShelfHold) -> None:
        if hold.ending is None:
            if hold.expires_at <= self._clock.now():
                return
            heapq.heappush(self._expiries, (hold.expires_at, hold.hold_id))
        self._counted[hold.hold_id] = hold
        self._add(hold, hold.units)

    def _uncount(self, hold_id: str) -> None:
        hold = self._counted.pop(hold_id, None)
        if hold is not None:
            self._add(hold, -hold.units)

    def _add(self, hold: ShelfHold, units: int) -> None:
        _add(self._held, hold.inventory_item_id, units)
        if hold.client:
            _add(self._own, (hold.client, hold.inventory_item_id), units)

    def _lapse(self) -> None:
        """Let what has expired count no more."""
        if not self._expiries:
            return
        now = self._clock.now()
        while self._expiries and self._expiries[0][0] <= now:
            at, hold_id = heapq.heappop(self._expiries)
            hold = self._counted.get(hold_id)
            if hold is not None and hold.ending is None and hold.expires_at == at:
                self._uncount(hold_id)
                self._tell_item(hold.inventory_item_id)


def _told(item: ShelfItem) -> tuple[str, str, int, int, int]:
    return (item.sku, item.description, item.sellable, item.on_hand, item.held)


def _forget(names: dict[Name, str], name: Name, item_id: str) -> None:
    """Forget a name of an item, unless it is another's by now."""
    if names.get(name) == item_id:
        del names[name]


def _add(sums: dict[Key, int], key: Key, units: int) -> None:
    total = sums.get(key, 0) + units
    if total:
        sums[key] = total
    else:
        sums.pop(key, None)
