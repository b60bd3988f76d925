"""What the store's webhooks say: the older, REST-like shapes, with ids as integers and moments with an offset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sandbox.shopify.model import Event
from sandbox.shopify.order_model import Line
from sandbox.shopify.state import ShopifyStore

Body = dict[str, Any]


def body_of(store: ShopifyStore, event: Event, fields: Sequence[str]) -> Body:
    """Return the body that tells of an event, cut to `fields` where a subscription names some."""
    make = _BODIES.get(event.topic)
    body = _order(store, event) if make is None else make(store, event)
    return {name: body[name] for name in fields if name in body} if fields else body


def _number(gid: str) -> int:
    return int(gid.rpartition("/")[2])


def _moment(store: ShopifyStore, moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(store.zone).replace(microsecond=0).isoformat()


def _money(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def _line(line: Line) -> Body:
    return {
        "id": line.number,
        "admin_graphql_api_id": line.id,
        "variant_id": line.variant.number,
        "sku": line.variant.item.sku,
        "quantity": line.quantity,
        "current_quantity": line.current_quantity,
        "fulfillable_quantity": line.unfulfilled,
        "price": _money(line.unit_cents),
    }


def _order(store: ShopifyStore, event: Event) -> Body:
    order = store.order(event.subject)
    return {
        "id": order.number,
        "admin_graphql_api_id": order.id,
        "name": order.name,
        "email": "shopper@example.com",
        "shipping_address": {"name": "A. Shopper", "address1": "1 Main Street", "city": "Austin"},
        "created_at": _moment(store, order.created_at),
        "updated_at": _moment(store, order.updated_at),
        "cancelled_at": _moment(store, order.cancelled_at),
        "financial_status": order.financial_status.lower(),
        "test": order.test,
        "tags": ", ".join(order.tags),
        "total_price": _money(order.current_cents),
        "line_items": [_line(line) for line in order.lines],
    }


def _edited(store: ShopifyStore, event: Event) -> Body:
    """Tell of an edit; unlike all other order webhooks it is no order."""
    order = store.order(event.subject)
    lines = {"additions": [{"id": line.number, "delta": 1} for line in order.lines[-1:]], "removals": []}
    return {"order_edit": {"id": order.number + 1, "order_id": order.number, "line_items": lines}}


def _refund(store: ShopifyStore, event: Event) -> Body:
    order = store.order(event.subject)
    refund = order.refunds[-1]
    rows = [
        {"id": row.number, "line_item_id": row.line.number, "quantity": row.quantity, "subtotal": row.net_cents / 100}
        for row in refund.lines
    ]
    return {
        "id": refund.number,
        "admin_graphql_api_id": refund.id,
        "order_id": order.number,
        "created_at": _moment(store, refund.created_at),
        "note": refund.note,
        "refund_line_items": rows,
    }


def _level(store: ShopifyStore, event: Event) -> Body:
    item = store.shelves.items[event.subject]
    level, place = item.levels[event.other], store.locations[event.other]
    gid = f"gid://shopify/InventoryLevel/{place.number}?inventory_item_id={item.number}"
    return {
        "inventory_item_id": item.number,
        "location_id": place.number,
        "available": level.quantities["available"] if item.tracked else None,
        "updated_at": _moment(store, event.at),
        "admin_graphql_api_id": gid,
    }


def _product(store: ShopifyStore, event: Event) -> Body:
    product = store.shelves.products[event.subject]
    told = [{"admin_graphql_api_id": one.id, "updated_at": _moment(store, one.updated_at)} for one in product.variants]
    return {
        "id": product.number,
        "admin_graphql_api_id": product.id,
        "title": product.title,
        "status": product.status.lower(),
        "updated_at": _moment(store, product.updated_at),
        "tags": ", ".join(product.tags),
        "variant_gids": told,
    }


def _only_id(_: ShopifyStore, event: Event) -> Body:
    return {"id": _number(event.subject)}


_BODIES: Mapping[str, Callable[[ShopifyStore, Event], Body]] = {
    "orders/edited": _edited,
    "refunds/create": _refund,
    "inventory_levels/update": _level,
    "inventory_levels/disconnect": lambda _, event: {
        "inventory_item_id": _number(event.subject),
        "location_id": _number(event.other),
    },
    "inventory_levels/connect": _level,
    "inventory_items/update": _only_id,
    "products/create": _product,
    "products/update": _product,
    "products/delete": _only_id,
}
