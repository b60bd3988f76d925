"""Our clock may be minutes off the shops': what is quiet is a matter of Shopify's clock alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.catalogue import generate
from sandbox.clock import ManualClock
from sandbox.goods import Good
from sandbox.world import World
from tests.sync.shop import FULL, INCREMENTAL, START, live_shop, open_shop

pytestmark = pytest.mark.anyio

FIVE_MINUTES = timedelta(minutes=5)


def few() -> list[Good]:
    """Return plain goods with 20 units in both shops."""
    return [replace(good, stock=20, online_stock=None) for good in generate(4, 1, odd=False)]


@pytest.mark.parametrize("ahead", [FIVE_MINUTES, -FIVE_MINUTES], ids=["our clock is fast", "our clock is slow"])
async def test_a_number_that_moved_within_the_order_lag_is_left_alone_and_a_quiet_one_is_corrected(
    tmp_path: Path, ahead: timedelta
) -> None:
    async with live_shop(few(), tmp_path, ahead=ahead) as shop:
        sku, store = shop.world.goods[0].sku, shop.world.shopify
        store.adjust(sku, -5)
        for _ in range(6):
            shop.clock.advance(10)
            await shop.sync()
        assert store.writes == []
        assert store.available(sku) == 15
        shop.clock.advance(10)
        await shop.sync()
        assert store.available(sku) == 20
        assert shop.apart() == {}


async def test_a_fast_clock_takes_no_sale_that_is_still_hidden_for_somebodys_edit(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path, index_lag_seconds=50, ahead=FIVE_MINUTES) as shop:
        sku, store = shop.world.goods[0].sku, shop.world.shopify
        store.fulfil(store.place_order({sku: 3}))
        shop.world.lightspeed.sell(sku, 1)  # so that the row is read, by its id, before the order can be found
        await shop.passes(7, every=11)
        assert store.available(sku) == 16
        assert [write.after for write in store.writes] == [16]


@pytest.mark.parametrize("ahead", [FIVE_MINUTES, -FIVE_MINUTES], ids=["our clock is fast", "our clock is slow"])
async def test_what_is_ordered_before_going_live_is_in_the_till_already_and_what_comes_after_is_not(
    tmp_path: Path, ahead: timedelta
) -> None:
    clock = ManualClock(START)
    world = World(few(), clock=clock)
    sku = world.goods[0].sku
    world.shopify.place_order({sku: 1})
    world.lightspeed.sell(sku, 1)  # somebody rang it up by hand, as was done until now
    clock.advance(60)
    async with open_shop(world, clock, tmp_path, ahead=ahead) as shop:
        await shop.work.actions.sync(FULL)
        clock.advance(60)
        world.shopify.place_order({sku: 2})
        for _ in range(4):
            clock.advance(90)
            await shop.work.actions.sync(INCREMENTAL)
            await shop.poster.work()
        assert [sale.reference_number for sale in world.lightspeed.online_sales()] == ["SH-1002-1"]
        assert world.shopify.available(sku) == world.lightspeed.qoh(sku) == 17
        assert world.shopify.writes == []
