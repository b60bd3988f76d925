"""A monitor over a real database, with a clock moved by hand, a history set by hand and channels that only listen."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from monitor.alerts_file import parse
from monitor.asked import SilenceOrder
from monitor.channels.base import Channel
from monitor.desk import AlertDesk
from monitor.judging import Judge
from monitor.metrics import Build, Metrics
from monitor.outbox import Outbox
from monitor.rehearsal import trial_notice
from monitor.store import Place, Store
from monitor.vitals import Disk, VitalsWatch
from monitor.worker import DeliveryPolicy
from sync.storage.opening import Shop, open_database
from tests.fakes.channel import FakeChannel
from tests.fakes.history import FakeHistory
from tests.state import elsewhere, with_tables

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
SHOP = Shop("1", "1", "wtfswag.myshopify.com", "gid://shopify/Location/1")
DIFFERS = """
repeat_interval: 4h
alerts:
  - name: Differs
    when: discrepant_skus > 5
    severity: warning
    summary: "{{ value }} SKUs differ"
routes:
  - severity: warning
    to: [slack, email]
  - severity: critical
    to: [slack]
"""

THREE = """
alerts:
  - name: Differs
    when: discrepant_skus > 5
    severity: critical
  - name: DiffersMore
    when: discrepant_skus > 6
    severity: critical
  - name: DiffersMost
    when: discrepant_skus > 7
    severity: critical
routes:
  - severity: critical
    to: [slack, sms]
"""


class HandClock:
    """A clock that moves when it is told to, or when somebody sleeps; `asleep` lets sleepers wait for real."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self.asleep: asyncio.Event | None = None

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - START).total_seconds()

    def pass_by(self, **spans: float) -> None:
        self._now += timedelta(**spans)

    async def sleep(self, seconds: float) -> None:
        if self.asleep is not None:
            await self.asleep.wait()
        self._now += timedelta(seconds=seconds)


class World:
    """Everything that watches, and what it watches; `restart` is what a new process finds."""

    def __init__(
        self,
        folder: Path,
        alerts: str = DIFFERS,
        *,
        channels: Mapping[str, FakeChannel] | None = None,
        books: bool = True,
        policy: DeliveryPolicy | None = None,
        start: datetime = START,
    ) -> None:
        self.folder = folder
        self.books = books
        self.clock = HandClock(start)
        self.history = FakeHistory()
        self.channels = channels or {"slack": FakeChannel(), "email": FakeChannel()}
        self.ways: Mapping[str, Channel] = {}  # in place of `channels`, where some are real
        self.policy = policy or DeliveryPolicy()
        self._open(alerts)

    def _open(self, alerts: str) -> None:
        self.alerts = alerts
        url = elsewhere.url_of(self.folder)
        folder = self.folder if url else with_tables(self.folder)
        self.database = open_database(folder, SHOP, self.clock.now(), url=url, threads=False)
        self.metrics = Metrics(Build("0.1.0", "2026-10"))
        self.vitals = VitalsWatch(self.clock, lambda: Disk(free=60, size=100))
        self.store = Store(self.database)
        self.outbox = Outbox(
            self.store,
            self.ways or self.channels,
            self.policy,
            clock=self.clock,
            rng=random.Random(7),
            meter=self.metrics,
        )
        self.judge = Judge(
            parse(alerts.encode()),
            ledger=self.history,
            orders=self.history,
            books=self.books,
            store=self.store,
            outbox=self.outbox,
            metrics=self.metrics,
            vitals=self.vitals,
            clock=self.clock,
            link="https://ops.example.com/",
        )

        self.desk = AlertDesk(self.store, lambda: self.judge.subjects, self.clock, self.check, self.outbox.show)

    async def restart(self, alerts: str | None = None) -> None:
        """End the process where it stands, and start another."""
        await self.database.close()
        self._open(alerts or self.alerts)
        await self.outbox.recover()

    async def check(self, **later: float) -> None:
        """Let time pass, and judge the rules."""
        self.clock.pass_by(**later)
        await self.judge.evaluate(self.clock.now())

    async def write_tests(self, *channels: str) -> None:
        """Write a message about no incident to everybody whom these channels reach."""
        now = self.clock.now()
        places = [Place(name, each) for name in channels for each in self.outbox.channels[name]]
        about = [(each, trial_notice(f"test-{uuid4()}", "anna", "", now)) for each in places]
        await self.store.enqueue(about, now)

    async def deliver(self, **later: float) -> int:
        """Let time pass, and send what is due."""
        self.clock.pass_by(**later)
        return await self.outbox.deliver()

    async def turn(self, differ: int, **later: float) -> None:
        """Let time pass, so many SKUs differ, judge the rules, and send what is due."""
        self.history.differ(differ)
        await self.check(**later)
        await self.deliver()

    async def silence(self, *alerts: str, minutes: float = 60, until_resolved: bool = False) -> int:
        """Silence alerts for a while."""
        order = SilenceOrder(
            alerts=alerts,
            length=timedelta(minutes=minutes),
            until_resolved=until_resolved,
            reason="stock-take",
            by="anna",
        )
        return (await self.desk.silence(order)).id

    async def decided(self, channel: str = "slack") -> list[str]:
        """Return why this channel was told, or not, of every incident so far, in order."""
        incidents = reversed(await self.store.latest_incidents(100))
        found = [await self.store.verdicts(incident.id) for incident in incidents]
        return [each.why.name.lower() for verdicts in found for each in verdicts if each.place == channel]

    @property
    def slack(self) -> FakeChannel:
        return self.channels["slack"]

    @property
    def email(self) -> FakeChannel:
        return self.channels["email"]

    def counted(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"lightspeed_sync_{name}", labels)
