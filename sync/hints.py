"""What the storefront's visitors tell us: reasons to look, never facts, and many that say the same are one look.

A hint is kept beside the webhooks and looked at with them, by whichever process does the reading. Nothing depends on
it: what no hint tells is found by polling. So where there are too many, they are simply not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sync.booking import StoryLine
from sync.booking_ports import Bookings
from sync.clock import Clock
from sync.events import Event, Listener, RunFinished, RunWanted
from sync.order_records import DocumentState
from sync.ports import Inbox
from sync.records import RunOutcome
from sync.stock_sync import Job
from sync.webhooks import HINTED, Hint, Receipt, Webhook

_LOOK = 0.25  # seconds between two looks whether an order was booked
_WAITING = 16  # visitors who wait for their order at the same time; further ones are answered at once
_ORDERS_A_MINUTE = 30  # that are kept; a shop with more takes them by webhook or poll


class Checked(Enum):
    """What becomes of a wish to have some stock checked now."""

    SYNCED = "synced"  # it was, a moment ago
    QUEUED = "queued"  # it will be, together with everybody else's


@dataclass(frozen=True, slots=True)
class OrderHint:
    """A visitor says that an order was placed, and of what."""

    name: str  # its name, number, id or cart token
    inventory_item_ids: frozenset[str]

    def names_all(self, lines: Sequence[StoryLine]) -> bool:
        """Tell whether it names each of an order's linked goods, and nothing that was not ordered."""
        linked = {line.inventory_item_id for line in lines if line.item_id}
        ordered = {line.inventory_item_id for line in lines}
        return bool(linked) and linked <= self.inventory_item_ids <= ordered


class Hints:
    """Takes hints for one shop. Joined to the engine's events, it knows when stock was last checked."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        bookings: Bookings,
        clock: Clock,
        tell: Listener,
        shop: str,
        pace: timedelta = timedelta(seconds=15),
        patience: timedelta = timedelta(seconds=2),
    ) -> None:
        self._inbox = inbox
        self._bookings = bookings
        self._clock = clock
        self._tell = tell
        self._shop = shop
        self._pace = pace.total_seconds()
        self._patience = patience.total_seconds()
        self._checked_at: float | None = None  # when the last complete pass began
        self._queued_at: float | None = None
        self._waiting = 0
        self._minute: datetime | None = None
        self._kept = 0

    def __call__(self, event: Event) -> None:
        """Take note of a complete pass."""
        if isinstance(event, RunFinished) and event.outcome is RunOutcome.OK and event.job in {*Job}:
            self._checked_at = self._clock.monotonic() - event.seconds

    async def check(self) -> Checked:
        """Have what changed checked now, of all items alike, unless it was within the pace; at most once a pace."""
        now = self._clock.monotonic()
        if self._within(self._checked_at, now):
            return Checked.SYNCED
        if not self._within(self._queued_at, now):
            self._queued_at = now
            beat = int(self._clock.now().timestamp() // self._pace)  # the same in every process
            try:
                await self._keep(Hint.STOCK, f"{Hint.STOCK.value}/{beat}", "stock")
            except BaseException:
                self._queued_at = None  # nothing is: the next one tries again
                raise
        return Checked.QUEUED

    def _within(self, moment: float | None, now: float) -> bool:
        return moment is not None and now - moment < self._pace

    async def order(self, hint: OrderHint) -> str | None:
        """Have an order read, and return the id of its Lightspeed sale as soon as it is there; None: not yet.

        Only an order of the last hour whose linked goods are all named, and nothing else, has an answer, so that nobody
        learns of others'.
        """
        if self._waiting >= _WAITING:
            return None
        self._waiting += 1
        try:
            return await self._wait_for(hint)
        finally:
            self._waiting -= 1

    async def _wait_for(self, hint: OrderHint) -> str | None:
        until, asked = self._clock.monotonic() + self._patience, False
        while True:
            order_id = await self._bookings.find_order(hint.name)
            if order_id is not None and (sale_id := await self._sale(order_id, hint)) is not None:
                return sale_id
            if order_id is None and not asked:
                asked = True
                await self._ask_for(hint.name)
            if self._clock.monotonic() + _LOOK > until:
                return None
            await self._clock.sleep(_LOOK)

    async def _ask_for(self, name: str) -> None:
        now = self._clock.now()
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._kept = minute, 0
        if self._kept < _ORDERS_A_MINUTE:
            self._kept += 1
            await self._keep(Hint.ORDER, f"{Hint.ORDER.value}/{name}/{minute:%Y%m%d%H%M}", name)

    async def _sale(self, order_id: str, hint: OrderHint) -> str | None:
        entry = await self._bookings.order(order_id)
        if self._clock.now() - entry.created_at > HINTED:
            return None
        posted = [one for one in await self._bookings.documents(order_id) if one.state is DocumentState.POSTED]
        if not posted:
            return None
        story = await self._bookings.story(order_id)
        return posted[0].sale_id if hint.names_all(story.lines) else None

    async def _keep(self, hint: Hint, key: str, subject: str) -> None:
        now = self._clock.now()
        receipt = await self._inbox.keep(Webhook(key, "", hint, self._shop, None, now, subject, {}))
        if receipt is Receipt.STORED:
            self._tell(RunWanted("intake"))
