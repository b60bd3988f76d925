"""How many units of each good were ordered online lately, from Shopify's orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from sync.model import OrderRow
from sync.ports import Ledger, Storefront
from sync.priority import SELLING_DAYS


class Sellers:
    """Counts what sells.

    Where our record of orders reaches back far enough it is asked, which costs no call. While the shop went live only
    lately, the orders are read from Shopify to their end; they are counted and not kept.
    """

    def __init__(self, storefront: Storefront, ledger: Ledger) -> None:
        self._storefront = storefront
        self._ledger = ledger

    async def sold(self, now: datetime) -> Mapping[str, int]:
        """Return the units ordered within `SELLING_DAYS`, by inventory item; those of test orders left out."""
        since = now - SELLING_DAYS
        kept = await self._ledger.sales_since(since)
        if kept is not None:
            return kept
        units = Counter[str]()

        async def count(orders: Sequence[OrderRow]) -> None:
            for order in orders:
                if order.created_at >= since and not order.test:
                    units.update({line.inventory_item_id: line.placed for line in order.lines})

        await self._storefront.read_orders(since, count)
        return {item: sold for item, sold in units.items() if item and sold > 0}
