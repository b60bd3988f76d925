"""The searchable values of products, variants and inventory items."""

from __future__ import annotations

from sandbox.shopify.index import Doc
from sandbox.shopify.model import Collection, Item, Product, Variant


def total_available(item: Item) -> int:
    """Return an item's available units over all locations that stock it."""
    return sum(level.quantities["available"] for level in item.levels.values() if level.is_active)


def product_doc(product: Product) -> Doc:
    """Return a product's searchable values."""
    return {
        "id": product.number,
        "title": product.title,
        "handle": product.handle,
        "vendor": product.vendor,
        "product_type": product.product_type,
        "status": product.status,
        "tag": product.tags,
        "collection_id": tuple(str(collection.number) for collection in product.collections),
        "sku": tuple(variant.item.sku for variant in product.variants),
        "barcode": tuple(variant.barcode for variant in product.variants),
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "inventory_total": sum(total_available(variant.item) for variant in product.variants),
    }


def collection_doc(collection: Collection) -> Doc:
    """Return a collection's searchable values."""
    return {
        "id": collection.number,
        "title": collection.title,
        "handle": collection.handle,
        "updated_at": collection.updated_at,
        "product_id": tuple(str(product.number) for product in collection.products),
        "collection_type": "custom",
    }


def variant_doc(variant: Variant) -> Doc:
    """Return a variant's searchable values."""
    return {
        "id": variant.number,
        "title": variant.title,
        "sku": variant.item.sku,
        "barcode": variant.barcode,
        "product_id": variant.product.number,
        "product_status": variant.product.status,
        "vendor": variant.product.vendor,
        "updated_at": variant.updated_at,
        "inventory_quantity": total_available(variant.item),
    }


def item_doc(item: Item) -> Doc:
    """Return an inventory item's searchable values."""
    return {"id": item.number, "sku": item.sku, "created_at": item.created_at, "updated_at": item.updated_at}
