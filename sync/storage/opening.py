"""Opens the state database, or says in one sentence why it must not be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from sync.errors import Code, Permanent
from sync.storage.database import Database, InlineDatabase, ReadOnlyDatabase, ThreadedDatabase, Writer
from sync.storage.engine import READERS
from sync.storage.failures import translating
from sync.storage.lock import StateLock
from sync.storage.place import DATABASE_FILE, Place, PostgresPlace, database_path, place_of
from sync.storage.tables import meta
from sync.storage.types import to_text

__all__ = [
    "DATABASE_FILE",
    "REVISIONS",
    "Shop",
    "database_path",
    "database_size",
    "open_beside",
    "open_database",
    "open_for_reading",
]

REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
    "0016",
    "0017",
)  # oldest first; a test compares them with the migrations


@dataclass(frozen=True, slots=True)
class Shop:
    """Whose stock a database holds: the till's account and shop, the store and its location."""

    account_id: str
    shop_id: str
    store_domain: str
    location_id: str


def open_database(state_dir: Path, shop: Shop, now: datetime, *, url: str = "", threads: bool = True) -> Database:
    """Take the state directory, check and upgrade the database, and return it.

    With `threads` it must be called in a running event loop. Raises Permanent: ST001 newer tables, ST002 damaged,
    ST003 not writable, ST004 in use, ST005 disk full, ST006 disk failure, ST007 another shop's, ST008 SQLite too old;
    with PostgreSQL also ST011 and ST012, and Transient: ST010 out of reach.
    """
    place = place_of(state_dir, url)
    with ExitStack() as undo:
        for directory in dict.fromkeys([state_dir.absolute(), *place.directories]):
            undo.callback(StateLock(directory).release)
        place.create()
        engine, readers = place.writer(), place.readers(READERS)
        disposal = undo.enter_context(ExitStack())
        disposal.callback(readers.dispose)
        disposal.callback(engine.dispose)
        with translating():
            revision = _inspect(engine, readers, place, shop)
            _prepare(engine, revision, shop, now)
        disposal.pop_all()
        locks = undo.pop_all()
    if threads:
        return ThreadedDatabase(Writer(engine), readers, locks)
    return InlineDatabase(Writer(engine), readers, locks)


def open_beside(url: str, store_domain: str) -> Database:
    """Return a PostgreSQL database for a process that writes beside the daemon: no lock, no thread, no upgrade.

    Raises Permanent: CF002 for another kind of database, ST001, ST007, ST009, ST011, ST012, and Transient: ST010.
    """
    from sync.storage.news import Announcer  # noqa: PLC0415 - commands that only read need not load it

    place = place_of(Path(), url)
    if not isinstance(place, PostgresPlace):
        raise Permanent(Code.CF002, "DATABASE_URL must be postgresql://…: a SQLite file has one process that writes.")
    engine, readers = place.sharer(), place.readers(1)
    with ExitStack() as undo:
        undo.callback(readers.dispose)
        undo.callback(engine.dispose)
        with translating(), readers.connect() as connection, connection.begin():
            _refuse_other_version(connection, place)
            _refuse_others(connection, place, {"store_domain": store_domain})
        undo.pop_all()
    database = InlineDatabase(Writer(engine), readers, ExitStack())
    database.watch(Announcer())
    return database


def open_for_reading(state_dir: Path, *, url: str = "") -> Database:
    """Return the database for a command that reads beside the daemon, without any lock; `write` refuses.

    Raises Permanent: ST001, ST002, ST008, and ST009 where there is no database of this version; with PostgreSQL also
    ST011 and ST012, and Transient: ST010.
    """
    place = place_of(state_dir, url)
    if not place.exists():
        raise Permanent(Code.ST009, f"{place.name} does not exist.")
    readers = place.readers(1)
    with ExitStack() as undo:
        undo.callback(readers.dispose)
        with translating(), readers.connect() as connection, connection.begin():
            _refuse_other_version(connection, place)
        undo.pop_all()
    return ReadOnlyDatabase(readers)


async def database_size(database: Database, state_dir: Path, url: str = "") -> int:
    """Return how many bytes a database takes."""
    return await database.read(place_of(state_dir, url).size)


# --- the checks, in the order in which they are made ---


def _inspect(engine: sa.Engine, readers: sa.Engine, place: Place, shop: Shop) -> str:
    """Refuse what must not be used, before anything is written to it; return the revision of the tables."""
    place.claim(engine)
    with readers.connect() as connection, connection.begin():
        place.refuse_damaged(connection)
        revision = _revision(connection, place)
        if revision:
            _refuse_others(connection, place, asdict(shop))
        return revision


def _prepare(engine: sa.Engine, revision: str, shop: Shop, now: datetime) -> None:
    """Bring the tables up to date and sign the database; a file that cannot be written to shows here."""
    with engine.connect() as connection, connection.begin():
        if revision != REVISIONS[-1]:
            _upgrade(connection)
        _sign(connection, shop, now)


def _revision(connection: sa.Connection, place: Place) -> str:
    """Return the revision of the tables, "" for an empty file; refuse what is newer or not ours."""
    tables: Sequence[str] = sa.inspect(connection).get_table_names()
    if not tables:
        return ""
    if "alembic_version" not in tables:
        raise Permanent(Code.ST007, f"{place.name} is a database of another program.")
    revision = str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
    if revision not in REVISIONS:
        raise Permanent(Code.ST001, f"{place.name} has revision {revision}, this version knows {REVISIONS[-1]}.")
    return revision


def _refuse_others(connection: sa.Connection, place: Place, names: Mapping[str, str]) -> None:
    stored = {row.key: row.value for row in connection.execute(sa.select(meta.c.key, meta.c.value))}
    for name, value in names.items():
        if name in stored and stored[name] != value:
            raise Permanent(Code.ST007, f"{place.name} belongs to {name} {stored[name]}, the settings say {value}.")


def _refuse_other_version(connection: sa.Connection, place: Place) -> None:
    revision = _revision(connection, place)
    if not revision:
        raise Permanent(Code.ST009, f"{place.name} has no tables yet.")
    if revision != REVISIONS[-1]:
        raise Permanent(Code.ST009, f"{place.name} has tables of an older version; starting the daemon updates them.")


def _upgrade(connection: sa.Connection) -> None:
    from sync.storage.migrations import upgrade  # noqa: PLC0415 - Alembic costs memory, and is hardly ever needed

    upgrade(connection)


def _sign(connection: sa.Connection, shop: Shop, now: datetime) -> None:
    """Write whose database it is, and its generation: what makes our idempotency keys differ from a lost file's."""
    stored = set(connection.scalars(sa.select(meta.c.key)))
    values = asdict(shop) | {"generation": to_text(now)}
    rows = [{"key": key, "value": value} for key, value in values.items() if key not in stored]
    if rows:
        connection.execute(sa.insert(meta), rows)
