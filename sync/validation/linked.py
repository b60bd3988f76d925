"""Linked pairs whose SKUs tell another story than their link: renamed, or the same as another pair's. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sync.errors import Code
from sync.findings import Finding, FindingClass, LinkedSku, Pair
from sync.matching import sku_key
from sync.validation.loose import almost_equal


def tells_apart(linked: LinkedSku) -> bool:
    """Tell whether a pair's SKUs differ, and no person has said that they may."""
    if linked.by_hand or linked.sku in linked.item_skus:
        return False
    key = sku_key(linked.sku)
    return all(sku_key(sku) != key for sku in linked.item_skus)


@dataclass(frozen=True, slots=True)
class SkuStories:
    """The pairs of which there is something to say: those `renamed`, and those whose item's SKU `several` items have.

    `several` are in groups of one SKU.
    """

    renamed: Sequence[Pair]
    several: Sequence[Sequence[Pair]]

    @property
    def keys(self) -> set[str]:
        """Return the keys of renamed variants: whoever has the same SKU shares it by mistake."""
        return {key for pair in self.renamed for key in pair.variant.keys}

    def findings(self, linked: Mapping[str, str]) -> Iterator[Finding]:
        """Yield one finding for each; `linked` are the names of linked goods by the `keys` of their SKUs."""
        yield from map(_several, self.several)
        for pair in self.renamed:
            other = next((linked[key] for key in pair.variant.keys if key in linked), None)
            yield _renamed(pair) if other is None else _taken(pair, other)


def _renamed(pair: Pair) -> Finding:
    ours, theirs = pair.item.sku or "no SKU", pair.variant.sku or "no SKU"
    sentence = f"Linked and synced as one, but Lightspeed has {ours} and Shopify {theirs}."
    return replace(almost_equal(pair.item, pair.variant, "linked"), sentence=sentence)


def _taken(pair: Pair, other: str) -> Finding:
    title = pair.variant.key.title or pair.item.key.title
    return Finding(
        kind=FindingClass.SKU_DUPLICATE,
        sku=pair.variant.sku,
        subject=title,
        lightspeed=pair.item.sku,
        shopify=pair.variant.sku,
        sentence=f"In Shopify {title} has the SKU of {other}; in Lightspeed it is {pair.item.sku or 'without a SKU'}.",
        remedy=Code.SK001.remedy,
        item_id=pair.item.key.id,
        variant_id=pair.variant.key.id,
        product_id=pair.variant.product_id,
        also=(pair.item.sku,) if pair.item.sku else (),
    )


def _several(pairs: Sequence[Pair]) -> Finding:
    first = pairs[0]
    names = " and ".join(each.item.key.title or each.item.key.id for each in pairs)
    return Finding(
        kind=FindingClass.SKU_DUPLICATE,
        sku=first.item.sku,
        subject=first.item.key.title,
        lightspeed=names,
        shopify=" and ".join(each.variant.sku or "no SKU" for each in pairs),
        sentence=f"In Lightspeed the SKU stands on {names}, each linked to goods of its own.",
        remedy=Code.SK001.remedy,
        item_id=first.item.key.id,
        variant_id=first.variant.key.id,
        product_id=first.variant.product_id,
        also=tuple(dict.fromkeys(each.variant.sku for each in pairs if each.variant.sku)),
    )
