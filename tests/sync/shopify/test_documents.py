"""Every document is valid against Shopify's own schema, affordable, and within the rules of bulk operations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLInterfaceType,
    GraphQLSchema,
    NoDeprecatedCustomRule,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.execution.values import get_variable_values

from sandbox.shopify.cost import estimate
from sync.shopify import documents
from sync.shopify.checks import PRODUCTS_SCOPE, SCOPES, SEVERAL_SCOPE
from sync.shopify.documents import Document
from sync.shopify.orders import _IDS, _PAGE

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared" / "schema"
ABSENT = f"the research folder with Shopify's schema is absent: {SHARED}"


def all_documents() -> Iterator[Any]:
    """Yield every document with a readable id, both forms of those that have two."""
    for name, value in vars(documents).items():
        if isinstance(value, Document):
            yield pytest.param(value, id=name)
        if isinstance(value, dict) and name in ("ORDERS_CHANGED", "ORDERS_BY_ID"):
            yield pytest.param(value[False], id=f"{name}, one location")
            yield pytest.param(value[True], id=f"{name}, several locations")


DOCUMENTS = list(all_documents())


@pytest.fixture(scope="module")
def real_schema() -> GraphQLSchema:
    """Shopify's own schema; it breaks one rule of GraphQL itself (deprecations), so it is taken as it is."""
    file = SHARED / "admin_2026-10.graphql"
    if not file.exists():
        pytest.skip(ABSENT)
    return build_schema(file.read_text(encoding="utf-8"), assume_valid=True)


@pytest.fixture(scope="module")
def pretend_schema() -> GraphQLSchema:
    file = ROOT / "sandbox" / "shopify" / "schema.graphql"
    return build_schema(file.read_text(encoding="utf-8"))


@pytest.mark.shared
@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_document_is_valid_against_the_real_schema(document: Document, real_schema: GraphQLSchema) -> None:
    rules = [*specified_rules, NoDeprecatedCustomRule]
    assert [error.message for error in validate(real_schema, parse(document.text), rules)] == []


@pytest.mark.shared
def test_a_wrong_document_would_be_found(real_schema: GraphQLSchema) -> None:
    wrong = parse("query Wrong { location(id: 1) { inventory } }")
    (error,) = validate(real_schema, wrong)
    assert error.message.startswith("Cannot query field 'inventory' on type 'Location'.")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_document_carries_one_operation_under_its_own_name(document: Document) -> None:
    operations = [one for one in parse(document.text).definitions if isinstance(one, OperationDefinitionNode)]
    assert [one.name.value for one in operations if one.name] == [document.operation]


def test_there_are_no_documents_that_nobody_sends() -> None:
    folder = Path(documents.__file__).parent / "documents"
    source = Path(documents.__file__).read_text(encoding="utf-8")
    assert [file.name for file in folder.glob("*.graphql") if f'"{file.stem}"' not in source] == []


# --- cost, by the model that the pretend store charges by

COSTS: dict[str, tuple[Document, dict[str, Any], int]] = {
    "250 levels of the feed": (documents.LEVELS_CHANGED, {"first": 250}, 36),
    "250 levels by id": (documents.LEVELS_OF_ITEMS, {"ids": ["x"] * 250}, 35),
    "orders, one location": (documents.ORDERS_CHANGED[False], {"first": _PAGE[False]}, 506),
    "orders, several locations": (documents.ORDERS_CHANGED[True], {"first": _PAGE[True]}, 806),
    "orders by id, one location": (documents.ORDERS_BY_ID[False], {"ids": ["x"] * _IDS[False]}, 282),
    "orders by id, several locations": (documents.ORDERS_BY_ID[True], {"ids": ["x"] * _IDS[True]}, 404),
    "orders' heads": (documents.ORDER_HEADS_CHANGED, {"first": _PAGE[False]}, 11),
    "250 variants": (documents.VARIANTS_CHANGED, {"first": 250}, 35),
    "a stock write": (documents.SET_AVAILABLE, {}, 10),
    "an export's start": (documents.BULK_START, {}, 10),
    "an export's poll": (documents.BULK_POLL, {}, 1),
}


WRITE = {"name": "available", "reason": "correction", "quantities": []}


@pytest.mark.parametrize(("document", "variables", "expected"), COSTS.values(), ids=COSTS.keys())
def test_a_request_costs_what_we_say(
    document: Document, variables: dict[str, Any], expected: int, pretend_schema: GraphQLSchema
) -> None:
    read = parse(document.text)
    operation = next(one for one in read.definitions if isinstance(one, OperationDefinitionNode))
    fragments = {one.name.value: one for one in read.definitions if isinstance(one, FragmentDefinitionNode)}
    given = {"locationId": "x", "query": "", "id": "x", "key": "x", "input": WRITE} | variables
    values = get_variable_values(pretend_schema, operation.variable_definitions or (), given)
    assert not isinstance(values, list)
    cost = estimate(pretend_schema, operation, fragments, values).requested
    assert cost == expected
    assert cost <= 1000


def test_even_if_every_id_counted_a_point_read_stays_affordable() -> None:
    assert 250 * 3 <= 1000
    assert _IDS[False] * 56 <= 1000
    assert _IDS[True] * 134 <= 1000


# --- the rules of bulk operations


def test_the_export_obeys_the_rules_of_bulk_operations() -> None:
    text = documents.EXPORT_VARIANTS.text
    read = parse(text)
    (operation,) = read.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert not operation.variable_definitions
    fields = _fields(read)
    assert fields.count("edges") == 1
    assert "nodes" not in fields
    assert "pageInfo" not in fields
    assert len(text.encode()) <= 65_535
    assert text.count('"LOCATION"') == 2  # once in its comment, once in its place


def _fields(document: DocumentNode) -> list[str]:
    found: list[str] = []

    class Names(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            found.append(node.name.value)

    visit(document, Names())
    return found


# --- scopes


def _types_asked(schema: GraphQLSchema, document: DocumentNode) -> tuple[set[str], set[str]]:
    """Return the object types that a document reads, and its fields as Type.field."""
    info, types, fields = TypeInfo(schema), set[str](), set[str]()

    class Types(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent, kind = info.get_parent_type(), info.get_type()
            if parent is not None:
                fields.add(f"{parent.name}.{node.name.value}")
            named = get_named_type(kind) if kind is not None else None
            if named is not None and not isinstance(named, GraphQLInterfaceType):
                types.add(named.name)

    visit(document, TypeInfoVisitor(info, Types()))
    return types, fields


@pytest.mark.shared
@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_scopes_we_ask_for_are_enough(document: Document, real_schema: GraphQLSchema) -> None:
    file = SHARED / "required_scopes_2026-10.json"
    if not file.exists():
        pytest.skip(ABSENT)
    required = json.loads(file.read_text(encoding="utf-8"))
    granted = {*SCOPES, SEVERAL_SCOPE, PRODUCTS_SCOPE}
    types, fields = _types_asked(real_schema, parse(document.text))
    members = {field.partition(".")[2] for field in fields if field.startswith(("Mutation.", "QueryRoot."))}
    needs = [required["types"].get(one) for one in types]
    needs += [required["fields_with_extra_scope"].get(one) for one in fields]
    needs += [required[kind].get(one) for one in members for kind in ("queries", "mutations")]
    lacking = [one for one in needs if one and one["offlineScopes"] and not granted & set(one["offlineScopes"])]
    assert lacking == []
