"""Orders become facts once, in whatever order and however often they are read."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.model import Demand, FactKind, OrderLine, OrderRow, Restock
from sync.storage.ledger import SqlLedger
from sync.storage.order_facts import Fact, LineState, demand_of, new_facts
from tests.sync.storage.build import later, open_inline, order, query

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]

PLACED, RESTOCKED, CLOSED = FactKind.PLACED, FactKind.RESTOCKED, FactKind.CLOSED


def line(placed: int, open_units: int, *restocks: tuple[str, int]) -> OrderLine:
    return OrderLine("l", "i", "S", placed, open_units, tuple(Restock(*each) for each in restocks))


@pytest.mark.parametrize(
    ("seen", "now", "facts"),
    [
        ([], line(3, 3), [Fact(PLACED, "1", 3)]),
        ([], line(3, 1), [Fact(PLACED, "1", 3), Fact(CLOSED, "1", 2)]),
        ([line(3, 3)], line(3, 3), []),
        ([line(3, 3)], line(5, 5), [Fact(PLACED, "2", 2)]),
        ([line(3, 3)], line(3, 0), [Fact(CLOSED, "1", 3)]),
        ([line(3, 3)], line(3, 2, ("r", 1)), [Fact(RESTOCKED, "r", 1), Fact(CLOSED, "1", 1)]),
        ([line(3, 2, ("r", 1))], line(3, 1, ("r", 1), ("s", 1)), [Fact(RESTOCKED, "s", 1), Fact(CLOSED, "2", 1)]),
        ([line(3, 0)], line(3, 3), [Fact(CLOSED, "2", -3)]),
        ([line(3, 3)], line(2, 2), [Fact(PLACED, "2", -1)]),
        ([], line(0, 0), []),
    ],
    ids=[
        "ordered",
        "first seen when part was shipped",
        "read again",
        "edited up",
        "shipped or cancelled without restock",
        "cancelled with restock",
        "a second refund line",
        "a shipment taken back",
        "a unit moved to another location",
        "nothing of it is ours",
    ],
)
def test_what_is_new_in_a_line_becomes_facts(seen: list[OrderLine], now: OrderLine, facts: list[Fact]) -> None:
    state = LineState()
    for each in seen:
        new_facts(each, state)
    assert new_facts(now, state) == facts


@dataclass(frozen=True)
class _Life:
    """An order's versions in time order."""

    versions: tuple[OrderRow, ...]


@st.composite
def lives(draw: st.DrawFn) -> _Life:
    number, of = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    placed = open_units = draw(st.integers(1, 5))
    restocks: list[tuple[str, int]] = []
    versions = [order(number, placed, open_units, of=of)]
    for step in range(draw(st.integers(0, 5))):
        what = draw(st.sampled_from(["edit up", "ship", "cancel", "return", "nothing"]))
        if what == "edit up":
            placed, open_units = placed + 1, open_units + 1
        elif what in ("ship", "cancel") and open_units:
            open_units -= 1
        if what in ("cancel", "return") and sum(units for _, units in restocks) < placed:
            restocks.append((f"refund-{number}-{step}", 1))
        versions.append(order(number, placed, open_units, of=of, at=later(minutes=step + 1), restocks=restocks))
    return _Life(tuple(versions))


def truth(histories: Sequence[_Life]) -> dict[str, Demand]:
    """Return each item's demand from the newest versions alone."""
    demand: dict[str, Demand] = {}
    for life in histories:
        (newest,) = life.versions[-1].lines
        known = demand.get(newest.inventory_item_id, Demand())
        demand[newest.inventory_item_id] = replace(
            known,
            taken=known.taken + newest.placed - sum(each.units for each in newest.restocks),
            open=known.open + newest.open,
        )
    return demand


@given(life=lives(), other=lives(), data=st.data())
def test_any_order_of_reading_with_any_repeats_ends_with_the_same_sums(
    life: _Life, other: _Life, data: st.DataObject
) -> None:
    histories = [life] if life.versions[0].order_id == other.versions[0].order_id else [life, other]
    newest = [each.versions[-1] for each in histories]
    read = data.draw(st.lists(st.sampled_from([row for each in histories for row in each.versions]), max_size=12))
    read += data.draw(st.permutations(newest))
    pages = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    anyio.run(_read_and_compare, read, pages, truth(histories))


async def _read_and_compare(read: list[OrderRow], pages: list[int], expected: dict[str, Demand]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        database = open_inline(Path(directory))
        ledger = SqlLedger(database)
        rest, told = list(read), 0
        for step in range(len(read)):
            size = pages[step % len(pages)]
            told += await ledger.keep_orders(rest[:size], later(hours=1))
            rest = rest[size:]
        assert await ledger.keep_orders(read, later(hours=2)) == 0, "reading all of it again says nothing new"
        assert await database.read(lambda c: demand_of(c, list(expected))) == expected
        assert await query(database, "SELECT count(*) FROM order_facts") == [(told,)]
        assert await query(database, _LINES_THAT_BELIE_THEIR_FACTS) == []
        await database.close()


_LINES_THAT_BELIE_THEIR_FACTS = """
SELECT line_id, told FROM order_lines, (SELECT 'placed' AS told UNION SELECT 'restocked' UNION SELECT 'closed') AS kinds
WHERE CASE told WHEN 'placed' THEN placed WHEN 'restocked' THEN restocked ELSE closed END != (
    SELECT COALESCE(SUM(units), 0) FROM order_facts
    WHERE order_facts.line_id = order_lines.line_id AND order_facts.kind = told)
"""


async def test_an_older_version_of_an_order_is_ignored(tmp_path: Path) -> None:
    database = open_inline(tmp_path)
    ledger = SqlLedger(database)
    assert await ledger.keep_orders([order(1, 3, 1, at=later(minutes=2))], later(minutes=3)) == 2
    assert await ledger.keep_orders([order(1, 3, 3, at=later(minutes=1))], later(minutes=4)) == 0
    assert await database.read(lambda c: demand_of(c, ["inventory-1"])) == {"inventory-1": Demand(3, 1, 0)}
    await database.close()


async def test_a_line_whose_variant_is_gone_still_counts_for_its_item(tmp_path: Path) -> None:
    database = open_inline(tmp_path)
    ledger = SqlLedger(database)
    await ledger.keep_orders([order(1, 3, 3)], later(minutes=1))
    (line_,) = order(1, 3, 0).lines
    gone = replace(order(1, 3, 0, at=later(minutes=2)), lines=(replace(line_, inventory_item_id=""),))
    assert await ledger.keep_orders([gone], later(minutes=3)) == 1
    assert await database.read(lambda c: demand_of(c, ["inventory-1"])) == {"inventory-1": Demand(3, 0, 0)}
    await database.close()


async def test_each_fact_says_whose_it_is_and_when_the_order_was_last_changed(tmp_path: Path) -> None:
    database = open_inline(tmp_path)
    await SqlLedger(database).keep_orders([order(1, 3, 2, restocks=[("refund-line-9", 1)])], later(minutes=1))
    columns = "shop, order_id, line_id, kind, n, units, inventory_item_id, at, recorded_at"
    assert await query(database, f"SELECT {columns} FROM order_facts ORDER BY fact_id") == [  # noqa: S608
        ("example.myshopify.com", "order-1", "line-1", kind, n, units, "inventory-1", *_TIMES)
        for kind, n, units in [("placed", "1", 3), ("restocked", "refund-line-9", 1), ("closed", "1", 1)]
    ]
    await database.close()


_TIMES = ("2026-11-22T10:00:00.000000Z", "2026-11-22T10:01:00.000000Z")
