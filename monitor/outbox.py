"""Delivers what the outbox holds: one worker for each channel, each message at least once.

A worker claims what is due to one recipient, sends it as one message, and keeps the proof; a failure sets when it is
tried again. What was handed over without an answer, or was being sent when the process ended, is sent again with the
same identity and marked as a possible repeat. Workers wait for a wake-up, or until the next message is due.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from monitor.budget import Budget
from monitor.channels.base import Ambiguous, Channel, ChannelRefused, DeliveryError, Malformed, Throttled
from monitor.notice import FailureReason, Receipt
from monitor.store import Claim, Place, Store, Terms
from sync.clock import Clock
from sync.pacing import backoff

log = structlog.get_logger()

_LONGEST_NAP = timedelta(minutes=5)  # a worker looks by itself at least this often, whatever it was told
_LEASE_BEYOND_DEADLINE = timedelta(seconds=30)
_LONGEST_RETRY_AFTER = timedelta(hours=1)  # a service that asks for more is asked again after this
_ENDS_LAST = 10  # times as long as others they wait: the end is missed by whoever was told of the beginning


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


class Outbox:
    """The workers of all channels. `run` them until `stop`; `wake` them when there is something new."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        policy: DeliveryPolicy,
        *,
        clock: Clock,
        rng: random.Random,
        meter: DeliveryMeter,
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._rng = rng
        self._meter = meter
        self._ways = dict(channels)
        self._workers = self._hire(channels, policy)
        self._tasks: asyncio.TaskGroup | None = None  # while it runs
        self._stopping = asyncio.Event()

    def _hire(self, channels: Mapping[str, Channel], policy: DeliveryPolicy) -> Mapping[str, _Worker]:
        hire = partial(_Worker, clock=self._clock, rng=self._rng, meter=self._meter)
        return {name: hire(name, channel, self._store, policy, self._fall_back) for name, channel in channels.items()}

    @property
    def channels(self) -> Mapping[str, Sequence[str]]:
        """Return the channels that there are, with whom each is to write to."""
        return {name: worker.recipients for name, worker in self._workers.items()}

    @property
    def ways(self) -> Mapping[str, Channel]:
        """Return the channels themselves; the mapping changes as other channels are taken."""
        return self._ways

    async def recover(self) -> int:
        """Call once after a start, before `run`: doubt what the last process was sending. Return how many."""
        doubtful = await self._store.recover(self.channels, self._clock.now())
        if doubtful:
            log.info("outbox.recovered", in_doubt=doubtful)
        await self._hasten()
        for worker in self._workers.values():
            await worker.recover()
        return doubtful

    async def run(self) -> None:
        """Deliver until `stop`; messages being sent are finished first."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._start()
            await self._stopping.wait()
            self._tasks = None

    def _start(self) -> None:
        if self._tasks is not None:
            for worker in self._workers.values():
                self._tasks.create_task(worker.run(), name=f"outbox.{worker.name}")

    async def take(self, channels: Mapping[str, Channel], policy: DeliveryPolicy) -> None:
        """Deliver by other channels from now on; those before finish what they are sending, then are closed.

        What waits for a channel that is gone is given up.
        """
        workers = self._hire(channels, policy)
        for worker in workers.values():  # whatever may fail comes first, so that it changes nothing
            await worker.recover()
        await self._store.give_up_strangers({name: worker.recipients for name, worker in workers.items()})
        before, self._workers, self._policy = self._workers, workers, policy
        self._ways.clear()
        self._ways.update(channels)
        for worker in before.values():
            worker.retire()
        self._start()

    async def close(self) -> None:
        """Close the channels; call it after `run`."""
        for worker in self._workers.values():
            await worker.close()

    async def deliver(self) -> int:
        """Send everything that is due now, channel by channel; return how many attempts were made."""
        attempts = 0
        for worker in self._workers.values():
            attempts += await worker.drain()
            await self._fall_back(worker.name)
        return attempts

    async def expire(self) -> int:
        """Give up messages that are too old to matter, or for nobody; return how many were too old."""
        now = self._clock.now()
        await self._hasten()
        age = self._policy.expire
        gone = await self._store.expire(now - age, now - _ENDS_LAST * age, self.channels)
        if gone:
            log.warning("outbox.expired", messages=gone)
        return gone

    async def _hasten(self) -> None:
        """Make due what only a clock that was set back keeps waiting."""
        furthest = {name: worker.furthest for name, worker in self._workers.items()}
        moved = await self._store.hasten(furthest, self._clock.now())
        if moved:
            log.warning("outbox.clock_set_back", messages=moved)
            self.wake()

    async def _fall_back(self, channel: str) -> None:
        """Write to a channel's fallback what it has refused or not taken in time."""
        fallback = self._policy.fallbacks.get(channel)
        if fallback is None or fallback.channel not in self._workers:
            return
        to = [Place(fallback.channel, each) for each in self.channels[fallback.channel]]
        written = await self._store.fall_back(channel, to, fallback.after, self._clock.now())
        if written:
            log.warning("notification.fell_back", channel=channel, to=fallback.channel, messages=written)
            self._workers[fallback.channel].wake()

    def wake(self) -> None:
        """Let every worker look for messages now."""
        for worker in self._workers.values():
            worker.wake()

    def stop(self) -> None:
        """Let `run` end after the messages that are being sent."""
        self._stopping.set()
        for worker in self._workers.values():
            worker.stop()


class _Worker:
    """Sends the messages of one channel, one at a time."""

    def __init__(
        self,
        name: str,
        channel: Channel,
        store: Store,
        policy: DeliveryPolicy,
        fall_back: Callable[[str], Awaitable[None]],
        *,
        clock: Clock,
        rng: random.Random,
        meter: DeliveryMeter,
    ) -> None:
        self.name = name
        self._fall_back = fall_back
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

    @property
    def recipients(self) -> Sequence[str]:
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
        while not self._stopping.is_set():
            self._news.clear()
            await self.drain()
            await self._fall_back(self.name)
            await self._rest(await self._nap(), self._stopping, self._news)
        if self._retired:
            await self.close()

    def wake(self) -> None:
        self._news.set()

    def stop(self) -> None:
        self._stopping.set()

    def retire(self) -> None:
        """End for good: another takes the channel's place."""
        self._retired = True
        self.stop()

    async def close(self) -> None:
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
