"""Every step of an alert rule, one row each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.conditions import Comparison, Op
from monitor.notice import Severity
from monitor.rules import Phase, Reason, Rule, Sample, State, Transition, evaluate, remove
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
