"""Our schema is a part of Shopify's, and everything in it can be asked."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DirectiveLocation,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
    print_ast,
    validate,
)

from sandbox.shopify.access import SERVED
from sandbox.shopify.schema import schema_of
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import HOME, Ask

REAL = Path(__file__).resolve().parents[4] / "shared" / "schema"


@cache
def real_schema(version: str) -> GraphQLSchema:
    path = REAL / f"admin_{version}.graphql"
    if not path.exists():
        pytest.skip(f"the folder of Shopify's schemas is absent: {REAL}")
    return build_schema(path.read_text(), assume_valid=True)


def argument_differences(where: str, ours: Any, theirs: Any) -> list[str]:
    return [
        f"{where}({name})"
        for name, argument in ours.args.items()
        if name not in theirs.args
        or str(argument.type) != str(theirs.args[name].type)
        or argument.default_value != theirs.args[name].default_value
    ]


def differences(ours: Any, theirs: Any) -> list[str]:
    """Return what one of our types has that the real type of its name has not."""
    if type(ours) is not type(theirs):
        return [ours.name]
    found: list[str] = []
    if isinstance(ours, GraphQLEnumType):
        return [f"{ours.name}.{value}" for value in ours.values if value not in theirs.values]
    if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
        known = {interface.name for interface in theirs.interfaces}
        found += [f"{ours.name} implements {each.name}" for each in ours.interfaces if each.name not in known]
    for name, field in getattr(ours, "fields", {}).items():
        other = theirs.fields.get(name)
        if other is None or str(other.type) != str(field.type):
            found.append(f"{ours.name}.{name}")
        elif not isinstance(ours, GraphQLInputObjectType):
            found += argument_differences(f"{ours.name}.{name}", field, other)
    return found


@pytest.mark.shared
@pytest.mark.parametrize("version", SERVED)
def test_every_type_field_argument_and_enum_value_of_ours_is_shopifys(version: str) -> None:
    real, ours = real_schema(version), schema_of(version)
    mine = [kind for name, kind in ours.type_map.items() if not name.startswith("__")]
    assert [bad for kind in mine for bad in differences(kind, real.type_map.get(kind.name))] == []


@pytest.mark.shared
def test_what_we_demand_of_an_input_is_all_that_shopify_demands() -> None:
    real = real_schema("2026-10")
    for kind in schema_of("2026-10").type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            other = real.type_map[kind.name]
            assert isinstance(other, GraphQLInputObjectType)
            demanded = {name for name, field in other.fields.items() if str(field.type).endswith("!")}
            assert demanded <= set(kind.fields), kind.name


@pytest.mark.shared
def test_the_idempotency_directive_stands_on_fields_and_takes_a_key() -> None:
    for schema in (schema_of("2026-10"), real_schema("2026-10")):
        directive = schema.get_directive("idempotent")
        assert directive is not None
        assert directive.locations == (DirectiveLocation.FIELD,)
        assert {name: str(argument.type) for name, argument in directive.args.items()} == {"key": "String!"}


OURS = (
    "StartupCheck",
    "LocationsPage",
    "VariantsChanged",
    "LocationStockChanged",
    "LocationStockChangedPortable",
    "StockOfItems",
    "OrdersChanged",
    "SetStock",
    "AdjustStock",
    "StockItemAtLocation",
    "TrackItem",
    "StartExport",
    "PollBulk",
    "PollBulkPortable",
    "CancelBulk",
    "Subscribe",
    "SubscriptionsPage",
)


@pytest.mark.shared
@pytest.mark.parametrize("name", OURS)
def test_documents_written_for_the_real_schema_are_valid_here(name: str) -> None:
    path = REAL / "sample_operations.graphql"
    if not path.exists():
        pytest.skip(f"the folder of Shopify's schemas is absent: {REAL}")
    document = parse(path.read_text())
    written = {
        found.name.value: found
        for found in document.definitions
        if isinstance(found, OperationDefinitionNode) and found.name
    }
    assert validate(schema_of("2026-10"), parse(print_ast(written[name]))) == []


def selection(kind: Any, depth: int) -> str:
    """Ask everything of a type, `depth` objects deep."""
    if isinstance(kind, GraphQLInterfaceType):
        return "{ id }"
    asked = ["__typename"]
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        given = arguments(field)
        if given is None:
            continue
        if is_leaf_type(inner):
            asked.append(f"{name}{given}")
        elif depth:
            asked.append(f"{name}{given} {selection(inner, depth - 1)}")
    return "{ " + " ".join(asked) + " }"


def arguments(field: Any) -> str | None:
    """Give a field the arguments it needs, None where we do not know them."""
    known = {"names": '["available","on_hand"]', "locationId": f'"{HOME}"'}
    needed = [name for name, argument in field.args.items() if is_required_argument(argument)]
    if any(name not in known for name in needed):
        return None
    given = [f"{name}: {known[name]}" for name in needed]
    given += ["first: 3"] if "first" in field.args else []
    return f"({', '.join(given)})" if given else ""


@pytest.mark.anyio
@pytest.mark.parametrize(
    "name",
    [
        "shop",
        "currentAppInstallation",
        "publicApiVersions",
        "inventoryProperties",
        "locations",
        "inventoryItems",
        "productVariants",
        "products",
        "orders",
        "webhookSubscriptions",
        "bulkOperations",
        "productsCount",
        "locationsCount",
        "ordersCount",
        "productVariantsCount",
    ],
)
async def test_every_field_of_every_type_answers(name: str, ask: Ask, store: ShopifyStore) -> None:
    order = store.place_order({"DUCK": 3})
    store.fulfil(order, {"DUCK": 1})
    store.refund(order, {"DUCK": 1}, "CANCEL")
    store.subscriptions.add("ORDERS_CREATE", "https://a.example", kind="JSON", only=None, fields=[], version="2026-10")
    store.bulk.start("{ shop { id } }", [b"{}\n"], 1)
    root = schema_of("2026-10").query_type
    assert root is not None
    field = root.fields[name]
    depth = 4 if name in ("locations", "orders") else 3
    store.rate_limits = False
    body = await ask(f"{{ {name}{arguments(field)} {selection(get_named_type(field.type), depth)} }}")
    assert "errors" not in body
    assert body["data"][name]


def test_2026_01_does_not_know_inactive_levels() -> None:
    level = schema_of("2026-01").type_map["InventoryLevel"]
    location = schema_of("2026-01").type_map["Location"]
    assert isinstance(level, GraphQLObjectType)
    assert isinstance(location, GraphQLObjectType)
    assert "isActive" not in level.fields
    assert "includeInactive" not in location.fields["inventoryLevels"].args
