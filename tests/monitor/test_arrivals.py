"""Texts that were taken and whose arrival is asked for: what arrived, what did not, and who is told instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.channels.sms import Sms
from monitor.decide import Why
from monitor.notice import Arrival, Kind
from monitor.worker import DeliveryPolicy, Fallback
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.messages.sms import ACCOUNT_SID, AUTH_TOKEN, FROM, SmsInbox, sms_app
from sandbox.transport import InProcessTransport
from tests.fakes.channel import FakeChannel
from tests.monitor.support import DIFFERS, THREE, World

pytestmark = pytest.mark.anyio

PHONE = "+15551230001"
ONE = DIFFERS.replace("severity: warning", "severity: critical", 1).replace("to: [slack]", "to: [sms]")
THREE_BY_TEXT = THREE.replace("[slack, sms]", "[sms]")


class PretendTime:
    """The sandbox's clock, which shows what a world's clock shows."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.clock.now()

    async def sleep(self, seconds: float) -> None:
        await self._world.clock.sleep(seconds)

    async def until(self, moment: datetime) -> None:
        await self.sleep((moment - self.now()).total_seconds())


class Texting(World):
    """A world whose texts go through the pretend Twilio; e-mail stands in for them."""

    def __init__(self, folder: Path, alerts: str = ONE) -> None:
        self.faults = Faults()
        self.time = PretendTime(self)
        self.phones = SmsInbox(clock=self.time, faults=self.faults)
        policy = DeliveryPolicy(fallbacks={"sms": Fallback("email", timedelta(minutes=2))})
        super().__init__(folder, alerts, channels={"email": FakeChannel()}, policy=policy)

    def _open(self, alerts: str) -> None:
        app = sms_app(self.phones, self.faults, clock=self.time)
        self.sms = Sms(
            base_url="http://twilio.test",
            account=ACCOUNT_SID,
            token=AUTH_TOKEN,
            sender=FROM,
            to=(PHONE,),
            transport=InProcessTransport(app, clock=self.time),
        )
        self.ways = {"email": self.channels["email"], "sms": self.sms}
        super()._open(alerts)

    async def fates(self) -> list[tuple[str, str]]:
        """Return the state and the arrival of each text about the newest incident."""
        (incident, *_) = await self.store.latest_incidents()
        found = [each for each in await self.store.messages(incident.id) if each.place.startswith("sms")]
        return [(each.state, each.arrival) for each in found]

    async def why(self, place: str) -> list[tuple[Why, str]]:
        (incident, *_) = await self.store.latest_incidents()
        return [(each.why, each.detail) for each in await self.store.verdicts(incident.id) if each.place == place]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Texting]:
    made = Texting(tmp_path)
    yield made
    await made.sms.close()
    await made.database.close()


async def test_a_text_is_proved_to_have_arrived_and_asked_for_no_more(world: Texting) -> None:
    await world.turn(6)
    taken = await world.fates()
    await world.deliver(seconds=5)
    proved = await world.fates()
    asked = world.faults
    asked.add("sms", "Message", Fault(FaultKind.SERVER_ERROR))
    await world.deliver(minutes=1)

    assert taken == [("done", Arrival.OPEN)]
    assert proved == [("done", Arrival.PROVED)]
    assert asked.take("sms", "Message") is not None  # nobody asked again
    assert world.email.told == []


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(FaultKind.UNDELIVERED), "undelivered, code 30003: Unreachable destination handset"),
        (Fault(FaultKind.REFUSED, code="30007"), "failed, code 30007: Carrier violation"),
    ],
    ids=["undelivered", "failed"],
)
async def test_a_text_that_does_not_arrive_is_told_by_the_next_channel_with_the_reason(
    world: Texting, fault: Fault, why: str
) -> None:
    world.faults.add("sms", "fate", fault)
    await world.turn(6)
    await world.deliver(seconds=5)
    await world.deliver()

    assert await world.fates() == [("dead", Arrival.LOST)]
    assert await world.why(f"sms {PHONE}") == [(Why.FIRST, ""), (Why.LOST, why)]
    assert await world.why("email") == [(Why.FALLBACK, "sms")]
    (sent,) = world.email.sent
    assert sent.notice.kind is Kind.FIRING
    assert sent.notice.remarks == (f"It comes this way because the channel sms did not take it (lost: {why}).",)
    assert world.counted("notification_failures_total", channel="sms", reason="lost") == 1.0


async def test_a_text_that_was_lost_is_not_sent_again_at_each_judging_but_with_the_reminder(world: Texting) -> None:
    world.faults.add("sms", "fate", Fault(FaultKind.UNDELIVERED))
    await world.turn(6)
    await world.deliver(seconds=5)
    for _ in range(5):
        await world.check(minutes=1)
        await world.deliver()
    early = len(world.phones.messages)
    await world.check(hours=4)
    await world.deliver()

    assert (early, len(world.phones.messages)) == (1, 2)
    assert "STILL FIRING" in world.phones.messages[-1].body


async def test_a_reminder_that_is_lost_reminds_the_channel_that_stands_in(world: Texting) -> None:
    world.faults.add("sms", "fate", Fault(FaultKind.UNDELIVERED, times=2))
    await world.turn(6)
    await world.deliver(seconds=5)
    await world.deliver()
    await world.check(hours=4)
    await world.deliver()
    await world.deliver(seconds=5)
    await world.deliver()

    assert world.email.told == ["firing", "reminder"]


async def test_the_end_of_what_was_lost_is_told_as_the_whole_story(world: Texting) -> None:
    world.faults.add("sms", "fate", Fault(FaultKind.UNDELIVERED))
    await world.turn(6)
    await world.deliver(seconds=5)
    await world.deliver()
    await world.turn(0, minutes=1)

    assert [text.body.partition(" Differs")[0] for text in world.phones.messages] == ["ALERT", "WAS FIRING"]
    assert world.email.told == ["firing", "resolved"]


async def test_a_beginning_known_to_be_lost_only_after_the_end_is_told_as_the_whole_story(world: Texting) -> None:
    world.faults.add("sms", "fate", Fault(FaultKind.UNDELIVERED))
    await world.turn(6)
    await world.turn(0, seconds=2)
    for _ in range(3):
        await world.deliver(seconds=5)

    (sent,) = world.email.sent
    (incident,) = await world.store.latest_incidents()
    assert (sent.notice.kind, sent.notice.until) == (Kind.SUMMARY, incident.resolved_at)


async def test_an_end_that_is_lost_comes_by_the_other_channel(world: Texting) -> None:
    await world.turn(6)
    await world.deliver(seconds=5)
    world.faults.add("sms", "fate", Fault(FaultKind.UNDELIVERED))
    await world.turn(0, minutes=1)
    await world.deliver(seconds=5)
    await world.deliver()

    assert world.email.told == ["summary"]


async def test_an_open_fate_is_followed_up_after_a_restart(world: Texting) -> None:
    world.faults.add("sms", "fate", Fault(FaultKind.UNDELIVERED))
    await world.turn(6)
    await world.restart()
    await world.deliver(seconds=5)
    await world.deliver()

    assert await world.fates() == [("dead", Arrival.LOST)]
    assert world.email.told == ["firing"]
    assert len(world.phones.messages) == 1


async def test_what_nobody_ever_tells_the_fate_of_stays_taken_and_is_asked_for_no_more(world: Texting) -> None:
    world.faults.add("sms", "fate", Fault(FaultKind.SLOW, seconds=99_999))
    await world.turn(6)
    for _ in range(16):
        await world.deliver(minutes=1)
    closed = await world.fates()
    world.faults.add("sms", "Message", Fault(FaultKind.SERVER_ERROR))
    await world.deliver(minutes=5)

    assert closed == [("done", Arrival.UNKNOWN)]
    assert world.faults.take("sms", "Message") is not None
    assert world.email.told == []


async def test_a_question_that_fails_is_asked_again(world: Texting) -> None:
    world.faults.add("sms", "Message", Fault(FaultKind.RESET_BEFORE))
    world.faults.add("sms", "Message", Fault(FaultKind.HTML))
    await world.turn(6)
    await world.deliver(seconds=5)
    await world.deliver(seconds=5)
    open_still = await world.fates()
    await world.deliver(seconds=10)

    assert (open_still, await world.fates()) == ([("done", Arrival.OPEN)], [("done", Arrival.PROVED)])


async def test_a_clock_set_back_does_not_put_the_question_off(world: Texting) -> None:
    await world.turn(6)
    world.clock.pass_by(days=-3)
    world.faults.add("sms", "Message", Fault(FaultKind.SERVER_ERROR))
    await world.deliver()

    assert world.faults.take("sms", "Message") is None  # somebody asked


async def test_several_alerts_of_one_text_share_its_fate(tmp_path: Path) -> None:
    world = Texting(tmp_path, THREE_BY_TEXT)
    world.faults.add("sms", "fate", Fault(FaultKind.UNDELIVERED))
    await world.turn(8)
    await world.deliver(seconds=5)
    await world.deliver()
    await world.sms.close()
    await world.database.close()

    assert len(world.phones.messages) == 1
    assert world.email.told == ["firing+firing+firing"]


async def test_who_asks_to_wait_is_asked_for_nothing_meanwhile(world: Texting) -> None:
    world.faults.add("sms", "fate", Fault(FaultKind.THROTTLED, seconds=120))
    await world.turn(6)
    early = []
    for _ in range(3):
        await world.deliver(seconds=30)
        early.append(await world.fates())
    await world.deliver(seconds=60)

    assert early == [[("done", Arrival.OPEN)]] * 3
    assert await world.fates() == [("done", Arrival.PROVED)]
