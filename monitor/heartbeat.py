"""A dead man's switch: an address that hears from us each minute, but only while the whole is well.

Whoever watches that address notices what we cannot tell ourselves: that this process, its machine or its way is gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import structlog

from monitor.facts import Facts
from monitor.units import written_duration
from sync.clock import Clock
from sync.errors import SyncError

log = structlog.get_logger()

_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class WellLimits:
    """What is called well: the oldest last sync, judging and waiting message, and how far a clock may be off."""

    synced_within: timedelta = timedelta(minutes=10)
    judged_within: timedelta = timedelta(minutes=10)
    delivered_within: timedelta = timedelta(minutes=10)
    clock_within: timedelta = timedelta(minutes=1)


def ailments(facts: Facts | None, limits: WellLimits, now: datetime) -> Sequence[str]:
    """Return what is not well by the last evaluation's facts, in sentences; nothing where all is."""
    if facts is None:
        return ["no rule has been judged yet"]
    found = []
    if now - facts.now > limits.judged_within:
        found.append(f"no rule has been judged for {written_duration(now - facts.now)}")
    if facts.synced_at is None:
        found.append("stock has never been synced")
    elif now - facts.synced_at > limits.synced_within:
        found.append(f"stock has not been synced for {written_duration(now - facts.synced_at)}")
    oldest = facts.backlog.oldest
    if oldest is not None and now - oldest > limits.delivered_within:
        found.append(f"a message has waited for {written_duration(now - oldest)}")
    for api, off in sorted(facts.vitals.clocks.items()):
        if abs(off) > limits.clock_within.total_seconds():
            found.append(f"our clock and that of {api} differ by {written_duration(timedelta(seconds=abs(off)))}")
    return found


class Heartbeat:
    """Asks how things are and, where all is well, calls `url`, which is a secret. `writable` raises where it is not."""

    def __init__(
        self,
        url: str,
        *,
        facts: Callable[[], Facts | None],
        writable: Callable[[], Awaitable[None]],
        limits: WellLimits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url
        self._facts = facts
        self._writable = writable
        self._limits = limits
        self._clock = clock
        self._transport = transport
        self._silent: Sequence[str] = ()

    async def beat(self) -> bool:
        """Call the address, unless something is not well; tell whether it took the call. An outage is logged once."""
        wrong = list(ailments(self._facts(), self._limits, self._clock.now()))
        try:
            await self._writable()
        except SyncError as error:
            wrong.append(f"the database cannot be written to ({error.code.name})")
        if not wrong:
            wrong = await self._call()
        if bool(wrong) is not bool(self._silent):
            log.warning("heartbeat.silent", reasons=wrong) if wrong else log.info("heartbeat.beats_again")
        self._silent = wrong
        return not wrong

    async def _call(self) -> list[str]:
        try:
            async with httpx.AsyncClient(timeout=_SECONDS, transport=self._transport) as client:
                answer = await client.get(self._url)
        except httpx.HTTPError as error:
            return [f"the address cannot be reached ({type(error).__name__})"]
        return [] if answer.is_success else [f"the address answered HTTP {answer.status_code}"]
