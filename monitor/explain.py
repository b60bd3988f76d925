"""Tells of one alert at one moment: how it stands and why, its numbers, who was told what, and why not more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.conditions import Comparison, comparisons, decide
from monitor.known import Known
from monitor.reach import reason
from monitor.rules import NoData, Phase, Sample
from monitor.signals import SIGNALS
from monitor.store.story import Change
from monitor.told import told
from monitor.units import UNKNOWN, counted, written, written_duration, written_minute, written_second


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison of the condition: what its signal was, and whether it held; None: there was no number."""

    signal: str
    title: str
    value: str
    bound: str
    holds: bool | None
    note: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is told: how it stands, the comparisons, and sentences on each place."""

    alert: str
    at: datetime
    judged_at: datetime | None
    phase: Phase
    condition: str
    standing: Sequence[str]
    compared: Sequence[Compared]
    told: Sequence[str]


def explain(known: Known) -> Explanation:
    """Return what there is to tell."""
    return Explanation(
        alert=known.name,
        at=known.at,
        judged_at=None if known.judging is None else known.judging.at,
        phase=known.state.phase,
        condition="" if known.rule is None else str(known.rule.condition),
        standing=list(_standing(known)),
        compared=[] if known.rule is None else [_compared(each, known) for each in comparisons(known.rule.condition)],
        told=list(told(known)),
    )


# --- how it stands ---


def _standing(known: Known) -> Iterator[str]:
    match known.state.phase:
        case Phase.FIRING:
            yield from _firing(known)
        case Phase.PENDING:
            yield from _pending(known)
        case Phase.OK:
            yield from _quiet(known)
    if not known.file_read:
        yield "alerts.yaml has mistakes, so its condition is not shown; a running daemon judges by the one before."
    elif known.rule is None:
        yield "It does not stand in alerts.yaml."
    elif known.changes and known.changes[-1].condition not in ("", str(known.rule.condition)):
        yield f"When it last changed, its condition was: {known.changes[-1].condition}"


def _firing(known: Known) -> Iterator[str]:
    opened = known.incident.opened_at if known.fires and known.incident is not None else known.state.since
    yield (
        f"It fires since {written_minute(opened)}, for {written_duration(known.at - opened)}."
        if opened
        else "It fires."
    )
    since, rule, quiet = known.state.since, known.rule, known.state.quiet_since
    if since is not None and since != opened:
        yield f"Its condition has held since {written_minute(since)}."
    if known.state.nodata:
        yield "What holds is that there is no number, as `no_data: nodata` says."
    if quiet is not None and rule is not None:
        until = f"until {written_minute(quiet + rule.keep)} (`keep_firing_for: {written_duration(rule.keep)}`)"
        yield f"Its condition ended at {written_minute(quiet)}; it goes on firing {until}."


def _since(known: Known, moment: datetime) -> str:
    return f"since {written_minute(moment)}, for {written_duration(known.at - moment)}"


def _pending(known: Known) -> Iterator[str]:
    since, rule = known.state.since or known.at, known.rule
    yield f"It does not fire yet. Its condition has held {_since(known, since)}."
    if rule is None:
        return
    if rule.evaluations is not None:
        held = sum(result.held for result in known.state.results)
        needed, among = rule.evaluations.needed, rule.evaluations.among
        yield f"It fires once {needed} of the last {among} judgings found it true; so far {held} did."
    if rule.hold:
        hold = f"`for: {written_duration(rule.hold)}`"
        yield f"It fires at {written_minute(since + rule.hold)} if it holds until then ({hold})."


def _quiet(known: Known) -> Iterator[str]:
    if known.rule is not None:
        yield f"It does not fire: {_why_quiet(known)}."
    elif not known.changes:
        yield "It does not fire."
    if known.incident is not None and known.incident.resolved_at is not None:
        began, ended = known.incident.opened_at, known.incident.resolved_at
        lasted = written_duration(ended - began)
        yield f"It fired last from {written_minute(began)} to {written_minute(ended)}, for {lasted}."
    elif known.incident is None:
        yield "Nothing is on record of it having fired before."


def _why_quiet(known: Known) -> str:
    if known.judging is None:
        return "the rules were not judged yet"
    assert known.rule is not None  # noqa: S101 - asked for by the caller
    parts = [(each.signal, _compared(each, known)) for each in comparisons(known.rule.condition)]
    samples = known.samples or {}
    values = {signal: None if part.holds is None else samples[signal].value for signal, part in parts}
    if decide(known.rule.condition, values) is None:
        kept = ", and its state is kept" if known.rule.no_data is NoData.KEEP else ""
        return f"the numbers that there are do not tell whether its condition holds{kept}"
    return "its condition does not hold"


def _compared(each: Comparison, known: Known) -> Compared:
    sample = (known.samples or {}).get(each.signal, Sample(None))
    rule = known.rule
    bound, note = each.bound, sample.note
    if rule is not None and rule.clear is not None:
        bound += f", until not {each.op} {written(rule.clear, each.unit)}"
        if known.state.phase is Phase.FIRING:
            each = replace(each, limit=rule.clear)
    value = sample.value
    if value is not None and rule is not None and sample.events is not None and sample.events < rule.min_events:
        note = f"of {counted(sample.events, 'event')}, too few to tell (min_events: {rule.min_events})"
        return Compared(each.signal, SIGNALS[each.signal].title, written(value, each.unit), bound, None, note)
    text = UNKNOWN if value is None else written(value, each.unit)
    return Compared(
        each.signal, SIGNALS[each.signal].title, text, bound, None if value is None else each.holds(value), note
    )


def changes(known: Known) -> Sequence[tuple[str, str, str, str]]:
    """Return the rule's changes of phase, oldest first: when, from what to what, its number, why."""
    return [
        (written_second(each.at), f"{each.before.value} -> {each.after.value}", _number(each, known), each.reason.value)
        for each in known.changes
    ]


def _number(change: Change, known: Known) -> str:
    if change.value is None:
        return change.note or UNKNOWN
    signal = SIGNALS.get(change.signal)
    if signal is not None:
        return written(change.value, signal.unit)
    units = set() if known.rule is None else {each.unit for each in comparisons(known.rule.condition)}
    return written(change.value, units.pop()) if len(units) == 1 else f"{change.value:g}"


def verdicts(known: Known) -> Sequence[tuple[str, str, str, str]]:
    """Return what was decided about its newest incident, oldest first: when, for whom, what was told, why."""
    return [
        (
            written_second(each.at),
            each.place,
            each.kind.value if each.kind else "nothing",
            reason(each.why, each.detail),
        )
        for each in known.decided
    ]
