"""What the worker tells of each sale that it has confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.faults import Fault, FaultKind
from sync.events import DocumentPosted, Event
from tests.sync.shop import Shop, few, live_shop

pytestmark = pytest.mark.anyio


async def beat(shop: Shop, seconds: float = 60.0) -> None:
    """Let time pass, then do what the daemon does at each beat."""
    shop.clock.advance(seconds)
    await shop.sync()
    await shop.poster.work()


async def test_each_confirmed_sale_is_told_of_once_with_its_wait(tmp_path: Path) -> None:
    heard: list[Event] = []
    async with live_shop(few(), tmp_path) as shop:
        shop.work.events.join(heard.append)
        good = shop.world.goods[0]
        order = shop.world.shopify.place_order({good.sku: 2})
        await beat(shop)
        await beat(shop)
        shop.world.shopify.cancel(order, restock=True)
        await beat(shop, seconds=3600)
        await beat(shop)
        first, reversal = [event for event in heard if isinstance(event, DocumentPosted)]
    cents = first.cents
    assert first == DocumentPosted(units=2, cents=cents, seconds=60.0)
    assert cents > 0
    assert reversal == DocumentPosted(units=-2, cents=-cents, seconds=0.0)


async def test_a_sale_whose_completion_went_unanswered_is_told_of_when_it_is_found(tmp_path: Path) -> None:
    heard: list[Event] = []
    async with live_shop(few(), tmp_path) as shop:
        shop.work.events.join(heard.append)
        shop.world.shopify.place_order({shop.world.goods[0].sku: 1})
        shop.world.faults.add("lightspeed", "PUT Sale", Fault(FaultKind.RESET_AFTER))
        for _ in range(4):
            await beat(shop)
        told = [event for event in heard if isinstance(event, DocumentPosted)]
    assert [(event.units, event.seconds) for event in told] == [(1, 120.0)]
