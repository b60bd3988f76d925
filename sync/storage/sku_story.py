"""What the record tells of one SKU until a moment: its writes, who asked for them, its orders, people's words on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sync.matching import sku_key
from sync.model import FactKind
from sync.products import ProductWrite
from sync.records import Change
from sync.rollback_ports import Asked, Held
from sync.storage import product_writes, writes
from sync.storage.rollback import asked_of, held_rows
from sync.storage.tables import held_links, links, order_facts, orders, quarantine

MOST = 50  # changes, newest first
_ORDERS = 20


@dataclass(frozen=True, slots=True)
class OrderPart:
    """What one order took of a SKU, less what it gave back."""

    name: str
    placed_at: datetime
    units: int
    state: str  # how far its booking is now
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Word:
    """A difference that nothing explained, and a person's word on it; `decision` None: none by then."""

    opened_at: datetime
    units: int
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    resolution: str | None


@dataclass(frozen=True, slots=True)
class SkuStory:
    """All of it, newest first; `taken` are the units that all orders took by then."""

    changes: Sequence[Change]
    products: Sequence[ProductWrite]
    asked: Mapping[int, Asked]  # by run
    orders: Sequence[OrderPart]
    taken: int
    words: Sequence[Word]
    held: Sequence[Held]


def story_of(connection: sa.Connection, sku: str, until: datetime | None = None) -> SkuStory:
    """Return what is on record of a SKU, ended links included; `until`: as it was known at that moment."""
    changes = writes.changes_of(connection, sku, MOST, until)
    products = [each for each in product_writes.writes_of(connection, sku, MOST) if until is None or each.at <= until]
    parts = _orders(connection, sku, until)
    return SkuStory(
        changes=changes,
        products=products,
        asked=asked_of(connection, [each.run_id for each in changes] + [each.run_id for each in products]),
        orders=[each for each in parts if each.units][:_ORDERS],
        taken=sum(each.units for each in parts),
        words=_words(connection, sku, until),
        held=_held(connection, sku, until),
    )


def _orders(connection: sa.Connection, sku: str, until: datetime | None) -> list[OrderPart]:
    fact, order = order_facts.c, orders.c
    mine = sa.select(links.c.inventory_item_id).where(links.c.sku_key == sku_key(sku), links.c.state == "confirmed")
    signed = sa.case(
        (fact.kind == FactKind.PLACED.value, fact.units), (fact.kind == FactKind.RESTOCKED.value, -fact.units), else_=0
    )
    select = (
        sa.select(order.name, order.created_at, order.state, order.cancelled_at, sa.func.sum(signed).label("units"))
        .join_from(order_facts, orders, order.order_id == fact.order_id)
        .where(fact.inventory_item_id.in_(mine))
        .group_by(order.order_id, order.name, order.created_at, order.state, order.cancelled_at)
        .order_by(order.created_at.desc())
    )
    if until is not None:
        select = select.where(fact.at <= until)
    return [
        OrderPart(row.name, row.created_at, int(row.units), row.state, row.cancelled_at is not None)
        for row in connection.execute(select)
    ]


def _words(connection: sa.Connection, sku: str, until: datetime | None) -> list[Word]:
    row = quarantine.c
    select = sa.select(quarantine).join_from(quarantine, links).where(links.c.sku_key == sku_key(sku))
    if until is not None:
        select = select.where(row.opened_at <= until)
    found = connection.execute(select.order_by(row.quarantine_id.desc()).limit(MOST)).mappings()
    return [_word(each, until) for each in found]


def _word(row: Mapping[Any, Any], until: datetime | None) -> Word:
    """Return a word as it stood; what was said later was not said yet."""
    later = until is not None and row["decided_at"] is not None and row["decided_at"] > until
    open_still = until is not None and (row["closed_at"] is None or row["closed_at"] > until)
    said = {name: None if later else row[name] for name in ("decision", "decided_by", "decided_at")}
    return Word(row["opened_at"], row["units"], **said, resolution=None if open_still else row["resolution"])


def _held(connection: sa.Connection, sku: str, until: datetime | None) -> Sequence[Held]:
    which = links.c.sku_key == sku_key(sku)
    if until is not None:
        which = sa.and_(which, held_links.c.since <= until)
    return list(reversed(held_rows(connection, which)))
