"""One pass over the stock: read both shops, decide each link that may differ, write what must change.

The order of the steps is the write protocol that the stock rules were checked with, and carries the safety:

    1. Lightspeed's stock, then Shopify's level rows, then Shopify's orders         `stock_reads.Reader`
       (before and after, sales of ours that may or may not be in that stock        `posting.InFlight`)
    2. a first decision on every link that is due; most are in step and done        `_scan`
    3. the brakes, over everything that the pass would change                       `plan.tripped`
    4. the rows of the other links once more, the final decision, the intent, the
       compare-and-swap write and its outcome, 250 links a call                     `stock_writes.Writer`

Whatever is read is kept before its watermark moves, and marks the links it concerns as due; a link stays due until
it was decided. So a crash anywhere loses nothing: the next pass goes on from the ledger.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog

from sync.clock import Clock
from sync.errors import Code, SyncError
from sync.events import EqualityProved, Listener, PassMoved, RunFinished, RunStarted, Step
from sync.feeds import Feeds, read_orders_again
from sync.halting import Halt, Halted
from sync.linking import Linking
from sync.model import LevelRow
from sync.plan import Brakes, Census, PlannedChange, Tripped, tripped
from sync.ports import Ledger, PointOfSale, Storefront
from sync.posting import InFlight
from sync.records import AsOf, Evaluation, PauseKind, RunOutcome, Work, by_letter
from sync.reviewing import MOVED, Review, RowLeft
from sync.second_look import Looked, SecondLook, Watch
from sync.stock import Decision, Policy, Verdict, decide
from sync.stock_reads import Read, Reader
from sync.stock_writes import Context, Writer, reading_of, withheld

log = structlog.get_logger()

_WITHHELD_AT_ONCE = 500  # links between two turns of the event loop


Secure = Callable[[int], Awaitable[None]]
"""Makes a backup before the run of this id writes anything; raises SyncError where it cannot."""


class Job(StrEnum):
    """The two kinds of pass, by the name their runs are recorded under."""

    INCREMENTAL = "stock"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class PassRequest:
    """What a pass is asked to do.

    `only` narrows it to some links. A `review` is a plan that a person has confirmed: its rows are written as far as
    they are as reviewed, nothing else is, and no brake holds it. A `dry_run` decides and writes nothing. A full pass
    with `cards` reads what the shops tell of goods beside their stock, which costs twice as much at Lightspeed.
    `secured`: a backup is made before the first write, be it of what follows this pass under the same run (`followed`).
    `begun` is told the run's id before anything is read. A `watch` is told what is seen, instead of a plan being made
    of it. `rank` puts the changes in order, least first: they are written so. `halt` is how a person stops it.
    """

    job: Job = Job.INCREMENTAL
    dry_run: bool = False
    review: Review | None = None
    only: frozenset[int] | None = None
    cards: bool = False
    secured: bool = False
    followed: bool = False
    begun: Callable[[int], Awaitable[None]] | None = None
    watch: Watch | None = None
    rank: Callable[[PlannedChange], Any] | None = None
    halt: Halt = field(default_factory=Halt)

    @property
    def name(self) -> str:
        """Return what the run is recorded as: only a whole pass that may write counts as one."""
        if self.watch is not None:
            return "validate"
        if self.dry_run:
            return "plan"
        return self.job.value if self.only is None else "part"


@dataclass(frozen=True, slots=True)
class PassReport:
    """How a pass ended. `changes` are what it would write, filled by a dry run or when a brake held.

    `left` are the rows of a reviewed plan that were not written.
    """

    run_id: int
    outcome: RunOutcome
    code: Code | None
    detail: str
    numbers: dict[str, int]
    changes: tuple[PlannedChange, ...] = ()
    left: tuple[RowLeft, ...] = ()


@dataclass(slots=True)
class _Scan:
    """What the first decisions came to."""

    watch: Watch | None = None
    candidates: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)  # not in the reviewed plan: nothing of theirs is written
    changes: list[PlannedChange] = field(default_factory=list)
    short: list[Work] = field(default_factory=list)  # Shopify has committed less than our orders hold open
    counts: Counter[str] = field(default_factory=Counter)
    looked_at: int = 0

    def put_in_order(self, request: PassRequest) -> None:
        """Let the links be written in the order of the reviewed plan, or by rank; those without a change come last."""
        if request.review is not None:
            self.candidates = request.review.in_order(self.candidates)
        elif request.rank is not None:
            self.changes.sort(key=request.rank)
            first = dict.fromkeys(change.link_id for change in self.changes)
            self.candidates = [*first, *(link_id for link_id in self.candidates if link_id not in first)]

    def add(self, work: Work, level: LevelRow, decision: Decision, review: Review | None) -> None:
        """Take a link in that needs a second reading, and count what it would do to the shop."""
        if review is not None:
            (self.candidates if work.link_id in review else self.others).append(work.link_id)
            return
        self.candidates.append(work.link_id)
        if decision.after is None:
            return
        self.counts["changed"] += 1
        self.counts["zeroed"] += decision.after == 0
        if self.watch is not None:
            return
        self.changes.append(
            PlannedChange(
                link_id=work.link_id,
                sku=work.sku,
                before=level.available,
                after=decision.after,
                reason=decision.verdict,
                first_sight=work.memory.base is None,
                equation=by_letter(decision, level, work.demand, on_hand=work.on_hand or 0, buffer=work.buffer),
            )
        )


def _proposal(run_id: int, scan: _Scan, brake: Tripped | None) -> PassReport:
    """Return how a pass ended that has written nothing: what it would write."""
    code, detail = (brake.code, brake.detail) if brake else (None, "")
    return PassReport(run_id, RunOutcome.OK, code, detail, dict(scan.counts), tuple(scan.changes))


def _carried_out(run_id: int, scan: _Scan, review: Review | None, outcome: RunOutcome) -> PassReport:
    """Return how a pass ended that may have written."""
    if review is None:
        return PassReport(run_id, outcome, None, "", dict(scan.counts))
    left = review.left(stopped=outcome is not RunOutcome.OK)
    numbers = dict(scan.counts) | {"already": review.already, "moved": sum(row.why in MOVED for row in left)}
    return PassReport(run_id, outcome, None, "", numbers, left=left)


def _cut_short(request: PassRequest, run_id: int, outcome: RunOutcome, code: Code | None, detail: str) -> PassReport:
    """Return how a pass ended that was stopped, or failed; some of a reviewed plan may have been written."""
    review = request.review
    if review is None:
        return PassReport(run_id, outcome, code, detail, {})
    numbers = {"already": review.already, "applied": review.written}
    return PassReport(run_id, outcome, code, detail, numbers, left=review.left(stopped=True))


class StockSync:
    """Keeps Shopify's available stock in step with Lightspeed, one pass at a time.

    `turn` is shared with whoever books orders, so that no sale is on its way while stock is read.
    """

    def __init__(
        self,
        *,
        pos: PointOfSale,
        storefront: Storefront,
        ledger: Ledger,
        feeds: Feeds,
        linking: Linking,
        in_flight: InFlight,
        clock: Clock,
        tell: Listener,
        turn: asyncio.Lock,
        policy: Policy,
        brakes: Brakes,
        secure: Secure,
    ) -> None:
        self._pos = pos
        self._storefront = storefront
        self._ledger = ledger
        self._feeds = feeds
        self._linking = linking
        self._in_flight = in_flight
        self._clock = clock
        self._tell = tell
        self._turn = turn
        self._policy = policy
        self._brakes = brakes
        self._secure = secure
        self._short_since: dict[int, datetime] = {}

    async def run(self, request: PassRequest) -> PassReport:
        """Make one pass and return how it ended; a failure is recorded and told, and raises nothing."""
        async with self._turn:
            started, now = self._clock.monotonic(), self._clock.now()
            run_id = await self._ledger.begin_run(request.name, now)
            self._tell(RunStarted(run_id, request.name, now))
            try:
                if request.begun is not None:
                    await request.begun(run_id)
                report = await self._pass(request, run_id)
            except Halted:
                report = _cut_short(request, run_id, RunOutcome.INTERRUPTED, None, "")
            except SyncError as error:
                report = _cut_short(request, run_id, RunOutcome.FAILED, error.code, error.detail)
            except Exception as error:
                log.exception("sync.pass_broke", run=run_id)
                report = _cut_short(request, run_id, RunOutcome.FAILED, Code.IN001, type(error).__name__)
            await self._finish(request, report, seconds=self._clock.monotonic() - started)
            return report

    async def _pass(self, request: PassRequest, run_id: int) -> PassReport:
        reader = self._reader(request, run_id)
        as_of, read = await request.halt.unless(self._read(reader))
        context = Context(
            run_id, self._policy, read.pulled_at, as_of, request.review, request.halt, proposing=request.dry_run
        )
        scan = await self._scan(request, reader, read, context)
        brake = await self._brake(read, scan, confirmed=request.review is not None)
        if request.watch is not None:
            await self._look_again(request.watch, read, scan, reader, context)
        if request.dry_run:
            return _proposal(run_id, scan, brake)
        await self._look_for_lost_orders(scan.short)
        if brake:
            await self._withhold(scan.candidates + scan.others, context)
            return replace(_proposal(run_id, scan, brake), outcome=RunOutcome.BRAKED)
        if request.secured and (scan.candidates or request.followed):
            await self._secure(run_id)
        scan.counts += await self._write(scan.candidates, reader, context)
        if scan.counts["not_reached"]:
            return _carried_out(run_id, scan, request.review, RunOutcome.INTERRUPTED)
        await self._withhold(scan.others, context)
        await self._prove(request, scan)
        return _carried_out(run_id, scan, request.review, RunOutcome.OK)

    async def _read(self, reader: Reader) -> tuple[AsOf, Read]:
        as_of = await self._in_flight.before_reading()
        read = await reader.read()
        await self._in_flight.settle()
        return as_of, read

    async def _finish(self, request: PassRequest, report: PassReport, *, seconds: float) -> None:
        """Record and tell how a pass ended: one canonical line each."""
        now = self._clock.now()
        code, detail = report.code, report.detail
        await self._ledger.finish_run(
            report.run_id, now, report.outcome, numbers=report.numbers, code=code, detail=detail
        )
        self._tell(RunFinished(report.run_id, request.name, now, report.outcome, seconds, code, detail, report.numbers))
        level = log.info if report.outcome is RunOutcome.OK else log.warning
        level(
            "sync.pass_finished",
            run=report.run_id,
            job=request.name,
            outcome=report.outcome.value,
            seconds=round(seconds, 3),
            code=code.name if code else None,
            detail=detail or None,
            **report.numbers,
        )

    # --- 1. read, in the protocol's order ---

    def _reader(self, request: PassRequest, run_id: int) -> Reader:
        return Reader(
            pos=self._pos,
            storefront=self._storefront,
            ledger=self._ledger,
            feeds=self._feeds,
            linking=self._linking,
            clock=self._clock,
            tell=self._tell,
            run_id=run_id,
            only=request.only,
            whole=request.job is Job.FULL,
            cards=request.cards,
            supposing=request.dry_run,
            noting=request.watch is not None,
        )

    # --- 2. the first decision on every link that is due ---

    async def _scan(self, request: PassRequest, reader: Reader, read: Read, context: Context) -> _Scan:
        """Settle the links that are in step; gather those that would be written, show drift or wait."""
        scan = _Scan(watch=request.watch)
        async for works in reader.works(context.as_of):
            scan.looked_at += len(works)
            looks = (self._first_look(work, read, scan, context) for work in works)
            settled = [evaluation for evaluation in looks if evaluation is not None]
            if not request.dry_run:
                await self._ledger.settle(settled, context.run_id, self._clock.now())
            request.halt.check()
            self._tell(PassMoved(context.run_id, Step.DECIDE, scan.looked_at))
            await self._clock.sleep(0)
        scan.put_in_order(request)
        return scan

    def _first_look(self, work: Work, read: Read, scan: _Scan, context: Context) -> Evaluation | None:
        """Decide one link on its first row; return the decision if it needs no second reading."""
        level = work.level
        seen = read.items is None or work.item_id in read.items
        if level is None or work.on_hand is None or not seen or work.inventory_item_id not in read.fresh:
            scan.counts["unreadable" if read.items is not None else "not_read"] += 1
            if context.review is not None:
                context.review.unread(work.link_id)
            return None
        scan.counts["evaluated"] += 1
        scan.counts["matched"] += read.items is not None
        if level.committed < work.demand.open:
            scan.short.append(work)
        reading = reading_of(work, level, coherent=True, context=context, now=self._clock.now())
        decision = decide(reading, work.memory, self._policy)
        if scan.watch is not None:
            scan.watch.seen(Looked(work, level, decision))
        done = decision.verdict is Verdict.HELD or (decision.verdict is Verdict.IN_STEP and not decision.drift)
        if done and not (decision.again or work.memory.open_write):
            if context.review is not None and work.link_id in context.review:
                context.review.may_write(work.link_id, level.available, decision)
            return Evaluation(work.link_id, decision, level, work.on_hand, due=False)
        scan.add(work, level, decision, context.review)
        return None

    async def _look_again(self, watch: Watch, read: Read, scan: _Scan, reader: Reader, context: Context) -> None:
        """Tell a watch how both shops were read, and what differs in a second reading as well."""
        watch.read(read.certificates, read.variants)
        watch.unreadable(scan.counts["unreadable"])
        look = SecondLook(
            storefront=self._storefront, ledger=self._ledger, clock=self._clock, reader=reader, watch=watch
        )
        await look.look(scan.candidates, context)

    # --- 3. the brakes ---

    async def _brake(self, read: Read, scan: _Scan, *, confirmed: bool) -> Tripped | None:
        """Return the brake that keeps this pass from writing, a pause by hand included."""
        if not scan.candidates:
            return None
        for pause in await self._ledger.pauses():
            if pause.kind is PauseKind.WRITES:
                return Tripped(Code.BR004, f"Their reason: {pause.reason.rstrip('.')}.")
        judged = read.items is not None and not confirmed  # a confirmed plan is not braked
        before = await self._ledger.last_success(Job.FULL) if judged else None
        census = Census(
            zeroed=scan.counts["zeroed"],
            changed=scan.counts["changed"],
            links=await self._ledger.count_links(),
            matched=scan.counts["matched"],
            matched_before=int(before.numbers.get("matched", 0)) if before else None,
        )
        return tripped(census, self._brakes)

    async def _withhold(self, candidates: Sequence[int], context: Context) -> None:
        """Remember that the numbers differ, and nothing else; the links stay due."""
        for start in range(0, len(candidates), _WITHHELD_AT_ONCE):
            now = self._clock.now()
            evaluations = []
            for work in await self._ledger.work_of(candidates[start : start + _WITHHELD_AT_ONCE], context.as_of):
                if work.level is None or work.on_hand is None:
                    continue
                reading = reading_of(work, work.level, coherent=True, context=context, now=now)
                decision = withheld(decide(reading, work.memory, self._policy), work.memory)
                evaluations.append(Evaluation(work.link_id, decision, work.level, work.on_hand, due=True))
            await self._ledger.settle(evaluations, context.run_id, now)

    # --- 4. second reading, final decision, write ---

    async def _write(self, candidates: Sequence[int], reader: Reader, context: Context) -> Counter[str]:
        writer = Writer(
            storefront=self._storefront,
            ledger=self._ledger,
            clock=self._clock,
            tell=self._tell,
            pull_orders=reader.pull_orders,
            context=context,
        )
        await writer.write(candidates)
        return writer.counts

    async def _prove(self, request: PassRequest, scan: _Scan) -> None:
        """Tell of the proof of equality: a certified full reading that leaves no link unequal or unread."""
        if request.job is not Job.FULL or request.only is not None:
            return
        standing = await self._ledger.standing()
        if not standing.links:
            return  # nothing is linked: that proves nothing
        scan.counts["unequal"] = standing.unequal_skus + scan.counts["unreadable"]
        if not scan.counts["unequal"]:
            self._tell(EqualityProved(self._clock.now()))

    async def _look_for_lost_orders(self, short: Sequence[Work]) -> None:
        """Read again, by id, the orders whose open units Shopify has not committed for three order lags."""
        now = self._clock.now()
        self._short_since = {work.link_id: self._short_since.get(work.link_id, now) for work in short}
        patience = 3 * self._policy.order_lag
        overdue = [work for work in short if now - self._short_since[work.link_id] >= patience]
        if not overdue:
            return
        order_ids = await self._ledger.open_orders([work.inventory_item_id for work in overdue])
        await read_orders_again(self._storefront, self._ledger, order_ids, now)
