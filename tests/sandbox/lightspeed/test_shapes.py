"""The pretend answers have the keys and the string types of answers recorded from the live API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.lightspeed.state import LightspeedShop

pytestmark = [pytest.mark.anyio, pytest.mark.shared]

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "data" / "lightspeed"
HOST = "https://api.lightspeedapp.com"
TILL = {"employeeID": 1, "registerID": 1, "shopID": 1}
DUCK_LINE = {"SaleLine": [{"itemID": 1, "unitQuantity": 1}, {"itemID": 2, "unitQuantity": 1}]}


def recorded(name: str) -> Any:
    path = RECORDINGS / f"{name}.json"
    if not path.exists():
        pytest.skip(f"the folder of recordings is absent: {RECORDINGS}")
    return json.loads(path.read_text())["response"]["body"]


def keys(value: Any) -> set[str]:
    """Return the key paths of a body; the rows of a collection count as one."""
    if isinstance(value, list):
        return set().union(*(keys(row) for row in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    return {path for name, inner in value.items() for path in (name, *(f"{name}.{below}" for below in keys(inner)))}


def scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [each for inner in value.values() for each in scalars(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in scalars(inner)]
    return [value]


NOT_PRETENDED = {
    "ItemShops.ItemShop.m",  # deprecated, its successors are there
    "Note",
    "ItemVendorNums.ItemVendorNum",
    "CustomFieldValues.CustomFieldValue",
    "ItemComponents.ItemComponent",
    "itemECommerceID",
    "TaxCategory.TaxCategoryClasses",
    "Customer",
}


def missing(wanted: Any, got: Any) -> set[str]:
    """Return the recorded keys that the pretend answer lacks, beyond what it does not pretend to have."""
    lacking = keys(wanted) - keys(got)
    return {path for path in lacking if not any(path == no or path.startswith(f"{no}.") for no in NOT_PRETENDED)}


@pytest.mark.parametrize(
    ("name", "resource", "path"),
    [
        ("doc_itemshop_list", "ItemShop", "ItemShop.json?shopID=0&limit=1"),
        ("doc_category_list", "Category", "Category.json"),
        ("doc_paymenttype_list", "PaymentType", "PaymentType.json"),
        ("doc_register_list", "Register", "Register.json"),
        ("doc_shop_list", "Shop", "Shop.json"),
        ("doc_tag_list", "Tag", "Tag.json"),
        ("rec_item_filter_single_object", "Item", "Item.json?itemID=1&load_relations=all"),
        ("rec_item_list_qoh_evidence", "Item", "Item.json?load_relations=all"),
    ],
)
async def test_a_list_has_the_recorded_keys(client: httpx.AsyncClient, name: str, resource: str, path: str) -> None:
    wanted, got = recorded(name), (await client.get(path)).json()
    assert missing(wanted[resource], got[resource]) == set()
    assert {type(each) for each in scalars(got)} == {str}
    assert set(got["@attributes"]) == {"next", "previous"}


async def test_a_created_item_has_the_recorded_keys(client: httpx.AsyncClient) -> None:
    got = (await client.post("Item.json", json={"description": "Onesie"})).json()
    for name in ("rec_item_create", "doc_item_create"):
        assert missing(recorded(name)["Item"], got["Item"]) == set()
    assert got["Item"]["ItemShops"]["ItemShop"][0]["shopID"] == "1"
    assert got["Item"]["ItemShops"]["ItemShop"][1]["shopID"] == "0"
    assert {type(each) for each in scalars(got)} == {str}


async def test_an_item_made_as_documented_is_answered_as_documented(client: httpx.AsyncClient) -> None:
    wanted = recorded("doc_item_create")["Item"]
    body = json.loads((RECORDINGS / "doc_item_create.json").read_text())["request"]["body"]
    got = (await client.post("Item.json", json=body)).json()["Item"]
    assert {name: got[name] for name in body} == {name: wanted[name] for name in body}


async def test_an_archived_item_has_the_recorded_keys(client: httpx.AsyncClient) -> None:
    got = (await client.delete("Item/1.json")).json()
    assert missing(recorded("rec_item_archive_delete")["Item"], got["Item"]) == set()
    assert got["Item"]["archived"] == "true"


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("rec_sale_create_empty_open", {**TILL, "taxCategoryID": 0}),
        ("rec_sale_create_with_line_open", {**TILL, "taxCategoryID": 0, "SaleLines": [{"SaleLine": {"itemID": 1}}]}),
    ],
)
async def test_an_open_sale_has_the_recorded_keys(
    client: httpx.AsyncClient, name: str, payload: dict[str, Any]
) -> None:
    wanted, got = recorded(name), (await client.post("Sale.json", json=payload)).json()
    assert missing(wanted["Sale"], got["Sale"]) == set()
    assert "completeTime" not in got["Sale"]
    assert {"SaleLines", "SalePayments"} & wanted["Sale"].keys() == {"SaleLines", "SalePayments"} & got["Sale"].keys()
    assert {type(each) for each in scalars(got)} == {str}


async def test_a_completed_sale_has_the_recorded_keys_and_figures(client: httpx.AsyncClient) -> None:
    payment = {"SalePayment": {"amount": 34.48, "paymentTypeID": 1}}
    sold = await client.post(
        "Sale.json", json={**TILL, "completed": True, "SaleLines": DUCK_LINE, "SalePayments": payment}
    )
    wanted, got = recorded("doc_sale_create_completed"), sold.json()
    assert missing(wanted["Sale"], got["Sale"]) == set()
    figures = ("calcSubtotal", "calcTax1", "calcTax2", "calcTotal", "calcPayments", "balance", "change", "total")
    assert {name: got["Sale"][name] for name in figures} == {name: wanted["Sale"][name] for name in figures}
    for name in ("calcTax1", "calcTax2", "calcTotal", "unitPrice", "displayableSubtotal"):
        lines, samples = got["Sale"]["SaleLines"]["SaleLine"], wanted["Sale"]["SaleLines"]["SaleLine"]
        assert [line[name] for line in lines] == [line[name] for line in samples]


async def test_a_full_refund_has_the_recorded_keys_and_figures(client: httpx.AsyncClient) -> None:
    payment = {"SalePayment": {"amount": 34.48, "paymentTypeID": 1}}
    await client.post("Sale.json", json={**TILL, "completed": True, "SaleLines": DUCK_LINE, "SalePayments": payment})
    refund = {**TILL, "SalePayments": {"SalePayment": {"paymentTypeID": 1}}}
    got = (await client.post("Sale/1/refund.json", json=refund)).json()
    wanted = recorded("doc_sale_refund_full")
    assert missing(wanted["Sale"], got["Sale"]) == set()
    figures = ("calcSubtotal", "calcTaxable", "calcTax1", "calcTax2", "calcTotal", "calcPayments", "taxTotal")
    assert {name: got["Sale"][name] for name in figures} == {name: wanted["Sale"][name] for name in figures}
    assert [line["parentSaleLineID"] for line in got["Sale"]["SaleLines"]["SaleLine"]] == ["1", "2"]


async def test_a_sale_list_has_the_recorded_keys(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.sell("DUCK", 1)
    got = (await client.get("Sale.json?load_relations=all")).json()["Sale"]
    lacking = missing(recorded("rec_sale_list_completed")["Sale"], got)
    assert {path for path in lacking if ".Note" not in path} == {"SaleLines.SaleLine.Item.itemECommerceID"}


@pytest.mark.parametrize(
    ("name", "method", "path", "payload"),
    [
        ("rec_error_400_item_create", "POST", "Item.json", {"description": ""}),
        ("rec_error_400_category", "POST", "Category.json", {"name": ""}),
        ("rec_error_404_employee", "GET", "Employee/2000.json", None),
    ],
)
async def test_an_error_body_is_as_recorded(
    client: httpx.AsyncClient, name: str, method: str, path: str, payload: dict[str, Any] | None
) -> None:
    answer = await client.request(method, path, json=payload)
    wanted = json.loads(json.dumps(recorded(name)).replace("'2'", "'2000'"))
    assert answer.json() == wanted
    assert answer.headers["content-type"] == "text/html; charset=UTF-8"


async def test_an_unbalanced_sale_is_refused_with_the_recorded_keys(client: httpx.AsyncClient) -> None:
    line = {"SaleLine": {"itemID": 1}}
    answer = await client.post("Sale.json", json={**TILL, "completed": True, "SaleLines": line})
    assert answer.status_code == 400
    assert set(answer.json()) == set(recorded("err_400_out_of_balance"))
    assert answer.json()["errorClass"] == "OutOfBalanceError"
    assert answer.json()["saleID"] == "1"


async def test_both_shapes_of_401_are_as_recorded(stranger: httpx.AsyncClient) -> None:
    without = await stranger.get("Item.json")
    assert (without.status_code, without.json()) == (401, recorded("rec_error_401_bad_credentials"))
    assert without.headers["www-authenticate"] == 'Basic realm="MerchantOS API"'
    wrong = await stranger.get("Item.json", headers={"Authorization": "Bearer nonsense"})
    assert (wrong.status_code, wrong.json()) == (401, recorded("doc_oauth_401_expired"))


async def test_account_and_session_are_not_wrapped(client: httpx.AsyncClient) -> None:
    account = (await client.get(f"{HOST}/API/V3/Account/123456.json")).json()
    lacking = keys(recorded("doc_account_get")) - keys(account)
    assert {path for path in lacking if not path.startswith("purchasingCurrencies")} == set()
    session = (await client.get(f"{HOST}/API/V3/Session.json")).json()
    assert keys(recorded("doc_session_get")) - keys(session) == {"Employee.checkedInAt"}
    accounts = (await client.get(f"{HOST}/API/V3/Account.json")).json()
    assert keys(accounts) == keys(recorded("rec_account_list_single"))


async def test_the_limit_headers_have_the_recorded_names(client: httpx.AsyncClient) -> None:
    path = RECORDINGS / "doc_ratelimit_headers.json"
    if not path.exists():
        pytest.skip(f"the folder of recordings is absent: {RECORDINGS}")
    sample = json.loads(path.read_text())["response"]["headers"]["ok_example"]
    headers = (await client.get("Item.json")).headers
    assert {name for name in sample if name not in headers} == set()
    assert headers["X-LS-Api-Bucket-Level"] == sample["X-LS-Api-Bucket-Level"]
    assert headers["X-LS-API-Burst-Level"] == sample["X-LS-API-Burst-Level"]
