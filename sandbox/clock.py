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


class RealClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Sleep for real."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that moves only when told to; sleeping moves it at once."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the time last set."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Move forward by `seconds` and give other tasks a turn."""
        self.advance(seconds)
        await asyncio.sleep(0)
