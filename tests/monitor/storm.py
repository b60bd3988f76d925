"""Bad weather for messages: alerts come and go while every service fails in its own way and the process is killed.

Everything runs on virtual time. The channels, the outbox, the rules and the database are the product's; the services
are the sandbox's, and a process ends as `kill -9` ends it, at any await or commit.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import cast

import httpx
from slack_sdk.web.async_client import AsyncWebClient

from monitor.alerts_file import parse
from monitor.channels.base import Channel
from monitor.channels.slack import Slack
from monitor.channels.sms import Sms
from monitor.judging import Judge
from monitor.metrics import Build, Metrics
from monitor.notice import FailureReason
from monitor.outbox import Outbox
from monitor.store import Store
from monitor.vitals import Disk, VitalsWatch
from monitor.watch import delivery_policy
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.messages.mail import Mailbox
from sandbox.messages.slack import TOKEN, SlackWorkspace
from sandbox.messages.slack_app import slack_app
from sandbox.messages.sms import ACCOUNT_SID, AUTH_TOKEN, FROM, SmsInbox, sms_app
from sandbox.transport import InProcessTransport
from sync.storage.database import Database
from sync.storage.opening import open_database
from tests.fakes.history import FakeHistory
from tests.monitor.support import SHOP
from tests.simulation.alert_checks import Arrived, arrived
from tests.simulation.life import Fuse, Life, Moment, MortalClock, MortalDatabase, MortalTransport, in_the_world
from tests.simulation.loop import VirtualClock, VirtualLoop
from tests.simulation.messages import PretendEmail, SlackOverHttpx
from tests.state import with_tables

PHONES = ("+15551230001", "+15551230002")
_SLACK, _SMS = "slack.test", "sms.test"
TROUBLES: Mapping[tuple[str, str], tuple[FaultKind, ...]] = {
    ("slack", "*"): (FaultKind.THROTTLED, FaultKind.RESET_AFTER),
    ("smtp", "DATA"): (FaultKind.THROTTLED, FaultKind.RESET_AFTER),
    ("sms", "*"): (FaultKind.GATEWAY_TIMEOUT, FaultKind.SERVER_ERROR),
}
_NAMED = re.compile(r"\bA\d{2}\b")
_SAID = re.compile(r"(ALERT|STILL FIRING|RESOLVED|WAS FIRING):? (.*?)(?=(?:\. (?:STILL|RESOLVED|WAS)|$))")
_KINDS = {"ALERT": "firing", "STILL FIRING": "reminder", "RESOLVED": "resolved", "WAS FIRING": "summary"}


def alerts_file(count: int) -> str:
    """Return a file with so many alerts, of which the k-th fires while more than k SKUs differ."""
    alerts = [
        f"  - name: A{number:02}\n    when: discrepant_skus > {number}\n    severity: critical\n"
        for number in range(count)
    ]
    return (
        "repeat_interval: 4h\nalerts:\n"
        + "".join(alerts)
        + "routes:\n  - severity: critical\n    to: [slack, email, sms]\nchannels:\n  slack: {}\n  email: {}\n"
        + f"  sms:\n    to: [{', '.join(repr(phone) for phone in PHONES)}]\n"
    )


class Sky(httpx.AsyncBaseTransport):
    """The network to Slack and Twilio; `down` is when nobody answers at Slack's door."""

    def __init__(self, slack: InProcessTransport, sms: InProcessTransport, clock: VirtualClock, rng: Random) -> None:
        self._ways = {_SLACK: slack, _SMS: sms}
        self._clock = clock
        self._rng = rng
        self.down: tuple[float, float] = (0.0, 0.0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._clock.sleep(0.05 + self._rng.random() / 5)
        begin, end = self.down
        if request.url.host == _SLACK and begin <= self._clock.monotonic() < end:
            raise httpx.ConnectError("refused")
        return await self._ways[request.url.host].handle_async_request(request)


class Arrivals:
    """What came of a storm: what arrived, beside the record of what should have."""

    folder: Path
    slack: SlackWorkspace
    mail: Mailbox
    phones: SmsInbox

    def told(self) -> Mapping[tuple[str, str], list[Arrived]]:
        """Return what arrived by place and alert, in order."""
        names = {str(number): name for number, name in self.incidents.items()}
        found: dict[tuple[str, str], list[Arrived]] = defaultdict(list)
        for one in arrived(self):
            found[one.channel, names[one.incident]].append(one)
        for phone in PHONES:
            for one in self._texts(phone):
                found[f"sms {phone}", one.incident].append(one)
        return found

    def _texts(self, phone: str) -> Iterator[Arrived]:
        """Yield what the texts to a number say; they carry no identity, so their words stand for it."""
        for text in self.phones.messages:
            if text.to != phone:
                continue
            words, marked = text.body.removesuffix(" possible repeat"), text.body.endswith(" possible repeat")
            for said in _SAID.finditer(words):
                for name in _NAMED.findall(said[2].partition(": ")[0] if ": " in said[2] else said[2]):
                    yield Arrived(f"sms {phone}", words.partition(" (for")[0], name, _KINDS[said[1]], marked)

    async def read(self, now: datetime) -> None:
        """Read the record of incidents, and of what was decided not to be told."""
        inner = open_database(with_tables(self.folder), SHOP, now, threads=False)
        store = Store(inner)
        found = await store.latest_incidents(1_000)
        self.incidents = {incident.id: incident.alert for incident in found}
        self.over = {incident.alert for incident in found if incident.resolved_at is not None}
        self.suppressed: dict[tuple[str, str], set[str]] = defaultdict(set)
        for incident in found:
            for decided in await store.verdicts(incident.id):
                if decided.kind is None:
                    self.suppressed[decided.place, incident.alert].add(decided.why.name)
        await inner.close()


@dataclass
class Storm(Arrivals):
    """`count` alerts begin and end within `seconds`; the process lives `life_seconds` at most each time."""

    loop: VirtualLoop
    folder: Path
    count: int
    seed: int
    seconds: float = 120.0
    life_seconds: float = 3.0
    lives: int = 0
    in_doubt: Counter[str] = field(default_factory=Counter)  # attempts without an answer, by channel

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.clock = VirtualClock(self.loop)
        self.faults = Faults()
        self.slack = SlackWorkspace(clock=self.clock)
        self.mail = Mailbox(self.faults, clock=self.clock)
        self.phones = SmsInbox(clock=self.clock)
        self.sky = Sky(
            InProcessTransport(slack_app(self.slack, self.faults, clock=self.clock), clock=self.clock),
            InProcessTransport(sms_app(self.phones, self.faults, clock=self.clock), clock=self.clock),
            self.clock,
            self.rng,
        )
        self.history = FakeHistory()
        self.content = parse(alerts_file(self.count).encode())
        self.rage = True  # until the weather clears

    async def run(self) -> None:
        """Let the storm rage, then the sky clear, until nothing waits any more."""
        self.sky.down = (self.seconds / 3, self.seconds / 3 + 30)
        weather = in_the_world(self.loop, self._weather())
        level = in_the_world(self.loop, self._rise_and_fall())
        while not level.done():
            await self._live(self.life_seconds)
        await level
        self.rage = False
        weather.cancel()
        self.faults.clear()
        await self._live(None)

    async def _rise_and_fall(self) -> None:
        """Let the number of SKUs that differ climb to `count` and back, in small steps of uneven length."""
        half = self.seconds / 2
        while (passed := self.clock.monotonic()) < self.seconds:
            share = passed / half if passed < half else 2 - passed / half
            self.history.differ(round(self.count * min(1.0, 1.1 * share)))
            await self.clock.sleep(self.rng.uniform(0.3, 1.5))
        self.history.differ(0)

    async def _weather(self) -> None:
        while True:
            for (service, operation), kinds in TROUBLES.items():
                self.faults.clear(service)
                if self.rng.random() < (0.9 if service == "sms" else 0.5):  # few texts are sent at all
                    fault = Fault(self.rng.choice(kinds), seconds=self.rng.randint(1, 4))
                    self.faults.add(service, operation, fault)
            await self.clock.sleep(self.rng.uniform(0.2, 1.0))

    # --- the process ---
    async def _live(self, seconds: float | None) -> None:
        """Run a process for so long, or to its end at some moment of its own; None: until nothing waits."""
        self.lives += 1
        life = Life(self.loop)
        if seconds is not None and self.rng.random() < 0.5:
            life.fuse = Fuse(self.rng.choice((None, *Moment)), self.rng.randint(1, 40))
        main = self.loop.create_task(self._process(life, until_quiet=seconds is None), context=life.context)
        over = in_the_world(self.loop, life.over.wait())
        await asyncio.wait({main, over}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if main.done() and life.alive:
            await main
        life.end(Moment.ASLEEP)
        over.cancel()
        await life.bury()
        if main.done() and not main.cancelled():
            main.exception()

    async def _process(self, life: Life, *, until_quiet: bool) -> None:
        clock = MortalClock(self.loop, life)
        rng = Random(self.rng.random())
        inner = open_database(with_tables(self.folder), SHOP, clock.now(), threads=False)
        try:
            database = cast("Database", MortalDatabase(inner, life, partial(rng.expovariate, 500.0), clock))
            store = Store(database)
            metrics = Metrics(Build("0.1.0", "2026-10"))
            meter = _Meter(self.in_doubt)
            policy = delivery_policy(self.content)
            outbox = Outbox(store, self._channels(life, clock), policy, clock=clock, rng=rng, meter=meter)
            judge = Judge(
                self.content,
                ledger=self.history,
                orders=self.history,
                books=True,
                store=store,
                outbox=outbox,
                metrics=metrics,
                vitals=VitalsWatch(clock, lambda: Disk(free=60, size=100)),
                clock=clock,
            )
            await outbox.recover()
            async with asyncio.TaskGroup() as tasks:
                delivering = tasks.create_task(outbox.run())
                while not until_quiet or (await store.open_incidents()) or (await store.backlog()).depth:
                    await judge.evaluate(clock.now())
                    await clock.sleep(60.0 if until_quiet else 1.0)
                outbox.stop()
                await delivering
        finally:
            await inner.close()

    def _channels(self, life: Life, clock: MortalClock) -> Mapping[str, Channel]:
        transport = MortalTransport(self.sky, life, self.loop)
        slack = Slack(token=TOKEN, channel="#wtf-inventory-alerts", base_url=f"http://{_SLACK}/api/")
        over_httpx = SlackOverHttpx(f"http://{_SLACK}/api/", TOKEN, transport, 20.0)
        slack._client = cast("AsyncWebClient", over_httpx)
        sms = Sms(
            base_url=f"http://{_SMS}",
            account=ACCOUNT_SID,
            token=AUTH_TOKEN,
            sender=FROM,
            to=PHONES,
            transport=transport,
        )
        return {"slack": slack, "email": PretendEmail(self.mail, self.content, life, clock), "sms": sms}


class _Meter:
    """Counts attempts whose fate is unknown."""

    def __init__(self, in_doubt: Counter[str]) -> None:
        self._in_doubt = in_doubt

    def sent(self, channel: str) -> None: ...

    def delivered(self, channel: str, seconds: float) -> None: ...

    def failed(self, channel: str, reason: FailureReason) -> None:
        if reason is FailureReason.AMBIGUOUS:
            self._in_doubt[channel] += 1
