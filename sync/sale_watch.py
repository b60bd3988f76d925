"""Notices what people do in Lightspeed to sales of ours that were confirmed: reported, never made again by itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from sync.booking_ports import Bookings, Till
from sync.clock import Clock
from sync.errors import Code
from sync.events import Listener, RunWanted
from sync.feeds import Feeds
from sync.model import ChangedSale
from sync.order_records import SaleFate
from sync.records import Feed

log = structlog.get_logger()


class SaleWatch:
    """Reads the sales that changed. `turn` is shared with stock passes and the worker.

    It is held from the reading until all is recorded: no pass counts half of a change, and no sale is confirmed
    between being read as voided and being looked for in the ledger.
    """

    def __init__(
        self, *, bookings: Bookings, till: Till, feeds: Feeds, clock: Clock, tell: Listener, turn: asyncio.Lock
    ) -> None:
        self._bookings = bookings
        self._till = till
        self._feeds = feeds
        self._clock = clock
        self._tell = tell
        self._turn = turn

    async def run(self, run_id: int) -> Mapping[str, int]:
        """Read on from the watermark; return how many sales of ours were touched, by what was done to them.

        Raises Transient or Permanent where the reading was not complete; what was recorded by then stays.
        """
        counts: Counter[str] = Counter()

        async def keep(rows: Sequence[ChangedSale], _read_at: datetime) -> None:
            for touched in await self._bookings.keep_changed_sales(rows, self._clock.now()):
                counts[touched.fate.value] += 1
                log.warning(
                    "orders.sale_touched",
                    code=Code.OR008.name,
                    reference=touched.reference,
                    fate=touched.fate.value,
                    detail=touched.detail,
                )

        try:
            async with self._turn:
                await self._feeds.follow(Feed.SALES, self._till.changed_sales, keep, run_id)
        finally:
            if counts[SaleFate.VOIDED.value]:
                self._tell(RunWanted("stock"))  # its units may already be on sale a second time
        return counts
