"""The schema that each version is answered from, with a resolver on every field."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, build_schema

from sandbox.shopify.bulk import Operation
from sandbox.shopify.fields import FIELDS
from sandbox.shopify.model import AdjustmentGroup, Collection, Item, Level, Location, Media, Product, Quantity, Variant
from sandbox.shopify.mutations import MUTATIONS
from sandbox.shopify.order_fields import ORDER_FIELDS
from sandbox.shopify.order_model import (
    Fulfilment,
    FulfilmentLine,
    FulfilmentOrder,
    Line,
    Order,
    OrderAdjustment,
    Refund,
    RefundShippingLine,
)
from sandbox.shopify.product_set import SetOperation
from sandbox.shopify.reads import ROOT
from sandbox.shopify.webhooks import Subscription
from sandbox.shopify.wire import teach_scalars

SDL = Path(__file__).with_name("schema.graphql")

# What a version does not know yet. Inactive levels became visible with 2026-04, an order's cart with 2026-07.
MISSING: dict[str, dict[str, tuple[str, ...]]] = {
    "2026-01": {"fields": ("InventoryLevel.isActive", "Order.cartToken"), "arguments": ("includeInactive",)},
    "2026-04": {"fields": ("Order.cartToken",), "arguments": ()},
}

_TYPE_NAMES = {
    AdjustmentGroup: "InventoryAdjustmentGroup",
    Collection: "Collection",
    Item: "InventoryItem",
    Media: "MediaImage",
    SetOperation: "ProductSetOperation",
    Level: "InventoryLevel",
    Location: "Location",
    Product: "Product",
    Quantity: "InventoryQuantity",
    Variant: "ProductVariant",
    Operation: "BulkOperation",
    Fulfilment: "Fulfillment",
    FulfilmentLine: "FulfillmentLineItem",
    FulfilmentOrder: "FulfillmentOrder",
    Line: "LineItem",
    Order: "Order",
    OrderAdjustment: "OrderAdjustment",
    Refund: "Refund",
    RefundShippingLine: "RefundShippingLine",
    Subscription: "WebhookSubscription",
}


@cache
def schema_of(version: str) -> GraphQLSchema:
    """Return the schema of one served version; built once, shared by all stores."""
    schema = build_schema(SDL.read_text(encoding="utf-8"))
    _forget(schema, version)
    teach_scalars(schema)
    resolvers: dict[str, Callable[..., Any]] = {**ROOT, **FIELDS, **ORDER_FIELDS, **MUTATIONS}
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInterfaceType):
            kind.resolve_type = _type_name
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                field.resolve = resolvers.get(f"{kind.name}.{name}") or attribute(snake(name))
    return schema


def _forget(schema: GraphQLSchema, version: str) -> None:
    missing = MISSING.get(version, {"fields": (), "arguments": ()})
    for coordinate in missing["fields"]:
        owner, _, name = coordinate.partition(".")
        kind = schema.type_map[owner]
        assert isinstance(kind, GraphQLObjectType)  # noqa: S101 - our own schema says so
        del kind.fields[name]
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and kind.name in ("Location", "InventoryItem"):
            for field in kind.fields.values():
                for name in missing["arguments"]:
                    field.args.pop(name, None)


def snake(name: str) -> str:
    """Turn endCursor into end_cursor."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1].lower()}", name)


def attribute(name: str) -> Callable[..., Any]:
    """Make a resolver that reads an attribute of an object, or an entry of a dict."""
    of_object, of_dict = attrgetter(name), itemgetter(name)

    def resolve(source: Any, _info: Any, **_asked: Any) -> Any:
        return of_dict(source) if type(source) is dict else of_object(source)

    return resolve


def _type_name(value: Any, _info: Any, _kind: Any) -> str:
    return _TYPE_NAMES[type(value)]
