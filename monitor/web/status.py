"""What the ops listener shows: probes with their reasons, and the state of everything on one page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.facts import CONNECT_JOB, DAY, FULL_JOB, STOCK_JOB, Backlog, Facts, History, OrderBook, stopped_among
from monitor.hiding import Silence
from monitor.reach import Firing, firing
from monitor.store import Incident, Store
from monitor.units import written_duration
from monitor.web.validated import Validated
from sync.clock import Clock
from sync.errors import SyncError
from sync.findings import Summary
from sync.order_records import OrderStanding
from sync.records import Differing, Pause, RunRecord, Standing

_RUNS_SHOWN = 15
_PASSES = (STOCK_JOB, FULL_JOB)
_INCIDENTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that must be well, and how it is."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the status page shows."""

    now: datetime
    version: str
    probes: Sequence[Probe]
    standing: Standing
    synced_at: datetime | None
    proved_at: datetime | None
    firing: Sequence[Firing]
    silences: Sequence[Silence]
    incidents: Sequence[Incident]
    runs: Sequence[RunRecord]
    pauses: Sequence[Pause]
    backlog: Backlog
    differing: Differing
    orders: OrderStanding
    booked_today: int  # orders booked within the last day
    books: bool  # whether booking is set up at all
    stopped: RunRecord | None = None  # the newest pass, where a brake held it or it failed
    validated: Summary | None = None  # the newest comparison of both shops


class Beat:
    """The event loop's pulse: beaten by the loop that does the work, read by the health check."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.monotonic()

    def beat(self) -> float:
        """Take note that the loop is alive; return the seconds since it did so last."""
        before, self._last = self._last, self._clock.monotonic()
        return self._last - before

    @property
    def age(self) -> timedelta:
        """Return how long ago the last beat was."""
        return timedelta(seconds=self._clock.monotonic() - self._last)


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """What counts as healthy."""

    ready_within: timedelta = timedelta(minutes=10)
    beat_within: timedelta = timedelta(seconds=30)


class Status:
    """Reads ledger and store for the ops listener. `facts` gives the last evaluation's facts, None before the first."""

    def __init__(
        self,
        *,
        ledger: History,
        orders: OrderBook,
        books: bool,
        store: Store,
        beat: Beat,
        limits: HealthLimits,
        clock: Clock,
        version: str,
        facts: Callable[[], Facts | None],
        validated: Validated,
    ) -> None:
        self._ledger = ledger
        self._orders = orders
        self._books = books
        self._store = store
        self._beat = beat
        self._limits = limits
        self._clock = clock
        self._version = version
        self._facts = facts
        self._validated = validated

    async def health(self) -> Sequence[Probe]:
        """Tell whether the process works: its loop beats, its database takes writes."""
        return [self._loop(), await _try("database", self._store.touch)]

    async def readiness(self) -> Sequence[Probe]:
        """Tell whether it does its work: it is healthy, stock was synced lately, no sync is paused."""
        probes = list(await self.health())
        if all(probe.ok for probe in probes):
            probes += [await self._freshness(), await self._pauses()]
        return probes

    async def report(self) -> Report:
        """Return everything the status page shows; raises SyncError where the database cannot be read."""
        runs = await self._ledger.runs(limit=_RUNS_SHOWN)
        facts = self._facts()
        return Report(
            now=self._clock.now(),
            version=self._version,
            probes=await self.readiness(),
            standing=await self._ledger.standing(),
            synced_at=await self._synced_at(),
            proved_at=facts.proof.finished_at if facts is not None and facts.proof is not None else None,
            firing=await firing(self._store),
            silences=await self._store.standing_silences(self._clock.now()),
            incidents=await self._store.latest_incidents(_INCIDENTS_SHOWN),
            runs=runs,
            pauses=await self._ledger.pauses(),
            backlog=await self._store.backlog(),
            differing=await self._ledger.differing(),
            orders=await self._orders.order_standing(),
            booked_today=await self._orders.booked_since(self._clock.now() - DAY),
            books=self._books,
            stopped=stopped_among(
                [run for job in _PASSES for run in await self._ledger.runs(job, 2)],
                await self._ledger.runs(CONNECT_JOB, 1),
            ),
            validated=await self._validated.summary(),
        )

    async def validation(self) -> str | None:
        """Return the newest comparison's report as a page; None: there was none."""
        return await self._validated.page()

    def _loop(self) -> Probe:
        age = self._beat.age
        return Probe("event loop", age <= self._limits.beat_within, f"last beat {written_duration(age)} ago")

    async def _synced_at(self) -> datetime | None:
        successes = [await self._ledger.last_success(job) for job in _PASSES]
        ends = [run.finished_at for run in successes if run is not None and run.finished_at is not None]
        return max(ends, default=None)

    async def _freshness(self) -> Probe:
        synced_at = await self._synced_at()
        if synced_at is None:
            return Probe("freshness", ok=False, detail="stock was never synced completely")
        age = self._clock.now() - synced_at
        limit = self._limits.ready_within
        detail = f"stock was synced {written_duration(age)} ago; the limit is {written_duration(limit)}"
        return Probe("freshness", age <= limit, detail)

    async def _pauses(self) -> Probe:
        kinds = ", ".join(pause.kind.value for pause in await self._ledger.pauses())
        return Probe("pauses", not kinds, f"paused by hand: {kinds}" if kinds else "nothing is paused")


async def _try(name: str, act: Callable[[], Awaitable[None]]) -> Probe:
    try:
        await act()
    except SyncError as error:
        return Probe(name, ok=False, detail=f"{error.code.name} {error.code.sentence}")
    return Probe(name, ok=True, detail="takes writes")
