"""The one way to the database: groups of writes, reads, failures of the library."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from sync.errors import Code, Permanent, SyncError, Transient
from sync.storage.database import Database
from sync.storage.opening import DATABASE_FILE, open_database, open_for_reading
from sync.storage.tables import meta
from tests.sync.storage.build import NOW, ROOT, SHOP, open_migrated, query

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[True, False], ids=["threads", "inline"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_migrated(tmp_path, threads=request.param)
    yield opened
    await opened.close()


@pytest.fixture
async def threaded(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_migrated(tmp_path, threads=True)
    yield opened
    await opened.close()


def put(key: str, value: str = "x") -> Callable[[sa.Connection], str]:
    def fn(connection: sa.Connection) -> str:
        connection.execute(sa.insert(meta).values(key=key, value=value))
        return key

    return fn


def explode(connection: sa.Connection) -> None:
    connection.execute(sa.insert(meta).values(key="half done", value=""))
    raise ZeroDivisionError


def overwrite(file: Path, content: bytes) -> None:
    with file.open("r+b") as raw:
        raw.write(content)


def look_at_the_file(connection: sa.Connection) -> None:
    connection.exec_driver_sql("PRAGMA shrink_memory").close()  # what is in memory is still whole
    connection.exec_driver_sql("SELECT * FROM links, meta").all()


async def keys(database: Database) -> set[str]:
    return {str(row[0]) for row in await query(database, "SELECT key FROM meta WHERE length(key) < 12")}


async def test_a_write_returns_what_its_function_returns_and_is_read_at_once(database: Database) -> None:
    assert await database.write(put("a")) == "a"
    assert "a" in await keys(database)


async def test_a_function_that_raises_takes_its_own_work_back_and_no_other(database: Database) -> None:
    results = await asyncio.gather(
        database.write(put("a")),
        database.write(explode),
        database.write(put("a")),
        database.write(put("b")),
        return_exceptions=True,
    )
    assert results[0] == "a"
    assert isinstance(results[1], ZeroDivisionError)
    assert isinstance(results[2], IntegrityError)
    assert results[3] == "b"
    assert await keys(database) >= {"a", "b"}
    assert "half done" not in await keys(database)


async def test_writes_that_wait_share_one_commit_and_are_answered_only_after_it(threaded: Database) -> None:
    commits: list[int] = []
    gate, entered = threading.Event(), threading.Event()

    def first(connection: sa.Connection) -> None:
        sa.event.listen(connection.engine, "commit", lambda _: commits.append(1))
        entered.set()
        gate.wait(10)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(threaded.write, first)
        await anyio.to_thread.run_sync(entered.wait)
        for number in range(20):
            tasks.start_soon(threaded.write, put(f"k{number}"))
        await anyio.lowlevel.checkpoint()
        assert commits == []
        gate.set()
    assert len(commits) == 2, "the first function's, then one for the twenty that waited"
    assert {f"k{number}" for number in range(20)} <= await keys(threaded)


async def test_writes_happen_in_the_order_in_which_they_were_asked_for(threaded: Database) -> None:
    seen: list[int] = []
    async with anyio.create_task_group() as tasks:
        for number in range(200):
            tasks.start_soon(threaded.write, lambda _, number=number: seen.append(number))
    assert seen == list(range(200))


async def test_a_write_that_nobody_waits_for_any_more_is_not_begun(threaded: Database) -> None:
    gate, entered = threading.Event(), threading.Event()

    def first(_: sa.Connection) -> None:
        entered.set()
        gate.wait(10)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(threaded.write, first)
        await anyio.to_thread.run_sync(entered.wait)
        waiting = asyncio.create_task(threaded.write(put("given up")))
        await anyio.lowlevel.checkpoint()
        waiting.cancel()
        await asyncio.wait([waiting])
        gate.set()
    assert "given up" not in await keys(threaded)


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(SyncError) as caught:
        await database.read(put("a"))
    assert caught.value.code is Code.ST003


async def test_a_mistake_in_a_statement_stays_the_callers_own_error(database: Database) -> None:
    with pytest.raises(OperationalError):
        await database.write(lambda c: c.exec_driver_sql("SELECT nonsense"))
    assert await database.write(put("a")) == "a"


async def test_a_full_disk_fails_the_write_and_the_next_one_works_once_there_is_room(database: Database) -> None:
    def fill(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(100):
            connection.execute(sa.insert(meta).values(key=f"fill{number}", value="x" * 4000))

    with pytest.raises(Transient) as caught:
        await database.write(fill)
    assert caught.value.code is Code.ST005
    assert "fill0" not in await keys(database)
    await database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").close())
    assert await database.write(put("a")) == "a"


async def test_after_damage_is_seen_nothing_more_is_written(tmp_path: Path) -> None:
    opened = open_database(tmp_path, SHOP, NOW, threads=False)
    await opened.close()  # moves everything out of the log
    file = tmp_path / DATABASE_FILE
    opened = open_database(tmp_path, SHOP, NOW, threads=False)
    whole = file.read_bytes()
    overwrite(file, whole[:4096] + b"\xff" * (len(whole) - 4096))  # what a stray program or a dying disk does
    with pytest.raises(Permanent) as caught:
        await opened.write(look_at_the_file)
    assert caught.value.code is Code.ST002
    overwrite(file, whole)  # what was believed meanwhile is wrong all the same
    with pytest.raises(Permanent) as again:
        await opened.write(put("a"))
    assert again.value.code is Code.ST002
    await opened.close()


async def test_a_closed_database_takes_nothing_more(threaded: Database) -> None:
    await threaded.write(put("a"))
    await threaded.close()
    with pytest.raises(Permanent, match="closed"):
        await threaded.write(put("b"))
    with pytest.raises(Permanent, match="closed"):
        await threaded.read(lambda c: None)
    await threaded.close()


async def test_closing_finishes_the_writes_that_wait(threaded: Database, tmp_path: Path) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(threaded.write, put(f"k{number}"))
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(threaded.close)
    beside = open_for_reading(tmp_path)
    assert {f"k{number}" for number in range(50)} <= await keys(beside)
    await beside.close()


async def test_the_writing_connection_commits_durably_and_alone_moves_the_log(tmp_path: Path) -> None:
    opened = open_database(tmp_path, SHOP, NOW, threads=False)

    def pragmas(connection: sa.Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "journal_size_limit")
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}

    assert await opened.write(pragmas) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "journal_size_limit": 67108864,
    }
    await opened.write(put("a"))
    await opened.close()
    assert not (tmp_path / f"{DATABASE_FILE}-wal").exists()


_KILLED = """
import asyncio, os, sys
from pathlib import Path
from tests.sync.storage.build import open_inline
asyncio.run(open_inline(Path(sys.argv[1])).write(lambda c: c.exec_driver_sql("CREATE TABLE kept (a)").close()))
os._exit(9)
"""


async def test_a_reader_sees_what_a_killed_daemon_left_in_the_log_and_leaves_it_there(tmp_path: Path) -> None:
    await anyio.run_process([sys.executable, "-c", _KILLED, str(tmp_path)], cwd=ROOT, check=False)
    log = tmp_path / f"{DATABASE_FILE}-wal"
    before = log.read_bytes()
    beside = open_for_reading(tmp_path)
    assert await query(beside, "SELECT count(*) FROM kept") == [(0,)]
    await beside.close()
    assert len(before) > 4096
    assert log.read_bytes() == before
