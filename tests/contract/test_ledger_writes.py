"""The ledger's contract: decisions, intents before a write and outcomes after it, and how the shops stand."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Code
from sync.model import LevelRow, StockChange
from sync.records import (
    ConflictDecision,
    Differing,
    Evaluation,
    Intent,
    RowOutcome,
    RunOutcome,
    StockCall,
    Work,
    WriteOutcome,
)
from sync.stock import Decision, Memory, OpenWrite, Policy, Quarantine, UpwardDrift, Verdict, decide
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.memory import COLUMNS, from_columns, to_columns
from sync.storage.tables import links
from tests.sync.storage.build import NOW, item, later, level, linked, moved, order, query, reading, stock, variant

pytestmark = pytest.mark.anyio

RUN = 1
IN_STEP = Memory(base=5)


def decided(work: Work, *, now: datetime = NOW, coherent: bool = True) -> Decision:
    return decide(reading(work, now=now, coherent=coherent), work.memory, Policy())


def evaluation(work: Work, decision: Decision, *, due: bool | None = None) -> Evaluation:
    assert work.level is not None
    assert work.on_hand is not None
    return Evaluation(work.link_id, decision, work.level, work.on_hand, decision.again if due is None else due)


def intent(work: Work, decision: Decision) -> Intent:
    assert work.level is not None
    assert work.on_hand is not None
    return Intent(work.link_id, work.inventory_item_id, work.level, work.on_hand, work.buffer, work.demand, decision)


async def one(ledger: SqlLedger, link_id: int) -> Work:
    (work,) = await ledger.work_of([link_id])
    return work


async def in_step(ledger: SqlLedger, count: int = 1) -> list[int]:
    """Link items that are in step, evaluated once and no longer due."""
    ids = await linked(ledger, count)
    works = await ledger.work_of(ids)
    await ledger.settle([evaluation(work, decided(work)) for work in works], RUN, NOW)
    assert await ledger.due() == []
    return ids


async def sold_in_store(ledger: SqlLedger, link_ids: Sequence[int], qoh: int = 3) -> list[Intent]:
    """Let the till sell; return the intents to lower Shopify's numbers."""
    works = await ledger.work_of(link_ids)
    await ledger.keep_stock([stock(int(work.item_id), qoh, later(minutes=1)) for work in works], later(minutes=1))
    works = await ledger.work_of(link_ids)
    return [intent(work, decided(work)) for work in works]


def outcome(each: Intent, what: WriteOutcome, *, due: bool = False, code: Code | None = None) -> RowOutcome:
    done = each.decision.if_applied
    assert done is not None
    held = each.decision.memory
    memory = {WriteOutcome.APPLIED: done, WriteOutcome.UNANSWERED: held}.get(what, replace(held, open_write=None))
    return RowOutcome(each.link_id, what, memory, due, code)


async def sent(
    ledger: SqlLedger, intents: Sequence[Intent], what: WriteOutcome, at: datetime, *, due: bool = False
) -> StockCall:
    call = await ledger.open_call(intents, RUN, at)
    await ledger.close_call(call.key, [outcome(each, what, due=due) for each in intents], at)
    return call


async def outcomes(ledger: SqlLedger, sku: str = "SKU-1") -> list[str | None]:
    """Return the outcomes of a SKU's writes, oldest first."""
    return [change.outcome and change.outcome.value for change in reversed(await ledger.changes_of(sku))]


# --- memory ---

_MOMENTS = st.datetimes(timezones=st.just(UTC))
_INTS = st.integers(-100, 100)
_MEMORIES = st.builds(
    Memory,
    base=st.none() | _INTS,
    open_write=st.none() | st.builds(OpenWrite, _INTS, _INTS, _INTS, _INTS, _INTS),
    upward=st.none() | st.builds(UpwardDrift, _INTS, _MOMENTS),
    quarantine=st.none() | st.builds(Quarantine, _INTS, _MOMENTS),
    shortfall=_INTS,
    differs=_INTS,
    unsettled=_INTS,
    unsettled_since=st.none() | _MOMENTS,
)


@given(memory=_MEMORIES)
def test_a_memory_survives_its_columns(memory: Memory) -> None:
    columns = to_columns(memory)
    assert from_columns(columns) == memory
    assert set(columns) == set(COLUMNS) <= set(links.c.keys())


async def test_a_link_remembers_what_its_evaluation_left(ledger: SqlLedger) -> None:
    (link_id,) = await linked(ledger)
    work = await one(ledger, link_id)
    kept = Memory(
        base=7,
        open_write=OpenWrite(1, 2, 3, 4, 5),
        upward=UpwardDrift(6, later(minutes=1)),
        quarantine=Quarantine(-11, later(minutes=2)),
        shortfall=8,
        differs=9,
        unsettled=2,
        unsettled_since=later(minutes=3),
    )
    await ledger.settle([evaluation(work, replace(decided(work), memory=kept))], RUN, NOW)
    assert (await one(ledger, link_id)).memory == kept


# --- settle ---


@pytest.mark.parametrize("due", [True, False], ids=["due again", "done"])
async def test_a_link_stays_due_as_its_evaluation_says(ledger: SqlLedger, due: bool) -> None:
    (link_id,) = await linked(ledger)
    work = await one(ledger, link_id)
    await ledger.settle([evaluation(work, decided(work), due=due)], RUN, NOW)
    assert [found.link_id for found in await ledger.due()] == ([link_id] if due else [])


async def test_what_arrives_while_a_link_is_decided_on_makes_it_due_after_all(ledger: SqlLedger) -> None:
    ids = await linked(ledger, 2)
    works = await ledger.work_of(ids)
    await ledger.keep_orders([order(1, 1, 1)], NOW)
    await ledger.settle([evaluation(work, decided(work), due=False) for work in works], RUN, NOW)
    assert [work.link_id for work in await ledger.due()] == [ids[0]]


async def test_seeing_our_own_reading_again_makes_nothing_due(ledger: SqlLedger) -> None:
    (link_id,) = await in_step(ledger)
    work = await one(ledger, link_id)
    fresh = level(1, 5, at=later(minutes=1))
    await ledger.settle([replace(evaluation(work, decided(work)), level=fresh)], RUN, later(minutes=1))
    assert await ledger.keep_levels([fresh], later(minutes=2)) == 0
    assert await ledger.due() == []


async def test_a_decision_that_writes_cannot_be_settled(ledger: SqlLedger) -> None:
    (link_id,) = await in_step(ledger)
    (lowering,) = await sold_in_store(ledger, [link_id])
    work = await one(ledger, link_id)
    with pytest.raises(ValueError, match="open_call"):
        await ledger.settle([evaluation(work, lowering.decision)], RUN, NOW)


async def test_more_evaluations_than_a_transaction_takes_are_kept_all_the_same(ledger: SqlLedger) -> None:
    ids = await linked(ledger, 1001)
    works = [*await ledger.due(), *await ledger.due(after=ids[999])]
    assert len(works) == 1001
    await ledger.settle([evaluation(work, decided(work)) for work in works], RUN, NOW)
    assert await ledger.due() == []


# --- quarantine, corrections ---


async def quarantined(ledger: SqlLedger, available: int = -15) -> int:
    """Let somebody take 20 units off Shopify's number of 5, or make it another; return the link, in quarantine."""
    (link_id,) = await in_step(ledger)
    await ledger.keep_levels([moved(level(1), available, at=later(minutes=1))], later(minutes=1))
    work = await one(ledger, link_id)
    decision = decided(work, now=later(minutes=10))
    assert decision.verdict is Verdict.QUARANTINED
    await ledger.settle([evaluation(work, decision)], RUN, later(minutes=10))
    return link_id


_QUARANTINE = "SELECT units, opened_at, decided_at, closed_at, resolution FROM quarantine"


async def test_an_unexplained_difference_is_on_record_until_it_is_gone(ledger: SqlLedger, database: Database) -> None:
    link_id = await quarantined(ledger)
    opened = (-20, "2026-11-22T10:10:00.000000Z", None)
    assert await query(database, _QUARANTINE) == [(*opened, None, None)]
    work = await one(ledger, link_id)
    await ledger.settle([evaluation(work, decided(work, now=later(minutes=11)))], RUN, later(minutes=11))
    assert await query(database, _QUARANTINE) == [(*opened, None, None)], "one row for one difference"
    calm = replace(decided(work), verdict=Verdict.IN_STEP, memory=IN_STEP)
    await ledger.settle([evaluation(work, calm)], RUN, later(minutes=12))
    assert await query(database, _QUARANTINE) == [(*opened, "2026-11-22T10:12:00.000000Z", "resolved")]


async def test_a_persons_word_holds_until_it_was_carried_out(ledger: SqlLedger, database: Database) -> None:
    link_id = await quarantined(ledger)
    assert await ledger.decide([link_id], ConflictDecision.APPROVED, "ann", later(minutes=20)) == {}
    work = await one(ledger, link_id)
    assert work.approved
    decision = decided(work, now=later(minutes=20))
    assert (decision.verdict, decision.after) == (Verdict.APPROVED, 5)
    await sent(ledger, [intent(work, decision)], WriteOutcome.STALE, later(minutes=21), due=True)
    work = await one(ledger, link_id)
    assert work.approved, "the write was refused, so the word still stands"
    decision = decided(work, now=later(minutes=22))
    assert (decision.verdict, decision.after) == (Verdict.APPROVED, 5)
    await sent(ledger, [intent(work, decision)], WriteOutcome.APPLIED, later(minutes=23))
    assert not (await one(ledger, link_id)).approved
    assert await query(database, "SELECT closed_at, resolution FROM quarantine") == [
        ("2026-11-22T10:23:00.000000Z", "approved")
    ]


_DECISIONS = "SELECT units, decided_at, decided_by, decision, closed_at, resolution FROM quarantine"


async def test_a_dismissed_difference_becomes_part_of_the_target_and_is_on_record(
    ledger: SqlLedger, database: Database
) -> None:
    link_id = await quarantined(ledger, 25)
    (waiting,) = await ledger.conflicts()
    assert (waiting.available, waiting.target, waiting.kept, waiting.decision) == (25, 5, 0, None)
    assert await ledger.decide([link_id], ConflictDecision.DISMISSED, "ann", later(minutes=20)) == {}
    (pending,) = await ledger.conflicts()
    assert (pending.decision, pending.decided_by) == (ConflictDecision.DISMISSED, "ann")
    work = await one(ledger, link_id)
    assert (work.approved, work.buffer) == (True, -20)
    decision = decided(work, now=later(minutes=20))
    assert (decision.after, decision.target, decision.memory.quarantine, decision.memory.base) == (None, 25, None, 25)
    await ledger.settle([evaluation(work, decision)], RUN, later(minutes=20))
    assert not (await one(ledger, link_id)).approved
    (kept,) = await ledger.conflicts()
    assert (kept.quarantined_since, kept.kept, kept.decided_by) == (None, -20, "ann")
    assert (await ledger.standing()).kept_skus == 1
    moment = "2026-11-22T10:20:00.000000Z"
    assert await query(database, _DECISIONS) == [(20, moment, "ann", "dismissed", moment, "dismissed")]


async def test_a_kept_difference_is_removed_by_approving_and_that_is_on_record(
    ledger: SqlLedger, database: Database
) -> None:
    link_id = await quarantined(ledger, 25)
    await ledger.decide([link_id], ConflictDecision.DISMISSED, "ann", later(minutes=20))
    work = await one(ledger, link_id)
    await ledger.settle([evaluation(work, decided(work, now=later(minutes=20)))], RUN, later(minutes=20))
    assert await ledger.decide([link_id], ConflictDecision.APPROVED, "bob", later(minutes=30)) == {}
    work = await one(ledger, link_id)
    assert (work.buffer, work.parked, await ledger.conflicts()) == (0, None, [])
    decision = decided(work, now=later(minutes=30))
    assert (decision.verdict, decision.after) == (Verdict.LOWER, 5)
    moment = "2026-11-22T10:30:00.000000Z"
    assert (await query(database, _DECISIONS))[1:] == [(-20, moment, "bob", "approved", moment, "kept no more")]


async def test_what_cannot_be_decided_is_refused_for_all_of_a_decision(ledger: SqlLedger, database: Database) -> None:
    held = await quarantined(ledger, 25)
    calm = (await linked(ledger, 2))[-1]
    for word in ConflictDecision:
        assert await ledger.decide([held, calm], word, "ann", later(minutes=20)) == {calm: Code.SK004}
    assert await query(database, _DECISIONS) == [(20, None, None, None, None, None)]
    assert await ledger.decide([held], ConflictDecision.DISMISSED, "ann", later(minutes=20)) == {}
    again = await ledger.decide([held], ConflictDecision.DISMISSED, "ann", later(minutes=21))
    assert again == {held: Code.SK005}, "the difference that was seen is no longer the one on record"
    assert (await one(ledger, held)).buffer == -20


async def test_a_difference_whose_write_is_unanswered_cannot_be_dismissed_yet(ledger: SqlLedger) -> None:
    link_id = await quarantined(ledger, 25)
    work = await one(ledger, link_id)
    write = OpenWrite(before=25, after=24, base=4, drift_after=20, drift_before=20)
    memory = replace(work.memory, open_write=write)
    await ledger.settle([evaluation(work, replace(decided(work), memory=memory))], RUN, later(minutes=11))
    refused = await ledger.decide([link_id], ConflictDecision.DISMISSED, "ann", later(minutes=20))
    assert refused == {link_id: Code.SK005}
    assert await ledger.decide([link_id], ConflictDecision.APPROVED, "ann", later(minutes=20)) == {}


async def test_a_word_outlives_an_evaluation_that_had_begun_before_it(ledger: SqlLedger) -> None:
    link_id = await quarantined(ledger, 25)
    begun = await one(ledger, link_id)
    await ledger.decide([link_id], ConflictDecision.DISMISSED, "ann", later(minutes=20))
    await ledger.settle([evaluation(begun, decided(begun, now=later(minutes=21)))], RUN, later(minutes=21))
    (work,) = await ledger.due()
    assert (work.approved, work.buffer, work.memory.quarantine is None) == (True, -20, False)
    assert decided(work, now=later(minutes=22)).memory.quarantine is None


async def test_a_difference_is_one_of_now_as_soon_as_it_was_read(ledger: SqlLedger) -> None:
    ids = await in_step(ledger, 3)
    assert await ledger.differing() == Differing()
    await sold_in_store(ledger, ids[:2])
    await ledger.keep_levels([moved(level(3), 1, at=later(minutes=1))], later(minutes=1))
    assert await ledger.differing() == Differing(over_skus=2, over_units=4, under_skus=1, under_units=4)
    standing = await ledger.standing()
    assert (standing.oversell_skus, standing.undersell_skus) == (0, 0), "those count from the second evaluation on"


async def test_those_who_wait_for_longest_are_named(ledger: SqlLedger) -> None:
    await quarantined(ledger)
    standing = await ledger.standing()
    assert (standing.quarantined, standing.parked) == (("SKU-1",), ())


async def test_a_correction_that_needs_no_write_is_recorded(ledger: SqlLedger, database: Database) -> None:
    (link_id,) = await in_step(ledger)
    work = await one(ledger, link_id)
    decision = replace(decided(work), correction=-2, oversold=1)
    await ledger.settle([evaluation(work, decision)], RUN, later(minutes=1))
    columns = "link_id, run_id, at, units, oversold, available, target"
    assert await query(database, f"SELECT {columns} FROM corrections") == [  # noqa: S608
        (link_id, RUN, "2026-11-22T10:01:00.000000Z", -2, 1, 5, 5)
    ]


# --- calls ---


async def test_a_call_is_recorded_with_new_numbers_before_it_is_sent(ledger: SqlLedger, database: Database) -> None:
    ids = await in_step(ledger, 2)
    call = await ledger.open_call(await sold_in_store(ledger, ids), 7, later(minutes=1))
    assert call.changes == (
        StockChange(1, ids[0], "inventory-1", 5, 3),
        StockChange(1, ids[1], "inventory-2", 5, 3),
    )
    assert uuid.UUID(call.key).version == 5
    assert call.reference == f"gid://lightspeed-sync/Run/7/Call/{call.key[:8]}"
    assert await query(database, "SELECT outcome, before, after FROM stock_intents") == [(None, 5, 3)] * 2
    work = await one(ledger, ids[0])
    assert work.memory.open_write == OpenWrite(before=5, after=3, base=3, drift_after=0, drift_before=0)
    assert [found.link_id for found in await ledger.due()] == ids, "due until it is known what became of the call"


async def test_the_key_comes_from_the_numbers_and_never_from_the_values(ledger: SqlLedger) -> None:
    (link_id,) = await in_step(ledger)
    keys = []
    for qoh, at in ((4, 1), (5, 2), (4, 3)):
        await ledger.keep_stock([stock(1, qoh, later(minutes=at))], later(minutes=at))
        work = await one(ledger, link_id)
        decision = decided(work, now=later(minutes=at))
        assert decision.after == qoh
        call = await sent(ledger, [intent(work, decision)], WriteOutcome.APPLIED, later(minutes=at))
        keys.append(call.key)
        assert [change.seq for change in call.changes] == [at]
    assert len(set(keys)) == 3


async def test_a_call_without_one_of_its_rows_is_a_new_call(ledger: SqlLedger) -> None:
    ids = await in_step(ledger, 2)
    intents = await sold_in_store(ledger, ids)
    first = await sent(ledger, intents, WriteOutcome.REFUSED, later(minutes=1), due=True)
    second = await ledger.open_call(intents[:1], RUN, later(minutes=2))
    assert second.key != first.key
    assert [change.seq for change in second.changes] == [2]


@pytest.mark.parametrize(
    ("what", "due", "kept"),
    [
        (WriteOutcome.APPLIED, False, (3, False, None)),
        (WriteOutcome.STALE, True, (5, False, None)),
        (WriteOutcome.REFUSED, True, (5, False, None)),
        (WriteOutcome.PARKED, False, (5, False, Code.SH012)),
        (WriteOutcome.UNANSWERED, True, (5, True, None)),
    ],
    ids=["applied", "stale", "refused", "parked", "unanswered"],
)
async def test_a_calls_outcome_is_kept_with_what_its_links_remember(
    ledger: SqlLedger, what: WriteOutcome, due: bool, kept: tuple[int, bool, Code | None]
) -> None:
    (link_id,) = await in_step(ledger)
    await sent(ledger, await sold_in_store(ledger, [link_id]), what, later(minutes=2), due=due)
    work = await one(ledger, link_id)
    assert work.level is not None
    assert (work.level.available, work.memory.open_write is not None, work.parked) == kept
    assert [found.link_id for found in await ledger.due()] == ([link_id] if due else [])
    assert await outcomes(ledger) == [what.value]


async def test_a_call_is_closed_once(ledger: SqlLedger) -> None:
    (link_id,) = await in_step(ledger)
    intents = await sold_in_store(ledger, [link_id])
    call = await sent(ledger, intents, WriteOutcome.APPLIED, later(minutes=1))
    await ledger.close_call(call.key, [outcome(intents[0], WriteOutcome.UNANSWERED)], later(minutes=2))
    await ledger.close_call("no such call", [], later(minutes=2))
    assert await outcomes(ledger) == ["applied"]
    assert (await one(ledger, link_id)).memory.open_write is None


async def test_a_crash_between_intent_and_outcome_leaves_a_write_to_be_looked_into(ledger: SqlLedger) -> None:
    (link_id,) = await in_step(ledger)
    run = await ledger.begin_run("stock", NOW)
    await ledger.open_call(await sold_in_store(ledger, [link_id]), run, later(minutes=1))
    restarted = SqlLedger(ledger._database)
    assert await restarted.interrupt_runs(later(minutes=5)) == 1
    assert await outcomes(restarted) == ["unanswered"]
    (work,) = await restarted.due()
    assert (work.link_id, work.memory.open_write is not None) == (link_id, True)
    assert (await restarted.standing()).unanswered_writes == 1


@pytest.mark.parametrize(
    ("seen", "found"), [(3, "found applied"), (5, "found not applied")], ids=["applied", "not applied"]
)
async def test_a_later_reading_tells_what_became_of_an_unanswered_write(
    ledger: SqlLedger, seen: int, found: str
) -> None:
    (link_id,) = await in_step(ledger)
    await sent(ledger, await sold_in_store(ledger, [link_id]), WriteOutcome.UNANSWERED, later(minutes=1), due=True)
    await ledger.keep_levels([moved(level(1), seen, at=later(minutes=1))], later(minutes=10))
    work = await one(ledger, link_id)
    decision = decided(work, now=later(minutes=10))
    assert decision.settled is not None
    if decision.after is None:
        await ledger.settle([evaluation(work, decision)], RUN, later(minutes=10))
        assert await outcomes(ledger) == [found]
    else:
        await sent(ledger, [intent(work, decision)], WriteOutcome.APPLIED, later(minutes=10))
        assert await outcomes(ledger) == [found, "applied"]
    assert (await one(ledger, link_id)).memory.open_write is None
    assert (await ledger.standing()).unanswered_writes == 0


async def test_a_newer_write_takes_the_place_of_one_without_an_answer(ledger: SqlLedger) -> None:
    (link_id,) = await in_step(ledger)
    await sent(ledger, await sold_in_store(ledger, [link_id]), WriteOutcome.UNANSWERED, later(minutes=1), due=True)
    await ledger.keep_stock([stock(1, 1, later(minutes=2))], later(minutes=2))
    work = await one(ledger, link_id)
    decision = decided(work, now=later(minutes=2), coherent=False)
    assert (decision.settled, decision.after) == (None, 1)
    await sent(ledger, [intent(work, decision)], WriteOutcome.UNANSWERED, later(minutes=2), due=True)
    assert await outcomes(ledger) == ["superseded", "unanswered"]
    assert (await ledger.standing()).unanswered_writes == 1


async def test_every_change_can_be_explained_from_the_record(ledger: SqlLedger) -> None:
    (link_id,) = await in_step(ledger)
    await ledger.set_cut_over(later(hours=-1))
    await ledger.keep_orders([order(1, 2, 1, created=later(days=-1))], NOW)
    await ledger.keep_levels([LevelRow("inventory-1", 4, 2, 0, 0, 1, 0, NOW, NOW)], NOW)
    await ledger.keep_stock([stock(1, 3, later(minutes=1))], later(minutes=1))
    work = await one(ledger, link_id)
    decision = decide(replace(reading(work), set_aside=1), work.memory, Policy())
    run = await ledger.begin_run("stock", NOW)
    call = await ledger.open_call([intent(work, decision)], run, later(minutes=2))
    (change,) = await ledger.changes_of(" sku-1")
    assert (change.seq, change.at, change.run_id, change.job) == (1, later(minutes=2), run, "stock")
    assert (change.before, change.after, change.verdict) == (4, decision.after, decision.verdict.value)
    assert (change.outcome, change.key, change.reference) == (None, call.key, call.reference)
    inputs = {"L": 3, "M": 0, "B": 0, "Tk": 2, "K": 1, "Bk": 2, "A": 4, "C": 2, "U": 1, "u": 1}
    results = {"X": 5, "target": 1, "expected": 1, "drift": 3, "base": 5}
    assert change.equation == inputs | results


async def test_changes_come_newest_first_and_no_more_than_asked_for(ledger: SqlLedger) -> None:
    (link_id,) = await in_step(ledger)
    for at, qoh in enumerate((4, 3, 2), start=1):
        await ledger.keep_stock([stock(1, qoh, later(minutes=at))], later(minutes=at))
        work = await one(ledger, link_id)
        await sent(ledger, [intent(work, decided(work))], WriteOutcome.APPLIED, later(minutes=at))
    assert [change.after for change in await ledger.changes_of("SKU-1", limit=2)] == [2, 3]
    assert await ledger.changes_of("SKU-2") == []


# --- standing ---


async def differing(ledger: SqlLedger, link_id: int, available: int, times: int, **memory: int) -> None:
    """Settle an evaluation that saw `available` where 5 was wanted, for the `times`-th time."""
    work = await one(ledger, link_id)
    await ledger.keep_levels([level(int(work.item_id), available)], NOW)
    work = await one(ledger, link_id)
    decision = decided(work)
    kept = replace(decision.memory, differs=times, open_write=None, quarantine=None)
    decision = replace(decision, after=None, if_applied=None, memory=kept)
    await ledger.settle([evaluation(work, decision)], RUN, NOW)


async def test_the_standing_counts_what_differed_twice_in_both_directions(ledger: SqlLedger) -> None:
    ids = await in_step(ledger, 5)
    await differing(ledger, ids[0], 9, 2)
    await differing(ledger, ids[1], -1, 3)
    await differing(ledger, ids[2], 8, 1)
    await differing(ledger, ids[3], 6, 2)
    standing = await ledger.standing()
    assert (standing.links, standing.unequal_skus) == (5, 4)
    assert (standing.oversell_skus, standing.oversell_units) == (2, 4 + 1)
    assert (standing.undersell_skus, standing.undersell_units) == (1, 6)
    assert standing.examples == ("SKU-2", "SKU-1", "SKU-4")
    assert (standing.oversold, standing.undersold) == (("SKU-1", "SKU-4"), ("SKU-2",))


async def test_the_standing_tells_what_oversold_units_cost_and_of_how_many_skus_the_price_is_not_known(
    ledger: SqlLedger,
) -> None:
    ids = await in_step(ledger, 4)
    for link_id, available in zip(ids, (9, 6, 6, -1), strict=True):
        await differing(ledger, link_id, available, 2)
    await ledger.keep_variants([replace(variant(number), price=price) for number, price in ((1, 1_999), (2, 500))], NOW)
    standing = await ledger.standing()
    assert (standing.oversell_units, standing.oversell_cents, standing.unpriced_skus) == (6, 4 * 1_999 + 500, 1)


async def test_the_standing_counts_what_waits_for_somebody(ledger: SqlLedger) -> None:
    link_id = await quarantined(ledger)
    assert (await ledger.standing()).quarantined_skus == 1
    work = await one(ledger, link_id)
    unseen = replace(decided(work).equation, unseen=2)
    decision = replace(decided(work), equation=unseen, memory=IN_STEP, verdict=Verdict.IN_STEP)
    await ledger.settle([evaluation(work, decision)], RUN, NOW)
    standing = await ledger.standing()
    assert (standing.quarantined_skus, standing.uningested_skus) == (0, 1)


async def test_a_link_that_was_never_decided_is_not_equal(ledger: SqlLedger) -> None:
    await linked(ledger)
    assert (await ledger.standing()).unequal_skus == 1


async def test_a_parked_link_is_counted_and_its_code_kept(ledger: SqlLedger) -> None:
    (link_id,) = await in_step(ledger)
    (lowering,) = await sold_in_store(ledger, [link_id])
    call = await ledger.open_call([lowering], RUN, later(minutes=1))
    refused = outcome(lowering, WriteOutcome.PARKED, code=Code.SH017)
    await ledger.close_call(call.key, [refused], later(minutes=1))
    assert (await one(ledger, link_id)).parked is Code.SH017
    assert (await ledger.standing()).parked_skus == 1


async def test_the_links_of_archived_items_count_no_more(ledger: SqlLedger) -> None:
    (link_id,) = await in_step(ledger)
    await differing(ledger, link_id, 9, 2)
    await ledger.keep_items([replace(item(1), archived=True)], later(minutes=1))
    standing = await ledger.standing()
    assert (standing.links, standing.oversell_skus, standing.unequal_skus) == (0, 0, 0)


# --- what may be forgotten ---


async def test_finished_history_is_forgotten_after_its_time_and_nothing_else(
    ledger: SqlLedger, database: Database
) -> None:
    ids = await in_step(ledger, 2)
    await ledger.keep_orders([order(1, 1, 0, of=9)], NOW)
    for outcome_ in (RunOutcome.OK, RunOutcome.FAILED):
        await ledger.finish_run(await ledger.begin_run("stock", NOW), NOW, outcome_, numbers={})
    first, second = await sold_in_store(ledger, ids)
    await sent(ledger, [first], WriteOutcome.APPLIED, NOW)
    await sent(ledger, [second], WriteOutcome.UNANSWERED, NOW, due=True)
    assert await ledger.prune(later(days=399)) == {}
    gone = {"stock_intents": 1, "stock_calls": 1, "runs": 1}
    assert await ledger.prune(later(days=401)) == gone, "an answered intent, its call, and the run that failed"
    assert await query(database, "SELECT outcome FROM stock_intents") == [("unanswered",)]
    assert await query(database, "SELECT outcome FROM runs") == [("ok",)]
    assert await query(database, "SELECT count(*) FROM order_facts") == [(2,)]
    assert await query(database, "SELECT count(*) FROM order_lines") == [(1,)]
    assert await ledger.prune(later(days=401)) == {}
