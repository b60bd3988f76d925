"""From a number that is too high to messages in every channel, over outages, crashes and edits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.channels.base import Ambiguous, ChannelRefused, DeliveryError, Malformed, Throttled, Unreachable
from monitor.channels.wording import wording
from monitor.decide import Why
from monitor.facts import Backlog
from monitor.notice import FailureReason, Kind, Receipt
from monitor.store import Terms
from sync.records import OrderStanding, OrderState, Pause, PauseKind
from tests.fakes.channel import FakeChannel, Killed
from tests.monitor.support import DIFFERS, START, THREE, World

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

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.database.close()


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


# --- several at once ---


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path, THREE, channels={"slack": FakeChannel(), "sms": FakeChannel("+1", "+2", most=2)})
    yield made
    await made.database.close()


async def test_what_is_due_at_once_is_one_message_and_so_are_its_ends(three: World) -> None:
    three.history.differ(8)
    await three.check()
    await three.deliver()
    three.history.differ(0)
    await three.check(minutes=1)
    await three.deliver()

    assert three.slack.told == ["firing+firing+firing", "resolved+resolved+resolved"]
    end = three.slack.sent[-1].parcel
    assert {item.previous.root for item in end.items} == {Receipt("C1", "1")}
    assert [member.alert for member in end.items[0].previous.members] == ["Differs", "DiffersMore", "DiffersMost"]


async def test_each_telephone_gets_what_its_texts_can_hold(three: World) -> None:
    three.history.differ(8)
    await three.check()
    await three.deliver()

    sent = [(sent.parcel.recipient, len(sent.parcel.items)) for sent in three.channels["sms"].sent]
    assert sorted(sent) == [("+1", 1), ("+1", 2), ("+2", 1), ("+2", 2)]


async def test_a_bad_number_neither_delays_nor_doubles_the_others(three: World) -> None:
    sms = three.channels["sms"]
    sms.troubles.append(ChannelRefused("21211"))
    three.history.differ(6)
    await three.check()
    await three.deliver()

    assert [sent.parcel.recipient for sent in sms.sent] == ["+2"]
    assert (await three.store.backlog()).depth == 1


async def test_a_message_in_doubt_is_repeated_as_it_was_whatever_came_since(three: World) -> None:
    three.slack.troubles.append(Ambiguous("reset"))
    three.history.differ(7)
    await three.check()
    await three.deliver()
    three.history.differ(8)
    await three.check(minutes=1)
    await three.deliver()

    assert sorted(three.slack.told) == ["firing", "firing+firing", "firing+firing again"]
    assert len({sent.parcel.identity for sent in three.slack.sent}) == 2


async def test_what_surely_did_not_arrive_joins_what_came_since(three: World) -> None:
    three.slack.troubles.append(Unreachable("refused"))
    three.history.differ(7)
    await three.check()
    await three.deliver()
    three.history.differ(8)
    await three.check(minutes=20)
    await three.deliver()

    assert three.slack.told == ["firing+firing+firing"]


async def test_the_first_delivery_after_an_outage_lets_all_go(three: World) -> None:
    three.slack.troubles.extend([Unreachable("refused")] * 8)
    three.history.differ(7)
    await three.check()
    for _ in range(8):
        await three.deliver(minutes=15)
    three.history.differ(8)
    await three.check()
    await three.deliver()

    assert three.slack.told == ["firing", "firing+firing"]


async def test_a_group_that_is_not_taken_goes_out_plain_one_by_one(three: World) -> None:
    three.slack.troubles.append(Malformed("invalid_blocks"))
    three.history.differ(8)
    await three.check()
    await three.deliver()

    assert [(sent.notice.alert, sent.plain) for sent in three.slack.sent] == [
        ("Differs", True),
        ("DiffersMore", True),
        ("DiffersMost", True),
    ]


@pytest.mark.parametrize("arrived", [False, True], ids=["before", "after"])
async def test_a_group_being_sent_at_a_kill_is_repeated_as_the_same_group(three: World, arrived: bool) -> None:
    three.slack.troubles.append(Killed(arrived=arrived))
    three.history.differ(8)
    await three.check()
    with pytest.raises(Killed):
        await three.deliver()
    await three.restart()
    await three.deliver()

    again = "firing+firing+firing again"
    assert three.slack.told == (["firing+firing+firing", again] if arrived else [again])
    assert len({sent.parcel.identity for sent in three.slack.sent}) == 1


async def test_a_test_message_goes_out_by_itself(three: World) -> None:
    three.history.differ(7)
    await three.check()
    await three.write_tests("slack", "sms")
    await three.deliver()

    assert three.slack.told == ["firing+firing", "test"]
    assert sorted(three.channels["sms"].told) == ["firing+firing", "firing+firing", "test", "test"]


async def test_texts_to_a_number_that_left_the_file_are_given_up(three: World) -> None:
    three.history.differ(6)
    await three.check()
    three.channels = {"slack": three.slack, "sms": FakeChannel("+2")}
    await three.restart()
    await three.deliver()

    assert [sent.parcel.recipient for sent in three.channels["sms"].sent] == ["+2"]
    assert await three.store.backlog() == Backlog(depth=0, dead=1, oldest=None)


async def test_a_wait_that_a_service_asked_for_holds_over_a_restart(world: World) -> None:
    world.slack.troubles.append(Throttled("ratelimited", retry_after=30.0))
    world.history.differ(6)
    await world.check()
    await world.deliver()
    await world.restart()
    await world.write_tests("slack")
    await world.deliver(seconds=29)
    early = world.slack.tries
    await world.deliver(seconds=1)

    assert early == 1
    assert world.slack.told == ["firing", "test"]


# --- crashes ---


@pytest.mark.parametrize(
    ("arrived", "told"), [(False, ["firing again"]), (True, ["firing", "firing again"])], ids=["before", "after"]
)
async def test_a_process_killed_while_sending_leaves_a_doubt_that_is_sent_again(
    world: World, arrived: bool, told: list[str]
) -> None:
    world.slack.troubles.append(Killed(arrived=arrived))
    world.history.differ(6)
    await world.check()
    with pytest.raises(Killed):
        await world.deliver()
    await world.restart()
    await world.deliver()

    assert world.slack.told == told
    assert world.email.told == ["firing"]
    assert len({sent.parcel.identity for sent in world.slack.sent}) == 1


async def test_a_process_killed_before_sending_loses_nothing(world: World) -> None:
    world.history.differ(6)
    await world.check()
    await world.restart()
    await world.check(minutes=1)
    await world.deliver()

    assert (world.slack.told, world.email.told) == (["firing"], ["firing"])


async def test_a_restart_says_nothing_about_what_was_told(world: World) -> None:
    world.history.differ(6)
    await world.check()
    await world.deliver()
    await world.restart()
    await world.check(minutes=1)

    assert await world.deliver() == 0


async def test_what_ended_while_we_were_down_is_told(world: World) -> None:
    world.history.differ(6)
    await world.check()
    await world.deliver()
    world.history.differ(0)
    await world.restart()
    await world.check(hours=5)
    await world.deliver()

    assert world.slack.told == ["firing", "resolved"]


async def test_a_pending_alert_waits_on_over_a_restart(world: World) -> None:
    await world.restart(DIFFERS.replace("    summary:", "    for: 10m\n    summary:"))
    world.history.differ(6)
    await world.check()
    await world.restart()
    await world.check(minutes=9)
    early = await world.deliver()
    await world.check(minutes=1)
    await world.deliver()

    assert early == 0
    assert [sent.notice.since for sent in world.slack.sent] == [START]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{{ value }} SKUs differ", "{{ value }} wrong"),
        ("> 5", "> 4"),
        ("warning\n    summary", "critical\n    summary"),
    ],
    ids=["summary", "limit", "severity"],
)
async def test_an_edit_keeps_the_state_of_a_firing_alert(world: World, old: str, new: str) -> None:
    world.history.differ(6)
    await world.check()
    await world.deliver()
    await world.restart(DIFFERS.replace(old, new))
    await world.check(minutes=1)
    await world.deliver()
    world.history.differ(0)
    await world.check(minutes=1)
    await world.deliver()

    assert (world.slack.told, world.email.told) == (["firing", "resolved"], ["firing", "resolved"])


async def test_an_alert_removed_from_the_file_is_ended(world: World) -> None:
    world.history.differ(6)
    await world.check()
    await world.deliver()
    await world.restart(DIFFERS.replace("name: Differs", "name: Other"))
    await world.check(minutes=1)
    await world.deliver()

    notices = [notice for sent in world.slack.sent for notice in sent.parcel.notices]
    ended = [notice for notice in notices if notice.kind is Kind.RESOLVED]
    assert [(notice.alert, notice.value) for notice in ended] == [("Differs", "unknown")]


async def test_messages_for_a_channel_that_is_gone_are_given_up(world: World) -> None:
    world.history.differ(6)
    await world.check()
    world.channels = {"email": world.email}
    await world.restart()
    await world.deliver()

    assert world.email.told == ["firing"]
    assert await world.store.backlog() == Backlog(depth=0, dead=1, oldest=None)


async def test_the_end_of_what_a_channel_was_told_that_is_gone_waits_for_nobody(world: World) -> None:
    world.history.differ(6)
    await world.check()
    await world.deliver()
    world.channels = {"email": world.email}
    await world.restart()
    world.history.differ(0)
    await world.check(minutes=1)
    await world.deliver()

    assert world.email.told == ["firing", "resolved"]
    assert await world.store.backlog() == Backlog(depth=0, dead=0, oldest=None)
    assert (await world.decided("slack"))[-1] == "channel_gone"


async def test_a_number_that_left_while_an_alert_fires_is_not_told_of_its_end(three: World) -> None:
    three.history.differ(6)
    await three.check()
    await three.deliver()
    gone = len(three.channels["sms"].sent)
    three.channels = {"slack": three.slack, "sms": FakeChannel("+2")}
    await three.restart()
    three.history.differ(0)
    await three.check(minutes=20)
    await three.deliver(minutes=1)

    assert gone == 2
    assert [sent.parcel.recipient for sent in three.channels["sms"].sent] == ["+2"]
    assert await three.store.backlog() == Backlog(depth=0, dead=0, oldest=None)


async def test_a_message_that_fails_after_its_channel_left_waits_for_nobody(world: World) -> None:
    world.history.differ(6)
    await world.check()
    claim = await world.store.claim("slack", Terms(tuple, timedelta(seconds=60)), world.clock.now())
    world.channels = {"email": world.email}
    await world.outbox.take(world.channels, world.policy)
    assert claim is not None
    await world.store.undelivered(claim, FailureReason.UNREACHABLE, "refused", START, START)
    await world.deliver()
    await world.check(minutes=1)

    assert await world.store.backlog() == Backlog(depth=0, dead=1, oldest=None)


async def test_a_channel_that_comes_back_is_told_what_it_was_not_told(world: World) -> None:
    world.history.differ(6)
    await world.check()
    both, world.channels = world.channels, {"email": world.email}
    await world.restart()
    world.channels = both
    await world.restart()
    await world.check(minutes=1)
    await world.deliver()

    assert world.slack.told == ["firing"]


# --- a clock that is set ---


@pytest.mark.parametrize(
    "trouble", [Unreachable("refused"), Throttled("ratelimited", retry_after=30.0)], ids=["back-off", "Retry-After"]
)
@pytest.mark.parametrize("restarts", [False, True], ids=["it runs on", "after a restart"])
async def test_a_clock_set_back_by_hours_does_not_stop_deliveries(
    world: World, trouble: DeliveryError, restarts: bool
) -> None:
    world.slack.troubles.append(trouble)
    world.history.differ(6)
    await world.check()
    await world.deliver()
    world.clock.pass_by(hours=-6)
    if restarts:
        await world.restart()
    await world.check(minutes=1)
    await world.deliver(minutes=1)

    assert world.slack.told == ["firing"]


async def test_a_clock_set_forth_by_days_and_back_gives_up_no_end(world: World) -> None:
    world.history.differ(6)
    await world.check()
    await world.deliver()
    world.slack.troubles.append(Unreachable("refused"))
    world.history.differ(0)
    await world.check(minutes=1)
    await world.deliver()
    await world.check(days=4)
    await world.check(days=-4)
    await world.deliver(minutes=20)

    assert world.slack.told == ["firing", "resolved"]


# --- claims ---


async def test_of_two_workers_one_gets_a_message(world: World) -> None:
    world.history.differ(6)
    await world.check()
    lease = timedelta(seconds=60)
    first = await world.store.claim("slack", Terms(tuple, lease), world.clock.now())
    second = await world.store.claim("slack", Terms(tuple, lease), world.clock.now())

    assert first is not None
    assert second is None


async def test_a_lease_that_ran_out_makes_the_message_a_possible_repeat(world: World) -> None:
    world.history.differ(6)
    await world.check()
    first = await world.store.claim("slack", Terms(tuple, timedelta(seconds=60)), world.clock.now())
    second = await world.store.claim("slack", Terms(tuple, timedelta(seconds=60)), START + timedelta(seconds=60))

    assert first is not None
    assert second is not None
    assert (first.parcel.repeat, second.parcel.repeat) == (False, True)
    assert not await world.store.undelivered(first, DeliveryError.reason, "late", START, START)


# --- the workers' own loop ---


async def test_news_wakes_a_worker_before_its_time(world: World) -> None:
    world.clock.asleep = asyncio.Event()
    running = asyncio.create_task(world.outbox.run())
    await asyncio.wait({running}, timeout=0.02)
    arrived = asyncio.Event()

    async def tell() -> None:
        arrived.set()

    world.slack.troubles.append(tell)
    world.history.differ(6)
    await world.check()
    await asyncio.wait_for(arrived.wait(), 5)
    world.outbox.stop()
    await asyncio.wait_for(running, 5)

    assert world.slack.told == ["firing"]


async def test_a_message_being_sent_is_finished_before_the_end(world: World) -> None:
    world.clock.asleep = asyncio.Event()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        begun.set()
        await go_on.wait()

    world.slack.troubles.append(slowly)
    world.history.differ(6)
    await world.check()
    running = asyncio.create_task(world.outbox.run())
    await asyncio.wait_for(begun.wait(), 5)
    world.outbox.stop()
    go_on.set()
    await asyncio.wait_for(running, 5)

    assert world.slack.told == ["firing"]
    assert (await world.store.backlog()).depth == 0


async def test_gauges_show_what_waits(world: World) -> None:
    world.history.differ(6)
    await world.check()

    assert world.counted("notification_outbox_depth") == 2.0
    assert world.counted("alerts", severity="warning", state="firing") == 1.0
    assert world.counted("discrepant_skus", direction="undersell") == 6.0


async def test_a_clock_set_back_does_not_put_the_reminders_off(world: World) -> None:
    await world.turn(6)
    await world.turn(6, seconds=-30)  # a step so small is waited for
    told = list(world.slack.told)
    for _ in range(3):
        await world.turn(6, days=-1)
    await world.turn(6, minutes=1)

    assert told == ["firing"]
    assert world.slack.told == ["firing", "reminder", "reminder", "reminder"]
