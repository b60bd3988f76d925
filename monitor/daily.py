"""Tells the digest of a day once its time has come: in the channels there are, once a day, over restarts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor import digest
from monitor.alerts_model import Digest
from monitor.digest import Day
from monitor.facts import DAY, Facts, OrderBook
from monitor.store import Store


class Daily:
    """`wanted` is what alerts.yaml says of it, None: nobody is told; `link` is the address of the status page."""

    def __init__(self, wanted: Digest | None, *, store: Store, orders: OrderBook, link: str) -> None:
        self.wanted = wanted
        self._store = store
        self._orders = orders
        self._link = link
        self._done: datetime | None = None  # the last due moment known to need no digest any more

    async def tell(self, facts: Facts, there: Mapping[str, Sequence[str]], now: datetime) -> bool:
        """Write the digest where it is due, to those of its channels that are `there`; tell whether it was."""
        if self.wanted is None:
            return False
        due = self.wanted.due_at(now)
        if due == self._done:
            return False
        if not await self._store.day_due(due):
            self._done = due
            return False
        channels = [name for name in self.wanted.to if "" in there.get(name, ())]  # no digests by text message
        if not channels:  # it stays due until one of them is there
            return False
        since = now - DAY
        day = Day(
            facts,
            booked=await self._orders.booked_since(since),
            incidents=await self._store.incidents_since(since),
            silences=await self._store.standing_silences(now),
            sent=await self._store.sent_since(since),
        )
        await self._store.tell_day(channels, digest.daily(day, self._link), due)
        self._done = due
        return True
