"""Suggestions: what is sure, what is a tie, what contradicts, and what is never suggested."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.sku_suggestions import ALL, LEAST_PRECISION, LEAST_RECALL, SAVED, figures, measure, shops, table
from sync.records import SkuKey
from sync.suggesting import Standing, Suggestion, suggest, sure


def item(number: int, sku: str, title: str = "", *codes: str, price: int | None = None) -> SkuKey:
    return SkuKey(f"i{number}", "", (sku,), codes, title, price=price)


def variant(number: int, sku: str, title: str = "", *codes: str, price: int | None = None) -> SkuKey:
    return SkuKey(f"v{number}", f"n{number}", (sku,), codes, title, price=price)


def only(items: list[SkuKey], variants: list[SkuKey]) -> Suggestion:
    """Return the one suggestion there is."""
    ((one,),) = suggest(items, variants).values()
    return one


@pytest.mark.parametrize(
    ("there", "here"),
    [("KAVA-PREM-01", "KAVA PREM 1"), ("KAVA-PREM-01", "kavaprem01"), ("KAVA-10", "KAVA-lO")],
    ids=["blanks and zeros", "no dashes", "look-alikes"],
)
def test_the_same_sku_but_for_how_it_is_written_is_sure(there: str, here: str) -> None:
    one = only([item(1, there)], [variant(1, here)])
    assert (one.item.id, one.standing) == ("i1", Standing.SURE)
    assert one.reasons == ("the same SKU but for case, blanks, punctuation, leading zeros or look-alikes",)


def test_upc_a_and_ean_13_of_the_same_goods_are_sure() -> None:
    one = only([item(1, "KAVA", "", "012345678905")], [variant(1, "0012345678905")])
    assert (one.standing, one.reasons) == (Standing.SURE, ("the same barcode 12345678905",))


def test_a_slip_alone_is_for_a_person_and_with_the_same_title_and_price_it_is_sure() -> None:
    alone = only([item(1, "KAVA-PREM")], [variant(1, "KAVA-PERM")])
    told = only([item(1, "KAVA-PREM", "Kava Premium", price=999)], [variant(1, "KAVA-PERM", "Kava Premium", price=999)])
    assert (alone.standing, told.standing) == (Standing.POSSIBLE, Standing.SURE)
    assert "the same price" in told.reasons


def test_what_fits_two_items_as_well_is_a_tie_and_never_linked() -> None:
    found = suggest([item(1, "KAVA-1-0"), item(2, "KAVA-10")], [variant(1, "KAVA 10.")])
    assert [each.standing for each in found["v1"]] == [Standing.TIE, Standing.POSSIBLE]
    assert sure(found) == []


def test_what_two_variants_fit_as_well_is_a_tie_for_both() -> None:
    found = suggest([item(1, "KAVA-10")], [variant(1, "KAVA.10"), variant(2, "KAVA/10")])
    assert [found[key][0].standing for key in ("v1", "v2")] == [Standing.TIE, Standing.TIE]


def test_a_title_tells_which_of_two_is_meant() -> None:
    goods = [item(1, "KAVA-1-0", "Mango Kava Shot"), item(2, "KAVA-10", "Cacao Kava Shot")]
    found = suggest(goods, [variant(1, "KAVA10", "Cacao Kava Shot")])
    assert (found["v1"][0].item.id, found["v1"][0].standing) == ("i2", Standing.SURE)


@pytest.mark.parametrize(
    ("there", "here", "reason"),
    [
        (item(1, "KAVA-10", "", "012345678905"), variant(1, "KAVA 10", "", "4006381333931"), "but the barcodes differ"),
        (item(1, "THC-10", "Velvet Cola 5 mg"), variant(1, "THC 10", "Velvet Cola 10 mg"), "but the sizes differ"),
        (item(1, "KAVA-10", "Bamboo Gift Mug"), variant(1, "KAVA 10", "Electric Yuzu"), "but the titles are unlike"),
        (item(1, "KAVA-10", price=500), variant(1, "KAVA 10", price=4_000), "but the prices are far apart"),
    ],
    ids=["barcode", "size", "title", "price"],
)
def test_what_contradicts_is_said_and_never_sure(there: SkuKey, here: SkuKey, reason: str) -> None:
    one = only([there], [here])
    assert one.reasons[-1] == reason
    assert one.standing is Standing.POSSIBLE


def test_the_next_number_of_a_series_is_not_taken_for_a_slip() -> None:
    one = only([item(1, "SHIRT-123")], [variant(1, "SHIRT-124")])
    assert (one.score, one.reasons) == (0.35, ("a number in the SKU differs by one digit",))


def test_a_sku_that_spells_out_a_title_is_suggested() -> None:
    one = only([item(1, "KAVA-PREM-001", "Kava Premium Small")], [variant(1, "kava-premium-small")])
    assert (one.item.id, one.reasons) == ("i1", ("a SKU like the other's title (100%)",))


def test_the_best_three_are_suggested_best_first() -> None:
    goods = [item(number, f"KAVA-{number}00", "Kava Root") for number in range(1, 8)]
    found = suggest(goods, [variant(1, "KAVA 400", "Kava Root")])["v1"]
    assert found[0].item.id == "i4"
    assert len(found) == 3
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


def test_linked_things_and_pairs_kept_apart_are_left_out() -> None:
    goods = [replace(item(1, "KAVA-10"), linked_to="v9"), item(2, "TEA-20")]
    shown = [variant(1, "KAVA 10"), replace(variant(2, "TEA 20"), apart=("i2",))]
    assert suggest(goods, shown) == {}


def test_goods_that_have_nothing_in_common_are_not_suggested() -> None:
    assert suggest([item(1, "KAVA-10", "Kava Root")], [variant(1, "MER-77", "Logo Hoodie")]) == {}


def test_the_order_of_the_catalogues_does_not_matter() -> None:
    both = shops(60, 60, 15)
    turned = suggest(list(reversed(both.items)), list(reversed(both.variants)))
    assert dict(turned) == dict(suggest(both.items, both.variants))


def test_mangled_skus_are_found_and_hardly_one_is_linked_wrong() -> None:
    found = measure(shops(300, 300, 75))[ALL]
    assert found.precision >= LEAST_PRECISION
    assert found.recall >= LEAST_RECALL


@pytest.mark.slow
def test_the_saved_figures_are_those_of_this_code() -> None:
    assert table(figures()) == table(), "run `python -m bench.sku_suggestions --save`"


def test_the_page_shows_the_saved_figures() -> None:
    page = (SAVED.parent / "sku-mapping.md").read_text(encoding="utf-8")
    assert table() in page, "run `make docs`"
