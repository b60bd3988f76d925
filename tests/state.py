"""State directories whose database has its tables already: made by the migrations once, and copied from then on."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sync.storage.engine import writing_engine
from sync.storage.library import load_driver
from sync.storage.lock import create_private
from sync.storage.migrations import upgrade
from sync.storage.opening import DATABASE_FILE

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer


def with_tables(state_dir: Path) -> Path:
    """Give a state directory a database with all tables and no rows, unless it has one; return the directory.

    To open it is to find what an earlier process left: only migrations, which take a third of a second, are not run.
    """
    path = state_dir / DATABASE_FILE
    if not path.exists():
        state_dir.mkdir(parents=True, exist_ok=True)
        create_private(path)
        path.write_bytes(_migrated())
    return state_dir


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, DATABASE_FILE)
        create_private(path)
        engine = writing_engine(load_driver(), path)
        with engine.connect() as connection, connection.begin():
            upgrade(connection)
        engine.dispose()
        return path.read_bytes()


class Elsewhere:
    """Where tests that say so keep what belongs to a state directory: in a file there, or on a PostgreSQL server."""

    def __init__(self) -> None:
        self._server: PostgresServer | None = None
        self._known: set[Path] = set()

    def move(self, server: PostgresServer | None) -> None:
        """Keep it there from now on; None: in files."""
        self._server = server
        self._known.clear()

    def url_of(self, state_dir: Path) -> str:
        """Return the address of a directory's database, with all tables and at first no rows; "": a file in it."""
        if self._server is None:
            return ""
        if state_dir in self._known:
            return self._server.url()
        self._known.add(state_dir)
        return self._server.emptied()


elsewhere = Elsewhere()
