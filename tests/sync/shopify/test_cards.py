"""Variants with what is compared beside their stock: by id, as they change, and from an export's file."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from sync.cards import ProductCard, VariantCard
from sync.errors import Code, Transient
from sync.model import VariantRow
from sync.shopify.export_rows import pages_with_cards
from tests.sync.shopify.support import Basket, Stage, answer, item, level, page
from tests.sync.shopify.test_export import jsonl, variant

pytestmark = pytest.mark.anyio

FACTS: dict[str, Any] = {
    "descriptionHtml": "<p>Rooted</p>",
    "productType": "Drink",
    "tags": ["kava", "new"],
    "mediaCount": {"count": 2},
    "options": [{"name": "Size"}],
}
CHOSEN = [{"name": "Size", "value": "Small"}]


def product_id(number: int) -> str:
    return f"gid://shopify/Product/{number}"


def variant_id(number: int) -> str:
    return f"gid://shopify/ProductVariant/{number}"


def product(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": product_id(number), "title": "Kava", "status": "ACTIVE"} | FACTS | more


def node(number: int = 1, **more: Any) -> dict[str, Any]:
    titles = {"nodes": [{"title": "Roots"}]}
    told = {"compareAtPrice": "25.00", "selectedOptions": CHOSEN, "product": product(collections=titles)}
    return variant(number) | {"inventoryItem": {"id": item(number), "tracked": True}} | told | more


CARD = VariantCard(
    variant_id=variant_id(1),
    product_id=product_id(1),
    price=1_250,
    compare_at=2_500,
    options=(("Size", "Small"),),
    product=ProductCard(
        product_id=product_id(1),
        title="Kava",
        html="<p>Rooted</p>",
        status="ACTIVE",
        product_type="Drink",
        tags=("kava", "new"),
        collections=("Roots",),
        images=2,
        option_names=("Size",),
    ),
)


async def test_changed_variants_bring_their_cards_where_they_are_wanted(stage: Stage) -> None:
    stage.says(answer({"productVariants": page([node()])}))
    basket = Basket[VariantRow]()
    await stage.shop.read_variants(datetime(2026, 11, 22, 6, tzinfo=UTC), basket, cards=True)
    assert stage.script.operations == ["VariantCardsChanged"]
    assert [row.card for row in basket.rows] == [CARD]


async def test_variants_are_read_by_id_with_their_cards_fifty_at_a_time(stage: Stage) -> None:
    ids = [variant_id(number) for number in range(60)]
    stage.says(answer({"nodes": [node(number) for number in range(50)]}), answer({"nodes": [None] * 10}))
    found = await stage.shop.variants_of(ids, cards=True)
    assert [len(asked["ids"]) for asked in stage.script.variables] == [50, 10]
    assert list(found) == ids[:50]
    assert found[ids[1]].card == CARD


async def test_without_them_the_old_questions_are_asked(stage: Stage) -> None:
    stage.says(answer({"nodes": [variant(1)]}))
    found = await stage.shop.variants_of([variant_id(1)])
    assert stage.script.operations == ["VariantsById"]
    assert found[variant_id(1)].card is None


@pytest.mark.parametrize(
    ("more", "changed"),
    [
        ({"compareAtPrice": None}, {"compare_at": None}),
        ({"selectedOptions": [{"name": "Title", "value": "Default Title"}]}, {"options": ()}),
    ],
    ids=["nothing crossed out", "no options"],
)
async def test_what_a_variant_lacks_is_missing_on_its_card(
    stage: Stage, more: dict[str, Any], changed: dict[str, Any]
) -> None:
    stage.says(answer({"nodes": [node(1, **more)]}))
    card = (await stage.shop.variants_of([variant_id(1)], cards=True))[variant_id(1)].card
    assert card is not None
    assert {name: getattr(card, name) for name in changed} == changed


async def test_a_product_of_which_no_media_were_counted_has_none(stage: Stage) -> None:
    stage.says(answer({"nodes": [node(1, product=product(mediaCount=None, collections={"nodes": []}))]}))
    card = (await stage.shop.variants_of([variant_id(1)], cards=True))[variant_id(1)].card
    assert card is not None
    assert (card.product.images, card.product.collections) == (0, ())


# --- an export's file


def line(number: int, of: int, **more: Any) -> dict[str, Any]:
    told = {"compareAtPrice": None, "selectedOptions": CHOSEN, "product": product(of)}
    return (
        variant(number)
        | told
        | {"inventoryItem": {"id": item(number), "tracked": True, "inventoryLevel": level(number)}}
        | more
    )


def collection(title: str, parent: str) -> dict[str, Any]:
    return {"id": "gid://shopify/Collection/1", "title": title, "__parentId": parent}


def rows_of(*lines: dict[str, Any]) -> list[VariantRow]:
    return [row for rows in pages_with_cards(io.BytesIO(jsonl(*lines))) for row in rows]


def test_collections_are_joined_to_their_variants_wherever_they_stand_in_the_file() -> None:
    first, second = variant_id(1), variant_id(2)
    rows = rows_of(
        line(1, of=1), collection("Roots", first), line(2, of=2), collection("New", second), collection("Sale", first)
    )
    assert [row.card and row.card.product.collections for row in rows] == [("Roots", "Sale"), ("New",)]


def test_collections_that_are_told_of_the_product_are_its_own_as_well() -> None:
    (row,) = rows_of(line(1, of=7), collection("Roots", product_id(7)))
    assert row.card is not None
    assert row.card.product.collections == ("Roots",)


def test_variants_of_one_product_share_its_card() -> None:
    rows = rows_of(line(1, of=1), line(2, of=1), line(3, of=2))
    products = [row.card.product for row in rows if row.card]
    assert products[0] is products[1]
    assert [one.product_id for one in products] == [product_id(1), product_id(1), product_id(2)]
    assert [row.level and row.level.available for row in rows] == [1, 2, 3]


def test_a_text_that_speaks_of_parents_is_no_child() -> None:
    odd = product(descriptionHtml='{"__parentId":"gid://shopify/ProductVariant/1"}')
    (row,) = rows_of(line(1, of=1, product=odd))
    assert row.card is not None
    assert row.card.product.html == '{"__parentId":"gid://shopify/ProductVariant/1"}'


def test_a_line_that_cannot_be_read_is_no_row() -> None:
    with pytest.raises(Transient) as caught:
        rows_of(line(1, of=1, selectedOptions=None))
    assert caught.value.code is Code.SH007
