"""Links between items and variants, and the SKUs that could not be linked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from sync.errors import Code
from sync.matching import sku_key
from sync.model import LinkState
from sync.records import Proposal, SkuKey, SkuProblem
from sync.storage.mapping_tables import MAKING_OPEN
from sync.storage.order_facts import unpark_orders
from sync.storage.statements import CONFIRMED, batches, insert_all, streamed
from sync.storage.tables import item_cards, item_makings, items, kept_apart, links, sku_problems, variants

_SUGGESTED = links.c.state == LinkState.SUGGESTED.value
_UNLINKED = sa.select(  # made once: it is asked for at every evaluation
    sa.select(sa.func.count()).select_from(sku_problems).scalar_subquery()
    + sa.select(sa.func.count()).select_from(links).where(_SUGGESTED).scalar_subquery()
)
_UNPRICED: Mapping[str, int | None] = MappingProxyType({})
_NOTHING_APART: Mapping[str, tuple[str, ...]] = MappingProxyType({})
_CODES = ("upc", "ean", "manufacturer_sku", "system_sku")


def linkable(
    connection: sa.Connection, sku_fields: Sequence[str], *, priced: bool = False
) -> tuple[Sequence[SkuKey], Sequence[SkuKey]]:
    """Return Lightspeed's live items and Shopify's live variants by what they may be found by, in id order.

    `priced`: items with their prices too, as far as they were read.
    """
    live = _with_link(items, links.c.item_id == items.c.item_id, links.c.variant_id)
    live = live.where(items.c.archived == sa.false()).order_by(items.c.item_id)
    active = _with_link(variants, links.c.inventory_item_id == variants.c.inventory_item_id, links.c.item_id)
    active = active.where(variants.c.inventory_item_id != "", variants.c.product_status != "ARCHIVED")
    apart, prices = kept_apart_of(connection), prices_of(connection) if priced else {}
    found = [item_key(row, sku_fields, prices) for row in streamed(connection, live).mappings()]
    ordered, asked = active.order_by(variants.c.variant_id), _asked_for(connection, found)
    return found, [_aside(variant_key(row, apart), asked) for row in streamed(connection, ordered).mappings()]


def _asked_for(connection: sa.Connection, found: Sequence[SkuKey]) -> Mapping[str, Sequence[str]]:
    """Return the items that may have been made by us without an answer, by `sku_key`: they have no stock yet."""
    keys = set(connection.scalars(sa.select(item_makings.c.sku_key).where(MAKING_OPEN)))
    asked: defaultdict[str, list[str]] = defaultdict(list)
    for item in found if keys else ():
        for key in keys.intersection(map(sku_key, item.skus)):
            asked[key].append(item.id)
    return asked


def _aside(variant: SkuKey, asked: Mapping[str, Sequence[str]]) -> SkuKey:
    """Keep a variant that is not linked apart from what may have been made for it, as from what was."""
    new = asked.get(sku_key(variant.skus[0])) if asked and not variant.linked_to else None
    return replace(variant, apart=(*variant.apart, *new)) if new else variant


def _with_link(table: sa.Table, same: sa.ColumnElement[bool], other: sa.Column[str]) -> sa.Select[Any]:
    """Select a side's rows with the id of the other side of their confirmed link, and whether a person made it."""
    joined = table.outerjoin(links, sa.and_(same, CONFIRMED))
    return sa.select(table, other.label("linked_to"), links.c.mapped_by).select_from(joined)


def prices_of(connection: sa.Connection) -> Mapping[str, int | None]:
    """Return what each item costs online, as far as it was read: its Online price, else its Default one."""
    card = item_cards.c
    rows = connection.execute(sa.select(card.item_id, card.online_price, card.price))
    return {item_id: online or price for item_id, online, price in rows}


def kept_apart_of(connection: sa.Connection) -> Mapping[str, tuple[str, ...]]:
    """Return the items that people keep apart from each variant."""
    found: dict[str, tuple[str, ...]] = {}
    for item_id, variant_id in connection.execute(sa.select(kept_apart.c.item_id, kept_apart.c.variant_id)):
        found[variant_id] = (*found.get(variant_id, ()), item_id)
    return found


def keep_links(
    connection: sa.Connection, proposals: Sequence[Proposal], problems: Sequence[SkuProblem], now: datetime
) -> int:
    """Add new links, replace suggestions and problems; return how many links are new.

    A confirmed link is never moved by a proposal: one that contradicts it is a problem for people.
    """
    confirmed = [each for each in proposals if each.state is LinkState.CONFIRMED]
    linked = connection.execute(sa.select(links.c.item_id, links.c.inventory_item_id).where(CONFIRMED))
    of_item = dict(linked.all())
    of_variant = {inventory_item_id: item_id for item_id, inventory_item_id in of_item.items()}
    connection.execute(sa.delete(links).where(links.c.state == LinkState.SUGGESTED.value))
    fresh: list[Proposal] = []
    contradicted: list[SkuProblem] = []
    for each in confirmed:
        if each.item_id not in of_item and each.inventory_item_id not in of_variant:
            of_item[each.item_id], of_variant[each.inventory_item_id] = each.inventory_item_id, each.item_id
            fresh.append(each)
        elif of_item.get(each.item_id) != each.inventory_item_id:
            contradicted.append(_contradiction(each))
    suggested = [each for each in proposals if each.state is LinkState.SUGGESTED]
    fresh += [each for each in suggested if each.item_id not in of_item and each.inventory_item_id not in of_variant]
    for batch in batches(fresh):
        insert_all(connection, links, [_link_values(each, now) for each in batch])
    _keep_problems(connection, [*problems, *contradicted], now)
    unpark_orders(connection, [each.inventory_item_id for each in fresh if each.state is LinkState.CONFIRMED], now)
    return sum(each.state is LinkState.CONFIRMED for each in fresh)


def link_ids_of(connection: sa.Connection, skus: Sequence[str]) -> Mapping[str, int]:
    """Return the confirmed link of each SKU as it was given; the oldest where several have it.

    A link that a person made is found by either shop's SKU.
    """
    by_key: dict[str, int] = {}
    for batch in batches(sorted({sku_key(sku) for sku in skus} - {""})):
        for column in (links.c.sku_key, links.c.other_key):
            select = sa.select(column, links.c.link_id).where(column.in_(batch), CONFIRMED)
            for key, link_id in connection.execute(select.order_by(links.c.link_id)):
                by_key.setdefault(key, link_id)
    return {sku: by_key[sku_key(sku)] for sku in skus if sku_key(sku) in by_key}


def count(connection: sa.Connection) -> int:
    """Return the number of confirmed links."""
    return int(connection.execute(_COUNT).scalar_one())


_COUNT = sa.select(sa.func.count()).select_from(links).where(CONFIRMED)


def problems(connection: sa.Connection) -> Sequence[SkuProblem]:
    """Return the SKUs that could not be linked, in the order they were found; then those with a mere suggestion."""
    rows = connection.execute(sa.select(sku_problems).order_by(sku_problems.c.problem_id))
    found = [SkuProblem(Code[row.code], row.sku, row.detail) for row in rows]
    suggested = connection.execute(sa.select(links).where(_SUGGESTED).order_by(links.c.link_id))
    return found + [SkuProblem(Code.LS002, row.sku, _suggestion(row)) for row in suggested]


def unlinked(connection: sa.Connection) -> int:
    """Return how many SKUs `problems` names."""
    return int(connection.execute(_UNLINKED).scalar_one())


def _suggestion(row: sa.Row[Any]) -> str:
    return f"Lightspeed's item {row.item_id} may be meant ({row.reason}); only the same SKU, or `sku map`, links them."


def item_key(row: Mapping[Any, Any], sku_fields: Sequence[str], prices: Mapping[str, int | None] = _UNPRICED) -> SkuKey:
    """Return by what an item's row may be found; where it has them, `linked_to` and `mapped_by` tell of its link."""
    return SkuKey(
        id=row["item_id"],
        inventory_item_id="",
        skus=tuple(row[name] for name in sku_fields),
        codes=tuple(row[name] for name in _CODES if row[name] and name not in sku_fields),
        title=row["description"],
        item_type=row["item_type"],
        price=prices.get(row["item_id"]),
        linked_to=row.get("linked_to") or "",
        by_person=row.get("mapped_by") is not None,
    )


def variant_key(row: Mapping[Any, Any], apart: Mapping[str, tuple[str, ...]] = _NOTHING_APART) -> SkuKey:
    """Return by what a variant's row may be found; where it has them, `linked_to` and `mapped_by` tell of its link."""
    return SkuKey(
        id=row["variant_id"],
        inventory_item_id=row["inventory_item_id"],
        skus=(row["sku"],),
        codes=(row["barcode"],) if row["barcode"] else (),
        title=" ".join(text for text in (row["product_title"], row["title"]) if text and text != "Default Title"),
        price=row["price"],
        linked_to=row.get("linked_to") or "",
        by_person=row.get("mapped_by") is not None,
        apart=apart.get(row["variant_id"], ()),
    )


def _link_values(proposal: Proposal, now: datetime) -> dict[str, Any]:
    return {
        "state": proposal.state.value,
        "item_id": proposal.item_id,
        "variant_id": proposal.variant_id,
        "inventory_item_id": proposal.inventory_item_id,
        "sku": proposal.sku,
        "sku_key": sku_key(proposal.sku),
        "reason": proposal.reason,
        "created_at": now,
        "due": proposal.state is LinkState.CONFIRMED,
    }


def _contradiction(proposal: Proposal) -> SkuProblem:
    detail = f"Item {proposal.item_id} or variant {proposal.variant_id} is linked to another; that link stays."
    return SkuProblem(Code.SK001, proposal.sku, detail)


def _keep_problems(connection: sa.Connection, found: Sequence[SkuProblem], now: datetime) -> None:
    """Replace the list; a problem that was there before keeps the moment it was first seen."""
    rows = connection.execute(sa.select(sku_problems)).all()
    since = {(row.code, row.sku, row.detail): row.since for row in rows}
    wanted = {(each.code.name, each.sku, each.detail): each for each in found}
    if list(since) == list(wanted):
        return
    connection.execute(sa.delete(sku_problems))
    names = ("code", "sku", "detail")
    values = [dict(zip(names, key, strict=True)) | {"since": since.get(key, now)} for key in wanted]
    insert_all(connection, sku_problems, values)
