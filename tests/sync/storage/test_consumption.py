"""What an order does to the holds it was made of: they end with it, and count until the target leaves its units out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync.records import Evaluation, Intent
from sync.reservations import Asked, Change, Granted, HoldStanding, Refusal, Refused
from sync.stock import Policy, decide
from sync.storage.database import Database
from sync.storage.holds import SqlHolds
from sync.storage.ledger import SqlLedger
from sync.storage.tables import links
from tests.sync.storage.build import NOW, inventory_gid, later, open_inline, order, query, reading, stock, stocked
from tests.sync.storage.test_holds import asked, granted, holds_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_inline(tmp_path)
    await stocked(opened, {1: 5, 2: 5})
    yield opened
    await opened.close()


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


async def ordered(
    ledger: SqlLedger, units: int = 1, *, cart: str = "", number: int = 1, of: int = 1, minute: float = 1
) -> None:
    row = order(number, units, units, created=later(minutes=minute), at=later(minutes=minute))
    line = replace(row.lines[0], inventory_item_id=inventory_gid(200 + of))
    await ledger.keep_orders([replace(row, lines=(line,), cart_token=cart)], later(minutes=minute + 1))


async def evaluated(ledger: SqlLedger, link_id: int = 1) -> None:
    """Decide on a link with what is known of it, as a pass does."""
    (work,) = await ledger.work_of([link_id])
    assert work.level is not None
    assert work.on_hand is not None
    decision = replace(decide(reading(work), work.memory, Policy()), after=None)
    await ledger.settle([Evaluation(link_id, decision, work.level, work.on_hand, due=False)], 1, later(minutes=3))


async def endings(database: Database) -> list[tuple[object, ...]]:
    """Return what became of the holds that visitors made."""
    made = "SELECT hold_id, ending, order_id, counts FROM holds WHERE expires_at > created_at ORDER BY hold_id"
    return await query(database, made)


async def counting(database: Database) -> list[tuple[object, ...]]:
    """Return what is taken off what is promised, and whether it was ordered."""
    return await query(database, "SELECT units, ending FROM holds WHERE counts ORDER BY units")


async def left_for_others(holds: SqlHolds) -> int:
    answer = await holds.reserve(asked(99, cart="somebody else", client="another", now=later(minutes=4)))
    assert isinstance(answer, Refused)
    return answer.left


async def test_an_order_ends_its_carts_hold(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(2, cart="mine?key=1"))
    await holds.reserve(asked(1, cart="other"))
    await ordered(ledger, 2, cart="mine")
    assert await endings(database) == [("hold-1", "consumed", "order-1", 1), ("hold-2", None, None, 1)]


async def test_a_consumed_hold_counts_until_the_target_leaves_its_units_out(
    database: Database, ledger: SqlLedger
) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(2, cart="mine"))
    await ordered(ledger, 2, cart="mine")
    assert await left_for_others(holds) == 3
    await evaluated(ledger)
    assert await query(database, "SELECT target FROM links WHERE link_id = 1") == [(3,)]
    assert await left_for_others(holds) == 3
    assert await endings(database) == [("hold-1", "consumed", "order-1", 0)]


async def test_an_evaluation_of_what_was_known_before_the_order_frees_nothing(
    database: Database, ledger: SqlLedger
) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(2, cart="mine"))
    (work,) = await ledger.work_of([1])
    assert work.level is not None
    decision = replace(decide(reading(work), work.memory, Policy()), after=None)
    await ordered(ledger, 2, cart="mine")
    await ledger.settle([Evaluation(1, decision, work.level, 5, due=False)], 1, later(minutes=3))
    assert await query(database, "SELECT target, due FROM links WHERE link_id = 1") == [(5, 1)]
    assert await left_for_others(holds) == 3


async def test_a_write_that_knows_of_the_order_frees_too(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(2, cart="mine"))
    await ordered(ledger, 2, cart="mine")
    await ledger.keep_stock([stock(1, 4, later(minutes=2))], later(minutes=2))
    await database.write(lambda c: c.execute(sa.update(links).values(base=5)))
    (work,) = await ledger.work_of([1])
    assert work.level is not None
    assert work.on_hand == 4
    decision = decide(reading(work), work.memory, Policy())
    assert decision.after is not None
    intent = Intent(1, work.inventory_item_id, work.level, 4, 0, work.demand, decision)
    await ledger.open_call([intent], 1, later(minutes=3))
    assert await endings(database) == [("hold-1", "consumed", "order-1", 0)]
    assert await left_for_others(holds) == 2


async def test_an_order_without_a_token_ends_the_hold_of_its_size(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    for units in (1, 2):
        await holds.reserve(asked(units, cart=None))
    await ordered(ledger, 2)
    assert [row[1] for row in await endings(database)] == [None, "consumed"]


async def test_an_order_of_a_cart_that_holds_nothing_ends_one_without_a_cart(
    database: Database, ledger: SqlLedger
) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(1, cart=None))
    await holds.reserve(asked(1, cart="other"))
    await ordered(ledger, 1, cart="mine")
    assert [row[1] for row in await endings(database)] == ["consumed", None]


async def test_an_order_takes_only_its_units_of_a_hold_without_a_cart(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    mine = granted(await holds.reserve(asked(3, cart=None)))
    await ordered(ledger, 1, cart="somebody else's")
    assert [row[1] for row in await endings(database)] == [None]
    assert await counting(database) == [(1, "consumed"), (2, None)]
    assert granted(await holds.change(Change(mine.hold_id, 2, later(minutes=3)))).units == 2
    await evaluated(ledger)
    assert await counting(database) == [(2, None)]
    assert await left_for_others(holds) == 2


async def test_an_order_of_a_cart_that_holds_other_goods_takes_nothing_of_others(
    database: Database, ledger: SqlLedger
) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(1, cart=None))
    await holds.reserve(asked(1, item=2, cart="mine"))
    await ordered(ledger, 1, cart="mine")
    assert [row[1] for row in await endings(database)] == [None, None]


@pytest.mark.parametrize("units", [2, 5])
async def test_two_orders_at_once_share_a_hold_without_a_cart(
    database: Database, ledger: SqlLedger, units: int
) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(3, cart=None))
    rows = [order(n, each, each, created=later(minutes=1), at=later(minutes=1)) for n, each in ((1, 1), (2, units))]
    mine = [replace(row, lines=(replace(row.lines[0], inventory_item_id=inventory_gid(201)),)) for row in rows]
    await ledger.keep_orders(mine, later(minutes=2))
    assert [row[1:] for row in await endings(database)] == [("consumed", "order-2", 1)]
    assert await query(database, "SELECT SUM(units) FROM holds WHERE counts") == [(1 + units,)]


async def test_what_no_hold_had_is_promised_to_nobody_until_the_target_leaves_it_out(
    database: Database, ledger: SqlLedger
) -> None:
    holds = holds_of(database)
    await ordered(ledger, 4)
    assert await left_for_others(holds) == 1
    await holds.expire(later(minutes=30))
    assert await left_for_others(holds) == 1
    await evaluated(ledger)
    assert await counting(database) == []
    assert await left_for_others(holds) == 1


async def test_what_an_order_has_beyond_its_carts_hold_counts_too(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(1, cart="mine"))
    await ordered(ledger, 3, cart="mine")
    assert await counting(database) == [(1, "consumed"), (2, "consumed")]
    assert await left_for_others(holds) == 2


async def test_an_evaluation_of_what_was_known_before_an_order_leaves_it_counting(
    database: Database, ledger: SqlLedger
) -> None:
    (work,) = await ledger.work_of([1])
    assert work.level is not None
    decision = replace(decide(reading(work), work.memory, Policy()), after=None)
    await ordered(ledger, 2)
    await ledger.settle([Evaluation(1, decision, work.level, 5, due=False)], 1, later(minutes=3))
    await evaluated(ledger, 2)
    assert await counting(database) == [(2, "consumed")]


async def test_what_no_hold_had_is_no_reservation_in_the_figures(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(1, cart="mine"))
    await ordered(ledger, 3, cart="mine")
    assert await holds.standing(later(minutes=4)) == HoldStanding(active=0, units=0, made=1, ordered=1)


async def test_an_order_ends_no_hold_made_after_it(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(1, cart=None, now=later(minutes=2)))
    await ordered(ledger, 1, minute=1.5)
    assert [row[1] for row in await endings(database)] == [None]


async def test_an_order_ends_no_hold_of_other_goods(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(1, item=2, cart="mine"))
    await ordered(ledger, 1, cart="mine")
    assert [row[1] for row in await endings(database)] == [None]


async def test_an_order_read_again_ends_nothing_more(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    await ordered(ledger, 1, cart="mine")
    await holds.reserve(asked(1, cart="mine", now=later(minutes=3)))
    await ordered(ledger, 1, cart="mine")
    assert [row[1] for row in await endings(database)] == [None]


async def test_what_expired_before_its_order_was_seen_is_not_consumed(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(1, cart="mine"))
    await ordered(ledger, 1, cart="mine", minute=14.5)
    await holds.expire(later(minutes=16))
    assert await endings(database) == [("hold-1", "expired", None, 0)]


async def test_a_consumed_hold_of_a_link_that_ended_counts_no_more(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(1, cart="mine"))
    await ordered(ledger, 1, cart="mine")
    await database.write(lambda c: c.execute(sa.update(links).values(state="tombstoned")))
    await holds.expire(later(minutes=3))
    assert await endings(database) == [("hold-1", "consumed", "order-1", 0)]


async def test_two_orders_at_once_end_a_hold_each(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    for _ in range(2):
        await holds.reserve(asked(1, cart=None))
    rows = [order(n, 1, 1, created=later(minutes=1), at=later(minutes=1)) for n in (1, 2)]
    mine = [replace(row, lines=(replace(row.lines[0], inventory_item_id=inventory_gid(201)),)) for row in rows]
    await ledger.keep_orders(mine, later(minutes=2))
    assert [(row[1], row[2]) for row in await endings(database)] == [("consumed", "order-1"), ("consumed", "order-2")]


async def test_a_hold_that_was_consumed_is_over_for_its_cart(database: Database, ledger: SqlLedger) -> None:
    holds = holds_of(database)
    mine = granted(await holds.reserve(asked(1, cart="mine")))
    await ordered(ledger, 1, cart="mine")
    assert await holds.change(Change(mine.hold_id, 1, later(minutes=3))) == Refused(Refusal.ENDED)
    assert not await holds.release(mine.hold_id, later(minutes=3))
    again = await holds.reserve(Asked("1", None, 1, "c", later(minutes=3), "mine"))
    assert isinstance(again, Granted)
    assert again.hold.created_at > NOW
