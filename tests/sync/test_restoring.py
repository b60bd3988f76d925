"""Which numbers of the past may be set again: one table of reasons, and rules that hold for any numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.model import Demand
from sync.restoring import FORCIBLE, WRITES, Fate, Force, Known, Wish, Written, decision, judge
from sync.stock import HOLDING, Memory, OpenWrite, Policy, Quarantine, Reading, Verdict, decide, equation

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=2)
# Lightspeed has 20, Shopify shows 20, nothing is ordered: in step.
READ = Reading(
    on_hand=20,
    demand=Demand(),
    available=20,
    committed=0,
    set_aside=0,
    updated_at=LONG_AGO,
    pulled_at=NOW,
    now=NOW,
    coherent=True,
)
IN_STEP = Memory(base=20)
NOBODY = Force()


def restore(units: int, spoken_for: int | None = 0) -> Wish:
    return Wish(7, "KAVA-1", Known(units, spoken_for))


def undo(before: int, after: int, *, seq: int = 3, spoken_for: int = 0) -> Wish:
    return Wish(7, "KAVA-1", Known(before, spoken_for), undoes=wrote(after, seq=seq, spoken_for=spoken_for))


def wrote(after: int, *, seq: int = 3, spoken_for: int = 0) -> Written:
    return Written(seq, 5, Known(after, spoken_for))


ORDERED = replace(READ, demand=Demand(taken=3, open=3), committed=3, available=17)
OPEN = OpenWrite(before=20, after=18, base=18, drift_after=0, drift_before=0)


@pytest.mark.parametrize(
    ("wish", "reading", "memory", "last", "fate", "wanted"),
    [
        pytest.param(restore(15), READ, IN_STEP, None, Fate.SET_BACK, 15, id="lowered"),
        pytest.param(restore(20), READ, IN_STEP, None, Fate.AS_WANTED, 20, id="as it is"),
        pytest.param(restore(25), READ, IN_STEP, None, Fate.ABOVE, 25, id="more than Lightspeed has"),
        pytest.param(restore(20), ORDERED, IN_STEP, None, Fate.AS_WANTED, 17, id="orders since are taken off"),
        pytest.param(restore(15), ORDERED, IN_STEP, None, Fate.SET_BACK, 12, id="lowered, orders since taken off"),
        pytest.param(restore(20, None), ORDERED, IN_STEP, None, Fate.ABOVE, 20, id="orders since unknown to the file"),
        pytest.param(restore(2), ORDERED, IN_STEP, None, Fate.SET_BACK, 0, id="never below zero"),
        pytest.param(restore(-4), replace(READ, available=-4), IN_STEP, None, Fate.AS_WANTED, 0, id="nothing to sell"),
        pytest.param(restore(15), replace(READ, available=22), IN_STEP, None, Fate.MOVED, 15, id="edited by hand"),
        pytest.param(
            restore(15), replace(READ, available=22), IN_STEP, wrote(22), Fate.SET_BACK, 15, id="what our write left"
        ),
        pytest.param(restore(15), READ, Memory(), None, Fate.MOVED, 15, id="never in step with us"),
        pytest.param(
            restore(15), replace(READ, held=True), IN_STEP, None, Fate.MOVED, 15, id="held: its base tells nothing"
        ),
        pytest.param(
            restore(15),
            READ,
            replace(IN_STEP, quarantine=Quarantine(12, NOW)),
            None,
            Fate.WAITS,
            15,
            id="waits for a person",
        ),
        pytest.param(restore(15), READ, replace(IN_STEP, open_write=OPEN), None, Fate.UNANSWERED, 15, id="unanswered"),
        pytest.param(
            restore(18),
            replace(READ, available=10, settled=False),
            Memory(base=10),
            None,
            Fate.UNSETTLED,
            18,
            id="a sale is on its way",
        ),
        pytest.param(
            restore(18),
            replace(READ, available=10, coherent=False),
            Memory(base=10),
            None,
            Fate.MOVING,
            18,
            id="raised only on a coherent reading",
        ),
        pytest.param(
            restore(8), replace(READ, coherent=False), IN_STEP, None, Fate.SET_BACK, 8, id="lowered on any reading"
        ),
        pytest.param(undo(25, 20), READ, IN_STEP, wrote(20), Fate.ABOVE, 25, id="undo of a lowering"),
        pytest.param(undo(12, 20), READ, IN_STEP, wrote(20), Fate.SET_BACK, 12, id="undo of a raise"),
        pytest.param(undo(12, 20), ORDERED, IN_STEP, wrote(20), Fate.SET_BACK, 9, id="undo beside orders since"),
        pytest.param(
            undo(12, 20), READ, IN_STEP, wrote(20, seq=4), Fate.WRITTEN_SINCE, 12, id="undo of an older write"
        ),
        pytest.param(
            undo(12, 20), replace(READ, available=21), IN_STEP, wrote(20), Fate.MOVED, 12, id="undo after an edit"
        ),
        pytest.param(undo(12, 20), READ, Memory(base=99), wrote(20), Fate.SET_BACK, 12, id="undo needs no base"),
        pytest.param(
            undo(12, 20),
            replace(READ, available=12),
            IN_STEP,
            wrote(12, seq=4),
            Fate.AS_WANTED,
            12,
            id="undone already",
        ),
    ],
)
def test_a_row_is_judged(  # noqa: PLR0917 - a table
    wish: Wish, reading: Reading, memory: Memory, last: Written | None, fate: Fate, wanted: int
) -> None:
    row = judge(wish, reading, memory, last, NOBODY)
    assert (row.fate, row.wanted) == (fate, wanted)


@pytest.mark.parametrize(
    ("force", "fate", "listed"),
    [
        pytest.param(Force(), Fate.MOVED, None, id="nothing said"),
        pytest.param(Force(links=frozenset({8})), Fate.MOVED, None, id="another row named"),
        pytest.param(Force(raises=True), Fate.MOVED, None, id="raises do not cover what somebody changed"),
        pytest.param(Force(links=frozenset({7})), Fate.FORCED, Fate.MOVED, id="the row named"),
    ],
)
def test_a_person_may_overrule_a_row_by_its_name(force: Force, fate: Fate, listed: Fate | None) -> None:
    row = judge(restore(25), replace(READ, available=22), IN_STEP, None, force)
    assert (row.fate, row.listed) == (fate, listed)


def test_all_rows_above_lightspeeds_number_may_be_overruled_at_once() -> None:
    row = judge(restore(25), READ, IN_STEP, None, Force(raises=True))
    assert (row.fate, row.listed, row.wanted) == (Fate.FORCED, Fate.ABOVE, 25)


def test_what_passes_by_itself_cannot_be_overruled() -> None:
    row = judge(restore(25), READ, replace(IN_STEP, open_write=OPEN), None, Force(frozenset({7}), raises=True))
    assert row.fate is Fate.UNANSWERED


few = st.integers(0, 30)
readings = st.builds(
    Reading,
    on_hand=st.integers(-5, 40),
    demand=st.builds(Demand, taken=few, open=few, booked=few),
    available=st.integers(-5, 40),
    committed=few,
    set_aside=st.integers(0, 3),
    updated_at=st.just(LONG_AGO),
    pulled_at=st.just(NOW),
    now=st.just(NOW),
    coherent=st.booleans(),
    settled=st.booleans(),
    held=st.booleans(),
)
memories = st.builds(
    Memory,
    base=st.none() | st.integers(-5, 40),
    open_write=st.none() | st.just(OPEN),
    quarantine=st.none() | st.just(Quarantine(12, NOW)),
)
wishes = st.builds(restore, st.integers(-5, 40), st.none() | few) | st.builds(
    undo, st.integers(-5, 40), st.integers(-5, 40)
)
lasts = st.none() | st.builds(wrote, st.integers(-5, 40), seq=st.integers(3, 4), spoken_for=few)


@given(wishes, readings, memories, lasts)
def test_without_a_persons_word_nothing_is_raised_above_lightspeeds_number_nor_set_over_somebody_elses(
    wish: Wish, reading: Reading, memory: Memory, last: Written | None
) -> None:
    row = judge(wish, reading, memory, last, NOBODY)
    if row.fate is not Fate.SET_BACK:
        assert row.fate not in WRITES
        return
    terms = equation(reading)
    assert row.wanted <= max(reading.available, terms.target)
    assert memory.open_write is None
    ours = last is not None and last.left.by_now(terms.spoken_for) == reading.available
    in_step = memory.base is not None and terms.expected(memory.base) == reading.available and not reading.held
    assert ours or (in_step and wish.undoes is None)


@given(wishes, readings, memories, lasts)
def test_a_forced_row_is_written_or_says_what_passes_by_itself(
    wish: Wish, reading: Reading, memory: Memory, last: Written | None
) -> None:
    row = judge(wish, reading, memory, last, Force(frozenset({7})))
    assert row.fate not in FORCIBLE
    if row.fate in WRITES:
        made = decision(row, reading, memory, Verdict.RESTORED)
        assert (made.after, made.again) == (row.wanted, made.if_applied is None)
        assert made.if_applied is not None
        assert (made.if_applied.open_write, made.if_applied.quarantine) == (None, None)
        assert made.memory.open_write is not None


@given(readings, memories)
def test_a_held_link_is_never_written_nor_judged_anew(reading: Reading, memory: Memory) -> None:
    held = replace(reading, held=True, settled=True)
    made = decide(held, memory, Policy())
    assert (made.verdict, made.after, made.correction) == (Verdict.HELD, None, 0)
    assert made.memory.quarantine == memory.quarantine
    if memory.open_write is None:
        assert (made.memory.base, made.again) == (memory.base, False)


@given(readings, st.integers(0, 40), st.booleans())
def test_a_held_link_learns_what_became_of_the_write_that_set_it_back(
    reading: Reading, wanted: int, applied: bool
) -> None:
    before = replace(reading, available=max(0, reading.available), settled=True)
    memory = Memory(base=equation(before).said)
    row = replace(judge(restore(wanted), before, memory, None, NOBODY), wanted=wanted)
    made = decision(row, before, memory, HOLDING[0])
    later = replace(before, available=wanted if applied else before.available, held=True, coherent=True)
    told = decide(later, made.memory, Policy())
    assert told.memory.open_write is None
    if wanted != before.available:
        assert told.settled is not None
        assert told.settled.value == ("applied" if applied else "not applied")
