"""A confirmed plan is carried out exactly as it was reviewed, row by row; what has moved is named, not written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.asked import SyncOrder, SyncReply
from sandbox.clock import ManualClock
from sandbox.goods import Good
from sandbox.world import World
from sync import stock_writes
from sync.costs import least_cost
from sync.errors import Permanent
from sync.halting import Halt
from sync.pacing import Bucket
from sync.plan import from_json
from sync.priority import Rank, rank
from sync.records import RunOutcome
from sync.reviewing import Left, Review
from sync.stock_sync import PassRequest
from tests.sync.shop import FULL, INCREMENTAL, START, Fuse, Shop, count_calls, crash, few, live_shop, open_shop

pytestmark = pytest.mark.anyio


async def planned(shop: Shop, order: SyncOrder = INCREMENTAL) -> SyncOrder:
    """Make a plan and return the order that confirms it."""
    made = await shop.sync(order.model_copy(update={"dry_run": True}))
    assert made.plan is not None, made
    return order.model_copy(update={"plan": made.plan})


def rows(reply: SyncReply) -> dict[str, Left]:
    return {row.sku: row.why for row in reply.left}


def sell(shop: Shop, skus: Sequence[str], units: int = 1) -> None:
    for sku in skus:
        shop.world.lightspeed.sell(sku, units)


@pytest.mark.parametrize("full", [False, True], ids=["incremental", "full"])
async def test_exactly_the_rows_of_the_plan_are_written(tmp_path: Path, full: bool) -> None:
    async with live_shop(few(), tmp_path) as shop:
        skus = [good.sku for good in shop.world.goods]
        sell(shop, skus[:2])
        order = await planned(shop, SyncOrder(full=full))
        sell(shop, skus[2:3])
        reply = await shop.sync(order)
        assert (reply.outcome, reply.left) == (RunOutcome.OK, ())
        assert [write.sku for write in shop.world.shopify.writes] == skus[:2]
        assert shop.apart() == {skus[2]: (20, 19)}
        await shop.passes(1)
        assert shop.apart() == {}


@pytest.mark.parametrize("full", [False, True], ids=["incremental", "full"])
async def test_rows_whose_world_has_moved_are_named_and_left_to_the_next_pass(tmp_path: Path, full: bool) -> None:
    async with live_shop(few(), tmp_path) as shop:
        store, skus = shop.world.shopify, [good.sku for good in shop.world.goods]
        sell(shop, skus[:5])
        order = await planned(shop, SyncOrder(full=full))
        store.place_order({skus[0]: 2})
        store.adjust(skus[1], 3)
        shop.world.lightspeed.sell(skus[2], 4)
        shop.world.lightspeed.receive(skus[3], 1)
        reply = await shop.sync(order)
        assert rows(reply) == {
            skus[0]: Left.SHOPIFY,
            skus[1]: Left.SHOPIFY,
            skus[2]: Left.TARGET,
            skus[3]: Left.TARGET,
        }
        assert [(row.before, row.after, row.available, row.would_be) for row in reply.left] == [
            (20, 19, 18, 17),
            (20, 19, 23, 19),
            (20, 19, 20, 15),
            (20, 19, 20, 20),
        ]
        assert reply.numbers["moved"] == 4
        assert [(write.sku, write.after) for write in store.writes] == [(skus[4], 19)]
        await shop.passes(4)
        assert shop.apart() == {}


async def test_a_plan_that_is_confirmed_twice_finds_its_rows_done(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sell(shop, [good.sku for good in shop.world.goods])
        order = await planned(shop)
        await shop.sync(order)
        again = await shop.sync(order)
        assert (again.outcome, again.left, again.numbers["already"]) == (RunOutcome.OK, (), 8)
        assert len(shop.world.shopify.writes) == 8


async def test_a_row_that_a_pass_has_written_meanwhile_is_done(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sell(shop, [shop.world.goods[0].sku])
        order = await planned(shop)
        await shop.sync()
        reply = await shop.sync(order)
        assert (reply.left, reply.numbers["already"]) == ((), 1)


async def test_a_plan_takes_no_number_for_a_link_that_waits_for_a_person(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        shop.world.shopify.adjust(sku, 30)
        await shop.passes(3)
        shop.world.lightspeed.sell(sku, 2)
        order = await planned(shop)
        assert [(change.before, change.after) for change in from_json(order.plan or "").changes] == [(50, 48)]
        reply = await shop.sync(order)
        assert reply.left == ()
        assert shop.world.shopify.available(sku) == 48
        assert (await shop.work.ledger.standing()).quarantined_skus == 1


async def test_first_numbers_that_a_person_has_reviewed_are_taken_though_a_pass_came_between(tmp_path: Path) -> None:
    goods = [replace(good, online_stock=60) for good in few()]
    clock = ManualClock(START)
    world = World(goods, clock=clock)
    async with open_shop(world, clock, tmp_path) as shop:
        clock.advance(600)
        order = await planned(shop, FULL)
        clock.advance(600)
        await shop.sync(FULL)
        assert world.shopify.writes == []
        reply = await shop.sync(order)
        assert reply.left == ()
        assert shop.apart() == {}


async def test_a_row_that_is_linked_no_more_is_named(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        skus = [good.sku for good in shop.world.goods]
        sell(shop, skus[:2])
        order = await planned(shop, FULL)
        shop.world.lightspeed.archive(skus[0])
        reply = await shop.sync(order)
        assert rows(reply) == {skus[0]: Left.UNLINKED}
        assert [write.sku for write in shop.world.shopify.writes] == [skus[1]]


async def test_rows_that_shopify_refuses_are_named_with_their_code(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        skus = [good.sku for good in shop.world.goods]
        shop.world.shopify.bundle(skus[1])
        sell(shop, skus[:3])
        reply = await shop.sync(await planned(shop))
        assert [(row.sku, row.why, row.detail) for row in reply.left] == [(skus[1], Left.PARKED, "SH012")]
        assert shop.apart() == {skus[1]: (20, 19)}


# --- a person stops it ---


def stopping_after(shop: Shop, calls: int, halt: Halt) -> None:
    """Let a person stop the pass once so many stock calls were answered."""
    write = shop.work.engine.storefront.set_available
    made = 0

    async def counted(*args: object) -> object:
        nonlocal made
        answer = await write(*args)  # type: ignore[arg-type]
        made += 1
        if made == calls:
            halt.ask()
        return answer

    shop.work.engine.storefront.set_available = counted  # type: ignore[method-assign, assignment]


async def test_a_pass_that_is_stopped_ends_between_two_calls_and_the_same_plan_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_writes, "ROWS_PER_CALL", 1)
    monkeypatch.setattr(stock_writes, "LANES", 1)
    async with live_shop(few(), tmp_path) as shop:
        skus = [good.sku for good in shop.world.goods]
        sell(shop, skus)
        order, halt = await planned(shop), Halt()
        stopping_after(shop, 3, halt)
        reply = await shop.work.actions.sync(order, halt)
        assert reply.outcome is RunOutcome.INTERRUPTED
        assert (reply.numbers["applied"], set(rows(reply).values())) == (3, {Left.STOPPED})
        assert [row.sku for row in reply.left] == skus[3:]
        assert (await shop.work.ledger.standing()).unanswered_writes == 0
        rest = await shop.sync(order)
        assert (rest.outcome, rest.left) == (RunOutcome.OK, ())
        assert (rest.numbers["already"], rest.numbers["applied"]) == (3, 5)
        assert shop.apart() == {}


@pytest.mark.parametrize("full", [False, True], ids=["incremental", "full"])
async def test_a_pass_that_is_stopped_while_it_reads_has_written_nothing(tmp_path: Path, full: bool) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sell(shop, [good.sku for good in shop.world.goods])
        order, halt = await planned(shop, SyncOrder(full=full)), Halt()
        halt.ask()
        reply = await shop.work.actions.sync(order, halt)
        assert (reply.outcome, len(reply.left)) == (RunOutcome.INTERRUPTED, 8)
        assert shop.world.shopify.writes == []
        assert (await shop.sync(order)).left == ()
        assert shop.apart() == {}


@pytest.mark.parametrize(
    "stride",
    [pytest.param(7, id="every seventh moment"), pytest.param(1, id="every moment", marks=pytest.mark.slow)],
)
async def test_a_confirmed_plan_whose_process_dies_at_any_moment_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    monkeypatch.setattr(stock_writes, "ROWS_PER_CALL", 2)
    clock = ManualClock(START)
    world = World(few(6, stock=400), clock=clock)
    async with open_shop(world, clock, tmp_path) as shop:
        clock.advance(600)
        await shop.sync(await planned(shop, FULL))
    for turn, moment in enumerate(range(1, 200, stride), start=1):
        clock.advance(600)
        fuse = Fuse(moment)
        async with open_shop(world, clock, tmp_path) as shop:
            sell(shop, [good.sku for good in world.goods])
            order = await planned(shop)
            review = Review(from_json(order.plan or "").changes)
            await crash(shop, fuse, PassRequest(review=review, only=review.links))
        clock.advance(120)
        async with open_shop(world, clock, tmp_path) as shop:
            reply = await shop.sync(order)
            assert reply.left == ()
            assert {good.sku: world.shopify.available(good.sku) for good in world.goods} == {
                good.sku: 400 - turn for good in world.goods
            }
        if not fuse.blown:
            break
    assert moment > 30
    assert not fuse.blown


# --- which goods ---


def named(titles: Sequence[str]) -> list[Good]:
    goods = zip(few(len(titles)), titles, strict=True)
    return [
        replace(good, title=title, handle=title.lower(), options=(), category="Goods", tags=()) for good, title in goods
    ]


async def test_goods_are_chosen_by_words_beside_those_named_by_sku(tmp_path: Path) -> None:
    goods = named(["Kava Shot", "Kratom Powder", "THC Beverage Lime", "Beverages: Cola", "Crème Brûlée"])
    async with live_shop(goods, tmp_path) as shop:
        skus = [good.sku for good in shop.world.goods]
        sell(shop, skus)
        order = await planned(shop, SyncOrder(products=("thc-beverages", "KAVA"), skus=(skus[4],)))
        assert from_json(order.plan or "").filters == {
            "full": False,
            "skus": [skus[4]],
            "products": ["KAVA", "thc-beverages"],
        }
        reply = await shop.sync(order)
        assert reply.left == ()
        assert sorted(write.sku for write in shop.world.shopify.writes) == sorted([skus[0], skus[2], skus[4]])


async def test_goods_are_chosen_by_category_and_tags_once_those_were_read(tmp_path: Path) -> None:
    drink, shirt = named(["Lime", "Plain"])
    goods = [replace(drink, category="Drinks/THC Beverages", tags=("vegan",)), replace(shirt, category="Clothes")]
    async with live_shop(goods, tmp_path) as shop:
        skus = [good.sku for good in shop.world.goods]
        await shop.sync(SyncOrder(full=True, dry_run=True))
        sell(shop, skus)
        for words, chosen in (("thc-beverages", skus[0]), ("vegan", skus[0]), ("clothes", skus[1])):
            order = await planned(shop, SyncOrder(products=(words,)))
            assert [change.sku for change in from_json(order.plan or "").changes] == [chosen]


async def test_words_that_name_no_goods_are_told_with_the_nearest_known_ones(tmp_path: Path) -> None:
    async with live_shop(named(["Kava Shot", "Kratom Powder"]), tmp_path) as shop:
        with pytest.raises(Permanent, match=r"^CF006 .* Not found: 'kavva' \(perhaps kava\)\.$"):
            await shop.sync(SyncOrder(dry_run=True, products=("kratom", "kavva")))


# --- what comes first ---


@pytest.mark.parametrize("days", [1, 40], ids=["just live: orders are read", "long live: orders are known"])
async def test_what_sells_and_is_nearly_sold_out_is_written_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    monkeypatch.setattr(stock_writes, "ROWS_PER_CALL", 1)
    monkeypatch.setattr(stock_writes, "LANES", 1)
    stocks = (50, 4, 50, 50, 9)
    goods = [replace(good, stock=stock) for good, stock in zip(few(5), stocks, strict=True)]
    async with live_shop(goods, tmp_path) as shop:
        skus = [good.sku for good in goods]
        await shop.passes(2 * days, every=43_200.0)
        shop.world.shopify.place_order({skus[2]: 3, skus[3]: 6, skus[4]: 3})
        await shop.passes(2)
        sell(shop, skus)
        order = await planned(shop, SyncOrder(priority=True))
        assert order.priority
        writes = len(shop.world.shopify.writes)
        assert (await shop.sync(order)).left == ()
        first = [write.sku for write in shop.world.shopify.writes[writes:]]
        assert first == [skus[4], skus[3], skus[2], skus[1], skus[0]]


@pytest.mark.parametrize(
    ("sold", "left", "expected"),
    [
        pytest.param(1, 5, Rank.SELLING_OUT, id="few left"),
        pytest.param(30, 7, Rank.SELLING_OUT, id="lasts a week"),
        pytest.param(30, 8, Rank.SELLING, id="lasts longer"),
        pytest.param(0, 5, Rank.LOW, id="few left, not sold"),
        pytest.param(0, 6, Rank.REST, id="neither"),
    ],
)
def test_goods_matter_by_what_sells_and_what_is_left(sold: int, left: int, expected: Rank) -> None:
    assert rank(sold, left) is expected


# --- what it costs ---


@pytest.mark.parametrize(
    ("count", "full", "more"),
    [
        pytest.param(3, False, (0, 0), id="three rows"),
        # one more look whether the export is finished
        pytest.param(8, True, (1, 1), id="eight rows, both shops whole"),
        pytest.param(300, True, (1, 1), id="300 rows in two calls, both shops whole"),
    ],
)
async def test_a_plan_tells_what_carrying_it_out_costs_at_the_least(
    tmp_path: Path, count: int, full: bool, more: tuple[int, int]
) -> None:
    async with live_shop(few(count), tmp_path) as shop:
        for good in shop.world.goods:
            shop.world.shopify.adjust(good.sku, -2)
        shop.clock.advance(600)
        order = await planned(shop, SyncOrder(full=full))
        cost = from_json(order.plan or "").cost
        shop.clock.advance(600)
        before = _spent(shop)
        assert (await shop.sync(order)).numbers["applied"] == count
        calls, units, points = (now - then for now, then in zip(_spent(shop), before, strict=True))
        assert (cost.calls, cost.shopify_points) == (calls - more[0], points - more[1])
        assert cost.lightspeed_units == pytest.approx(units)


def _spent(shop: Shop) -> tuple[int, float, int]:
    return count_calls(shop.world), shop.world.lightspeed.limiter.spent, shop.world.shopify.points


@pytest.mark.parametrize(
    ("items", "rows", "seconds"),
    [
        pytest.param(None, 250, 0.0, id="what changed"),
        pytest.param(10_000, 0, 53.4, id="10,000 items: Lightspeed's quota"),
        pytest.param(100, 20_000, 16.2, id="20,000 rows: Shopify's"),
    ],
)
def test_a_plan_tells_for_how_long_the_quota_makes_it_wait(items: int | None, rows: int, seconds: float) -> None:
    buckets = {"lightspeed": Bucket(90, 1.0), "shopify": Bucket(2_000, 100.0)}
    assert least_cost(items, rows, (), buckets).seconds == seconds
    assert least_cost(items, rows, (), {}).seconds == 0.0
