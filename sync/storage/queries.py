"""People's own SQL, on a connection that cannot write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sync.errors import Code, Permanent
from sync.storage.database import Database
from sync.storage.library import load_driver

# SQLite's own numbers: https://www.sqlite.org/c3ref/c_alter_table.html
_OK, _DENY = 0, 1
_PRAGMA = 19
_READING = frozenset((20, 21, 31, 33))  # READ, SELECT, FUNCTION, RECURSIVE


async def query(database: Database, text: str, limit: int) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Return the column names and at most `limit` rows; raises Permanent (CF002) with the database's own words."""

    def ask(connection: sa.Connection) -> tuple[list[str], list[Sequence[Any]]]:
        with _only_reading(connection):
            result = connection.exec_driver_sql(text)
            if not result.returns_rows:
                return [], []
            return list(result.keys()), [tuple(row) for row in result.fetchmany(limit)]

    warning: type[Exception] = load_driver().Warning  # several statements at once; SQLAlchemy lets it pass as it is
    try:
        return await database.read(ask)
    except DBAPIError as error:
        raise Permanent(Code.CF002, f"The database says: {_sentence(error.orig)}") from error
    except warning as error:
        raise Permanent(Code.CF002, f"The database says: {_sentence(error)}") from error


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
    return f"{str(error).rstrip('.')}."
