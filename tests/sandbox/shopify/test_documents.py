"""What is wrong with a document or its variables is told in Shopify's shape, and nothing is run."""

from __future__ import annotations

import pytest

from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import HOME, Ask

pytestmark = pytest.mark.anyio

SET = """mutation($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { code } }
}"""


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param("{ shop { nickname } }", "undefinedField", id="unknown field"),
        pytest.param("{ shop(id: 1) { id } }", "argumentNotAccepted", id="unknown argument"),
        pytest.param("{ shop @never { id } }", "undefinedDirective", id="unknown directive"),
        pytest.param("query($a: Int) { shop { id } }", "variableNotUsed", id="unused variable"),
        pytest.param("{ node(id: $id) { id } }", "variableNotDefined", id="undeclared variable"),
        pytest.param("{ node { id } }", "missingRequiredArguments", id="missing argument"),
        pytest.param('{ orders(first: "ten") { nodes { id } } }', "argumentLiteralsIncompatible", id="wrong literal"),
        pytest.param(
            "mutation { inventoryActivate(inventoryItemId: 1, locationId: 2) @idempotent { userErrors { field } } }",
            "missingRequiredArguments",
            id="directive without key",
        ),
    ],
)
async def test_a_wrong_document_has_a_code_and_no_data(query: str, code: str, ask: Ask) -> None:
    body = await ask(query)
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == code


async def test_a_syntax_error_says_where(ask: Ask) -> None:
    body = await ask("{ shop { ")
    assert "data" not in body
    assert body["errors"][0]["locations"] == [{"line": 1, "column": 10}]


async def test_a_removed_input_field_is_an_invalid_variable(ask: Ask, store: ShopifyStore) -> None:
    row = {"inventoryItemId": store.item("DUCK").id, "locationId": HOME, "quantity": 1, "compareQuantity": 10}
    given = {"name": "available", "reason": "correction", "quantities": [row]}
    body = await ask(SET, input=given, key="k")
    assert "data" not in body
    [error] = body["errors"]
    assert error["extensions"]["code"] == "INVALID_VARIABLE"
    assert error["extensions"]["value"] == given
    assert error["extensions"]["problems"][0]["path"] == ["quantities", 0, "compareQuantity"]
    assert store.available("DUCK") == 10


async def test_a_missing_variable_is_an_invalid_variable(ask: Ask) -> None:
    body = await ask("query($id: ID!) { node(id: $id) { id } }")
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"


async def test_a_variable_that_is_sent_and_not_declared_is_ignored(ask: Ask) -> None:
    body = await ask("{ shop { name } }", surplus=1)
    assert body["data"] == {"shop": {"name": "wtfswag"}}


async def test_one_of_several_operations_has_to_be_named(ask: Ask) -> None:
    body = await ask("query A { shop { name } } query B { shop { id } }")
    assert "data" not in body


async def test_a_list_of_251_is_refused_before_anything_else(ask: Ask) -> None:
    body = await ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["gid://shopify/Order/1"] * 251)
    assert "data" not in body
    [error] = body["errors"]
    assert error["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    assert "251" in error["message"]
    assert "250" in error["message"]


async def test_things_are_found_by_id_in_the_order_asked_and_missing_ones_are_null(
    ask: Ask, store: ShopifyStore
) -> None:
    duck, kava = store.item("DUCK").id, store.item("KAVA").id
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on InventoryItem { sku } } }"
    body = await ask(query, ids=[kava, "gid://shopify/InventoryItem/1", duck])
    assert body["data"]["nodes"] == [{"sku": "kava "}, None, {"sku": "DUCK"}]


async def test_the_id_of_another_kind_of_thing_finds_nothing(ask: Ask, store: ShopifyStore) -> None:
    body = await ask("query($id: ID!) { product(id: $id) { title } }", id=store.item("DUCK").id)
    assert body["data"] == {"product": None}
