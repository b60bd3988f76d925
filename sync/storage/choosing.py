"""Which links are meant, by words in what both shops call their goods or by inventory item; and what sells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sync.choosing import Choice, Term, nearest, words_in
from sync.records import Known
from sync.storage.card_tables import item_cards, product_cards
from sync.storage.findings import sold_since
from sync.storage.order_facts import live_since
from sync.storage.statements import CONFIRMED, batches, one_of, streamed
from sync.storage.tables import items, links, variants

_EVERYTHING = 1_000_000  # goods, more than any shop has
_NAMES = (
    *(items.c.description, variants.c.product_title, variants.c.title),
    *(item_cards.c.title, item_cards.c.category, item_cards.c.matrix_title, product_cards.c.product_type),
)
_LISTS = (item_cards.c.tags, product_cards.c.tags, product_cards.c.collections)
_TEXTS = (
    sa.select(links.c.link_id, *(column.label(f"name{n}") for n, column in enumerate(_NAMES)))
    .add_columns(*(column.label(f"list{n}") for n, column in enumerate(_LISTS)))
    .select_from(
        links.outerjoin(items, items.c.item_id == links.c.item_id)
        .outerjoin(variants, variants.c.variant_id == links.c.variant_id)
        .outerjoin(item_cards, item_cards.c.item_id == links.c.item_id)
        .outerjoin(product_cards, product_cards.c.product_id == variants.c.product_id)
    )
    .where(CONFIRMED)
)
_LINKS_OF = sa.select(links.c.inventory_item_id, links.c.link_id).where(CONFIRMED, one_of(links.c.inventory_item_id))


def known(connection: sa.Connection) -> Known:
    """Return how many items and variants were ever read."""
    counts = (sa.select(sa.func.count()).select_from(table).scalar_subquery() for table in (items, variants))
    return Known(*connection.execute(sa.select(*counts)).one())


def choose(connection: sa.Connection, terms: Sequence[Term]) -> Choice:
    """Return the confirmed links whose texts have all words of any term; a shop's texts are never held together."""
    found: set[int] = set()
    met: set[Term] = set()
    for link_id, words in _words(connection):
        named = [term for term in terms if term.words <= words]
        met.update(named)
        if named:
            found.add(link_id)
    unknown = [term for term in terms if term not in met]
    if not unknown:
        return Choice(frozenset(found))
    vocabulary = {word for _, words in _words(connection) for word in words}
    return Choice(frozenset(found), {term.text: nearest(term, vocabulary) for term in unknown})


def links_of(connection: sa.Connection, inventory_item_ids: Sequence[str]) -> Mapping[str, int]:
    """Return the confirmed link of each of these inventory items; others are missing."""
    found: dict[str, int] = {}
    for batch in batches(inventory_item_ids):
        found.update(connection.execute(_LINKS_OF, {"ids": batch}).all())
    return found


def sales_since(connection: sa.Connection, moment: datetime) -> Mapping[str, int] | None:
    """Return the units ordered since a moment, by inventory item; None where our record begins later."""
    live = live_since(connection)
    if live is None or live > moment:
        return None
    return {each.inventory_item_id: each.units for each in sold_since(connection, moment, limit=_EVERYTHING)}


def _words(connection: sa.Connection) -> Iterator[tuple[int, frozenset[str]]]:
    for row in streamed(connection, _TEXTS):
        texts: list[Any] = list(row)
        names, lists = texts[1 : len(_NAMES) + 1], texts[len(_NAMES) + 1 :]
        yield texts[0], words_in(" ".join([*filter(None, names), *(word for each in lists for word in each or ())]))
