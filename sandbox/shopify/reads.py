"""Resolvers of the query root: how each asked thing is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sandbox.shopify.access import SERVED
from sandbox.shopify.context import Context, Info, listed, sorted_by
from sandbox.shopify.docs import collection_doc
from sandbox.shopify.index import Doc, Entry
from sandbox.shopify.listing import Page, as_entries, number_of
from sandbox.shopify.search import Kind, Predicate

PRODUCT_FILTERS = {
    "id": Kind.NUMBER,
    "title": Kind.TEXT,
    "handle": Kind.TEXT,
    "vendor": Kind.TEXT,
    "product_type": Kind.TEXT,
    "status": Kind.TEXT,
    "tag": Kind.TEXT,
    "collection_id": Kind.TEXT,
    "sku": Kind.TEXT,
    "barcode": Kind.TEXT,
    "created_at": Kind.DATE,
    "updated_at": Kind.DATE,
    "inventory_total": Kind.NUMBER,
}
COLLECTION_FILTERS = {
    "id": Kind.NUMBER,
    "title": Kind.TEXT,
    "handle": Kind.TEXT,
    "updated_at": Kind.DATE,
    "product_id": Kind.TEXT,
    "collection_type": Kind.TEXT,
}
VARIANT_FILTERS = {
    "id": Kind.NUMBER,
    "title": Kind.TEXT,
    "sku": Kind.TEXT,
    "barcode": Kind.TEXT,
    "product_id": Kind.NUMBER,
    "product_status": Kind.TEXT,
    "vendor": Kind.TEXT,
    "updated_at": Kind.DATE,
    "inventory_quantity": Kind.NUMBER,
}
ITEM_FILTERS = {"id": Kind.NUMBER, "sku": Kind.TEXT, "created_at": Kind.DATE, "updated_at": Kind.DATE}
ORDER_FILTERS = {
    "id": Kind.NUMBER,
    "name": Kind.TEXT,
    "created_at": Kind.DATE,
    "processed_at": Kind.DATE,
    "updated_at": Kind.DATE,
    "status": Kind.STATUS,
    "financial_status": Kind.TEXT,
    "fulfillment_status": Kind.TEXT,
    "test": Kind.FLAG,
    "source_name": Kind.TEXT,
    "cart_token": Kind.TEXT,
    "sku": Kind.TEXT,
    "tag": Kind.TEXT,
    "location_id": Kind.NUMBER,
    "fulfillment_location_id": Kind.NUMBER,
}
LOCATION_FILTERS = {"id": Kind.NUMBER, "name": Kind.TEXT, "created_at": Kind.DATE}

# Sort keys that the store can serve; the others fall back on the number, as RELEVANCE does without a search.
_SORTS = {
    "UPDATED_AT": "updated_at",
    "CREATED_AT": "created_at",
    "PROCESSED_AT": "processed_at",
    "TITLE": "title",
    "VENDOR": "vendor",
    "PRODUCT_TYPE": "product_type",
    "INVENTORY_TOTAL": "inventory_total",
    "INVENTORY_QUANTITY": "inventory_quantity",
    "SKU": "sku",
    "FINANCIAL_STATUS": "financial_status",
    "FULFILLMENT_STATUS": "fulfillment_status",
    "TOTAL_PRICE": "total_cents",
    "CURRENT_TOTAL_PRICE": "total_cents",
    "NAME": "name",
}
ORDERS_SEEN = timedelta(days=60)


def _sort(asked: dict[str, Any], filters: dict[str, Kind]) -> Any:
    name = _SORTS.get(asked.get("sortKey", "ID"))
    return sorted_by(name) if name is not None and (name in filters or name == "total_cents") else number_of


def products(_: Any, info: Info, **asked: Any) -> Page:
    """Return products."""
    entries = info.context.store.product_index.entries()
    return listed(info, entries, asked, PRODUCT_FILTERS, key=_sort(asked, PRODUCT_FILTERS))


def product_by_identifier(_: Any, info: Info, identifier: dict[str, str]) -> Any:
    """Return the product with an id or a handle, from the records themselves."""
    products = info.context.store.shelves.products
    if "id" in identifier:
        return products.get(identifier["id"])
    return next((each for each in products.values() if each.handle == identifier["handle"]), None)


def product_variants(_: Any, info: Info, **asked: Any) -> Page:
    """Return variants."""
    entries = info.context.store.variant_index.entries()
    return listed(info, entries, asked, VARIANT_FILTERS, key=_sort(asked, VARIANT_FILTERS))


def collections(_: Any, info: Info, **asked: Any) -> Page:
    """Return collections; there are so few that no index holds them."""
    rows = info.context.store.shelves.collections.values()
    entries = [Entry(row.number, row, collection_doc(row)) for row in rows]
    return listed(info, entries, asked, COLLECTION_FILTERS, key=_sort(asked, COLLECTION_FILTERS))


def inventory_items(_: Any, info: Info, **asked: Any) -> Page:
    """Return inventory items."""
    return listed(info, info.context.store.item_index.entries(), asked, ITEM_FILTERS)


def orders(_: Any, info: Info, **asked: Any) -> Page:
    """Return orders: open, closed and cancelled, of the last 60 days without the scope read_all_orders."""
    entries = info.context.store.order_book.index.entries()
    return listed(info, entries, asked, ORDER_FILTERS, key=_sort(asked, ORDER_FILTERS), only=_seen(info.context))


def _seen(context: Context) -> Predicate | None:
    if "read_all_orders" in context.grant.scopes:
        return None
    since = context.store.clock.now() - ORDERS_SEEN

    def test(doc: Doc) -> bool:
        return bool(doc["created_at"] >= since)

    return test


def locations(_: Any, info: Info, **asked: Any) -> Page:
    """Return locations, active ones only unless asked otherwise."""
    rows = [place for place in info.context.store.locations.values() if place.is_active or asked.get("includeInactive")]
    entries = [
        Entry(place.number, place, {"id": place.number, "name": place.name, "created_at": place.created_at})
        for place in rows
    ]
    return listed(info, entries, asked, LOCATION_FILTERS, key=_sort(asked, LOCATION_FILTERS))


def location(_: Any, info: Info, **asked: Any) -> Any:
    """Return a location; without an id the first one."""
    store = info.context.store
    return store.locations.get(asked.get("id") or store.home.id)


def node(_: Any, info: Info, **asked: Any) -> Any:
    """Return anything by its id, None for what is not there."""
    return find(info.context, asked["id"])


def one(kind: str) -> Callable[..., Any]:
    """Make a resolver of one kind of thing by its id; the id of another kind finds nothing."""

    def resolve(_: Any, info: Info, **asked: Any) -> Any:
        gid = asked["id"]
        return find(info.context, gid) if gid.startswith(f"gid://shopify/{kind}/") else None

    return resolve


def nodes(_: Any, info: Info, **asked: Any) -> list[Any]:
    """Return things by their ids, in the order asked for, None in place of what is not there."""
    return [find(info.context, gid) for gid in asked["ids"]]


def find(context: Context, gid: str) -> Any:
    """Return the object behind a gid; None for one that is not there or may not be seen."""
    store = context.store
    kind = gid.removeprefix("gid://shopify/").partition("/")[0]
    shelf: Any = {
        "InventoryItem": store.shelves.items,
        "ProductVariant": store.shelves.variants,
        "Product": store.shelves.products,
        "Collection": {row.id: row for row in store.shelves.collections.values()} if kind == "Collection" else {},
        "ProductSetOperation": store.operations,
        "InventoryLevel": store.stock.levels,
        "InventoryAdjustmentGroup": store.stock.groups,
        "Location": store.locations,
        "Order": store.order_book.orders,
        "BulkOperation": store.bulk.operations,
        "WebhookSubscription": store.subscriptions.rows,
    }.get(kind, store.order_book.records)
    return shelf.get(gid)


def webhook_subscriptions(_: Any, info: Info, **asked: Any) -> Page:
    """Return webhook subscriptions, by topics, format and address where asked."""
    rows = [
        row
        for row in info.context.store.subscriptions.rows.values()
        if (not asked.get("topics") or row.topic in asked["topics"])
        and (not asked.get("format") or row.format == asked["format"])
        and (not asked.get("uri") or row.uri == asked["uri"])
    ]
    return listed(info, as_entries(rows), asked, {})


def bulk_operations(_: Any, info: Info, **asked: Any) -> Page:
    """Return bulk operations."""
    return listed(info, as_entries(info.context.store.bulk.operations.values()), asked, {})


def shop(_: Any, info: Info) -> Any:
    """Return the shop."""
    return info.context.store


def installation(_: Any, info: Info) -> dict[str, Any]:
    """Return the app's installation, with the scopes that were granted."""
    scopes = [{"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(info.context.grant.scopes)]
    return {"id": "gid://shopify/AppInstallation/1", "access_scopes": scopes}


def api_version(handle: str) -> dict[str, Any]:
    """Describe one version."""
    year, month = handle.split("-")
    return {"handle": handle, "display_name": f"{year}-{month}", "supported": handle in SERVED}


def api_versions(_: Any, _info: Info) -> list[dict[str, Any]]:
    """Return the versions there are, the unsupported `unstable` last."""
    unstable = {"handle": "unstable", "display_name": "unstable", "supported": False}
    return [*map(api_version, SERVED), unstable]


def count_of(rows: int, limit: int | None) -> dict[str, Any]:
    """Count, as far as `limit`."""
    within = limit is None or rows <= limit
    return {"count": rows if within or limit is None else limit, "precision": "EXACT" if within else "AT_LEAST"}


def _counted(connection: Any) -> Any:
    def count(source: Any, info: Info, **asked: Any) -> dict[str, Any]:
        context = info.context
        whole = Context(context.store, context.grant, context.version, context.base_url, unpaged=True)
        whole.searches = context.searches
        found = connection(source, _Whole(whole, info.path), query=asked.get("query"))
        return count_of(len(found.nodes), asked.get("limit"))

    return count


class _Whole:
    """An Info whose connections are not cut into pages."""

    def __init__(self, context: Context, path: Any) -> None:
        self.context = context
        self.path = path


def inventory_properties(_: Any, _info: Info) -> dict[str, Any]:
    """Return the quantity names and how they add up."""
    parts = ["available", "committed", "damaged", "quality_control", "reserved", "safety_stock"]
    names = [
        {"name": name, "belongs_to": ["on_hand"], "comprises": [], "display_name": name.replace("_", " ").title()}
        for name in parts
    ]
    names.append({"name": "incoming", "belongs_to": [], "comprises": [], "display_name": "Incoming"})
    names.append({"name": "on_hand", "belongs_to": [], "comprises": parts, "display_name": "On hand"})
    return {"quantity_names": [{**name, "is_in_use": True} for name in names]}


ROOT = {
    "QueryRoot.bulkOperation": one("BulkOperation"),
    "QueryRoot.bulkOperations": bulk_operations,
    "QueryRoot.collection": one("Collection"),
    "QueryRoot.collections": collections,
    "QueryRoot.collectionsCount": _counted(collections),
    "QueryRoot.currentAppInstallation": installation,
    "QueryRoot.fulfillmentOrder": one("FulfillmentOrder"),
    "QueryRoot.inventoryItem": one("InventoryItem"),
    "QueryRoot.inventoryItems": inventory_items,
    "QueryRoot.inventoryLevel": one("InventoryLevel"),
    "QueryRoot.inventoryProperties": inventory_properties,
    "QueryRoot.location": location,
    "QueryRoot.locations": locations,
    "QueryRoot.locationsCount": _counted(locations),
    "QueryRoot.node": node,
    "QueryRoot.nodes": nodes,
    "QueryRoot.order": one("Order"),
    "QueryRoot.orders": orders,
    "QueryRoot.ordersCount": _counted(orders),
    "QueryRoot.product": one("Product"),
    "QueryRoot.productByIdentifier": product_by_identifier,
    "QueryRoot.productOperation": one("ProductSetOperation"),
    "QueryRoot.productVariant": one("ProductVariant"),
    "QueryRoot.productVariants": product_variants,
    "QueryRoot.productVariantsCount": _counted(product_variants),
    "QueryRoot.products": products,
    "QueryRoot.productsCount": _counted(products),
    "QueryRoot.publicApiVersions": api_versions,
    "QueryRoot.shop": shop,
    "QueryRoot.webhookSubscription": one("WebhookSubscription"),
    "QueryRoot.webhookSubscriptions": webhook_subscriptions,
}
