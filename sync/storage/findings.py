"""Validations and their findings as they are kept, and what findings are made of, read in runs of bounded size."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from sync.findings import STOCK, Finding, FindingClass, LinkedSku, Loose, Named, Pair, Sold, Summary
from sync.storage.linking import item_key, kept_apart_of, prices_of, variant_key
from sync.storage.statements import BATCH, CONFIRMED, batches, insert_all, one_of, streamed
from sync.storage.tables import findings, item_stock, items, links, order_lines, orders, validations, variants

KEPT = 5  # validations of which the findings are kept
_ON_SALE = ("ACTIVE", "UNLISTED")
_FINDING = tuple(field.name for field in fields(Finding))


# --- validations ---


def begin(connection: sa.Connection, now: datetime) -> int:
    """Open a validation and return its number; forget what an earlier one left unfinished, and the oldest."""
    kept = sa.select(validations.c.validation_id).where(validations.c.finished_at.is_not(None))
    newest = connection.scalars(kept.order_by(validations.c.validation_id.desc()).limit(KEPT - 1)).all()
    connection.execute(sa.delete(findings).where(findings.c.validation_id.not_in(newest)))
    connection.execute(sa.delete(validations).where(validations.c.validation_id.not_in(newest)))
    opened = sa.insert(validations).values(started_at=now).returning(validations.c.validation_id)
    return int(connection.scalars(opened).one())


def keep(connection: sa.Connection, validation_id: int, first: int, found: Sequence[Finding]) -> None:
    """Add findings, numbered from `first` on."""
    rows = [{"validation_id": validation_id, "n": first + place, **_row(each)} for place, each in enumerate(found)]
    insert_all(connection, findings, rows)


def _row(finding: Finding) -> dict[str, Any]:
    row = {name: getattr(finding, name) for name in _FINDING}
    return row | {"kind": finding.kind.value, "equation": dict(finding.equation), "also": list(finding.also)}


def finish(connection: sa.Connection, summary: Summary) -> None:
    """Keep what a validation came to."""
    values = {"finished_at": summary.finished_at, "summary": msgspec.to_builtins(summary, str_keys=True)}
    update = sa.update(validations).where(validations.c.validation_id == summary.validation_id)
    connection.execute(update.values(**values))


def summary_of(connection: sa.Connection, validation_id: int | None = None) -> Summary | None:
    """Return what a validation came to, by default the newest; None where there is none that finished."""
    select = sa.select(validations.c.summary).where(validations.c.finished_at.is_not(None))
    if validation_id is not None:
        select = select.where(validations.c.validation_id == validation_id)
    found = connection.scalar(select.order_by(validations.c.validation_id.desc()).limit(1))
    return None if found is None else msgspec.convert(found, Summary)


def _finding(row: Mapping[Any, Any]) -> Finding:
    values = {name: row[name] for name in _FINDING}
    return Finding(**values | {"kind": FindingClass(row["kind"]), "also": tuple(row["also"])})


def each_of(connection: sa.Connection, validation_id: int, classes: Collection[FindingClass]) -> Iterator[Finding]:
    """Yield a validation's findings of some classes, class by class, the largest differences first."""
    order = sa.case({kind.value: place for place, kind in enumerate(FindingClass)}, value=findings.c.kind)
    size = sa.func.coalesce(sa.func.abs(findings.c.difference), 0)
    chosen = (findings.c.validation_id == validation_id, findings.c.kind.in_([kind.value for kind in classes]))
    select = sa.select(*(findings.c[name] for name in _FINDING)).where(*chosen)
    rows = streamed(connection, select.order_by(order, size.desc(), findings.c.sku, findings.c.n))
    yield from (_finding(row) for row in rows.mappings())


def worst_stock(connection: sa.Connection, validation_id: int, limit: int) -> list[Finding]:
    """Return the stock findings of a validation with the largest differences, the largest first."""
    select = sa.select(*(findings.c[name] for name in _FINDING)).where(*_stock_of(validation_id))
    ordered = select.order_by(sa.func.abs(findings.c.difference).desc(), findings.c.sku, findings.c.n)
    return [_finding(row) for row in connection.execute(ordered.limit(limit)).mappings()]


def stock_units(connection: sa.Connection, validation_id: int) -> tuple[int, int]:
    """Return how many units too many and too few Shopify offers, by a validation's stock findings."""
    over = sa.func.coalesce(sa.func.sum(sa.case((findings.c.difference > 0, findings.c.difference), else_=0)), 0)
    under = sa.func.coalesce(sa.func.sum(sa.case((findings.c.difference < 0, -findings.c.difference), else_=0)), 0)
    found = connection.execute(sa.select(over, under).where(*_stock_of(validation_id))).one()
    return int(found[0]), int(found[1])


def _stock_of(validation_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return findings.c.validation_id == validation_id, findings.c.kind.in_([kind.value for kind in STOCK])


# --- what findings are made of ---


def names(connection: sa.Connection, inventory_item_ids: Sequence[str]) -> Mapping[str, Named]:
    """Return what these goods are called, by inventory item."""
    select = sa.select(variants).where(one_of(variants.c.inventory_item_id))
    rows = connection.execute(select, {"ids": list(inventory_item_ids)}).mappings()
    return {
        row["inventory_item_id"]: Named(variant_key(row).title, row["variant_id"], row["product_id"]) for row in rows
    }


def sold_since(connection: sa.Connection, since: datetime, limit: int) -> list[Sold]:
    """Return the goods of which most units were ordered online since a moment, most first; test orders left out."""
    line = order_lines.c
    units = sa.func.sum(line.placed)
    select = (
        sa.select(line.inventory_item_id, sa.func.max(line.sku), units)
        .join_from(order_lines, orders)
        .where(orders.c.created_at >= since, orders.c.test == sa.false(), line.inventory_item_id != "")
        .group_by(line.inventory_item_id)
        .having(units > 0)
        .order_by(units.desc(), line.inventory_item_id)
    )
    return [Sold(*row) for row in connection.execute(select.limit(limit))]


def linked_skus(
    connection: sa.Connection, sku_fields: Sequence[str], after: tuple[str, str], limit: int
) -> list[LinkedSku]:
    """Return the variants behind a product and variant, in their order, with the SKUs of what they are linked to."""
    rows = connection.execute(_linked(tuple(sku_fields)), {"product": after[0], "variant": after[1], "most": limit})
    return [
        LinkedSku(product_id, variant_id, sku, link_id, mapped_by is not None, tuple(skus))
        for product_id, variant_id, sku, link_id, mapped_by, *skus in rows
    ]


@cache
def _linked(sku_fields: tuple[str, ...]) -> sa.Select[Any]:
    """Return the statement; its outer joins keep SQLite at the index of variants, else it sorts them for each page."""
    place = sa.tuple_(variants.c.product_id, variants.c.variant_id)
    joined = variants.outerjoin(links, sa.and_(links.c.variant_id == variants.c.variant_id, CONFIRMED))
    joined = joined.outerjoin(items, items.c.item_id == links.c.item_id)
    names = (variants.c.product_id, variants.c.variant_id, variants.c.sku, links.c.link_id, links.c.mapped_by)
    return (
        sa.select(*names, *(items.c[name] for name in sku_fields))
        .select_from(joined)
        .where(place > sa.tuple_(sa.bindparam("product", type_=sa.Text), sa.bindparam("variant", type_=sa.Text)))
        .order_by(variants.c.product_id, variants.c.variant_id)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


def pairs_of(connection: sa.Connection, sku_fields: Sequence[str], link_ids: Sequence[int]) -> list[Pair]:
    """Return these linked pairs whole, in the order of their links."""
    found: list[Pair] = []
    for batch in batches(sorted(link_ids)):
        rows = connection.execute(_pairs(), {"ids": batch})
        found += [_pair(row, sku_fields) for row in rows.mappings()]
    return found


@cache
def _pairs() -> sa.Select[Any]:
    return (
        sa.select(links.c.link_id, *_prefixed(items, "item"), *_prefixed(variants, "variant"))
        .join_from(links, variants, variants.c.variant_id == links.c.variant_id)
        .join(items, items.c.item_id == links.c.item_id)
        .where(one_of(links.c.link_id))
        .order_by(links.c.link_id)
    )


def _prefixed(table: sa.Table, prefix: str) -> Iterator[sa.ColumnElement[Any]]:
    yield from (column.label(f"{prefix}__{column.name}") for column in table.c)


def _pair(row: Mapping[Any, Any], sku_fields: Sequence[str]) -> Pair:
    item = {column.name: row[f"item__{column.name}"] for column in items.c}
    variant = {column.name: row[f"variant__{column.name}"] for column in variants.c}
    return Pair(row["link_id"], Loose(item_key(item, sku_fields)), _variant(variant, was="", apart={}))


def loose_items(connection: sa.Connection, sku_fields: Sequence[str]) -> list[Loose]:
    """Return the items on sale in Lightspeed that no confirmed link joins."""
    joined = items.outerjoin(links, sa.and_(links.c.item_id == items.c.item_id, CONFIRMED))
    joined = joined.outerjoin(item_stock, item_stock.c.item_id == items.c.item_id)
    select = sa.select(items, item_stock.c.qoh).select_from(joined)
    alone = select.where(links.c.link_id.is_(None), items.c.archived == sa.false()).order_by(items.c.item_id)
    prices = prices_of(connection)
    return [
        Loose(item_key(row, sku_fields, prices), stock=row["qoh"]) for row in streamed(connection, alone).mappings()
    ]


def loose_variants(connection: sa.Connection) -> list[Loose]:
    """Return the variants of products that are not archived in Shopify and that no confirmed link joins."""
    joined = variants.outerjoin(links, sa.and_(links.c.variant_id == variants.c.variant_id, CONFIRMED))
    select = sa.select(variants, _was().label("was")).select_from(joined)
    alone = select.where(links.c.link_id.is_(None), variants.c.product_status != "ARCHIVED")
    ordered = alone.order_by(variants.c.product_id, variants.c.variant_id)
    apart = kept_apart_of(connection)
    return [_variant(row, was=row["was"] or "", apart=apart) for row in streamed(connection, ordered).mappings()]


def _was() -> sa.ScalarSelect[Any]:
    """Return the archived item that a variant was linked to at last."""
    ended, item = links.alias(), items.alias()
    return (
        sa.select(ended.c.item_id)
        .join_from(ended, item, item.c.item_id == ended.c.item_id)
        .where(ended.c.variant_id == variants.c.variant_id, ended.c.state == "tombstoned", item.c.archived == sa.true())
        .order_by(ended.c.link_id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _variant(row: Mapping[Any, Any], *, was: str, apart: Mapping[str, tuple[str, ...]]) -> Loose:
    return Loose(
        key=variant_key(row, apart),
        product_id=row["product_id"],
        sold=row["product_status"] in _ON_SALE,
        tracked=row["tracked"],
        was=was,
    )


def archived_items(
    connection: sa.Connection, sku_fields: Sequence[str], ids: Collection[str], keys: Collection[str]
) -> list[Loose]:
    """Return those archived items that have one of these ids, or a SKU of one of these keys."""
    select = sa.select(items).where(items.c.archived == sa.true()).order_by(items.c.item_id)
    found = (Loose(item_key(row, sku_fields)) for row in streamed(connection, select).mappings())
    return [each for each in found if each.key.id in ids or any(key in keys for key in each.keys)]


def linked_names(connection: sa.Connection, keys: Collection[str]) -> Mapping[str, str]:
    """Return what linked goods are called whose SKU has one of these keys, by the key."""
    select = sa.select(links.c.sku_key, items.c.description).join_from(links, items, items.c.item_id == links.c.item_id)
    chosen = select.where(CONFIRMED, one_of(links.c.sku_key)).order_by(links.c.link_id.desc())
    found: dict[str, str] = {}
    for batch in batches(sorted(keys), BATCH):
        rows = connection.execute(chosen, {"ids": batch})
        found |= {row.sku_key: row.description for row in rows}
    return found


def shared_keys(connection: sa.Connection) -> Mapping[str, list[int]]:
    """Return the SKU keys that several confirmed links have, with the ids of those links."""
    several = sa.select(links.c.sku_key).where(CONFIRMED).group_by(links.c.sku_key).having(sa.func.count() > 1)
    select = sa.select(links.c.sku_key, links.c.link_id).where(CONFIRMED, links.c.sku_key.in_(several))
    found: dict[str, list[int]] = {}
    for key, link_id in connection.execute(select.order_by(links.c.link_id)):
        found.setdefault(key, []).append(link_id)
    return found
