"""Looks at links a second time before it is said that their numbers differ: what moved meanwhile is read anew.

A difference seen in one reading may be an order that arrived between two calls. So the rows are read again after the
order pull, as before a write; where they are as they were, the difference is real.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sync.clock import Clock
from sync.model import Certificate, LevelRow
from sync.ports import Ledger, Storefront
from sync.records import Work
from sync.stock import Decision, Verdict, agree, decide
from sync.stock_reads import Reader
from sync.stock_writes import ROUNDS, ROWS_PER_CALL, Context, reading_of


@dataclass(frozen=True, slots=True)
class Looked:
    """One link as it was evaluated: the row and the decision on it."""

    work: Work
    level: LevelRow
    decision: Decision

    @property
    def agrees(self) -> bool:
        """Tell whether Shopify shows what it should."""
        return agree(self.level.available, self.decision.target)


class Watch(Protocol):
    """Is told what a pass sees, and nothing is written then."""

    def read(self, certificates: Sequence[Certificate], variants: Container[str]) -> None:
        """Hear that both shops were read whole, and that Shopify has these variants."""

    def seen(self, looked: Looked) -> None:
        """Hear of a link that was evaluated on its first row."""

    def unreadable(self, count: int) -> None:
        """Hear of how many links the stock is not known on one side."""

    async def differ(self, found: Sequence[Looked]) -> None:
        """Hear of links whose numbers differ in two readings running."""

    def moving(self, count: int) -> None:
        """Hear how many links moved each time they were read, or wait for a sale that is on its way."""


class SecondLook:
    """Reads the rows of links anew until they stand still, at most as often as a write would try."""

    def __init__(self, *, storefront: Storefront, ledger: Ledger, clock: Clock, reader: Reader, watch: Watch) -> None:
        self._storefront = storefront
        self._ledger = ledger
        self._clock = clock
        self._reader = reader
        self._watch = watch

    async def look(self, link_ids: Sequence[int], context: Context) -> None:
        """Tell the watch which of these links differ; their rows were read before the last order pull."""
        for start in range(0, len(link_ids), ROWS_PER_CALL):
            await self._look(link_ids[start : start + ROWS_PER_CALL], context)

    async def _look(self, link_ids: Sequence[int], context: Context) -> None:
        for again in range(ROUNDS):
            if again:
                context = replace(context, pulled_at=await self._reader.pull_orders())
            moved = await self._round(link_ids, context)
            if not moved:
                return
            link_ids = moved
        self._watch.moving(len(link_ids))

    async def _round(self, link_ids: Sequence[int], context: Context) -> list[int]:
        """Tell of the links whose rows are as they were; return those that moved."""
        works = [work for work in await self._ledger.work_of(link_ids, context.as_of) if _known(work)]
        apart = [each for work in works if not (each := looked_at(work, context, self._clock.now())).agrees]
        waiting = [each for each in apart if each.decision.verdict is Verdict.UNSETTLED]
        self._watch.moving(len(waiting))
        asked = [each for each in apart if each.decision.verdict is not Verdict.UNSETTLED]
        if not asked:
            return []
        rows = await self._storefront.levels_of([each.work.inventory_item_id for each in asked])
        await self._ledger.keep_levels(list(rows.values()), self._clock.now())
        still = [each for each in asked if _same(each.level, rows.get(each.work.inventory_item_id))]
        await self._watch.differ(still)
        gone = sum(each.work.inventory_item_id not in rows for each in asked)
        self._watch.unreadable(gone)
        moved = {each.work.link_id for each in asked if each.work.inventory_item_id in rows}
        return sorted(moved - {each.work.link_id for each in still})


def looked_at(work: Work, context: Context, now: datetime) -> Looked:
    """Return a link's evaluation on the row that was last read; raises ValueError where a number is unknown."""
    if work.level is None:
        message = f"link {work.link_id} has no level row to decide on"
        raise ValueError(message)
    reading = reading_of(work, work.level, coherent=True, context=context, now=now)
    return Looked(work, work.level, decide(reading, work.memory, context.policy))


def _known(work: Work) -> bool:
    return work.level is not None and work.on_hand is not None


def _same(first: LevelRow, again: LevelRow | None) -> bool:
    return again is not None and replace(again, level_updated_at=first.level_updated_at) == first
