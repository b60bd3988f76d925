"""What the catalogue needs from the outside, as Protocols named for the need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sync.cards import ProductCard
from sync.model import LevelRow, StockChange, VariantRow, WriteResult
from sync.products import (
    CardPair,
    NewItem,
    ProductChange,
    ProductOutcome,
    ProductRefusal,
    ProductResult,
    ProductUpdate,
    ProductWrite,
    Retiring,
)


class CatalogueBook(Protocol):
    """Cards and product writes on record. Each call is one transaction, as the ledger's."""

    def pairs(self) -> AsyncIterator[Sequence[CardPair]]:
        """Hand out the cards of all confirmed links, product by product; a product's pairs are never split."""

    async def new_items(self) -> Sequence[NewItem]:
        """Return the live items that no variant is, nor almost is; those of one matrix side by side."""

    async def retiring(self) -> Sequence[Retiring]:
        """Return the products on sale with variants whose items were archived in Lightspeed."""

    async def intend(self, changes: Sequence[ProductChange], run_id: int, now: datetime) -> Sequence[int]:
        """Record changes before anything of them is sent; return the ids of the writes, in the same order."""

    async def conclude(self, outcomes: Mapping[int, ProductResult], now: datetime) -> None:
        """Record what became of writes, by id; those closed already stay as they are."""

    async def keep_card(self, card: ProductCard, now: datetime) -> None:
        """Keep what a product has become by a write."""

    async def keep_status(self, product_id: str, status: str, now: datetime) -> None:
        """Keep what a product's status has become by a write."""

    async def keep_prices(self, cents: Mapping[str, int], now: datetime) -> None:
        """Keep what the prices of variants have become by a write."""

    async def link_made(self, variants: Mapping[str, VariantRow], now: datetime) -> int:
        """Link items, by id, to the variants made of them, in step at 0; return how many links are new.

        What is linked already, item or variant, stays as it is.
        """

    async def unanswered(self) -> Sequence[ProductWrite]:
        """Return the writes of which nobody knows what became, those on their way among them, oldest first."""

    async def settle(self, outcomes: Mapping[int, ProductOutcome], now: datetime) -> None:
        """Record what a later reading has shown of unanswered writes, by id; those on their way stay as they are."""

    async def writes_of(self, sku: str, limit: int = 50) -> Sequence[ProductWrite]:
        """Return the product writes of one SKU, and those of the product that it is a variant of, newest first."""

    async def writes_in(self, run_id: int) -> Sequence[ProductWrite]:
        """Return the product writes of one run, in the order they were made."""


class Products(Protocol):
    """Shopify's products, as their changes need them. Writes are sent once.

    They raise `OutcomeUnknown` when they may have been carried out, `Transient` when they surely were not.
    """

    async def products_of(self, product_ids: Sequence[str]) -> Mapping[str, ProductCard]:
        """Return these products as they are now; deleted ones are missing."""

    async def variants_in(self, product_id: str) -> Sequence[VariantRow]:
        """Return a product's variants with their cards; none where it was deleted."""

    async def with_handle(self, handle: str) -> str | None:
        """Return the product with this handle, None: there is none."""

    async def collections(self) -> Mapping[str, str]:
        """Return the gid of each collection by its title."""

    async def update(self, change: ProductUpdate) -> ProductRefusal | None:
        """Write a product's fields; return why Shopify refused, None: it did not."""

    async def set_prices(self, product_id: str, cents: Mapping[str, int]) -> ProductRefusal | None:
        """Set the prices of at most 250 variants of one product, all or none."""

    async def create(self, draft: Mapping[str, Any], join: Sequence[str]) -> str | ProductRefusal:
        """Make a draft product of a CREATE's `after`, stocked with 0; return its gid."""


class Shelves(Protocol):
    """What of the storefront beside its products is needed: variants and stock."""

    async def variants_of(self, variant_ids: Sequence[str], *, cards: bool = False) -> Mapping[str, VariantRow]:
        """Return these variants as they are now; see `Storefront`."""

    async def levels_of(self, inventory_item_ids: Sequence[str]) -> Mapping[str, LevelRow]:
        """Return the present level rows of these items; see `Storefront`."""

    async def set_available(self, key: str, reference: str, changes: Sequence[StockChange]) -> WriteResult:
        """Set `available`, all or none, comparing with `before`; see `Storefront`."""
