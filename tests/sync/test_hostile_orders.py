"""People, clocks and servers that get in the way of an order: nothing is booked twice, nothing is promised twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from monitor.asked import SyncOrder
from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind
from sandbox.lightspeed import sales as till
from sandbox.lightspeed.books import Books
from sandbox.lightspeed.rows import Sale
from sandbox.world import World
from sync.errors import Code, SyncError
from sync.lightspeed.sales import LightspeedTill
from sync.order_records import OrderState
from sync.records import PauseKind
from sync.storage.order_tables import orders
from tests.sync.shop import FULL, INCREMENTAL, START, Killer, OneClock, Shop, open_shop
from tests.sync.test_posting import COMPLETE, OPEN, beat, beats, goods, state_of, trading

pytestmark = pytest.mark.anyio


async def go(shop: Shop, count: int = 4, seconds: float = 60.0) -> None:
    """Beat without asking after every pass whether the store could cover it: the test says so itself."""
    for _ in range(count):
        shop.clock.advance(seconds)
        await shop.work.actions.sync(INCREMENTAL)
        await shop.poster.work()


async def code_of(shop: Shop, name: str = "#1001") -> tuple[OrderState, Code | None]:
    (entry,) = [entry for entry in await shop.work.engine.bookings.orders() if entry.name == name]
    return entry.state, entry.code


async def test_units_added_to_an_order_from_before_going_live_are_not_put_on_sale_again(tmp_path: Path) -> None:
    clock = ManualClock(START)
    world = World(goods(), clock=clock)
    sku = world.goods[0].sku
    order = world.shopify.place_order({sku: 1})
    world.lightspeed.sell(sku, 1)
    clock.advance(600)
    async with open_shop(world, clock, tmp_path) as shop:
        await shop.work.actions.sync(FULL)
        await go(shop, 2, 600)
        world.shopify.edit(order, sku, 5)
        await go(shop)
        assert world.shopify.available(sku) == world.lightspeed.qoh(sku) - 5
        assert await code_of(shop) == (OrderState.PARKED, Code.OR014)
        rung_up = world.lightspeed.sell(sku, 5)
        await shop.work.engine.desk.close("1001", rung_up, "sam")
        await go(shop)
        assert world.shopify.available(sku) == world.lightspeed.qoh(sku)
        assert world.shopify.writes == []


async def test_units_added_to_a_closed_order_are_not_in_the_sale_that_was_named(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        world, sku = shop.world, shop.world.goods[0].sku
        await shop.work.actions.pause(PauseKind.ORDERS, "stock-taking")
        order = world.shopify.place_order({sku: 1})
        await go(shop, 2)
        await shop.work.engine.desk.close("1001", world.lightspeed.sell(sku, 1), "sam")
        await shop.work.actions.resume(PauseKind.ORDERS)
        world.shopify.edit(order, sku, 5)
        await go(shop)
        assert world.shopify.available(sku) == world.lightspeed.qoh(sku) - 5
        assert await code_of(shop) == (OrderState.PARKED, Code.OR014)


@pytest.mark.parametrize("whose", ["another order's", "one of ours"])
async def test_a_sale_that_is_counted_already_closes_no_other_order(whose: str, tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        world, sku, desk = shop.world, shop.world.goods[0].sku, shop.work.engine.desk
        world.shopify.place_order({sku: 2})
        await go(shop, 2)
        await shop.work.actions.pause(PauseKind.ORDERS, "stock-taking")
        world.shopify.place_order({sku: 2})
        world.shopify.place_order({sku: 2})
        await go(shop, 2)
        sale_id = str(world.lightspeed.online_sales()[0].sale_id)
        if whose == "another order's":
            sale_id = world.lightspeed.sell(sku, 2)
            await desk.close("1002", sale_id, "sam")
        with pytest.raises(SyncError, match="counted for"):
            await desk.close("1003", sale_id, "sam")


async def draft(shop: Shop) -> tuple[Sale, Books]:
    """Let an order of two stand as an open sale at the till: its completion is refused as one call too many."""
    shop.world.faults.add("lightspeed", COMPLETE, Fault(FaultKind.THROTTLED, times=6))
    shop.world.shopify.place_order({shop.world.goods[0].sku: 2}, shipping=Decimal(5))
    await beat(shop, seconds=10)
    books = shop.world.lightspeed.books
    return next(sale for sale in books.sales if sale.reference_number == "SH-1001-1"), books


def complete_by_hand(sale: Sale, books: Books) -> None:
    till.recalculate(books, sale)
    body = {"SalePayments": {"SalePayment": {"amount": str(sale.calc_total), "paymentTypeID": 1}}, "completed": True}
    till.update(books, sale, body)


@pytest.mark.parametrize("changed", ["units", "price"])
async def test_a_draft_that_a_cashier_changed_and_completed_is_told_of_and_never_taken_for_ours(
    changed: str, tmp_path: Path
) -> None:
    async with trading(tmp_path) as shop:
        sale, books = await draft(shop)
        line = books.sale_lines[sale.line_ids[0]]
        if changed == "units":
            line.quantity, line.unit_price = 1, line.unit_price * 2
        else:
            line.unit_price -= 5
        complete_by_hand(sale, books)
        await go(shop, 6)
        assert await code_of(shop) == (OrderState.PARKED, Code.OR008)
        sku = shop.world.goods[0].sku
        assert shop.world.shopify.available(sku) <= shop.world.sellable(sku)
        assert len(shop.world.lightspeed.online_sales()) == 1


async def test_a_clock_that_was_days_ahead_for_a_minute_holds_no_order_for_days(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        clock = shop.work.clock
        assert isinstance(clock, OneClock)
        clock.ahead = timedelta(days=3)
        shop.world.shopify.place_order({shop.world.goods[0].sku: 2})
        shop.world.faults.add("lightspeed", OPEN, Fault(FaultKind.BAD_GATEWAY))
        await beat(shop)
        clock.ahead = timedelta()
        await shop.work.engine.desk.retry(["1001"], "sam")
        await beats(shop, 8)
        assert len(shop.world.lightspeed.online_sales()) == 1


@pytest.mark.parametrize("first", ["01", "30"], ids=["the older is booked second", "placed in the same second"])
async def test_two_orders_with_one_number_become_two_sales(first: str, tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        world = shop.world
        world.shopify.place_order({world.goods[0].sku: 2})
        if first == "01":
            await beats(shop, 2)
        await shop.work.actions.pause(PauseKind.ORDERS, "so that both wait")
        world.shopify.place_order({world.goods[1].sku: 3})
        await shop.sync()
        moment = START + timedelta(minutes=20, seconds=int(first))
        change = sa.update(orders).values(number="1001", created_at=moment)
        change = change.where(orders.c.number == "1002") if first == "01" else change
        await shop.work.database.write(lambda c: c.execute(change))
        await shop.work.actions.resume(PauseKind.ORDERS)
        await beats(shop, 2)
        assert len({sale.reference_number for sale in world.lightspeed.online_sales()}) == 2


class Liar(Killer):
    """Answers the request for a new sale with an old one of a stranger's."""

    def __init__(self, sale_id: str) -> None:
        super().__init__(0, "at arrival", host="nowhere")
        self._sale_id = sale_id

    async def pass_on(self, inner: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith("/Sale.json"):
            path = request.url.path.replace("/Sale.json", f"/Sale/{self._sale_id}.json")
            url = request.url.copy_with(path=path, query=b"load_relations=%5B%22SaleLines%22%5D")
            request = httpx.Request("GET", url, headers={"Authorization": request.headers["Authorization"]})
        return await inner.handle_async_request(request)


async def test_a_strangers_sale_in_answer_to_ours_is_never_taken_for_it(tmp_path: Path) -> None:
    clock = ManualClock(START)
    world = World(goods(), clock=clock)
    stranger = world.lightspeed.sell(world.goods[2].sku, 7)
    async with open_shop(world, clock, tmp_path, killer=Liar(stranger)) as shop:
        await shop.work.actions.sync(FULL)
        clock.advance(1200)
        world.shopify.place_order({world.goods[0].sku: 2})
        await go(shop)
        assert (await code_of(shop))[0] is OrderState.UNKNOWN
    async with open_shop(world, clock, tmp_path) as shop:
        await go(shop, 6)
        assert await state_of(shop, "#1001") is OrderState.POSTED
        assert world.unbooked() == {}


@pytest.mark.parametrize("wrong", ["employee_id", "payment_type_id"])
async def test_a_setting_that_lightspeed_does_not_know_holds_all_orders_and_blames_none(
    wrong: str, tmp_path: Path
) -> None:
    async with trading(tmp_path) as shop:
        ours = shop.poster._till
        assert isinstance(ours, LightspeedTill)
        right = ours._settings
        ours._settings = replace(right, **{wrong: "424242"})
        for _ in range(3):
            shop.world.shopify.place_order({shop.world.goods[0].sku: 1})
        await go(shop, 4)
        states = {entry.state for entry in await shop.work.engine.bookings.orders()}
        assert states <= {OrderState.SEEN, OrderState.VALID, OrderState.INTENT}
        ours._settings = right
        await go(shop, 20)
        assert shop.world.unbooked() == {}
        assert len(shop.world.lightspeed.online_sales()) == 3


async def test_the_shop_goes_live_by_the_pass_that_is_confirmed_not_by_the_plan(tmp_path: Path) -> None:
    clock = ManualClock(START)
    world = World(goods(), clock=clock)
    sku = world.goods[0].sku
    async with open_shop(world, clock, tmp_path) as shop:
        plan = await shop.work.actions.sync(SyncOrder(full=True, dry_run=True))
        clock.advance(86_400)
        world.shopify.place_order({sku: 1})
        world.lightspeed.sell(sku, 1)  # nothing is live yet: somebody rings it up by hand
        clock.advance(600)
        await shop.work.actions.sync(SyncOrder(full=True, plan=plan.plan))
        clock.advance(600)
        world.shopify.place_order({sku: 2})
        await go(shop)
        assert [sale.reference_number for sale in world.lightspeed.online_sales()] == ["SH-1002-1"]
        assert world.shopify.available(sku) == world.lightspeed.qoh(sku)
