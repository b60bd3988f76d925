"""What the storefront needs from the outside, as Protocols named for the need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sync.hints import Checked, OrderHint
from sync.reservations import Asked, Change, Granted, Refused
from sync.shelf import ShelfItem


class Shelf(Protocol):
    """What may be promised, as of the last commit; asking it calls no vendor. Ids are decimal."""

    @property
    def generation(self) -> int:
        """Return a number that grows with every change of what `find` and `page` tell."""

    @property
    def passed_at(self) -> datetime | None:
        """Return when the last complete pass began: `ShelfItem.as_of` takes it. None: there was none."""

    async def find(self, item_id: str | None, variant_id: str | None) -> ShelfItem | None:
        """Return the item with this Lightspeed id, this variant id or both; None: none is on the shelf.

        A pair that does not belong together is none.
        """

    async def find_all(self, names: Sequence[tuple[str | None, str | None]]) -> Sequence[ShelfItem]:
        """Return the items that these pairs of ids name, each once; what is not on the shelf is left out."""

    async def page(self, limit: int, offset: int, since: datetime | None = None) -> Sequence[ShelfItem]:
        """Return items by item id, the least number first; with `since` only those changed at or after it."""

    async def own(self, client: str, inventory_item_id: str) -> int:
        """Return the units of an item that a client holds itself; of `held`, its own page leaves them out."""


class Holds(Protocol):
    """Reservations. Each call is one transaction: a grant that was returned survives a power cut."""

    async def reserve(self, asked: Asked) -> Granted | Refused:
        """Hold units, or say why not. With a cart's token, asking again repeats the answer or changes the hold."""

    async def change(self, wish: Change) -> Granted | Refused:
        """Give a hold another quantity, or the same; the first time, it lasts anew from `wish.now`."""

    async def release(self, hold_id: str, now: datetime) -> bool:
        """End a hold; tell whether it was active. One that has ended, or never was, is no mistake."""


class HintTaker(Protocol):
    """Takes what visitors tell; see `sync.hints.Hints`."""

    async def check(self) -> Checked: ...  # noqa: D102 - told by its types

    async def order(self, hint: OrderHint) -> str | None: ...  # noqa: D102


class Meter(Protocol):
    """Told of every answer of the seven routes."""

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer and how long it took."""
