"""What people do at the till to sales of ours: noticed by the next run of the job, never made again by itself."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.calls import CallCounter
from monitor.daemon import Passes
from sandbox.faults import Fault, FaultKind
from sync.errors import Code, Refused
from sync.events import Event, RunWanted
from sync.order_desk import Retried
from sync.order_records import DocumentState, OrderEntry, OrderState
from sync.records import Feed
from sync.sale_watch import SaleWatch
from tests.sync.shop import INCREMENTAL, Shop
from tests.sync.test_posting import beat, beats, proved, trading

pytestmark = pytest.mark.anyio

WHO = "anna"


def watch_of(shop: Shop) -> SaleWatch:
    assert shop.work.engine.sale_watch is not None
    return shop.work.engine.sale_watch


async def look(shop: Shop) -> Mapping[str, int]:
    """Run the job once."""
    return await watch_of(shop).run(0)


async def entry(shop: Shop, name: str = "#1001") -> OrderEntry:
    (found,) = [each for each in await shop.work.engine.bookings.orders() if each.name == name]
    return found


async def story(shop: Shop) -> list[str]:
    order_id = (await entry(shop)).order_id
    return [each.event for each in await shop.work.engine.bookings.order_events(order_id)]


async def booked(shop: Shop, units: int = 3) -> tuple[str, str, str]:
    """Let an order of one good be booked; return the good's SKU, the order's id in the world, and the sale's."""
    sku = shop.world.goods[0].sku
    order = shop.world.shopify.place_order({sku: units}, shipping=Decimal(5))
    await beats(shop, 2)
    assert await look(shop) == {}
    (sale,) = shop.world.lightspeed.online_sales()
    return sku, order, str(sale.sale_id)


async def void(shop: Shop, sale: str) -> None:
    """Void a sale at the till, and let that be noticed."""
    shop.world.lightspeed.void(sale)
    assert await look(shop) == {"voided": 1}


async def test_a_voided_sale_parks_its_order_and_raises_nothing(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        sku, _, sale = await booked(shop)
        shown = shop.world.shopify.available(sku)
        await void(shop, sale)
        order = await entry(shop)
        assert (order.state, order.code) == (OrderState.PARKED, Code.OR008)
        assert f"Sale {sale} (SH-1001-1) was voided" in order.detail
        assert "orders retry" in order.detail
        (document,) = await shop.work.engine.bookings.documents(order.order_id)
        assert document.state is DocumentState.VOIDED
        assert (await story(shop))[-2:] == ["voided", "parked"]
        await beats(shop, 4)  # nothing is booked by itself, and nothing is written
        assert shop.world.lightspeed.online_sales() == []
        assert shop.world.shopify.available(sku) == shown == shop.world.sellable(sku)
        assert shop.world.shopify.writes == []
        assert shop.apart() == {}


async def test_a_retry_books_the_order_anew_under_the_next_reference(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        sku, _, sale = await booked(shop)
        shelf = shop.world.lightspeed.qoh(sku)
        await void(shop, sale)
        (retried,) = await shop.work.engine.desk.retry(["1001"], WHO)
        assert retried.taken
        await beats(shop, 3)
        assert [each.reference_number for each in shop.world.lightspeed.online_sales()] == ["SH-1001-2"]
        assert shop.world.lightspeed.qoh(sku) == shelf
        assert (await entry(shop)).state is OrderState.POSTED
        assert await look(shop) == {}
        proved(shop)


async def test_a_voided_order_is_booked_again_only_where_it_is_named(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        _, _, sale = await booked(shop)
        await void(shop, sale)
        desk = shop.work.engine.desk
        assert await desk.retry([], WHO) == [Retried("#1001", OrderState.PARKED, undone=True)]
        await beats(shop, 3)
        assert shop.world.lightspeed.online_sales() == []
        assert (await entry(shop)).state is OrderState.PARKED
        assert [each.taken for each in await desk.retry(["1001"], WHO)] == [True]
        await beats(shop, 3)
        assert len(shop.world.lightspeed.online_sales()) == 1
        assert not (await entry(shop)).undone


async def test_what_else_becomes_of_the_order_books_nothing_until_a_person_says_so(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        sku, order, sale = await booked(shop)
        await void(shop, sale)
        shop.world.shopify.refund(order, {sku: 1}, "CANCEL")
        await beats(shop, 3)
        shop.world.shopify.fulfil(order)
        await beats(shop, 3)
        assert shop.world.lightspeed.online_sales() == []
        assert ((await entry(shop)).state, (await entry(shop)).code) == (OrderState.PARKED, Code.OR008)
        await shop.work.engine.desk.retry(["1001"], WHO)
        await beats(shop, 3)
        proved(shop)


async def test_another_sale_that_a_person_names_counts_in_its_place(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        sku, _, sale = await booked(shop)
        await void(shop, sale)
        by_hand = shop.world.lightspeed.sell(sku, 3)
        with pytest.raises(Refused) as refused:  # the shipping was not rung up
            await shop.work.engine.desk.close("1001", by_hand, WHO)
        assert refused.value.code is Code.OR015
        assert (await entry(shop)).state is OrderState.PARKED
        await shop.work.engine.desk.close("1001", by_hand, WHO, anyway=True)
        await beats(shop, 3)
        assert (await entry(shop)).state is OrderState.CLOSED
        # What the person knows and the world cannot: the three units that were rung up are the order's.
        assert shop.world.shopify.available(sku) == 900 - 3
        assert shop.world.shopify.writes == []


async def test_a_voided_reversal_counts_the_other_way(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        sku, order, _ = await booked(shop)
        shop.world.shopify.refund(order, {sku: 1}, "CANCEL")
        await beats(shop, 2)
        _, back = shop.world.lightspeed.online_sales()
        assert back.reference_number == "SH-1001-2"
        await void(shop, str(back.sale_id))
        await beats(shop, 3)
        assert shop.world.shopify.writes == []
        await shop.work.engine.desk.retry(["1001"], WHO)
        await beats(shop, 3)
        assert [each.reference_number for each in shop.world.lightspeed.online_sales()] == ["SH-1001-1", "SH-1001-3"]
        proved(shop)


async def test_a_pass_before_the_job_raises_too_much_and_the_pass_after_it_takes_that_back(tmp_path: Path) -> None:
    """The known window: until the job has run, a voided sale looks like a delivery."""
    async with trading(tmp_path) as shop:
        sku, _, sale = await booked(shop)
        right = shop.world.sellable(sku)
        shop.world.lightspeed.void(sale)
        for _ in range(2):
            shop.clock.advance(60)
            await shop.work.actions.sync(INCREMENTAL)
        assert shop.world.shopify.available(sku) == right + 3
        shop.seen_writes = len(shop.world.shopify.writes)

        told: list[Event] = []
        shop.work.events.join(told.append)
        await look(shop)
        assert RunWanted("stock") in told  # it is not waited for the next beat
        await beat(shop, seconds=1)
        assert shop.world.shopify.available(sku) == right == shop.world.sellable(sku)
        await beats(shop, 3)
        assert shop.apart() == {}


async def test_a_sale_that_comes_to_another_total_is_told_of_once_and_its_units_still_count(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        _, _, sale = await booked(shop)
        row = shop.world.lightspeed.books.sales[int(sale)]
        row.calc_total += Decimal("1.10")
        row.time_stamp = shop.clock.now()
        shop.world.lightspeed.books.sales.changed(int(sale))
        assert await look(shop) == {"changed": 1}
        order = await entry(shop)
        assert (order.state, order.code) == (OrderState.PARKED, Code.OR008)
        assert "comes to" in order.detail
        assert await look(shop) == {}  # read again within the overlap
        await shop.work.engine.desk.retry(["1001"], WHO)
        await beats(shop, 2)
        assert (await entry(shop)).state is OrderState.POSTED
        assert len(shop.world.lightspeed.online_sales()) == 1
        assert shop.world.shopify.writes == []


async def test_a_refund_at_the_till_is_an_ordinary_movement(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        sku, _, _ = await booked(shop)
        shop.world.lightspeed.refund(sku, 1)
        assert await look(shop) == {}
        await beats(shop, 3)
        assert (await entry(shop)).state is OrderState.POSTED
        assert shop.world.shopify.available(sku) == shop.world.sellable(sku)


async def test_a_reading_that_fails_moves_no_watermark_and_the_next_one_makes_up_for_it(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        _, _, sale = await booked(shop)
        passes = Passes(shop.work, _nobody, CallCounter(ledger=shop.work.ledger, clock=shop.work.clock))
        before = await shop.work.ledger.watermark(Feed.SALES)
        shop.world.lightspeed.void(sale)
        shop.world.faults.add("lightspeed", "GET Sale", Fault(FaultKind.SERVER_ERROR, times=6))
        await passes.sales()
        (run,) = await shop.work.ledger.runs("sales")
        assert run.code is Code.LS006
        assert await shop.work.ledger.watermark(Feed.SALES) == before
        assert (await entry(shop)).state is OrderState.POSTED
        shop.world.faults.clear()
        shop.clock.advance(3600)
        await passes.sales()
        run, _ = await shop.work.ledger.runs("sales")
        assert run.numbers == {"voided": 1}
        assert (await entry(shop)).state is OrderState.PARKED


async def test_a_quiet_look_is_one_request_of_one_unit(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        await booked(shop)
        shop.clock.advance(60)
        asked, spent = shop.world.requests["lightspeed"].total(), shop.world.lightspeed.limiter.spent
        await look(shop)
        assert shop.world.requests["lightspeed"].total() - asked == 1
        assert shop.world.lightspeed.limiter.spent - spent == 1


async def _nobody(_now: object) -> None:
    return None
