"""Links, doubts, changes by others, evidence and items asked for, as SQLite and PostgreSQL keep them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync.accuracy import Agreement
from sync.errors import Code
from sync.item_making import ItemDraft
from sync.mapping import Pair
from sync.stock import Policy
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.makings import SqlMakingBook
from sync.storage.mapping import SqlMapBook
from sync.storage.statements import insert_all
from sync.storage.tables import links, quarantine, stock_calls, stock_intents
from tests.sync.storage.build import NOW, item, later, level, open_migrated, variant

pytestmark = pytest.mark.anyio

PAIR = Pair("1", "variant-2", "inventory-2", "SKU-2", "SKU-1")


@pytest.fixture
async def database(tmp_path: Path, either_database: None) -> AsyncIterator[Database]:
    opened = open_migrated(tmp_path, threads=False)
    ledger = SqlLedger(opened)
    await ledger.keep_items([item(1), item(2)], NOW)
    await ledger.keep_variants([variant(number, row=level(number)) for number in (1, 2)], NOW)
    yield opened
    await opened.close()


async def link_id(database: Database) -> int:
    found = await SqlMapBook(database).link_ids_of(["sku-2"])
    return found["sku-2"]


async def test_a_pair_is_joined_found_by_both_skus_and_taken_apart(database: Database) -> None:
    book = SqlMapBook(database)
    assert await book.join([PAIR], "ann", NOW, replace=False) == {}
    assert len(set((await book.link_ids_of(["SKU-1", "SKU-2"])).values())) == 1
    items, variants = await book.things()
    assert [(each.id, each.linked_to, each.by_person) for each in (*items, *variants)] == [
        ("1", "variant-2", True),
        ("2", "", False),
        ("variant-1", "", False),
        ("variant-2", "1", True),
    ]
    assert await book.part([await link_id(database)], "bob", "wrong", NOW) == {}
    items, variants = await book.things()
    assert [each.linked_to for each in (*items, *variants)] == [""] * 4
    assert [each.apart for each in variants] == [(), ("1",)]


async def test_another_link_is_ended_only_by_replacing_and_never_under_a_write(database: Database) -> None:
    book = SqlMapBook(database)
    await book.join([PAIR], "ann", NOW, replace=False)
    other = Pair("2", "variant-2", "inventory-2", "SKU-2", "SKU-2")
    assert await book.join([other], "bob", NOW, replace=False) == {other: Code.SK007}
    await database.write(lambda c: c.execute(sa.update(links).values(write_after=3)))
    assert await book.join([other], "bob", NOW, replace=True) == {other: Code.SK005}
    assert await book.part([await link_id(database)], "bob", "", NOW) == {await link_id(database): Code.SK005}
    await database.write(lambda c: c.execute(sa.update(links).values(write_after=None)))
    assert await book.join([other], "bob", NOW, replace=True) == {}
    _, variants = await book.things()
    assert [each.linked_to for each in variants] == ["", "2"]


async def test_doubts_are_kept_with_the_moment_they_were_first_seen(database: Database) -> None:
    book, ledger = SqlMapBook(database), SqlLedger(database)
    await book.join([PAIR], "ann", NOW, replace=False)
    assert (await book.accuracy()).counts == {Agreement.PERSON: 1}
    await database.write(lambda c: c.execute(sa.update(links).values(other_key="another")))
    found = await book.accuracy()
    for moment in (NOW, later(days=7)):
        await book.keep_doubts(found, moment)
    assert await ledger.doubted_links() == ["SKU-2"]
    since = await database.read(lambda c: c.exec_driver_sql("SELECT since FROM link_doubts").scalar_one())
    assert str(since).startswith(f"{NOW:%Y-%m-%d}")


async def test_what_others_changed_and_the_evidence_of_it_are_found(database: Database) -> None:
    await SqlMapBook(database).join([PAIR], "ann", NOW, replace=False)
    link = await link_id(database)

    def happened(connection: sa.Connection) -> None:
        call = {"key": "k", "reference": "r", "run_id": 1, "at": NOW, "closed_at": NOW}
        row = {
            "call_key": "k",
            "link_id": link,
            "seq": 1,
            "run_id": 1,
            "inventory_item_id": "inventory-2",
            "before": 9,
            "after": 5,
            "verdict": "",
            "correction": 4,
            "oversold": 1,
            "equation": {"L": 5},
            "at": NOW,
            "outcome": "applied",
        }
        insert_all(connection, stock_calls, [call])
        insert_all(connection, stock_intents, [row])
        insert_all(connection, quarantine, [{"link_id": link, "run_id": 2, "units": 15, "opened_at": later(hours=2)}])
        held = {"quarantine_units": 15, "quarantine_since": later(hours=2), "drift": 15, "seen_on_hand": 4, "unseen": 0}
        connection.execute(sa.update(links).values(**held))

    await database.write(happened)
    ledger = SqlLedger(database)
    found = await ledger.tamperings(NOW - timedelta(days=1))
    assert [(each.sku, each.units, each.shown) for each in found] == [("SKU-2", 3, 9), ("SKU-2", 15, None)]
    (evidence,) = (await ledger.evidence_of([link])).values()
    assert (evidence.title, evidence.units, evidence.till) == ("Item 2", 15, [(NOW, 5, 4)])
    assert [each.reason for each in evidence.writes] == [""]
    assert Policy().drift_limit < evidence.units


async def test_an_item_that_was_asked_for_is_pending_until_that_is_settled(database: Database) -> None:
    book, draft = SqlMakingBook(database), ItemDraft("SKU-9", "New", 500)
    first = await book.intend(draft, "variant-2", "ann", NOW)
    assert await book.pending("sku-9 ") == first
    await book.unanswered(first, later(seconds=30))
    second = await book.intend(draft, "variant-2", "bob", later(minutes=5))
    assert (second.making_id, second.at) == (first.making_id, later(minutes=5))
    await book.refused(second, Code.LS009, "no", later(minutes=6))
    assert await book.pending("SKU-9") is None
    third = await book.intend(draft, "variant-2", "ann", later(minutes=7))
    await book.made(third, "2", later(minutes=8))
    assert await book.pending("SKU-9") is None
    _, variants = await SqlMapBook(database).things()
    assert [each.apart for each in variants] == [(), ("2",)]
