"""The life of an order: which quantities move, what the order says, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.shopify.model import SoldOut
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import HOME, WAREHOUSE, Ask

Step = Callable[[ShopifyStore, str], object]


def fulfil(units: int) -> Step:
    return lambda store, order: store.fulfil(order, {"DUCK": units})


def refund(units: int, kind: str, location: str | None = None) -> Step:
    return lambda store, order: store.refund(order, {"DUCK": units}, kind, location)


def edit(delta: int, restock: bool = True) -> Step:
    return lambda store, order: store.edit(order, "DUCK", delta, restock)


def cancel(restock: bool) -> Step:
    return lambda store, order: store.cancel(order, restock)


# Ten ducks, four of them ordered; then these steps. The stock is (available, committed, on_hand, taken, open),
# the line (quantity, current, unfulfilled), the refunds what went off the order as (quantity, restock type).
LIVES: list[tuple[str, list[Step], tuple[int, ...], tuple[int, int, int], list[tuple[int, str]]]] = [
    ("placed", [], (6, 4, 10, 4, 4), (4, 4, 4), []),
    ("sent", [fulfil(4)], (6, 0, 6, 4, 0), (4, 4, 0), []),
    ("sent in two parcels", [fulfil(1), fulfil(3)], (6, 0, 6, 4, 0), (4, 4, 0), []),
    ("half sent", [fulfil(2)], (6, 2, 8, 4, 2), (4, 4, 2), []),
    ("cancelled and put back", [cancel(True)], (10, 0, 10, 0, 0), (4, 0, 0), [(4, "CANCEL")]),
    ("cancelled, not put back", [cancel(False)], (6, 0, 6, 4, 0), (4, 0, 0), [(4, "NO_RESTOCK")]),
    ("half sent, then cancelled", [fulfil(1), cancel(True)], (9, 0, 9, 1, 0), (4, 1, 0), [(3, "CANCEL")]),
    ("unsent units refunded", [refund(3, "CANCEL")], (9, 1, 10, 1, 1), (4, 1, 1), [(3, "CANCEL")]),
    ("unsent units refunded, lost", [refund(3, "NO_RESTOCK")], (6, 1, 7, 4, 1), (4, 1, 1), [(3, "NO_RESTOCK")]),
    ("sent units returned", [fulfil(4), refund(1, "RETURN")], (7, 0, 7, 3, 0), (4, 3, 0), [(1, "RETURN")]),
    ("sent units lost", [fulfil(4), refund(1, "NO_RESTOCK")], (6, 0, 6, 4, 0), (4, 3, 0), [(1, "NO_RESTOCK")]),
    ("edited up", [edit(2)], (4, 6, 10, 6, 6), (6, 6, 6), []),
    ("edited down", [edit(-1)], (7, 3, 10, 3, 3), (4, 3, 3), [(1, "CANCEL")]),
    ("edited down, lost", [edit(-1, False)], (6, 3, 9, 4, 3), (4, 3, 3), [(1, "NO_RESTOCK")]),
    ("edited up after sending", [fulfil(4), edit(1)], (5, 1, 6, 5, 1), (5, 5, 1), []),
    (
        "everything at once",
        [edit(2), fulfil(3), refund(1, "RETURN"), edit(-1), cancel(False)],
        (6, 0, 6, 4, 0),
        (6, 2, 0),
        [(1, "RETURN"), (1, "CANCEL"), (2, "NO_RESTOCK")],
    ),
    (
        "put back at the other location",
        [fulfil(4), refund(2, "RETURN", WAREHOUSE)],
        (6, 0, 6, 4, 0),
        (4, 2, 0),
        [(2, "RETURN")],
    ),
]


@pytest.mark.parametrize(
    ("steps", "stock", "line", "refunds"), [life[1:] for life in LIVES], ids=[life[0] for life in LIVES]
)
def test_stock_and_order_move_together(
    steps: list[Step],
    stock: tuple[int, ...],
    line: tuple[int, int, int],
    refunds: list[tuple[int, str]],
    store: ShopifyStore,
) -> None:
    order = store.place_order({"DUCK": 4})
    for step in steps:
        step(store, order)
    truth = store.truth("DUCK")
    assert (truth.available, truth.committed, truth.on_hand, truth.taken, truth.open) == stock
    [found] = store.order(order).lines
    assert (found.quantity, found.current_quantity, found.unfulfilled) == line
    taken_off = [
        (each.quantity, str(each.restock_type)) for each in (r for x in store.order(order).refunds for r in x.lines)
    ]
    assert taken_off == refunds


@pytest.mark.parametrize(
    "step",
    [fulfil(5), fulfil(0), refund(5, "CANCEL"), refund(1, "RETURN"), refund(5, "NO_RESTOCK"), edit(-5), edit(0)],
    ids=["send five", "send none", "cancel five", "return what was not sent", "lose five", "take off five", "no edit"],
)
def test_what_cannot_be_done_raises_and_changes_nothing(step: Step, store: ShopifyStore) -> None:
    order = store.place_order({"DUCK": 4})
    before = store.truth("DUCK")
    with pytest.raises(ValueError, match=r"#1001|an edit changes something"):
        step(store, order)
    assert store.truth("DUCK") == before


def test_a_sent_unit_comes_back_once(store: ShopifyStore) -> None:
    order = store.place_order({"DUCK": 4})
    store.fulfil(order, {"DUCK": 2})
    store.refund(order, {"DUCK": 2}, "RETURN")
    with pytest.raises(ValueError, match="#1001: 1 units cannot be refunded as RETURN"):
        store.refund(order, {"DUCK": 1}, "RETURN")
    assert store.available("DUCK") == 8


def test_an_order_is_cancelled_once_and_then_not_edited(store: ShopifyStore) -> None:
    order = store.place_order({"DUCK": 4})
    store.cancel(order)
    for again in (lambda: store.cancel(order), lambda: store.edit(order, "DUCK", 1), lambda: store.fulfil(order)):
        with pytest.raises(ValueError, match="#1001"):
            again()


def test_nobody_buys_more_than_is_available(store: ShopifyStore) -> None:
    with pytest.raises(SoldOut, match="TEE-S: 4 wanted, 3 available at Store"):
        store.place_order({"DUCK": 1, "TEE-S": 4})
    assert (store.available("DUCK"), store.orders) == (10, [])


def test_an_edit_upwards_needs_stock_too(store: ShopifyStore) -> None:
    order = store.place_order({"TEE-S": 3})
    with pytest.raises(SoldOut):
        store.edit(order, "TEE-S", 1)


def test_a_store_told_to_oversell_goes_below_zero(store: ShopifyStore) -> None:
    store.place_order({"TEE-M": 2}, oversell=True)
    assert (store.available("TEE-M"), store.committed("TEE-M"), store.on_hand("TEE-M")) == (-2, 2, 0)


def test_orders_of_an_untracked_item_move_no_stock(store: ShopifyStore) -> None:
    store.untrack("DUCK")
    order = store.place_order({"DUCK": 20})
    store.fulfil(order, {"DUCK": 5})
    store.cancel(order)
    assert (store.available("DUCK"), store.committed("DUCK"), store.on_hand("DUCK")) == (10, 0, 10)


def test_an_order_at_the_second_location_leaves_the_first_alone(store: ShopifyStore) -> None:
    order = store.place_order({"DUCK": 2}, location=WAREHOUSE)
    assert (store.available("DUCK"), store.available("DUCK", WAREHOUSE)) == (10, 3)
    assert (store.truth("DUCK").open, store.truth("DUCK", WAREHOUSE).open) == (0, 2)
    store.refund(order, {"DUCK": 1}, "CANCEL", HOME)
    assert (store.available("DUCK"), store.committed("DUCK", WAREHOUSE)) == (11, 1)


def test_a_draft_reserves_and_becomes_an_order_or_not(store: ShopifyStore) -> None:
    store.reserve_draft("DUCK", 3)
    assert (store.truth("DUCK").available, store.truth("DUCK").reserved, store.on_hand("DUCK")) == (7, 3, 10)
    store.release_draft("DUCK", 1)
    store.place_order({"DUCK": 2}, from_draft=True)
    assert (store.truth("DUCK").available, store.truth("DUCK").reserved, store.committed("DUCK")) == (8, 0, 2)


def test_available_is_touched_only_when_it_moves(store: ShopifyStore, clock: ManualClock) -> None:
    order = store.place_order({"DUCK": 1})
    clock.advance(60)
    store.fulfil(order)
    level = store.level("DUCK")
    assert (level.touched["available"].minute, level.touched["committed"].minute, level.updated_at.minute) == (0, 1, 1)


def test_times_are_cut_to_the_second(store: ShopifyStore, clock: ManualClock) -> None:
    clock.advance(1.75)
    store.adjust("DUCK", -1)
    assert store.level("DUCK").updated_at.isoformat() == "2026-11-22T12:00:01+00:00"


def test_everything_that_happens_is_told_to_whoever_listens(store: ShopifyStore) -> None:
    heard: list[str] = []
    store.events.append(lambda event: heard.append(event.topic))
    order = store.place_order({"DUCK": 1})
    store.edit(order, "DUCK", -1)
    assert heard == [
        "products/update",
        "inventory_levels/update",
        "orders/create",
        "orders/paid",
        "products/update",
        "inventory_levels/update",
        "orders/edited",
        "orders/updated",
    ]


ORDER = """query($id: ID!) { order(id: $id) {
  test sourceName closedAt cancelledAt cancelReason edited
  displayFinancialStatus displayFulfillmentStatus
  subtotalPriceSet { ...M } totalTaxSet { ...M } totalDiscountsSet { ...M } totalShippingPriceSet { ...M }
  totalPriceSet { ...M } currentTotalPriceSet { ...M } totalRefundedSet { ...M } totalOutstandingSet { ...M }
  lineItems(first: 5) { nodes { sku quantity currentQuantity unfulfilledQuantity refundableQuantity
    originalTotalSet { ...M } discountedTotalSet { ...M } discountedUnitPriceAfterAllDiscountsSet { ...M }
    taxLines { title rate priceSet { ...M } } } }
  refunds { totalRefundedSet { ...M } refundLineItems(first: 5) { nodes { quantity restockType restocked
    location { id } subtotalSet { ...M } totalTaxSet { ...M } } } }
  fulfillments { status name location { id } fulfillmentLineItems(first: 5) { nodes { quantity lineItem { sku } } } }
  fulfillmentOrders(first: 5) { nodes { status assignedLocation { location { id } }
    lineItems(first: 5) { nodes { sku remainingQuantity totalQuantity } } } }
} } fragment M on MoneyBag { shopMoney { amount } }"""


def amounts(value: Any) -> Any:
    """Fold {shopMoney: {amount: x}} into x, so that expected values can be read."""
    if isinstance(value, dict):
        if list(value) == ["shopMoney"]:
            return value["shopMoney"]["amount"]
        return {name: amounts(inner) for name, inner in value.items()}
    return [amounts(each) for each in value] if isinstance(value, list) else value


async def told(ask: Ask, gid: str) -> dict[str, Any]:
    body = await ask(ORDER, id=gid)
    assert "errors" not in body
    found: dict[str, Any] = amounts(body["data"]["order"])
    return found


@pytest.mark.anyio
async def test_an_order_costs_its_goods_less_discount_plus_tax_and_shipping(ask: Ask, store: ShopifyStore) -> None:
    gid = store.place_order({"DUCK": 3, "TEE-S": 1}, discount=Decimal(5), shipping=Decimal("4.95"))
    order = await told(ask, gid)
    assert {name: value for name, value in order.items() if name.endswith("Set")} == {
        "subtotalPriceSet": "44.97",
        "totalTaxSet": "3.72",
        "totalDiscountsSet": "5.0",
        "totalShippingPriceSet": "4.95",
        "totalPriceSet": "53.64",
        "currentTotalPriceSet": "53.64",
        "totalRefundedSet": "0.0",
        "totalOutstandingSet": "0.0",
    }
    ducks, tee = order["lineItems"]["nodes"]
    assert (ducks["originalTotalSet"], ducks["discountedTotalSet"]) == ("29.97", "26.97")
    assert (tee["originalTotalSet"], tee["discountedTotalSet"]) == ("20.0", "18.0")
    assert ducks["taxLines"] == [{"title": "Sales Tax", "rate": 0.0825, "priceSet": "2.23"}]
    assert order["displayFinancialStatus"] == "PAID"


@pytest.mark.anyio
async def test_refunds_in_single_units_give_back_exactly_what_was_paid(ask: Ask, store: ShopifyStore) -> None:
    gid = store.place_order({"DUCK": 7}, discount=Decimal("1.01"))
    for _ in range(7):
        store.refund(gid, {"DUCK": 1}, "CANCEL")
    order = await told(ask, gid)
    assert order["totalPriceSet"] == "74.61"
    assert order["totalRefundedSet"] == "74.61"
    assert order["currentTotalPriceSet"] == "0.0"
    given = sum(Decimal(refund["totalRefundedSet"]) for refund in order["refunds"])
    assert given == Decimal("74.61")
    assert order["displayFinancialStatus"] == "REFUNDED"


@pytest.mark.anyio
async def test_an_edit_down_leaves_a_refund_without_money(ask: Ask, store: ShopifyStore) -> None:
    gid = store.place_order({"DUCK": 2})
    store.edit(gid, "DUCK", -1)
    order = await told(ask, gid)
    [refund_] = order["refunds"]
    assert refund_["totalRefundedSet"] == "0.0"
    [row] = refund_["refundLineItems"]["nodes"]
    assert row == {
        "quantity": 1,
        "restockType": "CANCEL",
        "restocked": True,
        "location": {"id": HOME},
        "subtotalSet": "9.99",
        "totalTaxSet": "0.83",
    }
    assert (order["edited"], order["totalRefundedSet"], order["currentTotalPriceSet"]) == (True, "0.0", "10.81")


@pytest.mark.anyio
async def test_an_edit_up_is_still_to_be_paid(ask: Ask, store: ShopifyStore) -> None:
    gid = store.place_order({"DUCK": 1})
    store.edit(gid, "DUCK", 1)
    store.edit(gid, "TEE-S", 1)
    order = await told(ask, gid)
    assert [(line["sku"], line["quantity"]) for line in order["lineItems"]["nodes"]] == [("DUCK", 2), ("TEE-S", 1)]
    assert (order["displayFinancialStatus"], order["totalOutstandingSet"]) == ("PARTIALLY_PAID", "32.47")


@pytest.mark.anyio
async def test_a_cancelled_order_is_closed_refunded_and_unfulfilled(ask: Ask, store: ShopifyStore) -> None:
    gid = store.place_order({"DUCK": 2}, shipping=Decimal(5))
    store.cancel(gid, restock=False)
    order = await told(ask, gid)
    assert (order["cancelledAt"], order["closedAt"]) == ("2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z")
    assert (order["cancelReason"], order["displayFinancialStatus"]) == ("CUSTOMER", "REFUNDED")
    assert order["displayFulfillmentStatus"] == "UNFULFILLED"
    assert order["totalRefundedSet"] == order["totalPriceSet"] == "26.63"
    [row] = order["refunds"][0]["refundLineItems"]["nodes"]
    assert (row["restockType"], row["restocked"], row["location"]) == ("NO_RESTOCK", False, None)
    assert order["fulfillmentOrders"]["nodes"][0]["status"] == "CANCELLED"


@pytest.mark.anyio
async def test_an_order_is_sent_in_parcels_from_its_location(ask: Ask, store: ShopifyStore) -> None:
    gid = store.place_order({"DUCK": 3}, test=True, location=WAREHOUSE, source_name="pos")
    store.fulfil(gid, {"DUCK": 1})
    order = await told(ask, gid)
    assert (order["test"], order["sourceName"]) == (True, "pos")
    assert order["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    assert order["fulfillments"] == [
        {
            "status": "SUCCESS",
            "name": "#1001-F1",
            "location": {"id": WAREHOUSE},
            "fulfillmentLineItems": {"nodes": [{"quantity": 1, "lineItem": {"sku": "DUCK"}}]},
        }
    ]
    [sending] = order["fulfillmentOrders"]["nodes"]
    assert sending["assignedLocation"] == {"location": {"id": WAREHOUSE}}
    assert sending["status"] == "IN_PROGRESS"
    assert sending["lineItems"]["nodes"] == [{"sku": "DUCK", "remainingQuantity": 2, "totalQuantity": 3}]
    store.fulfil(gid)
    order = await told(ask, gid)
    assert (order["displayFulfillmentStatus"], order["closedAt"]) == ("FULFILLED", "2026-11-22T12:00:00Z")
    assert order["fulfillmentOrders"]["nodes"][0]["status"] == "CLOSED"
