"""Turns orders into facts about units, once each, and sums them up as demand.

An order is read again and again; what is new in it becomes a fact, appended and never changed. The sums of a line's
facts stand beside its line, so they tell what is new. `placed` falls only where units were moved to another location;
a restock is told by its refund line; `closed` is what makes up the difference to the open units, so a shipment that
is taken back counts below zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.booking import Charge
from sync.errors import Code
from sync.model import Demand, FactKind, OrderLine, OrderRow
from sync.order_records import DocumentState
from sync.storage.consumption import Placed, consume
from sync.storage.statements import CONFIRMED, batches, insert_all, mark_due, one_of, upsert
from sync.storage.tables import document_lines, documents, links, meta, order_facts, order_lines, orders
from sync.storage.types import Moment, to_text

_SHOP, _CUT_OVER, _COUNTS, _FIRM = "store_domain", "cut_over", "cut_over_booked", "cut_over_firm"
_TELLING = ("cancelled_at", "money", "unreadable")  # what may change of an order without a new fact
_UNTOLD = ("cancelled_at", "test", "number", "money")  # what an order that cannot be read keeps from before
_LINE = (
    "inventory_item_id",
    "sku",
    "placed",
    "restocked",
    "closed",
    "placed_n",
    "closed_n",
    "quantity",
    "cents",
    "taxed",
    "gift_card",
    "outside",
)


BOOKED_OUTSIDE = sa.or_(orders.c.booked_before, sa.func.coalesce(orders.c.booked_by, "never") != "never")
"""Orders that are in Lightspeed's stock without a document of ours: from before the cut-over, or so a person said."""
_TAKEN = order_lines.c.placed - order_lines.c.restocked
_GROWN = sa.exists().where(order_lines.c.order_id == orders.c.order_id, order_lines.c.outside < _TAKEN)
"""Orders with units that came to them after they were booked outside: no sale has those."""


@dataclass(slots=True)
class LineState:
    """One line's sums of facts, `restocks` being the refund lines already counted."""

    inventory_item_id: str = ""
    sku: str = ""
    placed: int = 0
    restocked: int = 0
    closed: int = 0
    placed_n: int = 0
    closed_n: int = 0
    quantity: int = 0
    cents: int = 0
    taxed: bool = False
    gift_card: bool = False
    outside: int = 0
    restocks: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Fact:
    """Units of one kind; `n` tells facts of a kind apart."""

    kind: FactKind
    n: str
    units: int


def new_facts(line: OrderLine, state: LineState) -> list[Fact]:
    """Return what the line says beyond `state`, and bring `state` up to it."""
    state.inventory_item_id = state.inventory_item_id or line.inventory_item_id
    state.sku = line.sku or state.sku
    state.quantity, state.cents, state.taxed, state.gift_card = line.quantity, line.cents, line.taxed, line.gift_card
    facts: list[Fact] = []
    if (grown := line.placed - state.placed) != 0:
        state.placed, state.placed_n = line.placed, state.placed_n + 1
        facts.append(Fact(FactKind.PLACED, str(state.placed_n), grown))
    for restock in line.restocks:
        if restock.refund_line_id not in state.restocks:
            state.restocks.add(restock.refund_line_id)
            state.restocked += restock.units
            facts.append(Fact(FactKind.RESTOCKED, restock.refund_line_id, restock.units))
    if (moved := state.placed - line.open - state.closed) != 0:
        state.closed, state.closed_n = state.closed + moved, state.closed_n + 1
        facts.append(Fact(FactKind.CLOSED, str(state.closed_n), moved))
    return facts


def keep_orders(connection: sa.Connection, rows: Sequence[OrderRow], read_at: datetime) -> int:
    """Append the facts that are new and make the links they concern due; return how many facts are new."""
    ids = list(dict.fromkeys(row.order_id for row in rows))
    known, states, fixed = _known(connection, ids), _states(connection, ids), _meta(connection)
    cut_over = datetime.fromisoformat(fixed[_CUT_OVER]) if _CUT_OVER in fixed else None
    counts = fixed.get(_COUNTS) == "yes"
    facts: list[dict[str, Any]] = []
    kept: dict[str, dict[str, Any]] = {}
    touched: set[tuple[str, str]] = set()
    for order in rows:
        before = kept.get(order.order_id) or known.get(order.order_id)
        if before is not None and order.updated_at < before["updated_at"]:
            continue
        early = cut_over is not None and order.created_at < cut_over
        values = _order_values(order, read_at) | {"early": early, "booked_before": early and counts}
        if before is not None and order.unreadable:  # it tells nothing else for sure
            values |= {name: before[name] for name in _UNTOLD}
        kept[order.order_id] = values
        for line in order.lines:
            key = (order.order_id, line.line_id)
            touched.add(key)
            state = states.setdefault(key, LineState())
            new = new_facts(line, state)
            if early and counts and before is None:  # what an edit adds later is in nobody's sale
                state.outside = state.placed
            facts += [_fact_values(fact, order, line.line_id, state.inventory_item_id, read_at) for fact in new]
    upsert(connection, orders, list(kept.values()))
    upsert(connection, order_lines, [_line_values(key, states[key]) for key in sorted(touched)])
    insert_all(connection, order_facts, [{"shop": fixed.get(_SHOP, ""), **fact} for fact in facts])
    mark_due(connection, links.c.inventory_item_id, sorted({fact["inventory_item_id"] for fact in facts}))
    consume(connection, _placed(rows, facts), read_at)
    moved = {fact["order_id"] for fact in facts}
    changed = [order_id for order_id, row in kept.items() if order_id in moved or _differs(known.get(order_id), row)]
    if fixed.get(_FIRM) == "yes":
        want_booking(connection, changed, read_at)
    return len(facts)


def _placed(rows: Sequence[OrderRow], facts: Sequence[Mapping[str, Any]]) -> Sequence[Placed]:
    """Return what of these facts was ordered, by order."""
    units: dict[str, dict[str, int]] = {}
    for fact in facts:
        if fact["kind"] == FactKind.PLACED.value and fact["units"] > 0 and fact["inventory_item_id"]:
            items = units.setdefault(fact["order_id"], {})
            items[fact["inventory_item_id"]] = items.get(fact["inventory_item_id"], 0) + fact["units"]
    told = {order.order_id: order for order in rows if order.order_id in units}
    return [Placed(id_, each.created_at, each.cart_token, units[id_]) for id_, each in told.items()]


def want_booking(connection: sa.Connection, order_ids: Sequence[str], now: datetime) -> None:
    """Let the worker look at orders of which something is new; those a person has closed stay closed."""
    if not order_ids:
        return
    for change in _want_booking():
        connection.execute(change, {"ids": order_ids, "now": now})


def unpark_orders(connection: sa.Connection, inventory_item_ids: Sequence[str], now: datetime) -> None:
    """Let the worker look again at orders that waited for a link of these inventory items."""
    waiting = sa.and_(orders.c.state == "parked", orders.c.code == Code.OR003.name)
    select = sa.select(orders.c.order_id).distinct().join_from(orders, order_lines).where(waiting)
    for batch in batches(inventory_item_ids):
        found = connection.scalars(select.where(order_lines.c.inventory_item_id.in_(batch))).all()
        want_booking(connection, found, now)


def demand_of(
    connection: sa.Connection, inventory_item_ids: Sequence[str], confirmed: int | None = None
) -> Mapping[str, Demand]:
    """Return what the order lines say about these inventory items; those without orders are missing.

    Of our documents only those count as booked that were among the first `confirmed`; None: all of them.
    """
    later = _confirmed_after(connection, inventory_item_ids, confirmed) if confirmed is not None else {}
    rows = connection.execute(_demand(), {"ids": inventory_item_ids})
    return {row[0]: Demand(int(row[1]), int(row[2]), int(row[3]) - later.get(row[0], 0)) for row in rows}


def _confirmed_after(connection: sa.Connection, inventory_item_ids: Sequence[str], confirmed: int) -> dict[str, int]:
    """Return the units of goods that documents confirmed since then have booked."""
    found = connection.execute(_booked_after(), {"ids": inventory_item_ids, "confirmed": confirmed})
    return {item: int(units) for item, units in found}


# --- statements needed at every decision, made once: making one takes longer than running it ---


@cache
def _demand() -> sa.Select[Any]:
    line = order_lines.c
    outside = sa.case((line.outside > _TAKEN, _TAKEN), else_=line.outside)
    return (
        sa.select(
            line.inventory_item_id,
            sa.func.sum(_TAKEN),
            sa.func.sum(line.placed - line.closed),
            sa.func.sum(sa.case((BOOKED_OUTSIDE, outside), else_=line.booked)),
        )
        .join_from(order_lines, orders)
        .where(one_of(line.inventory_item_id))
        .group_by(line.inventory_item_id)
    )


@cache
def _booked_after() -> sa.Select[Any]:
    line = document_lines.c
    return (
        sa.select(line.inventory_item_id, sa.func.sum(line.units))
        .join_from(document_lines, documents)
        .join(orders, orders.c.order_id == documents.c.order_id)
        .where(documents.c.state == DocumentState.POSTED.value, documents.c.confirmed_n > sa.bindparam("confirmed"))
        .where(line.charge == Charge.GOODS.value, sa.not_(BOOKED_OUTSIDE))
        .where(one_of(line.inventory_item_id))
        .group_by(line.inventory_item_id)
    )


@cache
def _want_booking() -> Sequence[sa.Update]:
    order, now = orders.c, sa.bindparam("now", type_=Moment)
    exempt = sa.or_(order.test, order.early)
    asked = one_of(order.order_id)
    grown = sa.and_(asked, BOOKED_OUTSIDE, _GROWN)
    told = {"state": "parked", "code": Code.OR014.name, "detail": Code.OR014.sentence, "post_at": None}
    open_ones = sa.and_(asked, order.state != "closed")
    chosen = sa.and_(open_ones, sa.not_(BOOKED_OUTSIDE))
    waiting = {"waiting_since": sa.func.coalesce(order.waiting_since, now), "post_at": now, "tries": 0}
    unbooked = sa.case((order.state.in_(("intent", "unknown")), order.state), else_="seen")
    return (
        sa.update(orders).where(open_ones, exempt).values(state="exempt", post_at=None),
        sa.update(orders).where(grown).values(**told),
        sa.update(orders).where(chosen, sa.not_(exempt)).values(state=unbooked, **waiting),
    )


_META = sa.select(meta.c.key, meta.c.value).where(meta.c.key.in_((_SHOP, _CUT_OVER, _COUNTS, _FIRM)))
_KNOWN = sa.select(
    orders.c.order_id, *(orders.c[name] for name in dict.fromkeys(("updated_at", *_TELLING, *_UNTOLD)))
).where(one_of(orders.c.order_id))
_STATES = sa.select(order_lines).where(one_of(order_lines.c.order_id))
_RESTOCKS = sa.select(order_facts.c.order_id, order_facts.c.line_id, order_facts.c.n).where(
    one_of(order_facts.c.order_id), order_facts.c.kind == FactKind.RESTOCKED.value
)


# --- orders that are gone ---


def open_orders(connection: sa.Connection, inventory_item_ids: Sequence[str]) -> Sequence[str]:
    """Return the ids of the orders with open units of these items, those known to be lost left out, in id order."""
    line = order_lines.c
    select = sa.select(line.order_id).distinct().join_from(order_lines, orders).where(orders.c.lost_at.is_(None))
    select = select.where(line.inventory_item_id.in_(inventory_item_ids), line.placed > line.closed)
    return connection.scalars(select.order_by(line.order_id)).all()


def still_open(connection: sa.Connection, order_ids: Sequence[str]) -> Sequence[str]:
    """Return those of these orders that have open units, those known to be lost left out, in id order."""
    line = order_lines.c
    select = sa.select(line.order_id).distinct().join_from(order_lines, orders).where(orders.c.lost_at.is_(None))
    select = select.where(line.order_id.in_(order_ids), line.placed > line.closed)
    return connection.scalars(select.order_by(line.order_id)).all()


def lose_orders(connection: sa.Connection, order_ids: Sequence[str], now: datetime) -> None:
    """Mark orders as gone from Shopify; their facts stay."""
    known = sa.update(orders).where(orders.c.order_id.in_(order_ids), orders.c.lost_at.is_(None))
    connection.execute(known.values(lost_at=now))


def live_since(connection: sa.Connection) -> datetime | None:
    """Return since when all orders are known; None while the shop is not live."""
    fixed = _meta(connection)
    return datetime.fromisoformat(fixed[_CUT_OVER]) if fixed.get(_FIRM) == "yes" else None


def set_cut_over(connection: sa.Connection, moment: datetime, *, booked: bool, firm: bool) -> datetime:
    """Fix the cut-over, and whether orders before it count as booked; return the one in force.

    One that is not `firm`, as a plan supposes, lasts until another is set; a firm one stays for good.
    """
    fixed = _meta(connection)
    if fixed.get(_FIRM) == "yes":
        return datetime.fromisoformat(fixed[_CUT_OVER])
    values = {_CUT_OVER: to_text(moment), _COUNTS: "yes" if booked else "no", _FIRM: "yes" if firm else "no"}
    upsert(connection, meta, [{"key": key, "value": value} for key, value in values.items()])
    before = orders.c.created_at < moment
    connection.execute(sa.update(orders).values(early=before, booked_before=sa.and_(before, sa.literal(booked))))
    if connection.scalar(sa.select(sa.exists().where(before))) and booked:
        early_ones = order_lines.c.order_id.in_(sa.select(orders.c.order_id).where(before))
        connection.execute(sa.update(order_lines).values(outside=order_lines.c.placed).where(early_ones))
        connection.execute(sa.update(links).values(due=sa.true(), marks=links.c.marks + 1).where(CONFIRMED))
    if firm:
        want_booking(connection, connection.scalars(sa.select(orders.c.order_id)).all(), moment)
    return moment


def _meta(connection: sa.Connection) -> Mapping[str, str]:
    return dict(connection.execute(_META).all())


def _known(connection: sa.Connection, order_ids: Sequence[str]) -> Mapping[str, Mapping[Any, Any]]:
    """Return what is known of these orders, as far as it tells whether something of them is new."""
    return {row["order_id"]: row for row in connection.execute(_KNOWN, {"ids": order_ids}).mappings()}


def _differs(before: Mapping[Any, Any] | None, row: Mapping[str, Any]) -> bool:
    return before is None or any(before[name] != row[name] for name in _TELLING)


def _states(connection: sa.Connection, order_ids: Sequence[str]) -> dict[tuple[str, str], LineState]:
    states = {}
    for row in connection.execute(_STATES, {"ids": order_ids}).mappings():
        known = {name: row[name] for name in _LINE}
        states[row["order_id"], row["line_id"]] = LineState(**known)
    for order_id, line_id, refund_line_id in connection.execute(_RESTOCKS, {"ids": order_ids}):
        states[order_id, line_id].restocks.add(refund_line_id)
    return states


def _order_values(order: OrderRow, read_at: datetime) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "name": order.name,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "cancelled_at": order.cancelled_at,
        "test": order.test,
        "lost_at": None,  # read again, so not gone
        "read_at": read_at,
        "number": order.number,
        "money": None if order.money is None else asdict(order.money),
        "unreadable": order.unreadable,
    }


def _line_values(key: tuple[str, str], state: LineState) -> dict[str, Any]:
    return {"order_id": key[0], "line_id": key[1]} | {name: getattr(state, name) for name in _LINE}


def _fact_values(fact: Fact, order: OrderRow, line_id: str, item_id: str, read_at: datetime) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "line_id": line_id,
        "kind": fact.kind.value,
        "n": fact.n,
        "units": fact.units,
        "inventory_item_id": item_id,
        "at": order.updated_at,
        "recorded_at": read_at,
    }
