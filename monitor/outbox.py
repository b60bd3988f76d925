"""Delivers what the outbox holds: one worker for each channel, each message at least once.

A worker claims what is due to one recipient, sends it as one message, and keeps the proof; a failure sets when it is
tried again. What was handed over without an answer, or was being sent when the process ended, is sent again with the
same identity and marked as a possible repeat. Workers wait for a wake-up, or until the next message is due.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import structlog

from monitor.channels.base import Channel
from monitor.store import Place, Store
from monitor.worker import DeliveryMeter, DeliveryPolicy, Worker
from sync.clock import Clock

log = structlog.get_logger()

_ENDS_LAST = 10  # times as long as others they wait: the end is missed by whoever was told of the beginning


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

    def _hire(self, channels: Mapping[str, Channel], policy: DeliveryPolicy) -> Mapping[str, Worker]:
        hire = partial(Worker, clock=self._clock, rng=self._rng, meter=self._meter)
        return {name: hire(name, channel, self._store, policy, self) for name, channel in channels.items()}

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
        self.show(await self._store.handled(self._clock.now()))  # what people did while no process ran, too
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
            await worker.follow_up()
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

    async def fall_back(self, channel: str) -> None:
        """Write to a channel's fallback what it has refused or not taken in time."""
        fallback, to = self._policy.fallbacks.get(channel), self.stand_ins(channel)
        if fallback is None or not to:
            return
        written = await self._store.fall_back(channel, to, fallback.after, self._clock.now())
        if written:
            log.warning("notification.fell_back", channel=channel, to=fallback.channel, messages=written)
            self._workers[fallback.channel].wake()

    def stand_ins(self, channel: str) -> Sequence[Place]:
        """Return the places that are told what a channel fails to deliver."""
        fallback = self._policy.fallbacks.get(channel)
        there = () if fallback is None else self.channels.get(fallback.channel, ())
        return [Place(fallback.channel, each) for each in there] if fallback is not None else []

    def wake(self) -> None:
        """Let every worker look for messages now."""
        for worker in self._workers.values():
            worker.wake()

    def show(self, incidents: Collection[int]) -> None:
        """Edit the messages about these incidents where they can be edited: people did something about them."""
        for worker in self._workers.values():
            worker.show(incidents)

    def stop(self) -> None:
        """Let `run` end after the messages that are being sent."""
        self._stopping.set()
        for worker in self._workers.values():
            worker.stop()
