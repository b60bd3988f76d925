"""People's own SQL, on a connection that cannot write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sync.errors import Code, Permanent
from sync.storage.database import Database
from sync.storage.library import load_driver


async def query(database: Database, text: str, limit: int) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Return the column names and at most `limit` rows; raises Permanent (CF002) with the database's own words."""

    def ask(connection: sa.Connection) -> tuple[list[str], list[Sequence[Any]]]:
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


def _sentence(error: BaseException | None) -> str:
    return f"{str(error).rstrip('.')}."
