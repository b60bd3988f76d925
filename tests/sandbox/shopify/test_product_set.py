"""productSet: a product becomes what the input says, or nothing happens."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import HOME, WAREHOUSE, Ask

pytestmark = pytest.mark.anyio

SET = """mutation($input: ProductSetInput!, $by: ProductSetIdentifiers, $now: Boolean = true) {
  productSet(input: $input, identifier: $by, synchronous: $now) {
    product { id title handle status vendor tags descriptionHtml mediaCount { count }
      options { name values } collections(first: 5) { nodes { title } }
      variants(first: 9) { nodes { id title sku price position barcode compareAtPrice inventoryQuantity
        inventoryItem { tracked inventoryLevels(first: 5) { nodes { location { id } } } } } } }
    productSetOperation { id status product { id } userErrors { message } }
    userErrors { field message code } } }"""
ONLY_ID = """mutation($input: ProductSetInput!) { productSet(input: $input) {
  product { id } userErrors { field message code } } }"""


def option(name: str, *values: str) -> dict[str, Any]:
    return {"name": name, "values": [{"name": value} for value in values]}


def variant(**fields: Any) -> dict[str, Any]:
    chosen = fields.pop("chosen", {"Size": "S"})
    return {"optionValues": [{"optionName": name, "name": value} for name, value in chosen.items()], **fields}


async def answered(ask: Ask, input_: dict[str, Any], **more: Any) -> Any:
    body = await ask(SET, input=input_, **more)
    assert "errors" not in body, body
    return body["data"]["productSet"]


CAP: dict[str, Any] = {
    "title": "Camp Cap",
    "descriptionHtml": "<p>Warm</p>",
    "status": "DRAFT",
    "productType": "Merchandise",
    "tags": ["caps"],
    "files": [{"originalSource": "https://images.example/cap.jpg", "contentType": "IMAGE"}],
    "productOptions": [option("Size", "S", "M")],
    "variants": [
        variant(sku="CAP-S", price="24.00", barcode="412345678903", inventoryItem={"tracked": True, "cost": "9.5"}),
        variant(
            chosen={"Size": "M"},
            sku="CAP-M",
            price=25,
            compareAtPrice="30",
            inventoryItem={"tracked": True},
            inventoryQuantities=[{"locationId": WAREHOUSE, "name": "available", "quantity": 4}],
        ),
    ],
}


async def test_a_draft_is_made_with_all_its_variants(ask: Ask, store: ShopifyStore) -> None:
    answer = await answered(ask, CAP)
    assert answer["userErrors"] == []
    made = answer["product"]
    assert (made["title"], made["handle"], made["status"], made["vendor"], made["tags"]) == (
        "Camp Cap",
        "camp-cap",
        "DRAFT",
        "wtfswag",
        ["caps"],
    )
    assert made["options"] == [{"name": "Size", "values": ["S", "M"]}]
    assert made["mediaCount"] == {"count": 1}
    small, medium = made["variants"]["nodes"]
    assert (small["title"], small["sku"], small["price"], small["barcode"]) == ("S", "CAP-S", "24.00", "412345678903")
    assert (medium["price"], medium["compareAtPrice"], medium["inventoryQuantity"]) == ("25.00", "30.00", 4)
    assert [each["inventoryItem"]["inventoryLevels"]["nodes"] for each in (small, medium)] == [
        [{"location": {"id": HOME}}],
        [{"location": {"id": WAREHOUSE}}],
    ]
    assert store.available("CAP-M", WAREHOUSE) == 4
    assert [(write.mutation, write.sku, write.after) for write in store.writes] == [("productSet", "CAP-M", 4)]


async def test_lists_that_are_given_are_replaced_and_others_stay(ask: Ask, store: ShopifyStore) -> None:
    made = (await answered(ask, CAP))["product"]
    kept = made["variants"]["nodes"][1]["id"]
    change = {
        "tags": ["new"],
        "productOptions": [option("Size", "M", "L")],
        "variants": [
            variant(chosen={"Size": "L"}, sku="CAP-L", price="26"),
            variant(id=kept, chosen={"Size": "M"}, price="27"),
        ],
    }
    answer = await answered(ask, change, by={"id": made["id"]})
    assert answer["userErrors"] == []
    changed = answer["product"]
    assert (changed["title"], changed["tags"], changed["descriptionHtml"]) == ("Camp Cap", ["new"], "<p>Warm</p>")
    assert changed["mediaCount"] == {"count": 1}
    assert {(row["sku"], row["price"]) for row in changed["variants"]["nodes"]} == {
        ("CAP-M", "27.00"),
        ("CAP-L", "26.00"),
    }
    assert next(row["id"] for row in changed["variants"]["nodes"] if row["sku"] == "CAP-M") == kept
    with pytest.raises(ValueError, match="CAP-S"):
        store.item("CAP-S")


async def test_a_variant_named_without_its_id_is_a_new_one(ask: Ask) -> None:
    made = (await answered(ask, CAP))["product"]
    again = (await answered(ask, CAP, by={"id": made["id"]}))["product"]
    assert [row["sku"] for row in again["variants"]["nodes"]] == ["CAP-S", "CAP-M"]
    assert not {row["id"] for row in made["variants"]["nodes"]} & {row["id"] for row in again["variants"]["nodes"]}
    assert again["mediaCount"] == {"count": 1}


async def test_empty_lists_empty_what_they_name(ask: Ask, store: ShopifyStore) -> None:
    product = store.item("TEE-S").variant.product
    answer = await answered(ask, {"tags": [], "collections": []}, by={"id": product.id})
    assert (answer["product"]["tags"], answer["product"]["collections"]["nodes"]) == ([], [])
    assert len(answer["product"]["variants"]["nodes"]) == 2


async def test_a_blank_handle_is_made_of_the_title_anew(ask: Ask) -> None:
    made = (await answered(ask, {"title": "Camp Cap", "handle": "old"}))["product"]
    changed = await answered(ask, {"id": made["id"], "handle": "  "})
    assert changed["product"]["handle"] == "camp-cap"


async def test_a_refused_change_shows_the_product_as_it_is(ask: Ask, store: ShopifyStore) -> None:
    tee = store.item("TEE-S").variant.product
    answer = await answered(ask, {"title": "New", "handle": "  DUCK "}, by={"id": tee.id})
    assert [error["message"] for error in answer["userErrors"]] == [
        "Handle '  DUCK ' already in use. Please provide a new handle."
    ]
    assert (answer["product"]["title"], answer["product"]["handle"]) == ("Tee", "tee")


async def test_a_handle_makes_or_changes(ask: Ask) -> None:
    by = {"handle": "camp-cap"}
    first = await answered(ask, {"title": "Camp Cap", "handle": "camp-cap"}, by=by)
    second = await answered(ask, {"title": "Camp Cap 2", "handle": "camp-cap"}, by=by)
    assert first["product"]["id"] == second["product"]["id"]
    assert second["product"]["title"] == "Camp Cap 2"


@pytest.mark.parametrize(
    ("input_", "by", "refused"),
    [
        ({"id": "gid://shopify/Product/9", "title": "A"}, None, ("PRODUCT_DOES_NOT_EXIST", ["input", "id"])),
        ({"id": "gid://shopify/Product/9", "handle": "a"}, {"handle": "a"}, ("ID_NOT_ALLOWED", ["input"])),
        ({"title": "A"}, {"id": "gid://shopify/Product/9"}, ("NOT_FOUND", ["identifier"])),
        ({"title": "A"}, {"handle": "a"}, ("MISSING_FIELD_REQUIRED", ["input"])),
        ({"title": "A", "handle": "b"}, {"handle": "a"}, ("INPUT_MISMATCH", ["input"])),
        ({"title": "A", "handle": "tee"}, None, ("HANDLE_NOT_UNIQUE", ["input", "handle"])),
        ({"title": " "}, None, ("INVALID_PRODUCT", ["input", "title"])),
        ({"title": "A", "variants": [variant()]}, None, ("PRODUCT_OPTIONS_INPUT_MISSING", ["input", "productOptions"])),
        (
            {"title": "A", "productOptions": [option("Size", "S")]},
            None,
            ("VARIANTS_INPUT_MISSING", ["input", "variants"]),
        ),
        (
            {"title": "A", "productOptions": [option(str(n), "x") for n in range(4)], "variants": []},
            None,
            ("OPTIONS_OVER_LIMIT", ["input", "productOptions"]),
        ),
        (
            {"title": "A", "productOptions": [option("Size")], "variants": []},
            None,
            ("OPTION_VALUES_MISSING", ["input", "productOptions", "0", "values"]),
        ),
        (
            {"title": "A", "productOptions": [option("Size", "S", "s")], "variants": []},
            None,
            ("DUPLICATED_OPTION_VALUE", ["input", "productOptions", "0", "values"]),
        ),
        (
            {"title": "A", "files": [{"originalSource": "cap.jpg"}]},
            None,
            ("INVALID_INPUT", ["input", "files", "0", "originalSource"]),
        ),
        (
            {"title": "A", "collections": ["gid://shopify/Collection/9"]},
            None,
            ("INVALID_INPUT", ["input", "collections"]),
        ),
    ],
)
async def test_what_makes_no_sense_is_refused_and_makes_nothing(
    ask: Ask, store: ShopifyStore, input_: dict[str, Any], by: dict[str, str] | None, refused: tuple[str, list[str]]
) -> None:
    before = len(store.shelves.products)
    answer = await answered(ask, input_, by=by)
    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [refused]
    assert answer["product"] is None
    assert len(store.shelves.products) == before


@pytest.mark.parametrize(
    ("row", "code", "below", "message"),
    [
        ({"price": "-1"}, "INVALID_VARIANT", ["price"], "Price must be greater than or equal to 0"),
        (
            {"inventoryItem": {"cost": "-1"}},
            "INVALID_VARIANT",
            ["inventoryItem", "cost"],
            "Cost per item must be greater than or equal to 0",
        ),
        (
            {"inventoryItem": {"cost": "1" + "0" * 18}},
            "INVALID_VARIANT",
            ["inventoryItem", "cost"],
            "Cost per item must be less than 1000000000000000000",
        ),
        (
            {"chosen": {"Size": "XL"}},
            "OPTION_VALUE_DOES_NOT_EXIST",
            ["optionValues", "0"],
            "Option value does not exist",
        ),
        ({"chosen": {}}, "INVALID_VARIANT", [], "You need to add option values for every option"),
        (
            {"id": "gid://shopify/ProductVariant/9"},
            "PRODUCT_VARIANT_DOES_NOT_EXIST",
            ["id"],
            "Product variant does not exist",
        ),
        (
            {"inventoryQuantities": [{"locationId": "gid://shopify/Location/9", "name": "available", "quantity": 1}]},
            "INVALID_INPUT",
            ["inventoryQuantities", "0", "locationId"],
            "The specified location could not be found.",
        ),
        ({"sku": "x" * 256}, "INVALID_VARIANT", ["sku"], "SKU is too long (maximum is 255 characters)"),
    ],
)
async def test_a_variant_that_makes_no_sense_is_refused(
    ask: Ask, row: dict[str, Any], code: str, below: list[str], message: str
) -> None:
    input_ = {"title": "A", "productOptions": [option("Size", "S", "M")], "variants": [variant(**row)]}
    answer = await answered(ask, input_)
    assert answer["userErrors"] == [{"field": ["input", "variants", "0", *below], "message": message, "code": code}]


async def test_the_same_values_twice_are_refused(ask: Ask) -> None:
    rows = [variant(), variant(chosen={"Size": "M"}), variant()]
    answer = await answered(ask, {"title": "A", "productOptions": [option("Size", "S", "M")], "variants": rows})
    assert answer["userErrors"] == [
        {
            "field": ["input", "variants", "2"],
            "message": "The variant 'S' already exists. Please change at least one option value.",
            "code": "INVALID_VARIANT",
        }
    ]


@pytest.mark.parametrize("count", [2_048, 2_049])
async def test_a_product_has_2048_variants_at_most(ask: Ask, count: int) -> None:
    rows = [variant(chosen={"Size": str(n)}) for n in range(count)]
    input_ = {"title": "A", "productOptions": [option("Size", *(str(n) for n in range(250)))], "variants": rows}
    body = await ask(ONLY_ID, input=input_)
    if count > 2_048:
        assert (
            body["errors"][0]["message"] == "The input array size of 2049 is greater than the maximum allowed of 2048."
        )
        assert body["errors"][0]["path"] == ["productSet", "input", "variants"]
        assert body["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    else:
        assert {error["code"] for error in body["data"]["productSet"]["userErrors"]} == {"OPTION_VALUE_DOES_NOT_EXIST"}
        assert body["extensions"]["cost"]["requestedQueryCost"] == 420  # as recorded of a real shop, for 2,049


async def test_lists_within_variants_take_250_entries(ask: Ask) -> None:
    places = [{"locationId": HOME, "name": "available", "quantity": 1}] * 251
    input_ = {"title": "A", "productOptions": [option("Size", "S")], "variants": [variant(inventoryQuantities=places)]}
    body = await ask(ONLY_ID, input=input_)
    assert body["errors"][0]["path"] == ["productSet", "input", "variants", "inventoryQuantities"]
    assert body["errors"][0]["message"] == "The input array size of 251 is greater than the maximum allowed of 250."


async def test_an_existing_variant_takes_quantities_only_where_it_is_stocked(ask: Ask, store: ShopifyStore) -> None:
    tee = store.item("TEE-M").variant
    quantities = [{"locationId": WAREHOUSE, "name": "available", "quantity": 1}]
    rows = [variant(id=tee.id, chosen={"Size": "M"}, inventoryQuantities=quantities)]
    input_ = {"productOptions": [option("Size", "M")], "variants": rows}
    answer = await answered(ask, input_, by={"id": tee.product.id})
    assert [error["code"] for error in answer["userErrors"]] == ["INVALID_INPUT"]
    assert len(tee.product.variants) == 2


async def test_files_and_variants_add_to_the_cost(ask: Ask) -> None:
    plain = await ask(ONLY_ID, input={"title": "A"})
    rows = [variant(chosen={"Size": str(n)}) for n in range(10)]
    dear = {"title": "B", "productOptions": [option("Size", *map(str, range(10)))], "variants": rows, "files": []}
    dear["files"] = [{"originalSource": f"https://images.example/{n}.jpg"} for n in range(10)]
    costs = [each["extensions"]["cost"]["actualQueryCost"] for each in (plain, await ask(ONLY_ID, input=dear))]
    assert costs == [10, 10 + 2 + 19]


async def test_beside_the_call_the_outcome_is_told_by_an_operation(
    ask: Ask, store: ShopifyStore, clock: ManualClock
) -> None:
    answer = await answered(ask, {"title": "Later"}, now=False)
    operation = answer["productSetOperation"]
    assert (answer["product"], operation["status"], operation["product"]) == (None, "CREATED", None)
    clock.advance(3)
    query = "query($id: ID!) { productOperation(id: $id) { status product { title } } }"
    found = await ask(query, id=operation["id"])
    assert found["data"]["productOperation"] == {"status": "COMPLETE", "product": {"title": "Later"}}
