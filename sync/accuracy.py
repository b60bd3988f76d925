"""Tells of each link whether its two sides still agree: in SKU, in a barcode, or in their titles; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sync.likeness import barcode, in_order, measures, sizes_differ, sku_key, title_likeness, words
from sync.records import SkuKey

JOB = "mapping"
"""What the weekly check is recorded as."""
_ALIKE = 0.75  # titles as alike as this still mean the same goods


class Agreement(StrEnum):
    """By what the two sides of a link are known to be the same goods; the values count in the record of a check."""

    SKU = "sku"
    BARCODE = "barcode"
    TITLE = "title"
    PERSON = "person"  # nothing of it agrees, and it is as it was when a person linked it
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LinkedPair:
    """A link with both its sides as last read; `then`: the keys of both SKUs when a person made it, Shopify's first."""

    link_id: int
    sku: str
    item: SkuKey
    variant: SkuKey
    then: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A link whose sides do not agree in anything."""

    link_id: int
    sku: str
    detail: str


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What a check of all links found."""

    counts: Mapping[Agreement, int] = field(default_factory=dict)
    doubts: Sequence[Doubt] = ()

    @property
    def links(self) -> int:
        """Return how many links there are."""
        return sum(self.counts.values())

    @property
    def agreeing(self) -> int:
        """Return how many of them agree in something."""
        return self.links - self.counts.get(Agreement.NONE, 0)

    @property
    def share(self) -> float | None:
        """Return which share agrees; None where nothing is linked."""
        return self.agreeing / self.links if self.links else None

    @property
    def numbers(self) -> Mapping[str, int]:
        """Return the counts as a run keeps them."""
        return {"links": self.links, "agreeing": self.agreeing} | {key.value: n for key, n in self.counts.items() if n}


def agreement(pair: LinkedPair) -> Agreement:
    """Return by what the two sides of a link are known to be the same goods."""
    item, variant = pair.item, pair.variant
    if _keys(item.skus) & _keys(variant.skus):
        return Agreement.SKU
    if _barcodes(item) & _barcodes(variant):
        return Agreement.BARCODE
    if _titles_agree(words(item.title), words(variant.title)):
        return Agreement.TITLE
    now = (_first_key(variant) or _first_key(item), _first_key(item))
    return Agreement.PERSON if pair.then == now else Agreement.NONE


def _titles_agree(one: Sequence[str], other: Sequence[str]) -> bool:
    return title_likeness(in_order(one), in_order(other)) >= _ALIKE and not sizes_differ(measures(one), measures(other))


def checked(pairs: Iterable[LinkedPair]) -> Accuracy:
    """Return what a check of these links finds."""
    counts: Counter[Agreement] = Counter()
    doubts: list[Doubt] = []
    for pair in pairs:
        found = agreement(pair)
        counts[found] += 1
        if found is Agreement.NONE:
            doubts.append(Doubt(pair.link_id, pair.sku, _detail(pair)))
    return Accuracy(counts, doubts)


def _detail(pair: LinkedPair) -> str:
    return f"In Lightspeed: {_side(pair.item)}; in Shopify: {_side(pair.variant)}."


def _side(thing: SkuKey) -> str:
    sku = next((sku for sku in thing.skus if sku_key(sku)), "none")
    return f"SKU {sku}, {thing.title or 'without a title'}"


def _keys(skus: Sequence[str]) -> set[str]:
    return {key for key in map(sku_key, skus) if key}


def _barcodes(thing: SkuKey) -> set[str]:
    return {code for code in (barcode(text) for text in (*thing.codes, *thing.skus)) if code}


def _first_key(thing: SkuKey) -> str:
    return next((key for key in map(sku_key, thing.skus) if key), "")
