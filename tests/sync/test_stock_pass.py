"""The stock passes of the real engine against both pretend shops: what a shop owner would see go right or wrong."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest

from monitor.asked import SyncOrder
from sandbox.catalogue import generate
from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind
from sandbox.world import World
from sync import stock_writes
from sync.records import Feed, PauseKind, RunOutcome
from sync.stock import Verdict
from tests.sync.shop import FULL, START, Fuse, Shop, count_calls, crash, few, go_live, live_shop, open_shop

pytestmark = pytest.mark.anyio

READ_AS = {Feed.STOCK: "ItemShop", Feed.LEVELS: "location", Feed.ORDERS: "orders"}


# --- going live, and what a pass costs ---


async def test_a_confirmed_first_plan_brings_500_skus_in_step_and_then_one_pass_follows_the_store(
    tmp_path: Path,
) -> None:
    goods = [
        replace(good, stock=10 + place % 30, online_stock=place % 7)
        for place, good in enumerate(generate(500, 1, odd=False))
    ]
    clock = ManualClock(START)
    world = World(goods, clock=clock)
    async with open_shop(world, clock, tmp_path) as shop:
        clock.advance(600)
        plan, done = await go_live(shop)
        assert plan.outcome is RunOutcome.OK
        assert plan.numbers["changed"] == 500
        assert done.outcome is RunOutcome.OK
        assert shop.apart() == {}
        assert len(world.shopify.writes) == 500

        clock.advance(600)
        changed = [good.sku for good in goods[10:500:100]]
        for sku in changed:
            world.lightspeed.sell(sku, 2)
        before = count_calls(world)
        reply = await shop.sync()
        assert reply.outcome is RunOutcome.OK
        assert shop.apart() == {}
        assert count_calls(world) - before <= ceil(len(changed) / 100) + 3 * ceil(len(changed) / 250) + 6
        assert len(world.shopify.writes) == 505

        clock.advance(600)
        before = count_calls(world)
        assert (await shop.sync()).outcome is RunOutcome.OK
        assert count_calls(world) - before <= 3
        assert len(world.shopify.writes) == 505


async def test_without_a_confirmed_plan_a_large_first_sight_difference_waits_for_a_person(tmp_path: Path) -> None:
    goods = few()
    goods[0] = replace(goods[0], online_stock=33)
    clock = ManualClock(START)
    world = World(goods, clock=clock)
    async with open_shop(world, clock, tmp_path) as shop:
        clock.advance(600)
        await shop.sync(FULL)
        assert world.shopify.writes == []
        assert (await shop.work.ledger.standing()).quarantined_skus == 1


# --- orders and the store ---


async def test_an_order_that_is_not_visible_yet_never_lets_a_delivery_raise_stock_above_truth(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path, index_lag_seconds=30) as shop:
        sku = shop.world.goods[0].sku
        shop.world.shopify.place_order({sku: 3})
        shop.world.lightspeed.receive(sku, 5)
        await shop.sync()
        assert shop.world.shopify.available(sku) <= 22
        await shop.passes(4)
        assert shop.world.shopify.available(sku) == 22
        assert shop.apart() == {}


async def test_a_store_sale_beside_an_order_that_is_not_visible_yet_lowers_by_the_sale_alone(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path, index_lag_seconds=30) as shop:
        sku = shop.world.goods[0].sku
        shop.world.shopify.place_order({sku: 3})
        shop.world.lightspeed.sell(sku, 4)
        await shop.sync()
        assert shop.world.shopify.available(sku) == 13
        await shop.passes(4)
        assert shop.world.shopify.available(sku) == 13


async def test_the_ordinary_life_of_an_order_causes_no_stock_write_at_all(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        store, skus = shop.world.shopify, [good.sku for good in shop.world.goods]
        sent = store.place_order({skus[0]: 3, skus[1]: 1})
        called_off = store.place_order({skus[2]: 2})
        edited = store.place_order({skus[3]: 2})
        await shop.passes(2)
        store.fulfil(sent)
        store.cancel(called_off, restock=True)
        store.edit(edited, skus[4], 2)
        await shop.passes(2)
        store.refund(sent, {skus[0]: 1}, "RETURN")
        store.edit(edited, skus[3], -1)
        await shop.passes(4)
        assert store.writes == []
        assert [store.available(sku) for sku in skus[:5]] == [18, 19, 20, 19, 18]
        assert (await shop.work.ledger.standing()).unequal_skus == 0


# --- drift ---


async def test_a_delivery_of_48_passes_by_itself(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        shop.world.lightspeed.receive(sku, 48)
        await shop.sync()
        assert shop.world.shopify.available(sku) == 68


@pytest.mark.parametrize("drift", [10, -10], ids=["added by hand", "taken off by hand"])
async def test_ten_units_that_somebody_changed_are_corrected_once_the_row_is_quiet(tmp_path: Path, drift: int) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        shop.world.shopify.adjust(sku, drift)
        await shop.passes(3)
        assert shop.world.shopify.available(sku) == 20
        assert (await shop.work.ledger.changes_of(sku))[0].verdict == Verdict.CORRECT


@pytest.mark.parametrize("drift", [11, -11], ids=["added by hand", "taken off by hand"])
async def test_eleven_unexplained_units_wait_for_a_person_while_the_till_still_lowers(
    tmp_path: Path, drift: int
) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku, store = shop.world.goods[0].sku, shop.world.shopify
        store.adjust(sku, drift)
        await shop.passes(4)
        assert store.available(sku) == 20 + drift
        assert (await shop.work.ledger.standing()).quarantined_skus == 1
        shop.world.lightspeed.sell(sku, 2)
        await shop.passes(1)
        assert store.available(sku) == 18 + drift
        shop.world.lightspeed.receive(sku, 5)
        await shop.passes(3)
        assert store.available(sku) == 18 + drift
        assert (await shop.work.ledger.standing()).quarantined_skus == 1


# --- writes that Shopify will not have, or answers that never come ---


async def test_a_bundles_parent_is_parked_and_the_rest_of_the_call_is_written(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        skus = [good.sku for good in shop.world.goods]
        shop.world.shopify.bundle(skus[2])
        for sku in skus:
            shop.world.lightspeed.sell(sku, 1)
        reply = await shop.sync()
        assert reply.outcome is RunOutcome.OK
        assert shop.apart() == {skus[2]: (20, 19)}
        assert (await shop.work.ledger.standing()).parked_skus == 1
        tried = shop.world.shopify.request_log["inventorySetQuantities"]
        await shop.passes(2)
        assert shop.world.shopify.request_log["inventorySetQuantities"] == tried


@pytest.mark.parametrize("names_row", [True, False], ids=["the row is named", "no row is named"])
async def test_a_stale_compare_is_read_again_and_decided_anew(tmp_path: Path, names_row: bool) -> None:
    async with live_shop(few(), tmp_path) as shop:
        store, skus = shop.world.shopify, [good.sku for good in shop.world.goods]
        store.stale_names_row = names_row
        for sku in skus[:3]:
            shop.world.lightspeed.sell(sku, 4)
        ask = shop.work.engine.storefront.set_available
        bought: list[str] = []

        async def buy_first(*args: object) -> object:
            if not bought:
                bought.append(store.place_order({skus[0]: 2}))
            return await ask(*args)  # type: ignore[arg-type]

        shop.work.engine.storefront.set_available = buy_first  # type: ignore[method-assign, assignment]
        reply = await shop.sync()
        assert bought
        assert reply.numbers["stale"] >= 1
        assert [store.available(sku) for sku in skus[:3]] == [14, 16, 16]
        assert shop.apart() == {}


@pytest.mark.parametrize("direction", [-4, 4], ids=["a sale", "a delivery"])
@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.GATEWAY_TIMEOUT, FaultKind.RESET_BEFORE])
async def test_a_write_whose_answer_is_lost_is_not_repeated_blindly_and_converges(
    tmp_path: Path, direction: int, kind: FaultKind
) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku, store = shop.world.goods[0].sku, shop.world.shopify
        shop.world.lightspeed.count(sku, 20 + direction)
        shop.world.faults.add("shopify", "inventorySetQuantities", Fault(kind, times=0))
        await shop.sync()
        shop.world.faults.clear()
        store.place_order({sku: 1})
        await shop.passes(4)
        assert store.available(sku) == 19 + direction
        assert len(store.writes) == 1
        standing = await shop.work.ledger.standing()
        assert (standing.unanswered_writes, standing.unequal_skus) == (0, 0)


# --- reads that fail ---


@pytest.mark.parametrize("feed", READ_AS, ids=lambda feed: feed.value)
@pytest.mark.parametrize(
    "kind", [FaultKind.THROTTLED, FaultKind.BAD_GATEWAY, FaultKind.HTML, FaultKind.TRUNCATED, FaultKind.EMPTY]
)
async def test_a_reading_that_fails_fails_the_pass_and_the_next_one_recovers(
    tmp_path: Path, feed: Feed, kind: FaultKind
) -> None:
    async with live_shop(few(), tmp_path) as shop:
        service = "lightspeed" if feed is Feed.STOCK else "shopify"
        sku = shop.world.goods[0].sku
        marks = {each: await shop.work.ledger.watermark(each) for each in READ_AS}
        shop.world.lightspeed.sell(sku, 3)
        shop.world.shopify.place_order({sku: 1})
        shop.world.faults.add(service, READ_AS[feed], Fault(kind, times=0))
        reply = await shop.sync()
        assert reply.outcome is RunOutcome.FAILED
        assert reply.code is not None
        assert reply.code.startswith("LS" if feed is Feed.STOCK else "SH")
        assert await shop.work.ledger.watermark(feed) == marks[feed]
        assert shop.world.shopify.writes == []
        shop.world.faults.clear()
        await shop.passes(1)
        assert shop.world.shopify.available(sku) == 16
        assert shop.apart() == {}


# --- brakes ---


async def test_till_sales_that_lightspeed_left_out_of_its_feed_twice_are_found_within_minutes(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        for good in shop.world.goods[:4]:
            shop.world.lightspeed.sell(good.sku, 1)
        left_out = Fault(FaultKind.SHORT_PAGE, times=0)
        shop.world.faults.add("lightspeed", READ_AS[Feed.STOCK], left_out)
        await shop.passes(2)
        shop.world.faults.clear("lightspeed")
        assert not shop.in_step()
        await shop.passes(4)
        assert shop.in_step()


async def test_a_pass_that_would_empty_more_than_a_tenth_of_the_shop_waits_for_a_confirmed_plan(tmp_path: Path) -> None:
    async with live_shop(few(180, stock=5), tmp_path) as shop:
        emptied = [good.sku for good in shop.world.goods[:21]]
        for sku in emptied:
            shop.world.lightspeed.count(sku, 0)
        reply = await shop.sync()
        assert (reply.outcome, reply.code) == (RunOutcome.BRAKED, "BR001")
        assert shop.world.shopify.writes == []
        assert reply.plan is not None
        assert (await shop.sync()).outcome is RunOutcome.BRAKED
        done = await shop.sync(SyncOrder(plan=reply.plan))
        assert done.outcome is RunOutcome.OK
        assert shop.apart() == {}
        assert len(shop.world.shopify.writes) == 21


async def test_nineteen_emptied_goods_trip_no_brake(tmp_path: Path) -> None:
    async with live_shop(few(180, stock=5), tmp_path) as shop:
        for good in shop.world.goods[:19]:
            shop.world.lightspeed.count(good.sku, 0)
        assert (await shop.sync()).outcome is RunOutcome.OK
        assert shop.apart() == {}


async def test_a_pause_stops_writing_says_so_and_loses_nothing(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        await shop.work.actions.pause(PauseKind.WRITES, "stock-take")
        shop.world.lightspeed.sell(sku, 3)
        reply = await shop.sync()
        assert (reply.outcome, reply.code, reply.detail) == (RunOutcome.BRAKED, "BR004", "Their reason: stock-take.")
        await shop.passes(2)
        assert shop.world.shopify.writes == []
        assert await shop.work.actions.resume(PauseKind.WRITES) == 1
        await shop.passes(1)
        assert shop.apart() == {}


# --- the process dies ---


def _an_hour_of_trade(world: World, turn: int) -> None:
    """Move four goods: a sale, a delivery, an order, and an order beside a delivery."""
    skus = [good.sku for good in world.goods]
    world.lightspeed.sell(skus[0], 1)
    world.lightspeed.receive(skus[1], 2)
    world.shopify.place_order({skus[2]: 1})
    world.shopify.place_order({skus[3]: 1})
    world.lightspeed.receive(skus[3], 1 + turn % 2)


async def _recovers(shop: Shop) -> None:
    for _ in range(6):
        await shop.passes(1)
        if shop.in_step():
            break
    assert shop.apart() == {}
    await shop.passes(2)
    standing = await shop.work.ledger.standing()
    assert (standing.unanswered_writes, standing.quarantined_skus, standing.unequal_skus) == (0, 0, 0)


@pytest.mark.parametrize("rows", [250, 1], ids=["one stock call", "several at once"])
@pytest.mark.parametrize(
    "stride",
    [pytest.param(5, id="every fifth moment"), pytest.param(1, id="every moment", marks=pytest.mark.slow)],
)
async def test_a_pass_that_dies_at_any_moment_loses_no_change_and_inflates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, stride: int
) -> None:
    monkeypatch.setattr(stock_writes, "ROWS_PER_CALL", rows)
    clock = ManualClock(START)
    world = World(few(6, stock=400), clock=clock)
    async with open_shop(world, clock, tmp_path) as shop:
        await go_live(shop)
        clock.advance(600)
        await shop.sync()
    for turn, moment in enumerate(range(1, 100, stride), start=1):
        clock.advance(600)
        _an_hour_of_trade(world, turn)
        fuse = Fuse(moment)
        async with open_shop(world, clock, tmp_path) as shop:
            report = await crash(shop, fuse)
            shop.no_raise_above_truth()
        async with open_shop(world, clock, tmp_path) as shop:
            await _recovers(shop)
            expected = (400 - turn, 400 + 2 * turn, 400 - turn)
            assert tuple(world.sellable(good.sku) for good in world.goods[:3]) == expected
        if not fuse.blown:
            assert report is not None
            break
    assert moment > 30
    assert not fuse.blown


async def test_a_watermark_follows_what_is_read_and_stands_while_there_is_nothing(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        ledger = shop.work.ledger
        await shop.passes(20)
        stood = [await ledger.watermark(Feed.LEVELS)]
        for _ in range(20):
            await shop.passes(1)
            if (now := await ledger.watermark(Feed.LEVELS)) != stood[-1]:
                stood.append(now)
        moments = [moment for moment in stood if moment is not None]
        assert 2 <= len(moments) <= 4, "a reading of nothing writes nothing, but for each ten minutes"
        shop.world.shopify.adjust(shop.world.goods[0].sku, 1)
        await shop.passes(1)
        assert (await ledger.watermark(Feed.LEVELS) or START) > moments[-1]
