"""Passes that people ask for over the socket: tells how far each has come, and lets it be stopped.

A pass ends with whoever waits for it: where the asking end is gone, it stops between two calls, as by Ctrl-C.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict

from monitor.actions import Actions
from monitor.asked import SyncOrder
from monitor.asking import told_error
from monitor.progress import Progress, Watch
from sync.clock import Clock
from sync.errors import SyncError
from sync.events import Events
from sync.halting import Halt

_PACE = 0.2  # seconds between two lines
_LONGEST_END = 10.0  # seconds that calls under way may take once the daemon stops


class Passing:
    """The passes that people wait for."""

    def __init__(self, actions: Actions, events: Events, clock: Clock) -> None:
        self._actions = actions
        self._events = events
        self._clock = clock
        self._halts: dict[asyncio.Task[bytes], Halt] = {}
        self._named: dict[str, Halt] = {}

    async def lines(self, order: SyncOrder) -> AsyncIterator[bytes]:
        """Make a pass; yield lines of JSON that tell how far it has come, the last one how it ended."""
        halt, newest = Halt(), _Newest()
        watch = Watch(self._clock.monotonic, newest)
        self._events.join(watch)
        task = asyncio.create_task(self._made(order, halt), name="asked pass")
        self._halts[task] = halt
        if order.ticket:
            self._named[order.ticket] = halt
        task.add_done_callback(self._halts.pop)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_PACE)
                if (progress := newest.take()) is not None and not task.done():
                    yield _line("progress", asdict(progress))
            yield task.result()
        finally:
            halt.ask()
            if self._named.get(order.ticket) is halt:
                del self._named[order.ticket]
            self._events.leave(watch)

    def stop(self, ticket: str) -> bool:
        """Stop the pass of this ticket between two calls; tell whether there is one."""
        halt = self._named.get(ticket)
        if halt is not None:
            halt.ask()
        return halt is not None

    async def aclose(self) -> None:
        """Stop all of them, and wait until their calls under way are answered."""
        for halt in self._halts.values():
            halt.ask()
        if self._halts:
            await asyncio.wait(set(self._halts), timeout=_LONGEST_END)

    async def _made(self, order: SyncOrder, halt: Halt) -> bytes:
        """Make the pass and return its last line."""
        try:
            reply = await self._actions.sync(order, halt)
        except SyncError as error:
            return _line("error", told_error(error))
        return b'{"reply": ' + reply.model_dump_json().encode() + b"}\n"


class _Newest:
    """Keeps the newest progress until it is taken."""

    def __init__(self) -> None:
        self._progress: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        self._progress = progress

    def take(self) -> Progress | None:
        progress, self._progress = self._progress, None
        return progress


def _line(name: str, told: object) -> bytes:
    return json.dumps({name: told}).encode() + b"\n"
