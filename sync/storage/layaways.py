"""Reservations mirrored into Lightspeed: which are wanted, which stand, and what they took off which reading of stock.

Each change of a layaway's state compares the state it comes from, so that two workers cannot both make it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.errors import Code, Permanent
from sync.mirroring import LayawayEnd, LayawayState, Mirrored, MirrorPolicy, Wanted
from sync.order_records import UNBOOKED
from sync.records import AsOf
from sync.reservations import Ending
from sync.storage.statements import CONFIRMED, mark_due, one_of, upsert
from sync.storage.tables import holds, item_stock, layaways, links, meta, orders
from sync.storage.types import Moment

ROW_LAG = timedelta(seconds=2)  # how much earlier than the change itself a stock row may be stamped

_PROVED = "layaways_proved"  # how this account was seen to count layaways
_STANDS = layaways.c.state != LayawayState.GONE.value
_FOR_GOOD = layaways.c.ending.in_((LayawayEnd.NOTHING.value, LayawayEnd.TAKEN.value))


# --- what is to be done ---


def to_make(connection: sa.Connection, now: datetime, policy: MirrorPolicy) -> Wanted | None:
    """Return the oldest hold with units that no layaway keeps aside yet; None: there is none."""
    asked = {"now": now, "ripe": now - policy.ripe, "rest": now + policy.least_rest}
    row = connection.execute(_to_make(), asked).first()
    return None if row is None else Wanted(row.hold_id, row.item_id, row.units)


def to_end(connection: sa.Connection, now: datetime, policy: MirrorPolicy) -> Mirrored | None:
    """Return a layaway to be let go: one that its hold wants no more, or whose ending nobody answered."""
    asked = {"now": now, "late": now - policy.longest_after, "again": now - policy.look_again}
    row = connection.execute(_to_end(keeping=policy.keeping), asked).mappings().first()
    return None if row is None else _mirrored(row)


def of_order(connection: sa.Connection, order_id: str) -> Sequence[Mirrored]:
    """Return the layaways that keep units aside for an order."""
    consumed = sa.select(holds.c.hold_id).where(holds.c.order_id == order_id)
    held = layaways.c.state == LayawayState.HELD.value
    rows = connection.execute(sa.select(layaways).where(held, layaways.c.hold_id.in_(consumed))).mappings()
    return [_mirrored(row) for row in rows]


def standing(connection: sa.Connection) -> Sequence[Mirrored]:
    """Return the layaways that are not gone, oldest first."""
    rows = connection.execute(_standing()).mappings()
    return [_mirrored(row) for row in rows]


# --- steps ---


def ask(connection: sa.Connection, wanted: Wanted, now: datetime, *, lowers: bool) -> Mirrored:
    """Record a layaway before it is asked for."""
    values = {
        "hold_id": wanted.hold_id,
        "item_id": wanted.item_id,
        "asked": wanted.units,
        "state": LayawayState.ASKED.value,
        "lowers": lowers,
        "sent_at": now,
        "changed_at": now,
    }
    made = connection.execute(sa.insert(layaways).values(values).returning(layaways.c.layaway_id))
    layaway_id = int(made.scalar_one())
    return Mirrored(layaway_id, wanted.hold_id, wanted.item_id, wanted.units, LayawayState.ASKED, now)


def move(connection: sa.Connection, row: Mirrored, to: Mirrored) -> None:
    """Take a layaway from one state to another; raises Permanent (IN001) where somebody else already has."""
    _set(connection, row, state=to.state, sent_at=to.sent_at, line_id=to.line_id, units=to.units, misses=to.misses)


def hold(connection: sa.Connection, row: Mirrored, moved_at: datetime | None, now: datetime) -> None:
    """Record that a layaway keeps its units aside: from now on they count."""
    number = confirmations(connection) + 1
    _set(connection, row, state=LayawayState.HELD, line_id=row.line_id, units=row.units, held_n=number)
    _changed(connection, row, moved_at, now)


def end(connection: sa.Connection, row: Mirrored, why: LayawayEnd, moved_at: datetime | None, now: datetime) -> None:
    """Record that a layaway is gone: its units count no more."""
    _set(connection, row, state=LayawayState.GONE, ending=why.value, gone_n=confirmations(connection) + 1)
    _changed(connection, row, moved_at, now)


def _changed(connection: sa.Connection, row: Mirrored, moved_at: datetime | None, now: datetime) -> None:
    values = {"changed_at": now, "row_due_at": moved_at and moved_at - ROW_LAG}
    connection.execute(sa.update(layaways).where(layaways.c.layaway_id == row.layaway_id).values(values))
    mark_due(connection, links.c.item_id, [row.item_id])


def _set(connection: sa.Connection, row: Mirrored, **values: Any) -> None:
    values["state"] = values["state"].value
    same = sa.and_(layaways.c.layaway_id == row.layaway_id, layaways.c.state == row.state.value)
    if connection.execute(sa.update(layaways).where(same).values(values)).rowcount != 1:
        raise Permanent(Code.IN001, f"Layaway {row.layaway_id} is no longer {row.state.value}.")


def proved(connection: sa.Connection) -> bool | None:
    """Return whether layaways were seen to lower the stock of this account; None: nobody has looked yet."""
    value = connection.scalar(sa.select(meta.c.value).where(meta.c.key == _PROVED))
    return None if value is None else value == "yes"


def prove(connection: sa.Connection, *, lowers: bool) -> None:
    """Remember whether layaways lower the stock of this account."""
    upsert(connection, meta, [{"key": _PROVED, "value": "yes" if lowers else "no"}])


# --- the as-of rule ---


def confirmations(connection: sa.Connection) -> int:
    """Return how many changes of layaways have been confirmed so far."""
    return max(int(number) for number in connection.execute(_confirmations()).one())


def as_of(connection: sa.Connection, recent: datetime) -> int | None:
    """Return `AsOf.mirrored` of a reading that begins now; None: no layaway can matter to it."""
    if connection.scalar(_matters(), {"recent": recent}):
        return confirmations(connection)
    return None


def mirrored_of(connection: sa.Connection, item_ids: Sequence[str], moment: AsOf | None) -> Mapping[str, int]:
    """Return the units of these items that layaways had taken off the stock that was read; without any: missing.

    Not more than the stock row itself shows as laid away: what people ended at the till is missed at once.
    """
    if moment is not None and moment.mirrored is None:
        return {}
    select = _kept() if moment is None else _kept_before()
    values = {"ids": item_ids} | ({} if moment is None else {"confirmed": moment.mirrored})
    return {item_id: max(0, int(units)) for item_id, units in connection.execute(select, values)}


def unsettled_of(connection: sa.Connection, item_ids: Sequence[str], moment: AsOf | None) -> set[str]:
    """Return those of these items of which a layaway may or may not be in the stock that was read."""
    if moment is None or moment.mirrored is None:
        return set()
    values = {"ids": item_ids, "confirmed": moment.mirrored, "recent": moment.recent}
    return set(connection.scalars(_unsettled(), values))


# --- statements needed at every beat or evaluation, made once: making one takes longer than running it ---


def _at(name: str) -> sa.BindParameter[datetime]:
    return sa.bindparam(name, type_=Moment())


def _asked_of(hold_id: sa.ColumnElement[str]) -> sa.ScalarSelect[Any]:
    """Return the units of a hold that are kept aside, or asked to be."""
    other = layaways.alias("other")
    units = sa.select(sa.func.coalesce(sa.func.sum(other.c.asked), 0))
    stands = other.c.state != LayawayState.GONE.value
    return units.where(other.c.hold_id == hold_id, stands).correlate(holds, layaways).scalar_subquery()


@cache
def _to_make() -> sa.Select[Any]:
    missing = holds.c.units - _asked_of(holds.c.hold_id)
    given_up = sa.exists().where(layaways.c.hold_id == holds.c.hold_id, _FOR_GOOD)
    return (
        sa.select(holds.c.hold_id, links.c.item_id, missing.label("units"))
        .join(links, sa.and_(links.c.inventory_item_id == holds.c.inventory_item_id, CONFIRMED))
        .where(holds.c.ended_at.is_(None), holds.c.created_at <= _at("ripe"), holds.c.expires_at > _at("rest"))
        .where(missing > 0, sa.not_(given_up))
        .order_by(holds.c.created_at, holds.c.hold_id)
        .limit(1)
    )


@cache
def _to_end(*, keeping: bool) -> sa.Select[Any]:
    held = layaways.c.state == LayawayState.HELD.value
    fits = _asked_of(layaways.c.hold_id) <= holds.c.units
    active = sa.and_(holds.c.ended_at.is_(None), holds.c.expires_at > _at("now"), fits)
    to_book = sa.and_(
        holds.c.ending == Ending.CONSUMED.value,
        holds.c.ended_at > _at("late"),
        orders.c.state.in_([state.value for state in UNBOOKED]),
    )
    wanted = sa.func.coalesce(sa.or_(active, to_book), sa.false())
    unanswered = sa.and_(layaways.c.state == LayawayState.LEAVING.value, layaways.c.sent_at <= _at("again"))
    select = (
        sa.select(layaways)
        .outerjoin(holds, holds.c.hold_id == layaways.c.hold_id)
        .outerjoin(orders, orders.c.order_id == holds.c.order_id)
    )
    unwanted = sa.and_(held, sa.not_(wanted)) if keeping else held
    return select.where(_STANDS, sa.or_(unanswered, unwanted)).order_by(layaways.c.sent_at).limit(1)


@cache
def _standing() -> sa.Select[Any]:
    return sa.select(layaways).where(_STANDS).order_by(layaways.c.layaway_id)


@cache
def _confirmations() -> sa.Select[Any]:
    newest = (sa.select(sa.func.coalesce(sa.func.max(layaways.c[name]), 0)) for name in ("held_n", "gone_n"))
    return sa.select(*(each.scalar_subquery() for each in newest))


@cache
def _matters() -> sa.Select[Any]:
    return sa.select(sa.or_(sa.exists().where(_STANDS), sa.exists().where(layaways.c.changed_at >= _at("recent"))))


def _kept_where(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    units, shown = sa.func.sum(layaways.c.units), sa.func.max(item_stock.c.on_layaway)
    return (
        sa.select(layaways.c.item_id, sa.case((shown < units, shown), else_=units))
        .outerjoin(item_stock, item_stock.c.item_id == layaways.c.item_id)
        .where(one_of(layaways.c.item_id), layaways.c.lowers == sa.true(), layaways.c.held_n.is_not(None), *conditions)
        .group_by(layaways.c.item_id)
    )


@cache
def _kept() -> sa.Select[Any]:
    return _kept_where(layaways.c.gone_n.is_(None))


@cache
def _kept_before() -> sa.Select[Any]:
    confirmed = sa.bindparam("confirmed", type_=sa.Integer)
    gone_later = sa.or_(layaways.c.gone_n.is_(None), layaways.c.gone_n > confirmed)
    return _kept_where(layaways.c.held_n <= confirmed, gone_later)


@cache
def _unsettled() -> sa.Select[Any]:
    confirmed = sa.bindparam("confirmed", type_=sa.Integer)
    line = layaways.c
    in_doubt = line.state.in_((LayawayState.ASKED.value, LayawayState.LEAVING.value))
    later = sa.or_(line.held_n > confirmed, line.gone_n > confirmed)
    stale = sa.and_(line.changed_at >= _at("recent"), item_stock.c.time_stamp < line.row_due_at)
    return (
        sa.select(line.item_id)
        .distinct()
        .outerjoin(item_stock, item_stock.c.item_id == line.item_id)
        .where(one_of(line.item_id), line.lowers == sa.true(), sa.or_(in_doubt, later, stale))
    )


_ROW = ("layaway_id", "hold_id", "item_id", "asked", "units", "line_id", "sent_at", "misses")


def _mirrored(row: Mapping[Any, Any]) -> Mirrored:
    return Mirrored(**{name: row[name] for name in _ROW}, state=LayawayState(row["state"]))
