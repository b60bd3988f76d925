"""Bulk operations: what is refused, how they live on the clock, and what their files hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import HOME, WAREHOUSE, Ask

pytestmark = pytest.mark.anyio

SAMPLE = Path(__file__).resolve().parents[4] / "shared" / "schema" / "sample_bulk_export_query.graphql"
RUN = """mutation($query: String!, $group: Boolean!) { bulkOperationRunQuery(query: $query, groupObjects: $group) {
  bulkOperation { id status type query url } userErrors { field message code } } }"""
POLL = """query($id: ID!) { bulkOperation(id: $id) {
  status errorCode createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl } }"""
CANCEL = "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }"
LEVELS = """{ locations { edges { node { __typename id inventoryLevels { edges { node { __typename id updatedAt
  item { sku } quantities(names: ["available", "committed"]) { name quantity } } } } } } } }"""
PLAIN = "{ products { edges { node { id } } } }"


async def run(ask: Ask, query: str, *, group: bool = False) -> dict[str, Any]:
    payload: dict[str, Any] = (await ask(RUN, query=query, group=group))["data"]["bulkOperationRunQuery"]
    return payload


async def poll(ask: Ask, gid: str) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(POLL, id=gid))["data"]["bulkOperation"]
    return found


async def lines(ask: Ask, http: httpx.AsyncClient, clock: ManualClock, query: str, *, group: bool = False) -> list[Any]:
    payload = await run(ask, query, group=group)
    assert payload["userErrors"] == []
    clock.advance(60)
    url = (await poll(ask, payload["bulkOperation"]["id"]))["url"]
    del http.headers["X-Shopify-Access-Token"]
    answer = await http.get(url)
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def nested(*names: str) -> str:
    inner = "id"
    for name in reversed(names):
        inner = f"id {name} {{ edges {{ node {{ {inner} }} }} }}"
    return f"{{ {inner.removeprefix('id ')} }}"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param("{ shop { id } }", "at least one connection", id="no connection"),
        pytest.param("{ products { nodes { id } } }", "`nodes`", id="nodes"),
        pytest.param("{ product(id: 1) { nonsense } }", "nonsense", id="unknown field"),
        pytest.param("{ products { edges", "Syntax Error", id="not GraphQL"),
        pytest.param(
            '{ node(id: "gid://shopify/Order/1") { id } products { edges { node { id } } } }', "`node`", id="node"
        ),
        pytest.param("query($n: Int) { products(first: $n) { edges { node { id } } } }", "Variables", id="variables"),
        pytest.param(
            "mutation { bulkOperationCancel(id: 1) { userErrors { message } } }", "one query operation", id="a mutation"
        ),
        pytest.param(
            nested("locations", "inventoryLevels").replace(
                "node { id } }", "node { item { variants { edges { node { id } } } } } }"
            ),
            "nesting depth",
            id="three levels",
        ),
        pytest.param(
            " ".join(["{", *(f"a{n}: products {{ edges {{ node {{ id }} }} }}" for n in range(6)), "}"]),
            "more than 5",
            id="six connections",
        ),
        pytest.param(
            "{ products { edges { node { variants { edges { node { id } } } } } } }", "'id'", id="a parent without id"
        ),
        pytest.param(
            "{ orders { edges { node { id refunds { refundLineItems { edges { node { id } } } } } } } }",
            "within a list",
            id="a connection in a list",
        ),
        pytest.param("{ products { edges { node { id } } } } #" + "x" * 65_535, "longer than", id="too long"),
    ],
)
async def test_a_query_that_no_export_can_answer_is_refused(
    query: str, said: str, ask: Ask, store: ShopifyStore
) -> None:
    payload = await run(ask, query)
    assert payload["bulkOperation"] is None
    assert {(error["code"], tuple(error["field"])) for error in payload["userErrors"]} == {("INVALID", ("query",))}
    assert said in payload["userErrors"][0]["message"]
    assert store.bulk.operations == {}


async def test_an_export_waits_runs_and_is_done(ask: Ask, clock: ManualClock) -> None:
    begun = (await run(ask, PLAIN))["bulkOperation"]
    assert (begun["status"], begun["type"], begun["query"], begun["url"]) == ("CREATED", "QUERY", PLAIN, None)
    clock.advance(0.5)
    assert (await poll(ask, begun["id"]))["status"] == "RUNNING"
    clock.advance(1)
    done = await poll(ask, begun["id"])
    url = done.pop("url")
    assert done == {
        "status": "COMPLETED",
        "errorCode": None,
        "createdAt": "2026-11-22T12:00:00Z",
        "completedAt": "2026-11-22T12:00:01Z",
        "objectCount": "4",
        "rootObjectCount": "4",
        "fileSize": "180",
        "partialDataUrl": None,
    }
    assert url.startswith("http://shop.test/bulk/")


@pytest.mark.parametrize("group", [False, True], ids=["parents first", "grouped"])
async def test_children_name_their_parent_and_come_after_it(
    group: bool, ask: Ask, http: httpx.AsyncClient, clock: ManualClock, store: ShopifyStore
) -> None:
    store.place_order({"DUCK": 1})
    found = await lines(ask, http, clock, LEVELS, group=group)
    kinds = ["Location" if "__parentId" not in line else line["__parentId"][-4:] for line in found]
    at_home, elsewhere = ["1001"] * 5, ["1002"]
    if group:
        assert kinds == ["Location", *at_home, "Location", *elsewhere]
    else:
        assert kinds == ["Location", "Location", *at_home, *elsewhere]
    duck = next(line for line in found if line.get("item") == {"sku": "DUCK"})
    assert duck == {
        "__typename": "InventoryLevel",
        "id": store.level("DUCK").id,
        "updatedAt": "2026-11-22T12:00:00Z",
        "item": {"sku": "DUCK"},
        "quantities": [{"name": "available", "quantity": 9}, {"name": "committed", "quantity": 1}],
        "__parentId": HOME,
    }


async def test_filters_inside_an_export_work_and_paging_is_ignored(
    ask: Ask, http: httpx.AsyncClient, clock: ManualClock, store: ShopifyStore
) -> None:
    store.adjust("DUCK", -1)
    store.adjust("KAVA", -1)
    query = """{ locations { edges { node { id inventoryLevels(first: 1, query: "updated_at:>='2026-11-22T00:00:00Z'") {
      edges { node { item { sku } } } } } } } }"""
    found = await lines(ask, http, clock, query)
    assert found == [
        {"id": HOME},
        {"id": WAREHOUSE},
        {"item": {"sku": "DUCK"}, "__parentId": HOME},
        {"item": {"sku": "kava "}, "__parentId": HOME},
    ]


async def test_the_rows_are_those_of_the_moment_the_export_was_asked_for(
    ask: Ask, http: httpx.AsyncClient, clock: ManualClock, store: ShopifyStore
) -> None:
    gid = (await run(ask, LEVELS))["bulkOperation"]["id"]
    store.adjust("DUCK", -9)
    clock.advance(60)
    file = (await http.get((await poll(ask, gid))["url"])).text
    duck = next(line for line in map(json.loads, file.splitlines()) if line.get("item") == {"sku": "DUCK"})
    assert duck["quantities"][0] == {"name": "available", "quantity": 10}


async def test_an_export_without_rows_has_no_file(ask: Ask, clock: ManualClock) -> None:
    gid = (await run(ask, "{ orders { edges { node { id } } } }"))["bulkOperation"]["id"]
    clock.advance(60)
    done = await poll(ask, gid)
    assert (done["status"], done["objectCount"], done["url"], done["fileSize"]) == ("COMPLETED", "0", None, None)


async def test_the_sixth_export_at_once_is_refused_and_a_free_slot_is_used(ask: Ask, clock: ManualClock) -> None:
    first = (await run(ask, PLAIN))["bulkOperation"]["id"]
    for _ in range(4):
        assert (await run(ask, PLAIN))["userErrors"] == []
    payload = await run(ask, PLAIN)
    [error] = payload["userErrors"]
    assert (error["code"], error["field"]) == ("OPERATION_IN_PROGRESS", None)
    assert first in error["message"]
    clock.advance(60)
    assert (await run(ask, PLAIN))["userErrors"] == []


async def test_an_export_can_be_called_off_until_it_has_ended(ask: Ask, clock: ManualClock) -> None:
    gid = (await run(ask, PLAIN))["bulkOperation"]["id"]
    payload = (await ask(CANCEL, id=gid))["data"]["bulkOperationCancel"]
    assert payload == {"bulkOperation": {"status": "CANCELING"}, "userErrors": []}
    clock.advance(60)
    assert (await poll(ask, gid))["status"] == "CANCELED"
    again = (await ask(CANCEL, id=gid))["data"]["bulkOperationCancel"]
    assert again["userErrors"] == [{"message": "A bulk operation cannot be canceled when it is canceled"}]


async def test_a_failed_export_offers_the_rows_it_had(
    ask: Ask, http: httpx.AsyncClient, clock: ManualClock, store: ShopifyStore
) -> None:
    store.bulk.fail_next()
    gid = (await run(ask, PLAIN))["bulkOperation"]["id"]
    clock.advance(60)
    done = await poll(ask, gid)
    assert (done["status"], done["errorCode"], done["url"]) == ("FAILED", "INTERNAL_SERVER_ERROR", None)
    assert len((await http.get(done["partialDataUrl"])).text.splitlines()) == 2


async def test_an_export_of_what_the_token_may_not_see_fails(ask: Ask, clock: ManualClock, store: ShopifyStore) -> None:
    store.access.scopes = ("read_products",)
    gid = (await run(ask, LEVELS))["bulkOperation"]["id"]
    clock.advance(60)
    done = await poll(ask, gid)
    assert (done["status"], done["errorCode"], done["partialDataUrl"]) == ("FAILED", "ACCESS_DENIED", None)


async def test_a_file_lives_seven_days_and_a_token_sent_to_it_is_noticed(
    ask: Ask, http: httpx.AsyncClient, clock: ManualClock, store: ShopifyStore
) -> None:
    gid = (await run(ask, PLAIN))["bulkOperation"]["id"]
    clock.advance(1.5)
    url = (await poll(ask, gid))["url"]
    clock.advance(7 * 86_400 - 1)
    assert (await http.get(url)).status_code == 200
    assert store.token_leaks == 1
    clock.advance(1)
    assert (await http.get(url)).status_code == 404
    assert (await http.get("http://shop.test/bulk/guess.jsonl")).status_code == 404


@pytest.mark.shared
async def test_the_export_written_for_a_real_shop_runs_here(
    ask: Ask, http: httpx.AsyncClient, clock: ManualClock
) -> None:
    if not SAMPLE.exists():
        pytest.skip(f"the folder of Shopify's schemas is absent: {SAMPLE.parent}")
    query = SAMPLE.read_text().replace("2026-11-22T00:00:00Z", "2026-01-01T00:00:00Z")
    found = await lines(ask, http, clock, query)
    assert [line["__typename"] for line in found] == ["Location"] * 2 + ["InventoryLevel"] * 6
