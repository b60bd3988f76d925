"""Makes draft products of new Lightspeed items, and links what was made at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sync.catalogue.ports import CatalogueBook, Products
from sync.catalogue.sending import Sender
from sync.clock import Clock
from sync.matching import sku_key
from sync.model import VariantRow
from sync.ports import Ledger
from sync.products import ProductChange, ProductOutcome, ProductResult


class Maker:
    """Makes products. One whose address is taken was made before, and is only linked."""

    def __init__(self, *, book: CatalogueBook, products: Products, ledger: Ledger, clock: Clock) -> None:
        self._book = book
        self._products = products
        self._ledger = ledger
        self._clock = clock
        self._sender = Sender(book, clock)

    async def make(self, changes: Sequence[ProductChange], run_id: int) -> list[ProductResult]:
        """Make these products and return how each ended; raises as `Catalogue.carry_out`."""
        if not changes:
            return []
        new = {item.card.item_id for item in await self._book.new_items()}
        listed = any(change.after["collections"] for change in changes)
        collections = await self._products.collections() if listed else {}
        return [await self._one(change, new, collections, run_id) for change in changes]

    async def _one(
        self, change: ProductChange, new: set[str], collections: Mapping[str, str], run_id: int
    ) -> ProductResult:
        if any(variant["item_id"] not in new for variant in change.after["variants"]):
            return ProductResult(change, ProductOutcome.MOVED, detail="One of its items is not new any more.")
        if (known := await self._products.with_handle(change.after["handle"])) is not None:
            await self.link(change, known)
            return ProductResult(change, ProductOutcome.FOUND_APPLIED, detail="It was made before.", made=known)
        join = [collections[title] for title in change.after["collections"] if title in collections]
        (result,) = await self._sender.send([change], run_id, lambda: self._products.create(change.after, join))
        if result.outcome is ProductOutcome.APPLIED:
            await self.link(change, result.made)
        return result

    async def link(self, change: ProductChange, product_id: str) -> None:
        """Keep the variants of a product that was made, and link each to the item that it was made of."""
        rows = await self._products.variants_in(product_id)
        now = self._clock.now()
        await self._ledger.keep_variants(rows, now)
        by_key: dict[str, VariantRow] = {sku_key(row.sku): row for row in rows}
        wanted = {each["item_id"]: by_key.get(sku_key(each["sku"])) for each in change.after["variants"]}
        await self._book.link_made({item_id: row for item_id, row in wanted.items() if row is not None}, now)
