"""How orders stand on their way into Lightspeed, for people: counts, lists and stories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.errors import Code
from sync.order_records import UNBOOKED, DocumentState, OrderEntry, OrderEvent, OrderStanding, OrderState
from sync.storage.order_tables import documents, order_events, orders

_NAMED = 5  # orders named in one standing, of each kind
_OLDEST = sa.func.min(orders.c.waiting_since, type_=orders.c.waiting_since.type)
_LAST = (
    sa.select(sa.func.max(order_events.c.at))
    .where(order_events.c.order_id == orders.c.order_id)
    .scalar_subquery()
    .label("changed_at")
)


def standing(connection: sa.Connection) -> OrderStanding:
    """Return how the booking of orders stands."""
    ask = _standing()
    rows = connection.execute(ask["states"]).all()
    counts = {OrderState(state): int(count) for state, count, _ in rows}
    duplicates = int(connection.scalar(ask["duplicates"]) or 0)
    numbers = {
        "waiting": sum(counts.get(state, 0) for state in UNBOOKED),
        "parked": counts.get(OrderState.PARKED),
        "dead": counts.get(OrderState.DEAD),
        "doubled": duplicates,
    }  # names are only asked for where there are any
    return OrderStanding(
        counts=counts,
        oldest=min((since for state, _, since in rows if since and OrderState(state) in UNBOOKED), default=None),
        duplicates=duplicates,
        **{name: tuple(connection.scalars(ask[name])) for name, number in numbers.items() if number},
    )


@cache
def _standing() -> Mapping[str, sa.Select[Any]]:
    """Return the statements of a standing by its fields, made once: it is asked for at every evaluation."""
    unbooked, doubled = _among(UNBOOKED), documents.c.others > 0
    return {
        "states": sa.select(orders.c.state, sa.func.count(), _OLDEST).group_by(orders.c.state),
        "duplicates": sa.select(sa.func.count()).select_from(documents).where(doubled),
        "waiting": sa.select(orders.c.name).where(unbooked).order_by(orders.c.waiting_since).limit(_NAMED),
        "parked": _newest(OrderState.PARKED),
        "dead": _newest(OrderState.DEAD),
        "doubled": sa.select(documents.c.reference).where(doubled).order_by(documents.c.reference).limit(_NAMED),
    }


def booked_since(connection: sa.Connection, moment: datetime) -> int:
    """Return how many orders have a document that was confirmed at or after a moment."""
    distinct = sa.select(sa.func.count(sa.distinct(documents.c.order_id)))
    return int(connection.scalar(distinct.where(documents.c.confirmed_at >= moment)) or 0)


def entries(connection: sa.Connection, states: Sequence[OrderState], limit: int) -> Sequence[OrderEntry]:
    """Return orders in some states (none named: in all), newest first."""
    select = sa.select(orders, _LAST).order_by(orders.c.created_at.desc(), orders.c.order_id.desc()).limit(limit)
    return _entries(connection, select.where(_among(states)) if states else select)


def entry(connection: sa.Connection, order_id: str) -> OrderEntry:
    """Return one order; raises KeyError for one that the ledger does not know."""
    found = _entries(connection, sa.select(orders, _LAST).where(orders.c.order_id == order_id))
    if not found:
        raise KeyError(order_id)
    return found[0]


def events(connection: sa.Connection, order_id: str) -> Sequence[OrderEvent]:
    """Return an order's story, oldest first."""
    select = sa.select(order_events).where(order_events.c.order_id == order_id).order_by(order_events.c.event_id)
    return [OrderEvent(row.at, row.event, row.detail) for row in connection.execute(select)]


def _among(states: Iterable[OrderState]) -> sa.ColumnElement[bool]:
    return orders.c.state.in_([state.value for state in states])


def _newest(state: OrderState) -> sa.Select[tuple[str]]:
    return sa.select(orders.c.name).where(_among([state])).order_by(orders.c.created_at.desc()).limit(_NAMED)


def _entries(connection: sa.Connection, select: sa.Select[Any]) -> Sequence[OrderEntry]:
    rows = connection.execute(select).mappings().all()
    made = sa.select(documents.c.order_id, documents.c.reference, documents.c.state).order_by(documents.c.n)
    of_order: dict[str, dict[str, str]] = {}
    chosen = made.where(documents.c.order_id.in_([row["order_id"] for row in rows]))
    for order_id, reference, state in connection.execute(chosen):
        of_order.setdefault(order_id, {})[reference] = state
    return [_entry(row, of_order.get(row["order_id"], {})) for row in rows]


def _entry(row: Mapping[Any, Any], made: Mapping[str, str]) -> OrderEntry:
    """Return an order's entry; `made` has its documents' states by their references."""
    return OrderEntry(
        order_id=row["order_id"],
        name=row["name"],
        state=OrderState(row["state"]),
        created_at=row["created_at"],
        waiting_since=row["waiting_since"],
        net=None if row["money"] is None else row["money"]["net"],
        code=None if row["code"] is None else Code[row["code"]],
        detail=row["detail"],
        references=tuple(made),
        changed_at=row["changed_at"],
        currency="" if row["money"] is None else row["money"]["currency"],
        cancelled=row["cancelled_at"] is not None,
        undone=bool(row["held"]) and DocumentState.VOIDED.value in made.values(),
    )
