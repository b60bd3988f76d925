"""Feeds that hold more than Shopify's paging shows: the time is cut into windows until each fits."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import ManualClock
from sandbox.faults import Faults
from sandbox.goods import Good
from sandbox.shopify.app import shopify_app
from sandbox.shopify.state import ShopifyStore
from sandbox.transport import InProcessTransport
from sync.errors import Code, Permanent
from sync.http import HttpEdge
from sync.model import LevelRow, OrderRow, VariantRow
from sync.shopify.api import Limits
from sync.shopify.auth import StaticToken
from sync.shopify.client import ShopifyStorefront
from tests.sync.shopify.support import HERE, Basket, Meter

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
REACH = 12
GOODS = 40
SKUS = [f"SKU-{n:05}" for n in range(GOODS)]


class StoresClock:
    """The store's clock as the product asks for it."""

    def __init__(self, manual: ManualClock) -> None:
        self.manual = manual

    def now(self) -> datetime:
        return self.manual.now()

    def monotonic(self) -> float:
        return (self.manual.now() - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        await self.manual.sleep(max(0.0, seconds))


class Small:
    """A pretend store whose paging ends after a dozen rows, and a client that knows it."""

    def __init__(self) -> None:
        goods = [Good(sku=sku, title=sku, handle=sku.lower(), stock=20) for sku in SKUS]
        self.manual = ManualClock(START)
        self.store = ShopifyStore(goods, clock=self.manual, seed=1)
        self.store.paging_reach = REACH
        self.meter = Meter()
        clock = StoresClock(self.manual)
        transport = InProcessTransport(shopify_app(self.store, Faults()), clock=self.manual)
        self.edge = HttpEdge(api="shopify", clock=clock, meter=self.meter, rng=random.Random(3), transport=transport)
        self.shop = ShopifyStorefront(
            base_url="http://shopify.test",
            shop_domain="wtfswag.myshopify.com",
            location_id=HERE,
            tokens=StaticToken("shpat_sandbox"),
            edge=self.edge,
            clock=clock,
            meter=self.meter,
            rng=random.Random(1),
            limits=Limits(longest_walk=REACH),
        )


@pytest.fixture
async def small() -> AsyncIterator[Small]:
    one = Small()
    async with one.edge:
        yield one


async def test_more_levels_than_paging_shows_are_read_window_by_window(small: Small) -> None:
    for sku in SKUS:
        small.manual.advance(7)
        small.store.adjust(sku, -1)
    basket = Basket[LevelRow]()
    certificate = await small.shop.read_levels(START, basket)
    assert {row.inventory_item_id for row in basket.rows} == {small.store.item(sku).id for sku in SKUS}
    assert certificate.newest == START + timedelta(seconds=7 * GOODS)
    assert certificate.rows >= GOODS


async def test_more_orders_than_paging_shows_are_read_window_by_window(small: Small) -> None:
    placed = set()
    for sku in SKUS:
        small.manual.advance(7)
        placed.add(small.store.place_order({sku: 1}))
    basket = Basket[OrderRow]()
    await small.shop.read_orders(START, basket)
    assert {row.order_id for row in basket.rows} == placed


async def test_more_variants_than_paging_shows_are_read_window_by_window(small: Small) -> None:
    for sku in SKUS:
        small.manual.advance(7)
        small.store.rename_sku(sku, f"NEW-{sku}")
    small.manual.advance(1)
    basket = Basket[VariantRow]()
    certificate = await small.shop.read_variants(START, basket)
    assert {row.sku for row in basket.rows} == {f"NEW-{sku}" for sku in SKUS}
    assert certificate.newest == START + timedelta(seconds=7 * GOODS + 1)


async def test_an_order_that_changes_while_the_windows_are_read_is_met_in_the_last(small: Small) -> None:
    placed = []
    for sku in SKUS:
        small.manual.advance(7)
        placed.append(small.store.place_order({sku: 1}))
    began = small.manual.now()
    seen: list[OrderRow] = []

    async def deliver(rows: Sequence[OrderRow]) -> None:
        if not seen:
            small.manual.advance(5)
            small.store.fulfil(placed[30])
        seen.extend(rows)

    certificate = await small.shop.read_orders(START, deliver)
    last = {row.order_id: row for row in seen}
    assert set(last) == set(placed)
    assert last[placed[30]].lines[0].open == 0
    assert certificate.newest == began, "what changes after the beginning is the next reading's"


Bulk = Callable[[Small], Awaitable[object]]


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda small: small.shop.read_levels(START, Basket[LevelRow]()), id="levels"),
        pytest.param(lambda small: small.shop.read_variants(START, Basket[VariantRow]()), id="variants"),
    ],
)
async def test_a_second_that_holds_too_much_is_said_with_its_own_code(small: Small, read: Bulk) -> None:
    small.manual.advance(600)
    for sku in SKUS:
        small.store.adjust(sku, -1)
        small.store.rename_sku(sku, f"NEW-{sku}")
    small.manual.advance(600)
    with pytest.raises(Permanent) as caught:
        await read(small)
    assert caught.value.code is Code.SH018


async def test_more_open_orders_than_paging_reaches_are_all_read(small: Small) -> None:
    orders = set()
    for sku in SKUS:
        small.manual.advance(3600)
        orders.add(small.store.place_order({sku: 1}))
    small.store.fulfil(closed := orders.pop())
    small.manual.advance(600)
    found = Basket[OrderRow]()
    certificate = await small.shop.read_orders(None, found)
    assert {row.order_id for row in found.rows} == orders
    assert closed not in {row.order_id for row in found.rows}
    assert certificate.rows >= len(orders)


async def test_after_a_full_reading_the_feed_goes_on_from_its_beginning(small: Small) -> None:
    small.manual.advance(600)
    for sku in SKUS:
        small.store.adjust(sku, -1)
    small.manual.advance(600)
    small.store.paging_reach = 25_000
    certificate = await small.shop.read_everything(Basket[VariantRow]())
    assert certificate.newest is not None
    assert certificate.newest >= START + timedelta(seconds=1200)
