"""What the catalogue asks of the database: cards in the order of their products, and product changes on record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.cards import ProductCard
from sync.model import VariantRow
from sync.products import (
    CardPair,
    NewItem,
    ProductChange,
    ProductOutcome,
    ProductResult,
    ProductWrite,
    Retiring,
)
from sync.storage import offers, product_writes
from sync.storage.card_tables import item_cards, product_cards, variant_cards
from sync.storage.cards import columns_of, item_card, variant_card
from sync.storage.database import Database
from sync.storage.statements import CONFIRMED
from sync.storage.tables import links

_PAIRS_AT_ONCE = 1000


class SqlCatalogue:
    """Cards and product writes over the database; see `sync.catalogue.ports.CatalogueBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pairs(self) -> AsyncIterator[Sequence[CardPair]]:
        """Hand out the cards of all confirmed links, product by product; a product's pairs are never split."""
        after, held = ("", ""), list[CardPair]()
        while True:
            read = await self._database.read(lambda c, after=after: pairs_after(c, after, _PAIRS_AT_ONCE))  # type: ignore[misc]
            if not read:
                break
            after = (read[-1].variant.product_id, read[-1].variant.variant_id)
            held += read
            whole = [pair for pair in held if pair.variant.product_id != after[0]]
            held = held[len(whole) :]
            if whole:
                yield whole
        if held:
            yield held

    async def new_items(self) -> Sequence[NewItem]:
        """Return the live items that no variant is, nor almost is."""
        return await self._database.read(offers.new_items)

    async def retiring(self) -> Sequence[Retiring]:
        """Return the products on sale with variants whose items were archived in Lightspeed."""
        return await self._database.read(offers.retiring)

    async def intend(self, changes: Sequence[ProductChange], run_id: int, now: datetime) -> Sequence[int]:
        """Record changes before anything of them is sent; return the ids of the writes."""
        return await self._database.write(lambda c: product_writes.intend(c, changes, run_id, now))

    async def conclude(self, outcomes: Mapping[int, ProductResult], now: datetime) -> None:
        """Record what became of writes."""
        await self._database.write(lambda c: product_writes.conclude(c, outcomes, now))

    async def keep_card(self, card: ProductCard, now: datetime) -> None:
        """Keep what a product has become by a write."""
        await self._database.write(lambda c: product_writes.keep_card(c, card, now))

    async def keep_status(self, product_id: str, status: str, now: datetime) -> None:
        """Keep what a product's status has become by a write."""
        await self._database.write(lambda c: product_writes.keep_status(c, product_id, status, now))

    async def keep_prices(self, cents: Mapping[str, int], now: datetime) -> None:
        """Keep what the prices of variants have become by a write."""
        await self._database.write(lambda c: product_writes.keep_prices(c, cents, now))

    async def link_made(self, variants: Mapping[str, VariantRow], now: datetime) -> int:
        """Link items to the variants made of them; return how many links are new."""
        return await self._database.write(lambda c: product_writes.link_made(c, variants, now))

    async def unanswered(self) -> Sequence[ProductWrite]:
        """Return the writes of which nobody knows what became."""
        return await self._database.read(product_writes.unanswered)

    async def settle(self, outcomes: Mapping[int, ProductOutcome], now: datetime) -> None:
        """Record what a later reading has shown of unanswered writes."""
        await self._database.write(lambda c: product_writes.settle(c, outcomes, now))

    async def writes_of(self, sku: str, limit: int = 50) -> Sequence[ProductWrite]:
        """Return the product writes of one SKU and of its product, newest first."""
        return await self._database.read(lambda c: product_writes.writes_of(c, sku, limit))

    async def writes_in(self, run_id: int) -> Sequence[ProductWrite]:
        """Return the product writes of one run, in the order they were made."""
        return await self._database.read(lambda c: product_writes.writes_in(c, run_id))


def pairs_after(connection: sa.Connection, after: tuple[str, str], limit: int) -> list[CardPair]:
    """Return the pairs behind a product and variant, in their order."""
    product_id, variant_id = after
    values = {"product": product_id, "variant": variant_id, "most": limit}
    return [
        CardPair(row["link_id"], row["sku"], row["inventory_item_id"], item_card(row), variant_card(row))
        for row in connection.execute(_pairs(), values).mappings()
    ]


@cache
def _pairs() -> sa.Select[Any]:
    place = sa.tuple_(variant_cards.c.product_id, variant_cards.c.variant_id)
    return (
        sa.select(links.c.link_id, links.c.sku, links.c.inventory_item_id, *columns_of())
        .join_from(variant_cards, links, links.c.variant_id == variant_cards.c.variant_id)
        .join(item_cards, item_cards.c.item_id == links.c.item_id)
        .join(product_cards, product_cards.c.product_id == variant_cards.c.product_id)
        .where(CONFIRMED, place > sa.tuple_(sa.bindparam("product"), sa.bindparam("variant")))
        .order_by(variant_cards.c.product_id, variant_cards.c.variant_id)
        .limit(sa.bindparam("most"))
    )
