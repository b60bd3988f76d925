"""What an order and its lines cost: discounts, taxes, shipping, tips, and money given back for no goods."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.shopify.model import RestockType
from sandbox.shopify.order_model import Tax
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import GOODS, HOME, WAREHOUSE, Ask
from tests.sandbox.shopify.test_orders import amounts

pytestmark = pytest.mark.anyio

# subtotal, shipping, tax, tip, total, received, kept, outstanding
Money = tuple[str, str, str, str, str, str, str, str]
ORDER = """query($id: ID!) { order(id: $id) {
  number edited taxesIncluded dutiesIncluded displayFinancialStatus
  currentTotalDutiesSet { ...M } currentTotalAdditionalFeesSet { ...M } refundDiscrepancySet { ...M }
  currentSubtotalPriceSet { ...M } currentShippingPriceSet { ...M } currentTotalTaxSet { ...M }
  totalTipReceivedSet { ...M } currentTotalPriceSet { ...M } totalReceivedSet { ...M } netPaymentSet { ...M }
  totalOutstandingSet { ...M } totalTaxSet { ...M } totalPriceSet { ...M }
  lineItems(first: 9) { nodes { sku title quantity unfulfilledQuantity isGiftCard taxable requiresShipping
    variant { id } product { id } originalTotalSet { ...M } originalUnitPriceSet { ...M }
    discountAllocations { allocatedAmountSet { ...M } } taxLines { priceSet { ...M } } } }
  fulfillmentOrders(first: 5) { nodes { lineItems(first: 9) { nodes { sku } } } }
  refunds { totalRefundedSet { ...M } refundLineItems(first: 9) { nodes { quantity } }
    orderAdjustments(first: 9) { nodes { id reason amountSet { ...M } taxAmountSet { ...M } } }
    refundShippingLines(first: 9) { nodes { subtotalAmountSet { ...M } taxAmountSet { ...M } } } }
} } fragment M on MoneyBag { shopMoney { amount } }"""
SETS = (
    "currentSubtotalPriceSet",
    "currentShippingPriceSet",
    "currentTotalTaxSet",
    "totalTipReceivedSet",
    "currentTotalPriceSet",
    "totalReceivedSet",
    "netPaymentSet",
    "totalOutstandingSet",
)
FIVE = Decimal(5)


async def told(ask: Ask, gid: str) -> dict[str, Any]:
    body = await ask(ORDER, id=gid)
    assert "errors" not in body
    found: dict[str, Any] = amounts(body["data"]["order"])
    return found


def tees(store: ShopifyStore, **more: Any) -> str:
    """Sell two tees of 20.00 each, without tax on anything but them (8.25 %)."""
    return store.place_order({"TEE-S": 2}, **more)


Step = Callable[[ShopifyStore, str], object]
CASES: dict[str, tuple[dict[str, Any], list[Step], str, Money]] = {
    "paid": ({}, [], "PAID", ("40.0", "0.0", "3.3", "0.0", "43.3", "43.3", "43.3", "0.0")),
    "not paid": ({"paid": False}, [], "PENDING", ("40.0", "0.0", "3.3", "0.0", "43.3", "0.0", "0.0", "43.3")),
    "free": ({"discount": Decimal(40)}, [], "PAID", ("0.0", "0.0", "0.0", "0.0", "0.0", "0.0", "0.0", "0.0")),
    "shipping and tip": (
        {"shipping": FIVE, "tip_cents": 250},
        [],
        "PAID",
        ("40.0", "5.0", "3.3", "2.5", "50.8", "50.8", "50.8", "0.0"),
    ),
    "a unit given back": (
        {},
        [lambda store, gid: store.refund(gid, {"TEE-S": 1}, "CANCEL")],
        "PARTIALLY_REFUNDED",
        ("20.0", "0.0", "1.65", "0.0", "21.65", "43.3", "21.65", "0.0"),
    ),
    "goodwill": (
        {},
        [lambda store, gid: store.refund_money(gid, FIVE)],
        "PARTIALLY_REFUNDED",
        ("40.0", "0.0", "3.3", "0.0", "43.3", "43.3", "38.3", "0.0"),
    ),
    "goodwill, then everything given back": (
        {},
        [lambda store, gid: store.refund_money(gid, FIVE), lambda store, gid: store.cancel(gid)],
        "REFUNDED",
        ("0.0", "0.0", "0.0", "0.0", "0.0", "43.3", "0.0", "0.0"),
    ),
    "shipping given back": (
        {"shipping": FIVE},
        [lambda store, gid: store.refund_money(gid, Decimal(2), shipping=True)],
        "PARTIALLY_REFUNDED",
        ("40.0", "3.0", "3.3", "0.0", "46.3", "48.3", "46.3", "0.0"),
    ),
    "edited down: owed to the customer": (
        {},
        [lambda store, gid: store.edit(gid, "TEE-S", -1)],
        "PAID",
        ("20.0", "0.0", "1.65", "0.0", "21.65", "43.3", "43.3", "-21.65"),
    ),
    "cancelled, money given back": (
        {"shipping": FIVE},
        [lambda store, gid: store.cancel(gid)],
        "REFUNDED",
        ("0.0", "0.0", "0.0", "0.0", "0.0", "48.3", "0.0", "0.0"),
    ),
    "cancelled, money not yet given back": (
        {"shipping": FIVE},
        [lambda store, gid: store.cancel(gid, pay_back=False)],
        "PAID",
        ("0.0", "0.0", "0.0", "0.0", "0.0", "48.3", "48.3", "-48.3"),
    ),
}


@pytest.mark.parametrize(
    ("asked", "steps", "expected"), [(a, s, (p, m)) for a, s, p, m in CASES.values()], ids=CASES.keys()
)
async def test_an_orders_money_follows_what_is_done_to_it(
    ask: Ask, store: ShopifyStore, asked: dict[str, Any], steps: list[Step], expected: tuple[str, Money]
) -> None:
    gid = tees(store, **asked)
    for step in steps:
        step(store, gid)
    order = await told(ask, gid)
    assert (order["displayFinancialStatus"], tuple(order[name] for name in SETS)) == expected


@pytest.fixture
def tax() -> Tax:
    return Tax(Decimal("0.0825"))


@pytest.fixture
def store(clock: ManualClock, tax: Tax) -> ShopifyStore:
    return ShopifyStore(GOODS, clock=clock, seed=7, tax=tax)


TAXES: dict[str, tuple[Tax, Money]] = {
    "on shipping too": (
        Tax(Decimal("0.1"), on_shipping=True),
        ("40.0", "5.0", "4.5", "0.0", "49.5", "49.5", "49.5", "0.0"),
    ),
    "in the prices": (
        Tax(Decimal("0.21"), included=True),
        ("40.0", "5.0", "6.94", "0.0", "45.0", "45.0", "45.0", "0.0"),
    ),
    "in the prices and in shipping": (
        Tax(Decimal("0.21"), included=True, on_shipping=True),
        ("40.0", "5.0", "7.81", "0.0", "45.0", "45.0", "45.0", "0.0"),
    ),
}


@pytest.mark.parametrize(("tax", "money"), TAXES.values(), ids=TAXES.keys())
async def test_a_shop_is_taxed_in_its_way(ask: Ask, store: ShopifyStore, tax: Tax, money: Money) -> None:
    gid = tees(store, shipping=FIVE)
    order = await told(ask, gid)
    assert tuple(order[name] for name in SETS) == money
    assert order["taxesIncluded"] is tax.included
    store.cancel(gid)
    assert (await told(ask, gid))["netPaymentSet"] == "0.0", "what was paid is given back whole"


async def test_each_discount_is_allocated_to_its_lines_to_the_cent(ask: Ask, store: ShopifyStore) -> None:
    gid = store.place_order(
        {"DUCK": 3, "TEE-S": 1}, discount=Decimal("1.01"), line_discounts={"DUCK": Decimal("2.97")}, tip_cents=100
    )
    order = await told(ask, gid)
    off = [[each["allocatedAmountSet"] for each in line["discountAllocations"]] for line in order["lineItems"]["nodes"]]
    assert off == [["2.97", "0.58"], ["0.43"], []]
    assert order["currentSubtotalPriceSet"] == "45.99"


@pytest.mark.parametrize("off", [{"discount": Decimal("40.01")}, {"line_discounts": {"TEE-S": Decimal(41)}}])
def test_no_discount_is_more_than_the_price(store: ShopifyStore, off: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no discount is more than the goods cost"):
        tees(store, **off)
    assert (store.orders, store.available("TEE-S")) == ([], 3)


async def test_a_tip_is_a_line_without_a_variant_that_nobody_sends(ask: Ask, store: ShopifyStore) -> None:
    order = await told(ask, tees(store, tip_cents=250))
    tip = order["lineItems"]["nodes"][1]
    assert tip == {
        "sku": None,
        "title": "Tip",
        "quantity": 1,
        "unfulfilledQuantity": 0,
        "isGiftCard": False,
        "taxable": False,
        "requiresShipping": False,
        "variant": None,
        "product": None,
        "originalTotalSet": "2.5",
        "originalUnitPriceSet": "2.5",
        "discountAllocations": [],
        "taxLines": [],
    }
    assert order["fulfillmentOrders"]["nodes"][0]["lineItems"]["nodes"] == [{"sku": "TEE-S"}]


async def test_a_gift_card_is_neither_taxed_nor_counted(ask: Ask, store: ShopifyStore) -> None:
    store.gift_card("TEE-S")
    order = await told(ask, tees(store))
    [line] = order["lineItems"]["nodes"]
    assert (line["isGiftCard"], line["taxable"], line["taxLines"]) == (True, False, [])
    assert (order["currentTotalTaxSet"], order["currentTotalPriceSet"]) == ("0.0", "40.0")
    assert (store.available("TEE-S"), store.committed("TEE-S")) == (3, 0)


async def test_a_deleted_variant_leaves_its_lines_without_one(ask: Ask, store: ShopifyStore) -> None:
    gid = tees(store)
    item = store.item("TEE-S")
    store.delete_variant("TEE-S")
    [line] = (await told(ask, gid))["lineItems"]["nodes"]
    assert (line["sku"], line["variant"], line["product"]) == ("TEE-S", None, None)
    store.cancel(gid)
    body = await ask(
        "query($ids: [ID!]!, $place: ID!) { nodes(ids: $ids) { id } productVariants(first: 9) { nodes { sku } }"
        " location(id: $place) { inventoryLevels(first: 9) { nodes { item { sku } } } } }",
        ids=[item.id, item.variant.id],
        place=HOME,
    )
    assert body["data"]["nodes"] == [None, None]
    assert [row["sku"] for row in body["data"]["productVariants"]["nodes"]] == ["DUCK", "TEE-M", "GONE", "kava "]
    levels = body["data"]["location"]["inventoryLevels"]["nodes"]
    assert "TEE-S" not in [row["item"]["sku"] for row in levels]


async def test_a_sent_unit_of_a_deleted_variant_comes_back_to_no_shelf(ask: Ask, store: ShopifyStore) -> None:
    gid = tees(store)
    store.fulfil(gid)
    store.delete_variant("TEE-S")
    [line] = store.order(gid).lines
    store.order_book.refund(store.order(gid), {line: 1}, RestockType.RETURN, store.home)
    assert (await told(ask, gid))["refunds"][0]["refundLineItems"]["nodes"] == [{"quantity": 1}]


async def test_goodwill_is_an_adjustment_and_no_goods(ask: Ask, store: ShopifyStore) -> None:
    gid = tees(store)
    store.refund_money(gid, FIVE)
    order = await told(ask, gid)
    [refund] = order["refunds"]
    [adjustment] = refund["orderAdjustments"]["nodes"]
    assert (refund["totalRefundedSet"], refund["refundLineItems"]["nodes"]) == ("5.0", [])
    assert (adjustment["reason"], adjustment["amountSet"]) == ("REFUND_DISCREPANCY", "-5.0")
    assert order["refundDiscrepancySet"] == "-5.0"
    body = await ask("query($id: ID!) { node(id: $id) { __typename id } }", id=adjustment["id"])
    assert body["data"]["node"] == {"__typename": "OrderAdjustment", "id": adjustment["id"]}


@pytest.mark.parametrize("tax", [Tax(Decimal("0.1"), on_shipping=True)])
async def test_shipping_is_given_back_with_its_tax(ask: Ask, store: ShopifyStore) -> None:
    gid = tees(store, shipping=FIVE)
    store.refund_money(gid, Decimal(2), shipping=True)
    [refund] = (await told(ask, gid))["refunds"]
    assert refund["totalRefundedSet"] == "2.2"
    assert refund["refundShippingLines"]["nodes"] == [{"subtotalAmountSet": "2.0", "taxAmountSet": "0.2"}]
    assert refund["orderAdjustments"]["nodes"] == []


@pytest.mark.parametrize(("amount", "shipping"), [(0, False), ("-1", False), ("43.31", False), ("5.01", True)])
def test_no_more_money_goes_back_than_came_in(store: ShopifyStore, amount: Any, shipping: bool) -> None:
    gid = tees(store)
    with pytest.raises(ValueError, match="cents cannot be given back"):
        store.refund_money(gid, Decimal(amount), shipping=shipping)
    assert store.order(gid).refunds == []


async def test_the_original_total_is_that_of_the_time_of_ordering(ask: Ask, store: ShopifyStore) -> None:
    gid = tees(store)
    store.edit(gid, "TEE-S", 1)
    [line] = (await told(ask, gid))["lineItems"]["nodes"]
    assert (line["quantity"], line["originalTotalSet"], line["originalUnitPriceSet"]) == (3, "40.0", "20.0")


async def test_an_order_elsewhere_and_a_test_order_cost_as_any_other(ask: Ask, store: ShopifyStore) -> None:
    for gid in (store.place_order({"DUCK": 1}, location=WAREHOUSE), store.place_order({"DUCK": 1}, test=True)):
        assert (await told(ask, gid))["currentTotalPriceSet"] == "10.81"
