"""Reading orders: which are asked for, and that every nested page is followed to its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sync.errors import Code, Permanent, Transient
from sync.model import OrderRow, Restock
from tests.sync.shopify.support import (
    ELSEWHERE,
    HERE,
    Basket,
    Stage,
    answer,
    error,
    item,
    line_money,
    order_money,
    page,
)

pytestmark = pytest.mark.anyio

SINCE = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
OPEN = (
    "(status:open OR fulfillment_status:unfulfilled OR fulfillment_status:partial OR fulfillment_status:scheduled"
    " OR fulfillment_status:on_hold OR fulfillment_status:request_declined) AND -status:cancelled"
    " AND updated_at:>='2004-01-01T00:00:00Z'"
)


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def locations(count: int) -> httpx.Response:
    return answer({"locations": {"nodes": [{"id": gid("Location", n)} for n in range(count)]}}, requested=3)


def line(number: int, quantity: int = 1) -> dict[str, Any]:
    return {
        "id": gid("LineItem", number),
        "sku": f"SKU-{number}",
        "quantity": quantity,
        "unfulfilledQuantity": quantity,
        "variant": {"inventoryItem": {"id": item(number)}},
    } | line_money("10.0", quantity)


def refund_line(number: int, of_line: int) -> dict[str, Any]:
    return {
        "id": gid("RefundLineItem", number),
        "quantity": 1,
        "restockType": "CANCEL",
        "restocked": True,
        "location": {"id": HERE},
        "lineItem": {"id": gid("LineItem", of_line)},
    }


def order(number: int, lines: dict[str, Any], refunds: tuple[Any, ...] = (), **more: Any) -> dict[str, Any]:
    return (
        {
            "id": gid("Order", number),
            "name": f"#{number}",
            "createdAt": "2026-11-22T09:00:00Z",
            "updatedAt": f"2026-11-22T10:00:0{number}Z",
            "cancelledAt": None,
            "test": False,
            "lineItems": lines,
            "refunds": list(refunds),
        }
        | order_money()
        | more
    )


def assigned(number: int, location: str, lines: list[int], after: str | None = None) -> dict[str, Any]:
    rows = [{"totalQuantity": 1, "remainingQuantity": 1, "lineItem": {"id": gid("LineItem", n)}} for n in lines]
    return {
        "id": gid("FulfillmentOrder", number),
        "status": "OPEN",
        "assignedLocation": {"location": {"id": location}},
        "lineItems": page(rows, after),
    }


async def test_an_idle_read_is_one_call_once_the_locations_are_known(stage: Stage) -> None:
    idle = answer({"orders": page([])})
    stage.says(locations(1), idle, idle)
    await stage.shop.read_orders(SINCE, Basket[OrderRow]())
    certificate = await stage.shop.read_orders(SINCE, Basket[OrderRow]())
    assert stage.script.operations == ["CountLocations", "OrdersChanged", "OrdersChanged"]
    query = "updated_at:>='2026-11-22T06:00:00Z'"
    assert stage.script.variables[1:] == [{"query": query, "first": 100, "after": None}] * 2
    assert (certificate.source, certificate.rows, certificate.newest) == ("shopify.orders", 0, None)


async def test_without_a_watermark_everything_is_read_that_may_have_units_to_send(stage: Stage) -> None:
    stage.says(locations(1), answer({"orders": page([])}))
    await stage.shop.read_orders(None, Basket[OrderRow]())
    assert stage.script.variables[1]["query"] == OPEN


async def test_several_locations_take_smaller_pages_and_ask_who_sends(stage: Stage) -> None:
    told = order(
        1, page([line(1), line(2)]), fulfillmentOrders=page([assigned(1, HERE, [1]), assigned(2, ELSEWHERE, [2])])
    )
    stage.says(locations(2), answer({"orders": page([told])}))
    basket = Basket[OrderRow]()
    await stage.shop.read_orders(SINCE, basket)
    assert stage.script.variables[1]["first"] == 25
    assert [(one.placed, one.open) for one in basket.rows[0].lines] == [(1, 1), (0, 0)]


async def test_nested_pages_are_followed_to_their_end(stage: Stage) -> None:
    refund = {"id": gid("Refund", 1), "refundLineItems": page([refund_line(1, 1)], after="r1")}
    listed = page([assigned(1, HERE, [1], after="a1")], after="f1")
    stage.says(
        locations(2),
        answer({"orders": page([order(1, page([line(1)], after="l1"), (refund,), fulfillmentOrders=listed)])}),
        answer({"owner": {"page": page([line(2)], after="l2")}}),
        answer({"owner": {"page": page([line(3)])}}),
        answer({"owner": {"page": page([refund_line(2, 3)])}}),
        answer({"owner": {"page": page([assigned(2, ELSEWHERE, [2])])}}),
        answer(
            {
                "owner": {
                    "page": page([{"totalQuantity": 1, "remainingQuantity": 0, "lineItem": {"id": gid("LineItem", 3)}}])
                }
            }
        ),
    )
    basket = Basket[OrderRow]()
    certificate = await stage.shop.read_orders(SINCE, basket)
    (row,) = basket.rows
    assert [(one.inventory_item_id, one.placed, one.open, one.restocks) for one in row.lines] == [
        (item(1), 1, 1, (Restock(gid("RefundLineItem", 1), 1),)),
        (item(2), 0, 0, ()),
        (item(3), 1, 0, (Restock(gid("RefundLineItem", 2), 1),)),
    ]
    assert list(zip(stage.script.operations[2:], stage.script.variables[2:], strict=True)) == [
        ("MoreOrderLines", {"id": gid("Order", 1), "after": "l1"}),
        ("MoreOrderLines", {"id": gid("Order", 1), "after": "l2"}),
        ("MoreRefundLines", {"id": gid("Refund", 1), "after": "r1"}),
        ("MoreAssignments", {"id": gid("Order", 1), "after": "f1"}),
        ("MoreAssignedLines", {"id": gid("FulfillmentOrder", 1), "after": "a1"}),
    ]
    assert certificate.newest == datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC)


async def test_an_order_that_vanishes_while_it_is_read_gives_no_certificate(stage: Stage) -> None:
    stage.says(locations(1), answer({"orders": page([order(1, page([line(1)], after="l1"))])}), answer({"owner": None}))
    basket = Basket[OrderRow]()
    with pytest.raises(Transient) as caught:
        await stage.shop.read_orders(SINCE, basket)
    assert caught.value.code is Code.SH013
    assert basket.pages == []


async def test_an_order_is_read_with_its_own_facts(stage: Stage) -> None:
    told = order(3, page([line(1)])) | {"cancelledAt": "2026-11-22T09:30:00Z", "test": True}
    stage.says(locations(1), answer({"nodes": [told]}))
    row = (await stage.shop.orders_of([gid("Order", 3)]))[gid("Order", 3)]
    assert (row.name, row.test, row.cancelled_at) == ("#3", True, datetime(2026, 11, 22, 9, 30, tzinfo=UTC))
    assert row.updated_at == datetime(2026, 11, 22, 10, 0, 3, tzinfo=UTC)
    assert row.created_at == datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


async def test_orders_by_id_come_sixteen_a_call_and_deleted_ones_are_missing(stage: Stage) -> None:
    ids = [gid("Order", n) for n in range(17)]
    first = [order(n, page([line(n)])) | {"updatedAt": "2026-11-22T10:00:00Z"} for n in range(16)]
    stage.says(locations(1), answer({"nodes": first}), answer({"nodes": [None]}))
    found = await stage.shop.orders_of([*ids, ids[0]])
    assert [len(asked["ids"]) for asked in stage.script.variables[1:]] == [16, 1]
    assert sorted(found) == sorted(ids[:16])


async def test_orders_by_id_that_are_too_dear_are_asked_for_in_halves(stage: Stage) -> None:
    ids = [gid("Order", n) for n in range(3)]
    dear = answer(None, errors=error("MAX_COST_EXCEEDED"))
    stage.says(locations(1), dear, *[answer({"nodes": [None] * 3})])
    assert await stage.shop.orders_of(ids) == {}
    assert [len(asked["ids"]) for asked in stage.script.variables[1:]] == [3, 3]


async def test_a_missing_scope_says_which(stage: Stage) -> None:
    needs = error("ACCESS_DENIED", "Access denied.", requiredAccess="`read_orders` access scope.")
    stage.says(locations(1), answer({"orders": None}, errors=needs))
    with pytest.raises(Permanent, match="read_orders") as caught:
        await stage.shop.read_orders(SINCE, Basket[OrderRow]())
    assert caught.value.code is Code.SH014


async def test_orders_whose_answer_lacks_the_fulfillment_orders_are_incomplete(stage: Stage) -> None:
    stage.says(locations(2), answer({"orders": page([order(1, page([line(1)]))])}))
    with pytest.raises(Transient) as caught:
        await stage.shop.read_orders(SINCE, Basket[OrderRow]())
    assert caught.value.code is Code.SH013
