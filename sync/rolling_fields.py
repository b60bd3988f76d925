"""What takes changes of product fields back: the same changes the other way round, and why some cannot be; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from sync.matching import sku_key
from sync.products import (
    ChangeKind,
    Field,
    ProductChange,
    ProductOutcome,
    ProductResult,
    ProductWrite,
)

_POINTS = 10  # at Shopify, for one product's update
_BY_HAND = {
    Field.IMAGES: "Pictures that were added are taken away in Shopify by hand.",
    Field.COLLECTIONS: "It is taken out of collections in Shopify by hand.",
    Field.PRODUCT: "A product that was made is deleted in Shopify by hand; it is a draft until somebody publishes it.",
}
_OPEN = "Nobody has answered this write yet; try again in a minute."


@dataclass(frozen=True, slots=True)
class FieldBack:
    """One field that is to be as it was; `hindrance` says why that is not for us to do, "" where it is."""

    change: ProductChange
    hindrance: str = ""


def taking_back(writes: Iterable[ProductWrite], why: str) -> list[FieldBack]:
    """Return what takes these writes back, in the order they were made; a field's several count as one."""
    ordered = sorted(writes, key=lambda write: (write.change.subject, write.change.field, write.write_id))
    found = []
    for _, group in groupby(ordered, key=lambda write: (write.change.subject, write.change.field)):
        first, *more = group
        found.append(_back(first, more[-1] if more else first, why))
    return found


def _back(first: ProductWrite, last: ProductWrite, why: str) -> FieldBack:
    before, after = last.change.after, first.change.before
    if first.change.kind is ChangeKind.RETIRE:  # its stock is no field: nothing that Lightspeed does not have is raised
        before, after = before["status"], after["status"]
    change = replace(
        first.change,
        key=f"back/{first.change.key}",
        kind=ChangeKind.FIELD,
        before=before,
        after=after,
        reason=why,
        points=_POINTS,
    )
    if last.outcome in (None, ProductOutcome.UNANSWERED):
        return FieldBack(change, _OPEN)
    return FieldBack(change, _BY_HAND.get(first.change.field, ""))


def overruled(results: Sequence[ProductResult], skus: Iterable[str]) -> list[ProductChange]:
    """Return the changes of fields that others changed meanwhile and that a person named: from what is there now."""
    keys = {sku_key(sku) for sku in skus}
    return [
        replace(result.change, before=result.now)
        for result in results
        if result.outcome is ProductOutcome.MOVED and result.now is not None and sku_key(result.change.sku) in keys
    ]
