"""Jobs start on their beat, never overlap within a lane, and every beat is counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, time, timedelta

import pytest
from anyio.lowlevel import checkpoint

from monitor.schedule import Daily, Every, Job, Schedule

pytestmark = pytest.mark.anyio


class Tally:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def due(self, job: str, expected: int = 1, missed: int = 0) -> None:
        self.counts[f"{job} expected"] += expected
        self.counts[f"{job} missed"] += missed

    def begun(self, job: str) -> None:
        self.counts[f"{job} begun"] += 1


class HandClock:
    """A clock moved by hand; nobody sleeps on it here."""

    seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Work:
    """A job that runs until it is let go, and notes when it overlaps another of its lane."""

    def __init__(self, overlapping: list[str]) -> None:
        self.let_go = asyncio.Event()
        self.overlapping = overlapping
        self.ended = 0

    async def __call__(self) -> None:
        self.overlapping.append("x")
        assert len(self.overlapping) == 1
        await self.let_go.wait()
        self.overlapping.pop()
        self.ended += 1


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await checkpoint()


async def test_a_beat_during_a_run_is_counted_as_missed_and_does_not_overlap() -> None:
    work, tally = Work([]), Tally()
    schedule = Schedule(
        jobs=[Job("stock", work, Every(timedelta(minutes=1)), "shops")], clock=HandClock(), tallies=[tally]
    )
    schedule.beat("stock")
    await settle()
    schedule.beat("stock")
    work.let_go.set()
    await settle()
    schedule.beat("stock")
    await settle()
    assert work.ended == 2
    assert tally.counts == {"stock expected": 3, "stock missed": 1, "stock begun": 2}


async def test_jobs_of_one_lane_wait_for_each_other() -> None:
    lane: list[str] = []
    first, second, tally = Work(lane), Work(lane), Tally()
    jobs = [
        Job("stock", first, Every(timedelta(minutes=1)), "shops"),
        Job("full", second, Daily(time(9, 30)), "shops"),
    ]
    schedule = Schedule(jobs=jobs, clock=HandClock(), tallies=[tally])
    schedule.beat("stock")
    schedule.beat("full")
    await settle()
    assert tally.counts["full begun"] == 0
    first.let_go.set()
    second.let_go.set()
    await settle()
    assert (first.ended, second.ended) == (1, 1)


@pytest.mark.parametrize(
    ("gap", "missed"),
    [pytest.param(60, 0, id="on-time"), pytest.param(80, 0, id="a-little-late"), pytest.param(240, 3, id="four-late")],
)
async def test_beats_joined_to_one_are_counted(gap: float, missed: int) -> None:
    clock, tally = HandClock(), Tally()

    async def nothing() -> None:
        return

    schedule = Schedule(jobs=[Job("stock", nothing, Every(timedelta(minutes=1)), "a")], clock=clock, tallies=[tally])
    schedule.beat("stock")
    await settle()
    clock.seconds += gap
    schedule.beat("stock")
    await settle()
    assert tally.counts["stock missed"] == missed
    assert tally.counts["stock expected"] == 2 + missed
    assert tally.counts["stock begun"] == 2


async def test_draining_lets_a_run_end_and_starts_no_other() -> None:
    work, tally = Work([]), Tally()
    schedule = Schedule(jobs=[Job("stock", work, Every(timedelta(minutes=1)), "a")], clock=HandClock(), tallies=[tally])
    schedule.beat("stock")
    await settle()
    asyncio.get_running_loop().call_soon(work.let_go.set)
    assert await schedule.drain(5)
    schedule.beat("stock")
    await settle()
    assert work.ended == 1


async def test_draining_cancels_what_does_not_end() -> None:
    work, tally = Work([]), Tally()
    schedule = Schedule(jobs=[Job("stock", work, Every(timedelta(minutes=1)), "a")], clock=HandClock(), tallies=[tally])
    schedule.beat("stock")
    await settle()
    assert not await schedule.drain(0.01)
    assert work.ended == 0


async def test_the_scheduler_beats_by_itself() -> None:
    begun = asyncio.Event()

    async def tell() -> None:
        begun.set()

    from sync.clock import SystemClock  # noqa: PLC0415 - the one test here on the machine's own clock

    schedule = Schedule(
        jobs=[Job("stock", tell, Every(timedelta(seconds=30)), "a")], clock=SystemClock(), tallies=[Tally()]
    )
    schedule.start()
    await asyncio.wait_for(begun.wait(), timeout=5)
    assert await schedule.drain(1)


class Steps:
    """A job that notes when it began."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.begun: list[float] = []
        self.let_go = asyncio.Event()
        self.let_go.set()

    async def __call__(self) -> None:
        self.begun.append(self.clock.seconds)
        await self.let_go.wait()


def wanted(clock: HandClock, steps: Steps, tally: Tally) -> Schedule:
    job = Job("stock", steps, Every(timedelta(minutes=1)), "shops", apart=timedelta(seconds=10))
    return Schedule(jobs=[job], clock=clock, tallies=[tally])


async def test_a_run_wanted_many_times_runs_once_and_keeps_its_distance() -> None:
    clock, tally = HandClock(), Tally()
    steps = Steps(clock)
    schedule = wanted(clock, steps, tally)
    for _ in range(50):
        schedule.soon("stock")
    await settle()
    clock.seconds = 2.0
    for _ in range(50):
        schedule.soon("stock")
    await settle()
    assert steps.begun == [0.0, 10.0]
    assert tally.counts == {"stock expected": 2, "stock missed": 0, "stock begun": 2}


async def test_what_is_wanted_while_a_run_is_under_way_gets_a_run_of_its_own() -> None:
    clock, tally = HandClock(), Tally()
    steps = Steps(clock)
    steps.let_go.clear()
    schedule = wanted(clock, steps, tally)
    schedule.beat("stock")
    await settle()
    clock.seconds = 20.0
    schedule.soon("stock")
    await settle()
    assert steps.begun == [0.0]
    steps.let_go.set()
    await settle()
    assert steps.begun == [0.0, 20.0]


async def test_a_beat_that_begins_after_the_wish_fulfils_it() -> None:
    clock, tally = HandClock(), Tally()
    steps = Steps(clock)
    schedule = wanted(clock, steps, tally)
    schedule.beat("stock")
    await settle()
    clock.seconds = 20.0
    schedule.soon("stock")
    schedule.beat("stock")
    clock.seconds = 21.0
    await settle()
    assert steps.begun == [0.0, 21.0]


async def test_nothing_is_begun_for_a_wish_once_the_schedule_drains() -> None:
    clock, tally = HandClock(), Tally()
    steps = Steps(clock)
    schedule = wanted(clock, steps, tally)
    schedule.soon("stock")
    assert await schedule.drain(1.0)
    schedule.soon("stock")
    await settle()
    assert steps.begun == []
