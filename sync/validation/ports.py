"""What a validation needs from our own record, as a Protocol; each call is one transaction, as the ledger's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sync.findings import Finding, LinkedSku, Loose, Named, Pair, Sold, Summary
from sync.products import CardPair


class Cards(Protocol):
    """What both shops tell of linked goods beside their stock, as last read."""

    def pairs(self) -> AsyncIterator[Sequence[CardPair]]:
        """Hand out the cards of all confirmed links, product by product; a product's pairs are never split."""


class FindingBook(Protocol):
    """Validations on record, and what findings are made of."""

    # --- a validation ---
    async def begin(self, now: datetime) -> int:
        """Open a validation and return its number; what an earlier one left unfinished is forgotten."""

    async def keep(self, validation_id: int, first: int, found: Sequence[Finding]) -> None:
        """Add findings, numbered from `first` on."""

    async def finish(self, summary: Summary) -> None:
        """Keep what a validation came to; only then it counts."""

    async def summary(self, validation_id: int | None = None) -> Summary | None:
        """Return what a validation came to, by default the newest; None where there is none that finished."""

    # --- what findings are made of, as both shops were last read ---
    async def names(self, inventory_item_ids: Sequence[str]) -> Mapping[str, Named]:
        """Return what goods are called, by inventory item; unknown ones are missing."""

    async def sold_since(self, since: datetime, limit: int) -> Sequence[Sold]:
        """Return the goods of which most units were ordered online since a moment, most first."""

    async def linked_skus(self, after: tuple[str, str], limit: int) -> Sequence[LinkedSku]:
        """Return variants in the order of (product id, variant id), after such a place, with their items' SKUs."""

    async def pairs_of(self, link_ids: Collection[int]) -> Sequence[Pair]:
        """Return these linked pairs whole."""

    async def loose(self) -> tuple[Sequence[Loose], Sequence[Loose]]:
        """Return the items on sale, and the variants of products not archived, that no confirmed link joins."""

    async def archived(self, ids: Collection[str], keys: Collection[str]) -> Sequence[Loose]:
        """Return those archived items that have one of these ids, or a SKU of one of these keys."""

    async def linked_names(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what linked items are called whose SKU has one of these keys, by the key."""

    async def shared_keys(self) -> Mapping[str, Sequence[int]]:
        """Return the SKU keys that several confirmed links have, with the ids of those links."""
