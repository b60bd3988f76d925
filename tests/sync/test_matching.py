"""Matching: what links by itself, what is only suggested, what is only reported."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Code
from sync.matching import match, sku_key
from sync.model import LinkState
from sync.records import Proposal, SkuKey


def item(number: int, *skus: str, codes: tuple[str, ...] = (), item_type: str = "default") -> SkuKey:
    return SkuKey(f"i{number}", "", skus, codes, f"Item {number}", item_type)


def variant(number: int, sku: str, *codes: str) -> SkuKey:
    return SkuKey(f"v{number}", f"n{number}", (sku,), codes, f"Variant {number}")


def links(items: list[SkuKey], variants: list[SkuKey]) -> list[tuple[str, str, LinkState]]:
    return [(each.item_id, each.variant_id, each.state) for each in match(items, variants)[0]]


def problems(items: list[SkuKey], variants: list[SkuKey]) -> list[tuple[Code, str]]:
    return [(each.code, each.sku) for each in match(items, variants)[1]]


CONFIRMED, SUGGESTED = LinkState.CONFIRMED, LinkState.SUGGESTED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KAVA-1", "kava-1"),
        (" KAVA-1\t", "KAVA-1"),
        ("KAVA  1", "kava 1"),
        ("KAVA\u00a01", "KAVA 1"),
        ("\uff2b\uff21\uff36\uff21-\uff11", "KAVA-1"),
        ("CAFE\u0301", "Caf\u00e9"),
        ("STRASSE", "Straße"),
        ("\u210c-1", "H-1"),
    ],
    ids=["case", "blanks around", "blanks within", "hard blank", "full width", "accent", "sharp s", "letter-like"],
)
def test_skus_that_people_would_call_the_same_have_one_key(one: str, other: str) -> None:
    assert sku_key(one) == sku_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("KAVA-1", "KAVA1"), ("KAVA-1", "KAVA-01"), ("KAVA-O", "KAVA-0"), ("KAVA_1", "KAVA-1")],
    ids=["hyphen", "leading zero", "look-alike", "underscore"],
)
def test_skus_that_only_look_alike_have_different_keys(one: str, other: str) -> None:
    assert sku_key(one) != sku_key(other)


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    assert sku_key(sku_key(text)) == sku_key(text)


def test_a_sku_that_is_unique_on_both_sides_links() -> None:
    proposals, found = match([item(1, "KAVA-1"), item(2, "KAVA-2")], [variant(1, " kava-2 ")])
    assert proposals == [Proposal("i2", "v1", "n1", "kava-2", CONFIRMED, "same SKU")]
    assert found == []


@pytest.mark.parametrize(
    ("items", "variants"),
    [
        ([item(1, "A-1"), item(2, "a-1")], [variant(1, "A-1")]),
        ([item(1, "A-1")], [variant(1, "A-1"), variant(2, "A-1 ")]),
        ([item(1, "A-1"), item(2, "A-1")], [variant(1, "A-1"), variant(2, "A-1")]),
        ([item(1, "A-1"), item(2, "A-1", item_type="box")], [variant(1, "A-1")]),
        ([item(1, "A-1", codes=("555",)), item(2, "A-1")], [variant(1, "A-1", "555")]),
    ],
    ids=["two items", "two variants", "two of each", "an item and a box", "even if a barcode would tell"],
)
def test_what_stands_twice_is_reported_and_not_linked(items: list[SkuKey], variants: list[SkuKey]) -> None:
    assert links(items, variants) == []
    assert problems(items, variants) == [(Code.SK001, "A-1")]


def test_a_report_of_duplicates_names_every_thing_that_has_the_sku() -> None:
    _, (problem,) = match([item(1, "A-1"), item(2, "A-1")], [variant(7, "A-1")])
    assert problem.detail == (
        "In Lightspeed: Item 1 (i1, SKU A-1), Item 2 (i2, SKU A-1); in Shopify: Variant 7 (v7, SKU A-1)."
    )


def test_a_long_report_is_cut_short() -> None:
    _, (problem,) = match([item(number, "A-1") for number in range(9)], [variant(1, "A-1")])
    assert "Item 4 (i4, SKU A-1) and 4 more; in Shopify" in problem.detail


@pytest.mark.parametrize(
    ("item_type", "linked"),
    [("default", True), ("serialized", True), ("box", False), ("assembly", False), ("non_inventory", False)],
)
def test_only_countable_items_link(item_type: str, linked: bool) -> None:
    goods = [item(1, "A-1", codes=("555",), item_type=item_type)]
    assert bool(links(goods, [variant(1, "A-1", "555")])) is linked
    assert problems(goods, [variant(1, "A-1", "555")]) == ([] if linked else [(Code.SK003, "A-1")])


@pytest.mark.parametrize(
    ("goods", "shown"),
    [
        (item(1, "A-1", codes=("0123456789012",)), variant(1, "B-9", "123456789012")),
        (item(1, "A-1", codes=("4006381333931",)), variant(1, "4006381333931")),
        (item(1, "4006381333931"), variant(1, "B-9", "4006381333931")),
        (item(1, "", codes=("M-77",)), variant(1, "m-77")),
        (item(1, "A-1", codes=("555",)), variant(1, "", "555")),
    ],
    ids=["UPC against EAN", "EAN as SKU", "SKU as barcode", "another SKU field", "no SKU in Shopify"],
)
def test_a_shared_code_is_only_suggested(goods: SkuKey, shown: SkuKey) -> None:
    assert links([goods], [shown]) == [("i1", "v1", SUGGESTED)]
    assert problems([goods], [shown]) == []


def test_a_code_that_several_share_suggests_nothing() -> None:
    goods = [item(1, "KRATOM", codes=("555",)), item(2, "MERCH", codes=("555",))]
    assert links(goods, [variant(1, "", "555")]) == []


def test_a_link_by_sku_goes_before_a_shared_code() -> None:
    goods = [item(1, "A-1", codes=("555",)), item(2, "B-2", codes=("777",))]
    shown = [variant(1, "A-1", "777"), variant(2, "B-2", "555")]
    assert links(goods, shown) == [("i1", "v1", CONFIRMED), ("i2", "v2", CONFIRMED)]


def test_the_first_sku_field_that_agrees_links() -> None:
    goods = [item(1, "", "210000000001"), item(2, "KAVA", "210000000002")]
    assert links(goods, [variant(1, "210000000001"), variant(2, "kava")]) == [
        ("i1", "v1", CONFIRMED),
        ("i2", "v2", CONFIRMED),
    ]


def test_one_item_is_never_linked_to_two_variants() -> None:
    goods, shown = [item(1, "KAVA", "210000000001")], [variant(1, "KAVA"), variant(2, "210000000001")]
    assert links(goods, shown) == [("i1", "v1", CONFIRMED)]
    assert problems(goods, shown) == [(Code.SK001, "210000000001")]


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("KAVA-0012", "KAVA-12"),
        ("KAVA-100", "KAVA-1OO"),
        ("KAVA-I1", "KAVA-l1"),
        ("KAVA 12", "KAVA-12"),
        ("\u041a\u0410V\u0410-12", "KAVA-12"),
        ("KAVA-PREM", "KAVA-PRM"),
        ("KAVA-PREM-01", "KAVA-PERM-01"),
        ("KAVA-PREM-01", "KAVA-PREN-07"),
        ("TEA1", "TEA7"),
    ],
    ids=["zeros", "O and 0", "I and l", "punctuation", "Cyrillic", "one left out", "exchanged", "two edits", "short"],
)
def test_what_is_almost_the_same_is_reported_and_never_linked(there: str, here: str) -> None:
    assert links([item(1, there)], [variant(1, here)]) == []
    assert problems([item(1, there)], [variant(1, here)]) == [(Code.SK002, here)]


@pytest.mark.parametrize(
    ("there", "here"),
    [("TEA1", "TEAPOT"), ("TEA", "TEB"), ("AB-12", "AX-13"), ("KAVA-PREM", "KRATOM-RED")],
    ids=["far", "too short to tell", "two edits of a short one", "others"],
)
def test_what_differs_more_is_simply_not_in_lightspeed(there: str, here: str) -> None:
    assert problems([item(1, there)], [variant(1, here)]) == [(Code.LS002, here)]


def test_being_like_many_says_nothing() -> None:
    series = [item(number, f"SHIRT-{number:03d}") for number in range(100, 110)]
    assert problems(series, [variant(1, "SHIRT-10X")]) == [(Code.LS002, "SHIRT-10X")]


def test_a_near_miss_of_a_linked_item_is_no_problem_of_that_item() -> None:
    goods, shown = [item(1, "KAVA-PREM")], [variant(1, "KAVA-PREM"), variant(2, "KAVA-PREN")]
    assert links(goods, shown) == [("i1", "v1", CONFIRMED)]
    assert problems(goods, shown) == [(Code.LS002, "KAVA-PREN")]


def test_variants_without_a_sku_are_silent() -> None:
    assert match([item(1, "A-1")], [variant(1, ""), variant(2, " ")]) == ([], [])


_SKUS = st.sampled_from(["A-1", "a-1", "A-01", "B-2", "B-2 ", "B2", "C-3", "", " ", "KAVA-PREM", "KAVA-PERM"])
_CODES = st.lists(st.sampled_from(["555", "0555", "777", "A-1"]), max_size=2).map(tuple)
_TYPES = st.sampled_from(["default", "serialized", "box", "non_inventory"])


@st.composite
def catalogues(draw: st.DrawFn) -> tuple[list[SkuKey], list[SkuKey]]:
    goods = [
        item(number, draw(_SKUS), codes=draw(_CODES), item_type=draw(_TYPES))
        for number in range(draw(st.integers(0, 6)))
    ]
    return goods, [variant(number, draw(_SKUS), *draw(_CODES)) for number in range(draw(st.integers(0, 6)))]


@given(catalogues())
def test_nothing_is_ever_linked_twice_nor_without_the_same_unique_sku(
    both: tuple[list[SkuKey], list[SkuKey]],
) -> None:
    goods, shown = both
    proposals, _ = match(goods, shown)
    assert len({each.item_id for each in proposals}) == len(proposals)
    assert len({each.variant_id for each in proposals}) == len(proposals)
    keys_there = [sku_key(each.skus[0]) for each in goods]
    keys_here = [sku_key(each.skus[0]) for each in shown]
    by_id = {each.id: each for each in (*goods, *shown)}
    for each in proposals:
        there, here = by_id[each.item_id], by_id[each.variant_id]
        assert there.item_type in ("default", "serialized")
        if each.state is CONFIRMED:
            key = sku_key(here.skus[0])
            assert key == sku_key(there.skus[0]) != ""
            assert keys_there.count(key) == keys_here.count(key) == 1


@given(catalogues(), st.randoms(use_true_random=False))
def test_the_order_of_the_catalogues_does_not_matter(
    both: tuple[list[SkuKey], list[SkuKey]], shuffle: random.Random
) -> None:
    goods, shown = both
    before = set(links(goods, shown))
    shuffled = [*goods], [*shown]
    for side in shuffled:
        shuffle.shuffle(side)
    assert {each for each in links(*shuffled) if each[2] is CONFIRMED} == {
        each for each in before if each[2] is CONFIRMED
    }


def test_two_large_catalogues_are_compared_without_comparing_every_pair() -> None:
    draw = random.Random(7)
    goods = [item(number, f"GOODS-{number:05d}") for number in range(10_000)]
    shown = [variant(number, f"goods-{number:05d}") for number in range(5_000)]
    shown += [variant(number, f"X{draw.getrandbits(48):012x}") for number in range(5_000, 10_000)]
    proposals, found = match(goods, shown)
    assert len(proposals) == 5_000
    assert len(found) == 5_000
