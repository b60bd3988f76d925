"""Linked pairs whose SKUs tell another story than their link."""

from __future__ import annotations

from dataclasses import replace

from sync.findings import Finding, FindingClass, Loose, Pair
from sync.records import SkuKey
from sync.validation.linked import SkuStories


def pair(number: int, here: str, there: str) -> Pair:
    item = Loose(SkuKey(f"i{number}", "", (here,), (), f"Item {number}"))
    variant = Loose(SkuKey(f"v{number}", f"n{number}", (there,), (), f"Variant {number}"), f"p{number}", sold=True)
    return Pair(number, item, variant)


def told(
    *pairs: Pair, shared: dict[str, list[int]] | None = None, linked: dict[str, str] | None = None
) -> list[Finding]:
    stories = SkuStories(shared or {})
    for each in pairs:
        stories.look(each)
    return list(stories.findings(linked or {}))


def test_a_pair_with_the_same_sku_is_nothing_to_tell() -> None:
    assert told(pair(1, "KAVA-1", " kava-1")) == []


def test_a_pair_that_a_person_joined_may_have_two_skus() -> None:
    assert told(replace(pair(1, "KAVA-1", "kava-premium-small"), by_hand=True)) == []


def test_a_sku_that_was_renamed_on_one_side_is_almost_equal() -> None:
    (finding,) = told(pair(1, "KAVA-1", "KAVA-I"))
    assert finding.kind is FindingClass.SKU_ALMOST_EQUAL
    assert finding.sentence == "Linked and synced as one, but Lightspeed has KAVA-1 and Shopify KAVA-I."


def test_a_sku_taken_from_another_linked_pair_is_a_duplicate() -> None:
    (finding,) = told(pair(2, "KAVA-2", "KAVA-1"), linked={"kava-1": "Item 1"})
    assert (finding.kind, finding.sku, finding.also) == (FindingClass.SKU_DUPLICATE, "KAVA-1", ("KAVA-2",))
    assert "has the SKU of Item 1" in finding.sentence


def test_items_that_share_a_sku_are_one_finding() -> None:
    (finding,) = told(pair(1, "K1", "K1"), pair(2, "K1", "K2"), shared={"k1": [1, 2]})
    assert (finding.kind, finding.sku, finding.lightspeed) == (FindingClass.SKU_DUPLICATE, "K1", "Item 1 and Item 2")
