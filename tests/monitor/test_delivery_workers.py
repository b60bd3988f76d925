"""Claims of messages, and the loop of the workers that send them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from monitor.channels.base import DeliveryError
from monitor.store import Terms
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

pytestmark = pytest.mark.anyio


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
