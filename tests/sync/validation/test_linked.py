"""Linked pairs whose SKUs tell another story than their link."""

from __future__ import annotations

import pytest

from sync.findings import Finding, FindingClass, LinkedSku, Loose, Pair
from sync.records import SkuKey
from sync.validation.linked import SkuStories, tells_apart


def pair(number: int, here: str, there: str) -> Pair:
    item = Loose(SkuKey(f"i{number}", "", (here,), (), f"Item {number}"))
    variant = Loose(SkuKey(f"v{number}", f"n{number}", (there,), (), f"Variant {number}"), f"p{number}", sold=True)
    return Pair(number, item, variant)


def told(renamed: Pair, linked: dict[str, str] | None = None) -> Finding:
    (finding,) = SkuStories([renamed], []).findings(linked or {})
    return finding


@pytest.mark.parametrize(
    ("here", "there", "by_hand", "apart"),
    [
        pytest.param("KAVA-1", "KAVA-1", False, False, id="the same"),
        pytest.param("KAVA-1", " kava-1", False, False, id="typed otherwise"),
        pytest.param("KAVA-1", "KAVA-I", False, True, id="another"),
        pytest.param("KAVA-1", "", False, True, id="none"),
        pytest.param("KAVA-1", "kava-premium-small", True, False, id="another, and a person joined them"),
    ],
)
def test_a_pairs_skus_are_told_apart(here: str, there: str, by_hand: bool, apart: bool) -> None:
    assert tells_apart(LinkedSku("p1", "v1", there, 1, by_hand, (here,))) is apart


def test_a_sku_that_was_renamed_on_one_side_is_almost_equal() -> None:
    finding = told(pair(1, "KAVA-1", "KAVA-I"))
    assert finding.kind is FindingClass.SKU_ALMOST_EQUAL
    assert finding.sentence == "Linked and synced as one, but Lightspeed has KAVA-1 and Shopify KAVA-I."


def test_a_sku_taken_from_another_linked_pair_is_a_duplicate() -> None:
    finding = told(pair(2, "KAVA-2", "KAVA-1"), linked={"kava-1": "Item 1"})
    assert (finding.kind, finding.sku, finding.also) == (FindingClass.SKU_DUPLICATE, "KAVA-1", ("KAVA-2",))
    assert "has the SKU of Item 1" in finding.sentence


def test_items_that_share_a_sku_are_one_finding() -> None:
    (finding,) = SkuStories([], [[pair(1, "K1", "K1"), pair(2, "K1", "K2")]]).findings({})
    assert (finding.kind, finding.sku, finding.lightspeed) == (FindingClass.SKU_DUPLICATE, "K1", "Item 1 and Item 2")
