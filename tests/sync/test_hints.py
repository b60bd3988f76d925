"""What visitors tell makes us look, once for all of them, and nothing of it is believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint

from sync.events import Event, RunWanted
from sync.hints import Checked, Hints, OrderHint
from sync.webhooks import Topic
from tests.sync.shop import Shop, few, live_shop
from tests.sync.storage.build import query

pytestmark = pytest.mark.anyio

PACE = timedelta(seconds=15)


@dataclass
class Counter:
    """A live shop, what its visitors tell, and the runs that were wanted."""

    shop: Shop
    hints: Hints
    wanted: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunWanted):
            self.wanted.append(event.job)

    def item(self, place: int = 0) -> str:
        return self.shop.world.shopify.item(self.sku(place)).id

    def sku(self, place: int = 0) -> str:
        return self.shop.world.goods[place].sku

    def buys(self, *places: int) -> OrderHint:
        """Place an order of a unit each; return what its shopper's browser tells of it."""
        bought = {self.sku(place): 1 for place in places or (0,)}
        order = self.shop.world.shopify.order(self.shop.world.shopify.place_order(bought))
        return OrderHint(order.name.removeprefix("#"), frozenset(map(self.item, places or (0,))))

    async def look(self) -> int:
        return await self.shop.work.engine.intake.run()

    async def kept(self) -> list[tuple[object, ...]]:
        return await query(self.shop.work.database, "SELECT topic, state FROM webhooks ORDER BY number")

    async def reported(self, hint: OrderHint) -> str | None:
        """Tell of an order while the daemon looks at hints and books orders, as it does beside the listener."""
        telling = asyncio.ensure_future(self.hints.order(hint))
        for _ in range(3):
            await checkpoint()
            await self.look()
            await self.shop.poster.work()
        return await telling


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with live_shop(few(), tmp_path) as shop:
        engine, events = shop.work.engine, shop.work.events
        hints = Hints(
            inbox=engine.inbox,
            bookings=engine.bookings,
            clock=shop.work.clock,
            tell=events,
            shop=shop.world.shopify.domain,
            pace=PACE,
            patience=timedelta(seconds=5),  # each look moves the time, however quick the booking is
        )
        events.join(hints)
        opened = Counter(shop, hints)
        events.join(opened)
        yield opened


# --- stock


async def test_many_callers_are_one_check(counter: Counter) -> None:
    answers = [await counter.hints.check() for _ in range(100)]
    assert answers == [Checked.QUEUED] * 100
    assert await counter.kept() == [("storefront/stock", "due")]
    assert counter.wanted == ["intake"]


async def test_a_check_is_an_ordinary_pass_and_what_was_queued_is_true_for_all(counter: Counter) -> None:
    shop = counter.shop
    for place in range(3):
        shop.world.lightspeed.sell(counter.sku(place), 3)
    assert {await counter.hints.check() for _ in range(3)} == {Checked.QUEUED}
    await counter.look()
    assert counter.wanted == ["intake", "stock"]
    await shop.sync()
    assert shop.in_step()


async def test_what_was_checked_a_moment_ago_is_not_checked_again(counter: Counter) -> None:
    await counter.shop.sync()
    assert await counter.hints.check() is Checked.SYNCED
    assert await counter.kept() == []
    counter.shop.clock.advance(PACE.total_seconds() + 1)
    assert await counter.hints.check() is Checked.QUEUED


# --- orders


async def test_a_reported_order_is_read_booked_and_told(counter: Counter) -> None:
    sale_id = await counter.reported(counter.buys())
    assert sale_id is not None
    (sale,) = counter.shop.world.lightspeed.online_sales()
    assert str(sale.sale_id) == sale_id


async def test_the_same_order_told_by_many_is_one_reading(counter: Counter) -> None:
    hint = counter.buys()
    before = counter.shop.world.shopify.request_log["nodes"]
    waiting = [asyncio.ensure_future(counter.hints.order(hint)) for _ in range(16)]
    for _ in range(3):
        await checkpoint()
    assert await counter.kept() == [("storefront/order", "due")]
    await counter.look()
    assert counter.shop.world.shopify.request_log["nodes"] - before == 1
    await asyncio.gather(*waiting)


async def test_an_order_with_other_goods_is_not_told_of(counter: Counter) -> None:
    hint = counter.buys(0)
    assert await counter.reported(OrderHint(hint.name, frozenset({counter.item(1)}))) is None
    assert await counter.reported(OrderHint(hint.name, frozenset())) is None


async def test_who_cannot_name_all_goods_of_an_order_learns_nothing_of_it(counter: Counter) -> None:
    hint = counter.buys(0, 1)
    assert await counter.reported(OrderHint(hint.name, frozenset({counter.item(0)}))) is None
    assert await counter.reported(OrderHint(hint.name, hint.inventory_item_ids | {counter.item(2)})) is None
    assert await counter.reported(hint) is not None


async def test_an_old_order_that_nobody_keeps_is_not_kept_because_a_visitor_names_it(counter: Counter) -> None:
    hint = counter.buys()
    counter.shop.clock.advance(3700)
    assert await counter.reported(hint) is None
    assert await counter.kept() == [("storefront/order", "unneeded")]
    assert await query(counter.shop.work.database, "SELECT COUNT(*) FROM orders") == [(0,)]


async def test_an_old_order_is_not_told_of(counter: Counter) -> None:
    hint = counter.buys()
    await counter.reported(hint)
    counter.shop.clock.advance(3700)
    assert await counter.reported(hint) is None


async def test_an_invented_order_costs_one_search_and_makes_nothing(counter: Counter) -> None:
    before = await query(counter.shop.work.database, "SELECT COUNT(*) FROM orders")
    name = '1001" OR name:"1002'
    assert await counter.reported(OrderHint(name, frozenset({counter.item()}))) is None
    assert await counter.kept() == [("storefront/order", "unneeded")]
    assert await query(counter.shop.work.database, "SELECT COUNT(*) FROM orders") == before


async def test_a_flood_of_invented_orders_is_not_kept(counter: Counter) -> None:
    for number in range(200):
        await counter.hints._ask_for(str(900_000 + number))
    assert len(await counter.kept()) == 30


async def test_only_some_visitors_wait(counter: Counter) -> None:
    hint = OrderHint("999999", frozenset({counter.item()}))
    waiting = [asyncio.ensure_future(counter.hints.order(hint)) for _ in range(16)]
    await checkpoint()
    began = counter.shop.work.clock.monotonic()
    assert await counter.hints.order(hint) is None
    assert counter.shop.work.clock.monotonic() == began
    await asyncio.gather(*waiting)


def test_a_hint_is_no_topic_that_is_subscribed_to() -> None:
    assert not [topic for topic in Topic if topic.value.startswith("storefront/")]
