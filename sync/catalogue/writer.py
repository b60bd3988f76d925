"""Writes confirmed changes of product fields: read once more, compared, recorded, sent once, and told how it ended.

A write that nobody answered is never sent again: the next reading of its subject shows whether it was carried out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from sync.catalogue.ports import CatalogueBook, Products, Shelves
from sync.catalogue.present import Present, become, groups, stands_in_the_way, update_of
from sync.catalogue.sending import Sender
from sync.clock import Clock
from sync.products import Field, ProductChange, ProductOutcome, ProductResult

_CHANGES_AT_ONCE = 100  # read together before they are written: no reading is older than their writes take
_WRITES_AT_ONCE = 4
_PRICES_A_CALL = 250


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the writes of one batch share."""

    run_id: int
    present: Present
    products: Mapping[str, str]  # of each variant
    collections: Mapping[str, str]  # gids by title


class FieldWriter:
    """Writes fields of products and variants that are there."""

    def __init__(self, *, book: CatalogueBook, products: Products, shelves: Shelves, clock: Clock) -> None:
        self._book = book
        self._products = products
        self._shelves = shelves
        self._clock = clock
        self._sender = Sender(book, clock)

    async def write(self, changes: Sequence[ProductChange], run_id: int) -> list[ProductResult]:
        """Write these changes and return how each ended; raises as `Catalogue.carry_out`."""
        results: list[ProductResult] = []
        async for some, batch in self._batches(changes, run_id):
            results += await self._some(some, batch)
        return results

    async def hindrances(self, changes: Sequence[ProductChange]) -> list[ProductResult]:
        """Return which of these changes would not be written now, and why; nothing is written."""
        return [
            told
            async for some, batch in self._batches(changes, run_id=0)
            for change in some
            if (told := _hindrance(change, batch))
        ]

    async def _batches(
        self, changes: Sequence[ProductChange], run_id: int
    ) -> AsyncIterator[tuple[Sequence[ProductChange], _Batch]]:
        """Read what the changes are about, some at a time."""
        listed = any(change.field is Field.COLLECTIONS for change in changes)
        collections = await self._products.collections() if listed else {}
        for start in range(0, len(changes), _CHANGES_AT_ONCE):
            some = changes[start : start + _CHANGES_AT_ONCE]
            yield some, await self._read(some, collections, run_id)

    async def _read(self, changes: Sequence[ProductChange], collections: Mapping[str, str], run_id: int) -> _Batch:
        prices = [change.subject for change in changes if change.field is Field.PRICE]
        others = [change.subject for change in changes if change.field is not Field.PRICE]
        rows = await self._shelves.variants_of(prices, cards=True) if prices else {}
        cards = await self._products.products_of(others) if others else {}
        variants = {gid: row.card for gid, row in rows.items() if row.card is not None}
        products = {gid: row.product_id for gid, row in rows.items()}
        return _Batch(run_id, Present(cards, variants), products, collections)

    async def _some(self, changes: Sequence[ProductChange], batch: _Batch) -> list[ProductResult]:
        """Write those of a batch that still fit, a few products at a time."""
        results = [told for change in changes if (told := _hindrance(change, batch))]
        done = {result.change.key for result in results}
        room = asyncio.Semaphore(_WRITES_AT_ONCE)

        async def one(group: Sequence[ProductChange]) -> list[ProductResult]:
            async with room:
                return await self._product(group, batch)

        todo = groups([change for change in changes if change.key not in done], batch.products)
        ended = await asyncio.gather(*(one(group) for group in todo), return_exceptions=True)
        for each in ended:  # all have been recorded by now, whatever became of one
            if isinstance(each, BaseException):
                raise each
            results += each
        return results

    async def _product(self, changes: Sequence[ProductChange], batch: _Batch) -> list[ProductResult]:
        """Write the fields of one product by one call, and its variants' prices by another."""
        prices = [change for change in changes if change.field is Field.PRICE]
        others = [change for change in changes if change.field is not Field.PRICE]
        results: list[ProductResult] = []
        if others:
            update = update_of(others[0].subject, others, batch.collections)
            results += await self._sender.send(others, batch.run_id, lambda: self._products.update(update))
            written = [result.change for result in results if result.outcome is ProductOutcome.APPLIED]
            card = become(batch.present.products[update.product_id], written)
            await self._book.keep_card(card, self._clock.now())
            if any(change.field is Field.STATUS for change in written):
                await self._book.keep_status(update.product_id, card.status, self._clock.now())
        for start in range(0, len(prices), _PRICES_A_CALL):
            results += await self._prices(prices[start : start + _PRICES_A_CALL], batch)
        return results

    async def _prices(self, changes: Sequence[ProductChange], batch: _Batch) -> list[ProductResult]:
        product_id = batch.products[changes[0].subject]
        cents = {change.subject: int(change.after) for change in changes}
        results = await self._sender.send(changes, batch.run_id, lambda: self._products.set_prices(product_id, cents))
        written = [each.change.subject for each in results if each.outcome is ProductOutcome.APPLIED]
        await self._book.keep_prices({gid: cents[gid] for gid in written}, self._clock.now())
        return results


def _hindrance(change: ProductChange, batch: _Batch) -> ProductResult | None:
    """Return why a change is not to be written, a collection that is not there included."""
    told = stands_in_the_way(change, batch.present)
    if told is not None or change.field is not Field.COLLECTIONS:
        return told
    missing = [each for each in change.after if each not in change.before and each not in batch.collections]
    if not missing:
        return None
    detail = f"Shopify has no collection “{missing[0]}”: make it there, or correct the category in Lightspeed."
    return ProductResult(change, ProductOutcome.REFUSED, "SH003", detail)
