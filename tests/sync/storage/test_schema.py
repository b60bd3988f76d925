"""Tables, migrations and column types tell the same story."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.schema import CreateIndex, CreateTable

from sync.storage.migrations import configuration, upgrade
from sync.storage.opening import REVISIONS
from sync.storage.statements import insert_all
from sync.storage.tables import links, metadata, outbox, watermarks
from sync.storage.types import Moment, to_text
from tests.sync.storage.build import NOW, open_inline

pytestmark = pytest.mark.anyio


def differences(connection: sa.Connection) -> list[object]:
    options = {"compare_type": True, "include_object": lambda _o, name, *_: name != "sync_validation"}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_the_migrations_lead_to_the_tables_as_declared(tmp_path: Path) -> None:
    database = open_inline(tmp_path)
    assert await database.write(differences) == []
    await database.close()


def test_the_revisions_known_by_name_are_those_there_are() -> None:
    script = ScriptDirectory.from_config(configuration())
    assert tuple(revision.revision for revision in reversed(list(script.walk_revisions()))) == REVISIONS


def test_each_revision_can_be_reached_from_the_one_before() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        for revision in REVISIONS:
            upgrade(connection, revision)
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
            assert found == revision
        assert differences(connection) == []
    engine.dispose()


def test_the_tables_can_be_written_down_for_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    written = [str(CreateTable(table).compile(dialect=dialect)) for table in metadata.sorted_tables]
    written += [
        str(CreateIndex(index).compile(dialect=dialect))
        for table in metadata.tables.values()
        for index in table.indexes
    ]
    text = "\n".join(written)
    assert "TIMESTAMP WITH TIME ZONE" in text
    assert "DEFAULT 0 NOT NULL" not in "".join(line for line in text.splitlines() if "BOOLEAN" in line)


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_a_moment_comes_back_as_it_was(moment: datetime) -> None:
    dialect, column = sqlite.dialect(), Moment()
    assert column.process_result_value(column.process_bind_param(moment, dialect), dialect) == moment


@given(moments=st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2))
def test_moments_sort_as_text_as_they_do_in_time(moments: list[datetime]) -> None:
    assert sorted(moments) == sorted(moments, key=to_text)


async def test_a_moment_of_another_zone_is_kept_in_utc_and_a_naive_one_is_refused(tmp_path: Path) -> None:
    database = open_inline(tmp_path)
    there = datetime(2026, 11, 22, 5, 0, tzinfo=timezone(timedelta(hours=-5)))
    await database.write(lambda c: insert_all(c, watermarks, [{"feed": "a", "newest": there, "run_id": 1}]))
    kept = await database.read(lambda c: c.scalar(sa.select(watermarks.c.newest)))
    assert kept == NOW
    assert kept is not None
    assert kept.tzinfo is UTC
    naive = [{"feed": "b", "newest": datetime(2026, 11, 22), "run_id": 1}]  # noqa: DTZ001 - the mistake
    with pytest.raises(StatementError, match="needs a time zone"):
        await database.write(lambda c: insert_all(c, watermarks, naive))
    await database.close()


def link(item: str, inventory_item: str, state: str = "confirmed") -> dict[str, object]:
    names = {"item_id": item, "inventory_item_id": inventory_item, "variant_id": f"v{inventory_item}"}
    return {**names, "sku": "S", "sku_key": "s", "state": state, "created_at": NOW}


@pytest.mark.parametrize(
    ("second", "allowed"),
    [
        (link("1", "b"), False),
        (link("2", "a"), False),
        (link("2", "b"), True),
        (link("1", "b", "tombstoned"), True),
        (link("1", "b", "suggested"), True),
        (link("3", "c", "nonsense"), False),
    ],
    ids=["same item", "same inventory item", "both others", "ended link", "suggestion", "unknown state"],
)
async def test_among_confirmed_links_each_side_is_unique(
    tmp_path: Path, second: dict[str, object], allowed: bool
) -> None:
    database = open_inline(tmp_path)
    await database.write(lambda c: insert_all(c, links, [link("1", "a")]))
    if allowed:
        await database.write(lambda c: insert_all(c, links, [second]))
    else:
        with pytest.raises(IntegrityError):
            await database.write(lambda c: insert_all(c, links, [second]))
    await database.close()


async def test_a_message_in_an_unknown_state_is_refused(tmp_path: Path) -> None:
    database = open_inline(tmp_path)
    row = {"channel": "slack", "kind": "firing", "body": {}, "state": "maybe", "created_at": NOW}
    with pytest.raises(IntegrityError):
        await database.write(lambda c: insert_all(c, outbox, [row]))
    await database.close()


# --- tables that others refer to, with rows in them ---

ORDERS = """
INSERT INTO orders (order_id, name, created_at, updated_at, test, booked_before, read_at)
VALUES ('o1', '#1', '2026-11-22 10:00:00', '2026-11-22 10:00:00', 0, 0, '2026-11-22 10:00:00');
INSERT INTO order_lines (order_id, line_id, inventory_item_id, sku, placed, restocked, closed)
VALUES ('o1', 'l1', 'i1', 'S', 1, 0, 0)
"""
DOCUMENTS = """
INSERT INTO documents (document_id, order_id, n, reference, state, created_at)
VALUES (1, 'o1', 1, 'SH-1-1', 'posted', '2026-11-22 10:00:00'),
       (2, 'o1', 2, 'SH-1-2', 'abandoned', '2026-11-22 10:00:00'),
       (3, 'o1', 3, 'SH-1-3', 'open', '2026-11-22 10:00:00');
INSERT INTO document_lines (document_id, charge, line_id, item_id, units, cents)
VALUES (1, 'goods', 'l1', '5', 1, 100), (2, 'goods', 'l1', '5', 1, 100), (3, 'tip', '', '9', 1, 100)
"""


def enforcing() -> sa.Engine:
    """Return a database in memory that checks foreign keys, as the real one does."""
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)

    @sa.event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def upgraded(engine: sa.Engine, revision: str, statements: str = "") -> None:
    """Bring the tables to a revision and put rows into them, in one transaction."""
    with engine.begin() as connection:
        upgrade(connection, revision)
        for statement in filter(None, statements.split(";")):
            connection.exec_driver_sql(statement)


def made_of(connection: sa.Connection, table: str) -> list[str]:
    """Return how a table and its indexes were made."""
    select = sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = :name AND sql IS NOT NULL ORDER BY type, name")
    return list(connection.scalars(select, {"name": table}))


def test_orders_and_documents_keep_their_rows_and_what_refers_to_them() -> None:
    engine = enforcing()
    upgraded(engine, "0003", ORDERS)
    upgraded(engine, "0006", DOCUMENTS)
    with engine.connect() as connection:
        before = made_of(connection, "documents")
    upgraded(engine, "head")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT order_id, state, held FROM orders").all() == [("o1", "seen", "")]
        select = "SELECT reference, state, charge FROM documents JOIN document_lines USING (document_id) ORDER BY n"
        assert connection.exec_driver_sql(select).all() == [
            ("SH-1-1", "posted", "goods"),
            ("SH-1-2", "abandoned", "goods"),
            ("SH-1-3", "open", "tip"),
        ]
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        *indexes, table = made_of(connection, "documents")
        assert [sql for sql in indexes if "ix_documents_sale_id" not in sql] == before[:-1]
        assert "AUTOINCREMENT" in table
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        ("UPDATE documents SET state = 'voided' WHERE n = 1", ""),
        ("UPDATE documents SET state = 'elsewhere' WHERE n = 1", "ck_documents_state"),
        ("UPDATE documents SET state = 'sent' WHERE n = 2", "UNIQUE"),
        ("DELETE FROM documents WHERE n = 1", "FOREIGN KEY"),
        ("UPDATE orders SET state = 'elsewhere'", "ck_orders_state"),
    ],
    ids=["voided", "unknown state", "two on their way", "with lines", "unknown state of an order"],
)
def test_the_tables_made_anew_refuse_what_they_refused_before(statement: str, refused: str) -> None:
    engine = enforcing()
    upgraded(engine, "head", f"{ORDERS};{DOCUMENTS}")
    with engine.begin() as connection:
        if not refused:
            assert connection.exec_driver_sql(statement).rowcount == 1
        else:
            with pytest.raises(IntegrityError, match=refused):
                connection.exec_driver_sql(statement)
    engine.dispose()
