"""Carries out stock changes: the second reading, the intent, the write, and what to make of every answer.

A call is all or nothing and compares each row with the number it was decided on. Its rows are recorded before it
is sent. A call without an answer is never repeated from an older decision: the link remembers it, and the next
quiet reading tells what became of it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from sync.clock import Clock
from sync.errors import Code, OutcomeUnknown, SyncError
from sync.events import Listener, PassMoved, Propagated, Step, StockWritten
from sync.halting import Halt
from sync.model import LevelRow, RowProblem, RowRefusal
from sync.ports import Ledger, Storefront
from sync.records import AsOf, Evaluation, Intent, RowOutcome, StockCall, Work, WriteOutcome
from sync.reviewing import Review
from sync.stock import Decision, Memory, Policy, Reading, Verdict, decide

log = structlog.get_logger()

ROWS_PER_CALL = 250  # Shopify's limit for one mutation and for one point read
LANES = 3  # calls under way: one is read and one written while we decide the third; more only wait for quota
ROUNDS = 3  # a row that is still stale then is left to the next pass


Judge = Callable[[Work, Reading], Decision | None]
"""Decides what to do with one link; None: nothing, and nothing is remembered of it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for every link of one pass."""

    run_id: int
    policy: Policy
    pulled_at: datetime  # when the newest order pull began
    as_of: AsOf  # which documents of ours Lightspeed's stock may contain
    review: Review | None = None  # the plan that is carried out: its rows are written, and nothing else
    halt: Halt = field(default_factory=Halt)  # a person may stop the writing between two calls
    proposing: bool = False  # a plan is being made: show what confirming it would do at first sight


def reading_of(work: Work, level: LevelRow, *, coherent: bool, context: Context, now: datetime) -> Reading:
    """Return what was read of one link, as `decide` takes it.

    Raises ValueError where Lightspeed's stock is unknown: unknown is not 0.
    """
    if work.on_hand is None:
        message = f"link {work.link_id} has no Lightspeed stock to decide on"
        raise ValueError(message)
    return Reading(
        on_hand=work.on_hand,
        demand=work.demand,
        available=level.available,
        committed=level.committed,
        set_aside=sum(getattr(level, state) for state in context.policy.set_aside),
        updated_at=level.updated_at,
        pulled_at=context.pulled_at,
        now=now,
        coherent=coherent,
        mirrored=work.mirrored,
        buffer=work.buffer,
        settled=work.settled,
        approved=_approved(work, context),
        held=work.held,
    )


def _approved(work: Work, context: Context) -> bool:
    if work.approved or (context.proposing and work.memory.base is None):
        return True
    return context.review is not None and context.review.takes(work.link_id)


def withheld(decision: Decision, memory: Memory) -> Decision:
    """Return a decision that may not be carried out now: nothing is remembered but that the numbers differ."""
    kept = replace(memory, differs=decision.memory.differs)
    return replace(decision, after=None, if_applied=None, settled=None, correction=0, oversold=0, memory=kept)


class Writer:
    """Writes the changes of one pass, at most 250 links a call; `counts` tells what became of their rows.

    `judge` decides on a link by its second reading; None: by the stock rules. What it returns None for is left alone.
    """

    def __init__(
        self,
        *,
        storefront: Storefront,
        ledger: Ledger,
        clock: Clock,
        tell: Listener,
        pull_orders: Callable[[], Awaitable[datetime]],
        context: Context,
        judge: Judge | None = None,
    ) -> None:
        self._storefront = storefront
        self._ledger = ledger
        self._clock = clock
        self._tell = tell
        self._pull_orders = pull_orders
        self._context = context
        self._judge = judge or by_the_rules(context.policy)
        self.counts: Counter[str] = Counter()
        self._done, self._all = 0, 0  # links

    async def write(self, link_ids: Sequence[int]) -> None:
        """Decide and write links whose rows were read before the last order pull, in a few lanes side by side.

        A link is in one lane only, and its lane keeps the protocol's order for it. Where a lane fails, the others
        finish what they have under way, since an answer that nobody waits for is a doubt, and begin nothing more.
        """
        self._all = len(link_ids)
        calls = (link_ids[start : start + ROWS_PER_CALL] for start in range(0, len(link_ids), ROWS_PER_CALL))
        lanes = (self._lane(calls) for _ in range(LANES))
        for ended in await asyncio.gather(*lanes, return_exceptions=True):
            if ended is not None:
                raise ended

    async def _lane(self, calls: Generator[Sequence[int]]) -> None:
        try:
            for link_ids in calls:
                if self._context.halt.asked:
                    self.counts["not_reached"] += len(link_ids)
                    continue
                await self._write(link_ids)
                self._done += len(link_ids)
                self._tell(PassMoved(self._context.run_id, Step.WRITE, self._done, self._all))
        finally:
            calls.close()  # nothing is left, or nothing more is to be begun

    async def _write(self, link_ids: Sequence[int]) -> None:
        pending = await self._round(link_ids, self._context)
        for _ in range(ROUNDS - 1):
            if not pending:
                return
            if self._context.halt.asked:
                self.counts["not_reached"] += len(pending)
                return
            context = await self._read_anew(pending)
            pending = await self._round(pending, context)

    async def _read_anew(self, link_ids: Sequence[int]) -> Context:
        """Read rows, then orders: a stale compare is an order arriving."""
        works = await self._ledger.work_of(link_ids, self._context.as_of)
        rows = await self._storefront.levels_of([work.inventory_item_id for work in works])
        await self._ledger.keep_levels(list(rows.values()), self._clock.now())
        return replace(self._context, pulled_at=await self._pull_orders())

    async def _round(self, link_ids: Sequence[int], context: Context) -> list[int]:
        """Read the rows a second time, decide and write; return the links that must be decided anew.

        `context` tells of a pull that ended before; what another lane has pulled since only makes orders known
        earlier, and the rows are read after it all the same.
        """
        works = await self._ledger.work_of(link_ids, context.as_of)
        second = await self._storefront.levels_of([work.inventory_item_id for work in works])
        now = self._clock.now()
        settled: list[Evaluation] = []
        intents: list[Intent] = []
        moved: list[int] = []
        for work in works:
            first, again = work.level, second.get(work.inventory_item_id)
            if first is None or again is None:
                self._unreadable(work)
                continue
            decision = self._judge(work, _second_reading(work, first, again, context, now))
            if decision is None:
                self.counts["left"] += 1
            elif context.review is not None and not _as_reviewed(context.review, work, decision, again):
                settled.append(_left_for_later(work, decision, first))
            elif decision.after is None or work.parked:
                settled.append(_evaluation(work, decision, first))
            elif again.available != first.available:
                moved.append(work.link_id)  # the compare is sure to fail
            else:
                intents.append(_intent(work, decision, first))
        await self._ledger.settle(settled, self._context.run_id, now)
        return moved + await self._send(intents)

    def _unreadable(self, work: Work) -> None:
        self.counts["unreadable"] += 1
        if self._context.review is not None:
            self._context.review.unread(work.link_id)

    async def _send(self, intents: Sequence[Intent]) -> list[int]:
        """Send intents as one call, and again without the rows that Shopify will not have."""
        while intents:
            call = await self._ledger.open_call(intents, self._context.run_id, self._clock.now())
            try:
                result = await self._storefront.set_available(call.key, call.reference, call.changes)
            except OutcomeUnknown as error:
                await self._close(call, intents, dict.fromkeys(_ids(intents), WriteOutcome.UNANSWERED), error.code)
                return [intent.link_id for intent in intents if _lowers(intent)]
            except SyncError as error:
                await self._close(call, intents, dict.fromkeys(_ids(intents), WriteOutcome.REFUSED), error.code)
                raise
            if result.applied:
                await self._close(call, intents, dict.fromkeys(_ids(intents), WriteOutcome.APPLIED))
                return []
            outcomes = _refused(intents, result.refusals)
            await self._close(call, intents, outcomes)
            rest = [intent for intent in intents if outcomes[intent.inventory_item_id] is not WriteOutcome.PARKED]
            if len(rest) == len(intents):
                return await self._without_a_culprit(rest, outcomes, result.refusals)
            if WriteOutcome.STALE in outcomes.values():
                return [intent.link_id for intent in rest]
            intents = rest
        return []

    async def _without_a_culprit(
        self, intents: Sequence[Intent], outcomes: dict[str, WriteOutcome], refusals: Sequence[RowRefusal]
    ) -> list[int]:
        """Go on after a refusal that parked no row: decide stale rows anew, or search for the bad row by halves."""
        if WriteOutcome.STALE in outcomes.values():
            return [intent.link_id for intent in intents]
        if any(refusal.problem is RowProblem.PARKED for refusal in refusals):
            half = len(intents) // 2
            return await self._send(intents[:half]) + await self._send(intents[half:])
        return []  # Shopify's own trouble: the links stay due for the next pass

    async def _close(
        self,
        call: StockCall,
        intents: Sequence[Intent],
        outcomes: dict[str, WriteOutcome],
        code: Code | None = None,
    ) -> None:
        """Record what became of a call, and tell."""
        now = self._clock.now()
        rows = [_row_outcome(intent, outcomes[intent.inventory_item_id], code) for intent in intents]
        await self._ledger.close_call(call.key, rows, now)
        if self._context.review is not None:
            for row in rows:
                self._context.review.wrote(row.link_id, row.outcome, row.code)
        for outcome in dict.fromkeys(row.outcome for row in rows):
            units = [_units(intent) for intent in intents if outcomes[intent.inventory_item_id] is outcome]
            self.counts[outcome.value] += len(units)
            self._tell(StockWritten(outcome, len(units), sum(units)))
            if outcome is not WriteOutcome.APPLIED:
                log.warning("stock.write_refused", outcome=outcome.value, rows=len(units), code=code and code.name)
        for intent in intents:
            if outcomes[intent.inventory_item_id] is WriteOutcome.APPLIED and intent.propagates:
                self._tell(Propagated(max(0.0, (now - intent.propagates).total_seconds())))


def by_the_rules(policy: Policy) -> Judge:
    """Return what decides as the stock rules do."""
    return lambda work, reading: decide(reading, work.memory, policy)


def _second_reading(work: Work, first: LevelRow, again: LevelRow, context: Context, now: datetime) -> Reading:
    coherent = replace(again, level_updated_at=first.level_updated_at) == first
    return reading_of(work, first, coherent=coherent, context=context, now=now)


def _evaluation(work: Work, decision: Decision, level: LevelRow) -> Evaluation:
    if decision.after is not None:
        decision = withheld(decision, work.memory)
    due = decision.again and not work.parked  # a parked link is due again when Shopify's side of it changes
    return Evaluation(work.link_id, decision, level, work.on_hand or 0, due)


def _as_reviewed(review: Review, work: Work, decision: Decision, again: LevelRow) -> bool:
    return review.may_write(work.link_id, again.available, decision, work.parked)


def _left_for_later(work: Work, decision: Decision, level: LevelRow) -> Evaluation:
    """Return what is kept of a row that is not as it was reviewed: the next pass decides on it by the rules alone."""
    kept = _evaluation(work, decision, level)
    return kept if decision.after is None else replace(kept, due=True)


def _intent(work: Work, decision: Decision, level: LevelRow) -> Intent:
    lightspeeds_part = decision.verdict in (Verdict.LOWER, Verdict.RAISE) and work.memory.base is not None
    return Intent(
        link_id=work.link_id,
        inventory_item_id=work.inventory_item_id,
        level=level,
        on_hand=work.on_hand or 0,
        buffer=work.buffer,
        demand=work.demand,
        decision=decision,
        propagates=work.stock_stamp if lightspeeds_part else None,
    )


def _ids(intents: Sequence[Intent]) -> list[str]:
    return [intent.inventory_item_id for intent in intents]


def _units(intent: Intent) -> int:
    return abs(intent.after - intent.level.available)


def _lowers(intent: Intent) -> bool:
    return intent.after < intent.level.available


_OUTCOME = {
    RowProblem.STALE: WriteOutcome.STALE,
    RowProblem.PARKED: WriteOutcome.PARKED,
    RowProblem.RETRY: WriteOutcome.REFUSED,
}


def _refused(intents: Sequence[Intent], refusals: Sequence[RowRefusal]) -> dict[str, WriteOutcome]:
    """Return each row's outcome in a refused call: its own refusal, or that it was refused with the others.

    A refusal that names no row is every row's if rows were stale, and a lone row's if there is only one.
    """
    outcomes = dict.fromkeys(_ids(intents), WriteOutcome.REFUSED)
    for refusal in refusals:
        outcome = _OUTCOME[refusal.problem]
        if refusal.inventory_item_id in outcomes:
            outcomes[refusal.inventory_item_id] = outcome
        elif outcome is WriteOutcome.STALE or len(intents) == 1:
            outcomes = {item: outcome if was is WriteOutcome.REFUSED else was for item, was in outcomes.items()}
    return outcomes


def _row_outcome(intent: Intent, outcome: WriteOutcome, code: Code | None) -> RowOutcome:
    decision = intent.decision
    if outcome is WriteOutcome.APPLIED:
        memory = decision.if_applied or decision.memory
        return RowOutcome(intent.link_id, outcome, memory, due=decision.again)
    if outcome is WriteOutcome.UNANSWERED:
        return RowOutcome(intent.link_id, outcome, decision.memory, due=True, code=code)
    memory = replace(decision.memory, open_write=None)
    code = Code.SH011 if outcome is WriteOutcome.STALE else code
    code = Code.SH012 if outcome is WriteOutcome.PARKED else code
    return RowOutcome(intent.link_id, outcome, memory, due=outcome is not WriteOutcome.PARKED, code=code)
