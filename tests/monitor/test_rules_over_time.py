"""Rules over time: recovery, so many of the last evaluations, missing numbers, several signals, windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.conditions import AllOf, AnyOf, Condition
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
    evaluate,
)
from tests.monitor.rule_support import CLEARED, KEEPS, NOW, OK, ago, judge, over, rule, walk

# --- recovery: another limit, and a while longer ---


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
