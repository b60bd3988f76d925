"""Whatever visitors, orders, evaluations and restarts do in whatever order: nothing is promised twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from sync.events import Events
from sync.records import Evaluation
from sync.reservations import Asked, Change, Granted, HoldLimits, Refused
from sync.stock import Policy, decide
from sync.storage.holds import SqlHolds
from sync.storage.ledger import SqlLedger
from sync.storage.shelf import SqlShelf, live_shelf
from sync.storage.types import to_text
from tests.sync.storage.build import inventory_gid, level, open_inline, order, query, reading, stock, stocked
from tests.sync.storage.test_shelf import SetClock

ITEMS = (1, 2)
UNITS = 4
LIMITS = HoldLimits(client_share=1.0)

item = st.sampled_from((1, 1, 1, 2))
units = st.sampled_from((1, 1, 2, 3))
cart = st.sampled_from(["a", "b", None])
reserve = st.tuples(st.just("reserve"), item, units, cart)
step = st.one_of(
    reserve,
    reserve,
    st.tuples(st.just("change"), st.integers(0, 9), units),
    st.tuples(st.just("release"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("order"), item, units, cart),
    st.tuples(st.just("evaluate"), item),
    st.tuples(st.just("till"), item, st.integers(0, UNITS)),
    st.tuples(st.just("restart")),
)


class Shop:
    """The product over a state directory, the two shops behind it, and what every visitor was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SetClock()
        self.stack = AsyncExitStack()
        self.available = dict.fromkeys(ITEMS, UNITS)  # what Shopify really shows
        self.committed = dict.fromkeys(ITEMS, 0)
        self.ids: list[str] = []
        self.over: dict[str, tuple[object, ...]] = {}
        self.lapsed: set[str] = set()
        self.orders = 0

    async def open(self) -> None:
        self.database = open_inline(self.folder)
        self.stack.push_async_callback(self.database.close)
        opened = live_shelf(self.database, clock=self.clock, events=Events())
        self.shelf = await self.stack.enter_async_context(opened)
        numbers = count(len(self.ids))
        new_id = (f"hold-{self.orders}-{number}" for number in numbers).__next__
        self.holds = SqlHolds(self.database, limits=LIMITS, tell=Events(), new_id=new_id)
        self.ledger = SqlLedger(self.database)

    async def restart(self) -> None:
        await self.stack.aclose()
        await self.open()

    # --- what may happen ---
    async def reserve(self, number: int, wanted: int, cart: str | None) -> None:
        client = f"client-{len(self.ids)}"
        await self._judged(number, self.holds.reserve(Asked(str(number), None, wanted, client, self.clock.at, cart)))

    async def change(self, which: int, wanted: int) -> None:
        if self.ids:
            hold_id = self.ids[which % len(self.ids)]
            await self._judged(None, self.holds.change(Change(hold_id, wanted, self.clock.at)))

    async def release(self, which: int) -> None:
        if self.ids:
            await self.holds.release(self.ids[which % len(self.ids)], self.clock.at)

    async def wait(self, minutes: int) -> None:
        self.clock.at += timedelta(minutes=minutes)

    async def sweep(self) -> None:
        await self.holds.expire(self.clock.at)

    async def order(self, number: int, wanted: int, cart: str | None) -> None:
        if self.available[number] < wanted:
            return
        promised = await self._promised(number)
        self.available[number] -= wanted
        self.committed[number] += wanted
        self.orders += 1
        row = order(self.orders, wanted, wanted, created=self.clock.at, at=self.clock.at)
        line = replace(row.lines[0], inventory_item_id=inventory_gid(200 + number))
        await self.ledger.keep_orders([replace(row, lines=(line,), cart_token=cart or "")], self.clock.at)
        assert await self._promised(number) <= promised, "what was ordered is promised to nobody else"

    async def evaluate(self, number: int) -> None:
        row = replace(
            level(0, self.available[number], self.committed[number], at=self.clock.at),
            inventory_item_id=inventory_gid(200 + number),
        )
        await self.ledger.keep_levels([row], self.clock.at)
        (work,) = await self.ledger.work_of([number])
        assert work.level is not None
        assert work.on_hand is not None
        decision = replace(decide(reading(work, now=self.clock.at), work.memory, Policy()), after=None)
        done = Evaluation(number, decision, work.level, work.on_hand, due=False)
        await self.ledger.settle([done], 1, self.clock.at)
        assert await self._promised(number) <= self.available[number], "both numbers are known by now"

    async def till(self, number: int, left: int) -> None:
        await self.ledger.keep_stock([stock(number, left, self.clock.at)], self.clock.at)

    # --- what must hold ---
    async def _judged(self, number: int | None, wish: Awaitable[Granted | Refused]) -> None:
        """Carry out a wish; what was granted is there, and all that is held was sellable when it was."""
        answer = await wish
        if not isinstance(answer, Granted):
            return
        hold = answer.hold
        if hold.hold_id not in self.ids:
            self.ids.append(hold.hold_id)
        kept = await query(self.database, f"SELECT units FROM holds WHERE hold_id = '{hold.hold_id}'")  # noqa: S608
        assert kept == [(hold.units,)]
        if not answer.repeated:
            number = number or int(hold.inventory_item_id.rpartition("/")[2]) - 200
            found = await SqlShelf(self.database, self.clock).find(str(number), None)
            assert found is not None
            assert found.held <= found.sellable

    async def _promised(self, number: int) -> int:
        found = await SqlShelf(self.database, self.clock).find(str(number), None)
        assert found is not None
        return found.promised

    async def look(self) -> None:
        """Each hold ends once and stays ended; every grant is on record; the shelf in memory shows what is stored."""
        made = "SELECT hold_id, expires_at, ending, ended_at, order_id FROM holds WHERE expires_at > created_at"
        rows = await query(self.database, made)
        assert {row[0] for row in rows} == set(self.ids)
        for hold_id, expires_at, *end in rows:
            if end[0] is not None:
                assert self.over.setdefault(str(hold_id), tuple(end)) == tuple(end)
            elif str(expires_at) <= to_text(self.clock.at):
                self.lapsed.add(str(hold_id))
            else:
                assert hold_id not in self.lapsed, "it had expired"
                assert hold_id not in self.over
        direct = SqlShelf(self.database, self.clock)
        for number in ITEMS:
            stored, shown = await direct.find(str(number), None), self.shelf.find_now(str(number), None)
            assert stored is not None
            assert shown is not None
            assert (shown.sellable, shown.held) == (stored.sellable, stored.held)
            assert stored.promised <= self.available[number], "what was ordered is promised to nobody"


async def live_through(folder: Path, steps: list[tuple[Any, ...]]) -> None:
    shop = Shop(folder)
    await shop.open()
    try:
        await stocked(shop.database, dict.fromkeys(ITEMS, UNITS))
        for number in ITEMS:
            await shop.till(number, UNITS)
            await shop.evaluate(number)
        for name, *values in steps:
            await getattr(shop, name)(*values)
            await shop.look()
    finally:
        await shop.stack.aclose()


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(step, min_size=4, max_size=30))
def test_nothing_is_promised_twice_and_every_hold_ends_once(steps: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(live_through(Path(folder), steps))
