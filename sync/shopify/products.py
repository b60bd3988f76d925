"""Products at Shopify: read once more, written, and made. A write without an answer is never sent again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sync.cards import ProductCard
from sync.errors import Code
from sync.model import VariantRow
from sync.pacing import Urgency
from sync.products import ProductRefusal, ProductUpdate
from sync.shopify.answers import Unproven, printable
from sync.shopify.api import AdminApi
from sync.shopify.cards import product_card
from sync.shopify.documents import (
    COLLECTIONS,
    CREATE_PRODUCT,
    PRODUCT_BY_HANDLE,
    PRODUCTS_BY_ID,
    UPDATE_PRICES,
    UPDATE_PRODUCT,
    VARIANTS_OF_PRODUCT,
)
from sync.shopify.pages import next_cursor
from sync.shopify.shapes import (
    Collections,
    PricesUpdated,
    ProductByHandle,
    ProductCreated,
    ProductPayload,
    ProductsById,
    ProductUpdated,
    VariantsOfProduct,
)
from sync.shopify.variants import nodes_of, row_with_card
from sync.shopify.wire import UserError, parse, shaped

MOST_PRICES = 250  # variants of one call
_PRODUCTS_AT_ONCE = 50  # 11 points each if every id counts
_PAGE = 250
_TOO_MANY = frozenset({"VARIANTS_OVER_LIMIT", "OPTIONS_OVER_LIMIT", "OPTION_VALUES_OVER_LIMIT"})


class ShopifyProducts:
    """One shop's products, as their changes need them."""

    def __init__(self, api: AdminApi, location_id: str) -> None:
        self._api = api
        self._location_id = location_id

    async def products_of(self, product_ids: Sequence[str]) -> Mapping[str, ProductCard]:
        """Return these products as they are now, 50 a call; deleted ones are missing."""
        answers = nodes_of(self._api, PRODUCTS_BY_ID, ProductsById, product_ids, _PRODUCTS_AT_ONCE)
        nodes = [node async for answer in answers for node in answer.nodes if node is not None]
        return {node.id: product_card(node, [each.title for each in node.collections.nodes]) for node in nodes}

    async def variants_in(self, product_id: str) -> Sequence[VariantRow]:
        """Return a product's variants with their cards; none where it was deleted."""
        rows: list[VariantRow] = []
        cursor: str | None = None
        while True:
            asked = {"id": product_id, "first": _PAGE, "after": cursor}
            answer = await self._api.read(VARIANTS_OF_PRODUCT, asked, shaped(VariantsOfProduct))
            if answer.product is None:
                return []
            rows += [row_with_card(node) for node in answer.product.variants.nodes]
            cursor = next_cursor(answer.product.variants.page_info, cursor)
            if cursor is None:
                return rows

    async def with_handle(self, handle: str) -> str | None:
        """Return the product with this handle, None: there is none."""
        answer = await self._api.read(PRODUCT_BY_HANDLE, {"handle": handle}, shaped(ProductByHandle))
        found = answer.product_by_identifier
        return None if found is None else found.id

    async def collections(self) -> Mapping[str, str]:
        """Return the gid of each collection by its title; the oldest where several have it."""
        found: dict[str, str] = {}
        cursor: str | None = None
        while True:
            asked = {"first": _PAGE, "after": cursor}
            page = (await self._api.read(COLLECTIONS, asked, shaped(Collections), Urgency.BULK)).collections
            for node in page.nodes:
                found.setdefault(node.title, node.id)
            cursor = next_cursor(page.page_info, cursor)
            if cursor is None:
                return found

    async def update(self, change: ProductUpdate) -> ProductRefusal | None:
        """Write a product's fields; return why Shopify refused, None: it did not.

        Raises `OutcomeUnknown` when it may have been written, `Transient` when it surely was not.
        """
        interpret = partial(_refusal_of, _updated)
        return await self._api.write(UPDATE_PRODUCT, _update_variables(change), interpret, once=True)

    async def set_prices(self, product_id: str, cents: Mapping[str, int]) -> ProductRefusal | None:
        """Set the prices of at most 250 variants of one product, all or none; see `update`."""
        variants = [{"id": variant_id, "price": _amount(price)} for variant_id, price in cents.items()]
        interpret = partial(_refusal_of, _priced)
        asked = {"productId": product_id, "variants": variants}
        return await self._api.write(UPDATE_PRICES, asked, interpret, once=True)

    async def create(self, draft: Mapping[str, Any], join: Sequence[str]) -> str | ProductRefusal:
        """Make a draft product, stocked with 0 at our location; return its gid, or why Shopify refused.

        `draft` is the `after` of a CREATE, `join` the gids of its collections. Raises as `update`.
        """
        variables = {"input": _product_input(draft, join, self._location_id)}
        return await self._api.write(CREATE_PRODUCT, variables, _made, once=True)


def _update_variables(change: ProductUpdate) -> dict[str, Any]:
    fields = {
        "id": change.product_id,
        "title": change.title,
        "descriptionHtml": change.html,
        "tags": None if change.tags is None else list(change.tags),
        "collectionsToJoin": list(change.join) or None,
        "status": change.status,
    }
    media = [{"originalSource": url, "mediaContentType": "IMAGE"} for url in change.image_urls]
    return {"product": {name: value for name, value in fields.items() if value is not None}, "media": media or None}


def _product_input(draft: Mapping[str, Any], join: Sequence[str], location_id: str) -> dict[str, Any]:
    names: list[str] = draft["options"] or ["Title"]
    variants = [_variant_input(variant, names, location_id) for variant in draft["variants"]]
    values = [
        list(dict.fromkeys(each["optionValues"][place]["name"] for each in variants)) for place in range(len(names))
    ]
    return (
        {
            "title": draft["title"],
            "handle": draft["handle"],
            "descriptionHtml": draft["html"],
            "tags": draft["tags"],
            "status": "DRAFT",
            "productOptions": [
                {"name": name, "position": place, "values": [{"name": each} for each in told]}
                for place, (name, told) in enumerate(zip(names, values, strict=True), start=1)
            ],
            "variants": variants,
        }
        | ({"collections": list(join)} if join else {})
        | _files(draft["images"])
    )


def _files(urls: Sequence[str]) -> dict[str, Any]:
    return {"files": [{"originalSource": url, "contentType": "IMAGE"} for url in urls]} if urls else {}


def _variant_input(variant: Mapping[str, Any], names: Sequence[str], location_id: str) -> dict[str, Any]:
    values = variant["options"] or ["Default Title"]
    pairs = zip(names, values, strict=True)
    return {
        "sku": variant["sku"],
        "barcode": variant["barcode"] or None,
        "price": _amount(variant["price"]),
        "optionValues": [{"optionName": name, "name": value} for name, value in pairs],
        "inventoryItem": {"tracked": True},
        "inventoryQuantities": [{"locationId": location_id, "name": "available", "quantity": 0}],
    }


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _refusal_of(
    payload_of: Callable[[Mapping[str, Any]], ProductPayload | None], data: Mapping[str, Any]
) -> ProductRefusal | None:
    payload = payload_of(data)
    if payload is None:
        raise Unproven(Code.SH007, "The product's write has no answer.")
    return _refused(payload.user_errors)


def _updated(data: Mapping[str, Any]) -> ProductPayload | None:
    return parse(ProductUpdated, data).product_update


def _priced(data: Mapping[str, Any]) -> ProductPayload | None:
    return parse(PricesUpdated, data).product_variants_bulk_update


def _made(data: Mapping[str, Any]) -> str | ProductRefusal:
    payload = parse(ProductCreated, data).product_set
    if payload is None or (payload.product is None and not payload.user_errors):
        raise Unproven(Code.SH007, "The new product has no answer.")
    refusal = _refused(payload.user_errors)
    if refusal is not None or payload.product is None:
        return refusal or ProductRefusal("SH003", "")
    return payload.product.id


def _refused(errors: Sequence[UserError]) -> ProductRefusal | None:
    """Return the first of the refusals, in Shopify's own words."""
    if not errors:
        return None
    first = errors[0]
    code = "SH002" if first.code in _TOO_MANY else "SH003"
    where = ".".join(first.field or ())
    return ProductRefusal(code, printable(f"{where}: {first.message}" if where else first.message))
