"""Makes items in Lightspeed at a person's word: looked for first, intent before, outcome after, never made twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from sync.clock import Clock
from sync.errors import Code, OutcomeUnknown, Permanent, Transient
from sync.item_making import ItemDraft, MadeItem, MakeOutcome, Making, drafted, may_come, same_sku
from sync.linking import Linking
from sync.mapping import Catalogue
from sync.mapping_ports import MapBook
from sync.model import ItemRow
from sync.ports import Ledger
from sync.records import SkuKey

log = structlog.get_logger()


class ItemMaker(Protocol):
    """Lightspeed's items, as far as they are made."""

    async def find(self, sku: str) -> Sequence[ItemRow]:
        """Return the items whose custom SKU is this one, archived ones too. Raises Transient or Permanent."""

    async def make(self, draft: ItemDraft) -> ItemRow:
        """Make an item; sent once and never repeated.

        Raises OutcomeUnknown when it may have been made, Transient or Permanent when it surely was not.
        """


class MakingBook(Protocol):
    """What is on record about items that were asked for. Each call is one transaction."""

    async def pending(self, sku: str) -> Making | None:
        """Return what was asked for under a SKU and is not known to exist, or not to."""

    async def intend(self, draft: ItemDraft, variant_id: str, by: str, now: datetime) -> Making:
        """Record an item before it is asked for; one that is pending is asked for anew."""

    async def unanswered(self, making: Making, now: datetime) -> None:
        """Record that nobody answered."""

    async def refused(self, making: Making, code: Code, detail: str, now: datetime) -> None:
        """Record that the item was surely not made."""

    async def made(self, making: Making, item_id: str, now: datetime, *, found: bool = False) -> None:
        """Record that there is an item, made or `found`; it is kept apart from its variant until a person maps them."""


class ItemDesk:
    """What people may ask about items for what is sold online only. `turn` is shared with the passes."""

    def __init__(
        self,
        *,
        maker: ItemMaker,
        book: MakingBook,
        links: MapBook,
        ledger: Ledger,
        linking: Linking,
        clock: Clock,
        turn: asyncio.Lock,
        quarantine: timedelta,
    ) -> None:
        self._maker = maker
        self._book = book
        self._links = links
        self._ledger = ledger
        self._linking = linking
        self._clock = clock
        self._turn = turn
        self._quarantine = quarantine

    async def create(self, names: Sequence[str], by: str, *, confirm: bool) -> Sequence[MadeItem]:
        """Make an item for each variant that a person names; without `confirm` only look what that would do.

        Raises what Lightspeed raises while it is only asked; what was made until then is on record.
        """
        done: dict[str, MadeItem] = {}
        for name in dict.fromkeys(names):
            async with self._turn:  # for one at a time: Lightspeed is asked twice for each
                catalogue = Catalogue(*await self._links.things())
                done[name] = await self._one(name, catalogue, by, confirm=confirm)
        if confirm:
            async with self._turn:
                await self._linking.link()
        for each in done.values():
            log.info("sku.item", sku=each.sku, outcome=each.outcome.name.lower(), item=each.item_id or None, by=by)
        return list(done.values())

    async def _one(self, name: str, catalogue: Catalogue, by: str, *, confirm: bool) -> MadeItem:
        planned = drafted(name, catalogue)
        if isinstance(planned, MadeItem):
            if confirm and planned.draft is not None:
                await self._settle(name, planned.draft)
            return planned
        variant, draft = planned
        making = await self._book.pending(draft.sku)
        there = await self._found(name, draft, making if confirm else None)
        if there is not None:
            return there
        if may_come(making, self._clock.now(), self._quarantine):
            return MadeItem(name, MakeOutcome.MAY_COME, draft, code=Code.LS015)
        if not confirm:
            return MadeItem(name, MakeOutcome.WOULD, draft)
        return await self._make(name, variant, draft, by)

    async def _settle(self, name: str, draft: ItemDraft) -> None:
        """Close what was asked for without an answer, where the item has come meanwhile."""
        making = await self._book.pending(draft.sku)
        if making is not None:
            await self._found(name, draft, making)

    async def _found(self, name: str, draft: ItemDraft, making: Making | None) -> MadeItem | None:
        """Look in Lightspeed itself: it may have what our last reading had not. `making` is closed by what is there."""
        rows = {row.item_id: row for row in await self._maker.find(draft.sku)}
        same = same_sku([(row.item_id, row.custom_sku, row.archived) for row in rows.values()], draft.sku)
        if same is None:
            return None
        item_id, archived = same
        if making is not None:
            await self._book.made(making, item_id, self._clock.now(), found=True)
        await self._ledger.keep_items([rows[item_id]], self._clock.now())
        return MadeItem(name, MakeOutcome.ARCHIVED if archived else MakeOutcome.FOUND, draft, item_id)

    async def _make(self, name: str, variant: SkuKey, draft: ItemDraft, by: str) -> MadeItem:
        making = await self._book.intend(draft, variant.id, by, self._clock.now())
        try:
            row = await self._maker.make(draft)
        except OutcomeUnknown as error:
            await self._book.unanswered(making, self._clock.now())
            return MadeItem(name, MakeOutcome.MAY_COME, draft, detail=error.detail, code=Code.LS015)
        except (Transient, Permanent) as error:
            await self._book.refused(making, error.code, error.detail, self._clock.now())
            return MadeItem(name, MakeOutcome.REFUSED, draft, detail=error.detail, code=error.code)
        await self._book.made(making, row.item_id, self._clock.now())
        await self._ledger.keep_items([row], self._clock.now())
        return MadeItem(name, MakeOutcome.CREATED, draft, row.item_id)
