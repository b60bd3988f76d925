"""What one shop sells and the other does not: which items are new, and which products are to go off sale."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sync.cards import ItemCard
from sync.model import ItemRow, VariantRow
from sync.storage.catalogue import SqlCatalogue
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.mapping import SqlMapBook
from tests.sync.storage.build import NOW, item, later, level, open_inline, proposal, variant

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_inline(tmp_path)
    yield opened
    await opened.close()


def goods(number: int, sku: str, **more: Any) -> ItemRow:
    card = ItemCard(item_id=str(number), title=f"Item {number}", price=1_990, online_price=None)
    matrix = more.pop("matrix_id", "")
    return replace(item(number, sku), card=replace(card, matrix_id=matrix), **more)


def sold(number: int, sku: str, **more: Any) -> VariantRow:
    return replace(variant(number, sku, row=level(number)), **more)


async def new_skus(database: Database, items: list[ItemRow], variants: list[VariantRow]) -> list[str]:
    ledger = SqlLedger(database)
    await ledger.keep_items(items, NOW)
    await ledger.keep_variants(variants, NOW)
    return [each.sku for each in await SqlCatalogue(database).new_items()]


async def test_only_what_nobody_sells_in_any_form_is_new(database: Database) -> None:
    items = [
        goods(1, "BRAND-NEW"),
        goods(2, "KAVA-0001"),
        goods(3, "TEA-7", upc="614121182479"),
        goods(4, "OLD-1", archived=True),
        goods(5, "SERVICE", item_type="non_inventory"),
        goods(6, " "),
        goods(7, "Same"),
    ]
    variants = [sold(11, "KAVA-OOO1"), sold(12, "OTHER-SKU", barcode="0614121182479"), sold(13, "same ")]
    assert await new_skus(database, items, variants) == ["BRAND-NEW"]


async def test_an_item_that_is_linked_is_not_new_and_its_matrix_is_sold(database: Database) -> None:
    items = [goods(1, "SKU-1", matrix_id="4"), goods(2, "SHIRT-XL", matrix_id="4"), goods(3, "HAT-9", matrix_id="5")]
    ledger = SqlLedger(database)
    await ledger.keep_items(items, NOW)
    await ledger.keep_variants([sold(1, "SKU-1")], NOW)
    await ledger.keep_links([proposal(1)], [], NOW)
    found = await SqlCatalogue(database).new_items()
    assert [(each.sku, each.linked_matrix) for each in found] == [("SHIRT-XL", True), ("HAT-9", False)]


async def test_a_product_goes_off_sale_with_the_item_it_was_linked_to(database: Database) -> None:
    ledger = SqlLedger(database)
    await ledger.keep_items([goods(1, "SKU-1")], NOW)
    await ledger.keep_variants([sold(1, "renamed"), sold(2, "other", product_id="product-1")], NOW)
    await ledger.keep_links([proposal(1)], [], NOW)
    assert await SqlCatalogue(database).retiring() == []
    await ledger.keep_items([goods(1, "SKU-1", archived=True)], later(minutes=5))
    (found,) = await SqlCatalogue(database).retiring()
    assert (found.product_id, found.others) == ("product-1", 1)
    assert [(gone.item_id, gone.sku, gone.available) for gone in found.gone] == [("1", "renamed", 5)]


@pytest.mark.parametrize(
    ("more", "status", "expected"),
    [
        ([], "ACTIVE", ["product-1"]),
        ([], "UNLISTED", ["product-1"]),
        ([], "DRAFT", []),
        ([goods(2, "sku-1")], "ACTIVE", []),
    ],
    ids=["archived", "unlisted", "not on sale", "another item has its SKU"],
)
async def test_a_product_goes_off_sale_with_the_archived_item_of_its_sku(
    database: Database, more: list[ItemRow], status: str, expected: list[str]
) -> None:
    ledger = SqlLedger(database)
    await ledger.keep_items([goods(1, "SKU-1", archived=True), *more], NOW)
    await ledger.keep_variants([sold(1, "SKU-1", product_status=status)], NOW)
    assert [each.product_id for each in await SqlCatalogue(database).retiring()] == expected


async def test_a_product_whose_item_is_merely_missing_stays_on_sale(database: Database) -> None:
    ledger = SqlLedger(database)
    await ledger.keep_items([goods(1, "SKU-1")], NOW)
    await ledger.keep_variants([sold(2, "SKU-2")], NOW)
    assert await SqlCatalogue(database).retiring() == []


async def test_what_a_person_took_apart_stays_on_sale_when_its_old_item_is_archived(database: Database) -> None:
    ledger = SqlLedger(database)
    await ledger.keep_items([goods(1, "SKU-1"), goods(3, "SKU-1", archived=True)], NOW)
    await ledger.keep_variants([sold(1, "SKU-1")], NOW)
    await ledger.keep_links([proposal(1)], [], NOW)
    book = SqlMapBook(database)
    await book.part(list((await book.link_ids_of(["SKU-1"])).values()), "ann", "another article", NOW)
    await ledger.keep_items([goods(1, "SKU-1", archived=True)], later(minutes=5))
    (other,) = await SqlCatalogue(database).retiring()
    assert [gone.item_id for gone in other.gone] == ["3"]
    await ledger.keep_items([goods(3, "SKU-3", archived=True)], later(minutes=6))
    assert await SqlCatalogue(database).retiring() == []
