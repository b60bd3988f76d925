"""Several alerts in one message: what goes out together, is repeated together, and falls apart again."""

from __future__ import annotations

import pytest

from monitor.channels.base import Ambiguous, ChannelRefused, Malformed, Throttled, Unreachable
from monitor.facts import Backlog
from monitor.notice import Receipt
from tests.fakes.channel import FakeChannel, Killed
from tests.monitor.support import World

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
