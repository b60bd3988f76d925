"""Messages over crashes, restarts, edits of the file, and a clock that is set."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.channels.base import DeliveryError, Throttled, Unreachable
from monitor.facts import Backlog
from monitor.notice import FailureReason, Kind
from monitor.store import Terms
from tests.fakes.channel import FakeChannel, Killed
from tests.monitor.support import DIFFERS, START, World

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


async def test_a_clock_set_back_does_not_put_the_reminders_off(world: World) -> None:
    await world.turn(6)
    await world.turn(6, seconds=-30)  # a step so small is waited for
    told = list(world.slack.told)
    for _ in range(3):
        await world.turn(6, days=-1)
    await world.turn(6, minutes=1)

    assert told == ["firing"]
    assert world.slack.told == ["firing", "reminder", "reminder", "reminder"]
