"""A shelf, holds and hints in memory, as the public listener knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sync.hints import Checked, OrderHint
from sync.reservations import Asked, Change, Ending, Granted, Hold, Refusal, Refused
from sync.shelf import ShelfItem

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_TTL = timedelta(minutes=15)


def shelf_item(
    number: int, *, sellable: int = 5, held: int = 0, on_hand: int = 7, changed_at: datetime = NOW
) -> ShelfItem:
    """Return an item: Lightspeed's id is the number, Shopify's are 44000 and 55000 more."""
    return ShelfItem(
        link_id=number,
        item_id=str(number),
        variant_id=str(44000 + number),
        inventory_item_id=str(55000 + number),
        sku=f"SKU-{number}",
        description=f"Item {number}",
        sellable=sellable,
        held=held,
        changed_at=changed_at,
        evaluated_at=NOW,
        on_hand=on_hand,
    )


class FakeShelf:
    def __init__(self, *items: ShelfItem) -> None:
        self.items = {item.item_id: item for item in items}
        self.generation = 1
        self.passed_at: datetime | None = NOW
        self.owned: dict[tuple[str, str], int] = {}
        self.pages_read = 0

    def put(self, item: ShelfItem) -> None:
        """Replace an item, which is a change."""
        self.items[item.item_id] = item
        self.generation += 1

    async def find(self, item_id: str | None, variant_id: str | None) -> ShelfItem | None:
        for item in self.items.values():
            if item_id in (None, item.item_id) and variant_id in (None, item.variant_id):
                return item if (item_id, variant_id) != (None, None) else None
        return None

    async def find_all(self, names: Sequence[tuple[str | None, str | None]]) -> Sequence[ShelfItem]:
        found = [await self.find(*pair) for pair in names]
        return list(dict.fromkeys(item for item in found if item is not None))

    async def page(self, limit: int, offset: int, since: datetime | None = None) -> Sequence[ShelfItem]:
        self.pages_read += 1
        ordered = sorted(self.items.values(), key=lambda item: int(item.item_id))
        return [item for item in ordered if since is None or item.changed_at >= since][offset : offset + limit]

    async def own(self, client: str, inventory_item_id: str) -> int:
        return self.owned.get((client, inventory_item_id), 0)


class FakeHolds:
    """Grants what the shelf has left; each grant lessens it."""

    def __init__(self, shelf: FakeShelf) -> None:
        self._shelf = shelf
        self.held: dict[str, tuple[Hold, str]] = {}
        self.asked: list[Asked] = []

    async def reserve(self, asked: Asked) -> Granted | Refused:
        self.asked.append(asked)
        item = await self._shelf.find(asked.item_id, asked.variant_id)
        if item is None:
            return Refused(Refusal.UNKNOWN_ITEM)
        if asked.units > item.promised:
            return Refused(Refusal.NOT_ENOUGH, item.promised)
        hold_id = f"hold-{len(self.held) + 1}"
        until = min(asked.until or asked.now + _TTL, asked.now + _TTL)
        hold = Hold(hold_id, item.link_id, item.inventory_item_id, asked.units, "", asked.client, asked.now, until)
        self._keep(hold, item, asked.units)
        return Granted(hold)

    async def change(self, wish: Change) -> Granted | Refused:
        if wish.hold_id not in self.held:
            return Refused(Refusal.UNKNOWN_HOLD)
        hold, item_id = self.held[wish.hold_id]
        if hold.ending is not None:
            return Refused(Refusal.ENDED)
        item = self._shelf.items[item_id]
        if await self._shelf.find(wish.item_id or item.item_id, wish.variant_id) != item:
            return Refused(Refusal.UNKNOWN_HOLD)
        if wish.units > item.promised + hold.units:
            return Refused(Refusal.NOT_ENOUGH, item.promised + hold.units)
        changed = replace(hold, units=wish.units, expires_at=wish.now + _TTL, renewed=True)
        self._keep(changed, item, wish.units - hold.units)
        return Granted(changed)

    async def release(self, hold_id: str, now: datetime) -> bool:
        hold, item_id = self.held.get(hold_id, (None, ""))
        if hold is None or hold.ending is not None:
            return False
        ended = replace(hold, ended_at=now, ending=Ending.RELEASED)
        self._keep(ended, self._shelf.items[item_id], -hold.units)
        return True

    def _keep(self, hold: Hold, item: ShelfItem, more: int) -> None:
        self.held[hold.hold_id] = (hold, item.item_id)
        self._shelf.put(replace(item, held=item.held + more))


@dataclass
class FakeHints:
    state: Checked = Checked.QUEUED
    sales: dict[str, str] = field(default_factory=dict)
    checked: int = 0
    orders: list[OrderHint] = field(default_factory=list)

    async def check(self) -> Checked:
        self.checked += 1
        return self.state

    async def order(self, hint: OrderHint) -> str | None:
        self.orders.append(hint)
        return self.sales.get(hint.name)
