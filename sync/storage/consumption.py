"""Ends holds as consumed where what they hold was ordered, in the transaction that takes in the order.

Whatever was ordered counts until its link's target leaves it out: see `hold_rows.cover`. For units that no hold had,
a row stands in: a hold that lasted no time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.reservations import Ending, Hold, cart_digest, covering, digest
from sync.storage.hold_rows import ACTIVE, hold_of
from sync.storage.statements import CONFIRMED, insert_all, one_of
from sync.storage.tables import holds, links
from sync.storage.touched import touch


@dataclass(frozen=True, slots=True)
class Placed:
    """What is new of an order: units by inventory item."""

    order_id: str
    created_at: datetime
    cart_token: str
    units: Mapping[str, int]


@dataclass(slots=True)
class Consumption:
    """What some orders make of active holds: those `ended`, by id with their orders; those with fewer units by now.

    `uncovered` are units that were ordered and that no ended hold counts, by order and inventory item.
    """

    active: dict[str, Hold]
    ended: dict[str, tuple[Hold, str]] = field(default_factory=dict)
    lessened: set[str] = field(default_factory=set)
    uncovered: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, order: Placed, shopping: Collection[str]) -> None:
        """Take in an order; `shopping` are the carts that hold anything."""
        rest = dict(order.units)
        for hold, units in held_for(order, list(self.active.values()), shopping):
            if units < hold.units:
                self.active[hold.hold_id] = replace(hold, units=hold.units - units)
                self.lessened.add(hold.hold_id)
                continue
            rest[hold.inventory_item_id] -= units
            self.ended[hold.hold_id] = (self.active.pop(hold.hold_id), order.order_id)
            self.lessened.discard(hold.hold_id)
        self.uncovered |= {(order.order_id, item): units for item, units in rest.items() if units > 0}


def consume(connection: sa.Connection, orders: Sequence[Placed], now: datetime) -> None:
    """End the holds that these orders were made of; their links must have been made due before."""
    items = sorted({item for order in orders for item in order.units})
    if not items:
        return
    found = [hold_of(row) for row in connection.execute(_active(), {"ids": items, "now": now}).mappings()]
    done = Consumption({hold.hold_id: hold for hold in found})
    shopping = _shopping(connection, orders, now) if found else set()
    for order in orders:
        done.take(order, shopping)
    _store(connection, done, now)


def held_for(order: Placed, active: Sequence[Hold], shopping: Collection[str]) -> Sequence[tuple[Hold, int]]:
    """Return the holds that an order was made of, each with how many of its units: its cart's whole, as that is over.

    A cart that holds nothing at all is likely one of a script that sends no token: its order takes the units of those
    without a cart that are most likely.
    """
    cart = cart_digest(order.cart_token)
    if cart in shopping:
        own = [hold for hold in active if hold.cart == cart and hold.inventory_item_id in order.units]
        return [(hold, hold.units) for hold in own]
    chosen: list[tuple[Hold, int]] = []
    for item, units in order.units.items():
        loose = [
            hold
            for hold in active
            if not hold.cart and hold.inventory_item_id == item and hold.created_at <= order.created_at
        ]
        chosen += covering(loose, units)
    return chosen


def _shopping(connection: sa.Connection, orders: Sequence[Placed], now: datetime) -> set[str]:
    """Return which of the orders' carts hold anything."""
    carts = sorted({cart_digest(order.cart_token) for order in orders} - {""})
    return set(connection.scalars(_carts(), {"ids": carts, "now": now})) if carts else set()


def _store(connection: sa.Connection, done: Consumption, now: datetime) -> None:
    items = {hold.inventory_item_id for hold, _ in done.ended.values()} | {item for _, item in done.uncovered}
    found = connection.execute(_links(), {"ids": sorted(items)}) if items else ()
    link = {row.inventory_item_id: row for row in found}
    ended = [_ended(hold, order_id, link.get(hold.inventory_item_id), now) for hold, order_id in done.ended.values()]
    if ended:
        connection.execute(_consume(), ended)
    if done.lessened:
        units = [{"lessened_hold": each, "new_units": done.active[each].units} for each in sorted(done.lessened)]
        connection.execute(_lessen(), units)
    # Without a link nothing is promised, and nothing evaluated.
    told = [_stand_in(key, units, link[key[1]], now) for key, units in done.uncovered.items() if key[1] in link]
    insert_all(connection, holds, told)
    touch(connection, hold_ids=[*done.ended, *done.lessened, *(row["hold_id"] for row in told)])


def _ended(hold: Hold, order_id: str, link: sa.Row[Any] | None, now: datetime) -> dict[str, Any]:
    return {
        "consumed_hold": hold.hold_id,
        "new_units": hold.units,
        "new_order_id": order_id,
        "new_ended_at": now,
        "new_link_id": hold.link_id if link is None else link.link_id,
        "new_marks": None if link is None else link.marks,
        "new_counts": link is not None,
    }


def _stand_in(key: tuple[str, str], units: int, link: sa.Row[Any], now: datetime) -> dict[str, Any]:
    """Return the row of ordered units that no hold had."""
    order_id, item = key
    return {
        # its own each time, as the order has made its link due; it needs no secret, having ended
        "hold_id": digest(f"{order_id} {item} {link.link_id} {link.marks}"),
        "link_id": link.link_id,
        "inventory_item_id": item,
        "units": units,
        "cart": "",
        "client": "",
        "created_at": now,
        "expires_at": now,
        "renewed": False,
        "ended_at": now,
        "ending": Ending.CONSUMED.value,
        "order_id": order_id,
        "counts": True,
        "marks": link.marks,
    }


# --- statements, made once: making one takes longer than running it ---


@cache
def _active() -> sa.Select[Any]:
    lasting = holds.c.expires_at > sa.bindparam("now", type_=holds.c.expires_at.type)
    select = sa.select(holds).where(ACTIVE, lasting, holds.c.counts == sa.true(), one_of(holds.c.inventory_item_id))
    return select.order_by(holds.c.hold_id).with_for_update()


@cache
def _carts() -> sa.Select[Any]:
    lasting = holds.c.expires_at > sa.bindparam("now", type_=holds.c.expires_at.type)
    known = sa.and_(holds.c.cart != sa.literal_column("''"), one_of(holds.c.cart))
    return sa.select(holds.c.cart).distinct().where(ACTIVE, lasting, known)


@cache
def _links() -> sa.Select[Any]:
    select = sa.select(links.c.inventory_item_id, links.c.link_id, links.c.marks)
    return select.where(CONFIRMED, one_of(links.c.inventory_item_id))


@cache
def _consume() -> sa.Update:
    names = ("units", "order_id", "ended_at", "link_id", "marks", "counts")
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}", type_=holds.c[name].type) for name in names}
    values |= {"ending": Ending.CONSUMED.value, "cart": "", "client": ""}
    return sa.update(holds).where(holds.c.hold_id == sa.bindparam("consumed_hold"), ACTIVE).values(values)


@cache
def _lessen() -> sa.Update:
    units = sa.bindparam("new_units", type_=holds.c.units.type)
    return sa.update(holds).where(holds.c.hold_id == sa.bindparam("lessened_hold"), ACTIVE).values(units=units)
