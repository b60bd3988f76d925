"""The client against the pretend store: an order's money is what was paid there, whatever was done to it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

from sandbox.shopify.model import RestockType
from sandbox.shopify.order_model import Order, Tax
from sandbox.shopify.state import ShopifyStore
from sync.model import OrderRow
from tests.sync.shopify.support import ELSEWHERE, HERE
from tests.sync.shopify.test_against_store import SKU, Store, opened

pytestmark = pytest.mark.anyio

OTHER = "SKU-00002"
TAXES = {
    "beside": Tax(Decimal("0.0825")),
    "beside, shipping too": Tax(Decimal("0.0825"), on_shipping=True),
    "included": Tax(Decimal("0.21"), included=True, on_shipping=True),
    "none": Tax(Decimal(0)),
}


@pytest.fixture(params=list(TAXES.values()), ids=list(TAXES))
async def taxed(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    async for one in opened(12, tax=request.param):
        yield one


@pytest.fixture
async def small() -> AsyncIterator[Store]:
    async for one in opened(12):
        yield one


def parts(row: OrderRow) -> int:
    assert row.money is not None
    return row.money.goods + row.money.shipping + row.money.tax + row.money.tip + row.money.fees


def placed_any_way(store: ShopifyStore, dice: random.Random) -> str:
    return store.place_order(
        {SKU: dice.randint(1, 4), OTHER: 1},
        test=dice.random() < 0.2,
        location=dice.choice([HERE, ELSEWHERE]),
        oversell=True,
        discount=Decimal(dice.choice([0, 101, 333])) / 100,
        line_discounts={SKU: Decimal(dice.choice([0, 1, 250])) / 100},
        shipping=Decimal(dice.choice([0, 495])) / 100,
        tip_cents=dice.choice([0, 200]),
        paid=dice.random() < 0.8,
    )


@pytest.mark.parametrize("seed", range(4))
async def test_an_untouched_orders_lines_and_extras_add_up_to_what_it_costs(taxed: Store, seed: int) -> None:
    dice = random.Random(seed)
    placed = [placed_any_way(taxed.store, dice) for _ in range(12)]
    rows = await taxed.shop.orders_of(placed)
    assert len(rows) == 12
    for gid, row in rows.items():
        assert row.money is not None
        assert not row.money.touched
        assert parts(row) == row.money.net == taxed.store.order(gid).original_cents
        assert [line.sku for line in row.lines] == [SKU, OTHER], "a tip is no goods"
        assert sum(line.cents for line in row.lines) == row.money.goods


def done_to(store: ShopifyStore, gid: str, dice: random.Random) -> None:
    """Do one thing to an order, if it can be done."""
    acts: list[Callable[[], object]] = [
        lambda: store.fulfil(gid, {SKU: 1}),
        lambda: store.edit(gid, SKU, 1, oversell=True),
        lambda: store.edit(gid, SKU, -1, restock=dice.random() < 0.5),
        lambda: store.refund(gid, {SKU: 1}, dice.choice(list(RestockType)).value),
        lambda: store.refund_money(gid, Decimal(dice.randint(1, 300)) / 100),
        lambda: store.refund_money(gid, Decimal(1), shipping=True),
        lambda: store.cancel(gid, pay_back=dice.random() < 0.5) if dice.random() < 0.3 else None,
    ]
    try:
        dice.choice(acts)()
    except ValueError:
        return


def worth(order: Order) -> int:
    """Return what the shop kept of an order that is settled, else what the order costs."""
    return order.kept_cents if order.received_cents and order.outstanding_cents == 0 else order.current_cents


@pytest.mark.parametrize("seed", range(4))
async def test_after_any_trade_an_order_is_worth_what_was_kept_or_is_owed(taxed: Store, seed: int) -> None:
    dice = random.Random(seed)
    placed = [placed_any_way(taxed.store, dice) for _ in range(12)]
    for gid in dice.choices(placed, k=60):
        done_to(taxed.store, gid, dice)
    rows = await taxed.shop.orders_of(placed)
    for gid, row in rows.items():
        order = taxed.store.order(gid)
        assert row.money is not None
        assert row.unreadable == ""
        assert row.money.net == worth(order)
        assert row.money.touched is bool(order.refunds or order.edited or order.cancelled_at)
        assert parts(row) == order.current_cents
        assert [line.cents for line in row.lines] == [line.placed_cents for line in order.lines]
        assert [line.quantity for line in row.lines] == [line.quantity for line in order.lines]


async def test_an_order_has_the_number_and_the_currency_of_its_shop(small: Store) -> None:
    row = await small.order(small.store.place_order({SKU: 1}))
    assert (row.name, row.number) == ("#1001", "1001")
    assert row.money is not None
    assert row.money.currency == "USD"


@pytest.mark.parametrize(("act", "flags"), [("gift_card", (False, True)), ("untrack", (True, False))])
async def test_lines_that_hold_no_stock_have_their_price_all_the_same(
    small: Store, act: str, flags: tuple[bool, bool]
) -> None:
    getattr(small.store, act)(SKU)
    line = await small.line(small.store.place_order({SKU: 2}))
    assert (line.cents, line.quantity, (line.taxed, line.gift_card)) == (1998, 2, flags)


async def test_the_line_of_a_deleted_variant_keeps_its_sku_and_price(small: Store) -> None:
    gid = small.store.place_order({SKU: 2})
    small.store.delete_variant(SKU)
    line = await small.line(gid)
    assert (line.inventory_item_id, line.sku, line.cents) == ("", SKU, 1998)


async def test_yen_are_kept_in_hundredths() -> None:
    more: dict[str, Any] = {"currency": "JPY", "tax": TAXES["none"]}
    async for one in opened(2, **more):
        row = await one.order(one.store.place_order({SKU: 1}))
        assert row.money is not None
        assert (row.money.currency, row.money.net) == ("JPY", 999)
