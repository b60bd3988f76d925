"""Orders on their way into Lightspeed: what is due, what an order says, its documents and its story.

Each change of a document's state compares the state it comes from, so that two workers cannot both make it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sync.booking import Charge, Document, DocumentLine, OrderStory, StoryLine
from sync.errors import Code, Permanent
from sync.model import OrderMoney, SaleRow
from sync.order_records import DocumentState, DueOrder, OrderState, Posting
from sync.storage.order_facts import BOOKED_OUTSIDE, want_booking
from sync.storage.statements import CONFIRMED, insert_all, mark_due
from sync.storage.tables import document_lines, documents, links, order_events, order_lines, orders

ROW_LAG = timedelta(seconds=2)  # how much earlier than its sale a stock row may be stamped

_UNFINISHED = (DocumentState.INTENT, DocumentState.SENT, DocumentState.OPEN, DocumentState.COMPLETING)
_LINE = ("charge", "line_id", "inventory_item_id", "item_id", "units", "cents", "taxed", "sale_line_id")
_DIGITS = re.compile(r"[0-9]+$")


# --- what is due ---


# Every pass asks for these: they are made once, which takes longer than running them.
_NEXT = (
    sa.select(orders.c.order_id, orders.c.tries)
    .where(orders.c.post_at <= sa.bindparam("now", type_=orders.c.post_at.type))
    .order_by(orders.c.post_at, orders.c.created_at, orders.c.order_id)
    .limit(1)
)
# In words, so that SQLite sees that its index over the few unfinished documents is enough.
_IN_DOUBT = sa.select(documents).where(
    sa.text("state IN ('intent', 'sent', 'open', 'completing')"), documents.c.state == DocumentState.COMPLETING.value
)
_TO_SWEEP = (
    sa.select(documents)
    .where(documents.c.sweep_at <= sa.bindparam("now", type_=documents.c.sweep_at.type))
    .order_by(documents.c.sweep_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_WAITS = sa.select(
    sa.or_(
        sa.exists().where(orders.c.post_at <= sa.bindparam("now", type_=orders.c.post_at.type)),
        sa.exists().where(documents.c.sweep_at <= sa.bindparam("now", type_=documents.c.sweep_at.type)),
    )
)
_CONFIRMATIONS = sa.select(sa.func.coalesce(sa.func.max(documents.c.confirmed_n), 0))


def waits(connection: sa.Connection, now: datetime) -> bool:
    """Tell whether `next_order` or `to_sweep` would find anything."""
    return bool(connection.scalar(_WAITS, {"now": now}))


def next_order(connection: sa.Connection, now: datetime) -> DueOrder | None:
    """Return the order that may be looked at for the longest time; None: none may."""
    row = connection.execute(_NEXT, {"now": now}).first()
    return None if row is None else DueOrder(row.order_id, row.tries)


def in_doubt(connection: sa.Connection) -> Sequence[Posting]:
    """Return the documents that may have moved stock without our knowing."""
    return [posting_of(connection, row) for row in connection.execute(_IN_DOUBT).mappings().all()]


def to_sweep(connection: sa.Connection, now: datetime, limit: int) -> Sequence[Posting]:
    """Return documents whose reference is to be searched for a second sale."""
    due = connection.execute(_TO_SWEEP, {"now": now, "most": limit})
    return [posting_of(connection, row) for row in due.mappings().all()]


def confirmations(connection: sa.Connection) -> int:
    """Return how many documents have been confirmed so far."""
    return int(connection.scalar(_CONFIRMATIONS) or 0)


# --- one order ---


def story(connection: sa.Connection, order_id: str) -> OrderStory:
    """Return what the ledger knows of an order; raises KeyError for one it does not know."""
    select = sa.select(orders, BOOKED_OUTSIDE.label("outside")).where(orders.c.order_id == order_id)
    row = connection.execute(select).mappings().first()
    if row is None:
        raise KeyError(order_id)
    made = sa.select(sa.func.coalesce(sa.func.max(documents.c.n), 0)).where(documents.c.order_id == order_id)
    return OrderStory(
        order_id=order_id,
        name=row["name"],
        number=_number(connection, row),
        money=None if row["money"] is None else OrderMoney(**row["money"]),
        lines=_story_lines(connection, order_id),
        booked=_booked(connection, order_id),
        made=int(connection.scalar(made) or 0),
        test=row["test"],
        booked_outside=row["outside"] or row["early"],
        cancelled=row["cancelled_at"] is not None,
        lost=row["lost_at"] is not None,
        unreadable=row["unreadable"],
        held=row["held"],
    )


def pending(connection: sa.Connection, order_id: str) -> Posting | None:
    """Return the document of an order that is being made."""
    unfinished = documents.c.state.in_([state.value for state in _UNFINISHED])
    select = sa.select(documents).where(documents.c.order_id == order_id, unfinished)
    row = connection.execute(select).mappings().first()
    return None if row is None else posting_of(connection, row)


def find(connection: sa.Connection, name: str) -> str | None:
    """Return the order of a name ("#1001", "1001"), an id or a reference; the newest where several have it."""
    wanted = name.strip().encode("utf-8", "replace").decode()  # a terminal may hand over what no text can be
    return connection.scalar(named(wanted).limit(1))


def named(name: str) -> sa.Select[str]:
    """Return the query for the ids of the orders of a name, the newest first."""
    order = orders.c
    names = (name, f"#{name}", f"gid://shopify/Order/{name}")
    # each by an index of its own: conditions joined by OR would have all orders read, for each visitor who waits
    matching = sa.union_all(
        sa.select(order.order_id).where(order.name.in_(names)),
        sa.select(order.order_id).where(order.order_id.in_(names)),
        sa.select(documents.c.order_id).where(documents.c.reference == name.upper()),
    )
    return sa.select(order.order_id).where(order.order_id.in_(matching)).order_by(order.created_at.desc())


# --- steps ---


def intend(connection: sa.Connection, order_id: str, document: Document, now: datetime) -> Posting:
    """Record a document before anything of it is sent."""
    row = {
        "order_id": order_id,
        "n": document.n,
        "reference": document.reference,
        "state": DocumentState.INTENT.value,
        "untaxed": document.untaxed,
        "created_at": now,
    }
    made = sa.insert(documents).values(row).returning(documents.c.document_id)
    document_id = int(connection.execute(made).scalar_one())
    lines = [_line_values(line) | {"document_id": document_id} for line in document.lines]
    insert_all(connection, document_lines, lines)
    _set_order(connection, order_id, OrderState.INTENT)
    note(connection, order_id, now, "intended", f"{document.reference}: {document.summary}")
    return Posting(document_id, order_id, document, DocumentState.INTENT)


def move(connection: sa.Connection, posting: Posting, to: Posting) -> None:
    """Take a document from one state to another; raises Permanent (IN001) where somebody else already has."""
    values = {
        "state": to.state.value,
        "sale_id": to.sale_id,
        "sent_at": to.sent_at,
        "misses": to.misses,
        "doubtful": to.doubtful,
    }
    same = sa.and_(documents.c.document_id == posting.document_id, documents.c.state == posting.state.value)
    if connection.execute(sa.update(documents).where(same).values(values)).rowcount != 1:
        raise Permanent(Code.IN001, f"{posting.document.reference} is no longer {posting.state.value}.")


def confirm(
    connection: sa.Connection, posting: Posting, sale: SaleRow, now: datetime, sweep_at: datetime | None
) -> None:
    """Record that Lightspeed has completed a document's sale: from now on its units count as booked."""
    move(connection, posting, replace(posting, state=DocumentState.POSTED, sale_id=sale.sale_id))
    values = {
        "completed_at": sale.completed_at,
        "row_due_at": sale.completed_at and sale.completed_at - ROW_LAG,
        "confirmed_at": now,
        "confirmed_n": confirmations(connection) + 1,
        "sweep_at": sweep_at,
    }
    connection.execute(sa.update(documents).where(documents.c.document_id == posting.document_id).values(values))
    _name_sale_lines(connection, posting, sale)
    count_goods(connection, posting, 1)
    again = sa.update(orders).where(orders.c.order_id == posting.order_id)
    connection.execute(again.values(state=OrderState.SEEN.value, post_at=now, tries=0, code=None, detail=""))
    note(connection, posting.order_id, now, "posted", f"{posting.document.reference} is sale {sale.sale_id}")


def count_goods(connection: sa.Connection, posting: Posting, times: int) -> None:
    """Let a document's goods count as booked `times` more (-1: no longer), and look at their links again."""
    goods = [line for line in posting.document.lines if line.charge is Charge.GOODS]
    for line in goods:
        same = sa.and_(order_lines.c.order_id == posting.order_id, order_lines.c.line_id == line.line_id)
        booked = order_lines.c.booked + times * line.units
        connection.execute(sa.update(order_lines).where(same).values(booked=booked))
    mark_due(connection, links.c.inventory_item_id, sorted({line.inventory_item_id for line in goods}))


def swept(
    connection: sa.Connection, posting: Posting, others: Sequence[str], next_at: datetime | None, now: datetime
) -> None:
    """Record which other sales were found under a document's reference, and when to search again."""
    same = documents.c.document_id == posting.document_id
    before = connection.scalar(sa.select(documents.c.others).where(same))
    connection.execute(sa.update(documents).where(same).values(others=len(others), sweep_at=next_at))
    if len(others) > (before or 0):
        detail = f"{Code.OR007.name} {posting.document.reference} is also {', '.join(others)}"
        note(connection, posting.order_id, now, "duplicate", detail)


def conclude(
    connection: sa.Connection, order_id: str, state: OrderState, now: datetime, *, code: Code | None, detail: str
) -> None:
    """Record that nothing is left to do for an order, or that a person has to."""
    values = {"post_at": None, "tries": 0, "waiting_since": None, "code": code and code.name, "detail": detail}
    known = connection.execute(sa.select(orders.c.state, orders.c.detail).where(orders.c.order_id == order_id)).one()
    connection.execute(sa.update(orders).where(orders.c.order_id == order_id).values(state=state.value, **values))
    if state is not OrderState.POSTED and (known.state, known.detail) != (state.value, detail):
        note(connection, order_id, now, state.value, f"{code.name} {detail}" if code else detail)


def postpone(
    connection: sa.Connection, order_id: str, state: OrderState, until: datetime, *, code: Code | None, detail: str
) -> None:
    """Look at an order again at a later moment."""
    values = {"post_at": until, "tries": orders.c.tries + 1, "code": code and code.name, "detail": detail}
    connection.execute(sa.update(orders).where(orders.c.order_id == order_id).values(state=state.value, **values))


def owner_of_sale(connection: sa.Connection, sale_id: str) -> str | None:
    """Return the name of the order that a sale is counted for already; None: of none."""
    made = sa.select(documents.c.order_id).where(documents.c.sale_id == sale_id)
    counted = sa.or_(orders.c.booked_by == sale_id, orders.c.order_id.in_(made))
    return connection.scalar(sa.select(orders.c.name).where(counted).limit(1))


def retry(connection: sa.Connection, order_ids: Sequence[str], now: datetime, by: str) -> None:
    """Look at orders at once, as a person asks; what held them back until then no longer does."""
    connection.execute(sa.update(orders).where(orders.c.order_id.in_(order_ids)).values(held=""))
    want_booking(connection, order_ids, now)
    for order_id in order_ids:
        note(connection, order_id, now, "retried", by)


def close(connection: sa.Connection, order_id: str, sale_id: str | None, now: datetime, by: str) -> None:
    """Take an order out of our hands: booked by the sale that a person names, or never (None)."""
    values = {"booked_by": sale_id or "never", "state": OrderState.CLOSED.value, "post_at": None, "waiting_since": None}
    connection.execute(sa.update(orders).where(orders.c.order_id == order_id).values(**values))
    of_order = order_lines.c.order_id == order_id
    if sale_id:
        taken = order_lines.c.placed - order_lines.c.restocked
        connection.execute(sa.update(order_lines).where(of_order).values(outside=taken))
    unfinished = documents.c.state.in_([state.value for state in _UNFINISHED])
    given_up = sa.update(documents).where(documents.c.order_id == order_id, unfinished)
    connection.execute(given_up.values(state=DocumentState.ABANDONED.value))
    lines = sa.select(order_lines.c.inventory_item_id).where(of_order)
    mark_due(connection, links.c.inventory_item_id, sorted(set(connection.scalars(lines))))
    note(connection, order_id, now, "closed", f"booked by {sale_id} ({by})" if sale_id else f"never booked ({by})")


def note(connection: sa.Connection, order_id: str, now: datetime, event: str, detail: str) -> None:
    """Add a line to an order's story."""
    insert_all(connection, order_events, [{"order_id": order_id, "at": now, "event": event, "detail": detail}])


# --- for people; how all of them stand is told in `order_reports.py` ---


def made(connection: sa.Connection, order_id: str) -> Sequence[Posting]:
    """Return all documents of an order, in the order they were made."""
    select = sa.select(documents).where(documents.c.order_id == order_id).order_by(documents.c.n)
    return [posting_of(connection, row) for row in connection.execute(select).mappings().all()]


# --- rows ---


def _set_order(connection: sa.Connection, order_id: str, state: OrderState) -> None:
    connection.execute(sa.update(orders).where(orders.c.order_id == order_id).values(state=state.value))


def _number(connection: sa.Connection, row: Mapping[Any, Any]) -> str:
    """Return the middle of an order's references: its number, unless another order was first to have it."""
    order, number = orders.c, row["number"]
    first = sa.or_(
        order.created_at < row["created_at"],
        sa.and_(order.created_at == row["created_at"], order.order_id < row["order_id"]),
    )
    older = sa.exists().where(order.number == number, first)
    used = sa.exists().where(documents.c.order_id != row["order_id"], documents.c.reference.startswith(f"SH-{number}-"))
    if number and not connection.scalar(sa.select(sa.or_(older, used))):
        return str(number)
    digits = _DIGITS.search(row["order_id"])
    return digits.group() if digits else str(row["order_id"])


def _story_lines(connection: sa.Connection, order_id: str) -> tuple[StoryLine, ...]:
    linked = sa.and_(links.c.inventory_item_id == order_lines.c.inventory_item_id, CONFIRMED)
    select = (
        sa.select(order_lines, links.c.item_id)
        .select_from(order_lines.outerjoin(links, linked))
        .where(order_lines.c.order_id == order_id)
        .order_by(order_lines.c.line_id)
    )
    return tuple(
        StoryLine(
            line_id=row["line_id"],
            inventory_item_id=row["inventory_item_id"],
            sku=row["sku"],
            quantity=row["quantity"],
            placed=row["placed"],
            restocked=row["restocked"],
            cents=row["cents"],
            item_id=row["item_id"] or "",
            taxed=row["taxed"],
            gift_card=row["gift_card"],
            outside=row["outside"],
        )
        for row in connection.execute(select).mappings()
    )


def _booked(connection: sa.Connection, order_id: str) -> tuple[DocumentLine, ...]:
    posted = sa.and_(documents.c.order_id == order_id, documents.c.state == DocumentState.POSTED.value)
    return _lines_where(connection, posted)


def _lines_where(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> tuple[DocumentLine, ...]:
    select = sa.select(document_lines).join_from(document_lines, documents).where(condition)
    rows = connection.execute(select.order_by(document_lines.c.document_line_id)).mappings()
    return tuple(_line(row) for row in rows)


def _line(row: Mapping[Any, Any]) -> DocumentLine:
    names = (*_LINE[1:], "parent_line_id")
    return DocumentLine(charge=Charge(row["charge"]), **{name: row[name] for name in names})


def _line_values(line: DocumentLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in (*_LINE[1:], "parent_line_id")} | {"charge": line.charge.value}


def posting_of(connection: sa.Connection, row: Mapping[Any, Any]) -> Posting:
    """Return the document of a row of `documents`, with its lines."""
    lines = _lines_where(connection, documents.c.document_id == row["document_id"])
    return Posting(
        document_id=row["document_id"],
        order_id=row["order_id"],
        document=Document(row["n"], row["reference"], lines, untaxed=row["untaxed"]),
        state=DocumentState(row["state"]),
        sale_id=row["sale_id"],
        sent_at=row["sent_at"],
        misses=row["misses"],
        doubtful=row["doubtful"],
    )


def _name_sale_lines(connection: sa.Connection, posting: Posting, sale: SaleRow) -> None:
    """Remember which sale line holds which goods, so that a reversal can name it."""
    by_item: dict[str, str] = {}
    for row in sale.lines:
        by_item.setdefault(row.item_id, row.sale_line_id)
    for item_id, sale_line_id in by_item.items():
        same = sa.and_(document_lines.c.document_id == posting.document_id, document_lines.c.item_id == item_id)
        connection.execute(sa.update(document_lines).where(same).values(sale_line_id=sale_line_id))
