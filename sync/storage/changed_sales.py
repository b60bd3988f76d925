"""What people did in Lightspeed to sales of ours that were confirmed: voided ones are taken out of the sums.

An order so touched is held: nothing more of it is booked, whatever else becomes of it, until a person says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from sync.booking import amount
from sync.errors import Code
from sync.model import ChangedSale
from sync.order_records import DocumentState, OrderState, Posting, SaleFate, TouchedSale
from sync.storage.bookings import conclude, count_goods, move, note, pending, posting_of
from sync.storage.statements import batches
from sync.storage.tables import documents, orders


def keep(connection: sa.Connection, rows: Sequence[ChangedSale], now: datetime) -> Sequence[TouchedSale]:
    """Record what became of our confirmed sales among these; return those of which something is new."""
    touched: list[TouchedSale] = []
    posted = sa.select(documents).where(documents.c.state == DocumentState.POSTED.value)
    for batch in batches(rows):
        sales = {row.sale_id: row for row in batch}
        for row in connection.execute(posted.where(documents.c.sale_id.in_(sales))).mappings().all():
            posting = posting_of(connection, row)
            found = _look(connection, posting, sales[row["sale_id"]], row["found_total"], now)
            touched += [found] if found else []
    return touched


def _look(
    connection: sa.Connection, posting: Posting, sale: ChangedSale, found_total: int | None, now: datetime
) -> TouchedSale | None:
    """Record what one sale says, if it is new."""
    if sale.undone:
        return _undo(connection, posting, sale, now)
    known = posting.document.total if found_total is None else found_total
    if not sale.completed or sale.total is None or sale.total == known:
        return None
    return _note_total(connection, posting, sale.total, now)


def _undo(connection: sa.Connection, posting: Posting, sale: ChangedSale, now: datetime) -> TouchedSale:
    """Take a document out of the sums."""
    move(connection, posting, replace(posting, state=DocumentState.VOIDED))
    count_goods(connection, posting, -1)
    word = "voided" if sale.voided else "archived"
    detail = (
        f"Sale {sale.sale_id} ({posting.document.reference}) was {word} in Lightspeed, so its goods are back in stock. "
        "`lightspeed-sync orders retry` books the order anew; `orders close` it if another sale has it."
    )
    note(connection, posting.order_id, now, "voided", f"{posting.document.reference}: sale {sale.sale_id} was {word}")
    _hold(connection, posting.order_id, detail, now)
    return TouchedSale(posting.order_id, posting.document.reference, SaleFate.VOIDED, detail)


def _note_total(connection: sa.Connection, posting: Posting, total: int, now: datetime) -> TouchedSale:
    """Hold an order of which a sale comes to another total. Its units still count: nothing says that they moved."""
    same = documents.c.document_id == posting.document_id
    connection.execute(sa.update(documents).where(same).values(found_total=total))
    document = posting.document
    detail = (
        f"Sale {posting.sale_id} ({document.reference}) was booked with {amount(document.total)} and comes to "
        f"{amount(total)} in Lightspeed now. Compare them; `lightspeed-sync orders retry` takes it as it is."
    )
    note(connection, posting.order_id, now, "changed", f"{document.reference} comes to {amount(total)} now")
    _hold(connection, posting.order_id, detail, now)
    return TouchedSale(posting.order_id, document.reference, SaleFate.CHANGED, detail)


def _hold(connection: sa.Connection, order_id: str, detail: str, now: datetime) -> None:
    """Book nothing more of an order until a person retries it. A document on its way is finished first."""
    order = connection.execute(sa.select(orders.c.state, orders.c.held).where(orders.c.order_id == order_id)).one()
    held = f"{order.held} {detail}".strip()
    connection.execute(sa.update(orders).where(orders.c.order_id == order_id).values(held=held))
    if order.state != OrderState.CLOSED.value and pending(connection, order_id) is None:
        conclude(connection, order_id, OrderState.PARKED, now, code=Code.OR008, detail=held)
