"""What an order costs beside its goods, and how its discounts are shared out over its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.shopify.model import Item, Product, Variant
from sandbox.shopify.money import part
from sandbox.shopify.order_model import Line, Order, Tax


@dataclass(frozen=True, slots=True)
class Prices:
    """Amounts in cents; `line_discounts` by item, `discount_cents` on the whole order after those."""

    discount_cents: int = 0
    shipping_cents: int = 0
    tip_cents: int = 0
    line_discounts: Mapping[Item, int] = field(default_factory=dict)

    def shares(self, wanted: Sequence[tuple[Item, int]]) -> list[tuple[int, ...]]:
        """Return each line's discounts: its own, and its part of the order's; the last line takes what is left over.

        Raises ValueError for an amount below 0 and for more discount than price.
        """
        own = [self.line_discounts.get(item, 0) for item, _ in wanted]
        costs = [item.variant.price_cents * units - off for (item, units), off in zip(wanted, own, strict=True)]
        beside = (self.discount_cents, self.shipping_cents, self.tip_cents, *own, *costs)
        if min(beside) < 0 or self.discount_cents > sum(costs):
            raise ValueError("no amount is below 0, and no discount is more than the goods cost")
        parts = [part(self.discount_cents, cost, sum(costs)) if any(costs) else 0 for cost in costs]
        parts[-1] = self.discount_cents - sum(parts[:-1])
        return [tuple(one for one in pair if one) for pair in zip(own, parts, strict=True)]


def tip_line(number: int, order: Order) -> Line:
    """Return the line that a tip is listed as: no variant, no SKU, no tax, nothing to send."""
    at = order.created_at
    product = Product(0, "tip", "Tip", "", "", "", (), "ACTIVE", at, at)
    item = Item(0, "", 0, tracked=False, created_at=at, updated_at=at, requires_shipping=False)
    variant = Variant(0, product, item, "", order.tip_cents, "", 1, (), at, at, deleted=True)
    line = Line(number, order, variant, 1, order.tip_cents, (), Tax(Decimal(0)), 0)
    line.unfulfilled = 0
    return line
