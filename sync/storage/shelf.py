"""The shelf out of the database: one indexed row by either id, pages in turn, and what keeps the one in memory in step.

What a commit has touched is read before it commits and told before its write returns, so that whoever wrote sees it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
import structlog

from sync.clock import Clock
from sync.errors import Transient
from sync.events import Event, Events, HoldMet, Listener, NewsMissed, RunFinished
from sync.hold_book import VARIANT
from sync.records import RunOutcome
from sync.reservations import Ending, digest
from sync.shelf import LiveShelf, ShelfHold, ShelfItem, decimal
from sync.storage.database import Database
from sync.storage.hold_rows import ACTIVE, COUNTS, SELLABLE
from sync.storage.statements import CONFIRMED, batches, one_of
from sync.storage.tables import holds, item_stock, items, levels, links, runs
from sync.storage.touched import Touched, touch

log = structlog.get_logger()

_INVENTORY = "gid://shopify/InventoryItem/"
_PASSES = ("stock", "full")
_AT_ONCE = 500  # rows read beside a commit; more are read later and in portions, lest everybody wait for that
_PORTION = 250  # of those: well below, as others may share its commit
_SOON = 1.0  # seconds until then: commits that touch much come in flocks


class SqlShelf:
    """The `Shelf` of `storefront/ports.py` without a memory: for processes that live as long as one request."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._asked = 0
        self.passed_at: datetime | None = None

    @property
    def generation(self) -> int:
        """Return a number that was never returned before: nobody knows what has changed meanwhile."""
        self._asked += 1
        return self._asked

    async def find(self, item_id: str | None, variant_id: str | None) -> ShelfItem | None:
        """Return the item with these ids."""
        if item_id is None and variant_id is None:
            return None
        variant = None if variant_id is None else VARIANT + variant_id
        values = {"item": item_id, "variant": variant, "now": self._clock.now()}
        found = await self._read(_one(by_item=item_id is not None, by_variant=variant_id is not None), values)
        return found[0] if found else None

    async def find_all(self, names: Sequence[tuple[str | None, str | None]]) -> Sequence[ShelfItem]:
        """Return the items that these pairs of ids name, each once."""
        values = {
            "items": list({item_id for item_id, _ in names if item_id is not None}),
            "variants": list({VARIANT + variant_id for _, variant_id in names if variant_id is not None}),
            "now": self._clock.now(),
        }
        read = await self._read(_any_of(), values)
        known = {name: item for item in read for name in _pairs_of(item)}
        found = (known.get(pair) for pair in names)
        return list({item.link_id: item for item in found if item is not None}.values())

    async def page(self, limit: int, offset: int, since: datetime | None = None) -> Sequence[ShelfItem]:
        """Return items by item id, the least number first."""
        values = {"most": limit, "offset": offset, "since": since, "now": self._clock.now()}
        return await self._read(_page(since=since is not None), values)

    async def own(self, client: str, inventory_item_id: str) -> int:
        """Return the units of an item that a client holds itself."""
        values = {"client": digest(client), "item": _INVENTORY + inventory_item_id, "now": self._clock.now()}
        return int(await self._database.read(lambda c: c.scalar(_own_units(), values) or 0))

    async def _read(self, select: sa.Select[Any], values: dict[str, Any]) -> list[ShelfItem]:
        def read(connection: sa.Connection) -> tuple[list[ShelfItem], datetime | None]:
            rows = connection.execute(select, values).all()
            return [replace(_item(row), held=int(row.held or 0)) for row in rows], passed_at(connection)

        found, self.passed_at = await self._database.read(read)
        return found


@asynccontextmanager
async def live_shelf(database: Database, *, clock: Clock, events: Events) -> AsyncIterator[LiveShelf]:
    """Keep a shelf in memory in step with the database while the block runs."""
    shelf = LiveShelf(clock)
    keeper = ShelfKeeper(database, shelf, clock=clock, tell=events)
    events.join(keeper)
    try:
        await keeper.open()
        yield shelf
    finally:
        keeper.close()


class ShelfKeeper:
    """Keeps a shelf in memory in step with the database; also a listener of the engine's events."""

    def __init__(self, database: Database, shelf: LiveShelf, *, clock: Clock, tell: Listener) -> None:
        self._database = database
        self._shelf = shelf
        self._clock = clock
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._reading: asyncio.Task[None] | None = None
        self._again = False

    async def open(self) -> None:
        """Fill the shelf, and let it follow every commit from now on."""
        self._database.watch(self._watch)
        self._shelf.passed_at = await self._database.read(passed_at)
        await self.read_all()

    def close(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()

    def __call__(self, event: Event) -> None:
        """Take note of a complete pass: what it did not find changed is as it was when the pass began.

        Where another process's commits may have been missed, read everything.
        """
        if isinstance(event, NewsMissed):
            self._read_soon()
        if isinstance(event, RunFinished) and event.outcome is RunOutcome.OK and event.job in _PASSES:
            self._shelf.passed_at = event.at - timedelta(seconds=event.seconds)

    async def read_all(self) -> None:
        """Read everything anew, in portions that are each told in turn with what is committed meanwhile."""
        found, after = set[int](), 0
        while ids := await self._database.write(lambda c, after=after: _touch_links(c, after)):  # type: ignore[misc]
            found.update(ids)
            after = max(ids)
        for batch in batches(sorted(set(self._shelf.links_known()) - found), _PORTION):
            await self._database.write(lambda c, ids=batch: touch(c, link_ids=ids, news=False))  # type: ignore[misc]
        known = await self._database.read(lambda c: c.scalars(sa.select(holds.c.hold_id).where(COUNTS)).all())
        for some in batches(sorted({*known, *self._shelf.holds_known()}), _PORTION):
            await self._database.write(lambda c, ids=some: touch(c, hold_ids=ids, news=False))  # type: ignore[misc]

    def _watch(self, connection: sa.Connection, touched: Touched) -> Callable[[], None]:
        """Read what was touched; where that is too much, all of it later."""
        if touched.links > _AT_ONCE or len(touched.hold_ids) > _AT_ONCE:
            return lambda: self._deliver(self._read_soon)
        rows = _rows_of(connection, touched)
        kept = connection.execute(_holds_by_id(), {"ids": sorted(touched.hold_ids)}) if touched.hold_ids else ()
        news = [_hold(row) for row in kept]
        return lambda: self._deliver(lambda: self._take(touched, rows, news))

    def _deliver(self, take: Callable[[], None]) -> None:
        if threading.get_ident() == self._thread:
            take()
            return
        with suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(take)

    def _take(self, touched: Touched, rows: Iterable[ShelfItem], news: Iterable[ShelfHold]) -> None:
        rows = list(rows)
        self._shelf.remove(
            touched.link_ids - {row.link_id for row in rows},
            touched.item_ids - {row.item_id for row in rows},
            {decimal(gid) for gid in touched.inventory_item_ids} - {row.inventory_item_id for row in rows},
        )
        self._shelf.put(rows)
        for ending in self._shelf.put_holds(news):
            self._tell(HoldMet(ending))

    def _read_soon(self) -> None:
        self._again = True
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_when_quiet(), name="shelf")

    async def _read_when_quiet(self) -> None:
        while self._again:
            await self._clock.sleep(_SOON)
            self._again = False
            try:
                await self.read_all()
            except Transient as error:
                log.warning("shelf.not_read", code=error.code.name, detail=error.detail)
                self._again = True


def passed_at(connection: sa.Connection) -> datetime | None:
    """Return when the last complete pass began."""
    moment: datetime | None = connection.scalar(_PASSED)
    return moment


def _touch_links(connection: sa.Connection, after: int) -> Sequence[int]:
    """Touch the next links; return their ids."""
    select = sa.select(links.c.link_id).where(CONFIRMED, links.c.link_id > after)
    ids = connection.scalars(select.order_by(links.c.link_id).limit(_PORTION)).all()
    touch(connection, link_ids=ids, news=False)
    return ids


def _rows_of(connection: sa.Connection, touched: Touched) -> list[ShelfItem]:
    if not touched.links:
        return []
    found: dict[int, ShelfItem] = {}
    for name in ("link_id", "item_id", "inventory_item_id"):
        if ids := getattr(touched, f"{name}s"):
            found |= {row.link_id: _item(row) for row in connection.execute(_rows_by(name), {"ids": sorted(ids)})}
    return list(found.values())


def _pairs_of(item: ShelfItem) -> Sequence[tuple[str | None, str | None]]:
    """Return every pair of ids that names an item."""
    return [(item.item_id, item.variant_id), (item.item_id, None), (None, item.variant_id)]


def _item(row: sa.Row[Any]) -> ShelfItem:
    return ShelfItem(
        row.link_id,
        row.item_id,
        decimal(row.variant_id),
        decimal(row.inventory_item_id),
        row.sku,
        row.description or "",
        row.units,
        0,
        max(row.read_at, row.evaluated_at),
        row.evaluated_at,
        row.due,
        max(0, row.qoh or 0),
    )


def _hold(row: sa.Row[Any]) -> ShelfHold:
    ending = None if row.ending is None else Ending(row.ending)
    item = decimal(row.inventory_item_id)
    return ShelfHold(row.hold_id, item, row.units, row.client, row.expires_at, ending, row.counts)


# --- statements, made once: making one takes longer than running it ---

_PASSED = sa.select(sa.func.max(runs.c.started_at)).where(
    runs.c.job.in_(_PASSES), runs.c.outcome == RunOutcome.OK.value
)


@cache
def _rows() -> sa.Select[Any]:
    link = (links.c[name] for name in ("link_id", "item_id", "variant_id", "inventory_item_id", "sku", "due"))
    return (
        sa.select(
            *link,
            links.c.evaluated_at,
            levels.c.read_at,
            items.c.description,
            item_stock.c.qoh,
            SELLABLE.label("units"),
        )
        .join_from(links, levels, levels.c.inventory_item_id == links.c.inventory_item_id)
        .outerjoin(items, items.c.item_id == links.c.item_id)
        .outerjoin(item_stock, item_stock.c.item_id == links.c.item_id)
        .where(CONFIRMED, links.c.target.is_not(None), links.c.evaluated_at.is_not(None))
    )


@cache
def _rows_by(name: str) -> sa.Select[Any]:
    return _rows().where(one_of(links.c[name]))


def _now() -> sa.BindParameter[Any]:
    return sa.bindparam("now", type_=holds.c.expires_at.type)


def _rows_with_holds() -> sa.Select[Any]:
    lasting = sa.or_(holds.c.ended_at.is_not(None), holds.c.expires_at > _now())
    same = holds.c.inventory_item_id == links.c.inventory_item_id
    held = sa.select(sa.func.sum(holds.c.units)).where(same, COUNTS, lasting).correlate(links).scalar_subquery()
    return _rows().add_columns(held.label("held"))


@cache
def _one(*, by_item: bool, by_variant: bool) -> sa.Select[Any]:
    select = _rows_with_holds()
    if by_item:
        select = select.where(links.c.item_id == sa.bindparam("item"))
    return select.where(links.c.variant_id == sa.bindparam("variant")) if by_variant else select


@cache
def _any_of() -> sa.Select[Any]:
    by_item = links.c.item_id.in_(sa.bindparam("items", expanding=True))
    return _rows_with_holds().where(sa.or_(by_item, links.c.variant_id.in_(sa.bindparam("variants", expanding=True))))


@cache
def _page(*, since: bool) -> sa.Select[Any]:
    select = _rows_with_holds()
    if since:
        moment = sa.bindparam("since", type_=levels.c.read_at.type)
        select = select.where(sa.or_(levels.c.read_at >= moment, links.c.evaluated_at >= moment, _moved(moment)))
    by_number = (sa.func.length(links.c.item_id), links.c.item_id)
    return (
        select.order_by(*by_number)
        .limit(sa.bindparam("most", type_=sa.Integer))
        .offset(sa.bindparam("offset", type_=sa.Integer))
    )


def _moved(since: sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    """Tell of a link that something became of its holds since a moment, their expiry included."""
    moments = (holds.c.created_at >= since, holds.c.ended_at >= since, holds.c.expires_at >= since)
    return links.c.inventory_item_id.in_(sa.select(holds.c.inventory_item_id).where(sa.or_(*moments)))


@cache
def _own_units() -> sa.Select[Any]:
    mine = sa.and_(holds.c.client == sa.bindparam("client"), holds.c.inventory_item_id == sa.bindparam("item"))
    return sa.select(sa.func.sum(holds.c.units)).where(ACTIVE, holds.c.expires_at > _now(), mine)


@cache
def _holds_by_id() -> sa.Select[Any]:
    names = ("hold_id", "inventory_item_id", "units", "client", "expires_at", "ending", "counts")
    return sa.select(*(holds.c[name] for name in names)).where(one_of(holds.c.hold_id))
