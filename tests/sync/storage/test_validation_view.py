"""`sync_validation` shows what the equation says, and the runbook's query works on it as printed."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.model import LevelRow
from sync.stock import equation
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.tables import links
from tests.sync.storage.build import (
    NOW,
    item,
    later,
    level,
    linked,
    open_inline,
    order,
    proposal,
    query,
    reading,
    variant,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]

RUNBOOK = """
   SELECT sku, lightspeed_qty, shopify_qty,
          ABS(lightspeed_qty - shopify_qty) as difference
   FROM sync_validation
   WHERE ABS(lightspeed_qty - shopify_qty) > 0;
"""

_SMALL = st.integers(-9, 30)
_UNITS = st.integers(0, 9)
_ORDERS = st.lists(st.tuples(_UNITS, _UNITS, _UNITS, st.booleans()), max_size=3)
_LEVELS = st.builds(
    LevelRow,
    inventory_item_id=st.just("inventory-1"),
    available=_SMALL,
    committed=_UNITS,
    reserved=_UNITS,
    safety_stock=_UNITS,
    damaged=_UNITS,
    quality_control=_UNITS,
    updated_at=st.just(NOW),
    level_updated_at=st.just(NOW),
)
_STATES = ("reserved", "safety_stock", "damaged", "quality_control")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_inline(tmp_path)
    yield opened
    await opened.close()


@settings(max_examples=40)
@given(
    qoh=_SMALL,
    row=_LEVELS,
    orders=_ORDERS,
    kept_back=st.integers(-3, 5),
    states=st.none() | st.lists(st.sampled_from(_STATES), unique=True),
)
def test_the_view_agrees_with_the_equation(
    qoh: int,
    row: LevelRow,
    orders: list[tuple[int, int, int, bool]],
    kept_back: int,
    states: Sequence[str] | None,
) -> None:
    anyio.run(_compare, qoh, row, orders, kept_back, states)


async def _compare(
    qoh: int,
    row: LevelRow,
    orders: list[tuple[int, int, int, bool]],
    kept_back: int,
    states: Sequence[str] | None,
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        database = open_inline(Path(directory))
        ledger = SqlLedger(database)
        (link_id,) = await linked(ledger, qoh=qoh)
        await ledger.set_cut_over(NOW)
        await ledger.keep_levels([row], NOW)
        if states is not None:
            await ledger.show_set_aside(states)
        for number, (placed, closed, restocked, early) in enumerate(orders):
            back = [("refund", min(restocked, placed))] if min(restocked, placed) else []
            created = later(days=-1 if early else 1)
            left = max(0, placed - closed)
            await ledger.keep_orders([order(number, placed, left, created=created, restocks=back)], NOW)
        held_back = sa.update(links).values(buffer=1, dismissed_offset=kept_back)
        await database.write(lambda c: c.execute(held_back).close())
        (work,) = await ledger.work_of([link_id])
        set_aside = sum(getattr(row, state) for state in (_STATES if states is None else states))
        read = replace(reading(work), set_aside=set_aside)
        terms = equation(read)
        columns = "lightspeed_qty, shopify_qty, said, taken, open, booked, unseen, set_aside, spoken_for"
        assert await query(database, f"SELECT {columns} FROM sync_validation") == [  # noqa: S608
            (
                terms.target,
                max(0, row.available),
                terms.said,
                read.demand.taken,
                read.demand.open,
                read.demand.booked,
                terms.unseen,
                set_aside,
                terms.spoken_for,
            )
        ]
        await database.close()


async def test_the_runbooks_query_names_the_skus_that_differ(database: Database) -> None:
    ledger = SqlLedger(database)
    await linked(ledger, 3)
    assert await query(database, RUNBOOK) == []
    await ledger.keep_levels([level(2, 9), level(3, -2)], NOW)
    assert sorted(await query(database, RUNBOOK)) == [("SKU-2", 5, 9, 4), ("SKU-3", 5, 0, 5)]


async def test_what_was_never_read_counts_neither_as_nothing_nor_as_a_difference(database: Database) -> None:
    ledger = SqlLedger(database)
    await ledger.keep_items([item(1, qoh=None), item(2, qoh=4)], NOW)
    await ledger.keep_variants([variant(1, row=level(1, 4)), variant(2)], NOW)
    await ledger.keep_links([proposal(1), proposal(2)], [], NOW)
    select = "SELECT sku, lightspeed_qty, shopify_qty FROM sync_validation ORDER BY sku"
    assert await query(database, select) == [("SKU-1", None, 4), ("SKU-2", None, None)]
    assert await query(database, RUNBOOK) == []


async def test_only_confirmed_links_are_shown(database: Database) -> None:
    ledger = SqlLedger(database)
    await linked(ledger, 2)
    await ledger.keep_items([replace(item(2), archived=True)], NOW)
    assert await query(database, "SELECT sku, description FROM sync_validation") == [("SKU-1", "Item 1")]
