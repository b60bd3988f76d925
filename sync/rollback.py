"""Sets numbers of the past again: from a file, or by taking stock writes back; each row judged by `restoring.py`.

It reads in the order of the write protocol and writes through the same intents and outcomes as a pass, one at a time in
turn with passes. A link is held from the intent on, so that no pass fights it, whatever ends this process.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from sync.clock import Clock
from sync.errors import Code, SyncError
from sync.events import Listener, RunFinished, RunStarted, RunWanted
from sync.feeds import Feeds
from sync.linking import Linking
from sync.mapping import Pair
from sync.ports import Ledger, PointOfSale, Storefront
from sync.posting import InFlight
from sync.records import RunOutcome, Work, WriteOutcome
from sync.restoring import WRITES, Fate, Force, Judged, Wish, Written, decision, judge
from sync.rollback_fields import FieldRow, FieldsBack
from sync.rollback_links import LinkRow, LinksBack
from sync.rollback_ports import Asked, PastRow, Rollbacks, Span
from sync.rolling_fields import taking_back
from sync.stock import Decision, Policy, Reading, Verdict
from sync.stock_reads import Read, Reader
from sync.stock_sync import Job, Secure
from sync.stock_writes import ROWS_PER_CALL, Context, Writer, reading_of

log = structlog.get_logger()

DRY_RUN = "plan"  # the job under which runs that write nothing are recorded


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks to set back: the `rows` of a file, or what was written in a `span`.

    `links` are those of the past, to be linked again. With `fields_since` what was written to fields of products since
    then is taken back, too. `force` is about links that there are, found by the caller; `skus` names the same for
    fields and for links of the past. `source` is the file's path or the span in words, for the record.
    """

    rows: Sequence[PastRow] = ()
    links: Sequence[Pair] = ()
    span: Span | None = None
    fields_since: datetime | None = None
    force: Force = field(default_factory=Force)
    skus: tuple[str, ...] = ()
    by: str = ""
    source: str = ""
    dry_run: bool = False

    @property
    def job(self) -> str:
        """Return what the run is recorded as."""
        if self.dry_run:
            return DRY_RUN
        return "restore" if self.span is None else "undo"

    @property
    def verdict(self) -> Verdict:
        """Return why its writes are made."""
        return Verdict.RESTORED if self.span is None else Verdict.UNDONE


@dataclass(frozen=True, slots=True)
class Row:
    """One row and what became of it; `outcome` is that of its write, None where it was not written."""

    judged: Judged
    outcome: WriteOutcome | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How it went; rows of the same fate stand together, those that need a person first."""

    run_id: int
    outcome: RunOutcome
    code: Code | None = None
    detail: str = ""
    rows: tuple[Row, ...] = ()
    fields: tuple[FieldRow, ...] = ()
    links: tuple[LinkRow, ...] = ()
    unlinked: tuple[PastRow, ...] = ()
    numbers: dict[str, int] = field(default_factory=dict)


class Rollback:
    """Sets numbers back. `turn` is shared with the passes; `secure` makes a backup before anything is written."""

    def __init__(
        self,
        *,
        pos: PointOfSale,
        storefront: Storefront,
        ledger: Ledger,
        rollbacks: Rollbacks,
        feeds: Feeds,
        linking: Linking,
        in_flight: InFlight,
        clock: Clock,
        tell: Listener,
        turn: asyncio.Lock,
        policy: Policy,
        fields: FieldsBack,
        links: LinksBack,
        secure: Secure,
    ) -> None:
        self._pos = pos
        self._storefront = storefront
        self._ledger = ledger
        self._rollbacks = rollbacks
        self._feeds = feeds
        self._linking = linking
        self._in_flight = in_flight
        self._clock = clock
        self._tell = tell
        self._turn = turn
        self._policy = policy
        self._fields = fields
        self._links = links
        self._secure = secure

    async def run(self, request: Request) -> Report:
        """Judge every row and, unless it is a dry run, write those that may be; a failure is recorded and told.

        Raises Permanent (BK005) for a run that is not on record.
        """
        async with self._turn:
            report = await self._recorded(request)
        if any(row.joined for row in report.links):
            self._tell(RunWanted(Job.INCREMENTAL))  # only now: a pass before would decide on what is to be set back
        return report

    async def _recorded(self, request: Request) -> Report:
        wishes, unlinked = await self._wishes(request)
        links = await self._links.look(request.links, request.skus)
        started, now = self._clock.monotonic(), self._clock.now()
        run_id = await self._ledger.begin_run(request.job, now)
        self._tell(RunStarted(run_id, request.job, now))
        if not request.dry_run:
            await self._rollbacks.note_asked(Asked(run_id, request.by, request.job, request.source, now))
        try:
            if joining := not request.dry_run and any(row.chosen for row in links):
                await self._secure(run_id)
                links = await self._links.join(links, request.by)
                request = await self._forcing(request, links)
                wishes, unlinked = await self._wishes(request)
            report = await self._carry_out(request, run_id, wishes, secured=joining)
        except SyncError as error:
            report = Report(run_id, RunOutcome.FAILED, error.code, error.detail)
        except Exception as error:
            log.exception("rollback.broke", run=run_id)
            report = Report(run_id, RunOutcome.FAILED, Code.IN001, type(error).__name__)
        report = replace(report, links=tuple(links), unlinked=tuple(unlinked))
        await self._finish(request, report, seconds=self._clock.monotonic() - started)
        return report

    async def _wishes(self, request: Request) -> tuple[Sequence[Wish], Sequence[PastRow]]:
        if request.span is not None:
            return await self._rollbacks.wishes_to_undo(request.span), ()
        return await self._rollbacks.wishes_for(request.rows)

    async def _forcing(self, request: Request, links: Sequence[LinkRow]) -> Request:
        """Return the request that also forces the rows of links that are there again and that a person named."""
        named = await self._ledger.link_ids_of([row.pair.sku for row in links if row.named and row.joined])
        return replace(request, force=replace(request.force, links=request.force.links | set(named.values())))

    async def _carry_out(self, request: Request, run_id: int, wishes: Sequence[Wish], *, secured: bool) -> Report:
        by_link = {wish.link_id: wish for wish in wishes}
        as_of = await self._in_flight.before_reading()
        reader = self._reader(frozenset(by_link), run_id)
        read = await reader.read()
        await self._in_flight.settle()
        if request.span is None:  # what was ordered since is known better now
            by_link = {wish.link_id: wish for wish in (await self._rollbacks.wishes_for(request.rows))[0]}
        context = Context(run_id, self._policy, read.pulled_at, as_of)
        bench = _Bench(by_link, await self._rollbacks.last_written(list(by_link)), request)
        async for works in reader.works(as_of):
            for work in works:
                bench.look(work, read, context, self._clock)
        if moved := bench.of(Fate.MOVED):
            context = replace(context, pulled_at=await self._look_again(moved, reader))
            for work in await self._ledger.work_of(moved, as_of):
                bench.look(work, read, context, self._clock)
        fields = await self._fields_back(request)
        outcomes: dict[int, WriteOutcome | None] = {}
        if not request.dry_run and (bench.chosen or any(row.outcome is None for row in fields)):
            if not secured:
                await self._secure(run_id)
            await self._write(bench, reader, context)
            outcomes = dict(await self._rollbacks.outcomes_of(run_id))
            fields = await self._fields.write(fields, run_id)
        rows = tuple(Row(each, outcomes.get(each.link_id)) for each in bench.rows)
        return Report(run_id, RunOutcome.OK, rows=rows, fields=tuple(fields), numbers=_numbers(rows, fields))

    async def _fields_back(self, request: Request) -> Sequence[FieldRow]:
        """Return the product fields of a span that are to be as they were before."""
        span = Span(since=request.fields_since) if request.fields_since is not None else request.span
        if span is None:
            return ()
        written = await self._rollbacks.fields_written(span)
        return await self._fields.look(taking_back(written, f"a person set it back: {request.source}"), request.skus)

    async def _look_again(self, link_ids: Sequence[int], reader: Reader) -> datetime:
        """Read rows, then orders, once more: what seems to be somebody's change may be an order that came between."""
        works = await self._ledger.work_of(link_ids)
        ids = [work.inventory_item_id for work in works]
        for start in range(0, len(ids), ROWS_PER_CALL):
            rows = await self._storefront.levels_of(ids[start : start + ROWS_PER_CALL])
            await self._ledger.keep_levels(list(rows.values()), self._clock.now())
        return await reader.pull_orders()

    def _reader(self, only: frozenset[int], run_id: int) -> Reader:
        return Reader(
            pos=self._pos,
            storefront=self._storefront,
            ledger=self._ledger,
            feeds=self._feeds,
            linking=self._linking,
            clock=self._clock,
            tell=self._tell,
            run_id=run_id,
            only=only,
            whole=False,
            supposing=True,
            cards=False,
        )

    async def _write(self, bench: _Bench, reader: Reader, context: Context) -> None:
        writer = Writer(
            storefront=self._storefront,
            ledger=self._ledger,
            clock=self._clock,
            tell=self._tell,
            pull_orders=reader.pull_orders,
            context=context,
            judge=bench.decide,
        )
        await writer.write(bench.chosen)

    async def _finish(self, request: Request, report: Report, *, seconds: float) -> None:
        now = self._clock.now()
        code, detail, numbers = report.code, report.detail, report.numbers
        await self._ledger.finish_run(report.run_id, now, report.outcome, numbers=numbers, code=code, detail=detail)
        self._tell(RunFinished(report.run_id, request.job, now, report.outcome, seconds, code, detail, numbers))
        log.info("rollback.finished", run=report.run_id, job=request.job, code=code and code.name, **numbers)


class _Bench:
    """Judges the rows of one request: at first for the plan, and by the second reading of each that is written."""

    def __init__(self, wishes: dict[int, Wish], last: Mapping[int, Written], request: Request) -> None:
        self._wishes = wishes
        self._last = last
        self._request = request
        self._judged: dict[int, Judged] = {}

    @property
    def chosen(self) -> list[int]:
        """Return the links that are to be written."""
        return [link_id for link_id, each in self._judged.items() if each.fate in WRITES]

    def of(self, fate: Fate) -> list[int]:
        """Return the links of one fate."""
        return [link_id for link_id, each in self._judged.items() if each.fate is fate]

    @property
    def rows(self) -> list[Judged]:
        """Return every row, those of one fate together, by SKU."""
        order = list(Fate)
        return sorted(self._judged.values(), key=lambda each: (order.index(each.fate), each.sku))

    def look(self, work: Work, read: Read, context: Context, clock: Clock) -> None:
        """Judge a row by its first reading."""
        if work.level is None or work.on_hand is None or work.inventory_item_id not in read.fresh:
            self._judged[work.link_id] = self._unjudged(work, Fate.UNREADABLE)
        elif work.parked:
            self._judged[work.link_id] = self._unjudged(work, Fate.REFUSED)
        else:
            self._judge(work, reading_of(work, work.level, coherent=True, context=context, now=clock.now()))

    def decide(self, work: Work, reading: Reading) -> Decision | None:
        """Judge a row anew and return its write, None where it is left alone."""
        row = self._judge(work, reading)
        return decision(row, reading, work.memory, self._request.verdict) if row.fate in WRITES else None

    def _judge(self, work: Work, reading: Reading) -> Judged:
        last = self._last.get(work.link_id)
        row = judge(self._wishes[work.link_id], reading, work.memory, last, self._request.force)
        self._judged[work.link_id] = row
        return row

    def _unjudged(self, work: Work, fate: Fate) -> Judged:
        past = self._wishes[work.link_id].past.units
        available = 0 if work.level is None else work.level.available
        return Judged(work.link_id, work.sku, past, 0, past, available, 0, fate)


def _numbers(rows: Sequence[Row], fields: Sequence[FieldRow]) -> dict[str, int]:
    """Count rows by what became of them."""
    counts = Counter(row.outcome.value if row.outcome else row.judged.fate.name.lower() for row in rows)
    counts.update(f"fields {row.outcome.value if row.outcome else 'set_back'}" for row in fields)
    return dict(counts)
