"""Tests of a channel and drills of an alert: marked, tried once, with proof, and never taken for the real thing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from monitor.alerts_file import parse
from monitor.asked import DrillOrder, Rehearsed, TrialOrder
from monitor.channels.base import Ambiguous, ChannelRefused, Malformed, Unreachable
from monitor.notice import FailureReason, Kind
from monitor.rehearsal import Rehearsal
from sync.errors import Permanent
from tests.monitor.support import World

pytestmark = pytest.mark.anyio

ALERTS = """
alerts:
  - name: Differs
    when: discrepant_skus > 5
    severity: critical
routes:
  - severity: critical
    to: [slack, pager]
    escalate:
      - {after: 15m, to: [slack, email]}
channels:
  slack: {channel: "#alerts"}
  email: {to: [ops@wtfswag.com]}
  pager: {type: email, to: [it@wtfswag.com]}
  spare: {type: email, to: [it@wtfswag.com]}
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, ALERTS)


def rehearsal(world: World, alerts: str = ALERTS) -> Rehearsal:
    content = parse(alerts.encode())
    return Rehearsal(lambda: content, world.channels, world.store, world.clock, "https://ops.example.com/")


async def tried(world: World, channel: str = "slack") -> Rehearsed:
    return await rehearsal(world).test(TrialOrder(channel=channel, by="anna"))


async def drilled(world: World, alerts: str = ALERTS) -> Rehearsed:
    return await rehearsal(world, alerts).drill(DrillOrder(alert="Differs", by="anna"))


def failures(came: Rehearsed) -> list[tuple[str, Kind, FailureReason | None]]:
    return [(each.place, each.kind, each.reason) for each in came.sent]


# --- a test ---
async def test_a_test_tells_the_proof_and_who_asked_for_it(world: World) -> None:
    came = await tried(world)
    (sent,) = world.slack.sent
    (notice,) = sent.parcel.notices
    assert [(each.place, each.proof, each.reason) for each in came.sent] == [("slack", "C1 1", None)]
    assert (notice.kind, notice.remarks) == (Kind.TEST, ("Asked for by anna.",))
    assert came.well


async def test_a_test_that_is_refused_tells_why_and_is_not_kept_for_later(world: World) -> None:
    world.slack.troubles.append(ChannelRefused("not_in_channel"))
    came = await tried(world)
    await world.deliver(hours=1)
    (sent,) = came.sent
    assert (sent.reason, sent.detail, sent.code) == (FailureReason.REFUSED, "not_in_channel", "NT002")
    assert (came.well, world.slack.tries, (await world.store.backlog()).depth) == (False, 1, 0)


async def test_a_form_that_is_not_taken_is_tried_once_more_as_plain_text(world: World) -> None:
    world.slack.troubles.append(Malformed("invalid_blocks"))
    assert (await tried(world)).well
    assert [sent.plain for sent in world.slack.sent] == [True]


async def test_a_channel_that_never_answers_is_given_up_at_the_deadline(world: World) -> None:
    never = asyncio.Event()
    world.slack.troubles.append(lambda: _wait(never))
    hasty = ALERTS + "limits:\n  delivery:\n    deadline: 1s\n"
    came = await rehearsal(world, hasty).test(TrialOrder(channel="slack", by="anna"))
    assert [(each.reason, each.detail) for each in came.sent] == [
        (FailureReason.AMBIGUOUS, "no answer within the deadline")
    ]


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def test_a_test_goes_past_the_messages_that_wait_and_tells_of_them(world: World) -> None:
    world.slack.troubles.append(Unreachable("ConnectError"))
    world.history.differ(7)
    await world.check()
    await world.deliver()
    came = await tried(world)
    assert (came.well, came.waiting, came.last_error) == (True, 1, "unreachable: ConnectError")
    assert world.slack.told == ["test"]


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("slak", r"NT005 .*\(slak; did you mean slack\?\)"),
        ("spare", r"NT005 .*\(spare: its credentials are not set in the environment, or nobody stands under it"),
        ("pager", r"NT005 .*\(pager: its credentials are not set in the environment"),
    ],
)
async def test_a_channel_that_there_is_not_is_told_in_words(world: World, channel: str, words: str) -> None:
    with pytest.raises(Permanent, match=words):
        await tried(world, channel)


# --- a drill ---
async def test_a_drill_reaches_everybody_of_its_route_and_of_its_escalation_once_from_beginning_to_end(
    world: World,
) -> None:
    came = await drilled(world)
    assert (world.slack.told, world.email.told) == (["firing", "resolved"], ["firing", "resolved"])
    assert failures(came) == [
        ("slack", Kind.FIRING, None),
        ("email", Kind.FIRING, None),
        ("slack", Kind.RESOLVED, None),
        ("email", Kind.RESOLVED, None),
    ]
    assert came.lacking == {"pager": "its credentials are not set in the environment, so nothing is sent there"}
    assert not came.well, "somebody who would be told was not reached"


async def test_a_drill_says_that_it_is_one_and_ends_in_the_thread_of_its_beginning(world: World) -> None:
    await drilled(world)
    began, ended = (sent.parcel.items[0] for sent in world.slack.sent)
    assert (began.notice.alert, began.notice.summary.split(":")[0]) == ("DRILL of Differs", "This is a drill")
    assert ended.previous.root is not None
    assert (ended.previous.root.message, ended.notice.incident) == ("1", began.notice.incident)


async def test_where_the_beginning_did_not_arrive_no_end_is_sent(world: World) -> None:
    world.slack.troubles.append(Ambiguous("reset"))
    came = await drilled(world)
    assert failures(came) == [
        ("slack", Kind.FIRING, FailureReason.AMBIGUOUS),
        ("email", Kind.FIRING, None),
        ("email", Kind.RESOLVED, None),
    ]


async def test_a_channel_that_goes_between_beginning_and_end_is_told_as_not_reached(world: World) -> None:
    ways = dict(world.channels)

    async def taken_away() -> None:
        ways.pop("slack")

    world.slack.troubles.append(taken_away)
    content = parse(ALERTS.encode())
    came = await Rehearsal(lambda: content, ways, world.store, world.clock).drill(
        DrillOrder(alert="Differs", by="anna")
    )
    assert failures(came)[2:] == [
        ("slack", Kind.RESOLVED, FailureReason.UNREACHABLE),
        ("email", Kind.RESOLVED, None),
    ]


async def test_a_drill_neither_begins_nor_ends_a_real_incident_of_its_alert(world: World) -> None:
    world.history.differ(7)
    await world.check()
    await world.deliver()
    (before,) = await world.store.open_incidents()
    await drilled(world)
    await world.check(minutes=1)
    (after,) = await world.store.open_incidents()
    assert (after, await world.store.messages(after.id)) == (before, await world.store.messages(before.id))
    assert world.slack.told == ["firing", "firing", "resolved"], "nothing more is told of the real one"


async def test_who_drilled_what_is_on_the_trail(world: World) -> None:
    world.email.troubles.append(Unreachable("ConnectError"))
    await drilled(world)
    (deed,) = await world.store.trail()
    assert (deed.who, deed.what, deed.subject) == ("anna", "drill", "Differs")
    assert deed.detail == {"slack firing": "C1 1", "email firing": "unreachable", "slack resolved": "C1 2"}


async def test_an_alert_that_there_is_not_cannot_be_drilled(world: World) -> None:
    with pytest.raises(Permanent, match=r"NT003 .*\(Difers; did you mean Differs\?\)"):
        await rehearsal(world).drill(DrillOrder(alert="Difers", by="anna"))
