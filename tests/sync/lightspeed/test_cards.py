"""Items with what is compared beside their stock: from recorded answers and from the documented shapes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sandbox.goods import Good
from sync.cards import ItemCard
from sync.lightspeed.card_wire import Category, ItemWithCard
from sync.lightspeed.cards import card_of
from sync.lightspeed.wire import many, parse_row, parse_rows
from sync.model import ItemRow
from tests.sync.lightspeed.support import Stage, goods, stage
from tests.sync.lightspeed.test_wire import recorded

BARE = {"itemID": "47", "description": "Kava", "timeStamp": "2026-11-22T10:00:00+00:00"}
BASE = "https://res.cloudinary.com/lightspeed-retail/image/upload/"


def card(**more: Any) -> ItemCard:
    return card_of(parse_row(ItemWithCard, BARE | more), {"3": "Drinks/Tea"})


def prices(**levels: str) -> dict[str, Any]:
    ids = {"default": "1", "msrp": "2", "online": "3"}
    return {"ItemPrice": [{"amount": amount, "useTypeID": ids[name]} for name, amount in levels.items()]}


def test_an_item_of_which_nothing_else_is_told_has_a_card_with_nothing_on_it() -> None:
    assert card() == ItemCard(item_id="47", title="Kava", price=None, online_price=None)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (prices(default="400", msrp="275", online="320"), (40_000, 32_000)),
        (prices(default="4.39", msrp="0"), (439, None)),
        (prices(default="0", online="0"), (None, None)),
        (prices(default="-1", online="1.005"), (None, 101)),
        ({"ItemPrice": {"amount": "7.49", "useTypeID": "1"}}, (749, None)),
        ("", (None, None)),
        ({}, (None, None)),
    ],
    ids=["all levels", "none online", "zeros", "odd amounts", "a single one", "empty text", "empty object"],
)
def test_prices_are_read_by_their_level(raw: object, expected: tuple[int | None, int | None]) -> None:
    found = card(Prices=raw)
    assert (found.price, found.online_price) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"longDescription": "<p>Long</p>", "shortDescription": "Short"}, "<p>Long</p>"),
        ({"longDescription": " ", "shortDescription": "Short"}, "Short"),
        ({"itemECommerceID": "9"}, ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_long_text_is_taken_before_the_short_one(raw: object, expected: str) -> None:
    assert card(ItemECommerce=raw).text == expected


def test_pictures_come_in_their_order_and_without_those_that_cannot_be_found() -> None:
    images = [
        {"imageID": "2", "ordering": "1", "publicID": "second", "baseImageURL": BASE},
        {"imageID": "3", "ordering": "2", "publicID": "", "baseImageURL": BASE},
        {"imageID": "1", "ordering": "0", "publicID": "first", "baseImageURL": BASE.rstrip("/")},
    ]
    assert card(Images={"Image": images}).image_urls == (f"{BASE}first.jpg", f"{BASE}second.jpg")
    assert card(Images={"Image": images[0]}).image_urls == (f"{BASE}second.jpg",)


def test_tags_and_the_whole_path_of_the_category_are_told() -> None:
    relations = [{"tagID": "4", "Tag": {"tagID": "4", "name": "kava"}}, {"tagID": "5"}]
    found = card(TagRelations={"TagRelation": relations}, categoryID="3")
    assert (found.tags, found.category) == (("kava",), "Drinks/Tea")
    assert card(categoryID="8").category == "", "a category that no list names is not made up"


def test_an_item_of_a_matrix_tells_its_attributes_by_their_names() -> None:
    names = {"itemAttributeSetID": "1", "attributeName1": "Color", "attributeName2": "Size", "attributeName3": ""}
    values = {"attribute1": "Green", "attribute2": "XL", "attribute3": "", "ItemAttributeSet": names}
    found = card(description="T-shirt Green XL", itemMatrixID="2", ItemAttributes=values)
    assert found.attributes == (("Color", "Green"), ("Size", "XL"))
    assert (found.matrix_id, found.matrix_title) == ("2", "T-shirt")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "prices"),
    [
        ("doc_item_create.json", (40_000, 32_000)),
        ("rec_item_create.json", (None, None)),
        ("rec_item_get_with_relations.json", (1_395, None)),
        ("rec_item_filter_single_object.json", (439, None)),
    ],
)
def test_recorded_items_have_cards(name: str, prices: tuple[int | None, int | None]) -> None:
    for raw in many(recorded(name)["Item"]):
        found = card_of(parse_row(ItemWithCard, raw), {})
        assert (found.item_id, found.title) == (raw["itemID"], raw["description"])
        assert (found.price, found.online_price) == prices


@pytest.mark.shared
def test_recorded_categories_have_paths() -> None:
    rows = parse_rows(Category, recorded("rec_category_list.json")["Category"])
    assert rows[0].category_id == "2"
    assert [row.path for row in rows] == [row.name for row in rows]
    assert len(rows) == 7


# --- from the pretend shop

KAVA = Good(
    sku="KAVA-S",
    title="Kava Root",
    handle="kava",
    options=(("Size", "Small"),),
    price=Decimal("19.90"),
    online_price=Decimal("18.50"),
    category="Drinks/Kava",
    description_html="<p>Rooted</p>",
    tags=("kava", "new"),
    image_urls=("https://images.example/kava.jpg",),
    stock=3,
)
RELATIONS = "%22Images%22%2C%22ItemECommerce%22%2C%22TagRelations.Tag%22%2C%22ItemAttributes.ItemAttributeSet%22"


def costs(scene: Stage, resource: str) -> list[float]:
    """Return what each call of a resource cost, in units of the quota."""
    return [cost for request, cost in scene.link.costs if f"/{resource}.json" in str(request.url)]


@pytest.mark.anyio
async def test_a_full_walk_with_cards_tells_all_that_is_compared() -> None:
    large = replace(KAVA, sku="KAVA-L", options=(("Size", "Large"),))
    scene = stage([KAVA, large])
    await scene.lightspeed.read_items(None, scene.deliver, cards=True)
    cards = [row.card for row in scene.delivered if isinstance(row, ItemRow)]
    assert cards[0] is not None
    assert replace(cards[0], image_urls=(), attributes=()) == ItemCard(
        item_id="1",
        title="Kava Root Small",
        price=1_990,
        online_price=1_850,
        text="<p>Rooted</p>",
        category="Drinks/Kava",
        tags=("kava", "new"),
        matrix_id="1",
        matrix_title="Kava Root",
    )
    assert len(cards[0].image_urls) == 1
    assert [value for _, value in cards[0].attributes] == ["Small"]
    assert all(name for name, _ in cards[0].attributes)


@pytest.mark.anyio
async def test_cards_cost_relations_and_one_list_of_categories() -> None:
    scene = stage([*goods(250), KAVA])
    await scene.lightspeed.read_items(None, scene.deliver)
    assert costs(scene, "Item") == [1.4] * 4
    assert costs(scene, "Category") == []
    await scene.lightspeed.read_items(None, scene.deliver, cards=True)
    assert costs(scene, "Item")[4:] == [3.0] * 4
    assert costs(scene, "Category") == [1.0]


@pytest.mark.anyio
async def test_changed_items_bring_their_cards_without_their_stock() -> None:
    scene = stage([KAVA])
    since = scene.clock.now()
    scene.clock.manual.advance(60)
    scene.shop.edit("KAVA-S", {"description": "Kava Roots Small"})
    await scene.lightspeed.read_items(since, scene.deliver, cards=True)
    (row,) = [row for row in scene.delivered if isinstance(row, ItemRow)]
    assert row.stock is None
    assert row.card is not None
    assert (row.card.title, row.card.category) == ("Kava Roots Small", "Drinks/Kava")
    assert f"load_relations=%5B{RELATIONS}%5D" in scene.paths("Item.json")[-1]


@pytest.mark.anyio
async def test_what_is_only_compared_costs_less_and_says_so() -> None:
    scene = stage([KAVA, replace(KAVA, sku="KAVA-L", options=(("Size", "Large"),)), *goods(150)])
    await scene.lightspeed.read_items(None, scene.deliver, cards=True, whole=False)
    assert set(costs(scene, "Item")) == {2.2}
    cards = [row.card for row in scene.delivered if isinstance(row, ItemRow)]
    assert cards[0] is not None
    assert (cards[0].tags, cards[0].attributes, cards[0].whole) == ((), (("", "Small"),), False)
    assert (cards[0].text, cards[0].category, len(cards[0].image_urls)) == ("<p>Rooted</p>", "Drinks/Kava", 1)
