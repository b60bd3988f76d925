"""SQLAlchemy engines over one SQLite file: the writing one, and reading ones that can neither write nor checkpoint."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool, StaticPool

from sync.errors import Code, Permanent
from sync.storage.values import JSON_IN_C

READERS = 2  # reading connections of one process
_BUSY_SECONDS = 5.0  # only recovery after a crash makes anybody wait: writers are kept apart by our own lock
_LOG_LIMIT = 64 * 1024 * 1024  # bytes the write-ahead log is cut back to
_STATEMENTS = 512  # kept ready by each connection: a pass and a judging have more than the usual 128 together

# Each is set and read back, since SQLite ignores what it does not like. FULL, because NORMAL loses acknowledged
# commits in a power cut; no mmap, because a stray write would reach the file.
_WRITER = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "mmap_size": 0,
    "journal_size_limit": _LOG_LIMIT,
    "wal_autocheckpoint": 1000,
}
_READER = {"query_only": 1, "mmap_size": 0, "cache_size": -512}  # KiB; the file's pages are in the kernel's cache, too


def writing_engine(driver: ModuleType, path: Path) -> sa.Engine:
    """Return an engine with the one connection that may write to `path`; its transactions begin IMMEDIATE."""
    return _engine(driver, path, mode="rw", pragmas=_WRITER, begin="BEGIN IMMEDIATE", poolclass=StaticPool)


def reading_engine(driver: ModuleType, path: Path, connections: int = READERS) -> sa.Engine:
    """Return an engine of read-only connections; each transaction sees one state of the database.

    They are opened with mode=ro: a connection that may write would checkpoint the log when it is the last to close.
    """
    pool = {"poolclass": QueuePool, "pool_size": connections, "max_overflow": 0}
    return _engine(driver, path, mode="ro", pragmas=_READER, begin="BEGIN", **pool)


def _engine(
    driver: ModuleType, path: Path, *, mode: str, pragmas: dict[str, Any], begin: str, **pool: Any
) -> sa.Engine:
    address = f"{path.absolute().as_uri()}?mode={mode}"

    def connect() -> Any:
        # isolation_level None: the driver begins no transaction by itself, ours begins below.
        return driver.connect(
            address,
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )

    engine = sa.create_engine("sqlite://", module=driver, creator=connect, **JSON_IN_C, **pool)

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        for name, value in pragmas.items():
            _set(connection, name, value)

    def begin_transaction(connection: Any) -> None:
        connection.execute(begin).close()

    # In place of the event "begin", whose statement goes all the way through SQLAlchemy: twice as dear as this.
    engine.dialect.do_begin = begin_transaction  # type: ignore[assignment]
    return engine


def _set(connection: Any, name: str, value: Any) -> None:
    connection.execute(f"PRAGMA {name} = {value}").close()
    row = connection.execute(f"PRAGMA {name}").fetchone()
    # Without a memory map compiled in, SQLite answers nothing.
    if row is not None and row[0] != value:
        raise Permanent(
            Code.ST006, f"SQLite keeps {name} at {row[0]} instead of {value}; STATE_DIR must lie on a local disk."
        )
