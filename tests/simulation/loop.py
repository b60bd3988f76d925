"""An asyncio event loop on virtual time: it never waits, it jumps to the next moment at which something is to happen.

Nothing outside the process can wake it: a loop with nothing scheduled is a deadlock, and says so. Times are seconds
since `START`; the product and the pretend services share one `VirtualClock`, whose seconds are the loop's own.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sync.clock import SystemClock

T = TypeVar("T")

START = datetime(2026, 10, 5, 6, 0, tzinfo=UTC)

# asyncio's own resolution, 1e-9, is lost in a double after 194 days, and the loop would spin for ever.
_RESOLUTION = 1e-6


class Deadlock(RuntimeError):
    """Every task waits for another one, and no timer is set."""


class NumberedTask(asyncio.Task[Any]):
    """A task that is hashed by its number, so that sets of tasks are walked in the same order in every run."""

    _next = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        NumberedTask._next += 1
        self.number = NumberedTask._next
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


TaskListener = Callable[[NumberedTask, Context | None], None]
"""Told of every new task, with the context it was given, None for the current one."""


class _Jump(selectors.SelectSelector):
    """Selects no file at all; where the loop would wait, it lets the time jump to the earliest timer."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.loop.jump(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop; `task_listeners` are told of new tasks. `seconds` may be read at any time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.task_listeners: list[TaskListener] = []
        selector = _Jump()
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = _RESOLUTION
        NumberedTask._next = 0
        self.set_task_factory(_make_task)  # type: ignore[arg-type]

    def time(self) -> float:
        return self.seconds

    def jump(self, timeout: float | None) -> None:
        """Move on to the earliest timer, exactly: adding `timeout` up would lose parts of it to rounding."""
        if self._ready:  # type: ignore[attr-defined]
            return
        scheduled = self._scheduled  # type: ignore[attr-defined]
        if scheduled:
            self.seconds = max(self.seconds, scheduled[0]._when)
        elif timeout is None:
            raise Deadlock("nothing is scheduled, and nothing outside can wake this loop")


def _make_task(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, T], *, context: Context | None = None, **more: Any
) -> asyncio.Task[T]:
    task = NumberedTask(coro, loop=loop, context=context, **more)
    assert isinstance(loop, VirtualLoop)
    for tell in loop.task_listeners:
        tell(task, context)
    return task


class VirtualClock(SystemClock):
    """The world's time on a virtual loop; sleeping is the loop's own."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.seconds)

    def monotonic(self) -> float:
        return self._loop.seconds

    async def until(self, moment: datetime) -> None:
        """Wait for a moment."""
        await self.sleep((moment - self.now()).total_seconds())


def run_virtually(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run `main` to its end on a loop of its own; what still runs then is cancelled."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main(loop))
    finally:
        for task in sorted(asyncio.all_tasks(loop), key=hash):
            task.cancel()
        loop.run_until_complete(_settle(loop))
        asyncio.set_event_loop(None)
        loop.close()


async def _settle(loop: VirtualLoop) -> None:
    me = asyncio.current_task()
    left = sorted((task for task in asyncio.all_tasks(loop) if task is not me), key=hash)
    await asyncio.gather(*left, return_exceptions=True)
