"""Every step of an alert rule, one row each, and what stays of it over an edit."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.conditions import AllOf, AnyOf, Comparison, Condition, Op
from monitor.notice import Severity
from monitor.rules import (
    Evaluations,
    NoData,
    Past,
    Phase,
    Reason,
    Rule,
    Sample,
    State,
    Take,
    Transition,
    evaluate,
    remove,
)
from monitor.units import Unit

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
OK = State()


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def rule(*, op: Op = Op.ABOVE, limit: float = 5, hold: float = 0, min_events: int = 0) -> Rule:
    return Rule(
        name="Differs",
        condition=Comparison("discrepant_skus", op, limit, Unit.COUNT),
        severity=Severity.WARNING,
        hold=timedelta(minutes=hold),
        min_events=min_events,
    )


def judge(rule: Rule, sample: Sample, state: State) -> Transition:
    return evaluate(rule, {"discrepant_skus": sample}, state, NOW)


@pytest.mark.parametrize(
    ("hold", "value", "state", "expected"),
    [
        pytest.param(0, 5, OK, (Reason.QUIET, Phase.OK, None), id="at the limit is not above it"),
        pytest.param(0, 6, OK, (Reason.FIRED, Phase.FIRING, ago(0)), id="without a hold it fires at once"),
        pytest.param(5, 6, OK, (Reason.BEGAN, Phase.PENDING, ago(0)), id="with a hold it begins to wait"),
        pytest.param(
            5, 6, State(Phase.PENDING, ago(4)), (Reason.HOLDING, Phase.PENDING, ago(4)), id="before the hold it waits"
        ),
        pytest.param(
            5, 6, State(Phase.PENDING, ago(5)), (Reason.FIRED, Phase.FIRING, ago(5)), id="at the hold's end it fires"
        ),
        pytest.param(
            5, 5, State(Phase.PENDING, ago(4)), (Reason.DROPPED, Phase.OK, None), id="a pending one ends without a word"
        ),
        pytest.param(
            5, 9, State(Phase.FIRING, ago(60)), (Reason.STILL, Phase.FIRING, ago(60)), id="a firing one goes on"
        ),
        pytest.param(
            5, 5, State(Phase.FIRING, ago(60)), (Reason.RESOLVED, Phase.OK, None), id="a firing one ends at once"
        ),
        pytest.param(
            60, 9, State(Phase.FIRING, ago(6)), (Reason.STILL, Phase.FIRING, ago(6)), id="a longer hold ends no alert"
        ),
        pytest.param(
            1,
            9,
            State(Phase.PENDING, ago(3)),
            (Reason.FIRED, Phase.FIRING, ago(3)),
            id="a shorter hold counts",
        ),
        pytest.param(
            5,
            6,
            State(Phase.PENDING, ago(-30)),
            (Reason.HOLDING, Phase.PENDING, ago(0)),
            id="a clock set back begins anew",
        ),
    ],
)
def test_a_rule_goes_from_phase_to_phase(
    hold: float, value: float, state: State, expected: tuple[Reason, Phase, datetime | None]
) -> None:
    transition = judge(rule(hold=hold), Sample(value), state)

    assert (transition.reason, transition.after.phase, transition.after.since) == expected
    assert transition.after.value == value


@pytest.mark.parametrize("state", [OK, State(Phase.PENDING, ago(1)), State(Phase.FIRING, ago(9), 7.0)], ids=str)
@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (Sample(None), Reason.NO_DATA),
        (Sample(float("nan")), Reason.NO_DATA),
        (Sample(1.0, events=4), Reason.TOO_FEW),
        (Sample(0.0, events=4), Reason.TOO_FEW),
    ],
    ids=["no number", "not a number", "too few, high", "too few, low"],
)
def test_without_a_usable_number_the_state_is_kept(state: State, sample: Sample, reason: Reason) -> None:
    transition = judge(rule(min_events=5, limit=0.05), sample, state)

    assert (replace(transition.after, fingerprint=""), transition.reason) == (state, reason)


def test_just_enough_events_tell() -> None:
    assert judge(rule(min_events=5, limit=0.05), Sample(0.2, events=5), OK).reason is Reason.FIRED


@pytest.mark.parametrize(
    ("op", "firing"),
    [
        (Op.ABOVE, (6,)),
        (Op.AT_LEAST, (5, 6)),
        (Op.BELOW, (4,)),
        (Op.AT_MOST, (4, 5)),
        (Op.EQUAL, (5,)),
        (Op.UNEQUAL, (4, 6)),
    ],
)
def test_each_operator_compares_as_it_reads(op: Op, firing: tuple[int, ...]) -> None:
    fired = tuple(value for value in (4, 5, 6) if judge(rule(op=op), Sample(value), OK).fired)

    assert fired == firing


@pytest.mark.parametrize(
    ("state", "reason", "resolved"),
    [
        (State(Phase.FIRING, ago(9)), Reason.REMOVED, True),
        (State(Phase.PENDING, ago(9)), Reason.DROPPED, False),
        (OK, Reason.QUIET, False),
    ],
    ids=["firing", "pending", "ok"],
)
def test_a_removed_rule_ends_its_alert(state: State, reason: Reason, resolved: bool) -> None:
    transition = remove(state)

    assert (transition.after, transition.reason, transition.resolved) == (OK, reason, resolved)


# --- recovery: another limit, and a while longer ---

CLEARED = Rule(
    name="Differs",
    condition=Comparison("discrepant_skus", Op.ABOVE, 5, Unit.COUNT),
    severity=Severity.WARNING,
    clear=3,
)
KEEPS = Rule(
    name="Differs",
    condition=Comparison("discrepant_skus", Op.ABOVE, 5, Unit.COUNT),
    severity=Severity.WARNING,
    keep=timedelta(minutes=10),
)


def walk(rule: Rule, values: Iterable[float | None], minutes: float = 1) -> list[Reason]:
    """Judge a rule by one value after the other, so many minutes apart."""
    state, reasons = State(), []
    for number, value in enumerate(values):
        at = NOW + timedelta(minutes=minutes * number)
        transition = evaluate(rule, {"discrepant_skus": Sample(value)}, state, at)
        state = transition.after
        reasons.append(transition.reason)
    return reasons


@pytest.mark.parametrize(
    ("rule", "values", "reasons"),
    [
        pytest.param(
            CLEARED, [6, 5, 4, 3], "FIRED STILL STILL RESOLVED", id="a cleared rule ends at its own limit, not above it"
        ),
        pytest.param(CLEARED, [5, 4, 5], "QUIET QUIET QUIET", id="the limit for recovery begins nothing"),
        pytest.param(
            replace(CLEARED, hold=timedelta(minutes=2)),
            [6, 4, 6, 6, 6],
            "BEGAN DROPPED BEGAN HOLDING FIRED",
            id="while it waits the condition's own limit counts",
        ),
        pytest.param(
            KEEPS,
            [6, 0, *[0] * 9, 0],
            " ".join(["FIRED", *["KEPT"] * 10, "RESOLVED"]),
            id="it goes on for ten minutes after the first false evaluation, and ends at the tenth",
        ),
        pytest.param(
            KEEPS,
            [6, *[0] * 9, 6, *[0] * 11],
            " ".join(["FIRED", *["KEPT"] * 9, "STILL", *["KEPT"] * 10, "RESOLVED"]),
            id="a true evaluation begins that time anew",
        ),
        pytest.param(
            KEEPS, [6, 0, None, 0], "FIRED KEPT NO_DATA KEPT", id="no number neither ends that time nor begins it anew"
        ),
        pytest.param(
            replace(KEEPS, hold=timedelta(minutes=1)),
            [6, 0, 6, 6, 0],
            "BEGAN DROPPED BEGAN FIRED KEPT",
            id="nothing is kept before it has fired",
        ),
    ],
)
def test_an_alert_ends_when_it_was_asked_to(rule: Rule, values: list[float | None], reasons: str) -> None:
    assert [reason.name for reason in walk(rule, values)] == reasons.split()


def test_while_it_is_kept_it_shows_the_last_number_that_held() -> None:
    fired = evaluate(KEEPS, {"discrepant_skus": Sample(7)}, OK, NOW).after

    kept = evaluate(KEEPS, {"discrepant_skus": Sample(1)}, fired, NOW + timedelta(minutes=1))

    assert (kept.after.phase, kept.after.value, kept.holds, kept.resolved) == (Phase.FIRING, 7, False, False)
    assert kept.after.quiet_since == NOW + timedelta(minutes=1)


def test_a_clock_set_back_does_not_keep_an_alert_for_ever() -> None:
    state = State(Phase.FIRING, ago(60), 7, quiet_since=NOW + timedelta(days=1))

    kept = evaluate(KEEPS, {"discrepant_skus": Sample(1)}, state, NOW)

    assert (kept.reason, kept.after.quiet_since) == (Reason.KEPT, NOW)


# --- so many of the last evaluations ---


@pytest.mark.parametrize(
    ("values", "reasons"),
    [
        pytest.param([6, 6, 6], "BEGAN HOLDING FIRED", id="three in a row"),
        pytest.param([6, 0, 6, 0, 6], "BEGAN HOLDING HOLDING HOLDING FIRED", id="three of five, with gaps"),
        pytest.param(
            [6, 6, 0, 0, 0, 0, 0], "BEGAN HOLDING HOLDING HOLDING HOLDING HOLDING DROPPED", id="two of five never fire"
        ),
        pytest.param([6, 6, 6, 0, 0, 0], "BEGAN HOLDING FIRED STILL STILL RESOLVED", id="it ends with too few"),
        pytest.param(
            [6, 0, 6, 6, 0, 0, 6],
            "BEGAN HOLDING HOLDING FIRED STILL RESOLVED FIRED",
            id="after its end the old results still count",
        ),
        pytest.param([6, None, 6, None, 6], "BEGAN NO_DATA HOLDING NO_DATA FIRED", id="no number is no evaluation"),
    ],
)
def test_so_many_of_the_last_evaluations_make_it_fire(values: list[float | None], reasons: str) -> None:
    counts = replace(KEEPS, keep=timedelta(0), evaluations=Evaluations(3, 5))

    assert [reason.name for reason in walk(counts, values)] == reasons.split()


def test_it_is_pending_since_the_first_of_them_that_still_counts() -> None:
    counts = replace(KEEPS, keep=timedelta(0), evaluations=Evaluations(2, 3))
    state = State()
    for number, value in enumerate([6, 0, 0, 6]):
        samples = {"discrepant_skus": Sample(value)}
        state = evaluate(counts, samples, state, NOW + timedelta(minutes=number)).after

    assert (state.phase, state.since) == (Phase.PENDING, NOW + timedelta(minutes=3))


# --- no number ---


@pytest.mark.parametrize(
    ("no_data", "values", "reasons"),
    [
        (NoData.KEEP, [6, 6, None, None, 0], "BEGAN FIRED NO_DATA NO_DATA RESOLVED"),
        (NoData.KEEP, [None, None, 6], "NO_DATA NO_DATA BEGAN"),
        (NoData.OK, [6, 6, None, 6], "BEGAN FIRED RESOLVED BEGAN"),
        (NoData.OK, [None, 6, None], "QUIET BEGAN DROPPED"),
        (NoData.ALERT, [None, None, 0], "BEGAN FIRED RESOLVED"),
        (NoData.ALERT, [6, None, 6], "BEGAN FIRED STILL"),
        (NoData.NODATA, [None, None, 6, 0], "BEGAN FIRED STILL RESOLVED"),
        (NoData.NODATA, [6, None, None, None], "BEGAN BEGAN FIRED STILL"),
        (NoData.NODATA, [None, 6, 6], "BEGAN BEGAN FIRED"),
    ],
)
def test_what_a_missing_number_means_is_the_rules_to_say(
    no_data: NoData, values: list[float | None], reasons: str
) -> None:
    lacks = replace(rule(hold=1), no_data=no_data)

    assert [reason.name for reason in walk(lacks, values)] == reasons.split()


def test_an_alert_that_fires_for_want_of_a_number_says_so() -> None:
    lacks = replace(rule(), no_data=NoData.NODATA)

    transition = evaluate(lacks, {}, OK, NOW)

    assert (transition.fired, transition.after.nodata, transition.after.value) == (True, True, None)
    assert transition.lacking is Reason.NO_DATA
    assert not evaluate(lacks, {"discrepant_skus": Sample(9)}, transition.after, NOW).after.nodata


@pytest.mark.parametrize(("no_data", "phase"), [(NoData.OK, Phase.OK), (NoData.ALERT, Phase.FIRING)])
def test_too_few_events_are_no_number(no_data: NoData, phase: Phase) -> None:
    few = replace(rule(min_events=5), no_data=no_data)

    transition = judge(few, Sample(9, events=4), State(Phase.FIRING, ago(9)))

    assert (transition.after.phase, transition.lacking) == (phase, Reason.TOO_FEW)


# --- several signals ---


def over(limit: float, signal: str) -> Comparison:
    return Comparison(signal, Op.ABOVE, limit, Unit.COUNT)


@pytest.mark.parametrize(
    ("condition", "samples", "reason", "telling"),
    [
        pytest.param(AllOf((over(1, "a"), over(1, "b"))), {"a": 2, "b": 2}, "FIRED", "a", id="and: both hold"),
        pytest.param(AllOf((over(1, "a"), over(1, "b"))), {"a": 2, "b": 1}, "QUIET", "a", id="and: one does not"),
        pytest.param(AllOf((over(1, "a"), over(1, "b"))), {"b": 1}, "QUIET", "a", id="and: one fails, one is unknown"),
        pytest.param(AllOf((over(1, "a"), over(1, "b"))), {"b": 2}, "NO_DATA", "a", id="and: one is unknown"),
        pytest.param(
            AnyOf((over(1, "a"), over(1, "b"))), {"a": 0, "b": 2}, "FIRED", "b", id="or: about the one that holds"
        ),
        pytest.param(AnyOf((over(1, "a"), over(1, "b"))), {"b": 2}, "FIRED", "b", id="or: one holds, one is unknown"),
        pytest.param(AnyOf((over(1, "a"), over(1, "b"))), {"b": 1}, "NO_DATA", "a", id="or: one is unknown"),
        pytest.param(
            AnyOf((AllOf((over(1, "a"), over(1, "b"))), over(1, "c"))),
            {"a": 2, "b": 0, "c": 2},
            "FIRED",
            "c",
            id="and binds tighter: the part that holds is told",
        ),
    ],
)
def test_several_signals_decide_together(
    condition: Condition, samples: dict[str, float], reason: str, telling: str
) -> None:
    both = replace(rule(), condition=condition)

    transition = evaluate(both, {name: Sample(value) for name, value in samples.items()}, OK, NOW)

    assert transition.reason.name == reason
    assert transition.telling is not None
    assert transition.telling.signal == telling


# --- values over a window ---


@pytest.mark.parametrize(
    ("take", "value"), [(Take.MAX, 9.0), (Take.MIN, 1.0), (Take.AVG, 4.0), (Take.LAST, 2.0)], ids=str
)
def test_a_value_over_a_window_is_taken_of_what_was_recorded(take: Take, value: float) -> None:
    past: Past = {
        "discrepant_skus": [(ago(15.1), 99.0), (ago(15), 9.0), (ago(10), None), (ago(5), 1.0), (ago(0), 77.0)],
        "parked_skus": [(ago(1), 88.0)],
    }
    windowed = replace(rule(limit=0), over=timedelta(minutes=15), take=take)

    transition = evaluate(windowed, {"discrepant_skus": Sample(2.0)}, OK, NOW, past)

    assert transition.after.value == value


def test_over_a_window_a_missing_number_is_no_gap_as_long_as_there_was_one() -> None:
    windowed = replace(rule(), over=timedelta(minutes=15), take=Take.LAST)
    past = {"discrepant_skus": [(ago(15), 6.0)]}

    assert evaluate(windowed, {}, OK, NOW, past).reason is Reason.FIRED
    assert evaluate(windowed, {}, OK, NOW + timedelta(seconds=1), past).reason is Reason.NO_DATA


def test_what_was_recorded_counts_for_nothing_without_a_window() -> None:
    past = {"discrepant_skus": [(ago(1), 99.0)]}

    assert evaluate(rule(), {"discrepant_skus": Sample(1)}, OK, NOW, past).reason is Reason.QUIET


# --- edits ---

EDITS = {
    "condition": {"condition": over(6, "discrepant_skus")},
    "window": {"over": timedelta(minutes=5)},
    "take": {"take": Take.MAX},
    "clear": {"clear": 1.0},
    "evaluations": {"evaluations": Evaluations(1, 2)},
    "no_data": {"no_data": NoData.OK},
    "min_events": {"min_events": 3},
}


@pytest.mark.parametrize("change", EDITS.values(), ids=EDITS.keys())
def test_a_rule_that_means_something_else_begins_to_wait_anew(change: dict[str, Any]) -> None:
    before = rule(hold=5)
    waiting = judge(before, Sample(9), OK).after

    after = evaluate(
        replace(before, **change), {"discrepant_skus": Sample(9)}, waiting, NOW + timedelta(minutes=4)
    ).after

    assert (after.phase, after.since) != (Phase.PENDING, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"summary": "other words"},
        {"description": "other words"},
        {"severity": Severity.CRITICAL},
        {"labels": {"team": "ops"}},
        {"runbook": "https://wiki.example.com/"},
        {"keep": timedelta(minutes=3)},
        {"hold": timedelta(minutes=4)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_rule_that_means_the_same_goes_on_waiting(change: dict[str, Any]) -> None:
    before = rule(hold=5)
    waiting = judge(before, Sample(9), OK).after

    after = evaluate(
        replace(before, **change), {"discrepant_skus": Sample(9)}, waiting, NOW + timedelta(minutes=1)
    ).after

    assert (after.phase, after.since) == (Phase.PENDING, NOW)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (99, (Reason.STILL, Phase.FIRING, ago(60))),
        (9, (Reason.EDITED, Phase.OK, None)),
        (None, (Reason.NO_DATA, Phase.FIRING, ago(60))),
    ],
    ids=["it still holds", "it no longer holds", "nobody can tell"],
)
def test_a_firing_alert_is_never_dropped_silently_by_an_edit(
    value: float | None, expected: tuple[Reason, Phase, datetime | None]
) -> None:
    firing = replace(State(Phase.FIRING, ago(60), 9.0), fingerprint=rule().fingerprint)

    transition = judge(rule(limit=50, hold=30), Sample(value), firing)

    assert (transition.reason, transition.after.phase, transition.after.since) == expected
    assert transition.resolved == (expected[1] is Phase.OK)


def test_an_edit_while_it_waits_and_no_number_leave_nothing_of_the_waiting() -> None:
    waiting = replace(State(Phase.PENDING, ago(4), 9.0), fingerprint=rule().fingerprint)

    transition = judge(rule(limit=50, hold=5), Sample(None), waiting)

    assert (transition.reason, transition.after.phase) == (Reason.EDITED, Phase.OK)


def test_a_state_from_before_meanings_were_kept_goes_on() -> None:
    assert judge(rule(), Sample(9), State(Phase.FIRING, ago(60), 9.0)).reason is Reason.STILL


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    everything = replace(
        rule(),
        condition=AnyOf((AllOf((over(1, "a"), over(2.5, "b"))), over(1, "c"))),
        over=timedelta(minutes=15),
        take=Take.MAX,
        clear=3,
        evaluations=Evaluations(3, 5),
        no_data=NoData.ALERT,
        min_events=5,
    )

    assert everything.fingerprint == "fe163fbb48fa796a"


# --- against a second opinion ---


@dataclass
class Prometheus:
    """The rule engine of Prometheus for one series, as its documentation tells it; moments in minutes."""

    hold: int
    keep: int
    active_at: int | None = None
    firing: bool = False
    quiet_at: int | None = None

    def judge(self, at: int, *, true: bool) -> bool:
        if true:
            self.quiet_at = None
            self.active_at = at if self.active_at is None else self.active_at
            self.firing = self.firing or at - self.active_at >= self.hold
            return self.firing
        if self.firing and self.keep:
            self.quiet_at = at if self.quiet_at is None else self.quiet_at
            if at - self.quiet_at < self.keep:
                return True
        self.active_at, self.firing, self.quiet_at = None, False, None
        return False


@given(
    hold=st.integers(0, 5),
    keep=st.integers(0, 5),
    steps=st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=40),
)
def test_it_fires_when_prometheus_does(hold: int, keep: int, steps: list[tuple[int, bool]]) -> None:
    other, state, at = Prometheus(hold, keep), State(), 0
    mine = replace(rule(hold=hold), keep=timedelta(minutes=keep))
    for later, true in steps:
        at += later
        samples = {"discrepant_skus": Sample(9 if true else 1)}
        state = evaluate(mine, samples, state, NOW + timedelta(minutes=at)).after
        assert (state.phase is Phase.FIRING) == other.judge(at, true=true)


@given(needed=st.integers(1, 5), more=st.integers(0, 4), results=st.lists(st.booleans(), max_size=40))
def test_counted_evaluations_need_no_memory_but_the_last_ones(needed: int, more: int, results: list[bool]) -> None:
    counts = replace(rule(), evaluations=Evaluations(needed, needed + more))
    state = State()
    for number, true in enumerate(results):
        samples = {"discrepant_skus": Sample(9 if true else 1)}
        state = evaluate(counts, samples, state, NOW + timedelta(minutes=number)).after
        last = results[: number + 1][-(needed + more) :]
        assert (state.phase is Phase.FIRING) == (sum(last) >= needed)


RULES = st.builds(
    lambda hold, keep, clear, counted, no_data: Rule(
        name="Differs",
        condition=over(5, "discrepant_skus"),
        severity=Severity.WARNING,
        hold=timedelta(minutes=hold),
        keep=timedelta(minutes=keep),
        clear=clear,
        evaluations=counted,
        no_data=no_data,
    ),
    st.integers(0, 4),
    st.integers(0, 4),
    st.sampled_from([None, 3.0]),
    st.sampled_from([None, Evaluations(1, 1), Evaluations(2, 3)]),
    st.sampled_from(NoData),
)
VALUES = st.sampled_from([None, math.nan, 0.0, 3.0, 4.0, 5.0, 6.0])


@given(a_rule=RULES, values=st.lists(st.tuples(st.integers(-3, 6), VALUES), max_size=40))
def test_whatever_happens_phases_follow_one_another(a_rule: Rule, values: list[tuple[int, float | None]]) -> None:
    """Also with a clock that is set back: nothing is told that is not so, and nothing lasts for want of a memory."""
    state, at = State(), NOW
    for later, value in values:
        at += timedelta(minutes=later)
        step = evaluate(a_rule, {"discrepant_skus": Sample(value)}, state, at)
        assert step.before is state
        assert not (step.fired and step.resolved)
        assert (step.after.since is None) == (step.after.phase is Phase.OK)
        if step.after.phase is Phase.PENDING and step.lacking is None:
            assert step.after.since is not None
            assert step.after.since <= at
        assert step.after.quiet_since is None or step.after.phase is Phase.FIRING
        if step.reason in (Reason.FIRED, Reason.STILL, Reason.KEPT):
            assert step.after.phase is Phase.FIRING
        if step.lacking is not None and a_rule.no_data is NoData.KEEP:
            assert step.before.phase is step.after.phase
        state = step.after


@given(a_rule=RULES, values=st.lists(VALUES, max_size=30))
def test_a_second_evaluation_at_the_same_moment_tells_nothing_new(a_rule: Rule, values: list[float | None]) -> None:
    a_rule, state = replace(a_rule, evaluations=None), State()
    for number, value in enumerate(values):
        samples, at = {"discrepant_skus": Sample(value)}, NOW + timedelta(minutes=number)
        state = evaluate(a_rule, samples, state, at).after
        again = evaluate(a_rule, samples, state, at)
        assert (again.fired, again.after.since) == (False, state.since)
        if a_rule.clear is None:
            assert not again.resolved
