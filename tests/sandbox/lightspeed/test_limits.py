"""What requests cost, and how the bucket and the burst window refuse them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.lightspeed.state import LightspeedShop

pytestmark = pytest.mark.anyio

TILL = {"employeeID": 1, "registerID": 1, "shopID": 1}
LINE = {"SaleLine": [{"itemID": 1}]}
PAID = {"SalePayment": {"amount": 0, "paymentTypeID": 1}}


@pytest.mark.parametrize(
    ("method", "path", "payload", "cost"),
    [
        ("GET", "ItemShop.json", None, "1"),
        ("GET", 'Item.json?load_relations=["ItemShops"]', None, "1.4"),
        ("GET", 'Item/1.json?load_relations=["ItemShops"]', None, "1.2"),
        ("GET", 'Item.json?load_relations=["Category"]', None, "1.2"),
        ("GET", 'Item/1.json?load_relations=["Category"]', None, "1.1"),
        ("GET", 'Sale.json?load_relations=["SaleLines","SaleLines.Item"]', None, "1.6"),
        ("GET", 'Sale/9.json?load_relations=["SaleLines","SaleLines.Item"]', None, "1.4"),
        ("GET", "Item.json?count=1", None, "10"),
        ("GET", "Item.json?or=itemID%3D1%7CitemID%3D2", None, "1"),
        ("GET", "Item.json?or=itemID%3D1%7CcustomSku%3D2", None, "3"),
        ("GET", "Item.json?or=itemID%3D%3E%2C1%7CtimeStamp%3D%3E%2C2026-11-20T12:00:00Z", None, "12"),
        (
            "GET",
            'Item.json?load_relations=["ItemShops"]&or=itemID%3D%3E%2C1%7CItemShops.qoh%3D%3E%2C1',
            None,
            "21.4",
        ),
        ("POST", "Sale.json", {**TILL, "completed": True, "SaleLines": LINE, "SalePayments": PAID}, "6"),
        ("POST", "Sale.json", {**TILL, "completed": False, "SaleLines": LINE}, "2.5"),
        ("POST", "Sale.json", {**TILL, "SaleLines": [{"SaleLine": {"itemID": 1}}]}, "2.5"),
        ("GET", 'Sale.json?referenceNumber=r&archived=true&sort=saleID&load_relations=["SaleLines"]', None, "1.4"),
        ("GET", 'Sale/9.json?load_relations=["SaleLines"]', None, "1.2"),
        ("POST", 'SaleLine.json?load_relations=["InventorySales"]', {"unitQuantity": 1}, "2.2"),
        ("DELETE", "SaleLine/9.json", None, "2"),
        ("GET", 'SaleLine.json?customerID=2&isLayaway=true&load_relations=["InventorySales"]', None, "1.4"),
        ("DELETE", "Sale/9.json", None, "2"),
        ("PUT", "Sale/9.json", {"completed": True, "SalePayments": PAID}, "5.5"),
        ("POST", "Sale/9/refund.json", {**TILL, "SalePayments": PAID}, "10.5"),
        ("PUT", "Item/1.json", {"ItemShops": {"ItemShop": {"itemShopID": 2, "qoh": 3}}}, "1.5"),
        ("POST", "Category.json", {"name": "Toys"}, "10"),
        ("DELETE", "Item/1.json", None, "1"),
    ],
)
async def test_a_request_costs_by_its_text(
    client: httpx.AsyncClient, method: str, path: str, payload: dict[str, Any] | None, cost: str
) -> None:
    answer = await client.request(method, path, json=payload)
    assert answer.headers["X-LS-Api-Request-Cost"] == cost
    assert answer.headers["X-LS-Api-Bucket-Level"] == f"{cost}/90"


async def test_the_request_that_crosses_the_size_passes_and_the_next_waits(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    for _ in range(9):
        assert (await client.get("Item.json?count=1")).status_code == 200
    refused = await client.get("Item.json?count=1")
    assert refused.status_code == 429
    clock.advance(1)
    crossing = await client.get('Item.json?load_relations=["ItemShops"]')
    assert (crossing.status_code, crossing.headers["X-LS-Api-Bucket-Level"]) == (200, "90.4/90")
    refused = await client.get("Item.json")
    assert refused.headers["X-LS-API-RateLimit-Type"] == "api-leaky-bucket"
    assert (refused.headers["Retry-After"], refused.headers["X-LS-Api-Bucket-Level"]) == ("1", "90.4/90")
    assert refused.json()["httpCode"] == "429"
    clock.advance(0.5)
    assert (await client.get("Item.json")).headers["X-LS-Api-Bucket-Level"] == "90.9/90"


async def test_retry_after_is_the_time_until_the_level_is_below_the_size(
    client: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock
) -> None:
    shop.limiter.fill(clock.now())
    clock.advance(1)
    completing = {**TILL, "completed": True, "SaleLines": LINE, "SalePayments": PAID}
    assert (await client.post("Sale.json", json=completing)).headers["X-LS-Api-Bucket-Level"] == "95/90"
    assert (await client.get("Item.json")).headers["Retry-After"] == "5"
    clock.advance(5.5)
    assert (await client.get("Item.json")).status_code == 200


async def test_a_refused_request_has_no_effect(
    client: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock
) -> None:
    shop.limiter.fill(clock.now())
    assert (await client.post("Sale.json", json={**TILL, "referenceNumber": "x"})).status_code == 429
    assert shop.sales_with_reference("x") == []


async def test_more_than_the_burst_in_one_second_is_refused(client: httpx.AsyncClient, clock: ManualClock) -> None:
    answers = [await client.get("Shop.json") for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert answers[-1].headers["X-LS-API-RateLimit-Type"] == "api-burst-limiter"
    assert answers[-1].headers["X-LS-API-Burst-Level"] == "21/20"
    assert answers[-1].headers["Retry-After"] == "1"
    assert "burst rate limit exceeded" in answers[-1].json()["message"]
    clock.advance(1)
    assert (await client.get("Shop.json")).headers["X-LS-API-Burst-Level"] == "1/20"


async def test_registers_widen_bucket_drip_and_burst(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.set_registers(3)
    headers = (await client.get("Register.json?count=1")).headers
    assert headers["X-LS-Api-Bucket-Level"] == "10/110"
    assert headers["X-LS-Api-Drip-Rate"] == "2"
    assert headers["X-LS-API-Burst-Level"] == "1/24"
    assert len((await client.get("Register.json")).json()["Register"]) == 3


async def test_without_rate_limits_nothing_is_refused(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.limiter.enabled = False
    answers = [await client.get("Item.json?count=1") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[-1].headers["X-LS-Api-Bucket-Level"] == "10/90"
