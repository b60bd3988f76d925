"""What the mapping of SKUs needs from our own record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sync.accuracy import Accuracy
from sync.errors import Code
from sync.mapping import Pair
from sync.records import SkuKey


class MapBook(Protocol):
    """Links as people make and end them. Each call is one transaction, as the ledger's."""

    async def things(self) -> tuple[Sequence[SkuKey], Sequence[SkuKey]]:
        """Return Lightspeed's live items and Shopify's live variants, linked ones too."""

    async def join(self, pairs: Sequence[Pair], by: str, now: datetime, *, replace: bool) -> Mapping[Pair, Code]:
        """Link pairs by a person's word, each where it still can be; return why not, of those that cannot.

        SK005: a stock write of the link that would end is on its way; SK007: one of the two is linked to another, and
        `replace` does not say that this is to end.
        """

    async def part(self, link_ids: Sequence[int], by: str, reason: str, now: datetime) -> Mapping[int, Code]:
        """End links by a person's word and keep their pairs apart.

        Returns why not, of those that cannot end (SK005: a stock write is on its way); then none ends.
        """

    async def link_ids_of(self, skus: Sequence[str]) -> Mapping[str, int]:
        """Return the confirmed link of each SKU; unknown ones are missing."""

    async def accuracy(self) -> Accuracy:
        """Return by what the sides of each link agree, as both shops were last read."""

    async def keep_doubts(self, found: Accuracy, now: datetime) -> None:
        """Keep the links in doubt in place of those of the last check; one that was there keeps its moment."""
