"""What the API tells of items beside their own rows, and what it takes of them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.goods import Good
from sandbox.lightspeed.state import LightspeedShop

pytestmark = pytest.mark.anyio

RICH = Good(
    sku="KAVA-1",
    title="Island Kava",
    handle="kava",
    options=(("Flavor", "Mango"), ("Size", "2 oz")),
    price=Decimal("15.99"),
    online_price=Decimal("14.99"),
    category="Drinks/Kava",
    description_html="<p>Noble &amp; earthy.</p><ul><li>WTF</li></ul>",
    tags=("kava", "staff pick"),
    image_urls=("https://images.example/a.jpg", "https://images.example/b.png"),
    stock=4,
)
PLAIN = Good(sku="MUG", title="Mug", handle="mug", category="", stock=1)
OTHER = Good(sku="KAVA-2", title="Island Kava", handle="kava", options=(("Flavor", "Cacao"), ("Size", "2 oz")))


@pytest.fixture
def shop(clock: ManualClock) -> LightspeedShop:
    return LightspeedShop([RICH, PLAIN, OTHER], clock=clock, seed=1)


async def item(client: httpx.AsyncClient, key: int, *relations: str) -> Any:
    answer = await client.get(f"Item/{key}.json", params={"load_relations": json.dumps(relations)})
    assert answer.status_code == 200, answer.text
    return answer.json()["Item"]


async def test_pictures_are_an_array_one_an_object_and_none_an_empty_text(
    client: httpx.AsyncClient, shop: LightspeedShop
) -> None:
    first, second = (await item(client, 1, "Images"))["Images"]["Image"]
    assert first["baseImageURL"] + first["publicID"] + ".jpg" == "https://images.example/a.jpg"
    assert [(each["filename"], each["ordering"], each["itemID"]) for each in (first, second)] == [
        ("a.jpg", "0", "1"),
        ("b.png", "1", "1"),
    ]
    assert (await item(client, 2, "Images"))["Images"] == ""
    shop.picture("MUG", ["https://images.example/mug.jpg"])
    assert (await item(client, 2, "Images"))["Images"]["Image"]["publicID"] == "mug"


async def test_a_new_picture_moves_its_own_time_and_not_the_items(
    client: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock
) -> None:
    before = (await item(client, 2))["timeStamp"]
    clock.advance(600)
    shop.picture("MUG", ["https://images.example/mug.jpg"])
    shown = await item(client, 2, "Images")
    assert shown["timeStamp"] == before
    assert shown["Images"]["Image"]["timeStamp"] == "2026-11-20T12:10:00+00:00"
    asked = {"load_relations": '["Images"]', "Images.timeStamp": ">,2026-11-20T12:05:00+00:00"}
    assert (await client.get("Item.json", params=asked)).json()["Item"]["itemID"] == "2"


async def test_a_text_is_told_with_its_markup_or_as_plain_lines_and_is_missing_where_there_is_none(
    client: httpx.AsyncClient,
) -> None:
    marked, plain = await item(client, 1, "ItemECommerce"), await item(client, 2, "ItemECommerce")
    assert marked["ItemECommerce"]["longDescription"] == "<p>Noble &amp; earthy.</p><ul><li>WTF</li></ul>"
    assert marked["ItemECommerce"]["listOnStore"] == "true"
    assert "ItemECommerce" not in plain


async def test_some_texts_are_plain_and_some_stand_in_the_short_field(clock: ManualClock) -> None:
    goods = [
        Good(sku=f"S{n}", title="T", handle=f"h{n}", description_html="<p>A&amp;B</p><p>C</p>") for n in range(1, 8)
    ]
    shop = LightspeedShop(goods, clock=clock, seed=1)
    told = [shop.item(good.sku).ecommerce for good in goods]
    assert [(each.long_description, each.short_description) for each in told if each] == [
        ("<p>A&amp;B</p><p>C</p>", ""),
        ("A&B\nC", ""),
        ("<p>A&amp;B</p><p>C</p>", ""),
        ("A&B\nC", ""),
        ("<p>A&amp;B</p><p>C</p>", ""),
        ("A&B\nC", ""),
        ("", "<p>A&amp;B</p><p>C</p>"),
    ]


async def test_tags_come_by_their_relations(client: httpx.AsyncClient) -> None:
    tagged = (await item(client, 1, "TagRelations", "TagRelations.Tag"))["TagRelations"]["TagRelation"]
    assert [(row["itemID"], row["Tag"]["name"]) for row in tagged] == [("1", "kava"), ("1", "staff pick")]
    bare = (await item(client, 1, "TagRelations"))["TagRelations"]["TagRelation"]
    assert [set(row) for row in bare] == [{"tagRelationID", "itemID", "tagID"}] * 2
    assert (await item(client, 2, "TagRelations.Tag"))["TagRelations"] == ""


async def test_attributes_are_named_by_their_set(client: httpx.AsyncClient) -> None:
    shown = (await item(client, 1, "ItemAttributes", "ItemAttributes.ItemAttributeSet"))["ItemAttributes"]
    assert (shown["attribute1"], shown["attribute2"], shown["attribute3"]) == ("Mango", "2 oz", "")
    told = shown["ItemAttributeSet"]
    assert told["itemAttributeSetID"] == shown["itemAttributeSetID"]
    assert (told["name"], told["attributeName1"], told["attributeName2"], told["attributeName3"], told["system"]) == (
        "Flavor/Size",
        "Flavor",
        "Size",
        "",
        "false",
    )
    assert "ItemAttributes" not in await item(client, 2, "ItemAttributes")


async def test_every_account_has_the_usual_sets_of_attributes(client: httpx.AsyncClient) -> None:
    sets = (await client.get("ItemAttributeSet.json")).json()["ItemAttributeSet"]
    assert [(each["name"], each["system"]) for each in sets] == [
        ("Color/Size", "true"),
        ("Size", "true"),
        ("Color", "true"),
        ("3 Attributes", "true"),
        ("Flavor/Size", "false"),
    ]


async def test_a_matrix_tells_what_its_items_have_in_common_and_what_not(client: httpx.AsyncClient) -> None:
    shown = await item(client, 1)
    matrix = (await client.get(f"ItemMatrix/{shown['itemMatrixID']}.json")).json()["ItemMatrix"]
    assert matrix["description"] == "Island Kava"
    assert (matrix["attribute1Values"], matrix["attribute2Values"]) == (["Mango", "Cacao"], ["2 oz"])
    assert "attribute3Values" not in matrix
    assert matrix["Prices"]["ItemPrice"][0] == {"amount": "15.99", "useTypeID": "1", "useType": "Default"}


async def test_the_matrix_is_no_relation_of_an_item(client: httpx.AsyncClient) -> None:
    answer = await client.get("Item/1.json", params={"load_relations": '["ItemMatrix"]'})
    assert answer.status_code == 400


async def test_the_online_price_is_a_level_of_its_own_and_0_where_it_is_not_set(client: httpx.AsyncClient) -> None:
    def levels(shown: Any) -> dict[str, str]:
        return {row["useType"]: row["amount"] for row in shown["Prices"]["ItemPrice"]}

    assert levels(await item(client, 1)) == {"Default": "15.99", "MSRP": "15.99", "Online": "14.99"}
    assert levels(await item(client, 2)) == {"Default": "9.99", "MSRP": "9.99", "Online": "0"}


async def test_a_category_is_told_with_its_whole_path(client: httpx.AsyncClient) -> None:
    shown = await item(client, 1, "Category")
    assert (shown["Category"]["fullPathName"], shown["Category"]["name"]) == ("Drinks/Kava", "Kava")
    assert (await item(client, 2))["categoryID"] == "0"
    assert "Category" not in await item(client, 2, "Category")


@pytest.mark.parametrize(
    ("path", "relations", "cost"),
    [
        ("Item.json", [], "1"),
        ("Item.json", ["ItemShops"], "1.4"),
        ("Item.json", ["ItemShops", "Images", "ItemECommerce"], "2"),
        ("Item.json", ["TagRelations", "TagRelations.Tag"], "1.6"),
        ("Item.json", ["TagRelations.Tag"], "1.6"),
        ("Item.json", ["ItemAttributes", "ItemAttributes.ItemAttributeSet"], "1.4"),
        ("Item/1.json", ["Images"], "1.2"),
        ("Item/1.json", ["ItemECommerce", "Category"], "1.2"),
        ("Item/1.json", ["TagRelations", "TagRelations.Tag"], "1.4"),
        ("Item/1.json", ["ItemAttributes", "ItemAttributes.ItemAttributeSet"], "1.2"),
    ],
)
async def test_relations_cost_what_the_table_says(
    client: httpx.AsyncClient, path: str, relations: list[str], cost: str
) -> None:
    answer = await client.get(path, params={"load_relations": json.dumps(relations)} if relations else {})
    assert answer.headers["X-LS-Api-Request-Cost"] == cost


async def test_an_item_is_made_with_everything_that_is_told_of_it(client: httpx.AsyncClient) -> None:
    body = {
        "description": "Reef Shot",
        "customSku": "REEF-1",
        "upc": "412345678903",
        "categoryID": 1,
        "publishToEcom": True,
        "Prices": {"ItemPrice": [{"amount": "4.50", "useTypeID": 1}, {"amount": 4, "useTypeID": 3}]},
        "ItemECommerce": {"longDescription": "Cold.", "weight": "0.2"},
        "Tags": {"tag": ["new", "kava"]},
    }
    made = await client.post("Item.json", json=body)
    assert made.status_code == 200, made.text
    assert made.headers["X-LS-Api-Request-Cost"] == "3.5"  # 1, and 0.5 for each of two prices, a text and two tags
    key = int(made.json()["Item"]["itemID"])
    shown = await item(client, key, "ItemECommerce", "TagRelations.Tag", "ItemShops")
    assert (shown["customSku"], shown["upc"], shown["categoryID"]) == ("REEF-1", "412345678903", "1")
    assert [row["amount"] for row in shown["Prices"]["ItemPrice"]] == ["4.5", "0", "4"]
    assert (shown["ItemECommerce"]["longDescription"], shown["ItemECommerce"]["weight"]) == ("Cold.", "0.2")
    assert [row["Tag"]["name"] for row in shown["TagRelations"]["TagRelation"]] == ["new", "kava"]
    assert [row["qoh"] for row in shown["ItemShops"]["ItemShop"]] == ["0", "0"]


async def test_an_item_joins_a_matrix_and_is_named_after_it(client: httpx.AsyncClient) -> None:
    body = {
        "itemMatrixID": 1,
        "ItemAttributes": {"itemAttributeSetID": 5, "attribute1": "Ginger", "attribute2": "8 oz"},
    }
    answer = await client.put("Item/2.json", json=body)
    assert answer.json()["Item"]["description"] == "Island Kava Ginger 8 oz"
    assert (await item(client, 2, "ItemAttributes"))["ItemAttributes"]["attribute1"] == "Ginger"


async def test_a_part_that_is_not_given_stays_and_one_that_is_empty_clears(client: httpx.AsyncClient) -> None:
    await client.put("Item/1.json", json={"description": "Renamed"})
    kept = await item(client, 1, "ItemECommerce", "TagRelations", "Images")
    assert kept["ItemECommerce"]["longDescription"].startswith("<p>Noble")
    assert len(kept["TagRelations"]["TagRelation"]) == len(kept["Images"]["Image"]) == 2
    await client.put("Item/1.json", json={"ItemECommerce": {"longDescription": ""}, "Tags": ""})
    cleared = await item(client, 1, "ItemECommerce", "TagRelations")
    assert (cleared["ItemECommerce"]["longDescription"], cleared["TagRelations"]) == ("", "")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"upc": "123"}, 400, "11 to 14 digits"),
        ({"ean": "40063813339A1"}, 400, "11 to 14 digits"),
        ({"categoryID": 99}, 400, "categoryID '99'"),
        ({"itemMatrixID": 99}, 400, "itemMatrixID '99'"),
        ({"ItemAttributes": {"itemAttributeSetID": 99}}, 400, "ItemAttributeSet"),
        ({"description": " "}, 400, "An Item must have a description."),
        ({"Prices": {"ItemPrice": {"amount": "cheap"}}}, 400, "cheap"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, said: str
) -> None:
    before = await item(client, 1, "ItemAttributes")
    put = await client.put("Item/1.json", json={"customSku": "CHANGED", **body})
    assert (put.status_code, said in put.json()["message"]) == (status, True)
    post = await client.post("Item.json", json={"description": "New", **body})
    assert post.status_code == status
    assert await item(client, 1, "ItemAttributes") == before


async def test_a_code_that_another_item_has_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.put("Item/1.json", json={"ean": "4006381333931"})).status_code == 200
    assert (await client.put("Item/1.json", json={"ean": "4006381333931"})).status_code == 200
    assert (await client.put("Item/2.json", json={"ean": "4006381333931"})).status_code == 422


async def test_an_item_is_archived_by_deleting_it_only(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    await client.put("Item/1.json", json={"archived": True})
    assert (await item(client, 1))["archived"] == "false"
    assert shop.qoh("KAVA-1") == 4
    await client.delete("Item/1.json")
    assert (await item(client, 1))["archived"] == "true"
    assert shop.qoh("KAVA-1") == 0
    await client.put("Item/1.json", json={"archived": False})
    assert (await item(client, 1))["archived"] == "false"
    assert shop.qoh("KAVA-1") == 0
