"""Ends holds as consumed where what they hold was ordered, in the transaction that takes in the order.

A consumed hold goes on counting until its link's target leaves its units out: see `hold_rows.cover`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.reservations import Ending, Hold, cart_digest, covering
from sync.storage.hold_rows import ACTIVE, hold_of
from sync.storage.statements import CONFIRMED, one_of
from sync.storage.tables import holds, links
from sync.storage.touched import touch


@dataclass(frozen=True, slots=True)
class Placed:
    """What is new of an order: units by inventory item."""

    order_id: str
    created_at: datetime
    cart_token: str
    units: Mapping[str, int]


def consume(connection: sa.Connection, orders: Sequence[Placed], now: datetime) -> None:
    """End the holds that these orders were made of; their links must have been made due before."""
    items = sorted({item for order in orders for item in order.units})
    found = connection.execute(_active(), {"ids": items, "now": now}).mappings().all() if items else []
    active = {row["hold_id"]: hold_of(row) for row in found}
    if not active:
        return
    consumed: dict[str, str] = {}
    for order in orders:
        for hold in held_for(order, list(active.values())):
            consumed[hold.hold_id] = order.order_id
            del active[hold.hold_id]
    if consumed:
        _end(connection, consumed, [row for row in found if row["hold_id"] in consumed], now)


def held_for(order: Placed, active: Sequence[Hold]) -> Sequence[Hold]:
    """Return the holds that an order was made of: its cart's, else those without a cart that are most likely."""
    cart = cart_digest(order.cart_token)
    own = [hold for hold in active if hold.cart == cart and hold.inventory_item_id in order.units] if cart else []
    if own:
        return own
    chosen: list[Hold] = []
    for item, units in order.units.items():
        loose = [
            hold
            for hold in active
            if not hold.cart and hold.inventory_item_id == item and hold.created_at <= order.created_at
        ]
        chosen += covering(loose, units)
    return chosen


def _end(connection: sa.Connection, consumed: Mapping[str, str], rows: Sequence[Any], now: datetime) -> None:
    asked = {"ids": sorted({row["inventory_item_id"] for row in rows})}
    link = {row.inventory_item_id: row for row in connection.execute(_links(), asked)}
    values = []
    for row in rows:
        known = link.get(row["inventory_item_id"])
        values.append(
            {
                "consumed_hold": row["hold_id"],
                "new_order_id": consumed[row["hold_id"]],
                "new_ended_at": now,
                "new_link_id": row["link_id"] if known is None else known.link_id,
                "new_marks": None if known is None else known.marks,
                "new_counts": known is not None,  # without a link nothing is promised, and nothing evaluated
            }
        )
    connection.execute(_consume(), values)
    touch(connection, hold_ids=consumed)


# --- statements, made once: making one takes longer than running it ---


@cache
def _active() -> sa.Select[Any]:
    lasting = holds.c.expires_at > sa.bindparam("now", type_=holds.c.expires_at.type)
    select = sa.select(holds).where(ACTIVE, lasting, holds.c.counts == sa.true(), one_of(holds.c.inventory_item_id))
    return select.order_by(holds.c.hold_id).with_for_update()


@cache
def _links() -> sa.Select[Any]:
    select = sa.select(links.c.inventory_item_id, links.c.link_id, links.c.marks)
    return select.where(CONFIRMED, one_of(links.c.inventory_item_id))


@cache
def _consume() -> sa.Update:
    names = ("order_id", "ended_at", "link_id", "marks", "counts")
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}", type_=holds.c[name].type) for name in names}
    values |= {"ending": Ending.CONSUMED.value, "cart": "", "client": ""}
    return sa.update(holds).where(holds.c.hold_id == sa.bindparam("consumed_hold"), ACTIVE).values(values)
