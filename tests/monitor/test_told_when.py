"""Hours, maintenance windows, dependencies, escalation and digests, from the number to what the channels hear."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.asked import AcknowledgeOrder
from monitor.facts import Backlog
from monitor.notice import Kind
from sync.order_records import OrderStanding, OrderState
from tests.fakes.channel import FakeChannel
from tests.monitor.support import START, World

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]

ALERT = """
repeat_interval: 4h
alerts:
  - name: Differs
    when: discrepant_skus > 5
    severity: warning
    summary: "{{ value }} SKUs differ"
"""
ROUTE = """
routes:
  - severity: warning
    to: slack
"""
HOURS = """
business_hours:
  shop: {zone: America/New_York, open: ["mon-fri 09:00-17:00"]}
"""  # START is Tuesday, 05:00 in New York
WINDOW = """
maintenance:
  - {name: stock-take, zone: UTC, times: ["tue 10:30-11:30"], author: Anna, reason: counting}
"""
CHAIN = """
routes:
  - severity: warning
    to: slack
    escalate:
      - {after: 15m, to: it}
      - {after: 45m, to: boss}
channels:
  slack: {}
  it: {type: email, to: [it@example.com]}
  boss: {type: email, to: [boss@example.com]}
"""

Make = Callable[..., World]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[World] = []

    def world(alerts: str, channels: tuple[str, ...] = ("slack", "email")) -> World:
        made.append(World(tmp_path, alerts, channels={name: FakeChannel(most=1) for name in channels}))
        return made[-1]

    yield world
    for each in made:
        await each.database.close()


# --- business hours ---


async def test_outside_its_hours_an_alert_waits_and_is_told_at_the_opening_where_it_still_fires(make: Make) -> None:
    world = make(ALERT + "    business_hours: shop\n" + HOURS + ROUTE)
    await world.turn(6)
    await world.turn(6, hours=3, minutes=59)
    at_night = list(world.slack.told)
    await world.turn(6, minutes=1)
    await world.turn(0, minutes=5)

    assert at_night == []
    assert world.slack.told == ["firing", "resolved"]
    assert await world.decided() == ["outside_hours", "first", "ended"]


async def test_what_is_over_before_the_opening_is_on_record_only(make: Make) -> None:
    world = make(ALERT + "    business_hours: shop\n" + HOURS + ROUTE)
    await world.turn(6)
    await world.turn(0, minutes=5)
    await world.turn(0, hours=5)

    assert world.slack.told == []
    assert await world.decided() == ["outside_hours"]


async def test_an_alert_for_outside_the_hours_is_told_then(make: Make) -> None:
    world = make(ALERT + "    business_hours: outside shop\n" + HOURS + ROUTE)
    await world.turn(6)

    assert world.slack.told == ["firing"]


# --- maintenance windows ---


async def test_a_window_hides_what_begins_in_it_and_its_digest_tells(make: Make) -> None:
    world = make(ALERT + WINDOW + ROUTE)
    await world.turn(0, minutes=30)
    await world.turn(6, minutes=10)
    await world.turn(0, minutes=10)
    await world.turn(6, minutes=20)
    within = list(world.slack.told)
    await world.turn(6, minutes=20)

    assert within == []
    assert sorted(world.slack.told) == ["digest", "firing"]
    digest = next(sent.notice for sent in world.slack.sent if sent.notice.kind is Kind.DIGEST)
    assert dict(digest.facts) == {
        "Window": "2026-11-24 10:30 UTC to 2026-11-24 11:30 UTC (1h)",
        "Began and ended meanwhile": "Differs (10m)",
        "Still firing, told by itself": "Differs (20m, firing)",
    }
    assert await world.decided() == ["maintenance", "maintenance", "first"]


async def test_the_digest_of_a_window_waits_for_no_channel_that_is_gone(make: Make) -> None:
    world = make(ALERT + WINDOW + ROUTE)
    await world.turn(6, minutes=30)
    world.channels = {"email": world.email}
    await world.restart()
    await world.turn(0, minutes=10)
    await world.turn(0, minutes=60)

    assert world.email.told == []
    assert await world.store.backlog() == Backlog(depth=0, dead=0, oldest=None)


async def test_a_window_in_which_nothing_fired_ends_without_a_word(make: Make) -> None:
    world = make(ALERT + WINDOW + ROUTE)
    await world.turn(0, minutes=30)
    await world.turn(0, minutes=60)

    assert world.slack.told == []


async def test_what_was_told_before_the_window_ends_aloud_in_it(make: Make) -> None:
    world = make(ALERT + WINDOW + ROUTE)
    await world.turn(6)
    await world.turn(6, minutes=40)
    await world.turn(0, minutes=10)
    await world.turn(0, minutes=60)

    assert world.slack.told == ["firing", "resolved"]


async def test_a_window_survives_a_restart_and_tells_its_digest_once(make: Make) -> None:
    world = make(ALERT + WINDOW + ROUTE)
    await world.turn(6, minutes=30)
    await world.restart()
    await world.turn(0, minutes=10)
    await world.turn(0, minutes=60)
    await world.restart()
    await world.turn(0, minutes=5)

    assert world.slack.told == ["digest"]


# --- dependencies ---

OUTAGE = ROUTE.replace("warning", "[warning, critical]")


async def test_what_follows_from_another_alert_is_told_once_that_is_over(make: Make) -> None:
    cause = "  - {name: Parked, when: parked_orders > 0, severity: critical}\n"
    world = make(ALERT + "    depends_on: [Parked]\n" + cause + OUTAGE)
    world.history.orders = OrderStanding({OrderState.PARKED: 1}, oldest=START)
    await world.turn(6)
    told = [sent.notice.alert for sent in world.slack.sent]
    world.history.orders = OrderStanding({}, None)
    await world.turn(6, minutes=5)

    assert told == ["Parked"]
    assert [(sent.notice.alert, sent.notice.kind.value) for sent in world.slack.sent[1:]] in (
        [("Parked", "resolved"), ("Differs", "firing")],
        [("Differs", "firing"), ("Parked", "resolved")],
    )


# --- escalation ---


async def test_nobody_acknowledges_and_the_next_are_told_in_turn(make: Make) -> None:
    world = make(ALERT + CHAIN, channels=("slack", "it", "boss"))
    it, boss = world.channels["it"], world.channels["boss"]
    await world.turn(6)
    await world.turn(6, minutes=14)
    early = (list(it.told), list(boss.told))
    await world.turn(6, minutes=1)
    await world.turn(6, minutes=30)
    await world.turn(0, minutes=5)

    assert early == ([], [])
    assert (it.told, boss.told) == (["firing", "resolved"], ["firing", "resolved"])
    assert it.sent[0].notice.remarks == ("Nobody acknowledged it for 15m.",)
    assert await world.decided("it") == ["step_not_yet", "escalated", "not_yet", "ended"]


async def test_an_acknowledged_alert_is_not_escalated(make: Make) -> None:
    world = make(ALERT + CHAIN, channels=("slack", "it", "boss"))
    await world.turn(6)
    await world.desk.acknowledge(AcknowledgeOrder(alerts=("Differs",), by="anna"))
    await world.turn(6, hours=1)
    await world.turn(0, minutes=5)

    assert (world.channels["it"].told, world.channels["boss"].told) == ([], [])
    assert world.slack.told == ["firing", "resolved"]


async def test_the_time_behind_a_silence_counts_for_no_escalation(make: Make) -> None:
    world = make(ALERT + CHAIN, channels=("slack", "it", "boss"))
    await world.silence("Differs", minutes=60)
    await world.turn(6)
    await world.turn(6, minutes=60)
    at_the_end = (list(world.slack.told), list(world.channels["it"].told))
    await world.turn(6, minutes=15)

    assert at_the_end == (["firing"], [])
    assert world.channels["it"].told == ["firing"]


async def test_time_that_hides_a_told_alert_counts_for_no_escalation(make: Make) -> None:
    world = make(ALERT + CHAIN, channels=("slack", "it", "boss"))
    it, boss = world.channels["it"], world.channels["boss"]
    await world.turn(6)
    await world.turn(6, minutes=5)
    await world.silence("Differs", minutes=60)
    await world.turn(6, minutes=30)
    await world.restart()
    await world.turn(6, minutes=30)
    await world.turn(6, minutes=9)
    early = (list(it.told), list(boss.told))
    await world.turn(6, minutes=1)

    assert early == ([], [])
    assert (it.told, boss.told) == (["firing"], [])


async def test_closed_hours_count_for_no_escalation(make: Make) -> None:
    hours = 'business_hours:\n  shop: {zone: UTC, open: ["mon-sun 08:00-10:05"]}\n'
    world = make(ALERT + "    business_hours: shop\n" + hours + CHAIN, channels=("slack", "it", "boss"))
    await world.turn(6)
    await world.turn(6, minutes=5)
    await world.turn(6, hours=21, minutes=55)
    at_the_opening = list(world.channels["it"].told)
    await world.turn(6, minutes=10)

    assert at_the_opening == []
    assert world.channels["it"].told == ["firing"]


@pytest.mark.parametrize(("minutes", "it"), [(14, []), (15, ["summary"])], ids=["not come", "come"])
async def test_an_end_behind_a_silence_is_told_to_those_whose_step_had_come(
    make: Make, minutes: int, it: list[str]
) -> None:
    world = make(ALERT + CHAIN, channels=("slack", "it", "boss"))
    await world.turn(6)
    world.clock.pass_by(minutes=minutes)
    await world.silence("Differs", minutes=60)
    await world.turn(6)
    await world.turn(0, minutes=5)

    assert world.slack.told == ["firing", "resolved"]
    assert (world.channels["it"].told, world.channels["boss"].told) == (it, [])


async def test_what_began_and_ended_behind_a_silence_is_told_to_no_step(make: Make) -> None:
    world = make(ALERT + CHAIN, channels=("slack", "it", "boss"))
    await world.silence("Differs", minutes=60)
    await world.turn(6)
    await world.turn(6, minutes=50)
    await world.turn(0, minutes=1)

    assert world.slack.told == ["summary"]
    assert (world.channels["it"].told, world.channels["boss"].told) == ([], [])


# --- the daily digest ---

DAILY = ALERT + 'digest: {at: "08:00", zone: America/New_York, to: [slack]}\n' + ROUTE


async def test_the_digest_is_told_once_a_day_at_its_time_over_restarts(make: Make) -> None:
    world = make(DAILY)  # 08:00 in New York is 13:00 here
    await world.turn(0)
    await world.turn(0, hours=2, minutes=59)
    early = list(world.slack.told)
    await world.turn(0, minutes=1)
    await world.restart()
    await world.turn(0, minutes=1)
    one_day = list(world.slack.told)
    await world.turn(6, hours=24)

    assert (early, one_day) == ([], ["digest"])
    assert sorted(world.slack.told) == ["digest", "digest", "firing"]
    assert world.slack.sent[0].notice.summary == "All quiet: no alert fires"
    assert world.slack.sent[0].notice.at == START + timedelta(hours=3)


async def test_a_digest_waits_for_a_channel_that_is_not_there(make: Make) -> None:
    world = make(DAILY.replace("to: [slack]}", "to: [email]}"), channels=("slack",))
    await world.turn(0)
    await world.turn(0, hours=3)
    world.channels = {"slack": world.slack, "email": FakeChannel()}
    await world.outbox.take(world.channels, world.policy)
    await world.turn(0, minutes=10)
    await world.turn(0, minutes=10)

    assert (world.slack.told, world.email.told) == ([], ["digest"])
