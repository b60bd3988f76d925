"""What a person decides about orders, by the real engine over both pretend shops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.faults import Fault, FaultKind
from sync.booking import Charge, DocumentLine, OrderStory, StoryLine
from sync.errors import Code, SyncError, Transient
from sync.model import OrderMoney, SaleLineRow, SaleRow
from sync.order_desk import Closed, OrderDesk, Retried, unlike
from sync.order_records import DocumentState, OrderEntry, OrderState
from tests.sync.shop import Shop, few, live_shop

pytestmark = pytest.mark.anyio

WHO = "anna"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with live_shop(few(), tmp_path) as opened:
        yield opened


def desk(shop: Shop) -> OrderDesk:
    return shop.work.engine.desk


async def beat(shop: Shop) -> None:
    """Let a minute pass, then do what the daemon does at each beat."""
    shop.clock.advance(60)
    await shop.sync()
    await shop.poster.work()


async def entry(shop: Shop, name: str = "#1001") -> OrderEntry:
    (found,) = [each for each in await shop.work.engine.bookings.orders() if each.name == name]
    return found


async def story(shop: Shop) -> list[tuple[str, str]]:
    """Return the events of the first order, without their times."""
    order_id = (await entry(shop)).order_id
    return [(each.event, each.detail) for each in await shop.work.engine.bookings.order_events(order_id)]


async def booked(shop: Shop) -> str:
    """Let an order be booked, and return its sale's id."""
    shop.world.shopify.place_order({shop.world.goods[0].sku: 1})
    await beat(shop)
    order = await entry(shop)
    (posting,) = await shop.work.engine.bookings.documents(order.order_id)
    assert (order.state, posting.state) == (OrderState.POSTED, DocumentState.POSTED)
    assert posting.sale_id is not None
    return posting.sale_id


async def dead(shop: Shop, name: str = "#1001", units: int = 2) -> str:
    """Let an order arrive that cannot be read; return its id."""
    order_id = shop.world.shopify.place_order({shop.world.goods[0].sku: units})
    shop.world.shopify.order(order_id).lines[0].quantity = -1
    await beat(shop)
    assert (await entry(shop, name)).state is OrderState.DEAD
    return order_id


async def parked(shop: Shop) -> None:
    """Let an order arrive with a tip, for which no item is set."""
    policy = shop.poster._policy
    shop.poster._policy = replace(policy, items=replace(policy.items, other=""))
    shop.world.shopify.place_order({shop.world.goods[0].sku: 1}, tip_cents=100)
    await beat(shop)
    shop.poster._policy = policy
    assert (await entry(shop)).state is OrderState.PARKED


async def refused(shop: Shop, name: str, sale_id: str | None) -> SyncError:
    with pytest.raises(SyncError) as raised:
        await desk(shop).close(name, sale_id, WHO)
    return raised.value


# --- looking again ---
async def test_a_dead_order_is_read_anew_and_booked(shop: Shop) -> None:
    order_id = await dead(shop)
    shop.world.shopify.order(order_id).lines[0].quantity = 2  # the store mends it, and does not say so
    assert await desk(shop).retry(["1001"], WHO) == [Retried("#1001", OrderState.DEAD)]
    assert ("retried", WHO) in await story(shop)
    await beat(shop)
    assert (await entry(shop)).state is OrderState.POSTED


async def test_all_that_wait_for_a_person_are_looked_at_where_none_is_named(shop: Shop) -> None:
    await parked(shop)
    await dead(shop, "#1002")
    found = await desk(shop).retry([], WHO)
    assert {(each.name, each.state) for each in found} == {
        ("#1001", OrderState.PARKED),
        ("#1002", OrderState.DEAD),
    }
    await beat(shop)
    assert (await entry(shop)).state is OrderState.POSTED
    assert (await entry(shop, "#1002")).state is OrderState.DEAD


async def test_a_retry_without_shopify_goes_by_what_is_known(shop: Shop) -> None:
    await parked(shop)
    shop.world.faults.add("shopify", "*", Fault(FaultKind.BAD_GATEWAY, times=0))
    assert [each.taken for each in await desk(shop).retry(["#1001"], WHO)] == [True]
    await shop.poster.work()
    assert (await entry(shop)).state is OrderState.POSTED


async def test_what_is_booked_or_unknown_is_not_tried_again(shop: Shop) -> None:
    await booked(shop)
    found = await desk(shop).retry(["SH-1001-1", "9999"], WHO)
    assert [(each.name, each.state, each.taken) for each in found] == [
        ("#1001", OrderState.POSTED, False),
        ("9999", None, False),
    ]
    assert (await entry(shop)).state is OrderState.POSTED
    assert "retried" not in [event for event, _ in await story(shop)]


# --- taking one out of our hands ---
async def test_an_order_closed_with_its_sale_counts_as_booked_and_stays_closed(shop: Shop) -> None:
    sku = shop.world.goods[0].sku
    await dead(shop)
    sale_id = shop.world.lightspeed.sell(sku, 2)  # a person books it by hand
    assert await desk(shop).close("#1001", sale_id, WHO) == Closed("#1001", sale_id, looked_up=True)
    assert await story(shop) == [
        ("dead", (await story(shop))[0][1]),
        ("closed", f"booked by {sale_id} ({WHO})"),
    ]
    await beat(shop)
    assert (await entry(shop)).state is OrderState.CLOSED
    assert [each.taken for each in await desk(shop).retry(["1001"], WHO)] == [False]


async def test_a_sale_of_other_goods_closes_an_order_only_where_a_person_insists(shop: Shop) -> None:
    one, other = (good.sku for good in shop.world.goods[:2])
    await parked(shop)
    wrong = shop.world.lightspeed.sell(other, 3)
    error = await refused(shop, "1001", wrong)
    assert (error.code, f"1 of {one} to be booked, 0 in the sale" in error.detail) == (Code.OR015, True)
    assert (await entry(shop)).state is OrderState.PARKED
    await desk(shop).close("1001", wrong, WHO, anyway=True)
    assert (await entry(shop)).state is OrderState.CLOSED
    (_, told) = (await story(shop))[-1]
    assert told == f"booked by {wrong} ({WHO}; {error.detail.removeprefix(f'Sale {wrong}: ').removesuffix('.')})"


MONEY = OrderMoney("USD", net=1500, goods=1000, shipping=500, tax=0, tip=0, fees=0, touched=False)
LINE = StoryLine("1", "i", "KAVA", quantity=2, placed=2, restocked=0, cents=1000, item_id="10")
STORY = OrderStory("gid://shopify/Order/1", "#1001", "1001", MONEY, (LINE,))
GOODS = DocumentLine(Charge.GOODS, "1", "10", units=2, cents=1000, inventory_item_id="i")


def sale(total: int, **units: int) -> SaleRow:
    """Return a completed sale; `units` by item, as in `i10=2`."""
    rows = tuple(SaleLineRow(f"1{name}", name[1:], count) for name, count in units.items())
    return SaleRow(
        "7", "", completed=True, voided=False, archived=False, total=total, paid=total, completed_at=None, lines=rows
    )


@pytest.mark.parametrize(
    ("order", "named", "apart"),
    [
        pytest.param(STORY, sale(1500, i10=2, i91=1), "", id="the same"),
        pytest.param(STORY, sale(1500, i10=1), "2 of KAVA to be booked, 1 in the sale", id="fewer units"),
        pytest.param(STORY, sale(1000, i10=2), "15.00 in all to be booked, 10.00 in the sale", id="another total"),
        pytest.param(replace(STORY, booked=(GOODS,)), sale(500, i91=1), "", id="only the rest of it"),
        pytest.param(replace(STORY, lines=(replace(LINE, item_id=""),)), sale(1500, i5=9), "", id="not linked"),
        pytest.param(replace(STORY, lines=(), money=None), sale(7, i5=9), "", id="nothing is known of it"),
        pytest.param(
            replace(STORY, lines=(replace(LINE, outside=1),), booked_outside=True), sale(9, i10=1), "", id="has grown"
        ),
    ],
)
def test_a_sale_is_compared_with_what_is_not_booked_yet(order: OrderStory, named: SaleRow, apart: str) -> None:
    assert unlike(order, named) == apart


async def test_units_of_an_order_closed_as_never_booked_stay_taken(shop: Shop) -> None:
    sku = shop.world.goods[0].sku
    await parked(shop)
    before = shop.world.shopify.available(sku)
    assert await desk(shop).close("1001", None, WHO) == Closed("#1001", None, looked_up=False)
    for _ in range(3):
        await beat(shop)
    assert shop.world.shopify.available(sku) == before
    assert shop.world.shopify.writes == []
    assert (await story(shop))[-1] == ("closed", f"never booked ({WHO})")


async def test_an_order_is_closed_without_lightspeed_and_the_record_says_so(shop: Shop) -> None:
    await dead(shop)
    shop.world.faults.add("lightspeed", "*", Fault(FaultKind.BAD_GATEWAY, times=0))
    assert await desk(shop).close("1001", "77", WHO) == Closed("#1001", "77", looked_up=False)
    assert (await story(shop))[-1] == ("closed", f"booked by 77 ({WHO}; not looked up in Lightspeed)")


async def test_a_sale_that_is_not_there_voided_or_another_orders_closes_nothing(shop: Shop) -> None:
    sku = shop.world.goods[0].sku
    other = await booked(shop)
    await dead(shop, "#1002")
    voided = shop.world.lightspeed.sell(sku, 2)
    shop.world.lightspeed.void(voided)
    told = [(await refused(shop, "1002", sale_id)) for sale_id in ("999999", voided, other)]
    assert {error.code for error in told} == {Code.OR008}
    assert [error.detail for error in told] == [
        "Lightspeed has no sale 999999.",
        f"Sale {voided} is not completed, or it was voided.",
        f"Sale {other} is counted for #1001 already.",
    ]
    assert (await entry(shop, "#1002")).state is OrderState.DEAD


async def test_an_order_of_which_a_sale_may_still_come_cannot_be_closed(shop: Shop) -> None:
    shop.world.shopify.place_order({shop.world.goods[0].sku: 1})
    shop.world.faults.add("lightspeed", "POST Sale", Fault(FaultKind.LATE, seconds=90))
    await beat(shop)
    assert (await entry(shop)).state is OrderState.UNKNOWN
    assert (await refused(shop, "1001", None)).code is Code.OR012
    assert (await entry(shop)).state is OrderState.UNKNOWN
    for _ in range(5):
        await beat(shop)
    assert (await entry(shop)).state is OrderState.POSTED


async def test_an_open_sale_is_thrown_away_before_its_order_is_closed(shop: Shop) -> None:
    shop.world.shopify.place_order({shop.world.goods[0].sku: 1})
    shop.world.faults.add("lightspeed", "PUT Sale", Fault(FaultKind.THROTTLED))
    await beat(shop)
    (posting,) = await shop.work.engine.bookings.documents((await entry(shop)).order_id)
    assert (posting.state, posting.sale_id is None) == (DocumentState.OPEN, False)
    shop.world.faults.add("lightspeed", "DELETE Sale", Fault(FaultKind.THROTTLED))
    with pytest.raises(Transient):
        await desk(shop).close("1001", None, WHO)
    assert (await entry(shop)).state is OrderState.INTENT
    await desk(shop).close("1001", None, WHO)
    (draft,) = [sale for sale in shop.world.lightspeed.books.sales if sale.reference_number == "SH-1001-1"]
    assert (draft.archived, draft.completed) == (True, False)
    await beat(shop)
    assert (await entry(shop)).state is OrderState.CLOSED


async def test_what_is_booked_needs_no_closing_and_what_is_unknown_has_none(shop: Shop) -> None:
    await booked(shop)
    assert (await refused(shop, "1001", None)).code is Code.OR013
    assert (await refused(shop, "1002", None)).code is Code.OR011


# --- how all of them stand ---
async def test_the_standing_names_orders_and_the_list_tells_since_when_they_wait(shop: Shop) -> None:
    await parked(shop)
    await dead(shop, "#1002")
    shop.world.shopify.place_order({shop.world.goods[1].sku: 1})
    shop.clock.advance(60)
    await shop.sync()
    stands = await shop.work.engine.bookings.order_standing()
    assert (stands.waiting, stands.parked, stands.dead, stands.doubled) == (("#1003",), ("#1001",), ("#1002",), ())
    assert (stands.unbooked, stands.oldest) == (1, shop.clock.now())
    last, mended, first = await shop.work.engine.bookings.orders()
    assert last.since == shop.clock.now()
    assert mended.since is not None
    assert first.since is not None
    assert first.since < mended.since < last.since
    assert await shop.work.engine.bookings.booked_since(shop.clock.now()) == 0
    began = shop.clock.now()
    await beat(shop)
    assert await shop.work.engine.bookings.booked_since(began) == 1
