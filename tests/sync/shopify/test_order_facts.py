"""The table of docs/order-facts.md, row by row: from Shopify's fields to placed, open and restocks."""

from __future__ import annotations

from typing import Any

import pytest

from sync.model import OrderLine, Restock
from sync.shopify.order_facts import Share, WholeOrder, open_here, order_row, placed_here
from sync.shopify.order_shapes import Order
from sync.shopify.wire import parse
from tests.sync.shopify.support import ELSEWHERE, HERE, item, line_money, order_money
from tests.sync.shopify.support import page as connection

LINE = "gid://shopify/LineItem/1"


def line(quantity: int, unfulfilled: int, *, line_id: str = LINE, **more: Any) -> dict[str, Any]:
    variant = {"inventoryItem": {"id": item(1)}}
    base = {"id": line_id, "sku": "KAVA", "quantity": quantity, "unfulfilledQuantity": unfulfilled, "variant": variant}
    return base | line_money("10.0", quantity) | more


def refund(
    units: int, kind: str, *, number: int = 1, restocked: bool | None = None, location: str | None = HERE, **more: Any
) -> dict[str, Any]:
    row = {
        "id": f"gid://shopify/RefundLineItem/{number}",
        "quantity": units,
        "restockType": kind,
        "restocked": kind != "NO_RESTOCK" if restocked is None else restocked,
        "location": {"id": location} if location else None,
        "lineItem": {"id": LINE},
    }
    return {"id": f"gid://shopify/Refund/{number}", "refundLineItems": connection([row | more])}


def sends(
    location: str | None, total: int, remaining: int, status: str = "OPEN", line_id: str = LINE
) -> dict[str, Any]:
    row = {"totalQuantity": total, "remainingQuantity": remaining, "lineItem": {"id": line_id}}
    return {
        "id": f"gid://shopify/FulfillmentOrder/{location}",
        "status": status,
        "assignedLocation": {"location": {"id": location} if location else None},
        "lineItems": connection([row]),
    }


def order(
    *lines: dict[str, Any], refunds: tuple[dict[str, Any], ...] = (), cancelled: str | None = None, **more: Any
) -> dict[str, Any]:
    return (
        {
            "id": "gid://shopify/Order/1",
            "name": "#1001",
            "createdAt": "2026-11-22T09:00:00Z",
            "updatedAt": "2026-11-22T10:00:00Z",
            "cancelledAt": cancelled,
            "test": False,
            "lineItems": connection(lines),
            "refunds": list(refunds),
        }
        | order_money()
        | more
    )


def only_line(told: dict[str, Any], assignments: list[dict[str, Any]] | None = None) -> OrderLine:
    shown = told if assignments is None else told | {"fulfillmentOrders": connection(assignments)}
    read = parse(Order, shown)
    refund_lines = [(one.id, row) for one in read.refunds for row in one.refund_line_items.nodes]
    assigned = None
    if read.fulfillment_orders is not None:
        assigned = [(one, one.line_items.nodes) for one in read.fulfillment_orders.nodes]
    return order_row(WholeOrder(read, read.line_items.nodes, refund_lines, assigned), HERE).lines[0]


CANCELLED = "2026-11-22T10:00:00Z"
ONE_LOCATION: dict[str, tuple[dict[str, Any], int, int, list[int]]] = {
    "placed": (order(line(3, 3)), 3, 3, []),
    "edited up": (order(line(5, 5)), 5, 5, []),
    "edited down, with restock": (order(line(3, 1), refunds=(refund(2, "CANCEL"),)), 3, 1, [2]),
    "edited down, without restock": (order(line(3, 1), refunds=(refund(2, "NO_RESTOCK"),)), 3, 1, []),
    "cancelled, with restock": (order(line(3, 0), refunds=(refund(3, "CANCEL"),), cancelled=CANCELLED), 3, 0, [3]),
    "cancelled, without restock": (order(line(3, 0), cancelled=CANCELLED), 3, 0, []),
    "cancelled, units not yet taken off": (order(line(3, 3), cancelled=CANCELLED), 3, 0, []),
    "fulfilled in part": (order(line(3, 2)), 3, 2, []),
    "fulfilled": (order(line(3, 0)), 3, 0, []),
    "refunded, CANCEL": (order(line(3, 2), refunds=(refund(1, "CANCEL"),)), 3, 2, [1]),
    "refunded, RETURN": (order(line(3, 0), refunds=(refund(1, "RETURN"),)), 3, 0, [1]),
    "refunded, LEGACY_RESTOCK": (order(line(3, 0), refunds=(refund(1, "LEGACY_RESTOCK"),)), 3, 0, [1]),
    "refunded, NO_RESTOCK": (order(line(3, 0), refunds=(refund(1, "NO_RESTOCK"),)), 3, 0, []),
    "refunded, shelf unchanged": (order(line(3, 0), refunds=(refund(1, "RETURN", restocked=False),)), 3, 0, []),
    "restocked elsewhere": (order(line(3, 2), refunds=(refund(1, "CANCEL", location=ELSEWHERE),)), 3, 2, []),
    "restocked nowhere named": (order(line(3, 2), refunds=(refund(1, "CANCEL", location=None),)), 3, 2, [1]),
    "refunded twice": (
        order(line(3, 0), refunds=(refund(1, "RETURN", number=1), refund(1, "RETURN", number=2))),
        3,
        0,
        [1, 1],
    ),
    "a restock type of tomorrow": (order(line(3, 0), refunds=(refund(1, "RESHELVED"),)), 3, 0, []),
}


@pytest.mark.parametrize(("told", "placed", "open_", "back"), ONE_LOCATION.values(), ids=ONE_LOCATION.keys())
def test_each_event_is_read_from_its_fields(told: dict[str, Any], placed: int, open_: int, back: list[int]) -> None:
    found = only_line(told)
    assert (found.placed, found.open, [one.units for one in found.restocks]) == (placed, open_, back)


THREE = order(line(3, 3))
SEVERAL: dict[str, tuple[dict[str, Any], list[dict[str, Any]], int, int, list[int]]] = {
    "all ours": (THREE, [sends(HERE, 3, 3)], 3, 3, []),
    "all theirs": (THREE, [sends(ELSEWHERE, 3, 3)], 0, 0, []),
    "shared": (THREE, [sends(HERE, 2, 2), sends(ELSEWHERE, 1, 1)], 2, 2, []),
    "ours sent, theirs not": (order(line(3, 1)), [sends(HERE, 2, 0, "CLOSED"), sends(ELSEWHERE, 1, 1)], 2, 0, []),
    "a deleted location is not ours": (THREE, [sends(None, 3, 3)], 0, 0, []),
    "nobody sends it": (THREE, [], 3, 3, []),
    "somebody sends another line": (THREE, [sends(ELSEWHERE, 1, 1, line_id="gid://shopify/LineItem/2")], 3, 3, []),
    "ours, a unit removed": (order(line(3, 2), refunds=(refund(1, "CANCEL"),)), [sends(HERE, 2, 2)], 3, 2, [1]),
    "ours, cancelled, units gone from the list": (
        order(line(3, 0), refunds=(refund(3, "CANCEL"),), cancelled=CANCELLED),
        [sends(HERE, 0, 0, "CANCELLED")],
        3,
        0,
        [3],
    ),
    "theirs, cancelled without restock, units gone from the list": (
        order(line(3, 0), cancelled=CANCELLED),
        [sends(ELSEWHERE, 0, 0, "CANCELLED")],
        0,
        0,
        [],
    ),
    "theirs, cancelled with restock there": (
        order(line(3, 0), refunds=(refund(3, "CANCEL", location=ELSEWHERE),), cancelled=CANCELLED),
        [sends(ELSEWHERE, 3, 3, "CANCELLED")],
        0,
        0,
        [],
    ),
    "ours, restocked there: still taken here": (
        order(line(3, 0), refunds=(refund(3, "CANCEL", location=ELSEWHERE),), cancelled=CANCELLED),
        [sends(HERE, 0, 0, "CLOSED")],
        3,
        0,
        [],
    ),
    "moved to us, the old list keeps its units": (
        THREE,
        [sends(ELSEWHERE, 3, 0, "CLOSED"), sends(HERE, 3, 3)],
        3,
        3,
        [],
    ),
    "a cancelled list replaced by a new one": (THREE, [sends(HERE, 3, 0, "CANCELLED"), sends(HERE, 3, 3)], 3, 3, []),
    "restocked, no location named": (
        order(line(3, 2), refunds=(refund(1, "CANCEL", location=None),)),
        [sends(HERE, 2, 2)],
        3,
        2,
        [],
    ),
}


@pytest.mark.parametrize(("told", "assigned", "placed", "open_", "back"), SEVERAL.values(), ids=SEVERAL.keys())
def test_only_units_of_our_location_count(
    told: dict[str, Any], assigned: list[dict[str, Any]], placed: int, open_: int, back: list[int]
) -> None:
    found = only_line(told, assigned)
    assert (found.placed, found.open, [one.units for one in found.restocks]) == (placed, open_, back)


def test_no_count_leaves_its_bounds() -> None:
    for quantity in range(4):
        for ours in range(5):
            for theirs in range(5):
                share = Share(ours=ours, theirs=theirs, named_ours=ours > 0, named_theirs=theirs > 0)
                assert 0 <= placed_here(quantity, share) <= quantity
    assert open_here(2, Share()) == 2


@pytest.mark.parametrize("variant", [None, {"inventoryItem": None}], ids=["no variant", "no item"])
def test_a_line_whose_goods_are_gone_has_no_item(variant: object) -> None:
    found = only_line(order(line(1, 1, variant=variant, sku=None)))
    assert (found.inventory_item_id, found.sku) == ("", "")


def test_a_refund_line_without_an_id_is_named_by_its_refund_and_line() -> None:
    found = only_line(order(line(3, 0), refunds=(refund(2, "RETURN", id=None),)))
    assert found.restocks == (Restock(f"gid://shopify/Refund/1#{LINE}", 2),)
