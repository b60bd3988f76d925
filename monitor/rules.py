"""Decides, for one alert rule, whether it is quiet, about to fire or firing, and why.

    OK ──true──> PENDING ──true for `hold`──> FIRING ──false──> OK
                    └──────────false──────────> OK

A rule without a usable number keeps its state: silence of the source neither raises an alert nor ends one. Its
state is kept under the rule's name, so it survives a restart and any edit of the rule's other fields.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from monitor.notice import Severity
from monitor.units import Condition, Op

_COMPARE: Mapping[Op, Callable[[float, float], bool]] = {
    Op.ABOVE: operator.gt,
    Op.AT_LEAST: operator.ge,
    Op.BELOW: operator.lt,
    Op.AT_MOST: operator.le,
    Op.EQUAL: operator.eq,
    Op.UNEQUAL: operator.ne,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert of alerts.yaml; `over` is the window of signals that have one."""

    name: str
    condition: Condition
    severity: Severity
    hold: timedelta = timedelta(0)
    over: timedelta | None = None
    min_events: int = 0
    summary: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A signal's value at one moment; None or NaN: there is none, for the reason in `note`.

    `events` is how many events a ratio was made of, `remedy` what to do about it where the signal's own is too general.
    """

    value: float | None
    events: int | None = None
    note: str = ""
    examples: tuple[str, ...] = field(default=())
    remedy: str = ""


class Phase(StrEnum):
    """Where a rule stands."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"


class Reason(Enum):
    """Why a rule's phase changed, or did not."""

    QUIET = "the condition does not hold"
    BEGAN = "the condition began to hold"
    HOLDING = "the condition holds, not yet for long enough"
    FIRED = "the condition held for long enough"
    STILL = "the condition still holds"
    DROPPED = "the condition ended before it held for long enough"
    RESOLVED = "the condition ended"
    TOO_FEW = "too few events to tell; the state is kept"
    NO_DATA = "no number to tell by; the state is kept"
    REMOVED = "the rule was removed from the file"


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of a rule: since when it is pending or firing, and the last number seen meanwhile."""

    phase: Phase = Phase.OK
    since: datetime | None = None  # when the condition began to hold
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """What one evaluation made of a rule."""

    before: State
    after: State
    reason: Reason

    @property
    def fired(self) -> bool:
        """Tell whether the alert began to fire just now."""
        return self.reason is Reason.FIRED

    @property
    def resolved(self) -> bool:
        """Tell whether a firing alert ended just now."""
        return self.reason in (Reason.RESOLVED, Reason.REMOVED)


def evaluate(rule: Rule, sample: Sample, state: State, now: datetime) -> Transition:
    """Return what `sample` makes of a rule in `state`."""
    value = sample.value
    if value is None or math.isnan(value):
        return Transition(state, state, Reason.NO_DATA)
    if sample.events is not None and sample.events < rule.min_events:
        return Transition(state, state, Reason.TOO_FEW)
    if not _COMPARE[rule.condition.op](value, rule.condition.limit):
        return Transition(state, State(value=value), _ended(state.phase))
    if state.phase is Phase.FIRING:
        return Transition(state, replace(state, value=value), Reason.STILL)
    return _holds(rule, value, state, now)


def _ended(phase: Phase) -> Reason:
    match phase:
        case Phase.OK:
            return Reason.QUIET
        case Phase.PENDING:
            return Reason.DROPPED
        case Phase.FIRING:
            return Reason.RESOLVED


def _holds(rule: Rule, value: float, state: State, now: datetime) -> Transition:
    began = state.since is None
    since = now if state.since is None else min(state.since, now)  # a clock set back must not hold it for ever
    if now - since >= rule.hold:
        return Transition(state, State(Phase.FIRING, since, value), Reason.FIRED)
    return Transition(state, State(Phase.PENDING, since, value), Reason.BEGAN if began else Reason.HOLDING)


def remove(state: State) -> Transition:
    """Return what becomes of a rule that is no longer in the file."""
    reason = Reason.REMOVED if state.phase is Phase.FIRING else _ended(state.phase)
    return Transition(state, State(), reason)
