"""Decides, for one alert rule, whether it is quiet, about to fire or firing, and why.

    OK ──true──> PENDING ──true for `hold`──> FIRING ──false for `keep`──> OK
                    └──────────false──────────> OK

What counts as true is the condition, with `clear` for its limit while the rule fires; over a window where `take` says
so; in enough of the last evaluations where `evaluations` says so. What a missing number means says `no_data`; as a
rule it means nothing, and the state is kept. Boundaries are Prometheus': a rule fires at the evaluation where `hold`
has passed since the first true one, and ends at the one where `keep` has passed since the first false one.

The state is kept under the rule's name, together with a fingerprint of what the rule means. It survives a restart and
every edit that leaves the meaning as it was.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import TypeAlias

from monitor.conditions import AnyOf, Comparison, Condition, decide, exact, signals_in
from monitor.notice import Severity

Past: TypeAlias = Mapping[str, Sequence[tuple[datetime, float | None]]]
"""What was recorded of each signal: moments and values, oldest first; None where there was no number."""

_NOTHING = timedelta(0)
_NO_PAST: Past = MappingProxyType({})


class Take(StrEnum):
    """Which of a signal's values over a window counts."""

    MAX = "max"
    MIN = "min"
    AVG = "avg"
    LAST = "last"


class NoData(StrEnum):
    """What a missing number means to a rule."""

    KEEP = "keep"  # nothing: the state stays as it is
    OK = "ok"  # that the condition does not hold
    ALERT = "alert"  # that the condition holds
    NODATA = "nodata"  # the same, and what is told says that there is no number


@dataclass(frozen=True, slots=True)
class Evaluations:
    """The condition holds where at least `needed` of the last `among` evaluations were true."""

    needed: int
    among: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert of alerts.yaml, as it is judged.

    `over` is the window of signals that have one, and of `take`. `clear` is the limit for recovery where that is
    another, and only a single comparison has one. `keep` is how long it goes on firing after its condition ended.
    """

    name: str
    condition: Condition
    severity: Severity
    hold: timedelta = _NOTHING
    over: timedelta | None = None
    take: Take | None = None
    clear: float | None = None
    keep: timedelta = _NOTHING
    evaluations: Evaluations | None = None
    no_data: NoData = NoData.KEEP
    min_events: int = 0
    summary: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    runbook: str = ""
    fingerprint: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Put what the rule's clocks depend on in short; `hold` and `keep` only say how far those must get."""
        parts = (
            exact(self.condition),
            self.over.total_seconds() if self.over is not None else None,
            self.take.value if self.take is not None else None,
            self.clear,
            (self.evaluations.needed, self.evaluations.among) if self.evaluations is not None else None,
            self.no_data.value,
            self.min_events,
        )
        object.__setattr__(self, "fingerprint", hashlib.sha256(repr(parts).encode()).hexdigest()[:16])

    def condition_in(self, phase: Phase) -> Condition:
        """Return the condition that counts in a phase: while the rule fires it ends at `clear`."""
        if self.clear is None or phase is not Phase.FIRING or not isinstance(self.condition, Comparison):
            return self.condition
        return replace(self.condition, limit=self.clear)


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
    KEPT = "the condition ended, not yet for long enough"
    DROPPED = "the condition ended before it held for long enough"
    RESOLVED = "the condition ended"
    EDITED = "the rule was edited, and as it is now its condition does not hold"
    TOO_FEW = "too few events to tell; the state is kept"
    NO_DATA = "no number to tell by; the state is kept"
    REMOVED = "the rule was removed from the file"


@dataclass(frozen=True, slots=True)
class Result:
    """What one evaluation said."""

    at: datetime
    held: bool


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of a rule: since when it is pending or firing, and the last number seen meanwhile.

    `fingerprint` is what the rule meant then ("": not known). `results` are those of the last evaluations, oldest
    first, where the rule counts them. `nodata`: what holds is that there is no number.
    """

    phase: Phase = Phase.OK
    since: datetime | None = None  # when the condition began to hold
    value: float | None = None
    quiet_since: datetime | None = None  # when the condition of a firing rule ended
    results: tuple[Result, ...] = ()
    fingerprint: str = ""
    nodata: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """What one evaluation made of a rule.

    `telling` is the comparison that the rule is about at this moment, None where the rule is gone. `samples` are those
    that were judged, windows taken. `lacking` tells why there was no number to judge by, where there was none.
    """

    before: State
    after: State
    reason: Reason
    telling: Comparison | None = None
    samples: Mapping[str, Sample] = field(default_factory=dict)
    lacking: Reason | None = None

    @property
    def fired(self) -> bool:
        """Tell whether the alert began to fire just now."""
        return self.before.phase is not Phase.FIRING and self.after.phase is Phase.FIRING

    @property
    def resolved(self) -> bool:
        """Tell whether a firing alert ended just now."""
        return self.before.phase is Phase.FIRING and self.after.phase is not Phase.FIRING

    @property
    def holds(self) -> bool:
        """Tell whether the condition of a firing alert holds at this very evaluation."""
        return self.reason in (Reason.FIRED, Reason.STILL)

    @property
    def sample(self) -> Sample:
        """Return the sample that the rule is about."""
        return self.sample_of(self.telling.signal if self.telling is not None else "")

    def sample_of(self, signal: str) -> Sample:
        """Return what was judged of a signal; one without a number where it took no part."""
        return self.samples.get(signal, Sample(None))


def evaluate(
    rule: Rule, samples: Mapping[str, Sample], state: State, now: datetime, past: Past = _NO_PAST
) -> Transition:
    """Return what the samples of this moment, by signal, make of a rule in `state`; `past` is for `take`."""
    edited = state.fingerprint not in ("", rule.fingerprint)
    start = state
    if state.fingerprint != rule.fingerprint:
        start = replace(_carried(state) if edited else state, fingerprint=rule.fingerprint)
    seen = {name: _taken(rule, name, samples.get(name, Sample(None)), past, now) for name in signals_in(rule.condition)}
    values = {name: _usable(sample, rule) for name, sample in seen.items()}
    condition = rule.condition_in(start.phase)
    verdict = decide(condition, values)
    lacking = _lacking(seen, rule) if verdict is None else None
    telling = _telling(rule.condition, values)
    if lacking is not None and rule.no_data is NoData.KEEP:
        dropped = edited and state.phase is Phase.PENDING
        return Transition(state, start, Reason.EDITED if dropped else lacking, telling, seen, lacking)
    held = rule.no_data is not NoData.OK if verdict is None else verdict
    start = _noticed(rule, start, held=held, missing=lacking is not None, now=now)
    after, reason = _step(rule, start, values[telling.signal], held=_enough(rule, start, held=held), now=now)
    if reason is Reason.RESOLVED and edited:
        reason = Reason.EDITED
    return Transition(state, after, reason, telling, seen, lacking)


def remove(state: State) -> Transition:
    """Return what becomes of a rule that is no longer in the file."""
    reason = {Phase.FIRING: Reason.REMOVED, Phase.PENDING: Reason.DROPPED, Phase.OK: Reason.QUIET}[state.phase]
    return Transition(state, State(), reason)


# --- what an evaluation judges by ---


def _carried(state: State) -> State:
    """Return what stays of a state when its rule has come to mean something else: only that it fires."""
    if state.phase is not Phase.FIRING:
        return State()
    return State(Phase.FIRING, state.since, state.value)


def _taken(rule: Rule, signal: str, sample: Sample, past: Past, now: datetime) -> Sample:
    """Return the sample with its value over the rule's window, both ends of it included."""
    if rule.take is None or rule.over is None:
        return sample
    begin = now - rule.over
    values = [value for at, value in past.get(signal, ()) if begin <= at < now]
    known = [value for value in (*values, sample.value) if value is not None and not math.isnan(value)]
    return replace(sample, value=_aggregate(rule.take, known)) if known else sample


def _aggregate(take: Take, values: Sequence[float]) -> float:
    match take:
        case Take.MAX:
            return max(values)
        case Take.MIN:
            return min(values)
        case Take.AVG:
            return math.fsum(values) / len(values)
        case Take.LAST:
            return values[-1]


def _usable(sample: Sample, rule: Rule) -> float | None:
    if sample.value is None or math.isnan(sample.value) or _too_few(sample, rule):
        return None
    return sample.value


def _too_few(sample: Sample, rule: Rule) -> bool:
    return sample.events is not None and sample.events < rule.min_events


def _lacking(samples: Mapping[str, Sample], rule: Rule) -> Reason:
    """Return why nothing could be told: too few events only where every signal without a number had some."""
    without = [sample for sample in samples.values() if _usable(sample, rule) is None]
    numbered = all(sample.value is not None and not math.isnan(sample.value) for sample in without)
    return Reason.TOO_FEW if numbered else Reason.NO_DATA


def _telling(condition: Condition, values: Mapping[str, float | None]) -> Comparison:
    """Return the comparison that a condition is about: of several that would do, the first that holds."""
    if isinstance(condition, Comparison):
        return condition
    parts = condition.parts
    if isinstance(condition, AnyOf):
        parts = tuple(part for part in parts if decide(part, values)) or parts
    return _telling(parts[0], values)


def _noticed(rule: Rule, state: State, *, held: bool, missing: bool, now: datetime) -> State:
    """Return the state with this evaluation's result, and with the clock anew where waiting is for something else."""
    nodata = missing and rule.no_data is NoData.NODATA
    if state.phase is Phase.PENDING and nodata is not state.nodata:
        state = replace(state, since=None)
    results: tuple[Result, ...] = ()
    if rule.evaluations is not None:
        results = (*state.results, Result(now, held))[-rule.evaluations.among :]
    same = not results and not state.results and nodata is state.nodata
    return state if same else replace(state, results=results, nodata=nodata)


def _enough(rule: Rule, state: State, *, held: bool) -> bool:
    """Tell whether the rule counts as true, by this evaluation or by enough of the last.

    A firing rule that came to count them by an edit ends only by what it has seen: what it has not counts as true.
    """
    if rule.evaluations is None:
        return held
    unseen = rule.evaluations.among - len(state.results) if state.phase is Phase.FIRING else 0
    return unseen + sum(result.held for result in state.results) >= rule.evaluations.needed


# --- from phase to phase ---


def _step(rule: Rule, state: State, value: float | None, *, held: bool, now: datetime) -> tuple[State, Reason]:
    if state.phase is not Phase.FIRING:
        return _waited(rule, state, value, held=held, now=now)
    if held:
        return replace(state, value=value, quiet_since=None), Reason.STILL
    quiet = _since(state.quiet_since, now)
    if now - quiet < rule.keep:
        return replace(state, quiet_since=quiet), Reason.KEPT
    return _quiet(state, value, now), Reason.RESOLVED


def _waited(rule: Rule, state: State, value: float | None, *, held: bool, now: datetime) -> tuple[State, Reason]:
    first = _first_held(state)
    begun = _since(first or state.since, now)
    if held and now - begun >= rule.hold:
        return replace(state, phase=Phase.FIRING, since=begun, value=value), Reason.FIRED
    if held or first is not None:
        reason = Reason.BEGAN if state.since is None else Reason.HOLDING
        return replace(state, phase=Phase.PENDING, since=begun, value=value), reason
    return _quiet(state, value, now), Reason.DROPPED if state.phase is Phase.PENDING else Reason.QUIET


def _since(moment: datetime | None, now: datetime) -> datetime:
    """Return when something began; a clock that was set back must not hold it for ever."""
    return now if moment is None else min(moment, now)


def _first_held(state: State) -> datetime | None:
    return next((result.at for result in state.results if result.held), None)


def _quiet(state: State, value: float | None, now: datetime) -> State:
    """Return the state of a rule that no longer fires; what its last evaluations said still counts."""
    first = _first_held(state)
    kept = State(value=value, fingerprint=state.fingerprint)
    if first is None:
        return kept
    return replace(kept, phase=Phase.PENDING, since=_since(first, now), results=state.results)
