"""Cards in the database: kept once, told when they differ, gone with what they are about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync.cards import ItemCard, ProductCard, VariantCard
from sync.model import ItemRow, VariantRow
from sync.storage.cards import item_card, item_columns, keep_item_cards, keep_variant_cards
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from tests.sync.storage.build import NOW, item, later, open_inline, query, variant

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]

ITEM = ItemCard(
    item_id="1",
    title="Kava Small",
    price=1_990,
    online_price=None,
    text="Rooted",
    category="Drinks/Kava",
    tags=("kava",),
    image_urls=("https://img/1.jpg",),
    matrix_id="4",
    matrix_title="Kava",
    attributes=(("Size", "Small"),),
)
PRODUCT = ProductCard(
    product_id="product-1",
    title="Kava",
    html="<p>Rooted</p>",
    status="ACTIVE",
    tags=("kava",),
    collections=("Roots",),
    images=1,
    option_names=("Size",),
)
VARIANT = VariantCard(
    variant_id="variant-1",
    product_id="product-1",
    price=1_990,
    compare_at=None,
    options=(("Size", "Small"),),
    product=PRODUCT,
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_inline(tmp_path)
    yield opened
    await opened.close()


def with_card(number: int, card: ItemCard | None = ITEM) -> ItemRow:
    return replace(item(number), card=card)


def sold(number: int, card: VariantCard | None = VARIANT) -> VariantRow:
    return replace(variant(number), product_id="product-1", card=card)


async def test_the_same_again_differs_no_more_but_is_known_to_be_newer(database: Database) -> None:
    assert await database.write(lambda c: keep_item_cards(c, [ITEM], NOW)) == 1
    assert await database.write(lambda c: keep_item_cards(c, [ITEM], later(minutes=5))) == 0
    assert await query(database, "SELECT read_at FROM item_cards") == [("2026-11-22T10:05:00.000000Z",)]
    dearer = replace(ITEM, price=2_190)
    assert await database.write(lambda c: keep_item_cards(c, [dearer], later(minutes=6))) == 1
    assert await query(database, "SELECT price FROM item_cards") == [(2_190,)]


async def test_what_was_not_read_of_an_item_stays_as_it_was_known(database: Database) -> None:
    async def kept(card: ItemCard) -> ItemCard:
        await database.write(lambda c: keep_item_cards(c, [card], NOW))
        return await database.read(lambda c: item_card(c.execute(sa.select(*item_columns())).mappings().one()))

    await kept(ITEM)
    nameless = tuple(("", value) for _, value in ITEM.attributes)
    compared = replace(ITEM, price=2_190, tags=(), attributes=nameless, whole=False)
    assert await kept(compared) == replace(ITEM, price=2_190)
    assert (await kept(replace(compared, attributes=(("", "Larger"),)))).attributes == (("", "Larger"),)


async def test_an_item_that_was_never_read_whole_is_known_to_be_so(database: Database) -> None:
    async def kept(card: ItemCard) -> ItemCard:
        await database.write(lambda c: keep_item_cards(c, [card], NOW))
        return await database.read(lambda c: item_card(c.execute(sa.select(*item_columns())).mappings().one()))

    compared = replace(ITEM, tags=(), whole=False)
    assert [await kept(compared), await kept(replace(compared, price=5))] == [compared, replace(compared, price=5)]
    assert await kept(ITEM) == ITEM
    assert await kept(compared) == ITEM


async def test_a_product_is_kept_once_for_all_its_variants(database: Database) -> None:
    other = replace(VARIANT, variant_id="variant-2", options=(("Size", "Large"),))
    assert await database.write(lambda c: keep_variant_cards(c, [VARIANT, other], NOW)) == 3
    renamed = replace(PRODUCT, title="Kava Kava")
    assert await database.write(lambda c: keep_variant_cards(c, [replace(VARIANT, product=renamed)], NOW)) == 1
    assert await query(database, "SELECT title FROM product_cards") == [("Kava Kava",)]


async def test_a_reading_without_cards_leaves_those_that_are_known(database: Database) -> None:
    ledger = SqlLedger(database)
    await ledger.keep_items([with_card(1)], NOW)
    await ledger.keep_items([with_card(1, None)], later(minutes=5))
    await ledger.keep_variants([sold(1)], NOW)
    await ledger.keep_variants([sold(1, None)], later(minutes=5))
    for table in ("item_cards", "variant_cards", "product_cards"):
        assert await query(database, f"SELECT read_at FROM {table}") == [("2026-11-22T10:00:00.000000Z",)]  # noqa: S608 - our own names


async def test_with_its_last_variant_a_product_is_forgotten(database: Database) -> None:
    ledger = SqlLedger(database)
    await ledger.keep_variants([sold(1), sold(2, replace(VARIANT, variant_id="variant-2"))], NOW)
    await ledger.retire_variants(["variant-1"], NOW)
    assert await query(database, "SELECT variant_id FROM variant_cards") == [("variant-2",)]
    assert await query(database, "SELECT product_id FROM product_cards") == [("product-1",)]
    await ledger.retire_variants(["variant-2"], NOW)
    assert await query(database, "SELECT product_id FROM product_cards") == []
