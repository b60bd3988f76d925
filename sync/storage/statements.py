"""Small statements that the ledger's parts share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sync.storage.tables import links
from sync.storage.touched import touch

T = TypeVar("T")

BATCH = 1000  # rows a transaction handles at most: others wait no longer than for that
CONFIRMED = links.c.state == "confirmed"


def one_of(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a column is among the values given for `ids` when the statement is run."""
    return column.in_(sa.bindparam("ids", expanding=True))


def streamed(connection: sa.Connection, statement: sa.Select[Any]) -> sa.CursorResult[Any]:
    """Run a statement whose rows are fetched a batch at a time: a shop's whole catalogue need not be held twice."""
    return connection.execute(statement, execution_options={"yield_per": BATCH})


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, replacing every column of those whose primary key is there already."""
    if rows:
        connection.execute(_upsert(connection.dialect.name, table, tuple(rows[0])), list(rows))


@cache
def _upsert(dialect: str, table: sa.Table, names: tuple[str, ...]) -> sa.Executable:
    """Return the statement for rows of these columns, made once: making one takes longer than running it."""
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: insert.excluded[name] for name in names if name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=changed)


def insert_all(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; none is no mistake."""
    if rows:
        connection.execute(_insert(table), list(rows))


@cache
def _insert(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


def mark_due(connection: sa.Connection, column: sa.Column[Any], ids: Sequence[str] | Sequence[int]) -> None:
    """Make the confirmed links whose `column` is among `ids` due for a look."""
    if ids:
        connection.execute(_mark_due(column.name), {"ids": ids})
        touch(connection, **{f"{column.name}s": ids})  # type: ignore[arg-type]


@cache
def _mark_due(name: str) -> sa.Update:
    return sa.update(links).values(due=sa.true(), marks=links.c.marks + 1).where(one_of(links.c[name]), CONFIRMED)


def written_out(select: sa.SelectBase, dialect: sa.Dialect) -> sa.TextClause:
    """Return a statement with its constants in its text: to hand over dozens of them takes longer than to run it.

    Its values come as the driver gives them.
    """
    return sa.text(str(select.compile(dialect=dialect, compile_kwargs={"literal_binds": True})))


def batches(rows: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Yield the rows in runs of at most `size`."""
    rest = iter(rows)
    while batch := list(islice(rest, size)):
        yield batch
