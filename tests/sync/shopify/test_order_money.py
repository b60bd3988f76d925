"""What an order is worth: from Shopify's money fields to whole cents, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from sync.errors import Code
from sync.model import OrderMoney
from sync.shopify.answers import Misshapen
from sync.shopify.order_money import (
    UnreadableOrderError,
    is_taxed,
    line_cents,
    order_money,
    order_number,
    without_tip,
)
from sync.shopify.order_shapes import Line, Order
from sync.shopify.wire import parse
from tests.sync.shopify.support import line_money, money, page
from tests.sync.shopify.support import order_money as order_money_fields

NOON = "2026-11-22T12:00:00Z"
REFUND = {"id": "gid://shopify/Refund/1", "refundLineItems": page([])}
SETS = {
    "total": "currentTotalPriceSet",
    "goods": "currentSubtotalPriceSet",
    "shipping": "currentShippingPriceSet",
    "tax": "currentTotalTaxSet",
    "tip": "totalTipReceivedSet",
    "duties": "currentTotalDutiesSet",
    "fees": "currentTotalAdditionalFeesSet",
    "received": "totalReceivedSet",
    "kept": "netPaymentSet",
    "owed": "totalOutstandingSet",
}


def order(status: str | None = "PAID", refunds: int = 0, cancelled: str | None = None, **more: Any) -> Order:
    """Return an order; amounts by the short names of `SETS`, other fields by their own."""
    amounts = {SETS[name]: money(more.pop(name)) for name in SETS if name in more}
    told = {
        "id": "gid://shopify/Order/1",
        "name": "#1001",
        "createdAt": NOON,
        "updatedAt": NOON,
        "cancelledAt": cancelled,
        "test": False,
        "lineItems": page([]),
        "refunds": [REFUND] * refunds,
        **order_money_fields("0.0", displayFinancialStatus=status),
    }
    return parse(Order, told | amounts | more)


def paid(total: str, **more: Any) -> Order:
    return order(total=total, received=total, kept=total, **more)


def usd(net: int, goods: int, **more: Any) -> OrderMoney:
    nothing = {"shipping": 0, "tax": 0, "tip": 0, "fees": 0, "touched": False, "currency": "USD"}
    return OrderMoney(**{**nothing, "net": net, "goods": goods, **more})


UNTOUCHED: dict[str, tuple[Order, OrderMoney]] = {
    "goods only": (paid("19.98", goods="19.98"), usd(1998, 1998)),
    "tax beside": (paid("21.63", goods="19.98", tax="1.65"), usd(2163, 1998, tax=165)),
    "tax included": (paid("19.98", goods="19.98", tax="1.52", taxesIncluded=True), usd(1998, 1998)),
    "shipping with its tax": (
        paid("31.9", goods="24.0", shipping="5.0", tax="2.9"),
        usd(3190, 2400, shipping=500, tax=290),
    ),
    "shipping, tax included": (
        paid("29.0", goods="24.0", shipping="5.0", tax="2.63", taxesIncluded=True),
        usd(2900, 2400, shipping=500),
    ),
    "tip": (paid("22.0", goods="20.0", tip="2.0"), usd(2200, 2000, tip=200)),
    "tip that the goods hold already": (paid("22.0", goods="22.0", tip="2.0"), usd(2200, 2000, tip=200)),
    "duties": (paid("23.0", goods="20.0", duties="3.0"), usd(2300, 2000, fees=300)),
    "duties within the other fees": (paid("24.0", goods="20.0", duties="3.0", fees="4.0"), usd(2400, 2000, fees=400)),
    "duties beside other fees": (paid("24.0", goods="20.0", duties="3.0", fees="1.0"), usd(2400, 2000, fees=400)),
    "duties within the prices": (
        paid("20.0", goods="20.0", duties="3.0", dutiesIncluded=True),
        usd(2000, 2000),
    ),
    "free": (paid("0.0", goods="0.0"), usd(0, 0)),
    "not yet paid": (order("PENDING", total="20.0", goods="20.0", owed="20.0"), usd(2000, 2000)),
    "without a status": (order(None, total="20.0", goods="20.0", owed="20.0"), usd(2000, 2000)),
    "authorized only": (order("AUTHORIZED", total="20.0", goods="20.0", owed="20.0"), usd(2000, 2000)),
    "yen": (paid("1200.0", goods="1200.0", currencyCode="JPY"), usd(120_000, 120_000, currency="JPY")),
    "as short as it gets": (paid("20", goods="20.00000"), usd(2000, 2000)),
}


@pytest.mark.parametrize(("told", "expected"), UNTOUCHED.values(), ids=UNTOUCHED.keys())
def test_an_untouched_orders_parts_are_its_net(told: Order, expected: OrderMoney) -> None:
    found = order_money(told)
    assert found == expected
    assert found.goods + found.shipping + found.tax + found.tip + found.fees == found.net


TOUCHED: dict[str, tuple[Order, OrderMoney]] = {
    "a part given back": (
        order("PARTIALLY_REFUNDED", 1, total="10.82", goods="10.0", tax="0.82", received="21.65", kept="10.82"),
        usd(1082, 1000, tax=82, touched=True),
    ),
    "all given back": (
        order("REFUNDED", 1, total="0.0", goods="0.0", received="20.0", kept="0.0"),
        usd(0, 0, touched=True),
    ),
    "shipping given back": (
        order("PARTIALLY_REFUNDED", 1, total="20.0", goods="20.0", shipping="0.0", received="25.0", kept="20.0"),
        usd(2000, 2000, touched=True),
    ),
    "goodwill that the total does not know of": (
        order("PARTIALLY_REFUNDED", 1, total="20.0", goods="20.0", received="20.0", kept="15.0"),
        usd(1500, 2000, touched=True),
    ),
    "goodwill that the total knows of": (
        order("PARTIALLY_REFUNDED", 1, total="15.0", goods="20.0", received="20.0", kept="15.0"),
        usd(1500, 2000, touched=True),
    ),
    "edited down, the money still ours": (
        order("PAID", 1, total="10.0", goods="10.0", received="20.0", kept="20.0", owed="-10.0", edited=True),
        usd(1000, 1000, touched=True),
    ),
    "edited up, not yet paid": (
        order("PARTIALLY_PAID", total="30.0", goods="30.0", received="20.0", kept="20.0", owed="10.0", edited=True),
        usd(3000, 3000, touched=True),
    ),
    "cancelled, money given back": (
        order("REFUNDED", 1, NOON, total="0.0", goods="0.0", received="20.0", kept="0.0"),
        usd(0, 0, touched=True),
    ),
    "cancelled, never paid": (order("VOIDED", 1, NOON, total="0.0", goods="0.0"), usd(0, 0, touched=True)),
    "cancelled, money still ours": (
        order("PAID", 1, NOON, total="0.0", goods="0.0", received="20.0", kept="20.0", owed="-20.0"),
        usd(0, 0, touched=True),
    ),
    "cancelled, money kept for good": (
        order("PAID", 0, NOON, total="20.0", goods="20.0", received="20.0", kept="20.0"),
        usd(2000, 2000, touched=True),
    ),
}


@pytest.mark.parametrize(("told", "expected"), TOUCHED.values(), ids=TOUCHED.keys())
def test_a_touched_order_is_worth_what_was_kept_or_is_owed(told: Order, expected: OrderMoney) -> None:
    assert order_money(told) == expected


def line(number: int = 1, quantity: int = 1, **more: Any) -> Line:
    told = {
        "id": f"gid://shopify/LineItem/{number}",
        "sku": "KAVA",
        "quantity": quantity,
        "unfulfilledQuantity": quantity,
        "variant": {"inventoryItem": {"id": "gid://shopify/InventoryItem/1"}},
        **line_money("10.0", quantity),
    }
    return parse(Line, told | more)


LINES: dict[str, tuple[Line, bool, int]] = {
    "no discount": (line(quantity=3), False, 3000),
    "a discount of its own": (line(quantity=3, **line_money("10.0", 3, "4.5")), False, 2550),
    "a code and its part of the order's": (line(quantity=3, **line_money("10.0", 3, "4.5", "3.33")), False, 2217),
    "a part in cents that do not divide": (line(quantity=3, **line_money("3.33", 3, "0.01")), False, 998),
    "all of it": (line(quantity=2, **line_money("10.0", 2, "20.0")), False, 0),
    "edited up: the original total lacks a unit": (line(quantity=3, **line_money("10.0", 2)), True, 3000),
    "edited down: removed units stay": (line(quantity=3, **line_money("10.0", 3, "3.0")), True, 2700),
    "another currency's rounding": (line(quantity=3, originalTotalSet=money("30.02")), False, 3002),
}


@pytest.mark.parametrize(("told", "edited", "expected"), LINES.values(), ids=LINES.keys())
def test_a_line_costs_all_its_units_after_all_discounts(told: Line, edited: bool, expected: int) -> None:
    assert line_cents(told, edited=edited) == expected


def test_an_orders_discount_reaches_its_lines_to_the_cent() -> None:
    thirds = [line(n, **line_money("10.0", 1, off)) for n, off in ((1, "3.33"), (2, "3.33"), (3, "3.34"))]
    assert sum(line_cents(one, edited=False) for one in thirds) == 2000


def test_more_discount_than_price_is_a_contradiction() -> None:
    with pytest.raises(UnreadableOrderError) as caught:
        line_cents(line(**line_money("10.0", 1, "10.01")), edited=False)
    assert caught.value.field == "lineItems.discountAllocations"


@pytest.mark.parametrize(("tax", "taxed"), [(None, False), ("0.0", False), ("0.83", True)])
def test_a_line_is_taxed_where_tax_was_charged(tax: str | None, taxed: bool) -> None:
    assert is_taxed(line(**line_money("10.0", 1, tax=tax))) is taxed


def test_the_line_that_is_the_tip_is_told_apart() -> None:
    anonymous: dict[str, Any] = {"variant": None, "sku": None}
    goods, custom, tip = line(1), line(2, **anonymous), line(3, **anonymous, **line_money("2.0"))
    assert without_tip([goods, custom, tip], 200, edited=False) == [goods, custom]
    assert without_tip([goods, custom], 0, edited=False) == [goods, custom]
    assert without_tip([goods], 1000, edited=False) == [goods], "goods at the tip's price stay"


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("#1001", 1001, "1001"),
        ("EN1001", 1001, "1001"),
        ("2026-1001-A", 1001, "1001"),
        ("WEB-52341", 7, "52341"),
        ("A1-B2", 1001, "12"),
        ("Ünïcödé٣", 1001, "1001"),
        ("#1001", None, "1001"),
        ("no digits", None, ""),
        ("9" * 60, 5, "9" * 20),
    ],
)
def test_an_order_is_known_by_the_digits_people_see(name: str, number: int | None, expected: str) -> None:
    assert order_number(name, number) == expected


@pytest.mark.parametrize(
    "amount",
    ["1.234", "0.001", "12345678901.0", "1e3", "NaN", "", "١", "1,5", 12.5, None],
    ids=[
        "three decimals",
        "a tenth of a cent",
        "huge",
        "power",
        "nan",
        "empty",
        "foreign digits",
        "comma",
        "float",
        "none",
    ],
)
def test_what_is_no_whole_number_of_cents_is_no_amount(amount: object) -> None:
    with pytest.raises(Misshapen) as caught:
        paid("1.0", goods="1.0", currentTotalTaxSet={"shopMoney": {"amount": amount}})
    assert (caught.value.code, caught.value.field) == (Code.SH007, "currentTotalTaxSet.shopMoney.amount")
