"""Virtual time is exact, never waits and never hangs."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulation.loop import Deadlock, VirtualClock, VirtualLoop, run_virtually

DAY = 86_400.0


def test_time_jumps_to_the_next_timer_exactly() -> None:
    async def main(loop: VirtualLoop) -> list[float]:
        clock, seen = VirtualClock(loop), []
        for seconds in (0.1, 3600.0, 1e-5):
            await clock.sleep(seconds)
            seen.append(loop.time())
        return seen

    assert run_virtually(main) == [0.1, 3600.1, 3600.1 + 1e-5]


def test_a_year_passes_although_the_usual_resolution_is_lost_after_194_days() -> None:
    async def main(loop: VirtualLoop) -> float:
        clock = VirtualClock(loop)
        for _ in range(400):
            await clock.sleep(DAY)
            await clock.sleep(0.001)
        return loop.time()

    assert run_virtually(main) == pytest.approx(400 * (DAY + 0.001))


def test_the_earlier_of_two_sleepers_wakes_first() -> None:
    async def main(loop: VirtualLoop) -> list[str]:
        clock, order = VirtualClock(loop), []

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            order.append(f"{name} at {loop.time():g}")

        await asyncio.gather(sleeper("late", 60), sleeper("early", 5))
        return order

    assert run_virtually(main) == ["early at 5", "late at 60"]


def test_a_timeout_of_the_loop_is_in_virtual_time() -> None:
    async def main(loop: VirtualLoop) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return loop.time()

    assert run_virtually(main) == 30.0


def test_a_loop_that_nothing_can_wake_says_so() -> None:
    async def main(_: VirtualLoop) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run_virtually(main)
