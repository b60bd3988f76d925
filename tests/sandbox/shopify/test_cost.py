"""Costs: the figures recorded from a real shop, the bucket on the clock, and what happens when it is empty."""

from __future__ import annotations

import httpx
import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse
from graphql.execution.values import VariableValues, get_variable_values

from sandbox.clock import ManualClock
from sandbox.shopify.cost import ADVANCED, ENTERPRISE, PLUS, STANDARD, Bucket, Plan, estimate
from sandbox.shopify.schema import schema_of
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import HOME, START, Ask

LEVELS = """query($at: ID!, $first: Int!) { location(id: $at) { id inventoryLevels(first: $first) {
  nodes { id isActive updatedAt item { id sku tracked } quantities(names: ["available"]) { name quantity } }
  pageInfo { hasNextPage endCursor } } } }"""

VARIANTS = """query($first: Int!) { productVariants(first: $first) { nodes {
  id sku selectedOptions { name value } product { id handle }
  inventoryItem { id unitCost { amount } measurement { weight { unit value } } } } pageInfo { hasNextPage } } }"""

ORDERS = """query($first: Int!) { orders(first: $first, sortKey: UPDATED_AT) { nodes {
  id currentTotalPriceSet { shopMoney { amount } }
  lineItems(first: 20) { nodes { id variant { id inventoryItem { id } }
    originalUnitPriceSet { shopMoney { amount } } taxLines { rate priceSet { shopMoney { amount } } } } }
  refunds(first: 10) { id refundLineItems(first: 10) { nodes { quantity location { id } lineItem { id } } } }
  fulfillments(first: 10) { id location { id } } } pageInfo { hasNextPage } } }"""

SET = """mutation($input: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $input) {
  inventoryAdjustmentGroup { id changes { name delta item { id } location { id } } }
  userErrors { field message code } } }"""

NODES = """query($ids: [ID!]!, $at: ID!) { nodes(ids: $ids) { ... on InventoryItem { id
  inventoryLevel(locationId: $at) { id quantities(names: ["available"]) { quantity } } } } }"""

UPDATE = """mutation { productUpdate(product: {}) { product { id title tags } userErrors { field message } } }"""

CREATE = """mutation { productCreate(product: {}) { product { id options { id name optionValues { id name } }
  variants(first: 10) { nodes { id selectedOptions { name value } } } } userErrors { field } } }"""

PRODUCT_SET = """mutation { productSet(input: {}, synchronous: false) { product { id }
  productSetOperation { id status product { id } userErrors { field } } userErrors { field } } }"""

BULK = """mutation { productVariantsBulkUpdate(productId: 1, variants: []) { product { id totalInventory }
  productVariants { id sku price } userErrors { field message code } } }"""

TAGS = """mutation { tagsAdd(id: 1, tags: []) { node { id ... on Product { tags } } userErrors { field } } }"""

FRAGMENTS = """query { a: location(id: "x") { ...F ...F } b: shop { name } }
fragment F on Location { address { city } }"""

SKIPPED = """query($no: Boolean = false) {
  shop { plan @include(if: $no) { shopifyPlus } resourceLimits { locationLimit } } }"""


DEAR = """{ orders(first: 250) { nodes { id
  lineItems(first: 250) { nodes { variant { product { id } } } }
  fulfillmentOrders(first: 250) { nodes { lineItems(first: 250) { nodes { lineItem { id } } } } } } } }"""


def cost(query: str, **given: object) -> int:
    document = parse(query)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    schema = schema_of("2026-10")
    variables = get_variable_values(schema, operation.variable_definitions or (), given)
    assert isinstance(variables, VariableValues)
    return estimate(schema, operation, fragments, variables).requested


@pytest.mark.parametrize(
    ("query", "given", "points"),
    [
        pytest.param(LEVELS, {"at": HOME, "first": 250}, 36, id="250 levels"),
        pytest.param(VARIANTS, {"first": 250}, 68, id="250 variants"),
        pytest.param(ORDERS, {"first": 250}, 442, id="250 orders"),
        pytest.param(ORDERS, {"first": 50}, 282, id="50 orders"),
        pytest.param(
            SET, {"input": {"name": "available", "reason": "other", "quantities": []}}, 13, id="a stock write"
        ),
        pytest.param(NODES, {"ids": ["x"] * 250, "at": HOME}, 35, id="250 known items"),
        pytest.param(UPDATE, {}, 10, id="a product update"),
        pytest.param(CREATE, {}, 22, id="a product made with options"),
        pytest.param(PRODUCT_SET, {}, 12, id="a product set with its operation"),
        pytest.param(BULK, {}, 10, id="variants of a product"),
        pytest.param(TAGS, {}, 10, id="tags"),
        pytest.param("{ shop { id name } }", {}, 1, id="an object"),
        pytest.param("{ ordersCount { count } }", {}, 10, id="a count"),
        pytest.param("{ orders(first: 1) { nodes { id } } }", {}, 3, id="one row"),
        pytest.param("{ orders(first: 0) { nodes { id } } }", {}, 0, id="no rows"),
        pytest.param("{ orders(first: 250) { edges { node { id } } } }", {}, 13, id="edges cost as nodes do"),
        pytest.param(FRAGMENTS, {}, 3, id="a fragment counts once where it is asked"),
        pytest.param(SKIPPED, {}, 2, id="what is skipped is free"),
    ],
)
def test_a_query_costs_what_a_real_shop_asked_for_it(query: str, given: dict[str, object], points: int) -> None:
    assert cost(query, **given) == points


@pytest.mark.parametrize(
    ("plan", "size", "rate"),
    [(STANDARD, 2_000, 100), (ADVANCED, 4_000, 200), (PLUS, 20_000, 1_000), (ENTERPRISE, 40_000, 2_000)],
    ids=["standard", "advanced", "plus", "enterprise"],
)
def test_a_bucket_refills_with_its_plan(plan: Plan, size: int, rate: int) -> None:
    clock = ManualClock(START)
    bucket = Bucket(clock, plan)
    assert bucket.reserve(size)
    assert not bucket.reserve(1)
    clock.advance(1)
    assert bucket.available() == rate
    clock.advance(1_000)
    assert bucket.available() == size


@pytest.mark.anyio
async def test_the_bucket_gets_back_what_an_answer_was_not_worth(ask: Ask) -> None:
    body = await ask("{ orders(first: 250) { nodes { id } } }")
    assert body["extensions"]["cost"] == {
        "requestedQueryCost": 13,
        "actualQueryCost": 2,
        "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1998, "restoreRate": 100.0},
    }


@pytest.mark.anyio
async def test_an_empty_bucket_throttles_with_http_200_and_refills_on_the_clock(
    ask: Ask, store: ShopifyStore, clock: ManualClock
) -> None:
    bucket = store.bucket("sandbox-custom-app")
    assert bucket.reserve(1_990)
    query = "{ orders(first: 250) { nodes { id } } }"
    body = await ask(query)
    assert "data" not in body
    assert body["errors"][0]["message"] == "Throttled"
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert body["extensions"]["cost"]["requestedQueryCost"] == 13
    assert body["extensions"]["cost"]["actualQueryCost"] is None
    assert body["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 10
    assert (store.throttled, store.request_log["orders"]) == (1, 0)
    clock.advance(0.03)
    assert "data" in await ask(query)


@pytest.mark.anyio
async def test_a_store_without_rate_limits_never_throttles(ask: Ask, store: ShopifyStore) -> None:
    store.rate_limits = False
    for _ in range(10):
        assert "data" in await ask(ORDERS, first=250)
    assert store.throttled == 0


@pytest.mark.anyio
async def test_a_query_above_1000_points_is_refused_whatever_the_bucket_holds(ask: Ask, store: ShopifyStore) -> None:
    body = await ask(DEAR)
    assert "data" not in body
    extensions = body["errors"][0]["extensions"]
    assert (extensions["code"], extensions["maxCost"]) == ("MAX_COST_EXCEEDED", 1000)
    assert extensions["cost"] > 1000
    assert store.bucket("sandbox-custom-app").available() == 2_000


@pytest.mark.anyio
async def test_the_store_counts_calls_by_root_field_and_their_points(ask: Ask, store: ShopifyStore) -> None:
    await ask("{ shop { id } orders(first: 1) { nodes { id } } }")
    await ask("{ again: shop { id } }")
    assert store.request_log == {"shop": 2, "orders": 1}
    assert store.points == 4


@pytest.mark.anyio
async def test_two_apps_have_a_bucket_each(http: httpx.AsyncClient, store: ShopifyStore) -> None:
    assert store.bucket("sandbox-custom-app").reserve(2_000)
    form = {"client_id": "sandbox-app", "client_secret": "sandbox-app-secret", "grant_type": "client_credentials"}
    token = (await http.post("/admin/oauth/access_token", data=form)).json()["access_token"]
    headers = {"X-Shopify-Access-Token": token}
    answer = await http.post("/admin/api/2026-10/graphql.json", json={"query": "{ shop { id } }"}, headers=headers)
    assert "data" in answer.json()
