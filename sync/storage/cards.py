"""Cards in the database: kept as they are read, and handed out again in the order of the products they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.cards import ItemCard, ProductCard, VariantCard
from sync.storage.card_tables import item_cards, product_cards, variant_cards
from sync.storage.statements import one_of, upsert

_ITEM = tuple(field.name for field in fields(ItemCard) if field.name != "whole")
_PRODUCT = tuple(field.name for field in fields(ProductCard))
_VARIANT = tuple(field.name for field in fields(VariantCard) if field.name != "product")


def keep_item_cards(connection: sa.Connection, cards: Sequence[ItemCard], read_at: datetime) -> int:
    """Keep what Lightspeed tells of items; return how many differed. What was not read stays as it was known."""
    known = _known(connection, item_cards, [card.item_id for card in cards if not card.whole])
    rows = {card.item_id: _completed(card, known.get(card.item_id)) for card in cards}
    return _keep(connection, item_cards, rows, read_at)


def _completed(card: ItemCard, known: Mapping[Any, Any] | None) -> dict[str, Any]:
    """Return an item's row; of one that was not read whole with its tags and names of attributes as they are known.

    `false` for tags says that they were never read.
    """
    new = _values(card, _ITEM)
    if card.whole:
        return new
    if known is None:
        return {**new, "tags": False}
    same = [value for _, value in known["attributes"]] == [value for _, value in new["attributes"]]
    return {**new, "tags": known["tags"], **({"attributes": known["attributes"]} if same else {})}


def keep_variant_cards(connection: sa.Connection, cards: Sequence[VariantCard], read_at: datetime) -> int:
    """Keep what Shopify tells of variants and their products; return how many variants or products differed."""
    variants = {card.variant_id: _values(card, _VARIANT) for card in cards}
    products = keep_product_cards(connection, [card.product for card in cards], read_at)
    return products + _keep(connection, variant_cards, variants, read_at)


def keep_product_cards(connection: sa.Connection, cards: Sequence[ProductCard], read_at: datetime) -> int:
    """Keep what Shopify tells of products; return how many differed."""
    return _keep(connection, product_cards, {card.product_id: _values(card, _PRODUCT) for card in cards}, read_at)


def forget_variant_cards(connection: sa.Connection, variant_ids: Sequence[str]) -> None:
    """Forget variants that were deleted, and with its last variant a product."""
    ids = {"ids": list(variant_ids)}
    product_ids = connection.scalars(_PRODUCTS_OF, ids).all()
    connection.execute(sa.delete(variant_cards).where(one_of(variant_cards.c.variant_id)), ids)
    left = sa.exists().where(variant_cards.c.product_id == product_cards.c.product_id)
    gone = sa.delete(product_cards).where(one_of(product_cards.c.product_id), sa.not_(left))
    connection.execute(gone, {"ids": list(product_ids)})


_PRODUCTS_OF = sa.select(variant_cards.c.product_id).distinct().where(one_of(variant_cards.c.variant_id))


def item_card(row: Mapping[Any, Any]) -> ItemCard:
    """Return the card among a row's columns, which are named as `columns_of` names them."""
    values = {name: _frozen(row[f"item_{name}"]) for name in _ITEM}
    return ItemCard(**{**values, "tags": values["tags"] or ()}, whole=values["tags"] is not False)


def variant_card(row: Mapping[Any, Any]) -> VariantCard:
    """Return the card of a variant and its product among a row's columns; see `item_card`."""
    product = ProductCard(**{name: _frozen(row[f"product_{name}"]) for name in _PRODUCT})
    return VariantCard(**{name: _frozen(row[f"variant_{name}"]) for name in _VARIANT}, product=product)


def columns_of() -> list[sa.Label[Any]]:
    """Return the columns of all three kinds of cards, each under its kind and its own name."""
    kinds = (("product", product_cards, _PRODUCT), ("variant", variant_cards, _VARIANT))
    return item_columns() + [table.c[name].label(f"{kind}_{name}") for kind, table, names in kinds for name in names]


def item_columns() -> list[sa.Label[Any]]:
    """Return the columns of an item's card, as `item_card` reads them."""
    return [item_cards.c[name].label(f"item_{name}") for name in _ITEM]


def _keep(connection: sa.Connection, table: sa.Table, rows: Mapping[str, Mapping[str, Any]], read_at: datetime) -> int:
    """Store the rows (by id) and when they were read; return how many differ from what was known."""
    if not rows:
        return 0
    known = _known(connection, table, list(rows))
    changed = [{**new, "read_at": read_at} for id_, new in rows.items() if not _same(known.get(id_), new)]
    upsert(connection, table, changed)
    if len(changed) < len(rows):
        connection.execute(_seen(table), {"ids": list(rows), "at": read_at})
    return len(changed)


def _known(connection: sa.Connection, table: sa.Table, ids: Sequence[str]) -> Mapping[str, Mapping[Any, Any]]:
    """Return what is known of these, by id."""
    if not ids:
        return {}
    (key,) = table.primary_key
    return {row[key.name]: row for row in connection.execute(_select(table), {"ids": list(ids)}).mappings()}


def _same(known: Mapping[Any, Any] | None, new: Mapping[str, Any]) -> bool:
    return known is not None and all(known[name] == value for name, value in new.items())


@cache
def _select(table: sa.Table) -> sa.Select[Any]:
    (key,) = table.primary_key
    return sa.select(table).where(one_of(key))


@cache
def _seen(table: sa.Table) -> sa.Update:
    (key,) = table.primary_key
    return sa.update(table).where(one_of(key)).values(read_at=sa.bindparam("at", type_=table.c.read_at.type))


def _values(card: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: _thawed(getattr(card, name)) for name in names}


def _thawed(value: object) -> object:
    """Return a value as JSON gives it back: lists for tuples."""
    return [_thawed(each) for each in value] if isinstance(value, tuple) else value


def _frozen(value: object) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
