"""Links that are due, with all that our own records say about each, and how the shops stand to each other."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.booking import Charge
from sync.errors import Code
from sync.model import Demand
from sync.order_records import DocumentState
from sync.records import AsOf, Differing, RunOutcome, Standing, Work, WriteOutcome
from sync.stock import Verdict
from sync.storage.held import STANDING as HELD
from sync.storage.layaways import mirrored_of, unsettled_of
from sync.storage.linking import unlinked
from sync.storage.memory import COLUMNS as MEMORY
from sync.storage.memory import from_columns
from sync.storage.order_facts import demand_of
from sync.storage.snapshots import LEVEL, level_of
from sync.storage.statements import CONFIRMED, batches, one_of, written_out
from sync.storage.tables import (
    document_lines,
    documents,
    held_links,
    item_stock,
    levels,
    links,
    order_lines,
    orders,
    runs,
    stock_intents,
    variants,
)
from sync.storage.webhooks import uninstalled_at

_EXAMPLES = 5  # SKUs named in one standing
_CONSECUTIVE = 2  # evaluations in which a number must differ to count as discrepant

_LINK = ("link_id", "sku", "item_id", "inventory_item_id", "approved_at", "parked", "marks", "buffer")
_SELECT = (
    sa.select(
        *(links.c[name] for name in (*_LINK, "dismissed_offset", *MEMORY)),
        item_stock.c.qoh,
        item_stock.c.time_stamp,
        *(levels.c[name] for name in LEVEL if name != "inventory_item_id"),
        held_links.c.number.label("held"),
    )
    .select_from(
        links.outerjoin(item_stock, item_stock.c.item_id == links.c.item_id)
        .outerjoin(levels, levels.c.inventory_item_id == links.c.inventory_item_id)
        .outerjoin(held_links, sa.and_(held_links.c.link_id == links.c.link_id, HELD))
    )
    .where(CONFIRMED)
    .order_by(links.c.link_id)
)

_CHOSEN = _SELECT.where(one_of(links.c.link_id))

_VALIDATION = sa.table(
    "sync_validation",
    *(sa.column(name, sa.Integer) for name in ("lightspeed_qty", "shopify_qty")),
    sa.column("inventory_item_id", sa.Text),
)

Marked = tuple[Work, int]
"""A link and how often it had become due when it was handed out."""


def due(
    connection: sa.Connection, after: int, limit: int, *, everything: bool, as_of: AsOf | None = None
) -> Sequence[Marked]:
    """Return due links (or all confirmed ones) with ids above `after`, in id order; parked ones too."""
    rows = connection.execute(_due(everything=everything), {"after": after, "most": limit})
    return _works(connection, rows, as_of)


def work_of(connection: sa.Connection, link_ids: Sequence[int], as_of: AsOf | None = None) -> Sequence[Marked]:
    """Return these links as they stand now, in id order; those no longer confirmed are missing."""
    found: list[Marked] = []
    for batch in batches(sorted(set(link_ids))):
        found += _works(connection, connection.execute(_CHOSEN, {"ids": batch}), as_of)
    return found


def unpark(connection: sa.Connection, before: datetime) -> None:
    """Give links that were parked at or before a moment another try."""
    connection.execute(_UNPARK, {"before": before})


_UNPARK = (
    sa.update(links)
    .values(parked=None, parked_at=None, due=sa.true(), marks=links.c.marks + 1)
    .where(links.c.parked_at <= sa.bindparam("before", type_=links.c.parked_at.type))
)


def standing(connection: sa.Connection) -> Standing:
    """Return how the shops stand to each other, from each confirmed link's last evaluation."""
    row = connection.execute(_standing(connection.dialect)).mappings().one()
    counts = {name: int(value) for name, value in row.items()}
    apart = counts["oversell_skus"] + counts["undersell_skus"]
    cents, unpriced = connection.execute(_at_risk()).one() if counts["oversell_skus"] else (0, 0)
    return Standing(
        **counts,
        oversell_cents=int(cents),
        unpriced_skus=int(unpriced),
        examples=_named(connection, _worst(), apart),
        oversold=_named(connection, _worst(1), counts["oversell_skus"]),
        undersold=_named(connection, _worst(-1), counts["undersell_skus"]),
        quarantined=_named(connection, _longest("quarantine_since"), counts["quarantined_skus"]),
        parked=_named(connection, _longest("parked_at"), counts["parked_skus"]),
        held=_named(connection, _longest_held(), counts["held_skus"]),
        uninstalled_at=uninstalled_at(connection),
        unlinked_skus=unlinked(connection),
    )


def _named(connection: sa.Connection, select: sa.Select[Any], count: int) -> tuple[str, ...]:
    """Return the names that `select` finds; it is only asked where there are any."""
    return tuple(connection.scalars(select)) if count else ()


# --- statements needed at every evaluation, made once: making one takes longer than running it ---


@cache
def _standing(dialect: sa.Dialect) -> sa.TextClause:
    link, away = links.c, links.c.seen_available - links.c.target
    discrepant = link.differs >= _CONSECUTIVE
    unequal = sa.or_(link.differs > 0, link.verdict.is_(None), link.verdict == Verdict.UNSETTLED.value)
    counts = sa.select(
        sa.func.count().label("links"),
        _count(sa.and_(discrepant, away > 0)).label("oversell_skus"),
        _sum(sa.and_(discrepant, away > 0), away).label("oversell_units"),
        _count(sa.and_(discrepant, away < 0)).label("undersell_skus"),
        _sum(sa.and_(discrepant, away < 0), -away).label("undersell_units"),
        _count(link.quarantine_units.is_not(None)).label("quarantined_skus"),
        _count(link.parked.is_not(None)).label("parked_skus"),
        _count(link.unseen > 0).label("uningested_skus"),
        _count(link.unsettled > 0).label("unsettled_skus"),
        _count(unequal).label("unequal_skus"),
        _count(link.dismissed_offset != 0).label("kept_skus"),
        _unanswered().scalar_subquery().label("unanswered_writes"),
        _lost_orders().scalar_subquery().label("lost_orders"),
        _held().scalar_subquery().label("held_skus"),
    )
    return written_out(counts.where(CONFIRMED), dialect)


@cache
def _at_risk() -> sa.Select[Any]:
    """Sum up what oversold units cost, and count the SKUs whose price is not known."""
    away, price = links.c.seen_available - links.c.target, variants.c.price
    joined = links.outerjoin(variants, variants.c.variant_id == links.c.variant_id)
    select = sa.select(sa.func.coalesce(sa.func.sum(away * price), 0), _count(price.is_(None))).select_from(joined)
    return select.where(CONFIRMED, links.c.differs >= _CONSECUTIVE, away > 0)


@cache
def _worst(sign: int = 0) -> sa.Select[Any]:
    """Find the SKUs that differ most; `sign` 1: of which Shopify offers too much, -1: too little."""
    away = links.c.seen_available - links.c.target
    worst = sa.select(links.c.sku).where(CONFIRMED, links.c.differs >= _CONSECUTIVE)
    if sign:
        worst = worst.where(away * sign > 0)
    return worst.order_by(sa.func.abs(away).desc(), links.c.link_id).limit(_EXAMPLES)


@cache
def _longest(since: str) -> sa.Select[Any]:
    """Find the SKUs that have been held for longest, by the moment since when."""
    moment = links.c[since]
    return (
        sa.select(links.c.sku).where(CONFIRMED, moment.is_not(None)).order_by(moment, links.c.link_id).limit(_EXAMPLES)
    )


def _unanswered() -> sa.Select[Any]:
    waiting = sa.or_(stock_intents.c.outcome.is_(None), stock_intents.c.outcome == WriteOutcome.UNANSWERED.value)
    return sa.select(sa.func.count()).join_from(stock_intents, links).where(waiting, CONFIRMED)


def _held() -> sa.Select[Any]:
    return (
        sa.select(sa.func.count())
        .join_from(held_links, links, held_links.c.link_id == links.c.link_id)
        .where(HELD, CONFIRMED)
    )


@cache
def _longest_held() -> sa.Select[Any]:
    """Find the SKUs that were set back and have been held for longest."""
    select = sa.select(links.c.sku).join_from(held_links, links, held_links.c.link_id == links.c.link_id)
    return select.where(HELD, CONFIRMED).order_by(held_links.c.since, links.c.link_id).limit(_EXAMPLES)


def _lost_orders() -> sa.Select[Any]:
    select = sa.select(sa.func.count(sa.distinct(orders.c.order_id))).join_from(order_lines, orders)
    return select.where(orders.c.lost_at.is_not(None), order_lines.c.placed > order_lines.c.closed)


@cache
def _due(*, everything: bool) -> sa.Select[Any]:
    select = _SELECT.where(links.c.link_id > sa.bindparam("after")).limit(sa.bindparam("most", type_=sa.Integer))
    return select if everything else select.where(links.c.due == sa.true())


def differing(connection: sa.Connection) -> Differing:
    """Return by how much the shops differ as they were last read.

    A link of which a side is unknown counts not, nor does one of which goods were booked since: the stock that was
    read does not show that yet.
    """
    away = _VALIDATION.c.shopify_qty - _VALIDATION.c.lightspeed_qty
    row = connection.execute(
        sa.select(
            _count(away > 0).label("over_skus"),
            _sum(away > 0, away).label("over_units"),
            _count(away < 0).label("under_skus"),
            _sum(away < 0, -away).label("under_units"),
        )
        .select_from(_VALIDATION)
        .where(_VALIDATION.c.inventory_item_id.not_in(_booked_since_the_last_pass()))
    ).mappings()
    return Differing(**{name: int(value) for name, value in row.one().items()})


def _booked_since_the_last_pass() -> sa.Select[tuple[str]]:
    """Find the inventory items of goods that were booked since the last complete pass began."""
    passes = sa.and_(runs.c.job.in_(("stock", "full")), runs.c.outcome == RunOutcome.OK.value)
    began = sa.select(sa.func.max(runs.c.started_at)).where(passes).scalar_subquery()
    line, sale = document_lines.c, documents.c
    select = sa.select(line.inventory_item_id).join_from(document_lines, documents)
    return select.where(line.charge == Charge.GOODS.value, sale.confirmed_at >= began)


def _works(connection: sa.Connection, found: sa.CursorResult[Any], as_of: AsOf | None) -> list[Marked]:
    rows = found.mappings().all()
    demand: dict[str, Demand] = {}
    unsettled: set[str] = set()
    mirrored: dict[str, int] = {}
    for batch in batches([row["inventory_item_id"] for row in rows]):
        demand |= demand_of(connection, batch, as_of.confirmed if as_of else None)
        unsettled |= _unsettled(connection, batch, as_of) if as_of else set()
    for batch in batches([row["item_id"] for row in rows]):
        mirrored |= mirrored_of(connection, batch, as_of)
        unsettled |= unsettled_of(connection, batch, as_of)
    return [(_work(row, demand, mirrored, unsettled), row["marks"]) for row in rows]


def _unsettled(connection: sa.Connection, inventory_item_ids: Sequence[str], as_of: AsOf) -> set[str]:
    """Return the items of which a document of ours may or may not be in the stock that was read.

    It was confirmed after the reading began, or Lightspeed's row is older than the sale that must have moved it.
    """
    moment = {"recent": as_of.recent, "confirmed": as_of.confirmed}
    return set(connection.scalars(_unsettled_items(), {"ids": inventory_item_ids} | moment))


@cache
def _unsettled_items() -> sa.Select[Any]:
    line, sale = document_lines.c, documents.c
    recent = sale.confirmed_at >= sa.bindparam("recent", type_=sale.confirmed_at.type)
    missing = sa.and_(recent, item_stock.c.time_stamp < sale.row_due_at)
    return (
        sa.select(line.inventory_item_id)
        .distinct()
        .join_from(document_lines, documents)
        .outerjoin(item_stock, item_stock.c.item_id == line.item_id)
        .where(one_of(line.inventory_item_id), line.charge == Charge.GOODS.value)
        .where(sale.state == DocumentState.POSTED.value)
        .where(sa.or_(sale.confirmed_n > sa.bindparam("confirmed"), missing))
    )


def _work(
    row: Mapping[Any, Any], demand: Mapping[str, Demand], mirrored: Mapping[str, int], unsettled: Container[str]
) -> Work:
    return Work(
        link_id=row["link_id"],
        sku=row["sku"],
        item_id=row["item_id"],
        inventory_item_id=row["inventory_item_id"],
        on_hand=row["qoh"],
        stock_stamp=row["time_stamp"],
        buffer=row["buffer"] + row["dismissed_offset"],
        demand=demand.get(row["inventory_item_id"], Demand()),
        level=level_of(row),
        memory=from_columns(row),
        approved=row["approved_at"] is not None,
        parked=None if row["parked"] is None else Code[row["parked"]],
        settled=row["inventory_item_id"] not in unsettled and row["item_id"] not in unsettled,
        mirrored=mirrored.get(row["item_id"], 0),
        held=row["held"] is not None,
    )


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return _sum(condition, sa.literal_column("1"))


def _sum(condition: sa.ColumnElement[bool], value: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, value), else_=0)), 0)
