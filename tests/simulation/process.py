"""The product as one process on virtual time, and the machine that starts it again whenever it has ended.

It is put together as the daemon does it, without sockets and signals, which a simulation has no use for: state,
engine, monitor, call counter, schedule with the daemon's own jobs, the public listener's application. APScheduler
alone is replaced, since it reads the machine's clock: `_beat` gives each job's beat, and everything behind
`Schedule.beat` is the product's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from monitor.alerts_model import AlertsFile
from monitor.daemon import scheduled, watched_passes
from monitor.schedule import Every, Job, Schedule
from monitor.shopfront import public_app
from monitor.watch import open_monitor
from monitor.workshop import Workshop, open_state, workshop
from sandbox.messages.mail import Mailbox
from sync.config import load_settings
from sync.events import Event
from sync.storage.touched import Watcher
from sync.storefront.app import Application
from tests.simulation.life import Fuse, Life, Moment, MortalClock, MortalDatabase, MortalTransport, in_the_world
from tests.simulation.loop import VirtualClock, VirtualLoop
from tests.simulation.messages import pretend_channels
from tests.simulation.network import Network
from tests.state import with_tables

_COMMIT_SECONDS = 0.002  # on average, as a disk takes to be sure


@dataclass(slots=True)
class Machine:
    """Runs the product over and over: when it was killed, it starts again `restart_seconds` later at the earliest.

    `told` hears the product's events; `broke` of errors that the product should have handled, and `ended` of each
    end, with the moment.
    """

    loop: VirtualLoop
    clock: VirtualClock
    environment: Mapping[str, str]
    alerts: AlertsFile
    state: Path
    mailbox: Mailbox
    network: Network
    rng: Random
    told: Callable[[Event], None]
    broke: Callable[[str, BaseException], None]
    ended: Callable[[Moment], None]
    watch: Watcher  # sees what each commit touches
    restart_seconds: float = 5.0
    life: Life | None = None
    shop: Workshop | None = None
    public: Application | None = None  # what answers at the public address
    lives: int = 0
    _stopping: bool = field(default=False)

    async def run(self) -> None:
        """Keep the product running until `stop`."""
        while not self._stopping:
            life = self.life = Life(self.loop, self.ended)
            self.lives += 1
            main = self.loop.create_task(self._live(life), context=life.context)
            over = in_the_world(self.loop, life.over.wait())
            await asyncio.wait({main, over}, return_when=asyncio.FIRST_COMPLETED)
            if life.alive:  # it ended by itself, which it never should
                self.broke("the process", main.exception() or RuntimeError("it returned"))
                life.end(Moment.ASLEEP)
            self.shop = self.public = None
            await life.bury()
            if main.done() and not main.cancelled():
                main.exception()  # of a killed process: seen
            if not self._stopping:
                await self.clock.sleep(self.restart_seconds * (1 + self.rng.random()))

    def stop(self) -> None:
        """End the product for good."""
        self._stopping = True
        if self.life is not None:
            self.life.over.set()

    def kill(self, kind: Moment | None, left: int) -> None:
        """Let the process end at the `left`-th moment of a kind from now; 0: at once."""
        if self.life is None or not self.life.alive:
            return
        if left == 0:
            self.life.end(Moment.ASLEEP)
        else:
            self.life.fuse = Fuse(kind, left)

    def spare(self) -> None:
        """Take back a fuse that has not burnt down."""
        if self.life is not None:
            self.life.fuse = None

    def ask(self, work: Callable[[Workshop], Any]) -> None:
        """Let the process do something that a person asks for, if it is up."""
        if self.shop is not None and self.life is not None and self.life.alive:
            task = self.loop.create_task(work(self.shop), context=self.life.context)
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _live(self, life: Life) -> None:
        clock = MortalClock(self.loop, life)
        rng = Random(self.rng.random())
        transport = MortalTransport(self.network, life, self.loop, self.network.heard)
        settings = load_settings({**self.environment, "STATE_DIR": str(with_tables(self.state))})
        async with AsyncExitStack() as stack:
            state = open_state(settings, clock.now(), threads=False)
            state.watch(self.watch)
            database = MortalDatabase(state, life, lambda: rng.expovariate(1 / _COMMIT_SECONDS), clock)
            opened = workshop(settings, self.alerts, clock=clock, rng=rng, transport=transport, database=database)
            shop = await stack.enter_async_context(opened)
            shop.events.join(self.told)
            channels = pretend_channels(
                settings, self.alerts, self.mailbox, transport=transport, life=life, clock=clock
            )
            monitor = await stack.enter_async_context(open_monitor(shop, channels))
            schedule = scheduled(shop, monitor, watched_passes(shop, monitor), self.broke)
            self.shop, self.public = shop, public_app(shop)
            async with asyncio.TaskGroup() as beats:
                for job in schedule._jobs.values():
                    beats.create_task(_beat(schedule, job, clock))


async def _beat(schedule: Schedule, job: Job, clock: MortalClock) -> None:
    """Give a job its beats, on the grid that APScheduler would keep to."""
    if isinstance(job.beat, Every):
        at, step = clock.now(), job.beat.interval
    else:
        step = timedelta(days=1)
        at = clock.now().replace(
            hour=job.beat.at.hour, minute=job.beat.at.minute, second=job.beat.at.second, microsecond=0
        )
        at += step if at < clock.now() else timedelta(0)
        if job.beat.on is not None:
            at, step = at + timedelta(days=(job.beat.on - at.weekday()) % 7), timedelta(days=7)
    while True:
        await clock.sleep(max(0.0, (at - clock.now()).total_seconds()))
        schedule.beat(job.name)
        at += step
