"""One order that cannot be understood, or not be read to its end, holds up no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sync.errors import Code, Permanent, SyncError, Transient
from sync.model import OrderRow
from tests.sync.shopify.support import Basket, Stage, answer, error, money, page
from tests.sync.shopify.test_orders import SINCE, gid, line, locations, order, refund_line

pytestmark = pytest.mark.anyio

Told = dict[str, Any]
ATTEMPTS = 4  # of each call, as the stage is built


def without(told: Told, name: str) -> Told:
    return {key: value for key, value in told.items() if key != name}


def with_line(**changes: Any) -> Told:
    return order(2, page([line(2) | changes]))


def with_refund_line(**changes: Any) -> Told:
    refund = {"id": gid("Refund", 2), "refundLineItems": page([refund_line(2, 2) | changes])}
    return order(2, page([line(2)]), (refund,))


POISON: dict[str, tuple[Told, str]] = {
    "no quantity": (order(2, page([without(line(2), "quantity")])), "lineItems.quantity"),
    "a quantity below zero": (with_line(quantity=-1), "lineItems.quantity"),
    "half a unit": (with_line(quantity=1.5), "lineItems.quantity"),
    "a quantity in words": (with_line(quantity="secret"), "lineItems.quantity"),
    "a huge quantity": (with_line(quantity=10**30), "lineItems.quantity"),
    "a million and one": (with_line(quantity=1_000_001), "lineItems.quantity"),
    "open units below zero": (with_line(unfulfilledQuantity=-1), "lineItems.unfulfilledQuantity"),
    "no line at all": (order(2, page([None])), "lineItems"),
    "a variant of another kind": (with_line(variant="secret"), "lineItems.variant"),
    "returned units below zero": (with_refund_line(quantity=-1), "refunds.refundLineItems.quantity"),
    "refunds that are no list": (order(2, page([line(2)])) | {"refunds": {}}, "refunds"),
    "a price in tenths of a cent": (
        with_line(originalTotalSet=money("0.001")),
        "lineItems.originalTotalSet.shopMoney.amount",
    ),
    "a total in words": (
        order(2, page([line(2)]), currentTotalPriceSet=money("secret")),
        "currentTotalPriceSet.shopMoney.amount",
    ),
    "no currency": (without(order(2, page([line(2)])), "currencyCode"), "currencyCode"),
    "more discount than price": (
        with_line(discountAllocations=[{"allocatedAmountSet": money("10.01")}]),
        "lineItems.discountAllocations",
    ),
}
EACH_POISON = pytest.mark.parametrize(("poison", "field"), POISON.values(), ids=POISON.keys())


def good(number: int) -> Told:
    return order(number, page([line(number)]))


@EACH_POISON
async def test_an_order_that_cannot_be_understood_holds_up_no_other(stage: Stage, poison: Told, field: str) -> None:
    stage.says(locations(1), answer({"orders": page([good(1), poison, good(3)])}))
    basket = Basket[OrderRow]()
    certificate = await stage.shop.read_orders(SINCE, basket)
    assert [(row.name, row.unreadable, len(row.lines)) for row in basket.rows] == [
        ("#1", "", 1),
        ("#2", f"{field} cannot be understood", 0),
        ("#3", "", 1),
    ]
    bad = basket.rows[1]
    assert (bad.order_id, bad.number, bad.money) == (gid("Order", 2), "2", None)
    assert bad.updated_at == datetime(2026, 11, 22, 10, 0, 2, tzinfo=UTC)
    assert (certificate.rows, certificate.newest) == (3, datetime(2026, 11, 22, 10, 0, 3, tzinfo=UTC))
    assert stage.script.operations == ["CountLocations", "OrdersChanged"], "asking again would not help"


@EACH_POISON
async def test_by_id_it_is_told_as_unreadable_too(stage: Stage, poison: Told, field: str) -> None:
    stage.says(locations(1), answer({"nodes": [poison, good(1)]}))
    found = await stage.shop.orders_of([gid("Order", 2), gid("Order", 1)])
    assert [row.unreadable for row in found.values()] == [f"{field} cannot be understood", ""]


async def test_the_change_of_a_poison_order_alone_moves_the_watermark(stage: Stage) -> None:
    stage.says(locations(1), answer({"orders": page([with_line(quantity=-1)])}))
    certificate = await stage.shop.read_orders(SINCE, Basket[OrderRow]())
    assert certificate.newest == datetime(2026, 11, 22, 10, 0, 2, tzinfo=UTC)


@pytest.mark.parametrize("name", ["id", "name", "createdAt", "updatedAt"])
@pytest.mark.parametrize("value", [None, 7, "missing"])
async def test_an_order_that_cannot_even_be_named_fails_the_reading(stage: Stage, name: str, value: object) -> None:
    nameless = without(good(2), name) if value == "missing" else good(2) | {name: value}
    stage.says(locations(1), *[answer({"orders": page([good(1), nameless])})] * ATTEMPTS)
    basket = Basket[OrderRow]()
    with pytest.raises(Transient) as caught:
        await stage.shop.read_orders(SINCE, basket)
    assert caught.value.code is Code.SH007
    assert basket.pages == []


# --- further pages of one order's lists

FIRST_OF_TWO = order(2, page([line(2)], after="l1"))


def more(*lines: Any) -> httpx.Response:
    return answer({"owner": {"page": page(lines)}})


async def rows_of(stage: Stage, *replies: httpx.Response) -> list[OrderRow]:
    """Return what a reading of three orders delivers, the second being the one with a further page."""
    stage.says(answer({"orders": page([good(1), FIRST_OF_TWO, good(3)])}), *replies)
    basket = Basket[OrderRow]()
    await stage.shop.read_orders(SINCE, basket)
    assert stage.script.replies == []
    return basket.rows


async def test_a_further_page_that_cannot_be_understood_is_the_orders_own_trouble(stage: Stage) -> None:
    stage.says(locations(1))
    rows = await rows_of(stage, *[more(line(4) | {"quantity": -1})] * ATTEMPTS)
    assert [row.unreadable for row in rows] == ["", "quantity cannot be understood", ""]


STUCK: dict[str, tuple[Callable[[], httpx.Response], int, Code]] = {
    "an internal error": (lambda: answer(None, errors=error("INTERNAL_SERVER_ERROR")), ATTEMPTS, Code.SH006),
    "a time-out": (lambda: answer(None, errors=error("TIMEOUT")), ATTEMPTS, Code.SH004),
    "a refusal": (lambda: answer(None, errors=error("SOMETHING_NEW")), 1, Code.SH008),
    "a page cut short": (
        lambda: answer({"owner": {"page": page([line(4)]) | {"edges": []}}}),
        ATTEMPTS,
        Code.SH013,
    ),
    "an owner that is not there": (lambda: answer({"owner": None}), 1, Code.SH013),
}


@pytest.mark.parametrize(("reply", "times", "code"), STUCK.values(), ids=STUCK.keys())
async def test_a_further_page_that_fails_in_three_readings_holds_up_the_third_no_more(
    stage: Stage, reply: Callable[[], httpx.Response], times: int, code: Code
) -> None:
    stage.says(locations(1))
    for _ in range(2):
        with pytest.raises(SyncError) as caught:
            await rows_of(stage, *[reply() for _ in range(times)])
        assert caught.value.code is code
    rows = await rows_of(stage, *[reply() for _ in range(times)])
    told = f"its lists cannot be read to their end ({code.name})"
    assert [row.unreadable for row in rows] == ["", told, ""]


async def test_an_order_read_after_all_has_its_patience_again(stage: Stage) -> None:
    stage.says(locations(1))
    for _ in range(2):
        for _ in range(2):
            with pytest.raises(SyncError):
                await rows_of(stage, answer({"owner": None}))
        rows = await rows_of(stage, more(line(4)))
        assert [len(row.lines) for row in rows] == [1, 2, 1]


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (lambda: answer(None, errors=error("ACCESS_DENIED", requiredAccess="read_orders")), Permanent, Code.SH014),
        (lambda: httpx.Response(402), Permanent, Code.SH016),
    ],
    ids=["scope", "frozen shop"],
)
async def test_trouble_of_the_whole_shop_is_never_put_down_to_one_order(
    stage: Stage, reply: Callable[[], httpx.Response], kind: type[SyncError], code: Code
) -> None:
    stage.says(locations(1))
    for _ in range(4):
        with pytest.raises(kind) as caught:
            await rows_of(stage, reply())
        assert caught.value.code is code


# --- lists that come without their last rows

CUT = order(2, page([line(2), line(4)]))
CUT["lineItems"]["edges"].pop()


async def test_an_order_whose_list_was_cut_is_asked_for_again(stage: Stage) -> None:
    whole = order(2, page([line(2), line(4)]))
    stage.says(locations(1), answer({"orders": page([good(1), CUT])}), answer({"nodes": [whole]}))
    basket = Basket[OrderRow]()
    await stage.shop.read_orders(SINCE, basket)
    assert [(row.unreadable, len(row.lines)) for row in basket.rows] == [("", 1), ("", 2)]
    assert stage.script.variables[-1] == {"ids": [gid("Order", 2)]}


async def test_an_order_whose_list_stays_cut_fails_two_readings_and_not_the_third(stage: Stage) -> None:
    stage.says(locations(1))
    basket = Basket[OrderRow]()
    for _ in range(3):
        stage.says(answer({"orders": page([good(1), CUT])}), *[answer({"nodes": [CUT]})] * ATTEMPTS)
    for _ in range(2):
        with pytest.raises(Transient) as caught:
            await stage.shop.read_orders(SINCE, basket)
        assert caught.value.code is Code.SH013
    assert basket.pages == []
    await stage.shop.read_orders(SINCE, basket)
    assert [row.unreadable for row in basket.rows] == ["", "its lists cannot be read to their end (SH013)"]


async def test_an_order_that_is_gone_when_asked_for_again_makes_the_reading_incomplete(stage: Stage) -> None:
    stage.says(locations(1), answer({"orders": page([CUT])}), *[answer({"nodes": [None]})] * ATTEMPTS)
    with pytest.raises(Transient) as caught:
        await stage.shop.read_orders(SINCE, Basket[OrderRow]())
    assert caught.value.code is Code.SH013
