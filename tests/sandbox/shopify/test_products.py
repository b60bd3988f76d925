"""Products as they are read and written: fields, pictures, tags, collections, prices."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.shopify.model import Event
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import Ask

pytestmark = pytest.mark.anyio

UPDATE = """mutation($product: ProductUpdateInput!, $media: [CreateMediaInput!]) {
  productUpdate(product: $product, media: $media) {
    product { id title descriptionHtml productType vendor tags status handle mediaCount { count } updatedAt
      collections(first: 5) { nodes { title } } }
    userErrors { field message } } }"""
CREATE = """mutation($product: ProductCreateInput!, $media: [CreateMediaInput!]) {
  productCreate(product: $product, media: $media) {
    product { id title handle status vendor tags options { name values optionValues { name hasVariants } }
      variants(first: 9) { nodes { title price sku inventoryItem { tracked } } } mediaCount { count } }
    userErrors { field message } } }"""
VARIANTS = """mutation($id: ID!, $rows: [ProductVariantsBulkInput!]!, $partly: Boolean) {
  productVariantsBulkUpdate(productId: $id, variants: $rows, allowPartialUpdates: $partly) {
    product { id } productVariants { id price compareAtPrice sku } userErrors { field message code } } }"""
TAGS = """mutation($id: ID!, $tags: [String!]!) { %s(id: $id, tags: $tags) {
  node { id ... on Product { tags } } userErrors { field message } } }"""


def product_of(store: ShopifyStore, sku: str) -> str:
    return store.item(sku).variant.product.id


async def told(ask: Ask, query: str, name: str, **variables: Any) -> Any:
    body = await ask(query, **variables)
    assert "errors" not in body, body
    return body["data"][name]


async def test_what_is_given_changes_and_the_rest_stays(ask: Ask, store: ShopifyStore, clock: ManualClock) -> None:
    events: list[Event] = []
    store.events.append(events.append)
    clock.advance(60)
    gid = product_of(store, "TEE-S")
    answer = await told(ask, UPDATE, "productUpdate", product={"id": gid, "title": "Tee Shirt", "tags": ["b, a", "B"]})
    assert answer["userErrors"] == []
    shown = answer["product"]
    assert (shown["title"], shown["tags"], shown["productType"], shown["handle"]) == (
        "Tee Shirt",
        ["a", "b"],
        "Merchandise",
        "tee",
    )
    assert shown["updatedAt"] == "2026-11-22T12:01:00Z"
    assert {event.topic for event in events} == {"products/update"}
    assert [(write.field, write.before, write.after) for write in store.assortment.writes] == [
        ("title", "Tee", "Tee Shirt"),
        ("tags", ("cloth",), ("b", "a")),
    ]


async def test_a_write_of_what_is_there_already_moves_nothing(
    ask: Ask, store: ShopifyStore, clock: ManualClock
) -> None:
    clock.advance(60)
    before = store.item("DUCK").variant.product.updated_at
    product = {"id": product_of(store, "DUCK"), "title": "Bath Duck", "status": "ACTIVE"}
    await told(ask, UPDATE, "productUpdate", product=product)
    assert store.item("DUCK").variant.product.updated_at == before
    assert store.assortment.writes == []


LONG = "x" * 256


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"title": " "}, [(["title"], "Title can't be blank")]),
        ({"title": LONG}, [(["title"], "Title is too long (maximum is 255 characters)")]),
        ({"vendor": LONG}, [(["vendor"], "Vendor is too long (maximum is 255 characters)")]),
        (
            {"productType": LONG},
            [
                (["productType"], "Product type is too long (maximum is 255 characters)"),
                (["customProductType"], "Custom product type is too long (maximum is 255 characters)"),
            ],
        ),
        ({"handle": "Tee"}, [(["input", "handle"], "Handle 'Tee' already in use. Please provide a new handle.")]),
        ({"collectionsToJoin": ["gid://shopify/Collection/1"]}, [(["collectionsToJoin"], "Collection does not exist")]),
    ],
)
async def test_a_refused_update_changes_nothing_and_shows_the_product(
    ask: Ask, store: ShopifyStore, change: dict[str, Any], errors: list[Any]
) -> None:
    product = {"id": product_of(store, "DUCK"), "descriptionHtml": "<p>new</p>", **change}
    answer = await told(ask, UPDATE, "productUpdate", product=product)
    assert [(error["field"], error["message"]) for error in answer["userErrors"]] == errors
    assert answer["product"]["descriptionHtml"] == ""
    assert store.assortment.writes == []


@pytest.mark.parametrize("product", [{"title": "Ghost"}, {"id": "gid://shopify/Product/9", "title": "Ghost"}])
async def test_an_unknown_product_is_refused_without_one(ask: Ask, product: dict[str, str]) -> None:
    answer = await told(ask, UPDATE, "productUpdate", product=product)
    assert answer == {"product": None, "userErrors": [{"field": ["id"], "message": "Product does not exist"}]}


async def test_a_handle_is_brought_into_its_form(ask: Ask, store: ShopifyStore) -> None:
    gid = product_of(store, "DUCK")
    recorded = (
        ("  Mixed CASE / 東京 100 % ", "mixed-case-東京-100"),
        ("   ", "mixed-case-東京-100"),
        ("%%%", "product"),
    )
    for given, handle in recorded:
        answer = await told(ask, UPDATE, "productUpdate", product={"id": gid, "handle": given})
        assert answer["product"]["handle"] == handle


async def test_collections_are_joined_and_left_and_can_be_searched(ask: Ask, store: ShopifyStore) -> None:
    found = await told(
        ask, "{ collections(first: 5) { nodes { id title handle productsCount { count } } } }", "collections"
    )
    [shelf] = found["nodes"]
    assert (shelf["title"], shelf["handle"], shelf["productsCount"]) == ("Merchandise", "merchandise", {"count": 4})
    gid = product_of(store, "DUCK")
    left = await told(ask, UPDATE, "productUpdate", product={"id": gid, "collectionsToLeave": [shelf["id"]]})
    assert left["product"]["collections"]["nodes"] == []
    query = f'{{ products(first: 5, query: "collection_id:{shelf["id"].rpartition("/")[2]}") {{ nodes {{ title }} }} }}'
    titles = [row["title"] for row in (await told(ask, query, "products"))["nodes"]]
    assert titles == ["Tee", "Old Thing", "Kava"]
    await told(ask, UPDATE, "productUpdate", product={"id": gid, "collectionsToJoin": [shelf["id"], shelf["id"]]})
    inside = (
        "query($p: ID!, $c: ID!) { product(id: $p) { inCollection(id: $c) } collection(id: $c) { hasProduct(id: $p) } }"
    )
    body = await ask(inside, p=gid, c=shelf["id"])
    assert body["data"] == {"product": {"inCollection": True}, "collection": {"hasProduct": True}}


async def test_a_picture_takes_a_while_to_be_there(ask: Ask, store: ShopifyStore, clock: ManualClock) -> None:
    gid = product_of(store, "DUCK")
    media = [
        {"mediaContentType": "IMAGE", "originalSource": "https://images.example/duck.jpg?v=1", "alt": "A duck"},
        {"mediaContentType": "IMAGE", "originalSource": "not-a-url"},
    ]
    answer = await told(ask, UPDATE, "productUpdate", product={"id": gid}, media=media)
    assert answer["userErrors"] == [{"field": ["media", "1", "originalSource"], "message": "Image URL is invalid"}]
    assert answer["product"]["mediaCount"] == {"count": 1}
    query = """query($id: ID!) { product(id: $id) { featuredMedia { status }
      media(first: 5) { nodes { alt mediaContentType status preview { image { url } }
        ... on MediaImage { image { url } } } } } }"""
    seen = []
    for seconds in (0, 2, 2):
        clock.advance(seconds)
        shown = await told(ask, query, "product", id=gid)
        seen.append(shown["media"]["nodes"][0])
    assert [each["status"] for each in seen] == ["UPLOADED", "PROCESSING", "READY"]
    assert [each["image"] for each in seen[:2]] == [None, None]
    assert seen[2]["image"]["url"].startswith("https://cdn.shopify.com/")
    assert seen[2]["preview"]["image"] == seen[2]["image"]
    assert (seen[2]["alt"], seen[2]["mediaContentType"]) == ("A duck", "IMAGE")


async def test_a_new_product_has_one_variant_that_is_not_counted(ask: Ask, store: ShopifyStore) -> None:
    events: list[Event] = []
    store.events.append(events.append)
    answer = await told(ask, CREATE, "productCreate", product={"title": "Bath Duck"})
    assert answer["userErrors"] == []
    made = answer["product"]
    assert (made["handle"], made["status"], made["vendor"]) == ("bath-duck", "ACTIVE", "wtfswag")
    assert made["variants"]["nodes"] == [
        {"title": "Default Title", "price": "0.00", "sku": None, "inventoryItem": {"tracked": False}}
    ]
    assert [event.topic for event in events].count("products/create") == 1


@pytest.mark.parametrize(
    ("wished", "handles"),
    [
        ({"title": "Bath Duck"}, ["bath-duck", "bath-duck-1", "bath-duck-2"]),
        ({"title": "Batch 2026"}, ["batch-2026", "batch-2027", "batch-2028"]),
        ({"title": "Odd", "handle": "%%%"}, ["product", "product-1", "product-2"]),
    ],
)
async def test_a_handle_that_nobody_chose_gets_the_next_number(
    ask: Ask, wished: dict[str, str], handles: list[str]
) -> None:
    made = [(await told(ask, CREATE, "productCreate", product=wished))["product"]["handle"] for _ in handles]
    assert made == handles


async def test_a_new_product_takes_the_first_value_of_each_option(ask: Ask) -> None:
    options = [
        {"name": "Size", "values": [{"name": "S"}, {"name": "M"}]},
        {"name": "Colour", "values": [{"name": "Red"}]},
    ]
    made = (await told(ask, CREATE, "productCreate", product={"title": "Cap", "productOptions": options}))["product"]
    assert [each["title"] for each in made["variants"]["nodes"]] == ["S / Red"]
    assert made["options"][0] == {
        "name": "Size",
        "values": ["S"],
        "optionValues": [{"name": "S", "hasVariants": True}, {"name": "M", "hasVariants": False}],
    }


async def test_a_product_without_a_title_is_not_made(ask: Ask, store: ShopifyStore) -> None:
    before = len(store.shelves.products)
    answer = await told(ask, CREATE, "productCreate", product={"title": ""})
    assert answer == {"product": None, "userErrors": [{"field": ["title"], "message": "Title can't be blank"}]}
    assert len(store.shelves.products) == before


async def test_tags_are_added_and_taken_off(ask: Ask, store: ShopifyStore) -> None:
    gid = product_of(store, "TEE-S")
    added = await told(ask, TAGS % "tagsAdd", "tagsAdd", id=gid, tags=["New", "CLOTH", "sale,red"])
    assert added == {"node": {"id": gid, "tags": ["New", "cloth", "red", "sale"]}, "userErrors": []}
    gone = await told(ask, TAGS % "tagsRemove", "tagsRemove", id=gid, tags=["new", "never there"])
    assert gone["node"]["tags"] == ["cloth", "red", "sale"]
    unknown = await told(ask, TAGS % "tagsAdd", "tagsAdd", id="gid://shopify/Product/9", tags=["x"])
    assert unknown == {"node": None, "userErrors": [{"field": ["id"], "message": "Product does not exist"}]}


async def test_prices_of_variants_change_all_or_none(ask: Ask, store: ShopifyStore, clock: ManualClock) -> None:
    small, medium = (store.item(sku).variant for sku in ("TEE-S", "TEE-M"))
    clock.advance(60)
    rows = [{"id": small.id, "price": "24.00", "compareAtPrice": "30"}, {"id": medium.id, "price": -1}]
    answer = await told(ask, VARIANTS, "productVariantsBulkUpdate", id=small.product.id, rows=rows)
    assert answer == {
        "product": {"id": small.product.id},
        "productVariants": None,
        "userErrors": [
            {
                "field": ["variants", "1", "price"],
                "message": "Price must be greater than or equal to 0",
                "code": "GREATER_THAN_OR_EQUAL_TO",
            }
        ],
    }
    assert small.price_cents == 2000
    partly = await told(ask, VARIANTS, "productVariantsBulkUpdate", id=small.product.id, rows=rows, partly=True)
    assert [(row["price"], row["compareAtPrice"]) for row in partly["productVariants"]] == [
        ("24.00", "30.00"),
        ("20.00", None),
    ]
    assert [error["code"] for error in partly["userErrors"]] == ["GREATER_THAN_OR_EQUAL_TO"]
    assert small.updated_at == small.product.updated_at == clock.now()
    found = await told(
        ask,
        "{ productVariants(first: 3, query: \"updated_at:>='2026-11-22T12:00:30Z'\") { nodes { sku } } }",
        "productVariants",
    )
    assert found["nodes"] == [{"sku": "TEE-S"}]
    cleared = [{"id": small.id, "compareAtPrice": None}]
    shown = await told(ask, VARIANTS, "productVariantsBulkUpdate", id=small.product.id, rows=cleared)
    assert shown["productVariants"][0]["compareAtPrice"] is None


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ({}, "PRODUCT_VARIANT_ID_MISSING", ["variants", "0", "id"]),
        ({"id": "gid://shopify/ProductVariant/9"}, "PRODUCT_VARIANT_DOES_NOT_EXIST", ["variants", "0", "id"]),
        (
            {"id": "TEE-S", "inventoryQuantities": []},
            "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE",
            ["variants", "0", "inventoryQuantities"],
        ),
        ({"id": "TEE-S", "compareAtPrice": "1" + "0" * 18}, "INVALID_INPUT", ["variants", "0", "compareAtPrice"]),
        ({"id": "TEE-S", "inventoryItem": {"sku": LONG}}, "INVALID_INPUT", ["variants", "0", "inventoryItem", "sku"]),
        (
            {"id": "TEE-S", "optionValues": [{"optionName": "Size", "name": "M"}]},
            "VARIANT_ALREADY_EXISTS",
            ["variants", "0"],
        ),
        (
            {"id": "TEE-S", "optionValues": [{"optionName": "Length", "name": "M"}]},
            "OPTION_DOES_NOT_EXIST",
            ["variants", "0", "optionValues", "0"],
        ),
    ],
)
async def test_a_variant_that_makes_no_sense_is_refused(
    ask: Ask, store: ShopifyStore, row: dict[str, Any], code: str, field: list[str]
) -> None:
    variant = store.item("TEE-S").variant
    rows = [row | ({"id": variant.id} if row.get("id") == "TEE-S" else {})]
    answer = await told(ask, VARIANTS, "productVariantsBulkUpdate", id=variant.product.id, rows=rows)
    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [(code, field)]
    assert answer["productVariants"] is None


async def test_variants_of_no_product_are_refused(ask: Ask, store: ShopifyStore) -> None:
    rows = [{"id": store.item("DUCK").variant.id, "price": 1}]
    answer = await told(ask, VARIANTS, "productVariantsBulkUpdate", id="gid://shopify/Product/9", rows=rows)
    assert answer == {
        "product": None,
        "productVariants": None,
        "userErrors": [{"field": ["productId"], "message": "Product does not exist", "code": "PRODUCT_DOES_NOT_EXIST"}],
    }
    other = await told(ask, VARIANTS, "productVariantsBulkUpdate", id=product_of(store, "KAVA"), rows=rows)
    assert other["userErrors"][0]["code"] == "PRODUCT_VARIANT_DOES_NOT_EXIST"


async def test_a_product_write_without_its_scope_is_not_made(ask: Ask, store: ShopifyStore) -> None:
    store.access.scopes = ("read_products",)
    body = await ask(UPDATE, product={"id": product_of(store, "DUCK"), "title": "Stolen"})
    assert body["data"] == {"productUpdate": None}
    assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert body["errors"][0]["extensions"]["requiredAccess"] == "`write_products` access scope."
    assert store.item("DUCK").variant.product.title == "Bath Duck"


async def test_products_are_exported_with_their_pictures_collections_and_variants(
    ask: Ask, http: httpx.AsyncClient, store: ShopifyStore, clock: ManualClock
) -> None:
    store.picture("DUCK", ["https://images.example/duck.jpg"])
    clock.advance(60)
    query = """{ products { edges { node { __typename id title descriptionHtml tags productType mediaCount { count }
      collections { edges { node { __typename id title } } }
      media { edges { node { __typename id alt ... on MediaImage { status } } } }
      variants { edges { node { __typename id sku price compareAtPrice } } } } } } }"""
    run = "mutation($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id } userErrors { message } } }"
    started = await told(ask, run, "bulkOperationRunQuery", q=query)
    assert started["userErrors"] == []
    clock.advance(60)
    done = await told(
        ask, "query($id: ID!) { bulkOperation(id: $id) { url } }", "bulkOperation", id=started["bulkOperation"]["id"]
    )
    del http.headers["X-Shopify-Access-Token"]
    rows = [json.loads(line) for line in (await http.get(done["url"])).text.splitlines()]
    kinds = [row["__typename"] for row in rows]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "Product": 4,
        "Collection": 4,
        "MediaImage": 1,
        "ProductVariant": 5,
    }
    duck = rows[0]
    assert (duck["title"], duck["mediaCount"]) == ("Bath Duck", {"count": 1})
    [picture] = [row for row in rows if row["__typename"] == "MediaImage"]
    assert (picture["__parentId"], picture["status"]) == (duck["id"], "READY")


async def test_a_text_is_told_without_its_markup_too(ask: Ask, store: ShopifyStore) -> None:
    store.edit_product("DUCK", description_html="<p>Soap &amp; <b>water</b></p><p>Yellow</p>")
    shown = await told(
        ask,
        "query($id: ID!) { product(id: $id) { description descriptionHtml } }",
        "product",
        id=product_of(store, "DUCK"),
    )
    assert shown["description"] == "Soap & water Yellow"
    assert shown["descriptionHtml"].startswith("<p>Soap")


@pytest.mark.parametrize(("name", "value"), [("handle", "tee"), ("id", "")])
async def test_a_product_is_found_by_its_handle_or_its_id(ask: Ask, store: ShopifyStore, name: str, value: str) -> None:
    gid = product_of(store, "TEE-S")
    query = "query($by: ProductIdentifierInput!) { productByIdentifier(identifier: $by) { id } }"
    assert await told(ask, query, "productByIdentifier", by={name: value or gid}) == {"id": gid}
    assert await told(ask, query, "productByIdentifier", by={name: f"{value or gid}9"}) is None
