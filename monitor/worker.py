"""One channel's worker: sends what is due, keeps the proof, waits and tries again, asks what became of the rest."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from monitor.arrivals import Arrivals
from monitor.budget import Budget
from monitor.channels.base import (
    Ambiguous,
    Channel,
    ChannelRefused,
    DeliveryError,
    Editable,
    Malformed,
    Throttled,
    Tracked,
)
from monitor.editing import Editing
from monitor.notice import FailureReason, Receipt
from monitor.store import Claim, Place, Store, Terms
from sync.clock import Clock
from sync.pacing import backoff

log = structlog.get_logger()

_LONGEST_NAP = timedelta(minutes=5)  # a worker looks by itself at least this often, whatever it was told
_LEASE_BEYOND_DEADLINE = timedelta(seconds=30)
_LONGEST_RETRY_AFTER = timedelta(hours=1)  # a service that asks for more is asked again after this


class DeliveryMeter(Protocol):
    """Told of every attempt at a delivery."""

    def sent(self, channel: str) -> None:
        """Count an attempt."""

    def failed(self, channel: str, reason: FailureReason) -> None:
        """Count an attempt that failed."""

    def delivered(self, channel: str, seconds: float) -> None:
        """Take note of how long after its writing a message was delivered."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """The channel that is told what another refused, or has not taken within `after`."""

    channel: str
    after: timedelta


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How deliveries are tried; `pace` is the least time between two messages of a channel, budgets are recipients'."""

    backoff: timedelta = timedelta(seconds=5)
    longest_backoff: timedelta = timedelta(minutes=15)
    deadline: timedelta = timedelta(seconds=30)
    expire: timedelta = timedelta(days=3)
    pace: Mapping[str, timedelta] = field(default_factory=dict)
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    fallbacks: Mapping[str, Fallback] = field(default_factory=dict)


class Backing(Protocol):
    """Has what one channel does not deliver told by others."""

    def stand_ins(self, channel: str) -> Sequence[Place]:
        """Return the places that are told what a channel fails to deliver."""

    async def fall_back(self, channel: str) -> None:
        """Write to them what a channel has refused or not taken in time."""

    def wake(self) -> None:
        """Let every worker look for messages now."""


class Worker:
    """Sends the messages of one channel, one at a time."""

    def __init__(
        self,
        name: str,
        channel: Channel,
        store: Store,
        policy: DeliveryPolicy,
        backing: Backing,
        *,
        clock: Clock,
        rng: random.Random,
        meter: DeliveryMeter,
    ) -> None:
        self.name = name
        self._backing = backing
        self._channel = channel
        self._store = store
        self._policy = policy
        self._clock = clock
        self._rng = rng
        self._meter = meter
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._held_until: datetime | None = None  # the service asked the whole channel to wait
        self._sent_at: float | None = None
        self._failing = False
        self._retired = False
        self._arrivals: Arrivals | None = None
        if isinstance(channel, Tracked):
            to = partial(backing.stand_ins, name)
            self._arrivals = Arrivals(name, channel, channel.recipients, store, to, clock=clock, meter=meter)
        self._editing = Editing(name, channel, store, clock=clock) if isinstance(channel, Editable) else None

    @property
    def recipients(self) -> Sequence[str]:
        """Return whom the channel writes to a message each."""
        return self._channel.recipients

    @property
    def furthest(self) -> timedelta:
        """Return the longest that a message of the channel is ever let wait before it is looked at again."""
        budget = self._policy.budgets.get(self.name)
        return max(self._longest_hold, timedelta(0) if budget is None else budget.longest)

    @property
    def _longest_hold(self) -> timedelta:
        return max(self._policy.longest_backoff, _LONGEST_RETRY_AFTER)

    async def run(self) -> None:
        """Send what is due, and wait, until `stop`."""
        while not self._stopping.is_set():
            self._news.clear()
            await self.drain()
            await self.follow_up()
            await self._rest(await self._nap(), self._stopping, self._news)
        if self._retired:
            await self.close()

    def show(self, incidents: Collection[int]) -> None:
        """Edit the messages about these incidents, where the channel can: people did something about them."""
        if self._editing is not None:
            self._editing.add(incidents)
            self.wake()

    async def follow_up(self) -> None:
        """Edit what is out of date; let other channels tell what this one does not take, or took and lost."""
        if self._editing is not None:
            await self._editing.edit()
        if self._arrivals is not None and not self._held():
            await self._ask_for_fates(self._arrivals)
        await self._backing.fall_back(self.name)

    async def _ask_for_fates(self, arrivals: Arrivals) -> None:
        try:
            if await arrivals.follow_up():
                self._backing.wake()
        except Throttled as error:
            wait = timedelta(seconds=error.retry_after or 0)
            self._held_until = self._clock.now() + min(max(wait, self._policy.backoff), _LONGEST_RETRY_AFTER)

    def wake(self) -> None:
        """Look for messages now."""
        self._news.set()

    def stop(self) -> None:
        """Let `run` end after the message that is being sent."""
        self._stopping.set()

    def retire(self) -> None:
        """End for good: another takes the channel's place."""
        self._retired = True
        self.stop()

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def recover(self) -> None:
        """Remember what the service asked of the last process."""
        self._held_until = await self._store.held(self.name, self._clock.now())

    async def drain(self) -> int:
        """Send what is due; return how many attempts that took."""
        attempts = 0
        while not self._held() and await self._has_due():
            await self._keep_pace()
            if self._stopping.is_set():
                break
            claim = await self._store.claim(self.name, self._terms(), self._clock.now())
            if claim is None:
                break
            await self._deliver(claim)
            attempts += 1
        return attempts

    def _terms(self) -> Terms:
        lease = self._policy.deadline + _LEASE_BEYOND_DEADLINE
        return Terms(self._channel.together, lease, self._policy.budgets.get(self.name))

    # --- waiting ---
    def _held(self) -> bool:
        now = self._clock.now()  # a clock that was set back makes nobody wait for longer
        return self._held_until is not None and now < self._held_until <= now + self._longest_hold

    async def _has_due(self) -> bool:
        due = await self._store.next_due(self.name)
        return due is not None and due <= self._clock.now()

    async def _keep_pace(self) -> None:
        pace = self._policy.pace.get(self.name)
        if pace is not None and self._sent_at is not None:
            rest = self._sent_at + pace.total_seconds() - self._clock.monotonic()
            if rest > 0:
                await self._rest(rest, self._stopping)

    async def _nap(self) -> float:
        """Return the seconds until there may be something to do."""
        now = self._clock.now()
        moments = [now + _LONGEST_NAP]
        due = await self._store.next_due(self.name)
        if due is not None:
            moments.append(max(due, self._held_until or due))
        fallback = self._policy.fallbacks.get(self.name)
        if fallback is not None:
            late = await self._store.next_fallback(self.name, fallback.after, now)
            moments += [] if late is None else [late]
        ask_at = None if self._arrivals is None else await self._arrivals.next_at()
        edit_at = None if self._editing is None else self._editing.next_at
        if ask_at is not None and self._held():
            ask_at = max(ask_at, self._held_until or ask_at)
        moments += [moment for moment in (ask_at, edit_at) if moment is not None]
        return max(0.0, (min(moments) - now).total_seconds())

    async def _rest(self, seconds: float, *until: asyncio.Event) -> None:
        """Wait, but not beyond the first of these events."""
        waits = [asyncio.ensure_future(event.wait()) for event in until]
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({sleep, *waits}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in (sleep, *waits):
                wait.cancel()

    # --- one message ---
    async def _deliver(self, claim: Claim) -> None:
        self._meter.sent(self.name)
        try:
            receipt = await self._send(claim)
        except DeliveryError as error:
            await self._failed(claim, error)
        else:
            await self._store.delivered(claim, receipt, self._clock.now())
            self._succeeded(claim)
        self._sent_at = self._clock.monotonic()

    async def _send(self, claim: Claim) -> Receipt:
        try:
            async with asyncio.timeout(self._policy.deadline.total_seconds()):
                return await self._channel.send(claim.parcel, plain=claim.plain)
        except TimeoutError:
            raise Ambiguous("no answer within the deadline") from None
        except DeliveryError:
            raise
        except Exception as error:  # one message, through a mistake of ours, must not keep back all others
            log.exception("notification.bug", channel=self.name, alerts=_alerts(claim))
            raise Malformed(f"internal: {type(error).__name__}") from None

    async def _failed(self, claim: Claim, error: DeliveryError) -> None:
        self._meter.failed(self.name, error.reason)
        now = self._clock.now()
        wait = self._wait(claim, error)
        if isinstance(error, Throttled):
            self._held_until = now + wait
        await self._store.undelivered(claim, error.reason, error.detail, now + wait, now)
        level = log.info if self._failing else log.warning  # an outage is told once, and its end once
        level(
            "notification.failed",
            channel=self.name,
            code=error.code.name,
            reason=error.reason.value,
            detail=error.detail,
            attempt=claim.attempt,
            alerts=_alerts(claim),
            again_in=round(wait.total_seconds(), 1),
        )
        self._failing = True

    def _wait(self, claim: Claim, error: DeliveryError) -> timedelta:
        """Return how long to wait: what the service asks for, else a jittered back-off; a plain retry goes at once."""
        if isinstance(error, Malformed) and not claim.plain:
            return timedelta(0)
        if error.retry_after is not None:
            return min(timedelta(seconds=error.retry_after), _LONGEST_RETRY_AFTER)
        attempt = claim.attempt + (2 if isinstance(error, ChannelRefused) else 0)  # a person has to act first
        seconds = backoff(
            attempt,
            self._rng.random(),
            base=self._policy.backoff.total_seconds(),
            cap=self._policy.longest_backoff.total_seconds(),
        )
        return timedelta(seconds=seconds)

    def _succeeded(self, claim: Claim) -> None:
        now = self._clock.now()
        for notice in claim.parcel.notices:
            self._meter.delivered(self.name, (now - notice.at).total_seconds())
        log.info(
            "notification.sent",
            channel=self.name,
            alerts=_alerts(claim),
            kinds=sorted({notice.kind.value for notice in claim.parcel.notices}),
            attempt=claim.attempt,
            recovered=self._failing,
        )
        self._failing = False


def _alerts(claim: Claim) -> list[str]:
    return [notice.alert for notice in claim.parcel.notices]
