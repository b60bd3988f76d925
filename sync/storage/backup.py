"""What a backup holds, read from the database in one consistent state: no token, no order, nothing of a shopper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from sync.backup_file import Section
from sync.records import Work
from sync.stock import unseen_of
from sync.storage import work
from sync.storage.card_tables import item_cards, product_cards, variant_cards
from sync.storage.statements import BATCH, streamed
from sync.storage.tables import item_stock, items, kept_apart, levels, links, sku_problems, variants

STOCK = "stock"
"""The section that `restore` sets numbers back from: one row a confirmed link."""

# Both shops as they were last read, and what we know of their goods; the order is that of their ids.
TABLES: tuple[sa.Table, ...] = (
    *(items, item_stock, variants, levels, links, sku_problems, kept_apart),
    *(item_cards, product_cards, variant_cards),
)


def rows_of(connection: sa.Connection, set_aside: Sequence[str]) -> Iterator[Section]:
    """Yield every row of a backup; `set_aside` are the states that are taken off, as in `stock.Policy`."""
    yield from _stock(connection, set_aside)
    for table in TABLES:
        for row in streamed(connection, sa.select(table).order_by(*table.primary_key)).mappings():
            yield table.name, dict(row)


def _stock(connection: sa.Connection, set_aside: Sequence[str]) -> Iterator[Section]:
    after, more = 0, True
    while more:
        found = work.due(connection, after, BATCH, everything=True)
        more = len(found) == BATCH
        for each, _ in found:
            after = each.link_id
            if each.level is not None:
                yield STOCK, _stock_row(each, set_aside)


def _stock_row(each: Work, set_aside: Sequence[str]) -> dict[str, Any]:
    level, demand = each.level, each.demand
    assert level is not None  # noqa: S101 - asked before
    aside = sum(getattr(level, state) for state in set_aside)
    return {
        "sku": each.sku,
        "item_id": each.item_id,
        "inventory_item_id": each.inventory_item_id,
        "on_hand": each.on_hand,
        "available": level.available,
        "committed": level.committed,
        "set_aside": aside,
        "taken": demand.taken,
        "booked": demand.booked,
        "spoken_for": demand.taken + unseen_of(demand, level.committed) + aside,
        "buffer": each.buffer,
    }
