"""Faults: what a client of the store meets, and whether the effect was applied."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import HOME, Ask

pytestmark = pytest.mark.anyio

URL = "/admin/api/2026-10/graphql.json"
SET = """mutation($input: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $input) @idempotent(key: "k") {
  inventoryAdjustmentGroup { id } userErrors { field code } } }"""


def request(store: ShopifyStore) -> dict[str, Any]:
    row = {"inventoryItemId": store.item("DUCK").id, "locationId": HOME, "quantity": 4, "changeFromQuantity": 10}
    return {"query": SET, "variables": {"input": {"name": "available", "reason": "correction", "quantities": [row]}}}


@pytest.mark.parametrize(
    ("kind", "status", "available"),
    [
        pytest.param(FaultKind.THROTTLED, 200, 10, id="throttled"),
        pytest.param(FaultKind.SERVER_ERROR, 500, 10, id="server error"),
        pytest.param(FaultKind.HTML, 200, 10, id="a web page"),
        pytest.param(FaultKind.BAD_GATEWAY, 502, 10, id="bad gateway"),
        pytest.param(FaultKind.GATEWAY_TIMEOUT, 504, 4, id="gateway timeout, applied"),
        pytest.param(FaultKind.TRUNCATED, 200, 4, id="truncated, applied"),
        pytest.param(FaultKind.EMPTY, 200, 4, id="empty, applied"),
        pytest.param(FaultKind.SLOW, 200, 4, id="slow, applied"),
        pytest.param(FaultKind.SHORT_PAGE, 200, 4, id="nothing to shorten, applied"),
        pytest.param(FaultKind.UNAUTHORIZED, 401, 10, id="unauthorized"),
        pytest.param(FaultKind.REFUSED, 200, 10, id="refused"),
        pytest.param(FaultKind.FOREIGN_NEXT, 200, 4, id="a fault of others has no meaning here"),
    ],
)
async def test_a_write_that_meets_a_fault_is_applied_or_not(
    kind: FaultKind,
    status: int,
    available: int,
    *,
    http: httpx.AsyncClient,
    store: ShopifyStore,
    faults: Faults,
    clock: ManualClock,
) -> None:
    faults.add("shopify", "inventorySetQuantities", Fault(kind, seconds=2))
    assert (await http.post(URL, json=request(store))).status_code == status
    assert store.available("DUCK") == available
    clock.advance(60)  # a throttled app has spent all its points
    assert (await http.post(URL, json=request(store))).status_code == 200
    assert store.available("DUCK") == 4


@pytest.mark.parametrize(
    ("kind", "available"), [(FaultKind.RESET_BEFORE, 10), (FaultKind.RESET_AFTER, 4)], ids=["before", "after"]
)
async def test_a_connection_can_be_cut_before_or_after_the_effect(
    kind: FaultKind, available: int, http: httpx.AsyncClient, store: ShopifyStore, faults: Faults
) -> None:
    faults.add("shopify", "inventorySetQuantities", Fault(kind))
    with pytest.raises(httpx.ReadError):
        await http.post(URL, json=request(store))
    assert store.available("DUCK") == available


async def test_a_lost_answer_can_be_asked_for_again_under_the_same_key(
    http: httpx.AsyncClient, store: ShopifyStore, faults: Faults
) -> None:
    faults.add("shopify", "inventorySetQuantities", Fault(FaultKind.RESET_AFTER))
    with pytest.raises(httpx.ReadError):
        await http.post(URL, json=request(store))
    again = (await http.post(URL, json=request(store))).json()["data"]["inventorySetQuantities"]
    assert (again["userErrors"], len(store.writes)) == ([], 1)


async def test_a_fault_waits_for_its_own_operation(ask: Ask, faults: Faults) -> None:
    faults.add("shopify", "orders", Fault(FaultKind.THROTTLED))
    assert "data" in await ask("{ shop { id } }")
    body = await ask("{ shop { id } mine: orders(first: 250) { nodes { id } } }")
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert body["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 0
    assert body["extensions"]["cost"]["requestedQueryCost"] == 14


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param(
            "IDEMPOTENCY_CONCURRENT_REQUEST", "IDEMPOTENCY_CONCURRENT_REQUEST", id="a code the mutation knows"
        ),
        pytest.param("", None, id="one that it does not know is null"),
    ],
)
async def test_a_refused_write_says_so_in_its_user_errors(
    code: str, told: str | None, http: httpx.AsyncClient, store: ShopifyStore, faults: Faults
) -> None:
    faults.add("shopify", "inventorySetQuantities", Fault(FaultKind.REFUSED, code=code))
    body = (await http.post(URL, json=request(store))).json()
    assert "errors" not in body
    refused = {"inventoryAdjustmentGroup": None, "userErrors": [{"field": None, "code": told}]}
    assert body["data"]["inventorySetQuantities"] == refused


async def test_a_refused_read_has_no_data(ask: Ask, faults: Faults) -> None:
    faults.add("shopify", "orders", Fault(FaultKind.REFUSED, code="SHOP_INACTIVE"))
    body = await ask("{ orders(first: 1) { nodes { id } } }")
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "SHOP_INACTIVE"


@pytest.mark.parametrize(
    ("query", "path"),
    [
        pytest.param("{ productVariants(first: 5) { nodes { sku } pageInfo { hasNextPage } } }", "nodes", id="nodes"),
        pytest.param(
            "{ productVariants(first: 3) { edges { node { sku } } pageInfo { hasNextPage } } }", "edges", id="edges"
        ),
    ],
)
async def test_a_short_page_lacks_its_last_rows_and_claims_to_be_the_last(
    query: str, path: str, ask: Ask, faults: Faults
) -> None:
    whole = (await ask(query))["data"]["productVariants"]
    faults.add("shopify", "productVariants", Fault(FaultKind.SHORT_PAGE))
    short = (await ask(query))["data"]["productVariants"]
    assert short[path] == whole[path][: len(whole[path]) * 2 // 3]
    assert len(short[path]) < len(whole[path])
    assert short["pageInfo"] == {"hasNextPage": False}


async def test_a_short_page_inside_another_object_is_found(ask: Ask, faults: Faults) -> None:
    faults.add("shopify", "location", Fault(FaultKind.SHORT_PAGE))
    query = "query($id: ID!) { location(id: $id) { name inventoryLevels(first: 9) { nodes { id } } } }"
    location = (await ask(query, id=HOME))["data"]["location"]
    assert (location["name"], len(location["inventoryLevels"]["nodes"])) == ("Store", 3)


async def test_known_things_asked_for_by_id_can_be_cut_short_too(ask: Ask, store: ShopifyStore, faults: Faults) -> None:
    faults.add("shopify", "nodes", Fault(FaultKind.SHORT_PAGE))
    ids = [store.item(sku).id for sku in ("DUCK", "TEE-S", "TEE-M")]
    body = await ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    assert [row["id"] for row in body["data"]["nodes"]] == ids[:2]


async def test_a_result_file_can_lose_its_last_lines(
    ask: Ask, http: httpx.AsyncClient, clock: ManualClock, faults: Faults
) -> None:
    query = "{ products { edges { node { id } } } }"
    run = "mutation($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id } } }"
    gid = (await ask(run, q=query))["data"]["bulkOperationRunQuery"]["bulkOperation"]["id"]
    clock.advance(60)
    url = (await ask("query($id: ID!) { bulkOperation(id: $id) { url } }", id=gid))["data"]["bulkOperation"]["url"]
    faults.add("shopify", "bulk.file", Fault(FaultKind.SHORT_PAGE))
    assert len((await http.get(url)).text.splitlines()) == 2
    assert len((await http.get(url)).text.splitlines()) == 4


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.THROTTLED, 429),
        (FaultKind.REFUSED, 400),
        (FaultKind.SERVER_ERROR, 500),
        (FaultKind.UNAUTHORIZED, 401),
    ],
    ids=["throttled", "refused", "server error", "unauthorized"],
)
async def test_the_token_endpoint_fails_on_demand(
    kind: FaultKind, status: int, http: httpx.AsyncClient, faults: Faults
) -> None:
    faults.add("shopify", "oauth.token", Fault(kind))
    form = {"client_id": "sandbox-app", "client_secret": "sandbox-app-secret", "grant_type": "client_credentials"}
    assert (await http.post("/admin/oauth/access_token", data=form)).status_code == status
    assert (await http.post("/admin/oauth/access_token", data=form)).status_code == 200
