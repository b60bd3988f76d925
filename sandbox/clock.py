"""Time as the pretend services see it: the only file of the sandbox that reads a clock or sleeps."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the pretend services get the time from."""

    def now(self) -> datetime:
        """Return the present moment as an aware UTC datetime."""

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""

    async def until(self, moment: datetime) -> None:
        """Wait for the clock to reach `moment`, without moving it."""


class RealClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Sleep for real."""
        await asyncio.sleep(seconds)

    async def until(self, moment: datetime) -> None:
        """Sleep for real until `moment`."""
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))


class ManualClock:
    """A clock that moves only when told to; sleeping moves it at once."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Return the time last set."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward; who waited for a moment that has come goes on as soon as others give way."""
        self._now += timedelta(seconds=seconds)
        come = [future for moment, future in self._waiting if moment <= self._now]
        self._waiting = [(moment, future) for moment, future in self._waiting if moment > self._now]
        for future in come:
            if not (future.done() or future.get_loop().is_closed()):
                future.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Move forward by `seconds` and give other tasks a turn."""
        self.advance(seconds)
        await asyncio.sleep(0)

    async def until(self, moment: datetime) -> None:
        """Wait until somebody has moved the clock to `moment`."""
        if moment <= self._now:
            return
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((moment, reached))
        await reached
