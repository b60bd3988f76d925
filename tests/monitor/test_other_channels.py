"""Other channels take the place of the present ones while messages are on their way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.alerts_file import parse
from monitor.worker import DeliveryPolicy
from sync.errors import Code, Transient
from tests.fakes.channel import FakeChannel
from tests.monitor.support import DIFFERS, World

pytestmark = pytest.mark.anyio

ELSEWHERE = DIFFERS.replace("to: [slack, email]", "to: [pager]") + "channels: {slack: {}, pager: {type: email}}\n"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.database.close()


async def take(world: World, text: str, **channels: FakeChannel) -> None:
    await world.outbox.take(channels, DeliveryPolicy())
    world.judge.take(parse(text.encode()))


async def test_a_firing_alert_is_told_in_a_channel_that_is_new_and_no_more_in_one_that_is_gone(world: World) -> None:
    pager = FakeChannel()
    await world.turn(6)
    await take(world, ELSEWHERE, slack=world.slack, pager=pager)
    await world.turn(6, minutes=1)
    await world.turn(0, minutes=1)

    assert pager.told == ["firing", "resolved"]
    assert world.slack.told == ["firing", "resolved"]  # it is still there, and knows of the beginning
    assert world.email.told == ["firing"]


async def test_what_waits_for_a_channel_that_is_gone_is_given_up(world: World) -> None:
    world.history.differ(6)
    await world.check()
    await take(world, ELSEWHERE, pager=FakeChannel())
    await world.deliver()

    assert (await world.store.backlog()).dead == 2
    assert world.slack.told == world.email.told == []


async def test_a_message_that_is_being_sent_is_finished_and_not_sent_again(world: World) -> None:
    under_way, arrive = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        under_way.set()
        await arrive.wait()

    world.slack.troubles.append(slowly)
    world.clock.asleep = asyncio.Event()
    running = asyncio.ensure_future(world.outbox.run())
    world.history.differ(6)
    await world.check()
    await under_way.wait()
    other = FakeChannel()
    await take(world, DIFFERS, slack=other, email=FakeChannel())
    arrive.set()
    while not world.slack.closed:
        await asyncio.wait({running}, timeout=0)
    world.outbox.stop()
    await running

    assert (world.slack.told, other.told) == (["firing"], [])
    assert (await world.store.backlog()).depth == 0
    assert (world.slack.closed, other.closed) == (True, False)


async def test_a_database_that_fails_meanwhile_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(channels: object) -> None:
        raise Transient(Code.ST003, "locked")

    monkeypatch.setattr(world.store, "give_up_strangers", fails)
    with pytest.raises(Transient):
        await take(world, ELSEWHERE, pager=FakeChannel())
    await world.turn(6)

    assert (world.slack.told, world.email.told) == (["firing"], ["firing"])
