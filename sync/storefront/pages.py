"""The pages of /inventory: each is serialised once for a state of the shelf, however many open pages ask for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import msgspec

from sync.shelf import ShelfItem
from sync.storefront.answers import Answer, answer, unchanged
from sync.storefront.ports import Shelf

LARGEST, USUAL = 500, 200  # items of one page

_MOST_PAGES = 32  # kept at a time: some 4 MB at the most


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Which part of the list somebody wants: `limit` items behind the first `offset` of those changed `since`."""

    limit: int = USUAL
    offset: int = 0
    since: datetime | None = None


class Listed(msgspec.Struct, frozen=True, rename={"item_id": "itemID"}):
    """One item as /inventory tells it: never what it cost, nor who supplied it.

    `available` is what may be promised online now; the store's own stock stands under both of its names.
    """

    item_id: str
    variantId: str  # noqa: N815 - as the outside spells it
    sku: str
    description: str
    qtyOnHand: int  # noqa: N815
    qoh: int
    available: int
    timeStamp: datetime  # noqa: N815


def listed(item: ShelfItem) -> Listed:
    """Return an item as it is told."""
    return Listed(
        item.item_id,
        item.variant_id,
        item.sku,
        item.description,
        item.on_hand,
        item.on_hand,
        item.promised,
        whole(item.changed_at),
    )


def whole(at: datetime) -> datetime:
    """Return a moment without its fraction of a second."""
    return at.replace(microsecond=0)


class Pages:
    """Answers /inventory out of a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._state: tuple[int, datetime | None] | None = None
        self._kept: OrderedDict[PageAsked, tuple[bytes, Answer]] = OrderedDict()

    async def answer(self, asked: PageAsked, known: bytes) -> Answer:
        """Return a page; `known` is If-None-Match, and whoever has the page already is told only that."""
        state = (self._shelf.generation, self._shelf.passed_at)
        if state != self._state:
            self._state = state
            self._kept.clear()
        kept = self._kept.get(asked)
        if kept is None:
            kept = await self._made(asked)
            if state == (self._shelf.generation, self._shelf.passed_at):  # else it may be of two states
                self._keep(asked, kept)
        etag, page = kept
        return unchanged(etag) if known and etag in known else page

    async def _made(self, asked: PageAsked) -> tuple[bytes, Answer]:
        items = await self._shelf.page(asked.limit, asked.offset, asked.since)
        body = msgspec.json.encode([listed(item) for item in items])
        pagination = b'{"count":%d,"limit":%d,"offset":%d}' % (len(items), asked.limit, asked.offset)
        etag = b'W/"%s"' % blake2b(body + pagination, digest_size=12).hexdigest().encode()
        as_of = msgspec.json.encode(_oldest(items, self._shelf.passed_at))
        page = b'{"items":%s,"pagination":%s,"asOf":%s}' % (body, pagination, as_of)
        return etag, answer(page, 200, (b"etag", etag))

    def _keep(self, asked: PageAsked, page: tuple[bytes, Answer]) -> None:
        self._kept[asked] = page
        while len(self._kept) > _MOST_PAGES:
            self._kept.popitem(last=False)


def _oldest(items: Sequence[ShelfItem], passed_at: datetime | None) -> datetime | None:
    """Return how fresh the least fresh of some items is."""
    return whole(min(item.as_of(passed_at) for item in items)) if items else None
