"""Every fault meets the pretend Lightspeed as the live one was seen, or is feared, to fail."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.lightspeed.state import LightspeedShop

pytestmark = pytest.mark.anyio

SALE = {"employeeID": 1, "registerID": 1, "shopID": 1, "referenceNumber": "r"}


def booked(shop: LightspeedShop) -> int:
    return len(shop.sales_with_reference("r"))


@pytest.mark.parametrize(
    ("kind", "status_and_effect"),
    [
        (FaultKind.THROTTLED, (429, 0)),
        (FaultKind.SERVER_ERROR, (500, 0)),
        (FaultKind.REFUSED, (400, 0)),
        (FaultKind.UNAUTHORIZED, (401, 0)),
        (FaultKind.BAD_GATEWAY, (502, 0)),
        (FaultKind.GATEWAY_TIMEOUT, (504, 1)),
        (FaultKind.HTML, (200, 0)),
        (FaultKind.EMPTY, (200, 1)),
        (FaultKind.TRUNCATED, (200, 1)),
        (FaultKind.SLOW, (200, 1)),
    ],
)
async def test_a_fault_answers_with_or_without_its_effect(
    client: httpx.AsyncClient, shop: LightspeedShop, faults: Faults, kind: FaultKind, status_and_effect: tuple[int, int]
) -> None:
    faults.add("lightspeed", "Sale", Fault(kind, seconds=1))
    answer = await client.post("Sale.json", json=SALE)
    assert (answer.status_code, booked(shop)) == status_and_effect
    assert (await client.get("Sale.json")).status_code == (401 if kind is FaultKind.UNAUTHORIZED else 200)


@pytest.mark.parametrize(
    ("kind", "applied"), [(FaultKind.RESET_BEFORE, 0), (FaultKind.RESET_AFTER, 1)], ids=["before", "after"]
)
async def test_a_cut_connection_is_a_read_error(
    client: httpx.AsyncClient, shop: LightspeedShop, faults: Faults, kind: FaultKind, applied: int
) -> None:
    faults.add("lightspeed", "*", Fault(kind))
    with pytest.raises(httpx.ReadError):
        await client.post("Sale.json", json=SALE)
    assert booked(shop) == applied


async def test_a_late_effect_lands_after_the_client_was_told_504(
    client: httpx.AsyncClient, shop: LightspeedShop, faults: Faults, clock: ManualClock
) -> None:
    faults.add("lightspeed", "Sale", Fault(FaultKind.LATE, seconds=30))
    answer = await client.post("Sale.json", json=SALE)
    assert (answer.status_code, answer.headers["content-type"]) == (504, "text/html")
    await clock.sleep(29)
    assert (await client.get("Sale.json")).json().keys() == {"@attributes"}
    await clock.sleep(1)
    assert (await client.get("Sale.json?referenceNumber=r")).json()["Sale"]["saleID"] == "1"
    sale = shop.sales_with_reference("r")[0]
    assert (sale.create_time.minute, sale.create_time.second) == (0, 30)


async def test_an_answer_slower_than_the_clients_patience_is_a_timeout_but_lands(
    client: httpx.AsyncClient, shop: LightspeedShop, faults: Faults
) -> None:
    faults.add("lightspeed", "Sale", Fault(FaultKind.SLOW, seconds=31))
    with pytest.raises(httpx.ReadTimeout):
        await client.post("Sale.json", json=SALE, timeout=30)
    assert booked(shop) == 1


@pytest.mark.parametrize(
    ("code", "kind", "is_json"),
    [("", "api-leaky-bucket", True), ("burst", "api-burst-limiter", True), ("text", "api-leaky-bucket", False)],
)
async def test_a_429_on_demand_has_the_limiters_headers(
    client: httpx.AsyncClient, faults: Faults, code: str, kind: str, is_json: bool
) -> None:
    faults.add("lightspeed", "Item", Fault(FaultKind.THROTTLED, seconds=7, code=code))
    answer = await client.get("Item.json")
    assert answer.headers["X-LS-API-RateLimit-Type"] == kind
    assert answer.headers["Retry-After"] == "7"
    assert answer.headers["X-LS-Api-Bucket-Level"].endswith("/90")
    assert answer.content.startswith(b"{") is is_json


async def test_a_token_that_runs_out_during_a_walk_stays_dead_until_refreshed(
    client: httpx.AsyncClient, faults: Faults
) -> None:
    faults.add("lightspeed", "ItemShop", Fault(FaultKind.UNAUTHORIZED))
    first = await client.get("ItemShop.json")
    assert (first.status_code, first.json()["error"]) == (401, "access_denied")
    assert (await client.get("ItemShop.json")).status_code == 401


async def test_a_401_may_have_the_old_shape(client: httpx.AsyncClient, faults: Faults) -> None:
    faults.add("lightspeed", "ItemShop", Fault(FaultKind.UNAUTHORIZED, code="old"))
    assert (await client.get("ItemShop.json")).json()["errorClass"] == "BadAuthenticationRequestError"


@pytest.mark.parametrize("code", ["403", "409", "422", "503"])
async def test_a_refusal_takes_any_status(client: httpx.AsyncClient, faults: Faults, code: str) -> None:
    faults.add("lightspeed", "Sale", Fault(FaultKind.REFUSED, code=code))
    answer = await client.post("Sale.json", json=SALE)
    assert (answer.status_code, answer.json()["httpCode"]) == (int(code), code)


async def test_a_short_page_lacks_its_last_rows_and_keeps_its_cursor(client: httpx.AsyncClient, faults: Faults) -> None:
    whole = (await client.get("ItemShop.json?limit=4")).json()
    faults.add("lightspeed", "ItemShop", Fault(FaultKind.SHORT_PAGE))
    short = (await client.get("ItemShop.json?limit=4")).json()
    assert [row["itemShopID"] for row in short["ItemShop"]] == ["1", "2"]
    assert short["@attributes"] == whole["@attributes"]


async def test_a_foreign_next_link_points_elsewhere(client: httpx.AsyncClient, faults: Faults) -> None:
    faults.add("lightspeed", "Item", Fault(FaultKind.FOREIGN_NEXT))
    link = httpx.URL((await client.get("Item.json?limit=1")).json()["@attributes"]["next"])
    assert (link.host, link.path) == ("api.elsewhere.invalid", "/API/V3/Account/123456/Item.json")


async def test_relations_may_be_dropped_in_silence(client: httpx.AsyncClient, faults: Faults) -> None:
    faults.add("lightspeed", "Item", Fault(FaultKind.DROPPED_RELATIONS))
    path = 'Item.json?load_relations=["ItemShops"]'
    dropped, whole = (await client.get(path)).json()["Item"], (await client.get(path)).json()["Item"]
    assert all("ItemShops" not in row and "Prices" in row for row in dropped)
    assert all("ItemShops" in row for row in whole)


@pytest.mark.parametrize(
    ("operation", "method", "path"),
    [
        ("oauth.token", "POST", "https://cloud.lightspeedapp.com/auth/oauth/token"),
        ("Account", "GET", "https://api.lightspeedapp.com/API/V3/Account.json"),
        ("Session", "GET", "https://api.lightspeedapp.com/API/V3/Session.json"),
        ("Sale/refund", "POST", "Sale/1/refund.json"),
        ("POST Sale/refund", "POST", "Sale/1/refund.json"),
        ("Sale", "POST", "Sale/1/refund.json"),
        ("PUT Sale", "PUT", "Sale/1.json"),
        ("unknown", "GET", "https://api.lightspeedapp.com/favicon.ico"),
        ("*", "GET", "Employee.json"),
    ],
)
async def test_an_operation_is_named_by_its_path(
    client: httpx.AsyncClient, faults: Faults, operation: str, method: str, path: str
) -> None:
    faults.add("lightspeed", operation, Fault(FaultKind.BAD_GATEWAY))
    assert (await client.request(method, path)).status_code == 502


async def test_a_fault_for_one_method_spares_the_others(client: httpx.AsyncClient, faults: Faults) -> None:
    faults.add("lightspeed", "POST Sale", Fault(FaultKind.BAD_GATEWAY))
    assert (await client.get("Sale.json")).status_code == 200
    assert (await client.post("Sale.json", json=SALE)).status_code == 502


@pytest.mark.parametrize("body", [b"nonsense", b"[1]", b'"x"'])
async def test_a_body_that_is_no_object_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("Sale.json", content=body)
    assert answer.status_code == 400


@pytest.mark.parametrize(("method", "path"), [("PUT", "Item.json"), ("POST", "Item/1.json"), ("DELETE", "Shop/1.json")])
async def test_a_method_that_is_not_there_is_refused(client: httpx.AsyncClient, method: str, path: str) -> None:
    payload: dict[str, Any] = {"description": "x"}
    assert (await client.request(method, path, json=payload)).status_code == 405
