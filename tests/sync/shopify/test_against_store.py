"""The client against the pretend store, in process: what it reads is what happened there, faults included."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.goods import Good
from sandbox.shopify.app import shopify_app
from sandbox.shopify.cost import STANDARD, Plan
from sandbox.shopify.state import ShopifyStore
from sandbox.transport import InProcessTransport
from sync.errors import Code, OutcomeUnknown, Permanent, SyncError, Transient
from sync.http import HttpEdge
from sync.model import LevelRow, OrderLine, OrderRow, RowProblem, StockChange, VariantRow
from sync.shopify.auth import ClientCredentials, StaticToken, TokenSource
from sync.shopify.client import ShopifyStorefront
from tests.sync.shopify.support import ELSEWHERE, HERE, Basket, Meter

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BASE = "http://shopify.test"
RUN = "gid://lightspeed-sync/Run/1"


class SharedClock:
    """The product's clock over the store's, slow by `lag`: sleeping moves both."""

    def __init__(self, manual: ManualClock) -> None:
        self.manual = manual
        self.lag = timedelta(0)

    def now(self) -> datetime:
        return self.manual.now() - self.lag

    def monotonic(self) -> float:
        return (self.manual.now() - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        await self.manual.sleep(max(0.0, seconds))


@dataclass
class Store:
    """A pretend store, and our client of it."""

    store: ShopifyStore
    faults: Faults
    manual: ManualClock
    clock: SharedClock
    edge: HttpEdge
    meter: Meter
    shop: ShopifyStorefront

    def asked(self) -> Counter[str]:
        return Counter(name for name, _ in self.meter.attempts)

    def fault(self, operation: str, kind: FaultKind, times: int = 1, seconds: float = 0.0, code: str = "") -> None:
        self.faults.add("shopify", operation, Fault(kind, times, seconds, code))

    def item(self, sku: str) -> str:
        return self.store.item(sku).id

    def change(self, sku: str, after: int, before: int | None = None) -> StockChange:
        was = self.store.available(sku) if before is None else before
        return StockChange(seq=1, link_id=1, inventory_item_id=self.item(sku), before=was, after=after)

    async def order(self, gid: str) -> OrderRow:
        return (await self.shop.orders_of([gid]))[gid]

    async def line(self, gid: str) -> OrderLine:
        return (await self.order(gid)).lines[0]


def goods(count: int) -> list[Good]:
    return [Good(sku=f"SKU-{n:05}", title=f"Good {n}", handle=f"good-{n}", stock=20) for n in range(1, count + 1)]


def client(edge: HttpEdge, clock: SharedClock, tokens: TokenSource, version: str = "2026-10") -> ShopifyStorefront:
    return ShopifyStorefront(
        base_url=BASE,
        shop_domain="wtfswag.myshopify.com",
        location_id=HERE,
        tokens=tokens,
        edge=edge,
        clock=clock,
        meter=Meter(),
        rng=random.Random(1),
        api_version=version,
    )


async def opened(count: int, plan: Plan = STANDARD, **more: Any) -> AsyncIterator[Store]:
    manual, faults, meter, rng = ManualClock(START), Faults(), Meter(), random.Random(3)
    store = ShopifyStore(goods(count), clock=manual, seed=1, plan=plan, **more)
    clock = SharedClock(manual)
    transport = InProcessTransport(shopify_app(store, faults), clock=manual)
    async with HttpEdge(api="shopify", clock=clock, meter=meter, rng=rng, transport=transport) as edge:
        shop = client(edge, clock, StaticToken("shpat_sandbox"))
        yield Store(store, faults, manual, clock, edge, meter, shop)


@pytest.fixture
async def small() -> AsyncIterator[Store]:
    async for one in opened(12):
        yield one


@pytest.fixture
async def large() -> AsyncIterator[Store]:
    async for one in opened(1300):
        yield one


SKU = "SKU-00001"
PRICE = 999  # cents


# --- reads


async def test_an_idle_pass_is_one_call_each(small: Store) -> None:
    await small.shop.check()
    small.meter.attempts.clear()
    await small.shop.read_levels(START, Basket[LevelRow]())
    await small.shop.read_orders(START, Basket[OrderRow]())
    assert small.meter.attempts == [("LevelsChanged", None), ("OrdersChanged", None)]


async def test_the_full_read_is_every_variant_with_its_level(large: Store) -> None:
    basket = Basket[VariantRow]()
    certificate = await large.shop.read_everything(basket)
    assert [len(rows) for rows in basket.pages] == [500, 500, 300]
    assert certificate.rows == 1300
    levels = {row.sku: row.level.available for row in basket.rows if row.level is not None}
    assert levels == {f"SKU-{n:05}": 20 for n in range(1, 1301)}
    assert large.store.token_leaks == 0
    assert large.asked()["BulkStart"] == 1


async def test_the_feed_and_the_point_read_agree_on_what_changed(large: Store) -> None:
    large.manual.advance(60)
    for n in range(1, 601):
        large.store.adjust(f"SKU-{n:05}", -1)
    basket = Basket[LevelRow]()
    certificate = await large.shop.read_levels(START + timedelta(seconds=30), basket)
    assert [len(rows) for rows in basket.pages] == [250, 250, 100]
    assert certificate.newest == START + timedelta(seconds=60)
    assert {row.available for row in basket.rows} == {19}
    found = await large.shop.levels_of([row.inventory_item_id for row in basket.rows])
    assert found == {row.inventory_item_id: row for row in basket.rows}
    assert large.asked() == Counter({"LevelsChanged": 3, "LevelsOfItems": 3})


async def test_two_hundred_and_fifty_rows_read_again_cost_36_points_or_less(large: Store) -> None:
    items = [large.item(f"SKU-{n:05}") for n in range(1, 251)]
    before = large.store.points
    await large.shop.levels_of(items)
    assert large.store.points - before <= 36


async def test_calls_never_run_into_the_limit_and_leave_nothing_of_it_unused() -> None:
    async for poor in opened(250, Plan(maximum_available=100, restore_rate=10)):
        items = [poor.item(f"SKU-{n:05}") for n in range(1, 251)]
        for _ in range(12):
            await poor.shop.levels_of(items)
        assert poor.store.throttled == 0
        assert poor.store.points == 12 * 35
        least = (12 * 35 - 100) / 10
        assert least <= poor.clock.monotonic() <= least * 1.05


async def test_variants_that_changed_come_without_levels(small: Store) -> None:
    small.manual.advance(60)
    small.store.rename_sku(SKU, "NEW-SKU")
    small.manual.advance(60)
    basket = Basket[VariantRow]()
    certificate = await small.shop.read_variants(START + timedelta(seconds=30), basket)
    assert [(row.sku, row.level) for row in basket.rows] == [("NEW-SKU", None)]
    assert certificate.newest == START + timedelta(seconds=120), "it reaches to the server's own time"


async def test_with_a_slow_clock_of_ours_no_variant_is_passed_over(small: Store) -> None:
    small.manual.advance(3600)
    small.clock.lag = timedelta(minutes=20)
    certificate = await small.shop.read_variants(START + timedelta(seconds=30), Basket[VariantRow]())
    assert certificate.newest == START + timedelta(minutes=40), "what was asked for ended there"


async def test_a_check_finds_nothing_wrong(small: Store) -> None:
    assert [one for one in await small.shop.check() if not one.ok] == []


# --- orders


async def test_the_life_of_an_order_line(small: Store) -> None:
    gid = small.store.place_order({SKU: 5})
    assert await small.line(gid) == OrderLine(
        line_id=small.store.order(gid).lines[0].id,
        inventory_item_id=small.item(SKU),
        sku=SKU,
        placed=5,
        open=5,
        quantity=5,
        cents=5 * PRICE,
        taxed=True,
    )
    steps: list[tuple[int, int, list[int]]] = []
    acts: list[Callable[[], object]] = [
        lambda: small.store.edit(gid, SKU, 2),
        lambda: small.store.edit(gid, SKU, -1, restock=True),
        lambda: small.store.edit(gid, SKU, -1, restock=False),
        lambda: small.store.fulfil(gid, {SKU: 2}),
        lambda: small.store.refund(gid, {SKU: 1}, "RETURN"),
        lambda: small.store.refund(gid, {SKU: 1}, "CANCEL"),
        lambda: small.store.refund(gid, {SKU: 1}, "NO_RESTOCK"),
    ]
    for act in acts:
        act()
        line = await small.line(gid)
        steps.append((line.placed, line.open, [one.units for one in line.restocks]))
    assert steps == [
        (7, 7, []),
        (7, 6, [1]),
        (7, 5, [1]),
        (7, 3, [1]),
        (7, 3, [1, 1]),
        (7, 2, [1, 1, 1]),
        (7, 1, [1, 1, 1]),
    ]


@pytest.mark.parametrize("seed", range(8))
async def test_after_any_trade_the_lines_add_up_to_what_the_store_knows(small: Store, seed: int) -> None:
    """Sums of taken and open per item, at our location, equal the store's own; open is what it holds committed."""
    dice = random.Random(seed)
    skus = [f"SKU-{n:05}" for n in range(1, 5)]
    orders = [
        small.store.place_order(
            {sku: dice.randint(1, 2) for sku in dice.sample(skus, 2)}, oversell=True, location=where
        )
        for where in dice.choices([HERE, HERE, ELSEWHERE], k=12)
    ]
    for gid in dice.choices(orders, k=40):
        _trade(small.store, gid, dice)
    rows = await small.shop.orders_of(orders)
    lines = [line for row in rows.values() for line in row.lines]
    for sku in skus:
        truth = small.store.truth(sku, HERE)
        ours = [line for line in lines if line.inventory_item_id == small.item(sku)]
        taken = sum(line.placed - sum(one.units for one in line.restocks) for line in ours)
        assert (taken, sum(line.open for line in ours)) == (truth.taken, truth.open)
        assert truth.open == truth.committed


def _trade(store: ShopifyStore, gid: str, dice: random.Random) -> None:
    """Do one thing to an order, if it can be done."""
    line = dice.choice(store.order(gid).lines)
    sku = line.variant.item.sku
    acts: list[Callable[[], object]] = [
        lambda: store.fulfil(gid, {sku: 1}),
        lambda: store.edit(gid, sku, 1, oversell=True),
        lambda: store.edit(gid, sku, -1, restock=dice.random() < 0.5),
        lambda: store.refund(gid, {sku: 1}, dice.choice(["CANCEL", "RETURN", "NO_RESTOCK"])),
        lambda: store.cancel(gid, restock=dice.random() < 0.5) if dice.random() < 0.3 else None,
    ]
    act = dice.choice(acts)
    try:
        act()
    except ValueError:
        return


async def test_restocked_elsewhere_is_not_restocked_here(small: Store) -> None:
    gid = small.store.place_order({SKU: 2})
    small.store.refund(gid, {SKU: 1}, "CANCEL", location=ELSEWHERE)
    line = await small.line(gid)
    assert (line.placed, line.open, line.restocks) == (2, 1, ())


async def test_changed_orders_come_oldest_change_first_with_all_their_lines(small: Store) -> None:
    first = small.store.place_order({f"SKU-{n:05}": 1 for n in range(1, 13)})
    small.manual.advance(10)
    second = small.store.place_order({SKU: 1}, test=True)
    small.manual.advance(10)
    small.store.cancel(first)
    basket = Basket[OrderRow]()
    certificate = await small.shop.read_orders(START, basket)
    assert [(row.order_id, row.test, len(row.lines)) for row in basket.rows] == [(second, True, 1), (first, False, 12)]
    assert certificate.newest == START + timedelta(seconds=20)


async def test_at_first_sight_only_orders_with_units_to_send_are_read(small: Store) -> None:
    open_, half, done, gone = (small.store.place_order({SKU: 2}) for _ in range(4))
    small.store.fulfil(half, {SKU: 1})
    small.store.fulfil(done)
    small.store.cancel(gone)
    basket = Basket[OrderRow]()
    await small.shop.read_orders(None, basket)
    assert {row.order_id for row in basket.rows} == {open_, half}


async def test_many_orders_are_walked_in_pages(small: Store) -> None:
    placed = [small.store.place_order({SKU: 1}, oversell=True) for _ in range(60)]
    basket = Basket[OrderRow]()
    certificate = await small.shop.read_orders(START, basket)
    assert [len(rows) for rows in basket.pages] == [25, 25, 10]
    assert {row.order_id for row in basket.rows} == set(placed)
    assert certificate.pages == 3


# --- writes


async def test_a_write_sets_available_and_leaves_the_rest(small: Store) -> None:
    small.store.place_order({SKU: 3})
    result = await small.shop.set_available("key-1", RUN, [small.change(SKU, 9)])
    assert result.applied
    assert (small.store.available(SKU), small.store.committed(SKU)) == (9, 3)


async def test_a_value_already_there_is_success(small: Store) -> None:
    assert (await small.shop.set_available("key-1", RUN, [small.change(SKU, 20)])).applied


async def test_one_bad_row_refuses_the_call_and_is_named(small: Store) -> None:
    small.store.bundle("SKU-00002")
    changes = [small.change(SKU, 5), small.change("SKU-00002", 5), small.change("SKU-00003", 5, before=99)]
    result = await small.shop.set_available("key-1", RUN, changes)
    assert not result.applied
    found = {(one.inventory_item_id, one.problem) for one in result.refusals}
    assert (small.item("SKU-00002"), RowProblem.PARKED) in found
    assert small.store.available(SKU) == 20


async def test_a_stale_row_is_told(small: Store) -> None:
    result = await small.shop.set_available("key-1", RUN, [small.change(SKU, 5, before=19)])
    assert [one.problem for one in result.refusals] == [RowProblem.STALE]
    assert small.store.available(SKU) == 20


LOST = [
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_AFTER,
    FaultKind.GATEWAY_TIMEOUT,
    FaultKind.BAD_GATEWAY,
    FaultKind.TRUNCATED,
    FaultKind.HTML,
    FaultKind.EMPTY,
    FaultKind.SERVER_ERROR,
    FaultKind.THROTTLED,
]


@pytest.mark.parametrize("kind", LOST)
async def test_whatever_meets_a_write_it_has_its_effect_once(small: Store, kind: FaultKind) -> None:
    small.fault("inventorySetQuantities", kind)
    assert (await small.shop.set_available("key-1", RUN, [small.change(SKU, 7)])).applied
    assert small.store.available(SKU) == 7
    assert len(small.store.writes) == 1


async def test_a_write_that_is_lost_again_and_again_is_unknown(small: Store) -> None:
    small.fault("inventorySetQuantities", FaultKind.RESET_AFTER, times=0)
    with pytest.raises(OutcomeUnknown):
        await small.shop.set_available("key-1", RUN, [small.change(SKU, 7)])
    assert len(small.store.writes) == 1


async def test_a_write_that_lands_late_is_not_done_twice(small: Store) -> None:
    small.fault("inventorySetQuantities", FaultKind.LATE, seconds=5)
    assert (await small.shop.set_available("key-1", RUN, [small.change(SKU, 7)])).applied
    await small.manual.sleep(60)
    assert small.store.available(SKU) == 7
    assert len(small.store.writes) == 1


# --- reads and faults


@pytest.mark.parametrize("kind", [*LOST, FaultKind.SHORT_PAGE])
async def test_whatever_meets_a_page_every_row_arrives_once(large: Store, kind: FaultKind) -> None:
    for n in range(1, 601):
        large.store.adjust(f"SKU-{n:05}", -1)
    large.fault("location", kind)
    basket = Basket[LevelRow]()
    certificate = await large.shop.read_levels(START, basket)
    assert certificate.rows == 600
    assert len({row.inventory_item_id for row in basket.rows}) == 600


async def read_level_feed(one: Store) -> object:
    return await one.shop.read_levels(START, Basket[LevelRow]())


async def read_order_feed(one: Store) -> object:
    return await one.shop.read_orders(START, Basket[OrderRow]())


async def read_two_levels(one: Store) -> object:
    return await one.shop.levels_of([one.item(SKU), one.item("SKU-00002")])


SHORT = {"location": read_level_feed, "orders": read_order_feed, "nodes": read_two_levels}


@pytest.mark.parametrize(("operation", "read"), SHORT.items(), ids=SHORT.keys())
async def test_a_page_that_stays_short_gives_no_certificate(
    small: Store, operation: str, read: Callable[[Store], Awaitable[object]]
) -> None:
    small.store.place_order({SKU: 1})
    small.fault(operation, FaultKind.SHORT_PAGE, times=0)
    with pytest.raises(Transient) as caught:
        await read(small)
    assert caught.value.code is Code.SH013


@pytest.mark.parametrize("kind", [FaultKind.RESET_BEFORE, FaultKind.TRUNCATED, FaultKind.SHORT_PAGE, FaultKind.HTML])
async def test_whatever_meets_the_exports_file_it_is_fetched_whole(large: Store, kind: FaultKind) -> None:
    large.fault("bulk.file", kind)
    basket = Basket[VariantRow]()
    certificate = await large.shop.read_everything(basket)
    assert certificate.rows == len(basket.rows) == 1300


async def test_an_export_that_fails_delivers_nothing(small: Store) -> None:
    small.store.bulk.fail_next()
    basket = Basket[VariantRow]()
    with pytest.raises(Transient) as caught:
        await small.shop.read_everything(basket)
    assert caught.value.code is Code.SH015
    assert basket.pages == []


async def test_a_rejected_static_token_is_permanent(small: Store) -> None:
    small.fault("location", FaultKind.UNAUTHORIZED)
    with pytest.raises(Permanent) as caught:
        await small.shop.read_levels(START, Basket[LevelRow]())
    assert caught.value.code is Code.SH005


async def test_a_granted_token_survives_a_rejection_mid_walk(large: Store) -> None:
    tokens = ClientCredentials(
        base_url=BASE, client_id="sandbox-app", client_secret="sandbox-app-secret", edge=large.edge, clock=large.clock
    )
    shop = client(large.edge, large.clock, tokens)
    for n in range(1, 301):
        large.store.adjust(f"SKU-{n:05}", -1)
    large.fault("location", FaultKind.UNAUTHORIZED)
    assert (await shop.read_levels(START, Basket[LevelRow]())).rows == 300
    assert large.asked()["oauth.token"] == 2


async def test_an_old_version_is_answered_by_another_and_nothing_is_written(small: Store) -> None:
    old = client(small.edge, small.clock, StaticToken("shpat_sandbox"), "2024-04")
    with pytest.raises(Permanent):
        await old.levels_of([small.item(SKU)])
    with pytest.raises(SyncError) as caught:
        await old.set_available("key-1", RUN, [small.change(SKU, 7)])
    assert caught.value.code is Code.SH010
    assert len(small.store.writes) == 0


async def test_orders_are_found_by_name_by_number_and_by_the_id_that_thank_you_pages_know(small: Store) -> None:
    one, other = (small.store.place_order({SKU: 1}) for _ in range(2))
    number = other.rpartition("/")[2]

    assert await small.shop.orders_named(["#1001"], START) == [one]
    assert await small.shop.orders_named(["1001"], START) == [one]
    assert await small.shop.orders_named([number], START) == [other]
    assert await small.shop.orders_named(["100", number[:-1], '" OR status:any OR name:"'], START) == []
    third = small.store.place_order({SKU: 1}, cart_token="Z2NwLXVzLWNlbnRyYWwx")
    assert await small.shop.orders_named(["Z2NwLXVzLWNlbnRyYWwx"], START) == [third]
    assert await small.shop.orders_named(["Z2NwLXVzLWNlbnRyYWw*"], START) == []
    assert await small.shop.orders_named(["1001", "1002"], small.clock.now() + timedelta(seconds=1)) == []
