"""What no link joins: each thing has one reason, and no fault is told twice."""

from __future__ import annotations

import pytest

from sync.findings import FindingClass, Loose
from sync.records import SkuKey
from sync.validation.loose import Sides, Sorted, sort_out
from sync.validation.partners import likely_partners

ONLY_LS, ONLY_SH = FindingClass.ONLY_IN_LIGHTSPEED, FindingClass.ONLY_IN_SHOPIFY
ALMOST, TWICE, GONE = FindingClass.SKU_ALMOST_EQUAL, FindingClass.SKU_DUPLICATE, FindingClass.DISCONTINUED


def item(number: int, sku: str, *codes: str, item_type: str = "default") -> Loose:
    return Loose(SkuKey(f"i{number}", "", (sku,), codes, f"Item {number}", item_type), stock=3)


def variant(
    number: int,
    sku: str,
    *codes: str,
    sold: bool = True,
    tracked: bool = True,
    was: str = "",
    apart: tuple[str, ...] = (),
) -> Loose:
    key = SkuKey(f"v{number}", f"n{number}", (sku,), codes, f"Variant {number}", apart=apart)
    return Loose(key, product_id=f"p{number}", sold=sold, tracked=tracked, was=was)


def told(sides: Sides) -> list[tuple[FindingClass, str]]:
    return [(each.kind, each.sku) for each in sorted_out(sides).findings]


def sorted_out(sides: Sides) -> Sorted:
    return sort_out(sides, likely_partners)


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        pytest.param(Sides([item(1, "KAVA-1")], []), [(ONLY_LS, "KAVA-1")], id="in Lightspeed alone"),
        pytest.param(Sides([], [variant(1, "KAVA-1")]), [(ONLY_SH, "KAVA-1")], id="in Shopify alone"),
        pytest.param(
            Sides([item(1, "KAVA-001")], [variant(1, "KAVA-OO1")]), [(ALMOST, "KAVA-OO1")], id="letters for digits"
        ),
        pytest.param(
            Sides([item(1, "KAVA-001", "4006381333931")], [variant(1, "other", "4006381333931")]),
            [(ALMOST, "other")],
            id="the same barcode",
        ),
        pytest.param(
            Sides([item(1, "KAVA-001", "4006381333931")], [variant(1, "", "4006381333931")]),
            [(ALMOST, "KAVA-001")],
            id="no SKU in Shopify, the same barcode",
        ),
        pytest.param(
            Sides([item(1, "KAVA-001")], [variant(1, "KAVA-001"), variant(2, "kava-001 ")]),
            [(TWICE, "KAVA-001")],
            id="two variants with one SKU",
        ),
        pytest.param(
            Sides([item(1, "K1", "036000291452"), item(2, "K2", "012345678905")],
                  [variant(1, "K1", "036000291452"), variant(2, "K1", "012345678905")]),
            [(TWICE, "K1")],
            id="the item whose variant took another's SKU is part of the same fault",
        ),
        pytest.param(
            Sides([], [variant(2, "K1")], linked={"k1": "Item 1"}), [(TWICE, "K1")], id="a linked one has the SKU"
        ),
        pytest.param(
            Sides([], [variant(1, "K1", was="i9")], archived=[item(9, "K9")]), [(GONE, "K1")], id="was linked to it"
        ),
        pytest.param(
            Sides([], [variant(1, "K1")], archived=[item(9, "K1")]), [(GONE, "K1")], id="archived before it was linked"
        ),
        pytest.param(
            Sides([], [variant(1, "K1", was="i9", apart=("i9",))], archived=[item(9, "K1")]),
            [(ONLY_SH, "K1")],
            id="taken apart by a person before it was archived",
        ),
        pytest.param(
            Sides([], [variant(1, "K1", apart=("i9",))], archived=[item(8, "K1"), item(9, "K1")]),
            [(GONE, "K1")],
            id="taken apart from another archived one",
        ),
        pytest.param(
            Sides([item(1, "K1")], [variant(1, "K1"), variant(2, "K1")], archived=[item(9, "K1")]),
            [(TWICE, "K1")],
            id="archived, and living on under the same SKU",
        ),
    ],
)  # fmt: skip
def test_each_thing_has_one_reason(sides: Sides, expected: list[tuple[FindingClass, str]]) -> None:
    assert told(sides) == expected


@pytest.mark.parametrize(
    ("sides", "reason"),
    [
        pytest.param(
            Sides([item(1, "BOX-1", item_type="box")], [variant(1, "BOX-1")]), "kits, boxes and services", id="a box"
        ),
        pytest.param(
            Sides([], [variant(1, "K1", sold=False)], archived=[item(9, "K1")]),
            "discontinued in both shops",
            id="discontinued everywhere",
        ),
        pytest.param(
            Sides([], [variant(1, "", tracked=False)]), "no SKU, and no stock is kept of it", id="a gift card"
        ),
    ],
)
def test_what_is_no_fault_is_counted_and_not_told(sides: Sides, reason: str) -> None:
    found = sorted_out(sides)
    assert (found.findings, dict(found.left_out)) == ([], {reason: 1})


def test_a_service_that_is_sold_in_store_only_is_nothing_to_tell() -> None:
    assert told(Sides([item(1, "SEAT", item_type="non_inventory")], [])) == []


def test_a_likely_partner_is_named_with_the_reason() -> None:
    (finding,) = sorted_out(Sides([item(1, "KAVA-001")], [variant(1, "KAVA-OO1")])).findings
    assert (finding.lightspeed, finding.shopify) == ("KAVA-001", "KAVA-OO1")
    assert (finding.item_id, finding.variant_id, finding.product_id) == ("i1", "v1", "p1")
    assert finding.sentence.startswith("Most likely the same goods (")


def test_of_many_things_with_one_sku_a_few_are_named() -> None:
    (finding,) = sorted_out(Sides([], [variant(number, "K1") for number in range(8)])).findings
    assert finding.sentence.startswith("The SKU stands on Variant 0 in Shopify, Variant 1 in Shopify, ")
    assert finding.sentence.endswith(" and 3 more, so it cannot be told which is meant.")
