"""From a number that is too high to messages in every channel, and over outages."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.channels.base import Ambiguous, ChannelRefused, Malformed, Throttled, Unreachable
from monitor.channels.wording import wording
from monitor.decide import Why
from monitor.facts import Backlog
from monitor.notice import Kind
from sync.order_records import OrderStanding, OrderState
from sync.records import Pause, PauseKind
from tests.monitor.support import START, World

ORDERS = """
alerts:
  - name: OrdersNotBooked
    when: oldest_unposted_order_age > 15m
    severity: critical
    summary: "An order waits for {{ value }}"
routes:
  - severity: critical
    to: [slack]
"""

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]


# --- the plain course of things ---


async def test_a_firing_alert_and_its_end_are_told_once_in_every_channel(world: World) -> None:
    world.history.differ(6, "KAVA-1")
    await world.check()
    await world.deliver()
    await world.check(minutes=1)
    await world.deliver()
    world.history.differ(0)
    await world.check(minutes=4)
    await world.deliver()
    await world.check(minutes=1)

    assert await world.deliver() == 0
    assert world.slack.told == ["firing", "resolved"]
    assert world.email.told == ["firing", "resolved"]


async def test_a_message_says_what_since_when_which_and_what_to_do(world: World) -> None:
    world.history.differ(6, "KAVA-1", "KAVA-2")
    await world.check()
    await world.deliver()

    (sent,) = world.slack.sent
    notice = sent.notice
    assert (notice.alert, notice.summary, notice.value, notice.limit) == ("Differs", "6 SKUs differ", "6", "> 5")
    assert (notice.since, notice.at, notice.until) == (START, START, None)
    assert notice.examples == ("KAVA-1", "KAVA-2")
    assert "lightspeed-sync why SKU" in notice.remedy
    assert notice.link == "https://ops.example.com/"


async def test_a_message_about_orders_names_them_and_what_keeps_them(tmp_path: Path) -> None:
    world = World(tmp_path, ORDERS, books=False)
    world.history.orders = OrderStanding({OrderState.SEEN: 1}, oldest=START, waiting=("#1001",))
    await world.check(minutes=16)
    await world.deliver()
    await world.database.close()

    (sent,) = world.slack.sent
    assert ("Orders", "#1001") in wording(sent.notice).facts
    assert sent.notice.remedy == (
        "Orders cannot be booked, because Lightspeed needs to know who sells and how it is paid. "
        "Set LIGHTSPEED_EMPLOYEE_ID and LIGHTSPEED_PAYMENT_TYPE_ID."
    )


async def test_a_reminder_carries_the_remedy_of_now(tmp_path: Path) -> None:
    world = World(tmp_path, ORDERS)
    world.history.orders = OrderStanding({OrderState.SEEN: 1}, oldest=START, waiting=("#1001",))
    await world.check(minutes=16)
    await world.deliver()
    world.history.paused.append(Pause(PauseKind.ORDERS, "stock-taking", START))
    await world.check(hours=4)
    await world.deliver()
    await world.database.close()

    first, reminder = (sent.notice.remedy for sent in world.slack.sent)
    assert first.startswith("Run `lightspeed-sync orders list`")
    assert reminder.startswith("Booking is paused (stock-taking).")


async def test_the_end_carries_the_number_now_and_the_first_message_to_answer_to(world: World) -> None:
    world.history.differ(6)
    await world.check()
    await world.deliver()
    world.history.differ(2)
    await world.check(minutes=9)
    await world.deliver()

    end = world.slack.sent[-1]
    assert (end.notice.value, end.notice.since, end.notice.until) == ("2", START, START + timedelta(minutes=9))
    assert [receipt.message for receipt in end.previous.receipts] == ["1"]


async def test_an_alert_that_keeps_firing_is_repeated_with_its_newest_number(world: World) -> None:
    world.history.differ(6)
    await world.check()
    await world.deliver()
    world.history.differ(9)
    await world.check(hours=3.9)
    await world.check(hours=0.1)
    await world.deliver()

    assert world.slack.told == ["firing", "reminder"]
    assert world.slack.sent[-1].notice.summary == "9 SKUs differ"


async def test_nothing_is_kept_or_sent_while_all_is_quiet(world: World) -> None:
    await world.check()

    assert await world.store.states() == {}
    assert await world.store.latest_incidents() == []
    assert await world.deliver() == 0


async def test_what_is_not_told_has_a_reason(world: World) -> None:
    world.history.differ(6)
    await world.check()
    told = await world.judge.evaluate(world.clock.now())

    assert [(one.channel, one.verdict.why) for one in told] == [("slack", Why.WAITING), ("email", Why.WAITING)]
    assert world.counted("notifications_suppressed_total", reason="waiting") == 2.0


async def test_a_second_incident_is_a_conversation_of_its_own(world: World) -> None:
    for skus in (6, 0, 7):
        world.history.differ(skus)
        await world.check(minutes=1)
        await world.deliver()

    assert world.slack.told == ["firing", "resolved", "firing"]
    assert world.slack.sent[-1].previous.root is None
    assert len({sent.notice.identity for sent in world.slack.sent}) == 3


# --- outages ---


async def test_a_channels_outage_keeps_no_other_channel_waiting(world: World) -> None:
    world.slack.troubles.extend([Unreachable("refused")] * 3)
    world.history.differ(6)
    await world.check()
    for _ in range(4):
        await world.deliver(minutes=20)

    assert (world.slack.told, world.slack.tries) == (["firing"], 4)
    assert (world.email.told, world.email.tries) == (["firing"], 1)
    assert world.counted("notifications_total", channel="slack") == 4.0
    assert world.counted("notification_failures_total", channel="slack", reason="unreachable") == 3.0


async def test_it_is_counted_how_long_after_its_writing_a_message_was_delivered(world: World) -> None:
    world.slack.troubles.append(Unreachable("refused"))
    world.history.differ(6)
    await world.check()
    await world.deliver(seconds=2)
    await world.deliver(minutes=20)

    assert world.counted("notification_latency_seconds_sum", channel="email") == 2.0
    assert world.counted("notification_latency_seconds_sum", channel="slack") == 1202.0
    assert world.counted("notification_latency_seconds_count", channel="slack") == 1.0


async def test_what_began_and_ended_during_an_outage_is_one_message(world: World) -> None:
    world.slack.troubles.append(Unreachable("refused"))
    world.history.differ(6)
    await world.check()
    await world.deliver()
    world.history.differ(0)
    await world.check(minutes=7)
    await world.deliver(minutes=20)

    (sent,) = world.slack.sent
    assert (sent.notice.kind, sent.notice.since, sent.notice.until) == (
        Kind.SUMMARY,
        START,
        START + timedelta(minutes=7),
    )
    assert world.email.told == ["firing", "resolved"]


async def test_an_outage_of_days_loses_no_alert_that_still_fires(world: World) -> None:
    world.slack.troubles.extend([ChannelRefused("not_in_channel")] * 1_000)
    world.history.differ(6)
    await world.check()
    for _ in range(10):
        await world.deliver(hours=24)
        await world.check()
    world.slack.troubles.clear()
    await world.deliver(hours=1)

    assert world.slack.told == ["firing"]


async def test_an_end_nobody_could_be_told_of_is_given_up_after_ten_times_three_days(world: World) -> None:
    world.history.differ(6)
    await world.check()
    await world.deliver()
    world.slack.troubles.extend([Unreachable("refused")] * 1_000)
    world.history.differ(0)
    await world.check(minutes=1)
    await world.deliver()
    await world.check(hours=719)
    before = await world.store.backlog()
    await world.check(hours=2)

    assert (before.depth, before.dead) == (1, 0)
    assert await world.store.backlog() == Backlog(depth=0, dead=1, oldest=None)


@pytest.mark.parametrize(
    ("asked", "too_early", "enough"),
    [(30.0, 29, 1), (7_200.0, 3_599, 1)],
    ids=["as long as it asks", "an hour at most"],
)
async def test_a_retry_after_holds_the_whole_channel(world: World, asked: float, too_early: int, enough: int) -> None:
    world.slack.troubles.append(Throttled("ratelimited", retry_after=asked))
    world.history.differ(6)
    await world.check()
    await world.deliver()
    await world.write_tests("slack")
    await world.deliver(seconds=too_early)
    tries = world.slack.tries
    await world.deliver(seconds=enough)

    assert tries == 1
    assert world.slack.told == ["firing", "test"]


async def test_the_back_off_grows_to_its_cap(world: World) -> None:
    world.slack.troubles.extend([Unreachable("refused")] * 1_000)
    world.history.differ(6)
    await world.check()
    for _ in range(6 * 60):
        await world.deliver(minutes=1)

    # full jitter draws half the cap of 15 minutes on average: about 50 tries in 6 hours, not 360
    assert 30 <= world.slack.tries <= 75


async def test_an_answer_that_never_came_is_sent_again_with_the_same_identity_and_a_mark(world: World) -> None:
    world.slack.troubles.append(Ambiguous("reset"))
    world.history.differ(6)
    await world.check()
    await world.deliver()
    await world.deliver(minutes=1)

    assert world.slack.told == ["firing", "firing again"]
    assert len({sent.parcel.identity for sent in world.slack.sent}) == 1


async def test_a_beginning_that_may_be_out_is_not_joined_with_its_end(world: World) -> None:
    world.slack.troubles.append(Ambiguous("reset"))
    world.history.differ(6)
    await world.check()
    await world.deliver()
    world.history.differ(0)
    await world.check(minutes=1)
    await world.deliver()

    assert world.slack.told == ["firing", "firing again", "resolved"]


@pytest.mark.parametrize("trouble", [Malformed("invalid_blocks"), ZeroDivisionError()], ids=["refused form", "our bug"])
async def test_a_message_that_cannot_be_taken_goes_out_plain_at_once(world: World, trouble: BaseException) -> None:
    world.slack.troubles.append(trouble)
    world.history.differ(6)
    await world.check()
    await world.deliver()

    assert [(sent.notice.kind, sent.plain) for sent in world.slack.sent] == [(Kind.FIRING, True)]


async def test_the_end_waits_for_the_beginning_but_other_alerts_do_not(world: World) -> None:
    world.history.differ(6)
    await world.check()
    world.slack.troubles.append(Ambiguous("reset"))
    await world.deliver()
    world.slack.troubles.append(Unreachable("refused"))
    world.history.differ(0)
    await world.check(seconds=20)
    await world.write_tests("slack")
    await world.deliver()

    assert world.slack.told == ["firing", "test", "firing again", "resolved"]


async def test_a_channel_keeps_its_pace(world: World) -> None:
    world.outbox._workers["slack"]._policy = type(world.policy)(pace={"slack": timedelta(seconds=60)})
    for _ in range(3):
        await world.write_tests("slack")
    await world.deliver()

    assert (len(world.slack.sent), world.clock.now()) == (3, START + timedelta(seconds=120))


async def test_a_hung_send_ends_at_its_deadline_in_doubt(world: World) -> None:
    world.outbox._workers["slack"]._policy = type(world.policy)(deadline=timedelta(seconds=0.01))
    world.slack.troubles.append(asyncio.Event().wait)  # type: ignore[arg-type]
    world.history.differ(6)
    await world.check()
    await world.deliver()
    await world.deliver(minutes=1)

    assert world.slack.told == ["firing again"]
