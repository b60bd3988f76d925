"""What is on record about differences that wait for a person: orders, writes, earlier changes, who else writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sync.conflict_causes import TOGETHER, Evidence, OrderTrace, WriteTrace
from sync.second_writer import WINDOW, second_writers
from sync.storage.statements import CONFIRMED, batches, one_of
from sync.storage.tables import links, order_facts, order_lines, orders, stock_intents, variants
from sync.storage.tampering import tamperings

_BEFORE = timedelta(days=14)
_MOST = 6  # orders, writes and changes told of one link
_ON_ITS_WAY = "on its way"


def evidence_of(connection: sa.Connection, link_ids: Sequence[int]) -> Mapping[int, Evidence]:
    """Return the evidence of these links, those in quarantine alone, by link: of the time since and just before it."""
    found: dict[int, Evidence] = {}
    for batch in batches(link_ids):
        rows = connection.execute(_LINKS, {"ids": batch}).mappings().all()
        if rows:
            begin = min(row["quarantine_since"] for row in rows) - _BEFORE
            found.update((each.link_id, each) for each in _told(connection, rows, begin))
    return found


def _told(connection: sa.Connection, rows: Sequence[Mapping[Any, Any]], begin: datetime) -> Iterator[Evidence]:
    lately = tamperings(connection, begin)
    traces = _orders(connection, [row["inventory_item_id"] for row in rows], begin)
    writes = _writes(connection, [row["link_id"] for row in rows], begin)
    for row in rows:
        link_id, since = row["link_id"], row["quarantine_since"]
        own = [each for each in lately if each.link_id == link_id]
        near = {each.link_id for each in lately if abs(each.at - since) <= TOGETHER} - {link_id}
        yield Evidence(
            link_id=link_id,
            title=_title(row),
            since=since,
            linked_at=row["created_at"],
            units=row["quarantine_units"],
            drift=row["drift"] or 0,
            on_hand=row["seen_on_hand"] or 0,
            unseen=row["unseen"] or 0,
            orders=traces.get(row["inventory_item_id"], ())[:_MOST],
            writes=writes.get(link_id, ())[:_MOST],
            changes=own[::-1][:_MOST],
            together=len(near),
            writer=next(iter(second_writers(each for each in own if each.at >= since - WINDOW)), None),
        )


_LINK = (
    *("link_id", "inventory_item_id", "created_at", "quarantine_since", "quarantine_units"),
    *("drift", "seen_on_hand", "unseen"),
)
_LINKS = (
    sa.select(*(links.c[name] for name in _LINK), variants.c.product_title, variants.c.title)
    .select_from(links.outerjoin(variants, variants.c.variant_id == links.c.variant_id))
    .where(CONFIRMED, links.c.quarantine_since.is_not(None), one_of(links.c.link_id))
)


def _title(row: Mapping[Any, Any]) -> str:
    words = (row["product_title"], row["title"])
    return " ".join(word for word in words if word and word != "Default Title")


def _orders(connection: sa.Connection, item_ids: Sequence[str], since: datetime) -> Mapping[str, Sequence[OrderTrace]]:
    """Return the orders of each inventory item that changed since a moment, newest first."""
    fact, line = order_facts.c, order_lines.c
    first = (
        sa.select(fact.order_id, fact.inventory_item_id, sa.func.min(fact.recorded_at).label("known_at"))
        .where(fact.inventory_item_id.in_(item_ids))
        .group_by(fact.order_id, fact.inventory_item_id)
        .subquery()
    )
    same = sa.and_(first.c.order_id == line.order_id, first.c.inventory_item_id == line.inventory_item_id)
    select = (
        sa.select(
            line.inventory_item_id,
            orders.c.name,
            orders.c.created_at,
            orders.c.cancelled_at,
            orders.c.money,
            sa.type_coerce(first.c.known_at, orders.c.created_at.type).label("known_at"),
            sa.func.sum(line.placed).label("placed"),
            sa.func.sum(line.restocked).label("restocked"),
        )
        .select_from(order_lines.join(orders, orders.c.order_id == line.order_id).join(first, same))
        .where(line.inventory_item_id.in_(item_ids), orders.c.updated_at >= since)
        .group_by(line.inventory_item_id, orders.c.order_id, first.c.known_at)
        .order_by(orders.c.created_at.desc(), orders.c.order_id)
    )
    found: defaultdict[str, list[OrderTrace]] = defaultdict(list)
    for row in connection.execute(select).mappings():
        found[row["inventory_item_id"]].append(_order(row))
    return found


def _order(row: Mapping[Any, Any]) -> OrderTrace:
    given_back = row["cancelled_at"] is not None or (row["money"] or {}).get("net") == 0
    return OrderTrace(
        name=row["name"],
        created_at=row["created_at"],
        known_at=row["known_at"],
        units=int(row["placed"]),
        put_back=int(row["restocked"]),
        given_back=given_back,
    )


def _writes(connection: sa.Connection, link_ids: Sequence[int], since: datetime) -> Mapping[int, Sequence[WriteTrace]]:
    """Return the stock writes of each link since a moment, newest first."""
    intent = stock_intents.c
    select = sa.select(stock_intents).where(intent.link_id.in_(link_ids), intent.at >= since)
    found: defaultdict[int, list[WriteTrace]] = defaultdict(list)
    for row in connection.execute(select.order_by(intent.intent_id.desc())).mappings():
        found[row["link_id"]].append(
            WriteTrace(
                at=row["at"],
                before=row["before"],
                after=row["after"],
                on_hand=row["equation"]["L"],
                reason=row["verdict"],
                outcome=row["outcome"] or _ON_ITS_WAY,
            )
        )
    return found
