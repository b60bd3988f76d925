"""What a person's words on links would do: which pairs can be linked, and what stands against the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.mapping import MapOutcome, Wanted, plan_mapping
from sync.records import SkuKey


def item(number: int, sku: str, *codes: str, item_type: str = "default", linked_to: str = "") -> SkuKey:
    return SkuKey(f"{number}", "", (sku,), codes, f"Item {number}", item_type, linked_to=linked_to)


def variant(number: int, sku: str, *codes: str, linked_to: str = "") -> SkuKey:
    gid = f"gid://shopify/ProductVariant/{number}"
    return SkuKey(gid, f"n{number}", (sku,), codes, f"Variant {number}", linked_to=linked_to)


GOODS = [
    item(1, "KAVA-PREM-001"),
    item(2, "THC-DRINK-003", linked_to="gid://shopify/ProductVariant/12"),
    item(3, "BOX-1", item_type="box"),
    item(4, "TWIN"),
    item(5, "twin "),
    item(6, "", "012345678905"),
]
SHOWN = [
    variant(11, "kava-premium-small"),
    variant(12, "thc-beverage-10mg", linked_to="2"),
    variant(13, ""),
    variant(14, "PAIR"),
    variant(15, "pair"),
    variant(16, "kratom-green-medium"),
]


def outcome(one: str, other: str, *, replaced: bool = False) -> MapOutcome:
    return plan_mapping([Wanted(one, other)], GOODS, SHOWN, replace=replaced)[0].outcome


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("KAVA-PREM-001", "kava-premium-small", MapOutcome.NEW),
        (" kava-prem-001", "KAVA-PREMIUM-SMALL", MapOutcome.NEW),
        ("item:1", "variant:11", MapOutcome.NEW),
        ("item:6", "variant:13", MapOutcome.NEW),
        ("0012345678905", "kratom-green-medium", MapOutcome.NEW),
        ("THC-DRINK-003", "thc-beverage-10mg", MapOutcome.SAME),
        ("THC-DRINK-003", "kratom-green-medium", MapOutcome.TAKEN),
        ("KAVA-PREM-001", "thc-beverage-10mg", MapOutcome.TAKEN),
        ("NOSUCH", "kava-premium-small", MapOutcome.NO_ITEM),
        ("", "kava-premium-small", MapOutcome.NO_ITEM),
        ("KAVA-PREM-001", "nosuch", MapOutcome.NO_VARIANT),
        ("TWIN", "kava-premium-small", MapOutcome.SEVERAL_ITEMS),
        ("KAVA-PREM-001", "pair", MapOutcome.SEVERAL_VARIANTS),
        ("BOX-1", "kava-premium-small", MapOutcome.WRONG_KIND),
    ],
)
def test_what_becomes_of_a_pair(one: str, other: str, expected: MapOutcome) -> None:
    assert outcome(one, other) is expected


def test_a_wrong_link_is_replaced_only_where_that_is_said_and_what_ends_is_named() -> None:
    (mapped,) = plan_mapping([Wanted("KAVA-PREM-001", "thc-beverage-10mg")], GOODS, SHOWN, replace=True)
    assert mapped.outcome is MapOutcome.MOVED
    assert mapped.ends == ("thc-beverage-10mg (Variant 12) is linked to THC-DRINK-003 (Item 2)",)


def test_things_named_in_two_pairs_are_linked_in_neither() -> None:
    pairs = [Wanted("KAVA-PREM-001", "kava-premium-small"), Wanted("item:1", "kratom-green-medium")]
    assert [each.outcome for each in plan_mapping(pairs, GOODS, SHOWN, replace=False)] == [MapOutcome.TWICE] * 2


def test_what_stands_against_a_pair_names_what_to_say_instead() -> None:
    (mapped,) = plan_mapping([Wanted("TWIN", "kava-premium-small")], GOODS, SHOWN, replace=False)
    assert mapped.detail == "item:4 TWIN (Item 4), item:5 twin (Item 5)"


def test_a_link_has_the_sku_that_shoppers_see_or_the_tills_where_there_is_none() -> None:
    pairs = [Wanted("KAVA-PREM-001", "variant:13"), Wanted("item:6", "kratom-green-medium")]
    planned = plan_mapping(pairs, GOODS, SHOWN, replace=False)
    assert [each.pair and each.pair.sku for each in planned] == ["KAVA-PREM-001", "kratom-green-medium"]


def test_an_item_that_is_linked_to_what_is_gone_is_taken_all_the_same() -> None:
    goods = [replace(GOODS[0], linked_to="gid://shopify/ProductVariant/99")]
    (mapped,) = plan_mapping([Wanted("KAVA-PREM-001", "kava-premium-small")], goods, SHOWN, replace=False)
    assert (mapped.outcome, mapped.detail) == (
        MapOutcome.TAKEN,
        "KAVA-PREM-001 (Item 1) is linked to gid://shopify/ProductVariant/99",
    )
