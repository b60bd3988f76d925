"""productCreate, productUpdate, productVariantsBulkUpdate, tagsAdd and tagsRemove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify.assortment import Assortment, NewVariant
from sandbox.shopify.context import Context
from sandbox.shopify.inventory import Payload, told_refusal
from sandbox.shopify.inventory_rules import UserError
from sandbox.shopify.model import Collection, Product, Variant
from sandbox.shopify.money import cents
from sandbox.shopify.product_rules import bulk_errors, media_errors, product_errors, renamed
from sandbox.shopify.state import ShopifyStore

NAMES = {
    "descriptionHtml": "description_html",
    "productType": "product_type",
    "status": "status",
    "title": "title",
    "vendor": "vendor",
}
"""A product's plain fields: the input's names and ours."""

_MAY_BE_EMPTY = ("descriptionHtml", "productType")
_MISSING = UserError(None, ["id"], "Product does not exist")


def create(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """productCreate: a product with one variant, which takes the first value of every option."""
    store, input_ = info.context.store, arguments.get("product") or {}
    errors = _refused(info) or list(product_errors(store, input_, None))
    if errors:
        return {"product": None, "shop": store, "user_errors": errors}
    options = [
        (option["name"], [value["name"] for value in option.get("values") or ()])
        for option in input_.get("productOptions") or ()
    ]
    shelf = store.assortment
    product = shelf.create(
        shelf.handle_of(input_.get("handle") or "", input_["title"]),
        [name for name, _ in options],
        declared={name: tuple(values) for name, values in options},
        **_fields(store, input_),
    )
    chosen = tuple((name, values[0]) for name, values in options if values)
    shelf.add_variant(product, NewVariant(options=chosen) if chosen else NewVariant(), mutation="productCreate")
    shelf.collect(product, found_collections(store, input_.get("collectionsToJoin") or ()), "productCreate")
    wrong = _add_media(shelf, product, arguments.get("media") or (), "productCreate")
    shelf.listed(product)
    return {"product": product, "shop": store, "user_errors": wrong}


def update(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """productUpdate: what is given is changed, lists are replaced; an error leaves everything as it was."""
    store, input_ = info.context.store, arguments.get("product") or {}
    product = store.shelves.products.get(input_.get("id") or "")
    if info.context.refusal or product is None:
        return {"product": None, "user_errors": _refused(info) or [_MISSING]}
    errors = list(product_errors(store, input_, product))
    if errors:
        return {"product": product, "user_errors": errors}
    shelf = store.assortment
    shelf.change(product, _fields(store, input_, product), "productUpdate")
    joined, left = (found_collections(store, input_.get(f"collectionsTo{word}") or ()) for word in ("Join", "Leave"))
    kept = [collection for collection in product.collections if collection not in left]
    shelf.collect(product, list(dict.fromkeys([*kept, *joined])), "productUpdate")
    wrong = _add_media(shelf, product, arguments.get("media") or (), "productUpdate")
    return {"product": product, "user_errors": wrong}


def _fields(store: ShopifyStore, input_: Mapping[str, Any], product: Product | None = None) -> dict[str, Any]:
    """Return a product's fields that an input gives."""
    given = {NAMES[name]: value for name, value in input_.items() if name in NAMES and value is not None}
    given |= {NAMES[name]: "" for name in _MAY_BE_EMPTY if name in input_ and input_[name] is None}
    if "tags" in input_:
        given["tags"] = tag_list(input_["tags"] or ())
    if product is None or "vendor" in given:
        given["vendor"] = given.get("vendor") or store.domain.partition(".")[0]
    handle = input_.get("handle") or ""
    if product is not None and handle.strip():
        given["handle"] = store.assortment.handle_of(handle, product.title)
    return given


def tag_list(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags without blanks and repetitions; a comma parts one from the next."""
    found: dict[str, str] = {}
    for part in (part.strip() for tag in tags for part in tag.split(",")):
        if part:
            found.setdefault(part.casefold(), part)
    return tuple(found.values())


def found_collections(store: ShopifyStore, gids: Sequence[str]) -> list[Collection]:
    """Return the collections of these gids; unknown ones have been refused before."""
    known = {collection.id: collection for collection in store.shelves.collections.values()}
    return [known[gid] for gid in gids]


def _add_media(
    shelf: Assortment, product: Product, media: Sequence[Mapping[str, Any]], mutation: str
) -> list[UserError]:
    """Give a product the pictures whose addresses are good; return what is wrong with the others."""
    wrong = list(media_errors(media))
    bad = {int(error.field[1]) for error in wrong if error.field}
    good = [(each["originalSource"], each.get("alt") or "") for place, each in enumerate(media) if place not in bad]
    shelf.picture(product, good, mutation)
    return wrong


def update_variants(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """productVariantsBulkUpdate: all or nothing, unless partial updates are allowed."""
    store, rows = info.context.store, arguments["variants"]
    product = store.shelves.products.get(arguments["productId"])
    if info.context.refusal or product is None:
        missing = UserError("PRODUCT_DOES_NOT_EXIST", ["productId"], "Product does not exist")
        return {"product": None, "product_variants": None, "user_errors": _refused(info) or [missing]}
    wrong = bulk_errors(rows, product, store.shelves.variants)
    told = [error for errors in wrong for error in errors]
    if told and not arguments.get("allowPartialUpdates"):
        return {"product": product, "product_variants": None, "user_errors": told}
    changed = []
    for row, errors in zip(rows, wrong, strict=True):
        variant = store.shelves.variants.get(row.get("id") or "")
        if variant is not None and not errors:
            change_variant(store.assortment, variant, row, "productVariantsBulkUpdate")
        if variant is not None:
            changed.append(variant)
    _add_media(store.assortment, product, arguments.get("media") or (), "productVariantsBulkUpdate")
    return {"product": product, "product_variants": changed, "user_errors": told}


def change_variant(shelf: Assortment, variant: Variant, row: Mapping[str, Any], mutation: str) -> None:
    """Give a variant what an input says of it; what is not given stays."""
    fields: dict[str, Any] = {}
    if row.get("price") is not None:
        fields["price_cents"] = cents(row["price"])
    if "compareAtPrice" in row:
        fields["compare_cents"] = None if row["compareAtPrice"] is None else cents(row["compareAtPrice"])
    if "barcode" in row:
        fields["barcode"] = row["barcode"] or ""
    if row.get("inventoryPolicy") is not None:
        fields["inventory_policy"] = row["inventoryPolicy"]
    if row.get("taxable") is not None:
        fields["taxable"] = row["taxable"]
    if row.get("optionValues"):
        fields["options"] = renamed(row["optionValues"], variant)
    shelf.change_variant(variant, fields, mutation)
    item = item_fields(row)
    if any(getattr(variant.item, name) != value for name, value in item.items()):
        shelf.change_item(variant.item, item, mutation)


def item_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an inventory item's fields that a variant's input gives; its SKU may stand on either."""
    given = row.get("inventoryItem") or {}
    fields: dict[str, Any] = {}
    if given.get("sku") is not None or row.get("sku") is not None:
        fields["sku"] = given.get("sku") if row.get("sku") is None else row["sku"]
    if given.get("cost") is not None:
        fields["cost_cents"] = cents(given["cost"])
    for name, ours in (("tracked", "tracked"), ("requiresShipping", "requires_shipping")):
        if given.get(name) is not None:
            fields[ours] = given[name]
    return fields


def add_tags(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """tagsAdd: tags beside those that a product has."""
    return _retag(info, arguments, "tagsAdd")


def remove_tags(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """tagsRemove: tags off a product; one that it has not is no mistake."""
    return _retag(info, arguments, "tagsRemove")


def _retag(info: GraphQLResolveInfo[Context], arguments: Mapping[str, Any], mutation: str) -> Payload:
    store = info.context.store
    product = store.shelves.products.get(arguments["id"])
    if info.context.refusal or product is None:
        return {"node": None, "user_errors": _refused(info) or [_MISSING]}
    given = tag_list(arguments["tags"])
    gone = {tag.casefold() for tag in given} if mutation == "tagsRemove" else set()
    tags = tag_list([*product.tags, *given]) if mutation == "tagsAdd" else product.tags
    store.assortment.change(product, {"tags": tuple(tag for tag in tags if tag.casefold() not in gone)}, mutation)
    return {"node": product, "user_errors": []}


def _refused(info: GraphQLResolveInfo[Context]) -> list[UserError]:
    return [told_refusal(info)] if info.context.refusal else []
