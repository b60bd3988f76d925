"""The till over the API: open, add, complete, refund, archive, and what it does to stock."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.lightspeed.state import LightspeedShop

pytestmark = pytest.mark.anyio

TILL = {"employeeID": 1, "registerID": 1, "shopID": 1}
DUCK = {"SaleLine": {"itemID": 1, "unitQuantity": 2}}


def paid(amount: float | str, kind: int = 7) -> dict[str, Any]:
    return {"SalePayment": {"amount": amount, "paymentTypeID": kind}}


async def opened(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post("Sale.json", json={**TILL, "SaleLines": DUCK, **more})
    assert answer.status_code == 200, answer.text
    sale: dict[str, Any] = answer.json()["Sale"]
    return sale


async def test_an_order_is_booked_by_draft_then_complete(
    client: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock
) -> None:
    draft = await opened(client, referenceNumber="order-7", referenceNumberSource="shopify", taxCategoryID=0)
    assert (draft["completed"], draft["calcTotal"], draft["ticketNumber"]) == ("false", "19.98", "220000000001")
    assert "completeTime" not in draft
    assert (shop.qoh("DUCK"), shop.booked("DUCK")) == (5, 0)
    clock.advance(3)
    body = {"completed": True, "SalePayments": paid(draft["calcTotal"])}
    done = (await client.put("Sale/1.json", json=body)).json()["Sale"]
    assert (done["completed"], done["balance"], done["calcPayments"]) == ("true", "0", "19.98")
    assert done["completeTime"] == done["timeStamp"] == done["updateTime"] == "2026-11-20T12:00:03+00:00"
    shop.sell("DUCK", 1)
    assert (shop.qoh("DUCK"), shop.booked("DUCK")) == (2, 2), "what the till sells is booked for nobody"
    found = (await client.get("Sale.json?referenceNumber=order-7")).json()["Sale"]
    assert (found["saleID"], found["referenceNumberSource"]) == ("1", "shopify")


async def test_a_sale_touches_the_two_stock_rows_and_not_the_item(
    client: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock
) -> None:
    clock.advance(60)
    shop.sell("DUCK", 1)
    touched = (await client.get("ItemShop.json?timeStamp=%3E%2C2026-11-20T12:00:00Z")).json()["ItemShop"]
    assert [(row["itemID"], row["shopID"], row["qoh"], row["timeStamp"]) for row in touched] == [
        ("1", "0", "4", "2026-11-20T12:01:00+00:00"),
        ("1", "1", "4", "2026-11-20T12:01:00+00:00"),
    ]
    assert (await client.get("Item/1.json")).json()["Item"]["timeStamp"] == "2026-11-20T12:00:00+00:00"


async def test_lines_put_without_an_id_pile_up(client: httpx.AsyncClient) -> None:
    await opened(client)
    for _ in range(2):
        answer = await client.put("Sale/1.json", json={"SaleLines": {"SaleLine": {"itemID": 2}}})
    lines = answer.json()["Sale"]["SaleLines"]["SaleLine"]
    assert [line["itemID"] for line in lines] == ["1", "2", "2"]
    changed = {"SaleLines": {"SaleLine": {"saleLineID": 1, "unitQuantity": 1}}}
    lines = (await client.put("Sale/1.json", json=changed)).json()["Sale"]["SaleLines"]["SaleLine"]
    assert [(line["itemID"], line["unitQuantity"]) for line in lines] == [("1", "1"), ("2", "1"), ("2", "1")]


async def test_payments_put_twice_pile_up_on_an_open_sale(client: httpx.AsyncClient) -> None:
    await opened(client, taxCategoryID=0)
    for _ in range(2):
        sale = (await client.put("Sale/1.json", json={"SalePayments": paid("19.98")})).json()["Sale"]
    assert (sale["calcPayments"], sale["balance"], sale["completed"]) == ("39.96", "-19.98", "false")


async def test_a_completed_sale_takes_no_second_completion(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    sale = await opened(client)
    body = {"completed": True, "SalePayments": paid(sale["calcTotal"])}
    assert (await client.put("Sale/1.json", json=body)).status_code == 200
    assert (await client.put("Sale/1.json", json=body)).status_code == 400
    assert (await client.put("Sale/1.json", json={"completed": True})).status_code == 200
    assert shop.qoh("DUCK") == 3


async def test_an_unbalanced_completion_leaves_an_open_sale(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    body = {**TILL, "completed": True, "referenceNumber": "r", "SaleLines": DUCK, "SalePayments": paid(1)}
    refused = await client.post("Sale.json", json=body)
    assert (refused.status_code, refused.json()["errorClass"]) == (400, "OutOfBalanceError")
    left = (await client.get("Sale.json?referenceNumber=r")).json()["Sale"]
    assert (left["saleID"], left["completed"]) == (refused.json()["saleID"], "false")
    assert shop.qoh("DUCK") == 5


async def test_cash_above_the_total_becomes_change(client: httpx.AsyncClient) -> None:
    body = {**TILL, "taxCategoryID": 0, "completed": True, "SaleLines": DUCK, "SalePayments": paid(100, kind=1)}
    sale = (await client.post("Sale.json", json=body)).json()["Sale"]
    assert (sale["change"], sale["SalePayments"]["SalePayment"]["amount"]) == ("80.02", "19.98")


async def test_a_free_sale_completes_without_payments(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    line = {"SaleLine": {"itemID": 1, "unitPrice": 0}}
    sale = (await client.post("Sale.json", json={**TILL, "completed": True, "SaleLines": line})).json()["Sale"]
    assert (sale["completed"], "SalePayments" in sale, shop.qoh("DUCK")) == ("true", False, 4)


async def test_no_tax_category_means_the_shops_and_zero_means_untaxed(client: httpx.AsyncClient) -> None:
    taxed, untaxed = await opened(client), await opened(client, taxCategoryID=0)
    assert (taxed["taxCategoryID"], taxed["calcTax1"], taxed["calcTax2"], taxed["calcTotal"]) == (
        "1",
        "1",
        "1.99",
        "22.97",
    )
    assert taxed["SaleLines"]["SaleLine"]["calcTotal"] == "22.972005"
    assert (untaxed["calcTotal"], untaxed["SaleLines"]["SaleLine"]["tax"]) == ("19.98", "false")


async def test_a_line_discount_is_a_fraction_rounded_to_cents(client: httpx.AsyncClient) -> None:
    line = {"SaleLine": {"itemID": 1, "unitPrice": "24.99", "discountPercent": "0.4"}}
    sale = await opened(client, SaleLines=line, taxCategoryID=0)
    assert (sale["calcDiscount"], sale["calcTotal"]) == ("10", "14.99")
    assert sale["SaleLines"]["SaleLine"]["displayableSubtotal"] == "14.99"


@pytest.mark.parametrize("code", ["1", "012345678905", "210000000001"], ids=["itemID", "upc", "systemSku"])
async def test_a_line_may_name_its_item_by_code(client: httpx.AsyncClient, code: str) -> None:
    sale = await opened(client, SaleLines={"SaleLine": {"itemCode": code}})
    assert sale["SaleLines"]["SaleLine"]["itemID"] == "1"


@pytest.mark.parametrize(
    "change",
    [
        {"employeeID": None},
        {"registerID": 0},
        {"shopID": 0},
        {"shopID": 9},
        {"registerID": 9},
        {"customerID": 99},
        {"taxCategoryID": 9},
        {"completeTime": "2026-11-20T13:00:00+00:00"},
        {"completeTime": "soon"},
        {"SaleLines": {"SaleLine": {"itemID": 99}}},
        {"SaleLines": {"SaleLine": {"itemCode": "nonsense"}}},
        {"SaleLines": {"SaleLine": {"itemID": 1, "unitQuantity": 1.5}}},
        {"SaleLines": {"SaleLine": {"itemID": 1, "unitPrice": "cheap"}}},
        {"SaleLines": "nonsense"},
        {"SalePayments": paid(1, kind=99)},
        {"completed": "perhaps"},
    ],
)
async def test_a_bad_sale_is_refused_and_not_stored(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    answer = await client.post("Sale.json", json={**TILL, "SaleLines": DUCK, **change})
    assert answer.status_code == 400
    assert (await client.get("Sale.json?count=1")).json()["@attributes"]["count"] == "0"


async def test_a_sale_may_be_backdated(client: httpx.AsyncClient) -> None:
    body = {**TILL, "completed": True, "SaleLines": {"SaleLine": {"itemID": 1, "unitPrice": 0}}}
    sale = (await client.post("Sale.json", json={**body, "completeTime": "2026-11-19T10:00:00-0400"})).json()["Sale"]
    assert (sale["completeTime"], sale["timeStamp"]) == ("2026-11-19T14:00:00+00:00", "2026-11-20T12:00:00+00:00")


async def test_an_open_sale_can_be_archived_and_a_completed_one_cannot(
    client: httpx.AsyncClient, shop: LightspeedShop
) -> None:
    await opened(client)
    assert (await client.delete("Sale/1.json")).json()["Sale"]["archived"] == "true"
    completed = shop.sell("DUCK", 1)
    assert (await client.delete(f"Sale/{completed}.json")).status_code == 400
    assert (await client.get("Sale.json?count=1")).json()["@attributes"]["count"] == "2"


async def test_a_part_is_refunded_as_a_new_sale_and_never_more_than_was_sold(
    client: httpx.AsyncClient, shop: LightspeedShop
) -> None:
    shop.sell("DUCK", 2)
    line = {"SaleLine": {"itemID": 1, "unitQuantity": -1, "parentSaleLineID": 1}}
    body = {**TILL, "SaleLines": line, "SalePayments": {"SalePayment": {"paymentTypeID": 1}}}
    refund = (await client.post("Sale/220000000001/refund.json", json=body)).json()["Sale"]
    assert (refund["saleID"], refund["completed"], refund["calcTotal"]) == ("2", "true", "-11.49")
    assert refund["SaleLines"]["SaleLine"]["parentSaleLineID"] == "1"
    assert shop.qoh("DUCK") == 4
    assert (await client.post("Sale/1/refund.json", json=body)).status_code == 200
    assert (await client.post("Sale/1/refund.json", json=body)).status_code == 400
    assert shop.qoh("DUCK") == 5


async def test_a_refund_may_stay_open(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.sell("DUCK", 1)
    body = {**TILL, "completed": False, "SalePayments": {"SalePayment": {"paymentTypeID": 1}}}
    assert (await client.post("Sale/1/refund.json", json=body)).json()["Sale"]["completed"] == "false"
    assert shop.qoh("DUCK") == 4


async def test_only_a_completed_sale_is_refunded(client: httpx.AsyncClient) -> None:
    await opened(client)
    body = {**TILL, "SalePayments": {"SalePayment": {"paymentTypeID": 1}}}
    assert (await client.post("Sale/1/refund.json", json=body)).status_code == 400
    assert (await client.post("Sale/77/refund.json", json=body)).status_code == 404


async def test_a_line_is_added_by_its_own_path(client: httpx.AsyncClient) -> None:
    await opened(client, taxCategoryID=0)
    line = (await client.post("Sale/1/SaleLine.json", json={"itemID": 2})).json()["SaleLine"]
    assert (line["saleID"], line["itemID"], line["unitPrice"]) == ("1", "2", "20")
    assert (await client.get("Sale/1.json")).json()["Sale"]["calcTotal"] == "39.98"
    assert (await client.get("SaleLine.json?saleID=1&count=1")).json()["@attributes"]["count"] == "2"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "InventoryCount.json"),
        ("GET", "Order.json"),
        ("GET", "Sale/1/x/y.json"),
        ("GET", "Sale/1/Nope.json"),
    ],
)
async def test_what_is_not_pretended_is_an_unknown_endpoint(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await client.request(method, path, json={})).status_code == 404


async def test_goods_taken_back_by_hand_name_the_line_they_were_sold_by(
    client: httpx.AsyncClient, shop: LightspeedShop
) -> None:
    sold = await opened(client, taxCategoryID=0)
    await client.put("Sale/1.json", json={"completed": True, "SalePayments": paid("19.98")})
    line = {"itemID": 1, "unitQuantity": -1, "unitPrice": "9.99", "parentSaleLineID": 1}
    assert sold["SaleLines"]["SaleLine"]["saleLineID"] == "1"
    back = {**TILL, "taxCategoryID": 0, "SaleLines": {"SaleLine": line}}
    assert (await client.post("Sale.json", json=back)).json()["Sale"]["calcTotal"] == "-9.99"
    done = await client.put("Sale/2.json", json={"completed": True, "SalePayments": paid("-9.99")})
    assert done.json()["Sale"]["SaleLines"]["SaleLine"]["parentSaleLineID"] == "1"
    logs = (await client.get("InventoryLog.json")).json()["InventoryLog"]
    assert [(row["saleID"], row["qohChange"], row["reason"]) for row in logs] == [
        ("1", "-2", "RemoveForTransaction"),
        ("2", "1", "RefundAddInventory"),
    ]
    assert shop.qoh("DUCK") == 4
    line["parentSaleLineID"] = 77
    assert (await client.post("Sale.json", json=back)).status_code == 400


async def test_a_sale_is_searched_by_reference_exactly_or_by_pattern_and_references_may_repeat(
    client: httpx.AsyncClient,
) -> None:
    for reference in ("SH-1001-1", "SH-1001-1", "sh-1001-1", "SH-1001-10"):
        await opened(client, referenceNumber=reference)

    async def found(query: str) -> list[str]:
        rows = (await client.get(f"Sale.json?referenceNumber={query}")).json()["Sale"]
        return [row["saleID"] for row in (rows if isinstance(rows, list) else [rows])]

    assert await found("SH-1001-1") == ["1", "2", "3"]  # the database's collation knows no case
    assert await found("~%2CSH-1001-1") == ["1", "2", "3"]
    assert await found("~%2CSH-1001-1%25") == ["1", "2", "3", "4"]


async def test_a_new_sale_may_be_searched_later_than_it_is_there(
    client: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock
) -> None:
    await opened(client, referenceNumber="old")
    shop.find_sales_after(2)
    await opened(client, referenceNumber="new")
    assert (await client.get("Sale.json")).json()["Sale"]["saleID"] == "1"
    assert (await client.get("Sale.json?count=1")).json() == {"@attributes": {"count": "1"}}
    assert (await client.get("Sale/2.json")).json()["Sale"]["referenceNumber"] == "new"
    clock.advance(2)
    assert len((await client.get("Sale.json")).json()["Sale"]) == 2


async def test_a_shop_may_take_sales_at_open_registers_only(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.close_register()
    draft = await opened(client, taxCategoryID=0)
    body = {"completed": True, "SalePayments": paid(draft["calcTotal"])}
    shop.require_open_registers()
    refused = [
        await client.post("Sale.json", json={**TILL, "SaleLines": DUCK}),
        await client.put("Sale/1.json", json=body),
    ]
    assert [(answer.status_code, answer.json()["message"]) for answer in refused] == [
        (400, "The register is not open."),
        (400, "The register is not open."),
    ]
    assert shop.qoh("DUCK") == 5
