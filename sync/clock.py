"""Time as the product sees it: the only file of `sync` and `monitor` that reads a clock or sleeps."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the product gets the time from."""

    def now(self) -> datetime:
        """Return the present moment as an aware UTC datetime: for stamps, never for durations."""

    def monotonic(self) -> float:
        """Return seconds that never step back: for durations and deadlines."""

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass; anything below zero is zero."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep in the running event loop."""
        await asyncio.sleep(max(0.0, seconds))
