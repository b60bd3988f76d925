"""The shelf in memory shows what the database does after every commit, and what has expired without one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from anyio.lowlevel import checkpoint

from sync.events import Event, Events, HoldMet, RunFinished
from sync.model import LevelRow
from sync.records import RunOutcome
from sync.reservations import Asked, Change, Ending, HoldLimits
from sync.shelf import LiveShelf, ShelfHold, ShelfItem
from sync.storage.database import Database
from sync.storage.holds import SqlHolds
from sync.storage.ledger import SqlLedger
from sync.storage.shelf import ShelfKeeper, SqlShelf, live_shelf
from sync.storage.tables import links
from sync.storage.touched import touch
from tests.sync.storage.build import (
    NOW,
    inventory_gid,
    item,
    later,
    level,
    open_inline,
    open_migrated,
    stock,
    stocked,
)
from tests.sync.storage.test_consumption import evaluated, ordered
from tests.sync.storage.test_holds import asked, granted, holds_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_inline(tmp_path)
    await stocked(opened, {1: 5, 2: 3, 10: 0})
    yield opened
    await opened.close()


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
async def shelf(database: Database, clock: SetClock, told: list[Event]) -> AsyncIterator[LiveShelf]:
    async with live_shelf(database, clock=clock, events=Events(told.append)) as opened:
        yield opened


def numbers(found: ShelfItem | None) -> tuple[int, int, int] | None:
    return None if found is None else (found.sellable, found.held, found.promised)


async def test_what_is_linked_and_evaluated_is_on_the_shelf(shelf: LiveShelf) -> None:
    assert shelf.find_now("1", None) == ShelfItem(
        1, "1", "101", "201", "SKU-1", "Item 1", 5, 0, NOW, NOW, due=True, on_hand=5
    )
    assert shelf.find_now(None, "102") == shelf.find_now("2", "102") == shelf.find_now("2", None)
    assert [shelf.find_now(*ids) for ids in (("2", "101"), ("3", None), (None, "1"), (None, None))] == [None] * 4


async def test_pages_are_in_the_order_of_the_items_numbers(shelf: LiveShelf) -> None:
    assert [each.item_id for each in await shelf.page(9, 0)] == ["1", "2", "10"]
    assert [each.item_id for each in await shelf.page(1, 1)] == ["2"]
    assert await shelf.page(9, 3) == []


async def test_what_one_cart_holds_is_not_promised_to_others(shelf: LiveShelf, database: Database) -> None:
    holds = holds_of(database)
    before = shelf.generation
    mine = granted(await holds.reserve(asked(2, client="me")))
    assert numbers(shelf.find_now("1", None)) == (5, 2, 3)
    assert (await shelf.own("me", "201"), await shelf.own("you", "201")) == (2, 0)
    assert shelf.generation > before
    await holds.release(mine.hold_id, NOW)
    assert numbers(shelf.find_now("1", None)) == (5, 0, 5)
    assert await shelf.own("me", "201") == 0


async def test_what_has_expired_is_promised_again_though_nobody_wrote_it_down(
    shelf: LiveShelf, database: Database, clock: SetClock, told: list[Event]
) -> None:
    holds = holds_of(database)
    await holds.reserve(asked(2, client="me"))
    clock.at = later(minutes=15)
    before = shelf.generation
    assert numbers(shelf.find_now("1", None)) == (5, 0, 5)
    assert await shelf.own("me", "201") == 0
    assert shelf.generation == before
    assert await holds.expire(clock.at) == 1
    assert told == [HoldMet(Ending.EXPIRED)]


async def test_a_generation_grows_by_expiry_too(shelf: LiveShelf, database: Database, clock: SetClock) -> None:
    await holds_of(database).reserve(asked(2))
    before = shelf.generation
    clock.at = later(minutes=15)
    assert shelf.generation > before


async def test_a_hold_that_lasts_anew_is_held_beyond_its_first_end(
    shelf: LiveShelf, database: Database, clock: SetClock
) -> None:
    holds = holds_of(database)
    mine = granted(await holds.reserve(asked(2)))
    await holds.change(Change(mine.hold_id, 1, later(minutes=10)))
    clock.at = later(minutes=16)
    assert numbers(shelf.find_now("1", None)) == (5, 1, 4)
    clock.at = later(minutes=25)
    assert numbers(shelf.find_now("1", None)) == (5, 0, 5)


async def test_a_consumed_hold_is_held_until_the_target_leaves_it_out(
    shelf: LiveShelf, database: Database, clock: SetClock, told: list[Event]
) -> None:
    ledger = SqlLedger(database)
    await holds_of(database).reserve(asked(2, cart="mine"))
    await ordered(ledger, 2, cart="mine")
    clock.at = later(minutes=30)
    assert numbers(shelf.find_now("1", None)) == (5, 2, 3)
    await evaluated(ledger)
    assert numbers(shelf.find_now("1", None)) == (3, 0, 3)
    assert told == [HoldMet(Ending.CONSUMED)]


async def test_a_level_that_was_read_shows_at_once(shelf: LiveShelf, database: Database, clock: SetClock) -> None:
    clock.at = later(minutes=2)
    row = replace(level(0, 4, at=later(minutes=1)), inventory_item_id=inventory_gid(201))
    await SqlLedger(database).keep_levels([row], later(minutes=1))
    found = shelf.find_now("1", None)
    assert found is not None
    assert (found.sellable, found.due, found.changed_at) == (4, True, later(minutes=2))
    assert [each.item_id for each in await shelf.page(9, 0, later(minutes=2))] == ["1"]


async def test_what_did_not_change_keeps_its_time(shelf: LiveShelf, database: Database, clock: SetClock) -> None:
    clock.at = later(minutes=2)
    await SqlLedger(database).keep_stock([stock(1, 5, later(minutes=1))], later(minutes=1))
    found = shelf.find_now("1", None)
    assert found is not None
    assert (found.sellable, found.on_hand, found.due, found.changed_at) == (5, 5, True, NOW)


async def test_what_the_store_has_shows_at_once_and_is_promised_after_the_next_evaluation(
    shelf: LiveShelf, database: Database, clock: SetClock
) -> None:
    clock.at = later(minutes=2)
    await SqlLedger(database).keep_stock([stock(1, 9, later(minutes=1))], later(minutes=1))
    found = shelf.find_now("1", None)
    assert found is not None
    assert (found.promised, found.on_hand, found.changed_at) == (5, 9, clock.at)


async def test_another_description_shows_too(shelf: LiveShelf, database: Database) -> None:
    renamed = replace(item(1, at=later(minutes=1)), description="A better one", custom_sku="NEW-1")
    await SqlLedger(database).keep_items([renamed], later(minutes=1))
    found = shelf.find_now("1", None)
    assert found is not None
    assert (found.sku, found.description) == ("NEW-1", "A better one")


async def test_an_ended_link_is_off_the_shelf(shelf: LiveShelf, database: Database) -> None:
    await SqlLedger(database).keep_items([replace(item(1, at=later(minutes=1)), archived=True)], later(minutes=1))
    assert shelf.find_now("1", None) is None
    assert shelf.find_now(None, "101") is None
    assert [each.item_id for each in await shelf.page(9, 0)] == ["2", "10"]


def relink(connection: sa.Connection) -> None:
    """End every link and link each variant to a Lightspeed item that was made anew, its number with 77 before it."""
    made = sa.select(*(each for each in links.c if each.name != "link_id")).where(links.c.state == "confirmed")
    rows = [{**row, "item_id": f"77{row['item_id']}"} for row in connection.execute(made).mappings()]
    connection.execute(sa.update(links).values(state="tombstoned"))
    connection.execute(sa.insert(links), rows)
    touch(connection, link_ids=connection.scalars(sa.select(links.c.link_id)).all())


async def test_so_many_links_at_once_that_they_are_read_later_leave_each_variant_on_the_shelf(
    tmp_path: Path, clock: SetClock
) -> None:
    database = open_inline(tmp_path)
    await stocked(database, dict.fromkeys(range(1, 253), 5))
    async with live_shelf(database, clock=clock, events=Events()) as shelf:
        await database.write(relink)
        (reading,) = [task for task in asyncio.all_tasks() if task.get_name() == "shelf"]
        await reading
        assert len(await shelf.page(1000, 0)) == 252
        assert shelf.find_now("1", None) is None
        for number in range(1, 253):
            found = shelf.find_now(None, str(100 + number))
            assert found is not None
            assert found.item_id == f"77{number}"
        await holds_of(database).reserve(asked(5, item=None, variant=101))
        assert numbers(shelf.find_now(None, "101")) == (5, 5, 0)
    await database.close()


async def test_an_item_linked_in_place_of_another_takes_it_off_the_shelf(clock: SetClock) -> None:
    shelf = LiveShelf(clock)
    before = ShelfItem(1, "1", "101", "201", "SKU-1", "Item 1", 5, 0, NOW, NOW)
    after = replace(before, link_id=2, item_id="771")
    shelf.put([before])
    shelf.put([after])
    assert [each.item_id for each in await shelf.page(9, 0)] == ["771"]
    shelf.remove(link_ids=[1])
    shelf.put_holds([ShelfHold("h", "201", 5, "c", later(minutes=15), None, counts=True)])
    assert numbers(shelf.find_now(None, "101")) == numbers(shelf.find_now("771", None)) == (5, 5, 0)


async def test_what_a_commit_that_failed_touched_is_not_shown(shelf: LiveShelf, database: Database) -> None:
    def change(connection: sa.Connection) -> None:
        connection.execute(sa.update(links).values(target=0))
        raise LookupError

    before = shelf.generation
    with pytest.raises(LookupError):
        await database.write(change)
    await holds_of(database).release("never was", NOW)
    assert (shelf.generation, numbers(shelf.find_now("1", None))) == (before, (5, 0, 5))


async def test_much_at_once_is_read_a_little_later(shelf: LiveShelf, database: Database, clock: SetClock) -> None:
    rows = [replace(level(0, 1), inventory_item_id=inventory_gid(200 + number)) for number in (1, 2, 10)]
    rows += [LevelRow(f"other-{number}", 0, 0, 0, 0, 0, 0, NOW, NOW) for number in range(500)]
    await SqlLedger(database).keep_levels(rows, later(minutes=1))
    reading = [task for task in asyncio.all_tasks() if task.get_name() == "shelf"]
    assert len(reading) == 1
    await reading[0]
    assert [each.sellable for each in await shelf.page(9, 0)] == [1, 1, 0]


async def test_freshness_is_that_of_the_last_complete_pass(
    database: Database, clock: SetClock, told: list[Event]
) -> None:
    events = Events(told.append)
    async with live_shelf(database, clock=clock, events=events) as shelf:
        assert shelf.passed_at is None
        events(RunFinished(1, "stock", later(minutes=3), RunOutcome.OK, 60.0))
        events(RunFinished(2, "stock", later(minutes=9), RunOutcome.FAILED, 60.0))
        events(RunFinished(3, "catalogue", later(minutes=9), RunOutcome.OK, 60.0))
        assert shelf.passed_at == later(minutes=2)
        found = shelf.find_now("1", None)
        assert found is not None
        assert found.as_of(shelf.passed_at) == NOW  # it is due
        assert replace(found, due=False).as_of(shelf.passed_at) == later(minutes=2)


async def test_a_grant_shows_to_whoever_was_granted_it_with_a_thread_for_writing(
    tmp_path: Path, clock: SetClock
) -> None:
    database = open_migrated(tmp_path, threads=True)
    await stocked(database, {1: 5})
    async with live_shelf(database, clock=clock, events=Events()) as shelf:
        holds = SqlHolds(database, limits=HoldLimits(), tell=Events())
        for number in range(4):
            await holds.reserve(asked(1, cart=f"cart-{number}", client=f"client-{number}"))
            assert numbers(shelf.find_now("1", None)) == (5, number + 1, 4 - number)
    await database.close()


async def test_a_shelf_that_is_opened_later_knows_what_was_held_before(database: Database, clock: SetClock) -> None:
    await holds_of(database).reserve(asked(2, client="me"))
    clock.at = later(minutes=14)
    async with live_shelf(database, clock=clock, events=Events()) as shelf:
        assert numbers(shelf.find_now("1", None)) == (5, 2, 3)
        assert await shelf.own("me", "201") == 2


async def test_a_shelf_that_is_opened_tells_what_expired_before_as_changed(database: Database, clock: SetClock) -> None:
    await holds_of(database).reserve(asked(2))
    clock.at = later(minutes=30)
    async with live_shelf(database, clock=clock, events=Events()) as shelf:
        assert [each.item_id for each in await shelf.page(9, 0, later(minutes=10))] == ["1", "2", "10"]
        assert await shelf.page(9, 0, later(minutes=31)) == []


# --- without a memory ---


async def test_without_a_memory_the_same_is_told(database: Database, clock: SetClock, shelf: LiveShelf) -> None:
    await holds_of(database).reserve(asked(2, client="me"))
    direct = SqlShelf(database, clock)
    for ids in (("1", None), (None, "102"), ("10", "110"), ("2", "101"), ("3", None), (None, None)):
        mine, theirs = await direct.find(*ids), shelf.find_now(*ids)
        assert numbers(mine) == numbers(theirs)
        assert (mine is None) == (theirs is None)
    assert [numbers(each) for each in await direct.page(9, 0)] == [numbers(each) for each in await shelf.page(9, 0)]
    assert await direct.own("me", "201") == 2
    clock.at = later(minutes=15)
    assert numbers(await direct.find("1", None)) == (5, 0, 5)
    assert await direct.own("me", "201") == 0


async def test_without_a_memory_a_page_tells_what_changed_since(database: Database, clock: SetClock) -> None:
    direct = SqlShelf(database, clock)
    assert await direct.page(9, 0, later(minutes=1)) == []
    await holds_of(database).reserve(Asked("1", None, 1, "c", later(minutes=2), "cart"))
    assert [each.item_id for each in await direct.page(9, 0, later(minutes=1))] == ["1"]


async def test_without_a_memory_no_generation_is_told_twice(database: Database, clock: SetClock) -> None:
    direct = SqlShelf(database, clock)
    assert direct.generation != direct.generation


async def test_a_portion_that_shares_its_commit_with_others_does_not_begin_it_all_anew(
    tmp_path: Path, clock: SetClock
) -> None:
    database = open_migrated(tmp_path, threads=True)
    await stocked(database, dict.fromkeys(range(1, 502), 1))
    shelf = LiveShelf(clock)
    keeper = ShelfKeeper(database, shelf, clock=clock, tell=Events())
    database.watch(keeper._watch)
    gate = threading.Event()

    def wait(_: sa.Connection) -> None:
        gate.wait()

    waiting = asyncio.create_task(database.write(wait))
    await checkpoint()
    portion = asyncio.create_task(keeper.read_all())
    other = asyncio.create_task(SqlLedger(database).look_again([inventory_gid(701), inventory_gid(702)]))
    for _ in range(3):
        await checkpoint()
    gate.set()
    await asyncio.gather(waiting, portion, other)
    assert len(await shelf.page(1000, 0)) == 501
    assert [task for task in asyncio.all_tasks() if task.get_name() == "shelf"] == []
    await database.close()
