"""Forgetting old history: what goes, what stays, in small steps that may end anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa

from monitor.asked import SyncOrder
from sandbox.catalogue import generate
from sync.records import ApiMinute, RunOutcome
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.pruning import FORGOTTEN, HISTORY
from sync.storage.tables import incidents, metadata, outbox, quarantine, rule_states, runs
from sync.storage.touched import Watcher
from tests.sync.shop import FULL, Shop, live_shop
from tests.sync.storage.build import NOW, later, open_migrated, query

pytestmark = pytest.mark.anyio

T = TypeVar("T")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_migrated(tmp_path, threads=False)
    yield opened
    await opened.close()


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


class Counting:
    """A database that notes how many rows each transaction took away, and may die before one."""

    def __init__(self, inner: Database, dies_before: int | None = None) -> None:
        self._inner = inner
        self._dies_before = dies_before
        self.deleted: list[int] = []

    async def write(self, fn: Callable[[sa.Connection], T]) -> T:
        if len(self.deleted) == self._dies_before:
            raise TimeoutError("the process ends here")

        def counted(connection: sa.Connection) -> T:
            before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
            result = fn(connection)
            self.deleted.append(connection.exec_driver_sql("SELECT total_changes()").scalar_one() - before)
            return result

        return await self._inner.write(counted)

    def watch(self, watcher: Watcher) -> None:
        self._inner.watch(watcher)

    async def read(self, fn: Callable[[sa.Connection], T]) -> T:
        return await self._inner.read(fn)

    async def close(self) -> None:
        await self._inner.close()


async def insert(database: Database, table: sa.Table, *rows: dict[str, object]) -> None:
    await database.write(lambda c: c.execute(sa.insert(table), list(rows)).close())


async def broken_references(database: Database) -> list[tuple[object, ...]]:
    return await query(database, "PRAGMA foreign_key_check")


# --- which rows stay ---


async def test_the_last_success_of_each_job_the_last_proof_and_named_runs_stay(
    ledger: SqlLedger, database: Database
) -> None:
    made = [
        ("full", RunOutcome.OK, {"unequal": 0}),  # 1: the last proof
        ("full", RunOutcome.OK, {"unequal": 3}),
        ("full", RunOutcome.OK, {"unequal": 2}),  # 3: the last success
        ("stock", RunOutcome.OK, {}),
        ("stock", RunOutcome.OK, {}),  # 5: the last success
        ("stock", RunOutcome.FAILED, {}),
        ("stock", RunOutcome.FAILED, {}),  # 7: a quarantine that was closed lately was opened by it
    ]
    for job, outcome, numbers in made:
        await ledger.finish_run(await ledger.begin_run(job, NOW), NOW, outcome, numbers=numbers)
    await ledger.begin_run("stock", NOW)  # 8: never ended
    links = sa.text(
        "INSERT INTO links (state, item_id, variant_id, inventory_item_id, sku, sku_key, created_at)"
        " VALUES ('confirmed', '1', 'v', 'i', 'A', 'A', 0)"
    )
    await database.write(lambda c: c.execute(links).close())
    held = {"link_id": 1, "run_id": 7, "units": 12, "opened_at": NOW, "closed_at": later(days=300)}
    await insert(database, quarantine, held)
    assert await ledger.prune(later(days=500)) == {"runs": 3}
    assert await query(database, "SELECT run_id FROM runs ORDER BY run_id") == [(1,), (3,), (5,), (7,), (8,)]


async def test_what_an_incident_needs_stays_while_it_is_open_or_a_rule_holds_it(
    ledger: SqlLedger, database: Database
) -> None:
    told = {"rule": "A", "severity": "warning", "summary": "s", "opened_at": NOW}
    for resolved, rule in ((None, "open"), (NOW, "over"), (NOW, "held"), (NOW, "late")):
        await insert(database, incidents, told | {"rule": rule, "resolved_at": resolved})
    await insert(database, rule_states, {"rule": "held", "state": "firing", "incident_id": 3, "updated_at": NOW})
    sent = {"channel": "slack", "kind": "opened", "body": {}, "created_at": NOW}
    for number, state in ((1, "done"), (2, "done"), (2, "dead"), (4, "ambiguous")):
        await insert(database, outbox, sent | {"incident_id": number, "state": state})
    assert await ledger.prune(later(days=401)) == {"outbox": 2, "incidents": 1}
    assert await query(database, "SELECT rule FROM incidents ORDER BY id") == [("open",), ("held",), ("late",)]
    assert await query(database, "SELECT incident_id, state FROM outbox") == [(1, "done"), (4, "ambiguous")]
    assert await query(database, "SELECT rule FROM rule_states") == [("held",)]
    assert await broken_references(database) == []


# --- in small steps ---


async def filled(database: Database, count: int) -> None:
    minutes = [
        ApiMinute(NOW + timedelta(minutes=place), api, 1, 0) for place in range(count) for api in ("a", "b", "c")
    ]
    await SqlLedger(database).count_calls(minutes)
    await insert(database, runs, *({"job": "x", "started_at": NOW, "finished_at": NOW, "numbers": {}},) * count)


async def test_no_transaction_takes_more_than_a_thousand_rows_away(database: Database) -> None:
    await filled(database, 2300)
    counting = Counting(database)
    gone = await SqlLedger(counting).prune(later(days=500))
    assert gone == {"api_minutes": 6900, "runs": 2300}
    assert max(counting.deleted) == 1000
    assert sum(counting.deleted) == 9200


@pytest.mark.parametrize("step", [0, 4, 6, 9, 12])
async def test_a_pruning_that_was_killed_is_finished_by_the_next(database: Database, step: int) -> None:
    await filled(database, 2300)
    with pytest.raises(TimeoutError):
        await SqlLedger(Counting(database, dies_before=step)).prune(later(days=500))
    assert await broken_references(database) == []
    await SqlLedger(database).prune(later(days=500))
    assert await query(database, "SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM api_minutes)") == [(0,)]


# --- what the engine makes of it ---


async def lived_in(shop: Shop) -> None:
    """Let a shop have orders, corrections, a quarantine, and stock writes."""
    store, skus = shop.world.shopify, [good.sku for good in shop.world.goods]
    store.fulfil(store.place_order({skus[0]: 2}))
    store.place_order({skus[1]: 3})
    store.cancel(store.place_order({skus[2]: 4}), restock=False)
    store.adjust(skus[3], -4)
    store.adjust(skus[4], -15)
    shop.world.lightspeed.sell(skus[5], 2)
    await shop.passes(4)


async def equations(shop: Shop) -> list[dict[str, object]]:
    """Return what a plan over every link says."""
    reply = await shop.sync(SyncOrder(full=True, dry_run=True))
    assert reply.outcome is RunOutcome.OK
    columns = "link_id, base, target, seen_available, unseen, drift, quarantine_units, verdict"
    rows = await query(shop.work.database, f"SELECT {columns} FROM links ORDER BY link_id")  # noqa: S608 - our own
    facts = await query(shop.work.database, "SELECT * FROM order_facts ORDER BY fact_id")
    lines = await query(shop.work.database, "SELECT * FROM order_lines ORDER BY order_id, line_id")
    return [{"links": rows, "facts": facts, "lines": lines}]


async def test_after_pruning_every_equation_is_the_same_and_why_still_answers(tmp_path: Path) -> None:
    goods = [replace(good, stock=20, online_stock=None) for good in generate(8, 1, odd=False)]
    async with live_shop(goods, tmp_path) as shop:
        await lived_in(shop)
        before, ledger, database = await equations(shop), shop.work.ledger, shop.work.database
        quarantined = (await ledger.standing()).quarantined_skus
        gone = await ledger.prune(shop.clock.now() + timedelta(days=500), HISTORY)
        assert gone["stock_intents"] == 2
        assert gone["runs"] > 0
        assert await equations(shop) == before
        assert await broken_references(database) == []
        assert (await ledger.standing()).quarantined_skus == quarantined == 1
        assert await ledger.last_success("full") is not None
        sku = shop.world.goods[5].sku
        assert await ledger.changes_of(sku) == []
        shop.world.lightspeed.sell(sku, 1)
        await shop.sync()
        (change,) = await ledger.changes_of(sku)
        assert (change.seq, change.before, change.after) == (2, 18, 17)
        writes = len(shop.world.shopify.writes)
        await shop.sync(FULL)
        assert len(shop.world.shopify.writes) == writes


def test_every_table_is_either_forgotten_in_time_or_kept_on_purpose() -> None:
    kept = {
        "meta",
        "watermarks",
        "items",
        "item_cards",
        "product_cards",
        "variant_cards",
        "item_stock",
        "variants",
        "levels",
        "links",
        "kept_apart",
        "link_doubts",
        "validations",  # the newest few, and their findings
        "findings",
        "sku_problems",
        "orders",
        "order_lines",
        "order_facts",
        "documents",
        "document_lines",
        "order_events",
        "pauses",
        "tokens",
        "rule_states",
        "windows",
    }
    assert {each.table.name for each in FORGOTTEN} | kept == set(metadata.tables)
