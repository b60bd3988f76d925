"""The record of orders on their way into Lightspeed, and what of it counts beside a reading of stock."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from sync.booking import BookingItems, Document, next_step
from sync.errors import Code, Permanent
from sync.model import ChangedSale, Demand, OrderMoney, OrderRow, SaleLineRow, SaleRow
from sync.order_records import DocumentState, OrderState, Posting
from sync.records import AsOf, Differing, RunOutcome
from sync.stock import Policy, Verdict, decide
from sync.storage.bookings import named
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.order_book import SqlBookings
from tests.sync.storage.build import (
    NOW,
    later,
    level,
    linked,
    moved,
    open_inline,
    order,
    plan_of,
    query,
    reading,
    stock,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]

ITEMS = BookingItems(shipping="91", tax="92", other="93")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_inline(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


@pytest.fixture
def bookings(database: Database) -> SqlBookings:
    return SqlBookings(database)


def paid(row: OrderRow, number: int = 1001) -> OrderRow:
    """Return an order of one line with its money: ten a unit."""
    (line,) = row.lines
    cents = 1000 * line.placed
    priced = replace(line, quantity=line.placed, cents=cents)
    worth = OrderMoney("USD", cents, cents, shipping=0, tax=0, tip=0, fees=0, touched=False)
    return replace(row, number=str(number), lines=(priced,), money=worth)


async def placed(ledger: SqlLedger, number: int = 1, units: int = 2, *, at: datetime = NOW) -> str:
    """Keep an order placed after going live and return its id."""
    await ledger.set_cut_over(later(hours=-1))
    row = paid(order(number, units, units, at=at, created=at), 1000 + number)
    await ledger.keep_orders([row], at)
    return row.order_id


async def intended(bookings: SqlBookings, order_id: str, at: datetime = NOW) -> Posting:
    step = next_step(await bookings.story(order_id), ITEMS)
    assert step.document is not None
    return await bookings.intend(order_id, step.document, at)


def sale_of(document: Document, sale_id: str = "700", *, at: datetime = NOW) -> SaleRow:
    rows = tuple(SaleLineRow(f"{sale_id}{n}", row.item_id, row.units) for n, row in enumerate(document.draft().lines))
    return SaleRow(
        sale_id,
        document.reference,
        completed=True,
        voided=False,
        archived=False,
        total=document.total,
        paid=document.total,
        completed_at=at,
        lines=rows,
    )


async def booked(bookings: SqlBookings, order_id: str, *, at: datetime = NOW) -> Posting:
    posting = await intended(bookings, order_id, at)
    await bookings.confirm(posting, sale_of(posting.document, at=at), at, None)
    return posting


async def test_an_order_is_due_once_something_of_it_is_new_and_until_that_is_concluded(
    ledger: SqlLedger, bookings: SqlBookings
) -> None:
    await linked(ledger)
    order_id = await placed(ledger)
    due = await bookings.next_order(NOW)
    assert due is not None
    assert (due.order_id, due.tries) == (order_id, 0)
    await bookings.conclude(order_id, OrderState.POSTED, NOW)
    assert await bookings.next_order(later(days=1)) is None
    await ledger.keep_orders(
        [paid(order(1, 2, 2, at=later(minutes=1)), 1001)], later(minutes=1)
    )  # read again, the same
    assert await bookings.next_order(later(days=1)) is None
    await ledger.keep_orders([paid(order(1, 3, 3, at=later(minutes=2)), 1001)], later(minutes=2))
    assert await bookings.next_order(later(days=1)) is not None


async def test_an_order_put_off_waits_and_counts_its_tries(ledger: SqlLedger, bookings: SqlBookings) -> None:
    await linked(ledger)
    order_id = await placed(ledger)
    await bookings.postpone(order_id, OrderState.VALID, later(minutes=5), code=Code.LS001)
    assert await bookings.next_order(later(minutes=4)) is None
    due = await bookings.next_order(later(minutes=5))
    assert due is not None
    assert due.tries == 1
    standing = await bookings.order_standing()
    assert (standing.unbooked, standing.oldest) == (1, NOW)


async def test_work_waits_while_an_order_may_be_looked_at_or_a_reference_is_to_be_searched(
    ledger: SqlLedger, bookings: SqlBookings
) -> None:
    assert not await bookings.waits(NOW)
    await linked(ledger)
    order_id = await placed(ledger)
    assert await bookings.waits(NOW)
    await bookings.postpone(order_id, OrderState.VALID, later(minutes=5), code=Code.LS001)
    assert [await bookings.waits(later(minutes=at)) for at in (4, 5)] == [False, True]
    posting = await intended(bookings, order_id, NOW)
    await bookings.confirm(posting, sale_of(posting.document, at=NOW), NOW, later(minutes=30))
    await bookings.conclude(order_id, OrderState.POSTED, NOW)
    assert [await bookings.waits(later(minutes=at)) for at in (29, 30)] == [False, True]
    assert len(await bookings.to_sweep(later(minutes=30))) == 1


async def test_a_document_goes_from_one_state_to_another_only_once(ledger: SqlLedger, bookings: SqlBookings) -> None:
    await linked(ledger)
    posting = await intended(bookings, await placed(ledger))
    sent = await bookings.move(posting, replace(posting, state=DocumentState.SENT, sent_at=NOW))
    with pytest.raises(Permanent, match="no longer intent"):
        await bookings.move(posting, replace(posting, state=DocumentState.SENT))
    assert await bookings.pending(posting.order_id) == sent


async def test_a_confirmed_document_counts_for_readings_that_begin_after_it(
    ledger: SqlLedger, bookings: SqlBookings
) -> None:
    await linked(ledger, qoh=5)
    order_id = await placed(ledger)
    before = AsOf(await bookings.confirmations(), later(hours=-1))
    await booked(bookings, order_id)
    await ledger.keep_stock([stock(1, 3, later(seconds=1))], later(seconds=5))
    after = AsOf(await bookings.confirmations(), later(hours=-1))

    (early,) = await ledger.due(as_of=before)
    (late,) = await ledger.due(as_of=after)
    assert (early.demand, early.settled) == (Demand(taken=2, open=2, booked=0), False)
    assert (late.demand, late.settled) == (Demand(taken=2, open=2, booked=2), True)


@pytest.mark.parametrize(
    ("stamped", "settled"), [(-3, False), (-2, True), (0, True)], ids=["older", "within two seconds", "the sale's own"]
)
async def test_a_stock_row_older_than_the_sale_does_not_show_it_yet(
    stamped: float, settled: bool, ledger: SqlLedger, bookings: SqlBookings
) -> None:
    await linked(ledger, qoh=5)
    sold = later(minutes=10)
    await booked(bookings, await placed(ledger), at=sold)
    await ledger.keep_stock([stock(1, 3, later(minutes=10, seconds=stamped))], sold)
    as_of = AsOf(await bookings.confirmations(), later(hours=-1))
    (work,) = await ledger.due(as_of=as_of)
    assert work.settled is settled
    decision = decide(replace(reading(work), settled=work.settled), work.memory, Policy())
    assert (decision.verdict is Verdict.UNSETTLED) is not settled


async def test_a_row_that_never_shows_a_sale_holds_a_link_back_for_an_hour_at_most(
    ledger: SqlLedger, bookings: SqlBookings
) -> None:
    await linked(ledger, qoh=5)
    await booked(bookings, await placed(ledger), at=later(minutes=10))
    (work,) = await ledger.due(as_of=AsOf(1, recent=later(minutes=11)))
    assert work.settled


async def test_a_return_names_the_sale_line_and_gives_the_units_back(
    ledger: SqlLedger, bookings: SqlBookings, database: Database
) -> None:
    await linked(ledger)
    order_id = await placed(ledger)
    await booked(bookings, order_id)
    back = paid(order(1, 2, 0, at=later(minutes=1), restocks=[("r1", 1)]), 1001)
    assert back.money is not None
    await ledger.keep_orders([replace(back, money=replace(back.money, net=1000, goods=1000, touched=True))], NOW)
    posting = await intended(bookings, order_id)
    assert posting.document.reference == "SH-1001-2"
    (line,) = posting.document.lines
    assert (line.units, line.cents, line.parent_line_id) == (-1, -1000, "7000")
    await bookings.confirm(posting, sale_of(posting.document, "701"), NOW, None)
    assert await query(database, "SELECT taken, booked FROM sync_validation") == [(1, 1)]
    assert (await bookings.story(order_id)).made == 2


async def test_two_orders_with_one_number_have_references_of_their_own(
    ledger: SqlLedger, bookings: SqlBookings
) -> None:
    await linked(ledger)
    await ledger.set_cut_over(later(hours=-1))
    first = paid(replace(order(1, 1, 1), order_id="gid://shopify/Order/501"))
    second = paid(replace(order(2, 1, 1, created=later(seconds=1)), order_id="gid://shopify/Order/502"))
    await ledger.keep_orders([first, second], NOW)
    made = [await intended(bookings, row.order_id) for row in (first, second)]
    assert [posting.document.reference for posting in made] == ["SH-1001-1", "SH-502-1"]


@pytest.mark.parametrize(("sale_id", "counted"), [("812", 2), (None, 0)], ids=["booked by hand", "never booked"])
async def test_an_order_that_a_person_closes_counts_as_that_person_says(
    sale_id: str | None, counted: int, ledger: SqlLedger, bookings: SqlBookings, database: Database
) -> None:
    await linked(ledger)
    order_id = await placed(ledger)
    await bookings.close(order_id, sale_id, NOW, "sam")
    (work,) = await ledger.due()
    assert work.demand == Demand(taken=2, open=2, booked=counted)
    assert await query(database, "SELECT taken, booked FROM sync_validation") == [(2, counted)]
    await ledger.keep_orders([paid(order(1, 3, 3, at=later(minutes=2)), 1001)], later(minutes=2))
    assert await bookings.next_order(later(days=1)) is None
    assert "sam" in (await bookings.order_events(order_id))[-1].detail


async def test_an_order_that_can_no_longer_be_read_keeps_what_is_known_of_it(
    ledger: SqlLedger, bookings: SqlBookings
) -> None:
    await linked(ledger)
    order_id = await placed(ledger)
    spoilt = OrderRow(order_id, "#1", NOW, later(minutes=1), None, False, (), unreadable="LineItem.quantity")
    await ledger.keep_orders([spoilt], later(minutes=1))
    story = await bookings.story(order_id)
    assert story.unreadable == "LineItem.quantity"
    assert story.money is not None
    assert story.number == "1001"
    assert [line.taken for line in story.lines] == [2]
    await ledger.keep_orders([paid(order(1, 2, 2, at=later(minutes=2)), 1001)], later(minutes=2))
    assert (await bookings.story(order_id)).unreadable == ""


async def test_an_order_is_found_by_whatever_a_person_calls_it(ledger: SqlLedger, bookings: SqlBookings) -> None:
    await linked(ledger)
    order_id = await placed(ledger, 7)
    await intended(bookings, order_id)
    for name in ("#7", "7", order_id, "SH-1007-1", "sh-1007-1"):
        assert await bookings.find_order(name) == order_id
    assert await bookings.find_order("8") is None


async def test_a_name_is_looked_up_in_indexes(database: Database) -> None:
    plan = await database.write(lambda c: plan_of(c, named("8")))
    assert not [step for step in plan if re.search("SCAN (orders|documents)$|Seq Scan", step)]


# --- what people do to sales in Lightspeed ---


def voided(sale_id: str = "700") -> ChangedSale:
    return ChangedSale(sale_id, completed=True, voided=True, archived=False, total=2000)


async def booked_and_edited(ledger: SqlLedger, bookings: SqlBookings) -> Posting:
    """Book an order of two units, let it grow to three, and return the document of the third."""
    await linked(ledger)
    order_id = await placed(ledger)
    await booked(bookings, order_id)
    await ledger.keep_orders([paid(order(1, 3, 3, at=later(minutes=2)), 1001)], later(minutes=2))
    return await intended(bookings, order_id, later(minutes=3))


async def test_a_voided_sale_counts_as_booked_no_more_even_beside_an_older_reading(
    ledger: SqlLedger, bookings: SqlBookings
) -> None:
    (link_id,) = await linked(ledger, qoh=5)
    order_id = await placed(ledger)
    before = AsOf(await bookings.confirmations(), later(hours=-1))
    await booked(bookings, order_id)
    (touched,) = await bookings.keep_changed_sales([voided(), voided("999")], NOW)
    assert (touched.order_id, touched.reference) == (order_id, "SH-1001-1")
    for as_of in (before, AsOf(await bookings.confirmations(), later(hours=-1)), None):
        (work,) = await ledger.work_of([link_id], as_of)
        assert (work.demand.taken, work.demand.booked, work.settled) == (2, 0, True)
    assert await bookings.keep_changed_sales([voided()], NOW) == []


async def test_a_document_on_its_way_is_finished_before_its_order_waits_for_a_person(
    ledger: SqlLedger, bookings: SqlBookings
) -> None:
    second = await booked_and_edited(ledger, bookings)
    order_id = second.order_id
    await bookings.keep_changed_sales([voided()], later(minutes=4))
    assert await bookings.pending(order_id) == second
    assert (await bookings.order(order_id)).state is OrderState.INTENT
    assert await bookings.next_order(later(minutes=4)) is not None
    await bookings.confirm(second, sale_of(second.document, "701"), later(minutes=5), None)
    step = next_step(await bookings.story(order_id), ITEMS)
    assert (step.document, step.code) == (None, Code.OR008)
    await bookings.retry([order_id], later(minutes=6), "anna")
    third = await intended(bookings, order_id, later(minutes=7))
    assert (third.document.reference, [line.units for line in third.document.lines]) == ("SH-1001-3", [2])


async def test_a_closed_order_stays_closed_when_its_sale_is_voided(ledger: SqlLedger, bookings: SqlBookings) -> None:
    (link_id,) = await linked(ledger)
    order_id = await placed(ledger)
    await booked(bookings, order_id)
    await bookings.close(order_id, "800", NOW, "anna")
    assert len(await bookings.keep_changed_sales([voided()], NOW)) == 1
    assert (await bookings.order(order_id)).state is OrderState.CLOSED
    (work,) = await ledger.work_of([link_id])
    assert work.demand.booked == 2  # by the sale that a person named


async def test_goods_that_were_just_booked_do_not_count_as_differing_until_stock_is_read(
    ledger: SqlLedger, bookings: SqlBookings
) -> None:
    await linked(ledger, 2)
    run_id = await ledger.begin_run("stock", NOW)
    await ledger.finish_run(run_id, NOW, RunOutcome.OK, numbers={})
    await ledger.keep_levels([moved(level(1, committed=2), 3, at=later(minutes=1)), level(2, 6)], NOW)
    await booked(bookings, await placed(ledger), at=later(minutes=1))
    assert await ledger.differing() == Differing(over_skus=1, over_units=1), "the other link's difference alone"
    await ledger.keep_stock([stock(1, 3, later(minutes=1))], later(minutes=2))
    run_id = await ledger.begin_run("stock", later(minutes=2))
    await ledger.finish_run(run_id, later(minutes=2), RunOutcome.OK, numbers={})
    assert await ledger.differing() == Differing(over_skus=1, over_units=1)
    await ledger.keep_stock([stock(1, 9, later(minutes=3))], later(minutes=3))
    assert await ledger.differing() == Differing(over_skus=1, over_units=1, under_skus=1, under_units=6)


async def test_two_sales_of_an_order_that_were_voided_are_both_told_of(
    ledger: SqlLedger, bookings: SqlBookings
) -> None:
    second = await booked_and_edited(ledger, bookings)
    order_id = second.order_id
    await bookings.confirm(second, sale_of(second.document, "701"), later(minutes=3), None)
    await bookings.keep_changed_sales([voided(), voided("701")], later(minutes=4))
    detail = (await bookings.order(order_id)).detail
    assert "SH-1001-1" in detail
    assert "SH-1001-2" in detail
