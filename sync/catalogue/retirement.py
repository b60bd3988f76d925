"""What becomes of a product whose items were archived in Lightspeed; pure.

A product that is sold online for other reasons too (variants of items that live, or that Lightspeed never had) stays
as it is: only the stock of its archived items becomes 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from sync.catalogue.changes import POINTS
from sync.catalogue.policy import CataloguePolicy, Discontinued
from sync.products import ChangeKind, Field, Gone, ProductChange, Retiring

_ON_SALE = frozenset({"ACTIVE", "UNLISTED"})
_STATUS = {Discontinued.DRAFT: "DRAFT", Discontinued.ARCHIVED: "ARCHIVED"}


def retirement(found: Retiring, policy: CataloguePolicy) -> ProductChange | None:
    """Return the change that takes a product, or its archived items, off sale; None where nothing is to be done."""
    if policy.discontinued is Discontinued.NEVER or found.status not in _ON_SALE:
        return None
    stocked = [each for each in found.gone if (each.available or 0) > 0]
    status = found.status if found.others else _STATUS[policy.discontinued]
    if not stocked and status == found.status:
        return None
    return ProductChange(
        key=f"{Field.STATUS}/{found.product_id}",
        kind=ChangeKind.RETIRE,
        sku=found.gone[0].sku,
        subject=found.product_id,
        field=Field.STATUS,
        before={"status": found.status, "available": {each.inventory_item_id: each.available for each in stocked}},
        after={"status": status, "available": {each.inventory_item_id: 0 for each in stocked}},
        reason=_reason(found, stocked, status),
        points=POINTS * ((status != found.status) + bool(stocked)),
    )


def _reason(found: Retiring, stocked: Sequence[Gone], status: str) -> str:
    units = sum(each.available or 0 for each in stocked)
    skus = ", ".join(each.sku for each in found.gone[:5]) + (" and more" if len(found.gone) > 5 else "")  # noqa: PLR2004
    becomes = "stays on sale with its other variants" if status == found.status else f"becomes {status.lower()}"
    taken = f", {units} units are taken off" if units else ""
    return f"Archived in Lightspeed: {skus}. “{found.title}” {becomes}{taken}."
