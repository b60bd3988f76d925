"""Orders become Lightspeed sales: the real engine over both pretend shops, whatever is lost or cut on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.catalogue import generate
from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind
from sandbox.goods import Good
from sandbox.world import World
from sync.booking_ports import Bookings
from sync.errors import Code
from sync.order_records import OrderState
from sync.records import PauseKind, RunOutcome
from tests.sync.shop import FULL, INCREMENTAL, START, Killed, Killer, Shop, go_live, open_shop

pytestmark = pytest.mark.anyio

OPEN, COMPLETE, FIND = "POST Sale", "PUT Sale", "GET Sale"


def goods(count: int = 6, stock: int = 900) -> list[Good]:
    return [replace(good, stock=stock, online_stock=None) for good in generate(count, 1, odd=False)]


@asynccontextmanager
async def trading(tmp_path: Path) -> AsyncIterator[Shop]:
    """Open a shop that has been live for a while, with orders of before out of the way."""
    clock = ManualClock(START)
    world = World(goods(), clock=clock)
    async with open_shop(world, clock, tmp_path) as shop:
        await go_live(shop)
        clock.advance(600)
        await shop.sync()
        clock.advance(600)
        assert world.shopify.writes == []
        yield shop


async def beat(shop: Shop, *, seconds: float = 60.0) -> None:
    """Let time pass, then do what the daemon does at each beat."""
    shop.clock.advance(seconds)
    await shop.sync()
    await shop.poster.work()


async def beats(shop: Shop, count: int, *, seconds: float = 60.0) -> None:
    for _ in range(count):
        await beat(shop, seconds=seconds)


def proved(shop: Shop) -> None:
    """Fail unless every order's money and goods are in the till exactly once, and no stock was written for it."""
    world = shop.world
    assert world.unbooked() == {}
    references = [sale.reference_number for sale in world.lightspeed.online_sales()]
    assert len(references) == len(set(references))
    assert shop.apart() == {}
    assert world.shopify.writes == []


async def state_of(shop: Shop, name: str) -> OrderState:
    (entry,) = [entry for entry in await shop.work.engine.bookings.orders() if entry.name == name]
    return entry.state


# --- the ordinary life of an order ---


async def test_an_order_becomes_one_completed_sale_to_the_cent_at_the_price_of_three_calls(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        sku = shop.world.goods[0].sku
        spent = shop.world.lightspeed.limiter.spent
        polled = shop.world.requests["lightspeed"].total()
        shop.world.shopify.place_order({sku: 2}, shipping=Decimal("5.99"), discount=Decimal("1.01"))
        before = shop.world.lightspeed.qoh(sku)
        await beat(shop)
        (sale,) = shop.world.lightspeed.online_sales()
        assert sale.reference_number == "SH-1001-1"
        assert sale.balance == 0
        assert shop.world.lightspeed.qoh(sku) == before - 2
        assert await state_of(shop, "#1001") is OrderState.POSTED
        assert shop.world.requests["lightspeed"].total() - polled == 1 + 3  # one poll, one order
        assert shop.world.lightspeed.limiter.spent - spent <= 1 + 11
        await beats(shop, 3)
        proved(shop)


LIVES: Mapping[str, Callable[[World, str, str], object]] = {
    "fulfilled": lambda world, order, sku: world.shopify.fulfil(order),
    "cancelled with restock": lambda world, order, sku: world.shopify.cancel(order, restock=True),
    "cancelled without restock": lambda world, order, sku: world.shopify.cancel(order, restock=False),
    "one unit refunded unsent": lambda world, order, sku: world.shopify.refund(order, {sku: 1}, "CANCEL"),
    "one unit refunded and lost": lambda world, order, sku: world.shopify.refund(order, {sku: 1}, "NO_RESTOCK"),
    "edited up": lambda world, order, sku: world.shopify.edit(order, sku, 2),
    "edited down with restock": lambda world, order, sku: world.shopify.edit(order, sku, -1),
    "edited down without restock": lambda world, order, sku: world.shopify.edit(order, sku, -1, restock=False),
    "sent and returned": lambda world, order, sku: (
        world.shopify.fulfil(order),
        world.shopify.refund(order, {sku: 2}, "RETURN"),
    ),
    "money given back": lambda world, order, sku: world.shopify.refund_money(order, Decimal("1.50")),
    "shipping given back": lambda world, order, sku: world.shopify.refund_money(order, Decimal("5.00"), shipping=True),
}


@pytest.mark.parametrize("booked_first", [True, False], ids=["after it was booked", "before it was booked"])
@pytest.mark.parametrize("life", list(LIVES))
async def test_whatever_becomes_of_an_order_the_till_follows_without_a_stock_write(
    life: str, booked_first: bool, tmp_path: Path
) -> None:
    async with trading(tmp_path) as shop:
        sku = shop.world.goods[1].sku
        order = shop.world.shopify.place_order({sku: 3, shop.world.goods[2].sku: 1}, shipping=Decimal(5))
        if booked_first:
            await beats(shop, 2)
            assert len(shop.world.lightspeed.online_sales()) == 1
        LIVES[life](shop.world, order, sku)
        await beats(shop, 4)
        proved(shop)
        assert await state_of(shop, "#1001") in (OrderState.POSTED, OrderState.CANCELLED)


async def test_a_free_order_a_gift_card_and_a_tip_are_booked_to_the_cent(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        world, skus = shop.world, [good.sku for good in shop.world.goods]
        world.shopify.gift_card(skus[3])
        world.shopify.place_order({skus[0]: 1}, discount=Decimal(world.shopify.item(skus[0]).variant.price_cents) / 100)
        world.shopify.place_order({skus[1]: 1, skus[3]: 1}, tip_cents=321)
        await beats(shop, 3)
        assert world.unbooked() == {}
        assert len(world.lightspeed.online_sales()) == 2


async def test_test_orders_and_orders_from_before_going_live_are_never_booked(tmp_path: Path) -> None:
    clock = ManualClock(START)
    world = World(goods(), clock=clock)
    world.shopify.place_order({world.goods[0].sku: 1})
    clock.advance(600)
    world.lightspeed.sell(world.goods[0].sku, 1)  # somebody rang it up by hand, as was done until now
    async with open_shop(world, clock, tmp_path) as shop:
        await shop.work.actions.sync(FULL)
        clock.advance(600)
        world.shopify.place_order({world.goods[0].sku: 1}, test=True)
        for _ in range(3):
            clock.advance(60)
            await shop.work.actions.sync(INCREMENTAL)
            await shop.poster.work()
        assert world.lightspeed.online_sales() == []
        assert world.shopify.writes == []
        assert {await state_of(shop, "#1001"), await state_of(shop, "#1002")} == {OrderState.EXEMPT}


# --- what is lost on the way ---

TROUBLES: Mapping[str, tuple[str, Fault]] = {
    "opening: lost before": (OPEN, Fault(FaultKind.RESET_BEFORE)),
    "opening: applied and cut": (OPEN, Fault(FaultKind.RESET_AFTER)),
    "opening: applied and 504": (OPEN, Fault(FaultKind.GATEWAY_TIMEOUT)),
    "opening: 502, not applied": (OPEN, Fault(FaultKind.BAD_GATEWAY)),
    "opening: applied a minute later": (OPEN, Fault(FaultKind.LATE, seconds=60)),
    "opening: refused as too many": (OPEN, Fault(FaultKind.THROTTLED)),
    "opening: a web page": (OPEN, Fault(FaultKind.HTML)),
    "opening: half an answer": (OPEN, Fault(FaultKind.TRUNCATED)),
    "opening: token expired": (OPEN, Fault(FaultKind.UNAUTHORIZED)),
    "completing: lost before": (COMPLETE, Fault(FaultKind.RESET_BEFORE)),
    "completing: applied and cut": (COMPLETE, Fault(FaultKind.RESET_AFTER)),
    "completing: applied and 504": (COMPLETE, Fault(FaultKind.GATEWAY_TIMEOUT)),
    "completing: applied a minute later": (COMPLETE, Fault(FaultKind.LATE, seconds=60)),
    "completing: refused as too many": (COMPLETE, Fault(FaultKind.THROTTLED)),
    "completing: half an answer": (COMPLETE, Fault(FaultKind.TRUNCATED)),
    "searching: no answer for long": (FIND, Fault(FaultKind.SERVER_ERROR, times=6)),
}


@pytest.mark.parametrize("trouble", list(TROUBLES))
async def test_a_request_that_fails_in_any_way_leaves_exactly_one_sale(trouble: str, tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        sku = shop.world.goods[0].sku
        shop.world.shopify.place_order({sku: 2}, shipping=Decimal(5))
        operation, fault = TROUBLES[trouble]
        shop.world.faults.add("lightspeed", operation, fault)
        await beats(shop, 8)
        assert [sale.reference_number for sale in shop.world.lightspeed.online_sales()] == ["SH-1001-1"]
        assert shop.world.unbooked() == {}
        proved(shop)
        assert await state_of(shop, "#1001") is OrderState.POSTED
        assert (await shop.work.engine.bookings.order_standing()).unbooked == 0


async def test_a_late_completion_stays_in_doubt_even_when_the_next_request_is_surely_refused(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        shop.world.shopify.place_order({shop.world.goods[0].sku: 2})
        shop.world.faults.add("lightspeed", COMPLETE, Fault(FaultKind.LATE, seconds=130))
        shop.world.faults.add("lightspeed", COMPLETE, Fault(FaultKind.THROTTLED, times=6))
        await beats(shop, 8, seconds=20)
        proved(shop)
        assert len(shop.world.lightspeed.online_sales()) == 1


@pytest.mark.parametrize("orders", [60, pytest.param(300, marks=pytest.mark.slow)])
async def test_orders_through_six_kinds_of_weather_become_as_many_sales(tmp_path: Path, orders: int) -> None:
    weather = (
        None,
        Fault(FaultKind.RESET_BEFORE),
        Fault(FaultKind.RESET_AFTER),
        Fault(FaultKind.GATEWAY_TIMEOUT),
        Fault(FaultKind.LATE, seconds=45),
    )
    async with trading(tmp_path) as shop:
        world = shop.world
        for place in range(orders):
            kind = place % 6
            world.lightspeed.find_sales_after(2.0 if kind == 5 else 0.0)
            if kind < 5 and (fault := weather[kind]) is not None:
                world.faults.add("lightspeed", OPEN, fault)
            elif kind == 5:
                world.faults.add("lightspeed", OPEN, Fault(FaultKind.RESET_AFTER))
            world.shopify.place_order({world.goods[place % 6].sku: 1 + place % 3}, shipping=place % 2 * Decimal("5.99"))
            await beat(shop, seconds=15)
        await beats(shop, 12)
        sales = world.lightspeed.online_sales()
        assert len(sales) == orders
        assert len({sale.reference_number for sale in sales}) == orders
        assert world.unbooked() == {}
        proved(shop)


# --- people and poison ---


async def test_an_order_whose_total_lightspeed_computes_otherwise_is_parked_with_the_difference(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        world, poster = shop.world, shop.poster
        policy = poster._policy
        poster._policy = replace(policy, items=replace(policy.items, tax=""))
        world.shopify.place_order({world.goods[0].sku: 1})
        await beats(shop, 2)
        assert world.unbooked() == {}

        world.lightspeed.books.tax_rates = (Decimal("0.05"), Decimal(0))
        world.shopify.place_order({world.goods[0].sku: 1})
        await beats(shop, 2)
        entry = next(entry for entry in await shop.work.engine.bookings.orders() if entry.name == "#1002")
        assert (entry.state, entry.code) == (OrderState.PARKED, Code.OR004)
        assert "a difference of" in entry.detail
        assert sorted(world.unbooked()) == ["1002"]
        (draft,) = [sale for sale in world.lightspeed.books.sales if sale.reference_number == "SH-1002-1"]
        assert draft.archived


async def test_an_order_with_goods_without_a_link_waits_and_goes_on_once_they_are_linked(tmp_path: Path) -> None:
    clock = ManualClock(START)
    world = World(goods(), clock=clock)
    world.shopify.rename_sku(world.goods[1].sku, "TYPED-WRONG")
    async with open_shop(world, clock, tmp_path) as shop:
        await go_live(shop)
        clock.advance(600)
        world.shopify.place_order({world.goods[0].sku: 1, "TYPED-WRONG": 2})
        await beats(shop, 2)
        (entry,) = await shop.work.engine.bookings.orders()
        assert (entry.state, entry.code) == (OrderState.PARKED, Code.OR003)
        assert "TYPED-WRONG" in entry.detail
        assert world.lightspeed.online_sales() == []

        world.shopify.rename_sku("TYPED-WRONG", world.goods[1].sku)
        clock.advance(600)
        await shop.work.engine.linking.refresh(run_id=0)
        await beats(shop, 2)
        assert world.unbooked() == {}


async def test_an_order_that_cannot_be_read_is_put_aside_and_the_others_are_booked(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        world, sku = shop.world, shop.world.goods[0].sku
        world.shopify.place_order({sku: 1})
        broken = world.shopify.order(world.shopify.place_order({sku: 1}))
        broken.lines[0].quantity = -1
        world.shopify.place_order({sku: 1})
        await beats(shop, 2)
        states = {entry.name: (entry.state, entry.code) for entry in await shop.work.engine.bookings.orders()}
        assert states == {
            "#1001": (OrderState.POSTED, None),
            "#1002": (OrderState.DEAD, Code.OR006),
            "#1003": (OrderState.POSTED, None),
        }
        assert [sale.reference_number for sale in world.lightspeed.online_sales()] == ["SH-1001-1", "SH-1003-1"]


async def test_a_second_sale_under_a_reference_is_told_of_and_never_voided(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        world = shop.world
        world.shopify.place_order({world.goods[0].sku: 1})
        world.faults.add("lightspeed", OPEN, Fault(FaultKind.LATE, seconds=400))  # longer than the quarantine
        await beats(shop, 5)
        assert len(world.lightspeed.online_sales()) == 1
        await beats(shop, 8, seconds=120)
        late = [sale for sale in world.lightspeed.books.sales if sale.reference_number and not sale.completed]
        assert [sale.archived for sale in late] == [True]
        assert len(world.lightspeed.online_sales()) == 1

        ours = world.lightspeed.online_sales()[0]
        copy = world.lightspeed.sell(world.goods[0].sku, 1)
        doubled = world.lightspeed.books.sales[int(copy)]
        doubled.reference_number, doubled.reference_number_source = ours.reference_number, ours.reference_number_source
        world.lightspeed.books.sales.changed(int(copy))
        await beats(shop, 3, seconds=3600)
        assert (await shop.work.engine.bookings.order_standing()).duplicates == 1
        assert len(world.lightspeed.online_sales()) == 2
        world.lightspeed.void(copy)
        await beats(shop, 2, seconds=3700)
        assert (await shop.work.engine.bookings.order_standing()).duplicates == 0


async def test_paused_orders_wait_and_go_on(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        shop.world.shopify.place_order({shop.world.goods[0].sku: 1})
        await shop.work.actions.pause(PauseKind.ORDERS, "stock-taking")
        await beats(shop, 3)
        assert shop.world.lightspeed.online_sales() == []
        assert (await shop.work.engine.bookings.order_standing()).unbooked == 1
        await shop.work.actions.resume(PauseKind.ORDERS)
        await beats(shop, 2)
        assert len(shop.world.lightspeed.online_sales()) == 1
        proved(shop)


# --- the process dies ---


@pytest.mark.parametrize("moment", Killer.MOMENTS)
@pytest.mark.parametrize("call", range(1, 5))
async def test_a_process_killed_at_any_call_of_an_orders_life_leaves_exactly_one_sale(
    call: int, moment: str, tmp_path: Path
) -> None:
    clock = ManualClock(START)
    world = World(goods(), clock=clock)
    async with open_shop(world, clock, tmp_path) as shop:
        await go_live(shop)
        clock.advance(1200)
        await shop.sync()
    world.shopify.place_order({world.goods[0].sku: 2}, shipping=Decimal(5))
    killer = Killer(call, moment, host=httpx.URL(world.settings()["LIGHTSPEED_API_URL"]).host)
    with pytest.raises(Killed):
        async with open_shop(world, clock, tmp_path, killer=killer) as shop:
            await beats(shop, 2)
    async with open_shop(world, clock, tmp_path) as shop:
        await beats(shop, 8)
        assert [sale.reference_number for sale in world.lightspeed.online_sales()] == ["SH-1001-1"]
        assert world.unbooked() == {}
        assert shop.apart() == {}


class Poisoned:
    """The books of orders, in which one order meets a mistake of ours."""

    def __init__(self, inner: Bookings, poison: str) -> None:
        self._inner = inner
        self._poison = poison

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def pending(self, order_id: str) -> Any:
        if order_id == self._poison:
            raise KeyError("a mistake of ours")
        return await self._inner.pending(order_id)


async def test_a_mistake_of_ours_at_one_order_stops_no_other_and_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with trading(tmp_path) as shop:
        sku = shop.world.goods[0].sku
        broken = shop.world.shopify.place_order({sku: 1})
        shop.world.shopify.place_order({sku: 1})
        bookings = shop.work.engine.bookings
        monkeypatch.setattr(shop.poster, "_bookings", Poisoned(bookings, broken))
        await beats(shop, 1)
        (run,) = await shop.work.engine.ledger.runs("orders", limit=1)
        assert (run.outcome, run.code, run.detail) == (RunOutcome.FAILED, Code.IN001, "KeyError")
        assert await state_of(shop, "#1001") is OrderState.DEAD
        assert await state_of(shop, "#1002") is OrderState.POSTED
