"""Resolvers of the fields that are not simply an attribute of the object they belong to."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

from sandbox.shopify.bulk import Operation
from sandbox.shopify.context import Info, listed
from sandbox.shopify.docs import total_available
from sandbox.shopify.index import Entry
from sandbox.shopify.listing import Page, as_entries
from sandbox.shopify.model import AdjustmentGroup, Change, Item, Level, Location, Media, Product, Quantity, Variant
from sandbox.shopify.money import Money, price_text
from sandbox.shopify.reads import api_version, count_of
from sandbox.shopify.search import Kind
from sandbox.shopify.state import ShopifyStore
from sandbox.shopify.stock import level_doc
from sandbox.shopify.webhooks import Subscription

LEVEL_FILTERS = {
    "id": Kind.NUMBER,
    "updated_at": Kind.DATE,
    "created_at": Kind.DATE,
    "inventory_item_id": Kind.NUMBER,
    "inventory_group_id": Kind.NUMBER,
}
WAREHOUSES_ALLOWED, OPTIONS_ALLOWED, VARIANTS_ALLOWED = 200, 3, 2048
_MARKUP = re.compile(r"<[^>]*>")


def number(row: Any, _: Info) -> str:
    """Return the number that REST knew the object by."""
    return str(row.number)


def constant(value: Any) -> Callable[..., Any]:
    """Make a resolver that always answers the same."""

    def resolve(_source: Any, _info: Info, **_asked: Any) -> Any:
        return value

    return resolve


def connection(rows: Callable[[Any], list[Any]]) -> Callable[..., Page]:
    """Make a resolver of a plain connection."""

    def resolve(source: Any, info: Info, **asked: Any) -> Page:
        return listed(info, as_entries(rows(source)), {name: asked[name] for name in asked if name != "query"}, {})

    return resolve


def money(amount: Callable[[Any], int]) -> Callable[..., Money]:
    """Make a resolver of an amount in the shop's currency."""

    def resolve(source: Any, info: Info, **_asked: Any) -> Money:
        return Money(amount(source), info.context.store.currency)

    return resolve


def _active(doc: Any) -> bool:
    return bool(doc["is_active"])


def location_levels(place: Location, info: Info, **asked: Any) -> Page:
    """Return a location's levels, inactive ones only if asked for."""
    entries = info.context.store.stock.indexes[place.id].entries()
    return listed(info, entries, asked, LEVEL_FILTERS, only=None if asked.get("includeInactive") else _active)


def location_level(place: Location, info: Info, **asked: Any) -> Level | None:
    """Return one item's level at a location."""
    item = info.context.store.shelves.items.get(asked["inventoryItemId"])
    return None if item is None else _shown(item.levels.get(place.id), asked)


def item_levels(item: Item, info: Info, **asked: Any) -> Page:
    """Return an item's levels at all locations."""
    entries = [Entry(level.number, level, level_doc(level)) for level in item.levels.values()]
    entries.sort(key=lambda entry: entry.number)
    return listed(info, entries, asked, LEVEL_FILTERS, only=None if asked.get("includeInactive") else _active)


def item_level(item: Item, _: Info, **asked: Any) -> Level | None:
    """Return an item's level at one location."""
    return _shown(item.levels.get(asked["locationId"]), asked)


def _shown(level: Level | None, asked: dict[str, Any]) -> Level | None:
    return level if level is not None and (level.is_active or asked.get("includeInactive")) else None


def quantities(level: Level, info: Info, names: list[str]) -> list[Quantity]:
    """Return a level's quantities by name."""
    return info.context.store.stock.quantities(level, names)


def can_deactivate(level: Level, _: Info) -> bool:
    """Tell whether nothing holds the level: no order, and another location that stocks the item."""
    elsewhere = any(other.is_active for other in level.item.levels.values() if other is not level)
    return elsewhere and not level.quantities["committed"] and not level.quantities["incoming"]


def duplicate_skus(item: Item, info: Info) -> int:
    """Return how many other items bear the same SKU."""
    return sum(other.sku == item.sku for other in info.context.store.shelves.items.values()) - 1 if item.sku else 0


def measurement(item: Item, _: Info) -> dict[str, Any]:
    """Return the item's measurement: no pretend good has a weight."""
    return {
        "id": f"gid://shopify/InventoryItemMeasurement/{item.number}",
        "weight": {"unit": "KILOGRAMS", "value": 0.0},
    }


def changes(group: AdjustmentGroup, _: Info, **asked: Any) -> list[Change]:
    """Return what a write changed, narrowed by item, location and name where asked."""
    return [
        row
        for row in group.rows
        if (not asked.get("inventoryItemIds") or row.item.id in asked["inventoryItemIds"])
        and (not asked.get("locationIds") or row.location.id in asked["locationIds"])
        and (not asked.get("quantityNames") or row.name in asked["quantityNames"])
    ]


def options(product: Product, _: Info, **asked: Any) -> list[dict[str, Any]]:
    """Return a product's options and their values."""
    found = []
    for place, name in enumerate(product.option_names[: asked.get("first")], 1):
        chosen = [value for variant in product.variants for option, value in variant.options if option == name]
        values = list(dict.fromkeys(chosen))
        base = product.number * 10 + place
        known = dict.fromkeys((*values, *product.declared.get(name, ())))
        shown = [
            {
                "id": f"gid://shopify/ProductOptionValue/{base * 10_000 + at}",
                "name": value,
                "has_variants": value in values,
            }
            for at, value in enumerate(known)
        ]
        gid = f"gid://shopify/ProductOption/{base}"
        found.append({"id": gid, "name": name, "position": place, "values": values, "option_values": shown})
    return found


def media_status(media: Media, info: Info) -> str:
    """Return how far a picture has come: given, being copied, there."""
    now = info.context.store.clock.now()
    if now >= media.ready_at:
        return "READY"
    return "PROCESSING" if now > media.created_at + timedelta(seconds=1) else "UPLOADED"


def media_image(media: Media, info: Info) -> dict[str, Any] | None:
    """Return where a picture lies once it is there: on Shopify's own servers, under a name of their making."""
    if media_status(media, info) != "READY":
        return None
    name = media.source.partition("?")[0].rstrip("/").rpartition("/")[2]
    return {
        "id": f"gid://shopify/ImageSource/{media.number}",
        "url": f"https://cdn.shopify.com/s/files/1/0001/files/{media.number}_{name}",
        "alt_text": media.alt or None,
        "height": 800,
        "width": 800,
    }


def visible_text(markup: str, truncateAt: int | None = None) -> str:  # noqa: N803 - Shopify's name
    """Return a text without its markup."""
    text = " ".join(unescape(_MARKUP.sub(" ", markup)).split())
    return text if truncateAt is None or len(text) <= truncateAt else text[: max(0, truncateAt - 3)] + "..."


def selected_options(variant: Variant, _: Info) -> list[dict[str, str]]:
    """Return the values that make the variant what it is."""
    return [{"name": name, "value": value} for name, value in variant.options]


def available_for_sale(variant: Variant, _: Info) -> bool:
    """Tell whether a shopper could put it into a cart."""
    free = not variant.item.tracked or variant.inventory_policy == "CONTINUE"
    return variant.product.status == "ACTIVE" and (free or total_available(variant.item) > 0)


def timezone_offset(store: ShopifyStore, _: Info) -> int:
    """Return the shop's offset from UTC in minutes, as of now."""
    offset = store.clock.now().astimezone(store.zone).utcoffset() or timedelta()
    return int(offset.total_seconds()) // 60


def bulk_url(operation: Operation, info: Info) -> str | None:
    """Return where the result lies: plain storage beside the API, for anyone who knows the name."""
    return (
        f"{info.context.base_url}/bulk/{operation.file_name}" if operation.has_file and not operation.failure else None
    )


def bulk_partial_url(operation: Operation, info: Info) -> str | None:
    """Return where the beginning of a failed operation's result lies."""
    return f"{info.context.base_url}/bulk/{operation.file_name}" if operation.has_file and operation.failure else None


def subscription_version(row: Subscription, _: Info) -> dict[str, Any]:
    """Return the version that webhooks are written in."""
    return api_version(row.api_version_handle)


def _names(*fields: str) -> list[str]:
    return list(fields)


FIELDS: dict[str, Callable[..., Any]] = {
    **{
        f"{kind}.legacyResourceId": number
        for kind in _names(
            "Location",
            "InventoryItem",
            "Product",
            "ProductVariant",
            "Collection",
            "Order",
            "Refund",
            "Fulfillment",
            "WebhookSubscription",
        )
    },
    "Shop.createdAt": lambda store, _: store.opened_at,
    "Shop.updatedAt": lambda store, _: store.opened_at,
    "Shop.currencyCode": lambda store, _: store.currency,
    "Shop.email": lambda store, _: f"owner@{store.domain}",
    "Shop.ianaTimezone": lambda store, _: store.zone.key,
    "Shop.id": constant("gid://shopify/Shop/1"),
    "Shop.myshopifyDomain": lambda store, _: store.domain,
    "Shop.name": lambda store, _: store.domain.partition(".")[0],
    "Shop.plan": constant({"partner_development": True, "public_display_name": "Development", "shopify_plus": False}),
    "Shop.resourceLimits": constant(
        {
            "location_limit": WAREHOUSES_ALLOWED,
            "max_product_options": OPTIONS_ALLOWED,
            "max_product_variants": VARIANTS_ALLOWED,
            "redirect_limit_reached": False,
        }
    ),
    "Shop.taxesIncluded": constant(False),
    "Shop.timezoneOffsetMinutes": timezone_offset,
    "Shop.url": lambda store, _: f"https://{store.domain}",
    "Shop.weightUnit": constant("KILOGRAMS"),
    "Location.activatable": lambda place, _: not place.is_active,
    "Location.deactivatable": constant(False),
    "Location.address": lambda place, _: {
        "address1": "1 Main Street",
        "city": place.city,
        "country": "United States",
        "country_code": place.country_code,
        "province": "Texas",
        "province_code": "TX",
        "zip": "78701",
    },
    "Location.fulfillsOnlineOrders": constant(True),
    "Location.shipsInventory": constant(True),
    "Location.isFulfillmentService": constant(False),
    "Location.hasActiveInventory": lambda place, info: bool(info.context.store.stock.indexes[place.id].entries()),
    "Location.inventoryLevel": location_level,
    "Location.inventoryLevels": location_levels,
    "InventoryLevel.canDeactivate": can_deactivate,
    "InventoryLevel.deactivationAlert": constant(None),
    "InventoryLevel.quantities": quantities,
    "InventoryItem.duplicateSkuCount": duplicate_skus,
    "InventoryItem.inventoryLevel": item_level,
    "InventoryItem.inventoryLevels": item_levels,
    "InventoryItem.locationsCount": lambda item, _: count_of(sum(lv.is_active for lv in item.levels.values()), None),
    "InventoryItem.measurement": measurement,
    "InventoryItem.sku": lambda item, _: item.sku or None,
    "InventoryItem.unitCost": money(lambda item: item.cost_cents),
    "InventoryItem.variants": connection(lambda item: [item.variant]),
    "InventoryAdjustmentGroup.changes": changes,
    "Collection.description": lambda collection, _, **asked: visible_text(collection.description_html, **asked),
    "Collection.hasProduct": lambda collection, _, id: any(row.id == id for row in collection.products),  # noqa: A006
    "Collection.products": connection(lambda collection: collection.products),
    "Collection.productsCount": lambda collection, _: count_of(len(collection.products), None),
    "MediaImage.image": media_image,
    "MediaImage.mediaContentType": constant("IMAGE"),
    "MediaImage.preview": lambda media, info: {"image": media_image(media, info), "status": media_status(media, info)},
    "MediaImage.status": media_status,
    "MediaImage.updatedAt": lambda media, _: media.created_at,
    "Product.collections": connection(lambda product: product.collections),
    "Product.description": lambda product, _, **asked: visible_text(product.description_html, **asked),
    "Product.featuredMedia": lambda product, _: next(iter(product.media), None),
    "Product.hasOnlyDefaultVariant": lambda product, _: product.option_names == ("Title",),
    "Product.inCollection": lambda product, _, id: any(row.id == id for row in product.collections),  # noqa: A006
    "Product.isGiftCard": constant(False),
    "Product.media": connection(lambda product: product.media),
    "Product.mediaCount": lambda product, _: count_of(len(product.media), None),
    "Product.options": options,
    "Product.publishedAt": lambda product, _: product.created_at if product.status == "ACTIVE" else None,
    "Product.tags": lambda product, _: sorted(product.tags),
    "Product.totalInventory": lambda product, _: sum(total_available(variant.item) for variant in product.variants),
    "Product.tracksInventory": lambda product, _: any(variant.item.tracked for variant in product.variants),
    "Product.variants": connection(lambda product: product.variants),
    "Product.variantsCount": lambda product, _: count_of(len(product.variants), None),
    "ProductVariant.availableForSale": available_for_sale,
    "ProductVariant.barcode": lambda variant, _: variant.barcode or None,
    "ProductVariant.compareAtPrice": lambda variant, _: (
        price_text(variant.compare_cents) if variant.compare_cents is not None else None
    ),
    "ProductVariant.displayName": lambda variant, _: f"{variant.product.title} - {variant.title}",
    "ProductVariant.inventoryItem": lambda variant, _: variant.item,
    "ProductVariant.inventoryQuantity": lambda variant, _: total_available(variant.item),
    "ProductVariant.price": lambda variant, _: price_text(variant.price_cents),
    "ProductVariant.requiresComponents": lambda variant, _: variant.item.bundle,
    "ProductVariant.selectedOptions": selected_options,
    "ProductVariant.sellableOnlineQuantity": lambda variant, _: max(0, total_available(variant.item)),
    "ProductVariant.sku": lambda variant, _: variant.item.sku or None,
    "BulkOperation.url": bulk_url,
    "BulkOperation.partialDataUrl": bulk_partial_url,
    "WebhookSubscription.apiVersion": subscription_version,
}
