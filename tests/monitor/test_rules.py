"""Every step of an alert rule, one row each, and what stays of it over an edit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.conditions import AllOf, AnyOf, Op
from monitor.notice import Severity
from monitor.rules import (
    Evaluations,
    NoData,
    Phase,
    Reason,
    Sample,
    State,
    Take,
    evaluate,
    remove,
)
from tests.monitor.rule_support import NOW, OK, ago, judge, over, rule


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
