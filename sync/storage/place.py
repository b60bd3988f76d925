"""Where the state lies, and how each kind of place is opened: a SQLite file, or a schema of PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa

from sync.errors import Code, Permanent
from sync.storage import engine, postgres
from sync.storage.library import load_driver
from sync.storage.lock import create_private

DATABASE_FILE = "lightspeed-sync.db"
_POSTGRES = ("postgresql", "postgres")


class Place(Protocol):
    """One database. Its name is for people; an engine made of it raises SyncError or the library's own errors."""

    @property
    def name(self) -> str:
        """Return what people call it."""

    @property
    def directories(self) -> Sequence[Path]:
        """Return the directories that its one writer must have for itself."""

    def exists(self) -> bool:
        """Tell whether it is there, as far as that shows without opening it."""

    def create(self) -> None:
        """Make it where it is missing and can be made."""

    def writer(self) -> sa.Engine:
        """Return an engine with one connection that writes, for the one daemon there may be."""

    def readers(self, connections: int) -> sa.Engine:
        """Return an engine of connections that cannot write."""

    def claim(self, writer: sa.Engine) -> None:
        """Keep other daemons out, where its directories' locks do not; changes nothing of what is there."""

    def refuse_damaged(self, connection: sa.Connection) -> None:
        """Raise Permanent (ST002) where it shows damage."""

    def size(self, connection: sa.Connection) -> int:
        """Return how many bytes it takes."""


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    """A file, with the log beside it. Raises Permanent (ST008) where this machine's SQLite is too old."""

    path: Path

    @property
    def name(self) -> str:
        """Return the file's path."""
        return str(self.path)

    @property
    def directories(self) -> Sequence[Path]:
        """Return the file's directory."""
        return [self.path.absolute().parent]

    def exists(self) -> bool:
        """Tell whether there is a file."""
        return self.path.is_file()

    def create(self) -> None:
        """Create the file, for its owner alone."""
        create_private(self.path)

    def writer(self) -> sa.Engine:
        """Return the engine of the one connection that may write."""
        return engine.writing_engine(load_driver(), self.path)

    def readers(self, connections: int) -> sa.Engine:
        """Return an engine of connections that can neither write nor checkpoint."""
        return engine.reading_engine(load_driver(), self.path, connections)

    def claim(self, writer: sa.Engine) -> None:
        """Do nothing: the lock of its directory does."""

    def refuse_damaged(self, connection: sa.Connection) -> None:
        """Raise Permanent (ST002) where the file's pages contradict each other."""
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if verdict != "ok":
            raise Permanent(Code.ST002, f"{self.path}: {verdict}.")

    def size(self, connection: sa.Connection) -> int:  # noqa: ARG002 - the same call as everywhere
        """Return the size of the file and its log."""
        files = (self.path, Path(f"{self.path}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A schema, by its address. Raises Permanent (ST012) where the library is missing."""

    url: str = field(repr=False)  # holds a password

    @property
    def name(self) -> str:
        """Return the database's name and server, nothing else of the address."""
        parts = urlsplit(self.url)
        where = f" on {parts.hostname}" if parts.hostname else ""
        return f"PostgreSQL's database {unquote(parts.path.lstrip('/'))}{where}"

    @property
    def directories(self) -> Sequence[Path]:
        """Return none: the server keeps writers apart."""
        return []

    def exists(self) -> bool:
        """Return true: only opening it tells."""
        return True

    def create(self) -> None:
        """Do nothing: the database and its schema are made by whoever runs the server."""

    def writer(self) -> sa.Engine:
        """Return the engine of the daemon's connection, which holds the daemon's lock."""
        return postgres.writing_engine(self.url)

    def sharer(self) -> sa.Engine:
        """Return the engine of a connection that writes beside the daemon."""
        return postgres.sharing_engine(self.url)

    def readers(self, connections: int) -> sa.Engine:
        """Return an engine of connections that cannot write."""
        return postgres.reading_engine(self.url, connections)

    def claim(self, writer: sa.Engine) -> None:
        """Connect, by which the daemon's lock is taken."""
        writer.connect().close()

    def refuse_damaged(self, connection: sa.Connection) -> None:
        """Do nothing: the server sees to that."""

    def size(self, connection: sa.Connection) -> int:
        """Return the size of the schema's tables and indexes."""
        return int(connection.exec_driver_sql(_SIZE).scalar_one())


_SIZE = """
SELECT COALESCE(SUM(pg_total_relation_size(oid)), 0) FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
"""


def is_postgres(url: str) -> bool:
    """Tell whether DATABASE_URL names PostgreSQL."""
    return url.partition("://")[0] in _POSTGRES


def place_of(state_dir: Path, url: str = "") -> Place:
    """Return the place that `url` (DATABASE_URL; "": a file in STATE_DIR) names; raises Permanent (CF002)."""
    if is_postgres(url):
        return PostgresPlace(url)
    return SqlitePlace(database_path(state_dir, url))


def database_path(state_dir: Path, url: str = "") -> Path:
    """Return the SQLite file that `url` names; raises Permanent (CF002)."""
    if not url:
        return state_dir / DATABASE_FILE
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme != "sqlite" or parts.netloc or parts.query or len(path) < len("/x"):
        raise Permanent(Code.CF002, "DATABASE_URL must be sqlite:///FILE or postgresql://….")
    return Path(path[1:])
