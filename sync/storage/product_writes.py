"""Product changes on record: what was to be written, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sync.cards import ProductCard
from sync.matching import sku_key
from sync.model import VariantRow
from sync.products import ChangeKind, Field, ProductChange, ProductOutcome, ProductResult, ProductWrite
from sync.storage.card_tables import product_cards, product_writes, variant_cards
from sync.storage.cards import keep_product_cards
from sync.storage.order_facts import unpark_orders
from sync.storage.statements import CONFIRMED, insert_all
from sync.storage.tables import links, variants
from sync.storage.touched import touch

_WRITE = product_writes.c
_UNANSWERED = _WRITE.outcome == ProductOutcome.UNANSWERED.value
_OPEN = sa.or_(_WRITE.outcome.is_(None), _UNANSWERED)


def intend(connection: sa.Connection, changes: Sequence[ProductChange], run_id: int, now: datetime) -> list[int]:
    """Record changes before anything of them is sent; return the writes' ids in the same order."""
    insert = sa.insert(product_writes).returning(_WRITE.write_id)
    return [int(connection.scalars(insert, _values(change, run_id, now)).one()) for change in changes]


def conclude(connection: sa.Connection, outcomes: Mapping[int, ProductResult], now: datetime) -> None:
    """Record what became of writes that are still on their way."""
    for write_id, result in outcomes.items():
        told = {"outcome": result.outcome.value, "outcome_at": now, "code": result.code, "detail": result.detail}
        change = sa.update(product_writes).where(_WRITE.write_id == write_id, _WRITE.outcome.is_(None))
        connection.execute(change.values(**told, made=result.made))


def settle(connection: sa.Connection, outcomes: Mapping[int, ProductOutcome], now: datetime) -> None:
    """Record what a later reading has shown of unanswered writes; whoever sent one on its way tells its end."""
    for write_id, outcome in outcomes.items():
        change = sa.update(product_writes).where(_WRITE.write_id == write_id, _UNANSWERED)
        connection.execute(change.values(outcome=outcome.value, outcome_at=now))


def interrupt(connection: sa.Connection, now: datetime) -> None:
    """Mark the writes that an earlier process left on their way as unanswered."""
    change = sa.update(product_writes).where(_WRITE.outcome.is_(None))
    connection.execute(change.values(outcome=ProductOutcome.UNANSWERED.value, outcome_at=now))


def unanswered(connection: sa.Connection) -> Sequence[ProductWrite]:
    """Return the writes of which nobody knows what became, those on their way among them, oldest first."""
    return _read(connection, sa.select(product_writes).where(_OPEN).order_by(_WRITE.write_id))


def writes_of(connection: sa.Connection, sku: str, limit: int) -> Sequence[ProductWrite]:
    """Return the product writes of one SKU, and those of the product that it is a variant of, newest first."""
    key = sku_key(sku)
    products = (
        sa.select(variants.c.product_id)
        .join_from(variants, links, links.c.variant_id == variants.c.variant_id)
        .where(links.c.sku_key == key)
    )
    chosen = either_way(key, connection.scalars(products.distinct()).all())
    return _read(connection, chosen.order_by(_WRITE.write_id.desc()).limit(limit))


def either_way(key: str, product_ids: Sequence[str]) -> sa.Select[Any]:
    """Return the query for the writes of a SKU's key and of products, changed or made; each way has its index."""
    made = sa.and_(_WRITE.made != "", _WRITE.made.in_(product_ids))  # the index has no others
    return sa.select(product_writes).where(sa.or_(_WRITE.sku_key == key, _WRITE.subject.in_(product_ids), made))


def writes_in(connection: sa.Connection, run_id: int) -> Sequence[ProductWrite]:
    """Return the product writes of one run, in the order they were made."""
    return _read(connection, sa.select(product_writes).where(_WRITE.run_id == run_id).order_by(_WRITE.write_id))


def keep_card(connection: sa.Connection, card: ProductCard, now: datetime) -> None:
    """Keep what a product has become by a write."""
    keep_product_cards(connection, [card], now)


def keep_status(connection: sa.Connection, product_id: str, status: str, now: datetime) -> None:
    """Keep what a product's status has become by a write."""
    of_variants = sa.update(variants).where(variants.c.product_id == product_id)
    connection.execute(of_variants.values(product_status=status, read_at=now))
    card = sa.update(product_cards).where(product_cards.c.product_id == product_id)
    connection.execute(card.values(status=status, read_at=now))


def keep_prices(connection: sa.Connection, cents: Mapping[str, int], now: datetime) -> None:
    """Keep what the prices of variants have become by a write."""
    for variant_id, price in cents.items():
        change = sa.update(variant_cards).where(variant_cards.c.variant_id == variant_id)
        connection.execute(change.values(price=price, read_at=now))


def link_made(connection: sa.Connection, made: Mapping[str, VariantRow], now: datetime) -> int:
    """Link items, by id, to the variants made of them; return how many links are new.

    They begin in step: at 0 on both sides, so that their stock comes by the ordinary rules, and is no drift.
    An item or a variant that is linked already stays as it is.
    """
    gids = [variant.inventory_item_id for variant in made.values()]
    either = sa.or_(links.c.item_id.in_(list(made)), links.c.inventory_item_id.in_(gids))
    taken = connection.execute(sa.select(links.c.item_id, links.c.inventory_item_id).where(CONFIRMED, either))
    known = {gid for row in taken for gid in row}
    fresh = {item_id: row for item_id, row in made.items() if known.isdisjoint((item_id, row.inventory_item_id))}
    insert_all(connection, links, [_link(item_id, variant, now) for item_id, variant in fresh.items()])
    touch(connection, item_ids=list(fresh))
    unpark_orders(connection, [variant.inventory_item_id for variant in fresh.values()], now)
    return len(fresh)


def _link(item_id: str, variant: VariantRow, now: datetime) -> dict[str, Any]:
    return {
        "state": "confirmed",
        "item_id": item_id,
        "variant_id": variant.variant_id,
        "inventory_item_id": variant.inventory_item_id,
        "sku": variant.sku,
        "sku_key": sku_key(variant.sku),
        "reason": "made of it",
        "created_at": now,
        "due": True,
        "base": 0,
    }


def _values(change: ProductChange, run_id: int, now: datetime) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "key": change.key,
        "kind": change.kind.value,
        "sku": change.sku,
        "sku_key": sku_key(change.sku),
        "subject": change.subject,
        "field": change.field.value,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
        "at": now,
    }


def _read(connection: sa.Connection, select: sa.Select[Any]) -> list[ProductWrite]:
    return [as_write(row) for row in connection.execute(select).mappings()]


def as_write(row: Mapping[Any, Any]) -> ProductWrite:
    """Return a row as the write it is of."""
    change = ProductChange(
        key=row["key"],
        kind=ChangeKind(row["kind"]),
        sku=row["sku"],
        subject=row["subject"],
        field=Field(row["field"]),
        before=row["before"],
        after=row["after"],
        reason=row["reason"],
        points=0,
    )
    outcome = None if row["outcome"] is None else ProductOutcome(row["outcome"])
    told = {name: row[name] for name in ("write_id", "run_id", "at", "outcome_at", "code", "detail", "made")}
    return ProductWrite(change=change, outcome=outcome, **told)
