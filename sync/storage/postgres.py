"""SQLAlchemy engines over one PostgreSQL schema: the writing one, reading ones, and one for writers beside the daemon.

PostgreSQL would let many write at once. Everything here was written for one writer at a time, as SQLite has it, so each
writing transaction first takes its turn: an advisory lock of the schema that ends with the transaction. Whoever keeps
the shop in step holds a second one as long as its connection lives, so that there is one daemon, and so that one which
lost its connection can no longer write with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from sync.errors import Code, Permanent, Transient
from sync.storage.values import JSON_IN_C

OLDEST = 130_000  # its own number of PostgreSQL 13
_TURN, _DAEMON = 7_301, 7_302  # what of a schema is locked; numbers that no other program is likely to use
_CLAIM = f"SELECT pg_advisory_lock({_DAEMON}, hashtext(current_schema()))"
_PATIENCE = "1s"  # a daemon that was killed a moment ago is noticed by then
_NOT_AVAILABLE = "55P03"
_NUMBER = "transaction"
_TURN_TAKEN = f"pg_advisory_xact_lock({_TURN}, hashtext(current_schema()))"
_TAKE_TURN = f"SELECT {_TURN_TAKEN}, pg_current_xact_id()::text"
_FATE = sa.text("SELECT pg_xact_status(CAST(CAST(:number AS text) AS xid8)) = 'committed'")

# A peer that is gone must be noticed by both ends within 15 s, or the daemon could not come back to its own lock.
_CONNECT: dict[str, Any] = {
    "connect_timeout": 5,
    "application_name": "lightspeed-sync",
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_SESSION = """
SET timezone = 'UTC';
SET client_encoding = 'UTF8';
SET tcp_keepalives_idle = 5;
SET tcp_keepalives_interval = 3;
SET tcp_keepalives_count = 3;
SET lock_timeout = '30s';
SET idle_in_transaction_session_timeout = '30s'
"""
# An acknowledged fact must survive a power cut, whatever is usual on that server.
_DURABLE = """
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') IN ('off', 'local')
"""
# A frozen function keeps its connection, and its turn with it: let go of it soon.
_IMPATIENT = "SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '5s'"
_FACTS = """
SELECT current_setting('server_version_num')::integer AS version, current_schema() AS schema,
       current_setting('server_encoding') AS encoding, current_database() AS database
"""

Prepare = Callable[[Any], None]
"""Makes a raw connection, in autocommit mode, ready for its use; raises SyncError where it must not be used."""


def writing_engine(url: str) -> sa.Engine:
    """Return an engine with the one connection that the daemon writes with; connecting takes the daemon's lock.

    Raises from its first use: ST004 Permanent while another daemon holds the lock. Later, after a lost connection,
    that is Transient: the server may not have noticed yet that the former connection is gone.
    """
    claimed: list[bool] = []

    def claim(connection: Any) -> None:
        _make_durable(connection)
        if not _claim(connection):
            kind = Transient if claimed else Permanent
            raise kind(Code.ST004, f"{named(connection)} is in use by another daemon.")
        claimed.append(True)

    return _writers(url, claim)


def sharing_engine(url: str) -> sa.Engine:
    """Return an engine with one connection that writes beside the daemon, each transaction in its turn."""

    def share(connection: Any) -> None:
        _make_durable(connection)
        connection.execute(_IMPATIENT)
        connection.prepare_threshold = None  # poolers, and migrations made meanwhile, do not go well with prepared ones

    return _writers(url, share)


def reading_engine(url: str, connections: int) -> sa.Engine:
    """Return an engine of connections that cannot write; each transaction sees one state of the database."""

    def read_only(connection: Any) -> None:
        connection.read_only = True

    return _engine(url, read_only, isolation_level="REPEATABLE READ", pool_size=connections)


@asynccontextmanager
async def listening(url: str, channel: str) -> AsyncIterator[tuple[str, AsyncIterator[str]]]:
    """Listen while the block runs: yields the schema's name, and what is told from now on, until the connection ends.

    Raises SyncError where it cannot connect, or no longer hears.
    """
    library = _load_library()
    try:
        async with await library.connect_async(url, _usual(library, url)) as connection:
            await connection.execute(_SESSION)
            row = await (await connection.execute("SELECT current_schema()")).fetchone()
            await connection.execute(f"LISTEN {channel}")
            yield str(row[0]), (note.payload async for note in connection.notifies())
    except library.failures as error:
        raise Transient(Code.ST010, " ".join(str(error).split())) from error


def named(connection: Any) -> str:
    """Return how people call the database that a raw connection leads to; never with its password."""
    return f"PostgreSQL's database {connection.info.dbname}"


def _writers(url: str, prepare: Prepare) -> sa.Engine:
    engine = _engine(url, prepare, isolation_level="READ COMMITTED", pool_size=1, target_session_attrs="read-write")

    @sa.event.listens_for(engine, "begin")
    def wait_for_turn(connection: sa.Connection) -> None:
        connection.info[_NUMBER] = connection.exec_driver_sql(_TAKE_TURN).one()[1]

    return engine


def number_of(connection: sa.Connection) -> str | None:
    """Return the number of the transaction that a writing connection is in; None: not with this library."""
    number: str | None = connection.info.get(_NUMBER)
    return number


def was_committed(connection: sa.Connection, number: str) -> bool:
    """Tell what became of a transaction whose commit was not answered; whoever has a turn after it knows for sure."""
    return bool(connection.execute(_FATE, {"number": number}).scalar_one())


def _claim(connection: Any) -> bool:
    """Take the daemon's lock, unless another holds it; tell which."""
    usual = connection.execute("SHOW lock_timeout").fetchone()[0]
    connection.execute(f"SET lock_timeout = '{_PATIENCE}'")
    try:
        connection.execute(_CLAIM)
    except Exception as error:
        if getattr(error, "sqlstate", None) != _NOT_AVAILABLE:
            raise
        return False
    connection.execute(f"SET lock_timeout = '{usual}'")
    return True


def _make_durable(connection: Any) -> None:
    connection.execute(_DURABLE)


def _engine(url: str, prepare: Prepare, *, isolation_level: str, pool_size: int, **more: Any) -> sa.Engine:
    library = _load_library()
    usual = _usual(library, url, **more)

    def connect() -> Any:
        connection = library.connect(url, usual)
        try:
            connection.execute(_SESSION)
            _refuse_unfit(connection)
            prepare(connection)
        except BaseException:
            connection.close()
            raise
        connection.autocommit = False
        return connection

    return sa.create_engine(
        "postgresql+psycopg://",
        creator=connect,
        **JSON_IN_C,
        isolation_level=isolation_level,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,  # after the server was away, the next transaction finds a connection that lives
    )


def _usual(library: _Library, url: str, **more: Any) -> Mapping[str, Any]:
    """Return the parameters of a connection that the address itself does not name."""
    given = library.given(url)
    return {name: value for name, value in (_CONNECT | more).items() if name not in given}


def _refuse_unfit(connection: Any) -> None:
    version, schema, encoding, database = connection.execute(_FACTS).fetchone()
    if version < OLDEST:
        raise Permanent(Code.ST012, f"PostgreSQL {version // 10_000} is older than {OLDEST // 10_000}.")
    if encoding != "UTF8":
        raise Permanent(Code.ST012, f"Its database {database} has the encoding {encoding}; it must be UTF8.")
    if schema is None:
        raise Permanent(Code.ST012, f"Its database {database} has no schema of the name given.")


class _Library:
    """psycopg, as far as it is used here."""

    def __init__(self) -> None:
        import psycopg  # noqa: PLC0415 - only those who use PostgreSQL have it
        from psycopg.adapt import Loader  # noqa: PLC0415
        from psycopg.types.string import StrDumper  # noqa: PLC0415

        class NoNul(StrDumper):
            """Text as PostgreSQL can keep it: without NUL, which no other character of a shop's texts comes near."""

            def dump(self, obj: str) -> Any:
                return super().dump(obj.replace("\x00", "\ufffd"))

        class Number(Loader):
            """A sum or an average as SQLite has it; PostgreSQL gives sums of large numbers a type of their own."""

            def load(self, data: Any) -> int | float:
                text = bytes(data).decode()
                return int(text) if text.lstrip("-").isdigit() else float(text)

        self._psycopg = psycopg
        self._dumper = NoNul
        self._loader = Number

    def given(self, url: str) -> Mapping[str, Any]:
        """Return the parameters that the address itself names."""
        try:
            return self._psycopg.conninfo.conninfo_to_dict(url)
        except self._psycopg.Error:
            raise Permanent(
                Code.CF002, "DATABASE_URL cannot be understood."
            ) from None  # the cause repeats it, password and all

    @property
    def failures(self) -> type[Exception]:
        """Return what all of its failures are."""
        return self._psycopg.Error

    async def connect_async(self, url: str, usual: Mapping[str, Any]) -> Any:
        """Return a raw connection in autocommit mode, for the running loop."""
        return await self._psycopg.AsyncConnection.connect(url, autocommit=True, **usual)

    def connect(self, url: str, usual: Mapping[str, Any]) -> Any:
        """Return a raw connection in autocommit mode."""
        connection = self._psycopg.connect(url, autocommit=True, **usual)
        connection.adapters.register_dumper(str, self._dumper)
        connection.adapters.register_loader("numeric", self._loader)
        return connection


def _load_library() -> _Library:
    try:
        return _Library()
    except ImportError as error:
        raise Permanent(Code.ST012, f"Its library is not here ({error}).") from error
