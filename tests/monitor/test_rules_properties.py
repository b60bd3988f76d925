"""Rules against a second opinion, and whatever happens."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.notice import Severity
from monitor.rules import (
    Evaluations,
    NoData,
    Phase,
    Reason,
    Rule,
    Sample,
    State,
    evaluate,
)
from tests.monitor.rule_support import NOW, over, rule


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
