"""What layaways took off which reading of the stock, and which of them are wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sync.errors import Code, Permanent
from sync.mirroring import LayawayEnd, LayawayState, Mirrored, MirrorPolicy, Proof, Wanted, proof
from sync.model import StockRow
from sync.records import AsOf, Work
from sync.reservations import Asked, Change, Granted, Hold, HoldLimits
from sync.storage.database import Database
from sync.storage.holds import SqlHolds
from sync.storage.ledger import SqlLedger
from sync.storage.mirror_book import SqlMirrorBook
from tests.sync.storage.build import NOW, later, linked, open_inline, query, stock, stocked

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]

POLICY = MirrorPolicy(keeping=True)
OFF = MirrorPolicy()
RECENT = NOW - timedelta(hours=1)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_inline(tmp_path)
    yield opened
    await opened.close()


async def asked(book: SqlMirrorBook, units: int = 2, *, lowers: bool = True) -> Mirrored:
    return await book.ask(Wanted("hold", "1", units), NOW, lowers=lowers)


async def held(
    book: SqlMirrorBook, units: int = 2, *, moved_at: datetime | None = None, lowers: bool = True
) -> Mirrored:
    row = replace(await asked(book, units, lowers=lowers), line_id="7", units=units)
    await book.hold(row, moved_at, NOW)
    return replace(row, state=LayawayState.HELD)


async def shown(ledger: SqlLedger, qoh: int, on_layaway: int | None, at: datetime = NOW) -> None:
    await ledger.keep_stock([replace(stock(1, qoh, at), on_layaway=on_layaway)], NOW)


async def work(database: Database, as_of: AsOf | None = None) -> Work:
    (found,) = await SqlLedger(database).due(everything=True, as_of=as_of)
    return found


async def before_reading(book: SqlMirrorBook) -> AsOf:
    return AsOf(0, RECENT, await book.as_of(RECENT))


# --- the as-of rule ---


async def test_what_was_confirmed_before_the_reading_counts_and_what_came_after_holds_the_link_back(
    database: Database,
) -> None:
    book, ledger = SqlMirrorBook(database), SqlLedger(database)
    await linked(ledger)
    await shown(ledger, 3, 5)
    first = await before_reading(book)
    assert first.mirrored is None  # nothing can matter
    row = await held(book)
    between = await before_reading(book)
    assert ((await work(database, between)).mirrored, (await work(database, between)).settled) == (2, True)
    await book.end(row, LayawayEnd.LET_GO, None, NOW)
    after = await before_reading(book)
    assert ((await work(database, between)).mirrored, (await work(database, between)).settled) == (2, False)
    assert ((await work(database, after)).mirrored, (await work(database, after)).settled) == (0, True)
    await held(book, 3)
    assert ((await work(database, after)).mirrored, (await work(database, after)).settled) == (0, False)
    assert (await work(database)).mirrored == 3


@pytest.mark.parametrize("state", [LayawayState.ASKED, LayawayState.LEAVING])
async def test_without_an_answer_the_link_is_held_back(database: Database, state: LayawayState) -> None:
    book = SqlMirrorBook(database)
    await linked(SqlLedger(database))
    if state is LayawayState.ASKED:
        await asked(book)
    else:
        row = await held(book)
        await book.move(row, replace(row, state=LayawayState.LEAVING))
    assert not (await work(database, await before_reading(book))).settled


@pytest.mark.parametrize(("seconds", "settled"), [(-3, False), (-1, True), (0, True)])
async def test_a_stock_row_older_than_the_layaway_does_not_show_it_yet(
    database: Database, seconds: int, settled: bool
) -> None:
    book, ledger = SqlMirrorBook(database), SqlLedger(database)
    await linked(ledger)
    await shown(ledger, 5, None, later(seconds=seconds))
    await held(book, moved_at=NOW)
    assert (await work(database, await before_reading(book))).settled is settled
    an_hour_later = AsOf(0, later(minutes=1), await book.as_of(later(minutes=1)))
    assert (await work(database, an_hour_later)).settled


@pytest.mark.parametrize(("on_layaway", "counts"), [(None, 2), (0, 0), (1, 1), (2, 2), (9, 2), (-1, 0)])
async def test_no_more_counts_than_the_stock_row_shows_as_laid_away(
    database: Database, on_layaway: int | None, counts: int
) -> None:
    book, ledger = SqlMirrorBook(database), SqlLedger(database)
    await linked(ledger)
    await held(book)
    await shown(ledger, 3, on_layaway)
    assert (await work(database, await before_reading(book))).mirrored == counts


async def test_layaways_that_leave_the_stock_alone_never_count(database: Database) -> None:
    book, ledger = SqlMirrorBook(database), SqlLedger(database)
    await linked(ledger)
    row = await held(book, lowers=False)
    await book.move(row, replace(row, state=LayawayState.LEAVING))
    found = await work(database, await before_reading(book))
    assert (found.mirrored, found.settled) == (0, True)


@pytest.mark.parametrize("on_layaway", [0, 1, 2])
async def test_the_validation_view_counts_as_the_equation_does(database: Database, on_layaway: int) -> None:
    book, ledger = SqlMirrorBook(database), SqlLedger(database)
    await linked(ledger)
    await book.end(await held(book, 1), LayawayEnd.LET_GO, None, NOW)
    await held(book, 2)
    await held(book, 4, lowers=False)
    await shown(ledger, 3, on_layaway)
    told = await query(database, "SELECT on_hand, mirrored, said, lightspeed_qty FROM sync_validation")
    assert told == [(3, on_layaway, 3 + on_layaway, 3 + on_layaway)]
    assert (await work(database)).mirrored == on_layaway


# --- what is wanted ---


async def reserved(database: Database, units: int = 2, *, now: datetime = NOW, cart: str = "cart") -> Hold:
    holds = SqlHolds(database, limits=HoldLimits(client_share=1.0), tell=lambda _: None)
    answer = await holds.reserve(Asked("1", None, units, "client", now, cart))
    assert isinstance(answer, Granted)
    return answer.hold


async def test_a_ripe_hold_is_wanted_until_it_is_asked_for(database: Database) -> None:
    book = SqlMirrorBook(database)
    await stocked(database, {1: 9})
    hold = await reserved(database)
    assert await book.to_make(later(seconds=9), POLICY) is None
    assert await book.to_make(later(seconds=10), POLICY) == Wanted(hold.hold_id, "1", 2)
    assert await book.to_make(later(minutes=14, seconds=40), POLICY) is None  # it ends too soon
    row = await book.ask(Wanted(hold.hold_id, "1", 2), NOW, lowers=True)
    assert await book.to_make(later(seconds=10), POLICY) is None
    await book.end(row, LayawayEnd.NEVER, None, NOW)
    assert await book.to_make(later(seconds=10), POLICY) is not None


@pytest.mark.parametrize("why", [LayawayEnd.NOTHING, LayawayEnd.TAKEN])
async def test_what_lightspeed_or_people_refuse_is_not_asked_for_again(database: Database, why: LayawayEnd) -> None:
    book = SqlMirrorBook(database)
    await stocked(database, {1: 9})
    hold = await reserved(database)
    await book.end(await book.ask(Wanted(hold.hold_id, "1", 2), NOW, lowers=True), why, None, NOW)
    assert await book.to_make(later(seconds=10), POLICY) is None


async def test_a_layaway_is_let_go_when_its_hold_is_over_or_smaller_or_unknown(database: Database) -> None:
    book = SqlMirrorBook(database)
    await stocked(database, {1: 9})
    hold = await reserved(database)
    row = replace(await book.ask(Wanted(hold.hold_id, "1", 2), NOW, lowers=True), line_id="7", units=2)
    await book.hold(row, None, NOW)
    assert await book.to_end(later(minutes=14), POLICY) is None
    over = await book.to_end(later(minutes=15), POLICY)
    assert over is not None
    assert (over.line_id, over.units, over.state) == ("7", 2, LayawayState.HELD)
    assert await book.to_end(later(minutes=1), OFF) is not None
    holds = SqlHolds(database, limits=HoldLimits(), tell=lambda _: None)
    await holds.change(Change(hold.hold_id, 1, later(minutes=1)))
    assert await book.to_end(later(minutes=1), POLICY) is not None
    await book.end(over, LayawayEnd.LET_GO, None, NOW)
    assert await book.to_end(later(minutes=1), POLICY) is None
    await held(book)
    assert await book.to_end(later(minutes=1), POLICY) is not None


async def test_two_workers_cannot_both_change_a_layaway(database: Database) -> None:
    book = SqlMirrorBook(database)
    await linked(SqlLedger(database))
    row = await held(book)
    await book.move(row, replace(row, state=LayawayState.LEAVING))
    with pytest.raises(Permanent) as caught:
        await book.move(row, replace(row, state=LayawayState.LEAVING))
    assert caught.value.code is Code.IN001


# --- how an account counts ---


def row(qoh: int, on_layaway: int | None) -> StockRow:
    return StockRow("1", "10", qoh, NOW, on_layaway)


@pytest.mark.parametrize(
    ("before", "after", "lowers", "expected"),
    [
        pytest.param(row(5, 0), row(3, 2), True, Proof.AS_SET, id="lowered, as set"),
        pytest.param(row(5, 0), row(5, 2), False, Proof.AS_SET, id="left alone, as set"),
        pytest.param(row(5, 1), row(3, 3), True, Proof.AS_SET, id="beside another's"),
        pytest.param(row(5, 0), row(5, 2), True, Proof.OTHERWISE, id="left alone"),
        pytest.param(row(5, 0), row(3, 2), False, Proof.OTHERWISE, id="lowered"),
        pytest.param(row(5, 0), row(3, 0), True, Proof.OTHERWISE, id="not shown as laid away"),
        pytest.param(row(5, None), row(3, None), True, Proof.OTHERWISE, id="not told of layaways"),
        pytest.param(row(5, 0), row(2, 2), True, Proof.UNCLEAR, id="a till sale between"),
        pytest.param(None, row(3, 2), True, Proof.UNCLEAR, id="not known before"),
        pytest.param(row(5, 0), None, True, Proof.UNCLEAR, id="not known after"),
    ],
)
def test_two_readings_tell_how_an_account_counts(
    before: StockRow | None, after: StockRow | None, lowers: bool, expected: Proof
) -> None:
    assert proof(before, after, 2, lowers=lowers) is expected


def test_a_layaway_that_keeps_nothing_proves_nothing() -> None:
    assert proof(row(0, 0), row(0, 0), 0, lowers=True) is Proof.UNCLEAR
