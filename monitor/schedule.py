"""Starts jobs on time: the only file that knows APScheduler, which gives the beat and nothing else.

Overlap, draining and counting are ours: APScheduler cancels running coroutines when it shuts down, and joins late
runs into one without a word. So each beat is counted against the clock, and a run is never cut short but by the
end of the draining time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from sync.clock import Clock

log = structlog.get_logger()

_LATE_BY_HALF = 0.5  # a beat later than half an interval stands for a missed one


@dataclass(frozen=True, slots=True)
class Every:
    """A beat every `interval`, the first at once."""

    interval: timedelta


@dataclass(frozen=True, slots=True)
class Daily:
    """A beat a day at this time, in UTC: local times jump and repeat; a week where `on` names a weekday (0: Monday)."""

    at: time
    on: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be run on a beat. Jobs of one `lane` never run at the same time.

    `apart` is the least time between the beginnings of two runs that are wanted before their beat.
    """

    name: str
    run: Callable[[], Awaitable[object]]
    beat: Every | Daily
    lane: str
    apart: timedelta = timedelta(seconds=1)


class Tally(Protocol):
    """Counts what the schedule asked for and what was run."""

    def due(self, job: str, expected: int = 1, missed: int = 0) -> None:
        """Count runs that the schedule asked for, and those of them left out."""

    def begun(self, job: str) -> None:
        """Count a run that was begun on schedule."""


class Schedule:
    """Runs jobs on their beats until it is drained. A beat that finds its lane busy waits for it, once.

    `broke` is told of a job that ended with an error it should have handled; the beats go on.
    """

    def __init__(
        self,
        *,
        jobs: Sequence[Job],
        clock: Clock,
        tallies: Sequence[Tally],
        broke: Callable[[str, Exception], None] | None = None,
    ) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._clock = clock
        self._tallies = tallies
        self._broke = broke
        self._lanes = {job.lane: asyncio.Lock() for job in jobs}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._last_beat: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._wanted: dict[str, asyncio.Task[None]] = {}
        self._wanted_at: dict[str, float] = {}
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._closed = False

    def start(self) -> None:
        """Begin to beat, at once for jobs that run at intervals."""
        for job in self._jobs.values():
            self._scheduler.add_job(
                self._on_beat,
                _trigger(job.beat),
                args=[job.name],
                **_first(job.beat, self._clock.now()),
                id=job.name,
                coalesce=True,
                misfire_grace_time=None,  # however late, it runs; once
            )
        self._scheduler.start()

    async def _on_beat(self, name: str) -> None:
        """Be called in the event loop: APScheduler sends plain functions to a thread."""
        self.beat(name)

    def beat(self, name: str) -> None:
        """Take one beat of a job: start a run unless one is under way or waiting already."""
        job, now = self._jobs[name], self._clock.monotonic()
        missed = _missed(job.beat, self._last_beat.get(name), now)
        self._last_beat[name] = now
        busy = name in self._running
        self._count(name, expected=1 + missed, missed=missed + busy)
        if missed or busy:
            log.warning("schedule.missed", job=name, missed=missed, busy=busy)
        if not busy and not self._closed:
            self._start(job)

    def soon(self, name: str) -> None:
        """Want a run of a job before its beat; those wanted before it begins are one, and it keeps its distance."""
        self._wanted_at[name] = self._clock.monotonic()
        if not self._closed and name not in self._wanted:
            waiting = self._run_soon(self._jobs[name])
            self._wanted[name] = asyncio.get_running_loop().create_task(waiting, name=f"wanted {name}")

    async def _run_soon(self, job: Job) -> None:
        """Keep the job's distance, wait for the run under way, then begin one unless a beat did since the last wish."""
        try:
            if (begun := self._begun.get(job.name)) is not None:
                await self._clock.sleep(max(0.0, begun + job.apart.total_seconds() - self._clock.monotonic()))
            if (running := self._running.get(job.name)) is not None:
                await asyncio.wait({running})
        finally:
            self._wanted.pop(job.name, None)
        begun = self._begun.get(job.name)
        served = begun is not None and begun > self._wanted_at[job.name]
        if not served and job.name not in self._running and not self._closed:
            self._count(job.name)
            self._start(job)

    def _start(self, job: Job) -> None:
        self._running[job.name] = asyncio.get_running_loop().create_task(self._run(job), name=f"job {job.name}")

    def _count(self, name: str, expected: int = 1, missed: int = 0) -> None:
        for tally in self._tallies:
            tally.due(name, expected, missed)

    async def _run(self, job: Job) -> None:
        try:
            async with self._lanes[job.lane]:
                if self._closed:
                    return
                self._begun[job.name] = self._clock.monotonic()
                for tally in self._tallies:
                    tally.begun(job.name)
                await job.run()
        except Exception as error:
            log.exception("schedule.job_broke", job=job.name)
            if self._broke is not None:
                self._broke(job.name, error)
        finally:
            self._running.pop(job.name, None)

    async def drain(self, seconds: float) -> bool:
        """Start nothing more, give what is running `seconds` to end, then cancel it; tell whether all ended."""
        self._closed = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for wanted in self._wanted.values():
            wanted.cancel()
        if not self._running:
            return True
        _, late = await asyncio.wait(self._running.values(), timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return not late


def _first(beat: Every | Daily, now: datetime) -> dict[str, datetime]:
    """Return when a job first runs, where that is not as its trigger says."""
    return {"next_run_time": now} if isinstance(beat, Every) else {}


def _trigger(beat: Every | Daily) -> IntervalTrigger | CronTrigger:
    if isinstance(beat, Daily):
        at = beat.at
        return CronTrigger(day_of_week=beat.on, hour=at.hour, minute=at.minute, second=at.second, timezone=UTC)
    return IntervalTrigger(seconds=beat.interval.total_seconds(), timezone=UTC)


def _missed(beat: Every | Daily, last: float | None, now: float) -> int:
    """Return how many beats were joined to this one: APScheduler does not say."""
    if last is None or isinstance(beat, Daily):
        return 0
    return max(0, int((now - last) / beat.interval.total_seconds() + _LATE_BY_HALF) - 1)
