"""Small statements that the ledger's parts share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sync.storage.tables import links

T = TypeVar("T")

BATCH = 1000  # rows a transaction handles at most: others wait no longer than for that
CONFIRMED = links.c.state == "confirmed"


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, replacing every column of those whose primary key is there already."""
    if not rows:
        return
    insert = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


def insert_all(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; none is no mistake."""
    if rows:
        connection.execute(sa.insert(table), list(rows))


def mark_due(connection: sa.Connection, column: sa.Column[Any], ids: Sequence[str] | Sequence[int]) -> None:
    """Make the confirmed links whose `column` is among `ids` due for a look."""
    if ids:
        change = sa.update(links).values(due=sa.true(), marks=links.c.marks + 1)
        connection.execute(change.where(column.in_(ids), CONFIRMED))


def batches(rows: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Yield the rows in runs of at most `size`."""
    rest = iter(rows)
    while batch := list(islice(rest, size)):
        yield batch
