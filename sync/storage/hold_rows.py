"""What becomes of holds in one transaction: wishes carried out, expiry written down, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.hold_book import VARIANT, Answer, HoldBook, Sellable, Wish
from sync.matching import sku_key
from sync.reservations import (
    Asked,
    Ending,
    Hold,
    HoldLimits,
    HoldStanding,
    cart_digest,
    digest,
)
from sync.storage.statements import CONFIRMED, insert_all, one_of
from sync.storage.tables import holds, levels, links
from sync.storage.touched import touch

_LATELY = timedelta(hours=1)  # within which made holds are looked at whether they were ordered
_HOLD = tuple(each.name for each in fields(Hold))
COUNTS = holds.c.counts == sa.true()
ACTIVE = holds.c.ended_at.is_(None)

_LESSER = sa.case((levels.c.available < links.c.target, levels.c.available), else_=links.c.target)
SELLABLE = sa.case((sa.or_(_LESSER < 0, sa.not_(levels.c.active)), 0), else_=_LESSER)
"""What can be sold of a link that is joined with its level: as many as both Shopify and the target say."""


def carry_out(
    connection: sa.Connection, wishes: Sequence[Wish], limits: HoldLimits, new_id: Callable[[], str]
) -> Sequence[Answer]:
    """Carry out wishes in turn; expiry is judged at the latest of their moments."""
    if not wishes:
        return []
    now = max(wish.now for wish in wishes)
    known = _named(connection, [wish.hold_id for wish in wishes if not isinstance(wish, Asked)])
    asked = [wish for wish in wishes if isinstance(wish, Asked)]
    items = _sellable(connection, asked, [hold.inventory_item_id for hold in known])
    counted = _counted(connection, [item.inventory_item_id for item in items], now)
    concerned = _of_visitors(
        connection,
        carts={cart_digest(wish.cart) for wish in asked} | {hold.cart for hold in known},
        clients={digest(wish.client) for wish in asked} | {hold.client for hold in known},
    )
    found = {hold.hold_id: hold for hold in (*known, *concerned)}
    book = HoldBook(items, counted, found.values(), now=now, limits=limits, new_id=new_id)
    answers = [book.carry_out(wish) for wish in wishes]
    _store(connection, book)
    return answers


def anything_over(connection: sa.Connection, now: datetime) -> bool:
    """Tell whether `expire` has anything to write down."""
    return bool(connection.scalar(_anything_over(), {"now": now}))


def expire(connection: sa.Connection, now: datetime) -> int:
    """Write down what has expired by `now`; return how many holds that are.

    A consumed hold whose link has ended is told to count no more: no evaluation will ever say so.
    """
    gone = connection.scalars(_expire(), {"now": now}).all()
    orphaned = connection.scalars(_orphaned()).all()
    touch(connection, hold_ids=[*gone, *orphaned])
    return len(gone)


def cover(connection: sa.Connection, marks: Mapping[int, int]) -> None:
    """Let consumed holds count no more whose orders an evaluation knows of; `marks` as handed out to it, by link."""
    waiting = connection.execute(_UNCOVERED, {"ids": sorted(marks)}).all() if marks else ()
    done = [row.hold_id for row in waiting if row.marks <= marks.get(row.link_id, -1)]
    if done:
        connection.execute(_cover(), {"ids": done})
        touch(connection, hold_ids=done)


def standing(connection: sa.Connection, now: datetime) -> HoldStanding:
    """Return how reservations stand."""
    row = connection.execute(_standing(), {"now": now, "since": now - _LATELY}).one()
    return HoldStanding(*(int(value or 0) for value in row))


def active_of(connection: sa.Connection, sku: str, now: datetime) -> Sequence[Hold]:
    """Return the active holds of a SKU, the oldest first."""
    linked = sa.select(links.c.inventory_item_id).where(CONFIRMED, links.c.sku_key == sku_key(sku))
    chosen = sa.and_(ACTIVE, holds.c.expires_at > now, holds.c.inventory_item_id.in_(linked))
    select = sa.select(holds).where(chosen).order_by(holds.c.created_at, holds.c.hold_id)
    return [hold_of(row) for row in connection.execute(select).mappings()]


def hold_of(row: Mapping[Any, Any]) -> Hold:
    """Return the hold that a row of the table holds."""
    ending = row["ending"]
    return Hold(**{name: row[name] for name in _HOLD} | {"ending": None if ending is None else Ending(ending)})


def _named(connection: sa.Connection, hold_ids: Sequence[str]) -> Sequence[Hold]:
    if not hold_ids:
        return []
    return [hold_of(row) for row in connection.execute(_by_id(), {"ids": hold_ids}).mappings()]


def _sellable(
    connection: sa.Connection, asked: Sequence[Asked], inventory_item_ids: Sequence[str]
) -> Sequence[Sellable]:
    values = {
        "items": [wish.item_id for wish in asked if wish.item_id is not None],
        "variants": [VARIANT + wish.variant_id for wish in asked if wish.variant_id is not None],
        "inventory_items": inventory_item_ids,
    }
    return [
        Sellable(row.link_id, row.item_id, row.variant_id, row.inventory_item_id, row.units)
        for row in connection.execute(_items(), values)
    ]


def _counted(connection: sa.Connection, inventory_item_ids: Sequence[str], now: datetime) -> dict[str, int]:
    found = connection.execute(_units(), {"ids": inventory_item_ids, "now": now})
    return {item: int(units) for item, units in found}


def _of_visitors(connection: sa.Connection, carts: set[str], clients: set[str]) -> Sequence[Hold]:
    """Return the active holds of these carts and clients; some may come twice."""
    found: list[Hold] = []
    for name, known in (("cart", carts), ("client", clients)):
        if ids := sorted(known - {""}):
            found += [hold_of(row) for row in connection.execute(_active_by(name), {"ids": ids}).mappings()]
    return found


def _store(connection: sa.Connection, book: HoldBook) -> None:
    rows = [(hold, _values(hold)) for hold in book.touched]
    # What ended goes first: a cart may have let go of an item and taken it again.
    known = [
        row for hold, row in sorted(rows, key=lambda each: each[0].ended_at is None) if hold.hold_id not in book.new
    ]
    if known:
        connection.execute(_update(), [{f"new_{name}": value for name, value in row.items()} for row in known])
    insert_all(connection, holds, [row for hold, row in rows if hold.hold_id in book.new])
    touch(connection, hold_ids=[hold.hold_id for hold, _ in rows])


def _values(hold: Hold) -> dict[str, Any]:
    values = {name: getattr(hold, name) for name in _HOLD}
    ending = None if hold.ending is None else hold.ending.value
    return values | {"ending": ending, "counts": hold.ended_at is None}


# --- statements, made once: making one takes longer than running it ---

_CONSUMED = sa.and_(COUNTS, holds.c.marks.is_not(None))
"""Holds that count though they were consumed: few at any time, and found by an index of their own."""
_UNCOVERED = sa.select(holds.c.hold_id, holds.c.link_id, holds.c.marks).where(_CONSUMED, one_of(holds.c.link_id))


@cache
def _standing() -> sa.Select[Any]:
    now, since = (sa.bindparam(name, type_=holds.c.expires_at.type) for name in ("now", "since"))
    active = sa.and_(ACTIVE, holds.c.expires_at > now)
    made = sa.and_(holds.c.created_at > since, holds.c.expires_at > holds.c.created_at)  # others stand in for orders
    chosen = (active, made, sa.and_(made, holds.c.ending == Ending.CONSUMED.value))
    counts = [sa.func.sum(sa.case((condition, 1), else_=0)) for condition in chosen]
    units = sa.func.sum(sa.case((active, holds.c.units), else_=0))
    recent = sa.and_(ACTIVE, holds.c.expires_at > since)
    return sa.select(counts[0], units, *counts[1:]).where(sa.or_(recent, holds.c.ended_at > since))


@cache
def _by_id() -> sa.Select[Any]:
    return sa.select(holds).where(one_of(holds.c.hold_id)).order_by(holds.c.hold_id).with_for_update()


@cache
def _items() -> sa.Select[Any]:
    """Find what is on the shelf by any of its ids. Nobody changes it meanwhile: every writer waits for its turn."""
    names = {"items": links.c.item_id, "variants": links.c.variant_id, "inventory_items": links.c.inventory_item_id}
    asked = [column.in_(sa.bindparam(name, expanding=True)) for name, column in names.items()]
    return (
        sa.select(
            links.c.link_id, links.c.item_id, links.c.variant_id, links.c.inventory_item_id, SELLABLE.label("units")
        )
        .join_from(links, levels, levels.c.inventory_item_id == links.c.inventory_item_id)
        .where(CONFIRMED, links.c.target.is_not(None), sa.or_(*asked))
        .order_by(links.c.link_id)
    )


@cache
def _units() -> sa.Select[Any]:
    now = sa.bindparam("now", type_=holds.c.expires_at.type)
    lasting = sa.or_(holds.c.ended_at.is_not(None), holds.c.expires_at > now)
    item = holds.c.inventory_item_id
    return sa.select(item, sa.func.sum(holds.c.units)).where(one_of(item), COUNTS, lasting).group_by(item)


@cache
def _active_by(name: str) -> sa.Select[Any]:
    """Find active holds by cart or client, each by an index of its own, which an OR would keep SQLite from using."""
    known = sa.and_(holds.c[name] != sa.literal_column("''"), one_of(holds.c[name]))
    return sa.select(holds).where(ACTIVE, known).order_by(holds.c.hold_id).with_for_update()


@cache
def _update() -> sa.Update:
    names: Iterable[str] = (*(name for name in _HOLD if name != "hold_id"), "counts")
    values = {name: sa.bindparam(f"new_{name}", type_=holds.c[name].type) for name in names}
    return sa.update(holds).where(holds.c.hold_id == sa.bindparam("new_hold_id"), ACTIVE).values(values)


def _over() -> sa.ColumnElement[bool]:
    return sa.and_(ACTIVE, holds.c.expires_at <= sa.bindparam("now", type_=holds.c.expires_at.type))


def _without_link() -> sa.ColumnElement[bool]:
    live = sa.exists().where(links.c.link_id == holds.c.link_id, CONFIRMED)
    return sa.and_(_CONSUMED, sa.not_(live))


@cache
def _anything_over() -> sa.Select[Any]:
    found = [sa.exists(sa.select(holds.c.hold_id).where(each)) for each in (_over(), _without_link())]
    return sa.select(sa.or_(*found))


@cache
def _expire() -> sa.Executable:
    end = {"ended_at": holds.c.expires_at, "ending": Ending.EXPIRED.value, "counts": sa.false()}
    change = sa.update(holds).where(_over()).values(**end, cart="", client="")
    return change.returning(holds.c.hold_id)


@cache
def _orphaned() -> sa.Executable:
    return sa.update(holds).where(_without_link()).values(counts=sa.false()).returning(holds.c.hold_id)


@cache
def _cover() -> sa.Update:
    return sa.update(holds).where(one_of(holds.c.hold_id)).values(counts=sa.false())
