"""Rules made by hand, and judged."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from monitor.conditions import Comparison, Op
from monitor.notice import Severity
from monitor.rules import (
    Reason,
    Rule,
    Sample,
    State,
    Transition,
    evaluate,
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


def walk(rule: Rule, values: Iterable[float | None], minutes: float = 1) -> list[Reason]:
    """Judge a rule by one value after the other, so many minutes apart."""
    state, reasons = State(), []
    for number, value in enumerate(values):
        at = NOW + timedelta(minutes=minutes * number)
        transition = evaluate(rule, {"discrepant_skus": Sample(value)}, state, at)
        state = transition.after
        reasons.append(transition.reason)
    return reasons


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


def over(limit: float, signal: str) -> Comparison:
    return Comparison(signal, Op.ABOVE, limit, Unit.COUNT)
