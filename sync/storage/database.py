"""The one way to the database: functions that take a connection, run as writes or as reads.

A write function runs in a savepoint of its own; those that wait at the same moment share one commit, and each gets
its result only after that commit. A function that raises takes only its own work back. Functions must not commit,
must not keep the connection, and must not wait for anything.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sync.errors import Code, Permanent, SyncError, Transient
from sync.storage.engine import READERS
from sync.storage.failures import FATAL, translated, translating
from sync.storage.postgres import number_of, was_committed
from sync.storage.touched import Watcher, taken

T = TypeVar("T")

_GROUP = 64  # functions that share a commit: bounds how long the first of them waits
_WAITING = 1000  # writes that may wait; later ones wait for a place


class Database(Protocol):
    """Durable state. Library failures arrive as `SyncError` (ST002 to ST006), the functions' own errors as they are."""

    async def write(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run `fn` in a transaction; when this returns, its effect survives a power cut."""

    async def read(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run `fn` on one consistent state that includes every write that has returned; it cannot write."""

    def watch(self, watcher: Watcher) -> None:
        """Let `watcher` read what each write touches before it commits, and hear of it before the write returns."""

    async def close(self) -> None:
        """Finish the writes that wait, then let go of the file and of the state directory."""


class _Outcome:
    """What became of one function: `with outcome:` keeps an Exception instead of letting it pass."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        self.error = error
        return isinstance(error, Exception)


class Connections:
    """The connections of an engine, each in a transaction while it is handed out.

    A connection to a SQLite file cannot be lost, so each thread keeps its own: to take one from the pool and give it
    back costs more than a short transaction.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._keeps = engine.dialect.name == "sqlite"
        self._mine = threading.local()
        self._kept: list[sa.Connection] = []

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Hand out a connection; what was done with it is committed at the end, or rolled back at an error."""
        if self._keeps:
            connection = self._own()
            with connection.begin():
                yield connection
            return
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close them all; no thread may be using any."""
        while self._kept:
            self._kept.pop().close()
        self._engine.dispose()

    def _own(self) -> sa.Connection:
        connection: sa.Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._engine.connect()
            self._kept.append(connection)
        return connection


class Writer:
    """The writing connection, for one thread at a time; `failed` is set for good once the file cannot be trusted."""

    def __init__(self, engine: sa.Engine) -> None:
        self._connections = Connections(engine)
        self.failed: SyncError | None = None
        self.watchers: list[Watcher] = []

    def commit(self, functions: Sequence[Callable[[sa.Connection], Any]]) -> Sequence[_Outcome]:
        """Run the functions in one transaction; all fail when the commit or the library itself fails."""
        if self.failed is not None:
            return _all_failed(functions, self.failed)
        whole = _Outcome()
        with whole:
            whole.value = self._transaction(functions)
        if whole.error is None:
            outcomes, news = whole.value
            for tell in news:
                tell()
            return list(outcomes)
        error = whole.error
        if isinstance(error, SyncError) and error.code in FATAL:
            self.failed = error
        return _all_failed(functions, error)

    def close(self) -> None:
        """Close, by which SQLite moves its log into the file; a file that cannot be trusted is left as it is."""
        if self.failed is None:
            with translating():
                self._connections.close()

    def _transaction(
        self, functions: Sequence[Callable[[sa.Connection], Any]]
    ) -> tuple[Sequence[_Outcome], Sequence[Callable[[], None]]]:
        """Return what became of the functions, and what is to be told of it now that it is durable."""
        done: tuple[Sequence[_Outcome], Sequence[Callable[[], None]]] | None = None
        number: str | None = None
        try:
            with translating(), self._connections.begin() as connection:
                taken(connection)  # of a transaction that failed
                number = number_of(connection)
                done = self._carry_out(connection, functions)
        except Transient:
            if done is None or number is None or not self._was_committed(number):
                raise
        return done

    def _carry_out(
        self, connection: sa.Connection, functions: Sequence[Callable[[sa.Connection], Any]]
    ) -> tuple[Sequence[_Outcome], Sequence[Callable[[], None]]]:
        if len(functions) > 1:
            outcomes = [_in_savepoint(connection, fn) for fn in functions]
            return outcomes, self._news(connection)
        outcome = _run(connection, functions[0])  # alone, it needs no savepoint to fail by itself
        if outcome.error is not None:
            connection.rollback()
            return [outcome], []
        return [outcome], self._news(connection)

    def _was_committed(self, number: str) -> bool:
        """Ask over another connection, where the first was lost before the commit was answered."""
        with translating(), self._connections.begin() as connection:
            return was_committed(connection, number)

    def _news(self, connection: sa.Connection) -> Sequence[Callable[[], None]]:
        touched = taken(connection)
        return [watcher(connection, touched) for watcher in self.watchers] if touched else []


def _in_savepoint(connection: sa.Connection, fn: Callable[[sa.Connection], Any]) -> _Outcome:
    """Run one function among others, so that it can fail without them."""
    savepoint = connection.begin_nested()
    outcome = _run(connection, fn)
    if outcome.error is None:
        savepoint.commit()
    else:
        savepoint.rollback()
    return outcome


def _run(connection: sa.Connection, fn: Callable[[sa.Connection], Any]) -> _Outcome:
    """Run one function; only a failure of the library itself passes on, since it may have ended the transaction."""
    outcome = _Outcome()
    with outcome:
        outcome.value = fn(connection)
    if isinstance(outcome.error, DBAPIError) and (ours := translated(outcome.error)) is not None:
        raise ours from outcome.error
    return outcome


def _all_failed(functions: Sequence[Any], error: BaseException) -> Sequence[_Outcome]:
    outcomes = [_Outcome() for _ in functions]
    for outcome in outcomes:
        outcome.error = error
    return outcomes


def _read(readers: Connections, fn: Callable[[sa.Connection], T]) -> T:
    with translating(), readers.begin() as connection:
        return fn(connection)


class InlineDatabase:
    """The database without threads: for simulations under a virtual clock, and for short commands."""

    def __init__(self, writer: Writer, readers: sa.Engine, resources: ExitStack) -> None:
        self._writer = writer
        self._readers = Connections(readers)
        self._resources = resources

    async def write(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run `fn` in a transaction of its own."""
        (outcome,) = self._writer.commit([fn])
        if outcome.error is not None:
            raise outcome.error
        value: T = outcome.value
        return value

    async def read(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run `fn` on a consistent state."""
        return _read(self._readers, fn)

    def watch(self, watcher: Watcher) -> None:
        """Let `watcher` see what each write touches."""
        self._writer.watchers.append(watcher)

    async def close(self) -> None:
        """Let go of the file and of the state directory."""
        with self._resources:
            self._readers.close()
            self._writer.close()


_Job = tuple[Callable[[sa.Connection], Any], "Future[Any]"]


class ThreadedDatabase:
    """The database of the daemon: one writing thread with a queue, a few reading threads."""

    def __init__(self, writer: Writer, readers: sa.Engine, resources: ExitStack) -> None:
        self._writer = writer
        self._readers = Connections(readers)
        self._resources = resources
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._places = asyncio.Semaphore(_WAITING)
        self._closed = False
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-read")
        self._thread = threading.Thread(target=self._serve, name="ledger-write", daemon=True)
        self._thread.start()

    async def write(self, fn: Callable[[sa.Connection], T]) -> T:
        """Queue `fn`; cancelling the wait takes it back only while it has not begun."""
        async with self._places:
            self._refuse_if_closed()
            future: Future[T] = Future()
            self._jobs.put((fn, future))
            return await asyncio.wrap_future(future)

    async def read(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run `fn` in a reading thread."""
        self._refuse_if_closed()
        return await asyncio.get_running_loop().run_in_executor(self._pool, _read, self._readers, fn)

    def watch(self, watcher: Watcher) -> None:
        """Let `watcher` see what each write touches, in the writing thread."""
        self._writer.watchers.append(watcher)

    async def close(self) -> None:
        """Finish what waits, then let go; closing twice is no error."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        with self._resources:
            await asyncio.to_thread(self._thread.join)
            await asyncio.to_thread(self._pool.shutdown)
            self._readers.close()
            self._writer.close()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Permanent(Code.ST006, "The database is already closed.")

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            group = [job, *self._waiting()]
            chosen = [(fn, future) for fn, future in group if future.set_running_or_notify_cancel()]
            if not chosen:
                continue
            for (_, future), outcome in zip(chosen, self._writer.commit([fn for fn, _ in chosen]), strict=True):
                if outcome.error is None:
                    future.set_result(outcome.value)
                else:
                    future.set_exception(outcome.error)

    def _waiting(self) -> Sequence[_Job]:
        """Return the jobs that wait by now, up to the limit of a group; a request to stop goes back to the queue."""
        jobs: list[_Job] = []
        while len(jobs) < _GROUP - 1 and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)  # the last entry there will ever be
                break
            jobs.append(job)
        return jobs


class ReadOnlyDatabase:
    """The database as seen by a command beside the daemon: reads only, takes no lock."""

    def __init__(self, readers: sa.Engine) -> None:
        self._readers = Connections(readers)

    async def write(self, fn: Callable[[sa.Connection], T]) -> T:  # noqa: ARG002 - the same call as everywhere
        """Refuse: what changes anything goes through the daemon."""
        raise Permanent(Code.ST003, "It was opened for reading only.")

    async def read(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run `fn` on a consistent state."""
        return _read(self._readers, fn)

    def watch(self, watcher: Watcher) -> None:
        """Do nothing: nothing is written here."""

    async def close(self) -> None:
        """Let go of the file."""
        self._readers.close()
