"""Another channel in place of one that fails, and each number's share of text messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.budget import Budget, Share
from monitor.channels.base import ChannelRefused, Unreachable
from monitor.decide import Why
from monitor.facts import Backlog
from monitor.notice import Kind
from monitor.worker import DeliveryPolicy, Fallback
from tests.fakes.channel import FakeChannel
from tests.monitor.support import DIFFERS, THREE, World

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]


# --- another channel in place of one that fails ---


@pytest.fixture
async def backed(tmp_path: Path) -> AsyncIterator[World]:
    fallbacks = {"slack": Fallback("email", timedelta(minutes=2))}
    alerts = DIFFERS.replace("[slack, email]", "[slack]")
    made = World(tmp_path, alerts, policy=DeliveryPolicy(fallbacks=fallbacks))
    yield made
    await made.database.close()


async def test_what_a_channel_refuses_is_told_by_its_fallback_which_says_so(backed: World) -> None:
    backed.slack.troubles.extend([ChannelRefused("not_in_channel")] * 9)
    backed.history.differ(6)
    await backed.check()
    await backed.deliver()
    await backed.deliver()

    (sent,) = backed.email.sent
    assert sent.notice.kind is Kind.FIRING
    assert sent.notice.remarks == (
        "It comes this way because the channel slack did not take it (refused: not_in_channel).",
    )
    (incident,) = await backed.store.open_incidents()
    decided = await backed.store.verdicts(incident.id)
    assert (decided[-1].place, decided[-1].why, decided[-1].detail) == ("email", Why.FALLBACK, "slack")


async def test_what_waits_too_long_is_told_by_the_fallback_once_and_so_is_its_end(backed: World) -> None:
    backed.slack.troubles.extend([Unreachable("refused")] * 99)
    backed.history.differ(6)
    await backed.check()
    await backed.deliver(seconds=119)
    await backed.deliver()
    early = list(backed.email.told)
    for _ in range(5):
        await backed.deliver(seconds=60)
    backed.history.differ(0)
    await backed.check()
    await backed.deliver()
    backed.slack.troubles.clear()
    await backed.deliver(hours=1)

    assert early == []
    assert backed.email.told == ["firing", "resolved"]
    assert backed.slack.told == ["summary"]


async def test_after_a_pause_of_the_process_the_channel_itself_is_tried_first(backed: World) -> None:
    backed.history.differ(6)
    await backed.check()
    backed.clock.pass_by(hours=3)
    await backed.restart()
    await backed.deliver()

    assert (backed.slack.told, backed.email.told) == (["firing"], [])


async def test_a_clock_set_back_does_not_put_the_fallback_off(backed: World) -> None:
    backed.slack.troubles.extend([Unreachable("refused")] * 99)
    backed.history.differ(6)
    await backed.check()
    await backed.deliver(hours=-3)
    await backed.deliver()

    assert backed.email.told == ["firing"]


async def test_the_fallback_is_reminded_as_long_as_the_channel_does_not_take_it(backed: World) -> None:
    backed.slack.troubles.extend([ChannelRefused("not_in_channel")] * 999)
    backed.history.differ(6)
    for _ in range(9):
        await backed.check(hours=1)
        await backed.deliver()
    reminder = backed.email.sent[-1].notice.remarks
    backed.slack.troubles.clear()
    for _ in range(4):
        await backed.deliver(hours=1)
        await backed.check()

    assert backed.email.told == ["firing", "reminder", "reminder"]
    assert reminder == ("It comes this way because the channel slack did not take it.",)
    assert backed.slack.told[0] == "firing"


async def test_the_end_alone_comes_by_the_fallback_as_the_whole_story(backed: World) -> None:
    backed.history.differ(6)
    await backed.check()
    await backed.deliver()
    backed.slack.troubles.extend([ChannelRefused("is_archived")] * 9)
    backed.history.differ(0)
    await backed.check(minutes=1)
    await backed.deliver()
    await backed.deliver()

    assert (backed.slack.told, backed.email.told) == (["firing"], ["summary"])


async def test_what_the_fallback_was_told_anyway_it_is_not_told_twice(tmp_path: Path) -> None:
    world = World(tmp_path, policy=DeliveryPolicy(fallbacks={"slack": Fallback("email", timedelta(minutes=2))}))
    world.slack.troubles.extend([ChannelRefused("not_in_channel")] * 9)
    world.history.differ(6)
    await world.check()
    for _ in range(3):
        await world.deliver(minutes=2)
    await world.database.close()

    assert world.email.told == ["firing"]


# --- each number's share of text messages ---


@pytest.fixture
async def thrifty(tmp_path: Path) -> AsyncIterator[World]:
    budget = Budget((Share(1, timedelta(minutes=1)), Share(2, timedelta(minutes=15))), timedelta(minutes=10))
    made = World(
        tmp_path,
        THREE,
        channels={"slack": FakeChannel(), "sms": FakeChannel("+1", "+2", most=1)},
        policy=DeliveryPolicy(budgets={"sms": budget}),
    )
    yield made
    await made.database.close()


async def test_beyond_its_share_a_number_waits_for_what_still_fires(thrifty: World) -> None:
    thrifty.history.differ(8)
    await thrifty.check()
    sent = []
    for _ in range(17):
        await thrifty.deliver(minutes=1)
        sent.append(len(thrifty.channels["sms"].sent))

    assert sent[:14] == [2] + 13 * [4]
    assert sent[-1] == 6
    assert (await thrifty.store.backlog()).depth == 0


async def test_what_ended_before_its_number_had_room_is_given_up_on_record(thrifty: World) -> None:
    thrifty.history.differ(8)
    await thrifty.check()
    await thrifty.deliver(minutes=1)
    await thrifty.deliver(minutes=1)
    waits = await thrifty.store.backlog()
    last = (await thrifty.store.open_incidents())[-1]
    thrifty.history.differ(7)
    await thrifty.check()
    for _ in range(10):
        await thrifty.deliver(minutes=1)

    assert (waits.depth, waits.oldest) == (2, None)
    assert await thrifty.store.backlog() == Backlog(depth=0, dead=2, oldest=None)
    decided = [(each.place, each.why) for each in await thrifty.store.verdicts(last.id) if each.kind is None]
    assert decided == [("sms +1", Why.BUDGET), ("sms +2", Why.BUDGET)]


async def test_what_began_and_ended_while_a_number_waits_is_one_text(thrifty: World) -> None:
    thrifty.history.differ(7)
    await thrifty.check()
    await thrifty.deliver()
    thrifty.history.differ(0)
    await thrifty.check(seconds=30)
    for _ in range(90):
        await thrifty.deliver(seconds=30)

    told = [sent.notice.kind for sent in thrifty.channels["sms"].sent if sent.parcel.recipient == "+1"]
    assert told == [Kind.FIRING, Kind.SUMMARY, Kind.RESOLVED]


async def test_a_share_is_kept_over_a_restart(thrifty: World) -> None:
    thrifty.history.differ(7)
    await thrifty.check()
    await thrifty.deliver()
    await thrifty.restart()
    await thrifty.deliver(seconds=59)

    assert len(thrifty.channels["sms"].sent) == 2
