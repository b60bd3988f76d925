"""Tells systemd how the daemon is: ready, at work, stopping; anything else that speaks sd_notify(3) hears it too.

The watchdog is fed only while the work goes on. A process that hangs is not fed, since nothing in it runs; neither
is one whose loop runs while its passes stand still, which no health check would notice.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import structlog

from sync.clock import Clock
from sync.events import ApiAttempt, Event

log = structlog.get_logger()

_FEEDS = 3  # in the time that the watchdog waits
PATIENCE = timedelta(minutes=5)  # beyond two beats: longer than any single call with its retries


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Who started us, as the environment tells: its socket ("": none), and how long its watchdog waits to be fed."""

    address: str = ""
    watchdog: timedelta | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Self:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; what is meant for another process is left alone."""
        waits = environ.get("WATCHDOG_USEC", "")
        ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        watchdog = timedelta(microseconds=int(waits)) if ours and waits.isdecimal() and int(waits) else None
        return cls(environ.get("NOTIFY_SOCKET", ""), watchdog)

    def tell(self, *lines: str) -> None:
        """Send lines such as READY=1. Whoever does not listen misses them: it is no reason to fail."""
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            log.warning("supervisor.not_told", error=error.strerror)

    async def feed(self, clock: Clock, work: Work) -> None:
        """Feed the watchdog for as long as the work goes on; until cancelled."""
        if self.watchdog is None:
            return
        starving = False
        while True:
            stands = work.stands_still()
            if not stands:
                self.tell("WATCHDOG=1")
            elif not starving:
                log.error("supervisor.work_stands_still", seconds=round(work.still_for()))
            starving = stands
            await clock.sleep(self.watchdog.total_seconds() / _FEEDS)


class Work:
    """Hears whether the work goes on: a job's turn comes on its `beat`, and what is under way makes its calls.

    Both a tally of the schedule and a listener to the engine.
    """

    def __init__(self, clock: Clock, job: str, beat: timedelta) -> None:
        self._clock = clock
        self._job = job
        self._patience = (2 * beat + PATIENCE).total_seconds()
        self._moved = clock.monotonic()

    def due(self, job: str, expected: int = 1, missed: int = 0) -> None:
        """Let a run be due: that it should begin moves nothing."""

    def begun(self, job: str) -> None:
        """Take note of a run that got its turn."""
        if job == self._job:
            self._moved = self._clock.monotonic()

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, ApiAttempt):
            self._moved = self._clock.monotonic()

    def still_for(self) -> float:
        """Return for how many seconds nothing has moved."""
        return self._clock.monotonic() - self._moved

    def stands_still(self) -> bool:
        """Tell whether that is longer than work ever rests."""
        return self.still_for() > self._patience


@contextmanager
def supervised(supervisor: Supervisor, clock: Clock, work: Work) -> Iterator[None]:
    """Say that we are ready, feed the watchdog meanwhile, and say that we stop."""
    feeding = asyncio.create_task(supervisor.feed(clock, work), name="watchdog")
    supervisor.tell("READY=1")
    try:
        yield
    finally:
        supervisor.tell("STOPPING=1")
        feeding.cancel()
