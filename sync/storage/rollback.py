"""The `Rollbacks` of `sync/rollback_ports.py` over the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from sync.errors import Code, Permanent
from sync.mapping import Pair
from sync.products import ProductOutcome, ProductWrite
from sync.records import HeldEnding, WriteOutcome
from sync.restoring import Known, Wish, Written
from sync.rollback_ports import Asked, Held, LinkFate, PastRow, Span
from sync.storage import held
from sync.storage.database import Database
from sync.storage.product_writes import as_write
from sync.storage.statements import CONFIRMED, batches, one_of, streamed, upsert
from sync.storage.tables import (
    asked_runs,
    held_links,
    items,
    links,
    order_lines,
    orders,
    product_writes,
    runs,
    stock_intents,
    variants,
)

_ACKNOWLEDGED = (WriteOutcome.APPLIED, WriteOutcome.FOUND_APPLIED)
_MAYBE = (*_ACKNOWLEDGED, WriteOutcome.SUPERSEDED, WriteOutcome.UNANSWERED)
_CHANGED = (ProductOutcome.APPLIED, ProductOutcome.FOUND_APPLIED, ProductOutcome.UNANSWERED)
_SPOKEN_FOR = ("Tk", "u", "U")


class SqlRollbacks:
    """What setting numbers back knows and keeps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def wishes_for(self, rows: Sequence[PastRow]) -> tuple[Sequence[Wish], Sequence[PastRow]]:
        """Return what these rows ask of confirmed links, and the rows that have none."""
        return await self._database.read(lambda c: _wishes_for(c, rows))

    async def wishes_to_undo(self, span: Span) -> Sequence[Wish]:
        """Return what takes back the stock writes of a span."""
        return await self._database.read(lambda c: _wishes_to_undo(c, span))

    async def fields_written(self, span: Span) -> Sequence[ProductWrite]:
        """Return the writes of product fields in a span that changed something, or may have."""
        return await self._database.read(lambda c: _fields_written(c, span))

    async def links_lost(self, pairs: Sequence[Pair]) -> Mapping[Pair, LinkFate]:
        """Return which of these links of the past there are not any more, and how each stands."""
        return await self._database.read(lambda c: _links_lost(c, pairs))

    async def last_written(self, link_ids: Sequence[int]) -> Mapping[int, Written]:
        """Return the newest acknowledged write of each link."""
        return await self._database.read(lambda c: _last_written(c, link_ids))

    async def outcomes_of(self, run_id: int) -> Mapping[int, WriteOutcome | None]:
        """Return what became of the newest write of each link in a run."""
        return await self._database.read(lambda c: _outcomes_of(c, run_id))

    async def note_asked(self, asked: Asked) -> None:
        """Keep who asked for a run."""
        row = {"run_id": asked.run_id, "asked_by": asked.by, "what": asked.what, "source": asked.source, "at": asked.at}
        await self._database.write(lambda c: upsert(c, asked_runs, [row]))

    async def asked(self, run_ids: Sequence[int]) -> Mapping[int, Asked]:
        """Return who asked for these runs."""
        return await self._database.read(lambda c: asked_of(c, run_ids))

    async def last_asked(self) -> Asked | None:
        """Return the newest restore or undo that a person asked for."""
        return await self._database.read(_last_asked)

    async def held(self) -> Sequence[Held]:
        """Return the held links."""
        return await self._database.read(lambda c: held_rows(c, held.STANDING))

    async def let_go(self, link_ids: Sequence[int] | None, ending: HeldEnding, by: str, now: datetime) -> Sequence[int]:
        """Let go of these held links, None: of all; return which were."""
        return await self._database.write(lambda c: held.let_go(c, link_ids, ending, by, now))


def asked_of(connection: sa.Connection, run_ids: Sequence[int]) -> Mapping[int, Asked]:
    """Return who asked for these runs, by run."""
    found = {}
    for batch in batches(sorted(set(run_ids))):
        for row in connection.execute(sa.select(asked_runs).where(asked_runs.c.run_id.in_(batch))):
            found[row.run_id] = _asked(row)
    return found


def _asked(row: sa.Row[Any]) -> Asked:
    return Asked(row.run_id, row.asked_by, row.what, row.source, row.at)


def _last_asked(connection: sa.Connection) -> Asked | None:
    select = (
        sa.select(asked_runs).where(asked_runs.c.what.in_(("restore", "undo"))).order_by(asked_runs.c.run_id.desc())
    )
    row = connection.execute(select.limit(1)).first()
    return None if row is None else _asked(row)


def held_rows(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Sequence[Held]:
    """Return the links that are held, or were, those held first first."""
    select = sa.select(held_links, links.c.sku).join_from(held_links, links, links.c.link_id == held_links.c.link_id)
    rows = connection.execute(select.where(which).order_by(held_links.c.since, links.c.sku)).mappings()
    return [_held(row) for row in rows]


def _held(row: Mapping[Any, Any]) -> Held:
    return Held(
        link_id=row["link_id"],
        sku=row["sku"],
        run_id=row["run_id"],
        since=row["since"],
        ended_at=row["ended_at"],
        ended_by=row["ended_by"],
        ending=None if row["ending"] is None else HeldEnding(row["ending"]),
    )


def _wishes_for(connection: sa.Connection, rows: Sequence[PastRow]) -> tuple[Sequence[Wish], Sequence[PastRow]]:
    by_item: dict[str, tuple[int, str]] = {}
    for batch in batches([row.inventory_item_id for row in rows]):
        for item, link_id, sku in connection.execute(_links_of(), {"ids": batch}):
            by_item[item] = (link_id, sku)
    linked = [row for row in rows if row.inventory_item_id in by_item]
    ordered = _ordered_since(connection, [row for row in linked if row.spoken_for is None])
    wishes = [Wish(*by_item[row.inventory_item_id], _known(row, ordered)) for row in linked]
    return wishes, [row for row in rows if row.inventory_item_id not in by_item]


def _known(row: PastRow, ordered: Mapping[str, int]) -> Known:
    return Known(row.units, row.spoken_for, ordered.get(row.inventory_item_id, 0))


def _ordered_since(connection: sa.Connection, rows: Sequence[PastRow]) -> Mapping[str, int]:
    """Return the units that orders took which were placed after a row's moment; a row without one tells nothing."""
    since = {row.inventory_item_id: row.since for row in rows if row.since is not None}
    units: Counter[str] = Counter()
    for batch in batches(list(since)):
        for item, created_at, taken in connection.execute(_taken_of(), {"ids": batch}):
            if created_at > since[item]:
                units[item] += taken
    return units


@cache
def _taken_of() -> sa.Select[Any]:
    line = order_lines.c
    select = sa.select(line.inventory_item_id, orders.c.created_at, line.placed - line.restocked)
    return select.join_from(order_lines, orders).where(one_of(line.inventory_item_id))


@cache
def _links_of() -> sa.Select[Any]:
    select = sa.select(links.c.inventory_item_id, links.c.link_id, links.c.sku)
    return select.where(CONFIRMED, one_of(links.c.inventory_item_id))


def _wishes_to_undo(connection: sa.Connection, span: Span) -> Sequence[Wish]:
    if (
        span.run_id is not None
        and connection.scalar(sa.select(runs.c.run_id).where(runs.c.run_id == span.run_id)) is None
    ):
        raise Permanent(Code.BK005, f"(run {span.run_id})")
    return list(_undoing(streamed(connection, _writes_within(span)).mappings()))


def _writes_within(span: Span) -> sa.Select[Any]:
    """Find the writes of a span that may have changed something, each link's in their order."""
    intent = stock_intents.c
    maybe = sa.or_(intent.outcome.is_(None), intent.outcome.in_([each.value for each in _MAYBE]))
    select = sa.select(stock_intents, links.c.sku).join_from(stock_intents, links).where(maybe, CONFIRMED)
    return _within(select, stock_intents, span).order_by(intent.link_id, intent.seq)


def _within(select: sa.Select[Any], table: sa.Table, span: Span) -> sa.Select[Any]:
    """Narrow a search for writes to a span."""
    if span.run_id is not None:
        select = select.where(table.c.run_id == span.run_id)
    if span.since is not None:
        select = select.where(table.c.at >= span.since)
    if span.until is not None:
        select = select.where(table.c.at < span.until)
    return select


def _fields_written(connection: sa.Connection, span: Span) -> Sequence[ProductWrite]:
    write = product_writes.c
    changed = [each.value for each in _CHANGED]
    select = sa.select(product_writes).where(sa.or_(write.outcome.is_(None), write.outcome.in_(changed)))
    rows = connection.execute(_within(select, product_writes, span).order_by(write.write_id)).mappings()
    return [as_write(row) for row in rows]


def _undoing(rows: Iterator[Mapping[Any, Any]] | sa.MappingResult) -> Iterator[Wish]:
    """Yield one wish a link: what it showed before the first of its writes."""
    for link_id, group in groupby(rows, key=lambda row: row["link_id"]):
        first, *more = group
        last = more[-1] if more else first
        past = Known(first["before"], spoken_for(first["equation"]))
        yield Wish(link_id, first["sku"], past, undoes=_written(last))


def _links_lost(connection: sa.Connection, pairs: Sequence[Pair]) -> Mapping[Pair, LinkFate]:
    lost = {}
    for batch in batches(pairs):
        by_item, by_variant = [each.item_id for each in batch], [each.variant_id for each in batch]
        either = sa.or_(links.c.item_id.in_(by_item), links.c.variant_id.in_(by_variant))
        now = set(connection.execute(sa.select(links.c.item_id, links.c.variant_id).where(CONFIRMED, either)).all())
        taken = {item for item, _ in now}, {variant for _, variant in now}
        live = sa.select(items.c.item_id).where(items.c.item_id.in_(by_item), items.c.archived == sa.false())
        there = sa.select(variants.c.variant_id).where(variants.c.variant_id.in_(by_variant))
        known = set(connection.scalars(live)), set(connection.scalars(there))
        for each in batch:
            if (each.item_id, each.variant_id) not in now:
                lost[each] = _link_fate(each, taken, known)
    return lost


def _link_fate(pair: Pair, taken: tuple[set[str], set[str]], known: tuple[set[str], set[str]]) -> LinkFate:
    if pair.item_id not in known[0] or pair.variant_id not in known[1]:
        return LinkFate.GONE
    return LinkFate.OTHERWISE if pair.item_id in taken[0] or pair.variant_id in taken[1] else LinkFate.FREE


def spoken_for(equation: Mapping[str, int]) -> int:
    """Return what was taken off Lightspeed's number at a write, as its record tells."""
    return sum(equation[letter] for letter in _SPOKEN_FOR)


def _written(row: Mapping[Any, Any]) -> Written:
    return Written(row["seq"], row["run_id"], Known(row["after"], spoken_for(row["equation"])))


def _last_written(connection: sa.Connection, link_ids: Sequence[int]) -> Mapping[int, Written]:
    found = {}
    for batch in batches(sorted(set(link_ids))):
        for row in connection.execute(_newest(), {"ids": batch}).mappings():
            found[row["link_id"]] = _written(row)
    return found


@cache
def _newest() -> sa.Select[Any]:
    intent, other = stock_intents.c, stock_intents.alias().c
    known = [each.value for each in _ACKNOWLEDGED]
    newest = sa.select(sa.func.max(other.seq)).where(other.link_id == intent.link_id, other.outcome.in_(known))
    return sa.select(stock_intents).where(one_of(intent.link_id), intent.seq == newest.scalar_subquery())


def _outcomes_of(connection: sa.Connection, run_id: int) -> Mapping[int, WriteOutcome | None]:
    intent = stock_intents.c
    select = sa.select(intent.link_id, intent.outcome).where(intent.run_id == run_id).order_by(intent.seq)
    rows = connection.execute(select).all()
    return {link_id: None if outcome is None else WriteOutcome(outcome) for link_id, outcome in rows}
