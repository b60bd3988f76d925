"""What the store refuses in a product write, told as userErrors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from sandbox.shopify.inventory_rules import UserError
from sandbox.shopify.model import Product, Variant
from sandbox.shopify.opening import NO_HANDLE, slug
from sandbox.shopify.state import ShopifyStore

LONGEST = 255  # characters of a title, vendor, type, handle, SKU or option value
MOST_OPTIONS = 3
MOST_QUANTITIES = 50_000  # in one product set
_HIGHEST = Decimal(10) ** 18
_TOO_LONG = f"is too long (maximum is {LONGEST} characters)"
_TEXTS = (
    ("title", ("Title",)),
    ("vendor", ("Vendor",)),
    ("productType", ("Product type", "Custom product type")),
)
Path = list[str]


def product_errors(store: ShopifyStore, input_: Mapping[str, Any], product: Product | None) -> Iterator[UserError]:
    """Yield why productCreate or productUpdate is refused; `product` is the one to be changed."""
    title = input_.get("title")
    if ("title" in input_ or product is None) and not (title or "").strip():
        yield UserError(None, ["title"], "Title can't be blank")
    for name, words in _TEXTS:
        if len(input_.get(name) or "") > LONGEST:
            fields = (name, f"custom{name[0].upper()}{name[1:]}")
            yield from (
                UserError(None, [field], f"{word} {_TOO_LONG}") for field, word in zip(fields, words, strict=False)
            )
    yield from _handle_errors(store, input_.get("handle"), product)
    for name in ("collectionsToJoin", "collectionsToLeave"):
        yield from _collection_errors(store, input_.get(name) or (), [name])


def _handle_errors(store: ShopifyStore, handle: str | None, product: Product | None) -> Iterator[UserError]:
    if handle is None or not handle.strip():
        return
    if len(slug(handle)) > LONGEST:
        yield UserError(None, ["handle"], f"Handle {_TOO_LONG}")
    if handle_taken(store, handle, product):
        yield UserError(None, ["input", "handle"], _taken(handle))


def handle_taken(store: ShopifyStore, wished: str, product: Product | None) -> bool:
    """Tell whether another product has the handle that is wished for; what is no handle at all is no wish."""
    handle, products = slug(wished), store.shelves.products.values()
    return handle != NO_HANDLE and any(each.handle == handle for each in products if each is not product)


def _taken(wished: str) -> str:
    return f"Handle '{wished}' already in use. Please provide a new handle."


def _collection_errors(store: ShopifyStore, gids: Sequence[str], path: Path) -> Iterator[UserError]:
    known = {collection.id for collection in store.shelves.collections.values()}
    if not known.issuperset(gids):
        yield UserError(None, path, "Collection does not exist")


def media_errors(media: Sequence[Mapping[str, Any]]) -> Iterator[UserError]:
    """Yield a refusal for every picture whose address is none; the others are taken."""
    for place, each in enumerate(media):
        if not is_address(each["originalSource"]):
            yield UserError("INVALID", ["media", str(place), "originalSource"], "Image URL is invalid")


def is_address(text: str) -> bool:
    """Tell whether a text is an absolute address that a picture can be fetched from."""
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


# --- variants


def bulk_errors(
    variants: Sequence[Mapping[str, Any]], product: Product, every: Mapping[str, Variant]
) -> list[list[UserError]]:
    """Return for each variant of a bulk update why it is refused."""
    return [list(_bulk_row(row, product, every, ["variants", str(place)])) for place, row in enumerate(variants)]


def _bulk_row(
    row: Mapping[str, Any], product: Product, every: Mapping[str, Variant], path: Path
) -> Iterator[UserError]:
    if row.get("id") is None:
        yield UserError("PRODUCT_VARIANT_ID_MISSING", [*path, "id"], "Product variant is missing ID attribute")
        return
    variant = every.get(row["id"])
    if variant is None or variant not in product.variants:
        message = "Product variant does not exist"
        yield UserError("PRODUCT_VARIANT_DOES_NOT_EXIST", [*path, "id"], message)
        return
    if "inventoryQuantities" in row:
        message = (
            "Inventory quantities can only be provided during create."
            " To update inventory for existing variants, use inventoryAdjustQuantities."
        )
        code = "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE"
        yield UserError(code, [*path, "inventoryQuantities"], message)
    yield from _amount_errors(row.get("compareAtPrice"), [*path, "compareAtPrice"])
    yield from _amount_errors(row.get("price"), [*path, "price"], lowest="GREATER_THAN_OR_EQUAL_TO")
    if len((row.get("inventoryItem") or {}).get("sku") or "") > LONGEST:
        yield UserError("INVALID_INPUT", [*path, "inventoryItem", "sku"], _TOO_LONG)
    yield from _renaming_errors(row.get("optionValues") or (), variant, path)


def _amount_errors(amount: Decimal | None, path: Path, lowest: str = "") -> Iterator[UserError]:
    if amount is None:
        return
    if amount >= _HIGHEST:
        yield UserError("INVALID_INPUT", path, f"must be less than {_HIGHEST}")
    if amount < 0 and lowest:
        yield UserError(lowest, path, "Price must be greater than or equal to 0")
    elif amount < 0:
        yield UserError("INVALID_INPUT", path, "must be greater than or equal to 0")


def _renaming_errors(values: Sequence[Mapping[str, Any]], variant: Variant, path: Path) -> Iterator[UserError]:
    """Look at option values that a bulk update gives a variant."""
    names = dict(variant.options)
    for place, value in enumerate(values):
        if value.get("optionName") not in names:
            yield UserError("OPTION_DOES_NOT_EXIST", [*path, "optionValues", str(place)], "Option does not exist")
    chosen = renamed(values, variant)
    if chosen != variant.options and any(other.options == chosen for other in variant.product.variants):
        yield UserError("VARIANT_ALREADY_EXISTS", path, _exists(chosen))


def renamed(values: Sequence[Mapping[str, Any]], variant: Variant) -> tuple[tuple[str, str], ...]:
    """Return a variant's options with the values that a write gives it."""
    given = {value.get("optionName"): value.get("name") for value in values}
    return tuple((name, str(given.get(name) or value)) for name, value in variant.options)


def _exists(options: Sequence[tuple[str, str]]) -> str:
    shown = " / ".join(value for _, value in options)
    return f"The variant '{shown}' already exists. Please change at least one option value."


# --- productSet


def set_errors(store: ShopifyStore, input_: Mapping[str, Any], product: Product | None) -> list[UserError]:
    """Return why productSet is refused; `product` is the one that is there already."""
    found = [*_set_heads(store, input_, product), *_option_errors(input_)]
    return found or list(_set_variants(store, input_, product))


def _set_heads(store: ShopifyStore, input_: Mapping[str, Any], product: Product | None) -> Iterator[UserError]:
    title, code = input_.get("title"), "INVALID_PRODUCT"
    if ("title" in input_ or product is None) and not (title or "").strip():
        yield UserError(code, ["input", "title"], "Title can't be blank")
    if len(title or "") > LONGEST:
        yield UserError(code, ["input", "title"], _TOO_LONG)
    if len(slug(input_.get("handle") or ("" if product else title) or "")) > LONGEST:
        yield UserError(code, ["input"], f"Handle {_TOO_LONG}")
    for name, words in _TEXTS[1:]:
        if len(input_.get(name) or "") > LONGEST:
            yield from (UserError(code, ["input"], f"{word} {_TOO_LONG}") for word in words)
    handle = input_.get("handle")
    if handle and handle.strip() and handle_taken(store, handle, product):
        yield UserError("HANDLE_NOT_UNIQUE", ["input", "handle"], _taken(handle))
    for error in _collection_errors(store, input_.get("collections") or (), ["input", "collections"]):
        yield error._replace(code="INVALID_INPUT")
    for place, file in enumerate(input_.get("files") or ()):
        if file.get("id") is None and not is_address(file.get("originalSource") or ""):
            yield UserError("INVALID_INPUT", ["input", "files", str(place), "originalSource"], "Image URL is invalid")


def _option_errors(input_: Mapping[str, Any]) -> Iterator[UserError]:
    options, variants, path = input_.get("productOptions"), input_.get("variants"), ["input", "productOptions"]
    if variants is not None and options is None:
        message = "Must specify product options when updating variants."
        yield UserError("PRODUCT_OPTIONS_INPUT_MISSING", path, message)
    if options is None:
        return
    if variants is None:
        message = "Must specify variants when updating options."
        yield UserError("VARIANTS_INPUT_MISSING", ["input", "variants"], message)
    if len(options) > MOST_OPTIONS:
        yield UserError("OPTIONS_OVER_LIMIT", path, f"Can only specify a maximum of {MOST_OPTIONS} options")
    names = Counter((option.get("name") or "").casefold() for option in options)
    for place, option in enumerate(options):
        values = [(value.get("name") or "").casefold() for value in option.get("values") or ()]
        if names[(option.get("name") or "").casefold()] > 1:
            message = f"Option name '{option.get('name')}' is duplicated"
            yield UserError("DUPLICATED_OPTION_NAME", [*path, str(place)], message)
        if not values:
            message = "Each option must have at least one option value specified."
            yield UserError("OPTION_VALUES_MISSING", [*path, str(place), "values"], message)
        if len(set(values)) < len(values):
            yield UserError("DUPLICATED_OPTION_VALUE", [*path, str(place), "values"], "Option values are duplicated")


def _set_variants(store: ShopifyStore, input_: Mapping[str, Any], product: Product | None) -> Iterator[UserError]:
    options = {option.get("name"): _value_names(option) for option in input_.get("productOptions") or ()}
    own = {variant.id for variant in product.variants} if product is not None else set()
    seen: set[tuple[str | None, ...]] = set()
    quantities = 0
    for place, row in enumerate(input_.get("variants") or ()):
        path = ["input", "variants", str(place)]
        if row.get("id") is not None and row["id"] not in own:
            yield UserError("PRODUCT_VARIANT_DOES_NOT_EXIST", [*path, "id"], "Product variant does not exist")
        yield from _choice_errors(row, options, path)
        chosen = chosen_values(row, list(options))
        if None not in chosen and chosen in seen:
            shown = [(str(name), str(value)) for name, value in zip(options, chosen, strict=True)]
            yield UserError("INVALID_VARIANT", path, _exists(shown))
        seen.add(chosen)
        yield from _set_amounts(row, path)
        quantities += len(row.get("inventoryQuantities") or ())
        yield from _quantity_errors(store, row, path)
    if quantities > MOST_QUANTITIES:
        message = f"Inventory quantity input exceeds the limit of {MOST_QUANTITIES}."
        yield UserError("INVENTORY_QUANTITIES_LIMIT_EXCEEDED", ["input", "variants"], message)


def _value_names(option: Mapping[str, Any]) -> set[str]:
    return {value.get("name") or "" for value in option.get("values") or ()}


def chosen_values(row: Mapping[str, Any], names: Sequence[str | None]) -> tuple[str | None, ...]:
    """Return the values that a variant chooses, in the order of the options; None where it chooses none."""
    given = {value.get("optionName"): value.get("name") for value in row["optionValues"]}
    return tuple(given.get(name) for name in names)


def _choice_errors(row: Mapping[str, Any], options: Mapping[str | None, set[str]], path: Path) -> Iterator[UserError]:
    for at, value in enumerate(row["optionValues"]):
        where, name = [*path, "optionValues", str(at)], value.get("optionName")
        if name not in options:
            yield UserError("OPTION_DOES_NOT_EXIST", where, "Option does not exist")
        elif value.get("name") not in options[name]:
            yield UserError("OPTION_VALUE_DOES_NOT_EXIST", where, "Option value does not exist")
    if {value.get("optionName") for value in row["optionValues"]} < options.keys():
        yield UserError("INVALID_VARIANT", path, "You need to add option values for every option")


def _set_amounts(row: Mapping[str, Any], path: Path) -> Iterator[UserError]:
    for name in ("compareAtPrice", "price"):
        for error in _amount_errors(row.get(name), [*path, name], lowest="INVALID_VARIANT" if name == "price" else ""):
            yield error._replace(code="INVALID_VARIANT")
    cost = (row.get("inventoryItem") or {}).get("cost")
    if cost is not None and cost < 0:
        message = "Cost per item must be greater than or equal to 0"
        yield UserError("INVALID_VARIANT", [*path, "inventoryItem", "cost"], message)
    if cost is not None and cost >= _HIGHEST:
        message = f"Cost per item must be less than {_HIGHEST}"
        yield UserError("INVALID_VARIANT", [*path, "inventoryItem", "cost"], message)
    if len(row.get("sku") or "") > LONGEST:
        yield UserError("INVALID_VARIANT", [*path, "sku"], f"SKU {_TOO_LONG}")


def _quantity_errors(store: ShopifyStore, row: Mapping[str, Any], path: Path) -> Iterator[UserError]:
    """Look at a variant's quantities; those of an existing one are taken only where it is stocked already."""
    variant = store.shelves.variants.get(row.get("id") or "")
    for at, given in enumerate(row.get("inventoryQuantities") or ()):
        where = [*path, "inventoryQuantities", str(at)]
        if given["name"] not in ("available", "on_hand"):
            yield UserError("INVALID_INPUT", [*where, "name"], "The quantity name must be available or on_hand.")
        if given["locationId"] not in store.locations:
            yield UserError("INVALID_INPUT", [*where, "locationId"], "The specified location could not be found.")
        elif variant is not None and given["locationId"] not in variant.item.levels:
            message = "The variant is not stocked at this location."
            yield UserError("INVALID_INPUT", [*where, "locationId"], message)
