"""One life of the product's process, and its end as `kill -9` ends it: from one moment on, nothing leaves it any more.

The product touches the world through four ports only: its database, its HTTP transport, its mail client and its clock.
Each is wrapped here, and each awaited call is a moment before and a moment after the effect, at which the process may
end. Between two moments the product's code can do nothing that anybody sees, so these moments stand for every await
and every commit. A killed process really stops: the call in which it ends never returns, and while its tasks are then
thrown away, their `finally` blocks find every port shut (`Killed`). A request that was already sent still arrives.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextvars import Context, ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import httpx
import sqlalchemy as sa

from sync.storage.database import Database
from sync.storage.touched import Watcher
from tests.simulation.loop import NumberedTask, VirtualClock, VirtualLoop

T = TypeVar("T")

_OUTSIDE = Context()  # what belongs to the world runs here, so that it outlives the process that asked for it


class Killed(BaseException):
    """The process has ended; no code of it may go on. No `except Exception` catches it."""


class Moment(StrEnum):
    """Where a process may end."""

    READ = "database read"
    BEFORE_COMMIT = "before a commit"
    AFTER_COMMIT = "after a commit"
    BEFORE_REQUEST = "before a request"
    REQUEST_SENT = "request sent"
    ANSWERED = "answer received"
    BEFORE_MAIL = "before a mail"
    AFTER_MAIL = "after a mail"
    ASLEEP = "asleep"


@dataclass(slots=True)
class Fuse:
    """Ends a process at the `left`-th moment of a kind from now; None: of any kind."""

    kind: Moment | None
    left: int

    def burns_out(self, moment: Moment) -> bool:
        """Let a moment pass; tell whether it was the last."""
        if self.kind in (None, moment):
            self.left -= 1
        return self.left <= 0


_LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


class Life:
    """A process from its start to its end. `on_end` is called at once when it ends, with the moment it ended at."""

    def __init__(self, loop: VirtualLoop, on_end: Callable[[Moment], None] = lambda _: None) -> None:
        self._loop = loop
        self._on_end = on_end
        self._tasks: dict[NumberedTask, None] = {}
        self.context = Context()
        self.context.run(_LIFE.set, self)
        self.over = asyncio.Event()
        self.fuse: Fuse | None = None
        self.moments: Counter[Moment] = Counter()
        loop.task_listeners.append(self._adopt)

    @property
    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return not self.over.is_set()

    def _adopt(self, task: NumberedTask, context: Context | None) -> None:
        mine = _LIFE.get() if context is None else context.get(_LIFE)
        if mine is self:
            self._tasks[task] = None
            task.add_done_callback(self._forget, context=_OUTSIDE)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)  # type: ignore[call-overload]
        if not self.alive:
            _seen(task)

    async def reach(self, moment: Moment) -> None:
        """Let a moment pass: goes on, never returns if the process ends here, raises Killed where it ended before."""
        if not self.alive:
            raise Killed
        self.moments[moment] += 1
        if self.fuse is not None and self.fuse.burns_out(moment):
            self.end(moment)
            await self._loop.create_future()

    def end(self, moment: Moment) -> None:
        """End the process."""
        if self.alive:
            self.over.set()
            self._on_end(moment)

    async def bury(self) -> None:
        """Throw away what is left of an ended process; its ports are shut by now."""
        assert not self.alive
        while self._tasks:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.wait(list(self._tasks), timeout=0)
        self._loop.task_listeners.remove(self._adopt)


def _seen(task: asyncio.Task[Any]) -> None:
    """Look at a task's error, lest it be reported as lost."""
    if not task.cancelled():
        task.exception()


def in_the_world(loop: VirtualLoop, work: Any) -> asyncio.Task[Any]:
    """Start what does not end with a process; its error concerns whoever asks for its result."""
    task = loop.create_task(work, context=_OUTSIDE)
    task.add_done_callback(_seen, context=_OUTSIDE)
    return task


class MortalClock(VirtualClock):
    """The world's clock, as a process uses it."""

    def __init__(self, loop: VirtualLoop, life: Life) -> None:
        super().__init__(loop)
        self._life = life

    async def sleep(self, seconds: float) -> None:
        await self._life.reach(Moment.ASLEEP)
        await super().sleep(seconds)


class MortalDatabase:
    """The product's database: a commit takes a moment, and is whole or never was."""

    def __init__(self, inner: Database, life: Life, waits: Callable[[], float], clock: VirtualClock) -> None:
        self._inner = inner
        self._life = life
        self._waits = waits
        self._clock = clock

    async def write(self, fn: Callable[[sa.Connection], T]) -> T:
        await self._clock.sleep(self._waits())
        await self._life.reach(Moment.BEFORE_COMMIT)
        value = await self._inner.write(fn)
        await self._life.reach(Moment.AFTER_COMMIT)
        return value

    async def read(self, fn: Callable[[sa.Connection], T]) -> T:
        await self._life.reach(Moment.READ)
        return await self._inner.read(fn)

    def watch(self, watcher: Watcher) -> None:
        """Let somebody see what each write touches."""
        self._inner.watch(watcher)

    async def close(self) -> None:
        """Let go of the file, as the operating system does for a process that ended."""
        await self._inner.close()


Heard = Callable[[httpx.Request, httpx.Response], None]
"""Is told of an answer that reached whoever asked."""


def _nobody(_: httpx.Request, __: httpx.Response) -> None:
    """Hear of no answer."""


class MortalTransport(httpx.AsyncBaseTransport):
    """The product's network: what was sent arrives, whatever becomes of the sender."""

    def __init__(self, inner: httpx.AsyncBaseTransport, life: Life, loop: VirtualLoop, heard: Heard = _nobody) -> None:
        self._inner = inner
        self._life = life
        self._loop = loop
        self._heard = heard

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._life.reach(Moment.BEFORE_REQUEST)
        await request.aread()
        answer = in_the_world(self._loop, self._inner.handle_async_request(request))
        await self._life.reach(Moment.REQUEST_SENT)
        await asyncio.wait({answer})
        await self._life.reach(Moment.ANSWERED)
        response: httpx.Response = answer.result()
        self._heard(request, response)
        return response
