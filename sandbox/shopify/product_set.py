"""productSet: makes a product what the input says; given lists are replaced, lists not given stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.clock import Clock
from sandbox.shopify.assortment import NewVariant
from sandbox.shopify.context import Context
from sandbox.shopify.inventory import Payload, told_refusal
from sandbox.shopify.inventory_rules import UserError
from sandbox.shopify.model import Product, Variant
from sandbox.shopify.money import cents
from sandbox.shopify.opening import slug
from sandbox.shopify.product_rules import chosen_values, set_errors
from sandbox.shopify.products import NAMES, change_variant, found_collections, item_fields, tag_list
from sandbox.shopify.state import ShopifyStore

_NAME = "productSet"
_BESIDE = timedelta(seconds=2)  # what an operation beside its call takes
FIRST_OPERATION = 15_600_000_000


@dataclass(slots=True, eq=False)
class SetOperation:
    """A product set that was asked to run beside its call; it tells its outcome once it is over."""

    number: int
    clock: Clock
    ends_at: datetime
    outcome: Product | None
    errors: list[UserError]
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/ProductSetOperation/{self.number}"

    @property
    def status(self) -> str:
        """ProductOperationStatus as of now."""
        return "COMPLETE" if self.clock.now() >= self.ends_at else "CREATED"

    @property
    def product(self) -> Product | None:
        """The product, once it is there."""
        return self.outcome if self.status == "COMPLETE" else None

    @property
    def user_errors(self) -> list[UserError]:
        """What was refused, once that is known."""
        return self.errors if self.status == "COMPLETE" else []


def set_product(_: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Payload:
    """Answer productSet."""
    context: Context = info.context
    if context.refusal:
        return _payload(None, [told_refusal(info)])
    product, errors = _done(context.store, arguments)
    if arguments.get("synchronous", True):
        return _payload(product, errors)
    store = context.store
    number = FIRST_OPERATION + len(store.operations) + 1
    operation = SetOperation(number, store.clock, store.clock.now() + _BESIDE, product, errors)
    store.operations[operation.id] = operation
    return {**_payload(None, []), "product_set_operation": operation}


def _payload(product: Product | None, errors: list[UserError]) -> Payload:
    return {"product": product, "product_set_operation": None, "user_errors": errors}


def _done(store: ShopifyStore, arguments: Mapping[str, Any]) -> tuple[Product | None, list[UserError]]:
    """Do all of it, or nothing."""
    input_, identifier = arguments["input"], arguments.get("identifier")
    product, refusal = _found(store, input_, identifier)
    errors = [refusal] if refusal is not None else set_errors(store, input_, product)
    if errors:
        return product, errors
    if product is None:
        return _created(store, input_), []
    _changed(store, input_, product)
    return product, []


def _found(
    store: ShopifyStore, input_: Mapping[str, Any], identifier: Mapping[str, Any] | None
) -> tuple[Product | None, UserError | None]:
    """Return the product that is meant (None: a new one), or why nothing can be meant."""
    products, own = store.shelves.products, input_.get("id")
    if identifier is not None and own is not None:
        message = "The id field is not allowed if identifier is provided."
        return None, UserError("ID_NOT_ALLOWED", ["input"], message)
    if identifier is None:
        if own is None or own in products:
            return products.get(own or ""), None
        return None, UserError("PRODUCT_DOES_NOT_EXIST", ["input", "id"], "Product does not exist")
    if identifier.get("id") is not None:
        product = products.get(identifier["id"])
        missing = UserError("NOT_FOUND", ["identifier"], "Resource matching the identifier was not found.")
        return product, missing if product is None else None
    handle = identifier["handle"]
    if input_.get("handle") is None:
        message = "The input field corresponding to the identifier is required."
        return None, UserError("MISSING_FIELD_REQUIRED", ["input"], message)
    if input_["handle"] != handle:
        message = "The identifier value does not match the value of the corresponding field in the input."
        return None, UserError("INPUT_MISMATCH", ["input"], message)
    return next((product for product in products.values() if product.handle == slug(handle)), None), None


def _created(store: ShopifyStore, input_: Mapping[str, Any]) -> Product:
    shelf = store.assortment
    product = shelf.create(
        shelf.handle_of(input_.get("handle") or "", input_["title"]),
        [str(option["name"]) for option in _options(input_)],
        **_fields(input_),
    )
    product.vendor = product.vendor or store.domain.partition(".")[0]
    if input_.get("variants"):
        _set_variants(store, input_, product)
    else:
        shelf.add_variant(product, NewVariant(), mutation=_NAME)
    _set_lists(store, input_, product)
    shelf.listed(product)
    return product


def _changed(store: ShopifyStore, input_: Mapping[str, Any], product: Product) -> None:
    fields, handle = _fields(input_), input_.get("handle")
    if handle is not None and slug(handle) != product.handle:  # a blank one is made of the title anew
        fields["handle"] = store.assortment.handle_of(handle, input_.get("title") or product.title)
    if input_.get("productOptions") is not None:
        fields["option_names"] = tuple(str(option["name"]) for option in _options(input_))
    store.assortment.change(product, fields, _NAME)
    if input_.get("variants") is not None:
        _set_variants(store, input_, product)
    _set_lists(store, input_, product)


def _fields(input_: Mapping[str, Any]) -> dict[str, Any]:
    fields = {NAMES[name]: value for name, value in input_.items() if name in NAMES and value is not None}
    if input_.get("tags") is not None:
        fields["tags"] = tag_list(input_["tags"])
    return fields


def _options(input_: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the options in the order of their positions, those without one as they stand."""
    options = list(enumerate(input_.get("productOptions") or (), 1))
    return [option for _, option in sorted(options, key=lambda each: each[1].get("position") or each[0])]


def _set_lists(store: ShopifyStore, input_: Mapping[str, Any], product: Product) -> None:
    shelf = store.assortment
    if input_.get("collections") is not None:
        shelf.collect(product, found_collections(store, input_["collections"]), _NAME)
    if input_.get("files") is not None:
        named = {file["id"] for file in input_["files"] if file.get("id")}
        shelf.unpicture(product, [media for media in product.media if media.id in named], _NAME)
        new = [(file["originalSource"], file.get("alt") or "") for file in input_["files"] if not file.get("id")]
        shelf.picture(product, new, _NAME)


def _set_variants(store: ShopifyStore, input_: Mapping[str, Any], product: Product) -> None:
    """Change the variants that are named, add those without an id, delete the others."""
    names = [str(option["name"]) for option in _options(input_)]
    rows = input_["variants"]
    kept = {row["id"] for row in rows if row.get("id")}
    for variant in [variant for variant in product.variants if variant.id not in kept]:
        store.assortment.remove_variant(variant)
    for row in rows:
        options = tuple(zip(names, map(str, chosen_values(row, names)), strict=True))
        if row.get("id"):
            variant = store.shelves.variants[row["id"]]
            store.assortment.change_variant(variant, {"options": options}, _NAME)
            change_variant(store.assortment, variant, {**row, "optionValues": None}, _NAME)
        else:
            variant = store.assortment.add_variant(product, _new(row, options), mutation=_NAME)
        _set_quantities(store, variant, row)
    for place, variant in enumerate(product.variants, 1):
        variant.position = place


def _new(row: Mapping[str, Any], options: tuple[tuple[str, str], ...]) -> NewVariant:
    crossed = row.get("compareAtPrice")
    return NewVariant(
        options=options,
        stock={} if row.get("inventoryQuantities") else None,
        barcode=row.get("barcode") or "",
        inventory_policy=row.get("inventoryPolicy") or "DENY",
        taxable=row.get("taxable") is not False,
        price_cents=cents(row.get("price") or Decimal(0)),
        compare_cents=None if crossed is None else cents(crossed),
        **item_fields(row),
    )


def _set_quantities(store: ShopifyStore, variant: Variant, row: Mapping[str, Any]) -> None:
    for given in row.get("inventoryQuantities") or ():
        level = variant.item.levels.get(given["locationId"])
        beside = level.quantity("on_hand") - level.quantities["available"] if level is not None else 0
        units = given["quantity"] - (beside if given["name"] == "on_hand" else 0)
        store.assortment.stock_up(variant.item, given["locationId"], units, mutation=_NAME)
