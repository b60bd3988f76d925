"""Carries out what people say about links: map, replace, take apart. Never while a pass is deciding or writing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace as changed

import structlog

from sync.clock import Clock
from sync.errors import Code, Permanent
from sync.events import Listener, RunWanted
from sync.linking import Linking
from sync.mapping import CARRIED_OUT, WELL, MapOutcome, Mapped, Pair, Wanted, plan_mapping
from sync.mapping_ports import MapBook

log = structlog.get_logger()

_OUTCOMES: Mapping[Code, MapOutcome] = {Code.SK005: MapOutcome.BUSY, Code.SK007: MapOutcome.TAKEN}
_STOCK = RunWanted("stock")  # a new link is looked at at once


def _answered(each: Mapped, refused: Mapping[Pair, Code]) -> Mapped:
    code = refused.get(each.pair) if each.pair else None
    return each if code is None else changed(each, outcome=_OUTCOMES[code])


class MappingDesk:
    """What people may ask about links. `turn` is shared with the passes: no link ends while one writes to it."""

    def __init__(self, *, book: MapBook, linking: Linking, clock: Clock, tell: Listener, turn: asyncio.Lock) -> None:
        self._book = book
        self._linking = linking
        self._clock = clock
        self._tell = tell
        self._turn = turn

    async def map(self, wanted: Sequence[Wanted], by: str, *, replace: bool, pin: bool) -> Sequence[Mapped]:
        """Link the pairs that can be linked; return what became of each, in order.

        Wrong links end with `replace` only. `pin` makes links that there are already the person's own.
        """
        async with self._turn:
            planned = plan_mapping(wanted, *await self._book.things(), replace=replace)
            taken = WELL if pin else CARRIED_OUT
            pairs = [each.pair for each in planned if each.pair and each.outcome in taken]
            refused = await self._book.join(pairs, by, self._clock.now(), replace=replace)
            await self._linking.link()  # what was said of these SKUs before is no problem any more
        done = [_answered(each, refused) for each in planned]
        count = sum(each.outcome in CARRIED_OUT for each in done)
        log.info("sku.mapped", links=count, pairs=len(wanted), by=by)
        if count:
            self._tell(_STOCK)
        return done

    async def unmap(self, skus: Sequence[str], by: str, reason: str) -> int:
        """End the links of these SKUs and keep their two sides apart; return how many ended.

        Raises Permanent, and ends none: LS002 for a SKU without a link, SK005 while a stock write of one is on its way.
        """
        async with self._turn:
            found = await self._book.link_ids_of(skus)
            if missing := [sku for sku in skus if sku not in found]:
                raise Permanent(Code.LS002, f"({', '.join(missing)})")
            refused = await self._book.part(list(found.values()), by, reason, self._clock.now())
            if refused:
                named = [sku for sku, link_id in found.items() if link_id in refused]
                raise Permanent(Code.SK005, f"({', '.join(named)})")
            await self._linking.link()
        log.info("sku.unmapped", skus=skus, by=by, reason=reason)
        return len(set(found.values()))

    async def check(self, _run_id: int) -> Mapping[str, int]:
        """Look whether both sides of every link still agree; return the counts, keep the links in doubt."""
        found = await self._book.accuracy()
        await self._book.keep_doubts(found, self._clock.now())
        return found.numbers
