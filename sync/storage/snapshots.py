"""What was last read on both sides: kept once, and every link it concerns made due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.matching import sku_key
from sync.model import ItemRow, LevelRow, StockRow, VariantRow
from sync.storage.cards import forget_variant_cards, keep_item_cards, keep_variant_cards
from sync.storage.statements import CONFIRMED, mark_due, one_of, upsert
from sync.storage.tables import item_stock, items, levels, links, variants
from sync.storage.touched import touch

_ITEM = tuple(field.name for field in fields(ItemRow) if field.name not in ("stock", "card"))
_VARIANT = tuple(field.name for field in fields(VariantRow) if field.name not in ("level", "card"))
LEVEL = tuple(field.name for field in fields(LevelRow))
_STOCK = tuple(field.name for field in fields(StockRow))
# A level's own time moves with quantities that decide nothing here (incoming, on hand).
_LEVEL_MATTERS = tuple(name for name in LEVEL if name != "level_updated_at")
_VARIANT_MATTERS = ("inventory_item_id", "tracked", "product_status")


Change = tuple[dict[str, Any] | None, dict[str, Any]]
"""A row that differed: as it was, None if it is new, and as it is."""


def keep_stock(connection: sa.Connection, rows: Sequence[StockRow], read_at: datetime) -> set[str]:
    """Keep Lightspeed's stock; return the ids of the items whose quantity or timestamp differed."""
    changed = _changed(connection, item_stock, _STOCK, {row.item_id: _values(row, _STOCK) for row in rows}, read_at)
    ids = {new["item_id"] for old, new in changed if old is None or _differ(old, new, ("qoh", "time_stamp"))}
    mark_due(connection, links.c.item_id, sorted(ids))
    return ids


def keep_items(
    connection: sa.Connection, rows: Sequence[ItemRow], read_at: datetime, sku_fields: Sequence[str]
) -> set[str]:
    """Keep items and the stock rows and cards they carry; return the ids of those of which item or stock differed."""
    changed = _changed(connection, items, _ITEM, {row.item_id: _values(row, _ITEM) for row in rows}, read_at)
    archived = [new["item_id"] for _, new in changed if new["archived"]]
    _end(connection, links.c.item_id, archived, "archived in Lightspeed", read_at)
    for old, new in changed:
        if old is not None and _differ(old, new, sku_fields):
            _rename(connection, new, sku_fields)
    keep_item_cards(connection, [row.card for row in rows if row.card is not None], read_at)
    stock = keep_stock(connection, [row.stock for row in rows if row.stock is not None], read_at)
    return stock | {new["item_id"] for _, new in changed}


def keep_levels(connection: sa.Connection, rows: Sequence[LevelRow], read_at: datetime) -> set[str]:
    """Keep Shopify's levels; return the inventory item ids of those that differed in what decides."""
    changed = store_levels(connection, rows, read_at)
    ids = {new["inventory_item_id"] for old, new in changed if old is None or _differ(old, new, _LEVEL_MATTERS)}
    _look_again(connection, sorted(ids))
    return ids


def store_levels(connection: sa.Connection, rows: Sequence[LevelRow], read_at: datetime) -> list[Change]:
    """Keep levels without making anything due, as of rows that were just decided on."""
    return _changed(connection, levels, LEVEL, {row.inventory_item_id: _values(row, LEVEL) for row in rows}, read_at)


def keep_variants(connection: sa.Connection, rows: Sequence[VariantRow], read_at: datetime) -> set[str]:
    """Keep variants and the levels they carry; return the variant ids of those of which either differed."""
    changed = _changed(
        connection, variants, _VARIANT, {row.variant_id: _values(row, _VARIANT) for row in rows}, read_at
    )
    matters = {new["inventory_item_id"] for old, new in changed if old is None or _differ(old, new, _VARIANT_MATTERS)}
    _look_again(connection, sorted(matters))
    keep_variant_cards(connection, [row.card for row in rows if row.card is not None], read_at)
    moved = keep_levels(connection, [row.level for row in rows if row.level is not None], read_at)
    carrying = {row.variant_id for row in rows if row.inventory_item_id in moved}
    return carrying | {new["variant_id"] for _, new in changed}


def levels_kept(connection: sa.Connection, inventory_item_ids: Sequence[str]) -> Mapping[str, LevelRow]:
    """Return these items' levels as last read; those never read are missing."""
    rows = connection.execute(sa.select(levels).where(levels.c.inventory_item_id.in_(inventory_item_ids))).mappings()
    return {row["inventory_item_id"]: LevelRow(**{name: row[name] for name in LEVEL}) for row in rows}


def variants_kept(connection: sa.Connection, product_ids: Sequence[str]) -> Sequence[VariantRow]:
    """Return these products' variants as last read, in id order."""
    select = sa.select(variants).where(variants.c.product_id.in_(product_ids)).order_by(variants.c.variant_id)
    return [VariantRow(**{name: row[name] for name in _VARIANT}) for row in connection.execute(select).mappings()]


def look_again(connection: sa.Connection, inventory_item_ids: Sequence[str]) -> int:
    """Make the links of these items due as a change of their levels does; return how many confirmed links they have."""
    _look_again(connection, inventory_item_ids)
    linked = sa.select(sa.func.count()).select_from(links)
    chosen = linked.where(CONFIRMED, links.c.inventory_item_id.in_(inventory_item_ids))
    return int(connection.execute(chosen).scalar_one())


def retire_variants(connection: sa.Connection, variant_ids: Sequence[str], now: datetime) -> int:
    """Forget variants that were deleted in Shopify and end their links; return how many ended."""
    connection.execute(sa.delete(variants).where(variants.c.variant_id.in_(variant_ids)))
    forget_variant_cards(connection, variant_ids)
    return _end(connection, links.c.variant_id, variant_ids, "deleted in Shopify", now)


def level_of(row: Mapping[str, Any]) -> LevelRow | None:
    """Return the level among a row's columns; None where the outer join found none."""
    return None if row["level_updated_at"] is None else LevelRow(**{name: row[name] for name in LEVEL})


def _values(row: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _differ(old: Mapping[str, Any], new: Mapping[str, Any], names: Sequence[str]) -> bool:
    return any(old[name] != new[name] for name in names)


def _changed(
    connection: sa.Connection,
    table: sa.Table,
    names: Sequence[str],
    rows: Mapping[str, dict[str, Any]],
    read_at: datetime,
) -> list[Change]:
    """Store the rows (by id) that differ from what is known; return pairs of the old row, if any, and the new."""
    (key,) = table.primary_key
    found = connection.execute(_select(table, tuple(names)), {"ids": list(rows)}).mappings()
    known = {row[key.name]: dict(row) for row in found}
    pairs = [(known.get(id_), new) for id_, new in rows.items() if known.get(id_) != new]
    upsert(connection, table, [{**new, "read_at": read_at} for _, new in pairs])
    _touch(connection, table, [id_ for id_, new in rows.items() if known.get(id_) != new])
    return pairs


def _touch(connection: sa.Connection, table: sa.Table, ids: Sequence[str]) -> None:
    if table is levels:
        touch(connection, inventory_item_ids=ids)
    elif table is items:
        touch(connection, item_ids=ids)


@cache
def _select(table: sa.Table, names: tuple[str, ...]) -> sa.Select[Any]:
    (key,) = table.primary_key
    return sa.select(*(table.c[name] for name in names)).where(one_of(key))


_UNPARK = (
    sa.update(links)
    .values(parked=None, parked_at=None)
    .where(links.c.parked.is_not(None), one_of(links.c.inventory_item_id))
)


def _look_again(connection: sa.Connection, inventory_item_ids: Sequence[str]) -> None:
    """Make links due, and give those that Shopify refused to write another try: the reason may be gone."""
    if inventory_item_ids:
        connection.execute(_UNPARK, {"ids": inventory_item_ids})
        mark_due(connection, links.c.inventory_item_id, inventory_item_ids)


def _end(connection: sa.Connection, column: sa.Column[Any], ids: Sequence[str], reason: str, now: datetime) -> int:
    """End the live links whose `column` is among `ids`; the rows stay, for the record. Return how many they are."""
    if not ids:
        return 0
    ended = {"state": "tombstoned", "due": sa.false(), "ended_at": now, "reason": reason}
    live = links.c.state.in_(("suggested", "confirmed"))
    touch(connection, link_ids=connection.scalars(sa.select(links.c.link_id).where(column.in_(ids), live)))
    return connection.execute(sa.update(links).values(**ended).where(column.in_(ids), live)).rowcount


def _rename(connection: sa.Connection, item: Mapping[str, Any], sku_fields: Sequence[str]) -> None:
    """Follow a SKU that was changed in Lightspeed: a link joins ids, its SKU is what people call it.

    One that a person made keeps the SKUs as they were then: what changes of them is looked at by the next check.
    """
    sku = next((item[name] for name in sku_fields if item[name].strip()), "")
    if sku:
        change = sa.update(links).values(sku=sku, sku_key=sku_key(sku))
        connection.execute(change.where(links.c.item_id == item["item_id"], CONFIRMED, links.c.mapped_by.is_(None)))
