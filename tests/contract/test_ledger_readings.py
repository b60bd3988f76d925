"""The ledger's contract: runs, watermarks, snapshots, links, brakes by hand, call counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sync.errors import Code
from sync.model import Demand, LinkState
from sync.ports import Ledger
from sync.records import ApiMinute, Feed, Pause, PauseKind, RunOutcome, SkuProblem
from sync.storage.ledger import SqlLedger
from tests.sync.storage.build import NOW, item, later, level, linked, moved, order, proposal, stock, variant

pytestmark = pytest.mark.anyio


def as_port(ledger: SqlLedger) -> Ledger:
    """Return it as the engine sees it: mypy holds it to the port."""
    return ledger


async def due_skus(ledger: Ledger) -> list[str]:
    return [work.sku for work in await ledger.due()]


async def nothing_due(ledger: SqlLedger) -> None:
    """Make no link due, as after a pass that found all in step."""
    await ledger._database.write(lambda c: c.exec_driver_sql("UPDATE links SET due = false").close())


# --- runs ---


async def test_a_run_is_recorded_from_its_begin_to_its_end(ledger: SqlLedger) -> None:
    run = await ledger.begin_run("stock", NOW)
    (begun,) = await ledger.runs()
    assert (begun.run_id, begun.job, begun.started_at, begun.finished_at, begun.outcome) == (
        run,
        "stock",
        NOW,
        None,
        None,
    )
    numbers = {"changed": 3, "seconds": 1.5}
    await ledger.finish_run(
        run, later(seconds=5), RunOutcome.FAILED, numbers=numbers, code=Code.LS001, detail="no answer"
    )
    (ended,) = await ledger.runs("stock")
    assert ended.finished_at == later(seconds=5)
    assert (ended.outcome, ended.code, ended.detail, ended.numbers) == (
        RunOutcome.FAILED,
        Code.LS001,
        "no answer",
        numbers,
    )


async def test_runs_come_newest_first_by_job_and_no_more_than_asked_for(ledger: SqlLedger) -> None:
    ids = [await ledger.begin_run(job, NOW) for job in ("stock", "full", "stock", "stock")]
    assert [run.run_id for run in await ledger.runs("stock", limit=2)] == [ids[3], ids[2]]
    assert [run.run_id for run in await ledger.runs()] == ids[::-1]
    assert len(set(ids)) == 4


async def test_the_last_success_is_the_newest_run_that_ended_ok(ledger: SqlLedger) -> None:
    assert await ledger.last_success("stock") is None
    for outcome in (RunOutcome.OK, RunOutcome.OK, RunOutcome.BRAKED, RunOutcome.FAILED):
        await ledger.finish_run(await ledger.begin_run("stock", NOW), later(minutes=1), outcome, numbers={})
    found = await ledger.last_success("stock")
    assert found is not None
    assert found.run_id == 2


async def test_what_the_last_process_left_open_is_interrupted(ledger: SqlLedger) -> None:
    done, left = await ledger.begin_run("full", NOW), await ledger.begin_run("stock", NOW)
    await ledger.finish_run(done, NOW, RunOutcome.OK, numbers={})
    assert await ledger.interrupt_runs(later(hours=1)) == 1
    assert await ledger.interrupt_runs(later(hours=2)) == 0
    (newest, _) = await ledger.runs()
    assert (newest.run_id, newest.outcome, newest.finished_at) == (left, RunOutcome.INTERRUPTED, later(hours=1))


async def test_a_watermark_only_moves_forward(ledger: SqlLedger) -> None:
    assert await ledger.watermark(Feed.STOCK) is None
    await ledger.advance(Feed.STOCK, later(minutes=5), 1)
    await ledger.advance(Feed.STOCK, later(minutes=3), 2)
    await ledger.advance(Feed.ORDERS, NOW, 2)
    assert await ledger.watermark(Feed.STOCK) == later(minutes=5)
    assert await ledger.watermark(Feed.ORDERS) == NOW


# --- readings ---


@pytest.mark.parametrize(
    ("read", "differ", "due"),
    [
        (lambda ledger: ledger.keep_stock([stock(1, 5)], later(minutes=1)), 0, []),
        (lambda ledger: ledger.keep_stock([stock(1, 4)], later(minutes=1)), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_stock([stock(1, 5, later(seconds=1))], later(minutes=1)), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_stock([stock(9, 5)], later(minutes=1)), 1, []),
        (lambda ledger: ledger.keep_levels([level(1)], later(minutes=1)), 0, []),
        (lambda ledger: ledger.keep_levels([replace(level(1), level_updated_at=later(seconds=1))], NOW), 0, []),
        (lambda ledger: ledger.keep_levels([level(1, 4)], later(minutes=1)), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_levels([level(1, 5, 1)], later(minutes=1)), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_levels([replace(level(1), damaged=1)], later(minutes=1)), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_levels([replace(level(1), active=False)], later(minutes=1)), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_levels([level(1, at=later(seconds=1))], later(minutes=1)), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_items([item(1)], later(minutes=1)), 0, []),
        (lambda ledger: ledger.keep_items([item(1, qoh=None)], later(minutes=1)), 0, []),
        (lambda ledger: ledger.keep_items([item(1, qoh=9)], later(minutes=1)), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_items([replace(item(1), description="New")], later(minutes=1)), 1, []),
        (lambda ledger: ledger.keep_variants([variant(1)], later(minutes=1)), 0, []),
        (lambda ledger: ledger.keep_variants([replace(variant(1), title="New")], later(minutes=1)), 1, []),
        (lambda ledger: ledger.keep_variants([replace(variant(1), tracked=False)], NOW), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_variants([variant(1, row=level(1, 2))], later(minutes=1)), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_orders([order(1, 2, 2)], later(minutes=1)), 1, ["SKU-1"]),
        (lambda ledger: ledger.keep_orders([order(1, 2, 2, of=9)], later(minutes=1)), 1, []),
    ],
    ids=[
        "stock: the same",
        "stock: less",
        "stock: touched",
        "stock: of an item without a link",
        "level: the same",
        "level: only its own time",
        "level: available",
        "level: committed",
        "level: set aside",
        "level: no longer active",
        "level: touched",
        "item: the same",
        "item: its stock not carried",
        "item: other stock",
        "item: other words",
        "variant: the same",
        "variant: other words",
        "variant: no longer tracked",
        "variant: other level",
        "order: new",
        "order: of an item without a link",
    ],
)
async def test_a_reading_makes_due_what_it_changes_and_says_how_much_differed(
    ledger: SqlLedger, read: Callable[[SqlLedger], Awaitable[int]], differ: int, due: list[str]
) -> None:
    await linked(ledger, 2)
    await nothing_due(ledger)
    assert await read(ledger) == differ
    assert await due_skus(ledger) == due
    await nothing_due(ledger)
    assert await read(ledger) == 0, "the same reading once more says nothing new"
    assert await due_skus(ledger) == []


async def test_more_rows_than_a_transaction_takes_are_kept_all_the_same(ledger: SqlLedger) -> None:
    rows = [stock(number, 1) for number in range(2501)]
    assert await ledger.keep_stock(rows, NOW) == 2501
    assert await ledger.keep_stock([*rows, stock(1, 2)], NOW) == 1
    assert await ledger.keep_stock([], NOW) == 0


async def test_an_archived_items_link_is_ended_and_a_new_one_begins_when_it_comes_back(ledger: SqlLedger) -> None:
    (first,) = await linked(ledger)
    await ledger.keep_items([replace(item(1), archived=True)], later(minutes=1))
    assert (await ledger.count_links(), await ledger.due(everything=True)) == (0, [])
    assert [key.id for key in (await ledger.unlinked())[0]] == []
    await ledger.keep_items([item(1, at=later(minutes=2))], later(minutes=2))
    assert await ledger.keep_links([proposal(1)], [], later(minutes=2)) == 1
    (work,) = await ledger.due()
    assert work.link_id > first
    assert work.memory.base is None


async def test_a_link_follows_its_items_sku(ledger: SqlLedger) -> None:
    (link_id,) = await linked(ledger)
    await ledger.keep_items([item(1, "NEW-1", at=later(minutes=1))], later(minutes=1))
    assert await ledger.link_ids_of(["SKU-1", " new-1 "]) == {" new-1 ": link_id}
    assert [work.sku for work in await ledger.work_of([link_id])] == ["NEW-1"]


# --- links ---


async def test_both_catalogues_are_handed_out_by_what_they_may_be_found_by(ledger: SqlLedger) -> None:
    await ledger.keep_items([replace(item(1), upc="0123", ean=""), replace(item(2), archived=True)], NOW)
    archived = replace(variant(2), product_status="ARCHIVED")
    await ledger.keep_variants([replace(variant(1), barcode="123", title="Small"), archived], NOW)
    (goods,), (shown,) = await ledger.unlinked()
    assert (goods.id, goods.skus, goods.title, goods.item_type) == ("1", ("SKU-1",), "Item 1", "default")
    assert "0123" in goods.codes
    assert (shown.id, shown.inventory_item_id, shown.skus) == ("variant-1", "inventory-1", ("SKU-1",))
    assert (shown.codes, shown.title) == (("123",), "Item 1 Small")


async def test_new_links_are_counted_once_and_are_due(ledger: SqlLedger) -> None:
    both = [proposal(1), proposal(2)]
    assert await ledger.keep_links(both, [], NOW) == 2
    assert await due_skus(ledger) == ["SKU-1", "SKU-2"]
    await nothing_due(ledger)
    assert await ledger.keep_links([*both, proposal(3)], [], NOW) == 1
    assert await due_skus(ledger) == ["SKU-3"]
    assert await ledger.count_links() == 3


async def test_a_suggestion_is_no_link_until_the_skus_agree(ledger: SqlLedger) -> None:
    assert await ledger.keep_links([proposal(1, LinkState.SUGGESTED)], [], NOW) == 0
    assert (await ledger.count_links(), await due_skus(ledger)) == (0, [])
    assert await ledger.keep_links([proposal(1, LinkState.SUGGESTED)], [], NOW) == 0
    assert await ledger.keep_links([proposal(1)], [], NOW) == 1
    assert await due_skus(ledger) == ["SKU-1"]


async def test_a_link_is_never_moved_and_the_contradiction_is_reported(ledger: SqlLedger) -> None:
    await ledger.keep_links([proposal(1)], [], NOW)
    assert await ledger.keep_links([proposal(1, to=2), proposal(3, to=1)], [], NOW) == 0
    assert await ledger.count_links() == 1
    assert [(problem.code, problem.sku) for problem in await ledger.sku_problems()] == [
        (Code.SK001, "SKU-1"),
        (Code.SK001, "SKU-3"),
    ]


async def test_what_is_merely_suggested_counts_as_not_linked_with_its_reason(ledger: SqlLedger) -> None:
    near = SkuProblem(Code.SK002, "B", "almost.")
    await ledger.keep_links([proposal(1, LinkState.SUGGESTED), proposal(2)], [near], NOW)
    detail = "Lightspeed's item 1 may be meant (same SKU); only the same SKU, or `sku map`, links them."
    assert await ledger.sku_problems() == [near, SkuProblem(Code.LS002, "SKU-1", detail)]
    assert (await ledger.standing()).unlinked_skus == 2
    await ledger.keep_links([proposal(1), proposal(2)], [], NOW)
    assert (await ledger.standing()).unlinked_skus == 0


async def test_the_list_of_sku_problems_is_always_the_latest(ledger: SqlLedger) -> None:
    first, second = SkuProblem(Code.SK001, "A", "twice."), SkuProblem(Code.SK002, "B", "almost.")
    await ledger.keep_links([], [first, second], NOW)
    assert await ledger.sku_problems() == [first, second]
    await ledger.keep_links([], [second], later(minutes=1))
    assert await ledger.sku_problems() == [second]


# --- work ---


async def test_work_carries_all_that_the_records_say(ledger: SqlLedger) -> None:
    (link_id,) = await linked(ledger, qoh=7, available=4)
    await ledger.set_cut_over(later(days=-1))
    before = order(1, 3, 1, created=later(days=-2), restocks=[("r", 1)])
    await ledger.keep_orders([before, order(2, 2, 2)], NOW)
    (work,) = await ledger.work_of([link_id])
    assert (work.sku, work.item_id, work.inventory_item_id) == ("SKU-1", "1", "inventory-1")
    assert (work.on_hand, work.stock_stamp, work.level) == (7, NOW, level(1, 4))
    assert work.demand == Demand(taken=4, open=3, booked=2)
    assert (work.buffer, work.approved, work.parked, work.memory.base) == (0, False, None, None)


async def test_what_was_never_read_is_unknown_and_not_nothing(ledger: SqlLedger) -> None:
    await ledger.keep_links([proposal(1)], [], NOW)
    (work,) = await ledger.due()
    assert (work.on_hand, work.stock_stamp, work.level) == (None, None, None)


async def test_work_is_handed_out_in_pages_in_id_order(ledger: SqlLedger) -> None:
    ids = await linked(ledger, 5)
    await nothing_due(ledger)
    await ledger.keep_stock([stock(number, 1) for number in (5, 2, 4)], NOW)
    first = [work.link_id for work in await ledger.due(limit=2)]
    assert first == [ids[1], ids[3]]
    assert [work.link_id for work in await ledger.due(after=first[-1], limit=2)] == [ids[4]]
    assert [work.link_id for work in await ledger.due(everything=True)] == ids
    assert [work.link_id for work in await ledger.work_of([ids[2], ids[0], 999])] == [ids[0], ids[2]]


# --- orders ---


async def test_orders_with_open_units_are_found_by_item_until_they_are_lost(ledger: SqlLedger) -> None:
    await ledger.keep_orders([order(1, 2, 2), order(2, 2, 0), order(3, 1, 1), order(4, 1, 1, of=2)], NOW)
    assert await ledger.open_orders(["inventory-1"]) == ["order-1", "order-3"]
    await ledger.lose_orders(["order-3"], later(minutes=1))
    assert await ledger.open_orders(["inventory-1"]) == ["order-1"]
    assert (await ledger.standing()).lost_orders == 1
    await ledger.keep_orders([order(3, 1, 1, at=later(minutes=2))], later(minutes=2))
    assert await ledger.open_orders(["inventory-1"]) == ["order-1", "order-3"]
    assert (await ledger.standing()).lost_orders == 0


async def test_a_lost_order_still_counts(ledger: SqlLedger) -> None:
    (link_id,) = await linked(ledger)
    await ledger.keep_orders([order(1, 2, 2)], NOW)
    await ledger.lose_orders(["order-1"], NOW)
    (work,) = await ledger.work_of([link_id])
    assert work.demand == Demand(taken=2, open=2, booked=0)


async def test_the_cut_over_is_fixed_once(ledger: SqlLedger) -> None:
    (link_id,) = await linked(ledger)
    await ledger.keep_orders([order(1, 2, 2)], NOW)
    await nothing_due(ledger)
    assert await ledger.set_cut_over(later(hours=1)) == later(hours=1)
    assert await due_skus(ledger) == ["SKU-1"], "what it takes is booked from now on"
    assert await ledger.set_cut_over(later(hours=9)) == later(hours=1)
    await ledger.keep_orders([order(2, 3, 3, created=later(minutes=59)), order(3, 4, 4, created=later(hours=1))], NOW)
    (work,) = await ledger.work_of([link_id])
    assert work.demand == Demand(taken=9, open=9, booked=5)


async def test_orders_from_before_the_cut_over_count_as_not_booked_where_so_configured(ledger: SqlLedger) -> None:
    strict = SqlLedger(ledger._database, book_before_cut_over=False)
    (link_id,) = await linked(strict)
    await strict.set_cut_over(later(hours=1))
    await strict.keep_orders([order(1, 2, 2)], NOW)
    (work,) = await strict.work_of([link_id])
    assert work.demand == Demand(taken=2, open=2, booked=0)


# --- brakes by hand, call counts ---


async def test_pauses_hold_until_they_are_lifted(ledger: SqlLedger) -> None:
    assert await ledger.pause(PauseKind.WRITES, "stocktake", NOW) is None
    assert await ledger.pause(PauseKind.ORDERS, "till is down", later(minutes=1)) is None
    first = Pause(PauseKind.WRITES, "stocktake", NOW)
    assert await ledger.pause(PauseKind.WRITES, "longer stocktake", later(minutes=2)) == first
    assert await ledger.pauses() == [
        Pause(PauseKind.WRITES, "longer stocktake", NOW),
        Pause(PauseKind.ORDERS, "till is down", later(minutes=1)),
    ]
    assert await ledger.resume(PauseKind.ORDERS) == 1
    assert await ledger.resume(PauseKind.ORDERS) == 0
    assert await ledger.resume() == 1
    assert await ledger.pauses() == []


async def test_call_counts_add_up_by_minute_and_api(ledger: SqlLedger) -> None:
    await ledger.count_calls([ApiMinute(NOW, "shopify", 3, 1), ApiMinute(NOW, "lightspeed", 1, 0)])
    await ledger.count_calls([ApiMinute(NOW, "shopify", 2, 2), ApiMinute(later(minutes=1), "shopify", 1, 0)])
    await ledger.count_calls([])
    assert await ledger.calls_since(NOW) == [
        ApiMinute(NOW, "lightspeed", 1, 0),
        ApiMinute(NOW, "shopify", 5, 3),
        ApiMinute(later(minutes=1), "shopify", 1, 0),
    ]
    assert await ledger.calls_since(later(seconds=1)) == [ApiMinute(later(minutes=1), "shopify", 1, 0)]


async def test_it_is_a_ledger(ledger: SqlLedger) -> None:
    assert as_port(ledger) is ledger


async def test_a_refused_link_gets_another_try_when_shopifys_side_changes(ledger: SqlLedger) -> None:
    await linked(ledger, 2)
    parked = "UPDATE links SET due = false, parked = 'SH012', parked_at = '2026-11-22T10:00:00.000000Z'"
    await ledger._database.write(lambda c: c.exec_driver_sql(parked).close())
    await ledger.keep_stock([stock(1, 9)], NOW)
    assert [(work.sku, work.parked) for work in await ledger.due()] == [("SKU-1", Code.SH012)]
    await ledger.keep_levels([moved(level(2), 9, at=later(minutes=1))], later(minutes=1))
    assert [(work.sku, work.parked) for work in await ledger.due()] == [("SKU-1", Code.SH012), ("SKU-2", None)]


async def test_a_refused_link_gets_another_try_after_a_time(ledger: SqlLedger) -> None:
    patient = SqlLedger(ledger._database, retry_parked=timedelta(hours=2))
    await linked(patient)
    parked = "UPDATE links SET due = false, parked = 'SH012', parked_at = '2026-11-22T10:00:00.000000Z'"
    await ledger._database.write(lambda c: c.exec_driver_sql(parked).close())
    await patient.begin_run("stock", later(minutes=119))
    assert await patient.due() == []
    await patient.begin_run("stock", later(minutes=120))
    assert [work.parked for work in await patient.due()] == [None]
