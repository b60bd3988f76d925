"""People's own SQL, on a connection that cannot write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sync.errors import Code, Permanent
from sync.storage.database import Database
from sync.storage.types import to_text

# SQLite's own numbers: https://www.sqlite.org/c3ref/c_alter_table.html
_OK, _DENY = 0, 1
_PRAGMA = 19
_READING = frozenset((20, 21, 31, 33))  # READ, SELECT, FUNCTION, RECURSIVE


async def query(database: Database, text: str, limit: int) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Return the column names and at most `limit` rows; raises Permanent (CF002) with the database's own words."""

    def ask(connection: sa.Connection) -> tuple[list[str], list[Sequence[Any]]]:
        # What a driver says by itself, as about several statements at once, SQLAlchemy lets pass as it is.
        own: Any = connection.dialect.loaded_dbapi
        try:
            return _ask_postgres(connection, text, limit) if _is_postgres(connection) else _ask(connection, text, limit)
        except (own.Warning, own.Error) as error:
            raise Permanent(Code.CF002, f"The database says: {_sentence(error)}") from error

    try:
        return await database.read(ask)
    except DBAPIError as error:
        raise Permanent(Code.CF002, f"The database says: {_sentence(error.orig)}") from error


def _is_postgres(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _ask(connection: sa.Connection, text: str, limit: int) -> tuple[list[str], list[Sequence[Any]]]:
    with _only_reading(connection):
        result = connection.exec_driver_sql(text)
        if not result.returns_rows:
            return [], []
        return list(result.keys()), [tuple(row) for row in result.fetchmany(limit)]


def _ask_postgres(connection: sa.Connection, text: str, limit: int) -> tuple[list[str], list[Sequence[Any]]]:
    """Ask in the connection's own transaction, which after its first query can no longer be made a writing one.

    Prepared, so that it is one statement, and none that ends the transaction before another.
    """
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.execute(text, prepare=True)
        if cursor.description is None:
            return [], []
        rows = cursor.fetchmany(limit)
        return [column.name for column in cursor.description], [tuple(map(_as_in_sqlite, row)) for row in rows]


def _as_in_sqlite(value: Any) -> Any:
    """Return a value as the same query finds it in SQLite, so that what reads our answers need not tell them apart."""
    match value:
        case bool():
            return int(value)
        case datetime():
            return to_text(value)
        case dict() | list():
            return json.dumps(value)
        case _:
            return value


@contextmanager
def _only_reading(connection: sa.Connection) -> Iterator[None]:
    """Let SQLite itself deny whatever is no reading: a connection that cannot write could still create other files."""
    raw: Any = connection.connection.driver_connection
    raw.set_authorizer(lambda action, _first, second, *_: _OK if _reads(action, second) else _DENY)
    try:
        yield
    finally:
        raw.set_authorizer(None)


def _reads(action: int, argument: str | None) -> bool:
    return action in _READING or (action == _PRAGMA and argument is None)


def _sentence(error: BaseException | None) -> str:
    return f"{' '.join(str(error).split()).rstrip('.')}."
