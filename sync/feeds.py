"""Reads feeds on from their watermarks: rows are kept first, then the watermark moves to the newest of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sync.clock import Clock
from sync.model import Certificate
from sync.ports import Deliver, Ledger, Storefront
from sync.records import Feed

Row = TypeVar("Row")
Keep = Callable[[Sequence[Row], datetime], Awaitable[object]]
"""Makes rows durable, as read at a moment of our clock."""

_FIRST_LOOK_BACK = timedelta(hours=1)  # where a feed starts that was never read; the full pass reads the rest
_EMPTY_FOR = timedelta(minutes=10)  # how far behind a watermark stays while nothing is read
_OF_LIGHTSPEED = (Feed.STOCK, Feed.ITEMS, Feed.SALES)


@dataclass(frozen=True, slots=True)
class Overlaps:
    """How far before its watermark each feed is read again.

    Every `deep_every` those of Lightspeed are read again from `deep` before it: an answer may lack its last rows with
    no sign of it, and then no later one from a minute before shows them. Where little happens that costs nothing more.
    """

    lightspeed: timedelta = timedelta(seconds=60)
    deep: timedelta = timedelta(minutes=15)
    deep_every: timedelta = timedelta(minutes=5)
    shopify: timedelta = timedelta(minutes=5)  # its search index may lag behind its writes


def keep_at(keep: Keep[Row], read_at: datetime) -> Deliver[Row]:
    """Return what a reading delivers its pages to, so that they are kept as read at `read_at`."""

    async def deliver(rows: Sequence[Row]) -> None:
        await keep(rows, read_at)

    return deliver


async def read_orders_again(storefront: Storefront, ledger: Ledger, order_ids: Sequence[str], read_at: datetime) -> int:
    """Read orders by id and keep them; one with open units that is gone is marked so. Return how many facts are new."""
    found = await storefront.orders_of(order_ids)
    new = await ledger.keep_orders(list(found.values()), read_at)
    if missing := [order_id for order_id in order_ids if order_id not in found]:
        await ledger.lose_orders(await ledger.still_open(missing), read_at)
    return new


class Feeds:
    """The feeds of both shops and how far each was read."""

    def __init__(self, *, ledger: Ledger, clock: Clock, overlaps: Overlaps) -> None:
        self._ledger = ledger
        self._clock = clock
        self.overlaps = overlaps
        self._deep_at: dict[Feed, float] = {}  # when each was last read from far back; a new process does so at once

    async def follow(
        self,
        feed: Feed,
        read: Callable[[datetime, Deliver[Row]], Awaitable[Certificate]],
        keep: Keep[Row],
        run_id: int,
    ) -> None:
        """Read one feed on from its watermark less the overlap; raises where the reading was not complete."""
        read_at, asked = self._clock.now(), self._clock.monotonic()
        deep = feed in _OF_LIGHTSPEED and self._is_deep(feed, asked)
        known = await self._ledger.watermark(feed)
        since = known or read_at - _FIRST_LOOK_BACK
        certificate = await read(since - self._overlap(feed, deep=deep), keep_at(keep, read_at))
        await self._advance(feed, known, certificate, certificate.newest or since, run_id)
        if deep:
            self._deep_at[feed] = asked

    def _is_deep(self, feed: Feed, now: float) -> bool:
        before = self._deep_at.get(feed)
        return before is None or now - before >= self.overlaps.deep_every.total_seconds()

    def _overlap(self, feed: Feed, *, deep: bool) -> timedelta:
        if feed not in _OF_LIGHTSPEED:
            return self.overlaps.shopify
        return max(self.overlaps.deep, self.overlaps.lightspeed) if deep else self.overlaps.lightspeed

    async def pull_orders(
        self, read: Callable[[datetime | None, Deliver[Row]], Awaitable[Certificate]], keep: Keep[Row], run_id: int
    ) -> datetime:
        """Ingest the orders changed since the watermark, all open ones at first; return when the pull began.

        By the shop's clock, since it is compared with when rows moved; by ours only where the shop tells no time.
        """
        began = self._clock.now()
        watermark = await self._ledger.watermark(Feed.ORDERS)
        since = None if watermark is None else watermark - self.overlaps.shopify
        certificate = await read(since, keep_at(keep, began))
        newest = certificate.newest or watermark or began - self.overlaps.shopify
        await self._advance(Feed.ORDERS, watermark, certificate, newest, run_id)
        return certificate.served_at or began

    async def _advance(
        self, feed: Feed, known: datetime | None, read: Certificate, newest: datetime, run_id: int
    ) -> None:
        """Move a watermark on; while nothing is read only now and then, since most readings find nothing."""
        if known is None or read.rows or newest - known >= _EMPTY_FOR:
            await self._ledger.advance(feed, newest, run_id)
