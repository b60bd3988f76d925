"""Likely partners among what no link joins: the best suggestions, each thing in one of them at most."""

from __future__ import annotations

from collections.abc import Sequence

from sync.findings import Partner
from sync.records import SkuKey
from sync.suggesting import suggest

LIKELY = 0.6
"""The score from which on two things are told of as one: a person looks at it, nothing is linked by it."""


def likely_partners(items: Sequence[SkuKey], variants: Sequence[SkuKey]) -> Sequence[Partner]:
    """Return the pairs of items and variants that may be the same goods, the surest first."""
    found = [each for several in suggest(items, variants).values() for each in several if each.score >= LIKELY]
    partners: list[Partner] = []
    taken: set[str] = set()
    for each in sorted(found, key=lambda each: (-each.score, each.variant.id, each.item.id)):
        if taken.isdisjoint((each.item.id, each.variant.id)):
            taken.update((each.item.id, each.variant.id))
            partners.append(Partner(each.item.id, each.variant.id, ", ".join(each.reasons)))
    return partners
