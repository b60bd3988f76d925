"""The made-up shop: any size, the same for the same seed, with its documented oddities."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

import pytest

from sandbox.catalogue import ODDITIES, check_digit, generate


@pytest.mark.parametrize("count", [0, 1, 7, 100, 10_000])
def test_exactly_as_many_goods_as_asked_for_each_with_its_own_sku(count: int) -> None:
    goods = generate(count, seed=1)

    assert len(goods) == count
    assert len({good.sku for good in goods}) == count
    assert all(good.sku == good.sku.strip() != "" for good in goods)


def test_the_same_seed_gives_the_same_shop_and_another_seed_another() -> None:
    assert generate(300, seed=5) == generate(300, seed=5)
    assert generate(300, seed=5) != generate(300, seed=6)


def test_ten_thousand_goods_have_ten_thousand_names() -> None:
    assert len({good.sku for good in generate(10_000, seed=3)}) == 10_000


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 goods"):
        generate(-1, seed=1)


def test_variants_of_a_product_share_its_title_and_differ_in_their_options() -> None:
    products: dict[str, list[tuple[str, tuple[tuple[str, str], ...]]]] = {}
    for good in generate(2_000, seed=2):
        products.setdefault(good.handle, []).append((good.title, good.options))

    assert max(len(variants) for variants in products.values()) > 5
    for variants in products.values():
        assert len({title for title, _ in variants}) == 1
        assert len({options for _, options in variants}) == len(variants)
        assert len({tuple(name for name, _ in options) for _, options in variants}) == 1


def test_every_kind_of_product_is_sold() -> None:
    goods = generate(1_000, seed=2, odd=False)

    assert {good.category for good in goods} == {"Kava", "Kratom", "THC Drinks", "Merchandise", "Accessories"}
    assert all(Decimal(1) < good.price < Decimal(200) for good in goods)
    assert all(Decimal(0) < good.cost < good.price for good in goods)
    assert any(good.stock == 0 for good in goods)
    assert all(good.description_html.startswith("<p>") and good.tags for good in goods)


@pytest.mark.parametrize(
    ("digits", "last"),
    [("03600029145", "2"), ("400638133393", "1"), ("590123412345", "7"), ("00000000000", "0")],
    ids=["UPC-A", "EAN-13", "another EAN-13", "zeros"],
)
def test_check_digits_are_those_of_gs1(digits: str, last: str) -> None:
    assert check_digit(digits) == last


def test_barcodes_are_unique_and_end_in_the_right_digit() -> None:
    barcodes = [good.barcode for good in generate(2_000, seed=4) if good.barcode]

    assert len(set(barcodes)) == len(barcodes) > 1_500
    assert {len(barcode) for barcode in barcodes} == {12, 13}
    assert all(check_digit(barcode[:-1]) == barcode[-1] for barcode in barcodes)


def test_each_oddity_stands_at_its_place_in_every_hundred() -> None:
    assert sorted(ODDITIES) == [4, 13, 23, 33, 43, 53, 63, 73, 78, 83, 88, 93, 98]
    goods = generate(200, seed=8)
    for hundred in (0, 100):
        at = {place: goods[hundred + place] for place in ODDITIES}
        assert at[4].online_sku == at[4].sku + " "
        assert at[13].online_sku == at[13].sku.lower() != at[13].sku
        assert at[23].online_sku is not None
        assert at[23].online_sku != at[23].sku == unicodedata.normalize("NFKC", at[23].online_sku)
        assert (at[33].online_sku, at[33].in_store) == (goods[hundred + 32].sku, False)
        assert at[43].online_sku == at[43].sku.replace("0", "O", 1) != at[43].sku
        assert at[53].online_sku == ""
        assert at[63].title == "<!channel> & <b>Party</b> \U0001f965 Pack"
        assert (at[73].archived, at[73].status, at[73].stock) == (True, "ARCHIVED", 0)
        assert (at[78].in_store, at[78].online) == (False, True)
        assert (at[83].in_store, at[83].online) == (True, False)
        assert (at[88].item_type, at[98].item_type) == ("serialized", "box")
        assert (at[93].item_type, at[93].tracked) == ("non_inventory", False)


def test_without_oddities_all_goods_can_be_linked() -> None:
    goods = generate(500, seed=9, odd=False)

    assert all(good.online_sku is None and good.in_store and good.online and not good.archived for good in goods)
