"""Takes discontinued products off sale: stock to 0 by comparing and swapping, then the product's status."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sync.cards import ProductCard
from sync.catalogue.ports import CatalogueBook, Products, Shelves
from sync.catalogue.sending import Sender
from sync.clock import Clock
from sync.errors import Code
from sync.model import LevelRow, RowProblem, StockChange
from sync.ports import Ledger
from sync.products import ProductChange, ProductOutcome, ProductRefusal, ProductResult, ProductUpdate

_TRIES = 3  # at a number that shoppers keep changing
_ROWS_A_CALL = 250


class Retirer:
    """Takes products off sale. The stock comes first: a draft with stock would never be looked at again."""

    def __init__(
        self, *, book: CatalogueBook, products: Products, shelves: Shelves, ledger: Ledger, clock: Clock
    ) -> None:
        self._book = book
        self._products = products
        self._shelves = shelves
        self._ledger = ledger
        self._clock = clock
        self._sender = Sender(book, clock)

    async def retire(self, changes: Sequence[ProductChange], run_id: int) -> list[ProductResult]:
        """Carry these changes out and return how each ended; raises as `Catalogue.carry_out`."""
        if not changes:
            return []
        cards = await self._products.products_of([change.subject for change in changes])
        retiring = {
            (found.product_id, each.inventory_item_id) for found in await self._book.retiring() for each in found.gone
        }
        return [await self._one(change, cards.get(change.subject), retiring, run_id) for change in changes]

    async def is_off(self, change: ProductChange) -> bool:
        """Tell whether nothing of what a change takes off sale is in stock any more."""
        levels = await self._shelves.levels_of(list(change.after["available"]))
        return not _for_sale(levels)

    async def _one(
        self, change: ProductChange, card: ProductCard | None, retiring: set[tuple[str, str]], run_id: int
    ) -> ProductResult:
        if card is None:
            return ProductResult(change, ProductOutcome.MOVED, detail="The product is gone.")
        if card.status != change.before["status"]:
            return ProductResult(
                change, ProductOutcome.MOVED, detail="Its status was changed meanwhile.", now=card.status
            )
        if any((change.subject, item_id) not in retiring for item_id in change.before["available"]):
            return ProductResult(change, ProductOutcome.MOVED, detail="One of its items is sold again in Lightspeed.")
        (result,) = await self._sender.send([change], run_id, lambda: self._off(change, run_id))
        if result.outcome is ProductOutcome.APPLIED:
            await self._book.keep_status(change.subject, change.after["status"], self._clock.now())
        return result

    async def _off(self, change: ProductChange, run_id: int) -> ProductRefusal | None:
        """Set the stock of its archived items to 0, then its status; return why Shopify refused."""
        item_ids = list(change.after["available"])
        for start in range(0, len(item_ids), _ROWS_A_CALL):
            refusal = await self._zero(item_ids[start : start + _ROWS_A_CALL], change, run_id)
            if refusal is not None:
                return refusal
        if change.after["status"] == change.before["status"]:
            return None
        return await self._products.update(ProductUpdate(change.subject, status=change.after["status"]))

    async def _zero(self, item_ids: Sequence[str], change: ProductChange, run_id: int) -> ProductRefusal | None:
        for attempt in range(_TRIES):
            levels = await self._shelves.levels_of(item_ids)
            rows = _rows(_for_sale(levels))
            if not rows:
                return None
            key = str(
                uuid.uuid5(uuid.NAMESPACE_URL, f"{self._clock.now().isoformat()} {run_id} {change.key} {attempt}")
            )
            reference = f"gid://lightspeed-sync/Run/{run_id}/Call/{key[:8]}"
            result = await self._shelves.set_available(key, reference, rows)
            if result.applied:
                zero = [replace(levels[row.inventory_item_id], available=0) for row in rows]
                await self._ledger.keep_levels(zero, self._clock.now())
                return None
            lasting = [each for each in result.refusals if each.problem is not RowProblem.STALE]
            if lasting:
                return ProductRefusal(Code.SH012.name, f"{lasting[0].code}: {lasting[0].message}")
        return ProductRefusal(Code.SH011.name, "Its stock kept changing.")


def _for_sale(levels: Mapping[str, LevelRow]) -> dict[str, int]:
    return {gid: level.available for gid, level in levels.items() if level.available > 0 and level.active}


def _rows(available: Mapping[str, int]) -> list[StockChange]:
    return [StockChange(place, 0, gid, units, 0) for place, (gid, units) in enumerate(available.items())]
