"""Mirrors reservations into Lightspeed as layaways, so that the till sees units that online shoppers hold.

What should be kept aside are the active holds; what is kept aside stands in our own record, and is compared with
Lightspeed's list every so often. Each change is recorded before it is sent, and sent once:

    ASKED      make a layaway        unanswered: looked for in the list, adopted if it is there, else given up later
    HELD       its units count (M)   ended by people: found in the list; the stock row shows it at once
    LEAVING    end it                unanswered: ended again, which does no harm
    GONE       its units count no more

Changes are made one at a time, in turn with stock passes and orders: none is on its way while stock is read. Few are
made a run, since each costs as much quota as two readings of stock: under many holds the mirror lags behind.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from sync.booking_ports import Bookings
from sync.clock import Clock
from sync.errors import Code, OutcomeUnknown, Permanent, SyncError, Transient
from sync.mirror_ports import Layaways, MirrorBook
from sync.mirroring import LayawayEnd, LayawayState, Mirrored, MirrorPolicy, Proof, Wanted, proof, same_line
from sync.model import LayawayLine, StockRow
from sync.pacing import backoff
from sync.ports import Ledger
from sync.records import PauseKind

log = structlog.get_logger()

JOB = "layaways"
_MOST_A_RUN = 4  # at 15 seconds a run they take half of the smallest account's quota
_MOST_STRANGERS = 20  # lines nobody knows of, ended in one comparison
_FOR_LONG = 20  # failures in a row, as far as the wait after them is concerned
_MISSES = 2  # comparisons in vain before a layaway counts as never made
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NOT_ITS_FAULT = frozenset({Code.LS005, Code.LS008, Code.LS010, Code.LS013})  # none can be made until a person acts


class Mirror:
    """The one worker that mirrors reservations. `turn` is shared with stock passes and whoever books orders."""

    def __init__(
        self,
        *,
        book: MirrorBook,
        layaways: Layaways,
        bookings: Bookings,
        ledger: Ledger,
        clock: Clock,
        turn: asyncio.Lock,
        policy: MirrorPolicy,
    ) -> None:
        self._book = book
        self._layaways = layaways
        self._bookings = bookings
        self._ledger = ledger
        self._clock = clock
        self._turn = turn
        self._policy = policy
        self._audit_at = _LONG_AGO
        self._not_before = _LONG_AGO
        self._failures = 0

    async def due(self) -> bool:
        """Tell whether there is anything to do now; while others have the turn, which may take long, there is not."""
        now = self._clock.now()
        if now < self._not_before or self._turn.locked():
            return False
        rows = await self._book.standing()
        if (not rows and not self._policy.keeping) or await self._paused():
            return False
        if self._must_compare(rows, now) or (rows and await self._book.to_end(now, self._policy) is not None):
            return True
        return await self._to_make(now) is not None

    async def run(self, _run_id: int) -> Mapping[str, int]:
        """Compare the lists where that is due, and make a few changes; return what was done, by kind.

        Raises Transient or Permanent; after that nothing is due for a while, each time longer.
        """
        counts: Counter[str] = Counter()
        try:
            await self._work(counts)
        except SyncError as error:
            self._failures += 1
            first, longest = self._policy.first_wait.total_seconds(), self._policy.longest_wait.total_seconds()
            wait = backoff(self._failures, 1.0, base=first, cap=longest)
            asked = error.retry_after if isinstance(error, Transient) else None
            self._not_before = self._clock.now() + timedelta(seconds=max(wait, asked or 0.0))
            raise
        self._failures = 0
        return counts

    async def let_go_of(self, order_id: str) -> None:
        """Put back what is kept aside for an order that is about to be booked; a failure is not the order's.

        Whoever calls has the turn. Lightspeed must not take the sale for one of goods that it does not have: some
        accounts then add what is missing.
        """
        for row in await self._book.of_order(order_id):
            try:
                await self._leave(row, LayawayEnd.LET_GO)
            except SyncError as error:
                log.warning("layaways.not_let_go", order=order_id, code=error.code.name, detail=error.detail)
                return

    async def _paused(self) -> bool:
        return any(pause.kind is PauseKind.ORDERS for pause in await self._ledger.pauses())

    async def _to_make(self, now: datetime) -> Wanted | None:
        """Return what to keep aside next; nothing while an order waits to be booked."""
        if not self._policy.keeping or await self._bookings.next_order(now) is not None:
            return None
        return await self._book.to_make(now, self._policy)

    async def _work(self, counts: Counter[str]) -> None:
        if self._must_compare(await self._book.standing(), self._clock.now()):
            async with self._turn:
                await self._compare(counts)
        for _ in range(_MOST_A_RUN):
            await self._layaways.room()  # before the turn is taken: stock must not wait for quota behind a hold
            if self._turn.locked():
                return
            async with self._turn:
                done = await self._step()
            if done is None:
                return
            counts[done] += 1

    async def _step(self) -> str | None:
        """Make one change, and return its kind; None: there is none to make."""
        now = self._clock.now()
        row = await self._book.to_end(now, self._policy)
        try:
            if row is not None:
                await self._leave(row, LayawayEnd.LET_GO)
                return "let_go"
            wanted = await self._to_make(now)
            return None if wanted is None else await self._make(wanted)
        except OutcomeUnknown as error:
            self._audit_at = now
            self._not_before = now + self._policy.look_again
            log.warning("layaways.unanswered", code=error.code.name, detail=error.detail)
            return None

    # --- one layaway ---

    async def _make(self, wanted: Wanted) -> str:
        """Keep units aside; return what became of it."""
        proved = await self._book.proved() is self._policy.lowers
        before = None if proved else await self._layaways.stock(wanted.item_id)
        row = await self._book.ask(wanted, self._clock.now(), lowers=self._policy.lowers)
        try:
            line, moved_at = await self._layaways.lay_away(wanted.item_id, wanted.units)
        except OutcomeUnknown:
            raise
        except (Transient, Permanent) as error:
            if isinstance(error, Transient) or error.code in _NOT_ITS_FAULT:
                await self._book.end(row, LayawayEnd.NEVER, None, self._clock.now())
                raise
            await self._book.end(row, LayawayEnd.NOTHING, None, self._clock.now())
            log.warning("layaways.refused", item=wanted.item_id, code=error.code.name, detail=error.detail)
            return "refused"
        row = _as(row, line)
        if not row.units:
            await self._leave(row, LayawayEnd.NOTHING)
            return "nothing"
        if not proved and not await self._proves(row, before):
            return "unclear"
        await self._book.hold(row, moved_at, self._clock.now())
        return "made"

    async def _proves(self, row: Mirrored, before: StockRow | None) -> bool:
        """Tell whether the account counts layaways as set; where it does not, the layaway is ended.

        Raises Permanent (LS014) where it surely does not.
        """
        after = await self._layaways.stock(row.item_id)
        verdict = proof(before, after, row.units, lowers=self._policy.lowers)
        if verdict is Proof.AS_SET:
            await self._book.prove(lowers=self._policy.lowers)
            return True
        await self._leave(row, LayawayEnd.NEVER)
        if verdict is Proof.OTHERWISE:
            self._failures = _FOR_LONG  # each try makes a layaway and ends it
            raise Permanent(Code.LS014, f"(item {row.item_id})")
        return False

    async def _leave(self, row: Mirrored, why: LayawayEnd) -> None:
        """End a layaway; where the request surely had no effect it stands as before."""
        leaving = replace(row, state=LayawayState.LEAVING, sent_at=self._clock.now())
        await self._book.move(row, leaving)
        try:
            moved_at = await self._layaways.take_back(row.line_id or "")
        except OutcomeUnknown:
            raise
        except (Transient, Permanent):
            if row.state is LayawayState.HELD:
                await self._book.move(leaving, row)
            raise
        await self._book.end(leaving, why, moved_at if row.units else None, self._clock.now())

    # --- comparing the lists ---

    def _must_compare(self, rows: Sequence[Mirrored], now: datetime) -> bool:
        if self._policy.keeping and now >= self._audit_at:
            return True
        return any(row.state is LayawayState.ASKED for row in rows)

    async def _compare(self, counts: Counter[str]) -> None:
        """Adopt what we asked for and got no answer to, notice what people ended, and end what nobody knows of."""
        rows = await self._book.standing()
        lines = await self._layaways.lines() if self._policy.keeping else []
        ours = {line.line_id: line for line in lines}
        known = {row.line_id for row in rows}
        strangers = [line for line in lines if line.line_id not in known]
        for row in rows:
            if row.state is LayawayState.ASKED:
                counts[await self._settle(row, strangers)] += 1
            elif row.state is LayawayState.HELD and self._policy.keeping:
                counts["taken"] += await self._was_taken(row, ours.get(row.line_id or ""))
        counts["strangers"] += await self._end_strangers(strangers)
        self._audit_at = self._clock.now() + self._policy.audit

    async def _settle(self, row: Mirrored, strangers: list[LayawayLine]) -> str:
        """Find out what became of a layaway that was asked for; return that."""
        now = self._clock.now()
        line = same_line(row, strangers)
        if line is not None:
            strangers.remove(line)
            found = _as(row, line)
            if not found.units or await self._book.proved() is not self._policy.lowers:
                await self._leave(found, LayawayEnd.NEVER)
                return "given_up"
            await self._book.hold(found, None, now)
            return "adopted"
        if row.sent_at > now:  # the clock was ahead once: wait from now on
            await self._book.move(row, replace(row, sent_at=now))
        elif now - row.sent_at >= self._policy.quarantine:
            missed = await self._book.move(row, replace(row, misses=row.misses + 1))
            if missed.misses >= _MISSES:
                await self._book.end(missed, LayawayEnd.NEVER, None, now)
                return "given_up"
        return "in_doubt"

    async def _was_taken(self, row: Mirrored, line: LayawayLine | None) -> bool:
        """Tell whether people ended or changed a layaway; then it counts no more."""
        if line is None:
            line = await self._layaways.line(row.line_id or "")
        if line is not None and line.reserved in (None, row.units):
            return False
        if line is None:
            await self._book.end(row, LayawayEnd.TAKEN, None, self._clock.now())
        else:
            await self._leave(row, LayawayEnd.TAKEN)
        log.warning("layaways.taken", item=row.item_id, line=row.line_id, units=row.units)
        return True

    async def _end_strangers(self, strangers: Sequence[LayawayLine]) -> int:
        """End layaways of our customer that we know nothing of: what nobody answered for, or a lost database's."""
        for line in strangers[:_MOST_STRANGERS]:
            log.warning("layaways.nobodys", item=line.item_id, line=line.line_id, units=line.reserved)
            await self._layaways.take_back(line.line_id)
        return len(strangers[:_MOST_STRANGERS])


def _as(row: Mirrored, line: LayawayLine) -> Mirrored:
    """Return a layaway as Lightspeed has it; units that it does not tell of are none."""
    return replace(row, line_id=line.line_id, units=line.reserved or 0)
