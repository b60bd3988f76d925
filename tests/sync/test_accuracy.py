"""The check of all links: by what two sides agree, which are in doubt, and what a person's word is worth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.asked import MapOrder
from sync.accuracy import Accuracy, Agreement, LinkedPair, agreement, checked
from sync.records import SkuKey
from tests.sync.shop import few, live_shop


def pair(item: SkuKey, variant: SkuKey, then: tuple[str, str] | None = None) -> LinkedPair:
    return LinkedPair(1, "KAVA-1", item, variant, then)


def item(sku: str, title: str = "", *codes: str) -> SkuKey:
    return SkuKey("i1", "", (sku,), codes, title)


def variant(sku: str, title: str = "", *codes: str) -> SkuKey:
    return SkuKey("v1", "n1", (sku,), codes, title)


@pytest.mark.parametrize(
    ("there", "here", "expected"),
    [
        (item("KAVA-1"), variant(" kava-1"), Agreement.SKU),
        (item("KAVA-1", "", "012345678905"), variant("X", "", "0012345678905"), Agreement.BARCODE),
        (item("KAVA-1", "Kava Root 2 oz"), variant("X", "Kava root, 2oz"), Agreement.TITLE),
        (item("KAVA-1", "Kava Root 2 oz"), variant("X", "Kava root, 8oz"), Agreement.NONE),
        (item("KAVA-1", "Kava Root"), variant("X", "Logo Hoodie"), Agreement.NONE),
        (item("", ""), variant("", ""), Agreement.NONE),
    ],
    ids=["SKU", "barcode", "title", "another size", "other goods", "nothing to go by"],
)
def test_by_what_two_sides_agree(there: SkuKey, here: SkuKey, expected: Agreement) -> None:
    assert agreement(pair(there, here)) is expected


def test_what_a_person_linked_is_right_until_a_sku_of_it_changes() -> None:
    linked = pair(item("A-1"), variant("other"), then=("other", "a-1"))
    assert agreement(linked) is Agreement.PERSON
    assert agreement(replace(linked, item=item("A-2"))) is Agreement.NONE
    assert agreement(replace(linked, variant=variant("another"))) is Agreement.NONE


def test_a_check_counts_and_names_what_is_in_doubt() -> None:
    found = checked([pair(item("A"), variant("A")), pair(item("A", "Mug"), variant("B", "Hoodie"))])
    assert (found.links, found.agreeing, found.share) == (2, 1, 0.5)
    assert [each.detail for each in found.doubts] == ["In Lightspeed: SKU A, Mug; in Shopify: SKU B, Hoodie."]
    assert found.numbers == {"links": 2, "agreeing": 1, "sku": 1, "none": 1}
    assert Accuracy().share is None


@pytest.mark.anyio
async def test_a_link_whose_sides_became_other_goods_is_in_doubt_until_a_person_looks(tmp_path: Path) -> None:
    goods = [replace(good, barcode="") for good in few()]
    async with live_shop(goods, tmp_path) as shop:
        old, desk, ledger = goods[0].sku, shop.work.engine.mapping, shop.work.ledger
        assert await desk.check(1) == {"links": 8, "agreeing": 8, "sku": 8}
        shop.world.shopify.rename_sku(old, "QUITE-OTHER")
        await shop.work.engine.linking.refresh(1)
        assert (await desk.check(2))["agreeing"] == 8, "the title still agrees"
        await shop.work.database.write(
            lambda c: c.exec_driver_sql("UPDATE items SET description = 'Something else' WHERE custom_sku = ?", (old,))
        )
        assert await desk.check(3) == {"links": 8, "agreeing": 7, "sku": 7, "none": 1}
        assert await ledger.doubted_links() == [old]
        await shop.work.actions.map_skus(MapOrder(pairs=((old, "QUITE-OTHER"),), by="ann", pin=True))
        assert await desk.check(4) == {"links": 8, "agreeing": 8, "sku": 7, "person": 1}
        assert await ledger.doubted_links() == []
