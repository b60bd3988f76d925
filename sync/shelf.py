"""What may be promised to an online shopper: one value for each item that both shops sell.

Ids are decimal here, as the storefront's own pages know them; the engine's gids are made of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ShelfItem:
    """One confirmed link of which both numbers are known.

    `sellable` is the lesser of Shopify's number and the target, at least 0, holds not taken off. `held` are the units
    of active holds, and of consumed ones that the target does not leave out yet. `changed_at` is when either, or what
    is told beside them, last changed; `evaluated_at` when the target was made. `due`: news of it wait to be looked at.
    """

    link_id: int
    item_id: str
    variant_id: str
    inventory_item_id: str
    sku: str
    description: str
    sellable: int
    held: int
    changed_at: datetime
    evaluated_at: datetime
    due: bool = False

    @property
    def promised(self) -> int:
        """Return the units that another cart can still have."""
        return max(0, self.sellable - self.held)

    @property
    def variant_gid(self) -> str:
        """Return the variant's id as the engine knows it."""
        return f"gid://shopify/ProductVariant/{self.variant_id}"

    @property
    def inventory_item_gid(self) -> str:
        """Return the inventory item's id as the engine knows it."""
        return f"gid://shopify/InventoryItem/{self.inventory_item_id}"

    def as_of(self, passed_at: datetime | None) -> datetime:
        """Return how fresh the numbers are, where the last complete pass began at `passed_at`."""
        if self.due or passed_at is None:
            return self.evaluated_at
        return max(self.evaluated_at, passed_at)
