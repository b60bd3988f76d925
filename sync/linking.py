"""Joins Lightspeed items to Shopify variants, and keeps both catalogues up to date between full passes."""

from __future__ import annotations

from functools import partial

from sync.clock import Clock
from sync.feeds import Feeds
from sync.matching import match
from sync.ports import Ledger, PointOfSale, Storefront
from sync.records import Feed


class Linking:
    """Reads changed items and variants, and links by SKU at first sight."""

    def __init__(self, *, pos: PointOfSale, storefront: Storefront, ledger: Ledger, feeds: Feeds, clock: Clock) -> None:
        self._pos = pos
        self._storefront = storefront
        self._ledger = ledger
        self._feeds = feeds
        self._clock = clock

    async def refresh(self, run_id: int) -> int:
        """Read what changed in both catalogues and link what can be linked; return the number of new links."""
        items = partial(self._pos.read_items, cards=True)
        await self._feeds.follow(Feed.ITEMS, items, self._ledger.keep_items, run_id)
        variants = partial(self._storefront.read_variants, cards=True)
        await self._feeds.follow(Feed.VARIANTS, variants, self._ledger.keep_variants, run_id)
        return await self.link()

    async def link(self) -> int:
        """Match the two catalogues by SKU as they are known; return the number of new links."""
        proposals, problems = match(*await self._ledger.unlinked())  # which nobody holds any more after it
        return await self._ledger.keep_links(proposals, problems, self._clock.now())
