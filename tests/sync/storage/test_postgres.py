"""PostgreSQL: who may write when, what its failures are called, and that all else is as with SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, ProgrammingError

from sync.errors import Code, Permanent, SyncError, Transient
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.opening import database_size, open_beside, open_database, open_for_reading
from sync.storage.queries import query as ask
from sync.storage.tables import items, meta
from tests.postgres_server import PostgresServer
from tests.sync.storage.build import NOW, SHOP, item, linked, query
from tests.sync.storage.test_schema import differences

pytestmark = [pytest.mark.anyio, pytest.mark.peer]


def put(key: str) -> Callable[[sa.Connection], str]:
    def fn(connection: sa.Connection) -> str:
        connection.execute(sa.insert(meta).values(key=key, value="x"))
        return key

    return fn


def open_here(directory: Path, url: str) -> Database:
    return open_database(directory, SHOP, NOW, url=url, threads=False)


async def keys(database: Database) -> set[object]:
    return {row[0] for row in await query(database, "SELECT key FROM meta WHERE length(key) < 4")}


def refused(url: str, directory: Path) -> SyncError:
    with pytest.raises(SyncError) as caught:
        open_here(directory, url)
    return caught.value


# --- tables ---


async def test_the_migrations_lead_to_the_tables_as_declared(postgres: PostgresServer, tmp_path: Path) -> None:
    database = open_here(tmp_path, postgres.create("fresh"))
    assert await database.write(differences) == []
    assert await ask(database, "SELECT sku, lightspeed_qty, shopify_qty FROM sync_validation", 5) == (
        ["sku", "lightspeed_qty", "shopify_qty"],
        [],
    )
    assert await database_size(database, tmp_path, postgres.url("fresh")) > 100_000
    await database.close()


async def test_each_shop_may_have_a_schema_of_its_own(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create("shops")
    postgres.execute("CREATE SCHEMA one", "CREATE SCHEMA two", database="shops")
    one = open_here(tmp_path / "1", postgres.url("shops", options="-csearch_path=one"))
    other = replace(SHOP, shop_id="2")
    two = open_database(
        tmp_path / "2", other, NOW, url=postgres.url("shops", options="-csearch_path=two"), threads=False
    )
    await one.write(put("a"))
    assert (await keys(one), await keys(two)) == ({"a"}, set())
    await one.close()
    await two.close()


async def test_what_a_text_cannot_hold_there_is_replaced(postgres_url: str, tmp_path: Path) -> None:
    database = open_here(tmp_path, postgres_url)
    await SqlLedger(database).keep_items([replace(item(1), description="A\x00B")], NOW)
    assert await database.read(lambda c: c.scalar(sa.select(items.c.description))) == "A\ufffdB"
    await database.close()


async def test_numbers_may_be_as_large_as_in_sqlite(postgres_url: str, tmp_path: Path) -> None:
    database = open_here(tmp_path, postgres_url)
    ledger = SqlLedger(database)
    (link_id,) = await linked(ledger, qoh=10**12)
    assert [work.on_hand for work in await ledger.work_of([link_id])] == [10**12]
    await database.close()


# --- one writer ---


async def test_a_second_daemon_is_refused_until_the_first_is_gone(postgres_url: str, tmp_path: Path) -> None:
    first = open_here(tmp_path / "one", postgres_url)
    error = refused(postgres_url, tmp_path / "two")
    assert (error.code, type(error)) == (Code.ST004, Permanent)
    assert "database shop is in use by another daemon" in error.detail
    await first.close()
    await open_here(tmp_path / "two", postgres_url).close()


async def test_processes_beside_the_daemon_write_in_turn_with_it(postgres_url: str, tmp_path: Path) -> None:
    """Each adds one to a number that it reads first: with two at once, some would be lost."""
    daemon = open_database(tmp_path, SHOP, NOW, url=postgres_url)
    await daemon.write(lambda c: c.execute(sa.insert(meta).values(key="n", value="0")))
    mine = meta.c.key == "n"

    def add(connection: sa.Connection) -> None:
        found = int(connection.scalars(sa.select(meta.c.value).where(mine)).one())
        connection.execute(sa.update(meta).where(mine).values(value=str(found + 1)))

    def beside() -> None:
        other = open_beside(postgres_url, SHOP.store_domain)
        asyncio.run(_repeat(other, add))

    await asyncio.gather(*(asyncio.to_thread(beside) for _ in range(4)), *(daemon.write(add) for _ in range(25)))
    assert await query(daemon, "SELECT value FROM meta WHERE key = 'n'") == [("125",)]
    await daemon.close()


async def _repeat(database: Database, fn: Callable[[sa.Connection], None]) -> None:
    for _ in range(25):
        await database.write(fn)
    await database.close()


async def test_whoever_writes_beside_must_have_the_daemons_tables_and_shop(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    with pytest.raises(Permanent) as no_tables:
        open_beside(postgres.create("empty"), SHOP.store_domain)
    assert no_tables.value.code is Code.ST009
    await open_here(tmp_path, postgres_url).close()
    with pytest.raises(Permanent) as another:
        open_beside(postgres_url, "other.myshopify.com")
    assert another.value.code is Code.ST007
    with pytest.raises(Permanent, match="SQLite file has one process"):
        open_beside(f"sqlite:///{tmp_path}/x.db", SHOP.store_domain)


# --- readers ---


async def test_a_reader_sees_one_state_and_cannot_write(postgres_url: str, tmp_path: Path) -> None:
    database = open_here(tmp_path, postgres_url)
    beside = open_for_reading(tmp_path, url=postgres_url)

    def look(connection: sa.Connection) -> tuple[object, object]:
        before = connection.scalar(sa.select(sa.func.count()).select_from(meta))
        asyncio.run_coroutine_threadsafe(database.write(put("a")), loop).result(10)
        return before, connection.scalar(sa.select(sa.func.count()).select_from(meta))

    loop = asyncio.get_running_loop()
    before, after = await asyncio.to_thread(lambda: asyncio.run(beside.read(look)))
    assert before == after
    assert await keys(beside) == {"a"}
    for reader in (database, beside):
        with pytest.raises(SyncError) as caught:
            await reader.read(put("b"))
        assert caught.value.code is Code.ST003
    await beside.close()
    await database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM meta",
        "WITH x AS (DELETE FROM meta RETURNING key) SELECT * FROM x",
        "SELECT 1; DELETE FROM meta",
        "COMMIT; DELETE FROM meta",
        "SELECT setval('runs_run_id_seq', 99)",
        "CREATE TABLE x (a integer)",
        "nonsense",
        "",
    ],
)
async def test_peoples_own_questions_change_nothing(postgres_url: str, tmp_path: Path, statement: str) -> None:
    await open_here(tmp_path, postgres_url).close()
    beside = open_for_reading(tmp_path, url=postgres_url)
    try:
        names, _ = await ask(beside, statement, 10)
    except SyncError as error:
        assert error.code in (Code.CF002, Code.ST003)  # noqa: PT017 - an empty question is answered with nothing
    else:
        assert (statement, names) == ("", [])
    await ask(beside, "SET TRANSACTION READ ONLY", 10)
    with pytest.raises(SyncError):
        await ask(beside, "SET TRANSACTION READ WRITE", 10)
    assert await query(beside, "SELECT count(*) FROM meta") == [(5,)]
    await beside.close()


async def test_answers_to_peoples_questions_look_as_in_sqlite(postgres_url: str, tmp_path: Path) -> None:
    database = open_here(tmp_path, postgres_url)
    await linked(SqlLedger(database))
    asked = (
        "SELECT sku, due, created_at, links.link_id / 2.0 AS half, lightspeed_qty AS n FROM links JOIN sync_validation"
    )
    names, rows = await ask(database, f"{asked} USING (sku)", 10)
    assert names == ["sku", "due", "created_at", "half", "n"]
    assert repr(rows) == "[('SKU-1', 1, '2026-11-22T10:00:00.000000Z', 0.5, 5)]"
    await database.close()


# --- failures ---


@pytest.mark.parametrize(
    ("address", "code", "kind"),
    [
        (lambda server: server.loopback(password="wrong"), Code.ST011, Permanent),
        (lambda server: server.url("nowhere"), Code.ST011, Permanent),
        (lambda server: server.url(user="nobody"), Code.ST011, Permanent),
        (lambda server: server.url(options="-csearch_path=nowhere"), Code.ST012, Permanent),
        (lambda server: "postgresql://sync:pg-s3cret@127.0.0.1:1/shop", Code.ST010, Transient),
        (lambda server: server.loopback() + "?nonsense=1", Code.CF002, Permanent),
    ],
    ids=["wrong password", "no such database", "no such user", "no such schema", "nobody listens", "unknown parameter"],
)
async def test_a_server_that_cannot_be_used_is_told_in_one_sentence(
    postgres: PostgresServer,
    tmp_path: Path,
    address: Callable[[PostgresServer], str],
    code: Code,
    kind: type[SyncError],
) -> None:
    error = refused(address(postgres), tmp_path)
    assert (error.code, type(error)) == (code, kind)
    assert "\n" not in str(error)
    assert "s3cret" not in str(error)
    assert "wrong" not in str(error).replace("are wrong", "")


async def test_a_database_that_only_reads_is_refused(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create("frozen")
    postgres.execute("ALTER DATABASE frozen SET default_transaction_read_only = on")
    assert refused(postgres.url("frozen"), tmp_path).code is Code.ST003


async def test_tables_of_a_newer_version_or_of_another_program_are_refused(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.create("newer")
    await open_here(tmp_path, url).close()
    postgres.execute("UPDATE alembic_version SET version_num = '9999'", database="newer")
    for error in (refused(url, tmp_path), await _refused_reader(url, tmp_path)):
        assert error.code is Code.ST001
        assert "PostgreSQL's database newer has revision 9999" in error.detail
    other = postgres.create("other")
    postgres.execute("CREATE TABLE recipes (name text)", database="other")
    assert refused(other, tmp_path).code is Code.ST007


async def _refused_reader(url: str, directory: Path) -> SyncError:
    with pytest.raises(SyncError) as caught:
        open_for_reading(directory, url=url)
    return caught.value


@pytest.mark.parametrize("threads", [True, False], ids=["threads", "inline"])
async def test_after_a_lost_connection_the_next_write_and_read_find_another(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path, threads: bool
) -> None:
    database = open_database(tmp_path, SHOP, NOW, url=postgres_url, threads=threads)

    def cut_off(connection: sa.Connection) -> None:
        put("a")(connection)
        _cut(postgres)
        put("b")(connection)

    with pytest.raises(Transient) as caught:
        await database.write(cut_off)
    assert caught.value.code is Code.ST010
    assert await keys(database) == set(), "nothing of a transaction that was cut off is there"
    await database.write(put("c"))
    _cut(postgres)
    assert await keys(database) == {"c"}
    await database.write(put("d"))
    assert await keys(database) == {"c", "d"}
    assert refused(postgres_url, tmp_path / "other").code is Code.ST004, "its lock was taken again"
    await database.close()


def _cut(server: PostgresServer) -> None:
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'")


@pytest.mark.parametrize("committed", [True, False], ids=["it was", "it was not"])
async def test_whether_an_unanswered_commit_was_one_is_asked_of_the_server(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path, committed: bool
) -> None:
    database = open_database(tmp_path, SHOP, NOW, url=postgres_url)
    lost: list[bool] = []

    def lose(connection: sa.Connection) -> None:
        if not lost:
            lost.append(True)
            if committed:
                connection.exec_driver_sql("COMMIT")
            _cut(postgres)

    def watched(connection: sa.Connection) -> str:
        sa.event.listen(connection.engine, "commit", lose)
        return put("a")(connection)

    if committed:
        assert await database.write(watched) == "a"
    else:
        with pytest.raises(Transient):
            await database.write(watched)
    assert lost
    assert await keys(database) == ({"a"} if committed else set())
    await database.write(put("b"))
    await database.close()


async def test_a_daemon_whose_place_was_taken_meanwhile_writes_nothing_more(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    first = open_here(tmp_path / "one", postgres_url)
    _cut(postgres)
    second = open_here(tmp_path / "two", postgres_url)
    with pytest.raises(SyncError) as caught:
        await first.write(put("a"))
    assert caught.value.code is Code.ST004
    await second.write(put("b"))
    assert await keys(second) == {"b"}
    await first.close()
    await second.close()


async def test_a_callers_own_mistakes_stay_theirs_and_take_nothing_else_back(postgres_url: str, tmp_path: Path) -> None:
    database = open_database(tmp_path, SHOP, NOW, url=postgres_url)
    results = await asyncio.gather(
        database.write(put("a")),
        database.write(put("a")),
        database.write(lambda c: c.exec_driver_sql("SELECT nonsense")),
        database.write(put("b")),
        return_exceptions=True,
    )
    assert (results[0], results[3]) == ("a", "b")
    assert (type(results[1]), type(results[2])) == (IntegrityError, ProgrammingError)
    assert await keys(database) == {"a", "b"}
    await database.close()


@pytest.mark.slow
async def test_a_server_that_restarts_is_waited_for(tmp_path: Path) -> None:
    from tests.postgres_server import postgres_server  # noqa: PLC0415

    with postgres_server() as server:
        database = open_here(tmp_path, server.url())
        await database.write(put("a"))
        server.control("-m", "fast", "stop")
        for act in (database.write(put("b")), keys(database)):
            with pytest.raises(Transient) as caught:
                await act
            assert caught.value.code is Code.ST010
        server.control("start")
        await database.write(put("c"))
        assert await keys(database) == {"a", "c"}
        await database.close()
