"""Reads both shops for one pass: Lightspeed's stock, then Shopify's level rows, then Shopify's orders.

No link is decided on a level row that is older than its stock: an order booked between the two would be taken off
twice. An incremental pass simply reads one after the other. A full pass reads both shops at once, since each has a
quota of its own and Lightspeed's takes most of the time, and proves the order afterwards: Lightspeed's feed, read
before the two and again after them, names every item whose stock moved meanwhile. The stock of all others was the
same before the export began as after it ended, so it counts as read before; the rows of those named are read anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from sync.clock import Clock
from sync.events import Listener, PassMoved, Step
from sync.feeds import Feeds
from sync.ids import Ids
from sync.linking import Linking
from sync.model import Certificate, ItemRow, LevelRow, StockRow, VariantRow
from sync.ports import Ledger, PointOfSale, Storefront
from sync.records import AsOf, Feed, Work
from sync.stock_writes import ROWS_PER_CALL

log = structlog.get_logger()

_WORKS_AT_ONCE = 500  # links handed out between two turns of the event loop


@dataclass(slots=True)
class Read:
    """What one pass has read: the order pull's start, and which rows are not older than Lightspeed's stock."""

    pulled_at: datetime
    fresh: Ids = field(default_factory=Ids)  # inventory items
    items: Ids | None = None  # Lightspeed items seen with their stock; None: not a full reading
    certificates: list[Certificate] = field(default_factory=list)  # of a full reading: the items', the variants'
    variants: Ids = field(default_factory=Ids)  # that a full reading has seen, where they are to be noted


class Reader:
    """Reads for one pass. `only` narrows the links that it hands out; `whole` hands out those in step, too.

    `cards`: what the shops tell of goods beside their stock is read as well, where they are read whole.
    `supposing`: only a plan is made, so the shop does not go live by it. `noting`: remember which variants there are,
    and read no more than is compared.
    """

    def __init__(
        self,
        *,
        pos: PointOfSale,
        storefront: Storefront,
        ledger: Ledger,
        feeds: Feeds,
        linking: Linking,
        clock: Clock,
        tell: Listener,
        run_id: int,
        only: frozenset[int] | None,
        whole: bool,
        cards: bool,
        supposing: bool,
        noting: bool = False,
    ) -> None:
        self._pos = pos
        self._storefront = storefront
        self._ledger = ledger
        self._feeds = feeds
        self._linking = linking
        self._clock = clock
        self._tell = tell
        self._run_id = run_id
        self._only = only
        self._whole = whole
        self._cards = cards
        self._supposing = supposing
        self._noting = noting
        self._read = Read(pulled_at=clock.now())

    async def read(self) -> Read:
        """Read, keep what was read, and return what the decisions need to know of it."""
        began = self._clock.now()
        await (self._everything() if self._whole else self._changes())
        asked = self._clock.now()
        self._tell(PassMoved(self._run_id, Step.ORDERS))
        self._read.pulled_at = await self.pull_orders()
        if self._whole:  # the first full pass is when the shop goes live, by Shopify's clock as orders are dated
            moment = began - (asked - self._read.pulled_at)
            await self._ledger.set_cut_over(moment, firm=not self._supposing)
        return self._read

    async def works(self, as_of: AsOf | None = None) -> AsyncIterator[Sequence[Work]]:
        """Hand out the pass's links in id order, some at a time: those due, all for a full pass, or those asked for.

        `as_of` tells which documents of ours count as booked, as in `Ledger.due`.
        """
        if self._only is not None:
            chosen = sorted(self._only)
            for start in range(0, len(chosen), _WORKS_AT_ONCE):
                yield await self._ledger.work_of(chosen[start : start + _WORKS_AT_ONCE], as_of)
            return
        after, more = 0, True
        while more:
            works = await self._ledger.due(after=after, limit=_WORKS_AT_ONCE, everything=self._whole, as_of=as_of)
            more = len(works) == _WORKS_AT_ONCE
            if works:
                after = works[-1].link_id
                yield works

    async def pull_orders(self) -> datetime:
        """Ingest the orders changed since the last pull; return when this one began."""
        return await self._feeds.pull_orders(self._storefront.read_orders, self._ledger.keep_orders, self._run_id)

    # --- an incremental pass ---

    async def _changes(self) -> None:
        """Read what changed since the watermarks, and the rows of the other links that are due."""
        self._tell(PassMoved(self._run_id, Step.CHANGES))
        await self._follow_stock()
        await self._feeds.follow(Feed.LEVELS, self._storefront.read_levels, self._keep_levels, self._run_id)
        await self._read_rows(lambda work: work.inventory_item_id not in self._read.fresh)

    async def _follow_stock(self) -> set[str]:
        """Read Lightspeed's stock on from its watermark; return the items that moved since then, or shortly before."""
        moved = set[str]()

        async def keep(rows: Sequence[StockRow], read_at: datetime) -> None:
            moved.update(row.item_id for row in rows)
            await self._ledger.keep_stock(rows, read_at)

        await self._feeds.follow(Feed.STOCK, self._pos.read_stock, keep, self._run_id)
        return moved

    async def _keep_levels(self, rows: Sequence[LevelRow], read_at: datetime) -> None:
        self._read.fresh.update(row.inventory_item_id for row in rows)
        await self._ledger.keep_levels(rows, read_at)

    async def _read_rows(self, wanted: Callable[[Work], bool]) -> None:
        """Read the level rows of the links that are `wanted`, by their ids; a row that is not found is not fresh."""
        ids = [work.inventory_item_id async for works in self.works() for work in works if wanted(work)]
        self._read.fresh.difference_update(ids)
        for start in range(0, len(ids), ROWS_PER_CALL):
            rows = await self._storefront.levels_of(ids[start : start + ROWS_PER_CALL])
            await self._keep_levels(list(rows.values()), self._clock.now())

    # --- a full pass ---

    async def _everything(self) -> None:
        """Read both shops whole, at once, and again the rows of what moved in Lightspeed meanwhile."""
        await self._follow_stock()
        await _both(self._walk_items(), self._export_variants())
        moved = await self._follow_stock()
        await self._linking.link()
        if moved:
            await self._read_rows(lambda work: work.item_id in moved)

    async def _walk_items(self) -> None:
        self._read.items = seen = Ids()
        read_at, moved = self._clock.now(), self._progress(Step.ITEMS, (await self._ledger.known()).items)

        async def keep(rows: Sequence[ItemRow]) -> None:
            seen.update(row.item_id for row in rows if row.stock is not None)
            await self._ledger.keep_items(rows, read_at)
            moved(len(rows))

        items = await self._pos.read_items(None, keep, cards=self._cards, whole=not self._noting)
        self._read.certificates.append(items)
        log.info("stock.read_items", rows=items.rows)

    async def _export_variants(self) -> None:
        fresh, read_at = self._read.fresh, self._clock.now()
        moved = self._progress(Step.EXPORT, (await self._ledger.known()).variants)

        async def keep(rows: Sequence[VariantRow]) -> None:
            fresh.update(row.inventory_item_id for row in rows if row.level is not None)
            if self._noting:
                self._read.variants.update(row.variant_id for row in rows)
            await self._ledger.keep_variants(rows, read_at)
            moved(len(rows))

        variants = await self._storefront.read_everything(keep, cards=self._cards)
        self._read.certificates.append(variants)
        if variants.newest is not None:  # never later than the export's beginning, so the feeds go on from there
            await self._ledger.advance(Feed.LEVELS, variants.newest, self._run_id)
            await self._ledger.advance(Feed.VARIANTS, variants.newest, self._run_id)
        log.info("stock.read_variants", rows=variants.rows)

    def _progress(self, step: Step, known: int) -> Callable[[int], None]:
        """Return what is told of each page's rows, of which there will be about as many as are `known` already."""
        done = 0

        def moved(rows: int) -> None:
            nonlocal done
            done += rows
            self._tell(PassMoved(self._run_id, step, done, max(known, done) if known else None))

        moved(0)
        return moved


async def _both(one: Coroutine[object, object, None], other: Coroutine[object, object, None]) -> None:
    """Do two things at once; where one fails the other is called off, and the failure is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one), group.create_task(other)]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    for task in tasks:
        task.result()  # raises where one was cancelled by itself
