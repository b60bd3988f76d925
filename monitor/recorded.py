"""Reads signals back as the rules saw them at a judging: recorded values, and rates anew from the minutes of calls.

A rate is recorded over the usual window only, and without the number of events it was made of; the minutes know both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from monitor.conditions import signals_in
from monitor.facts import Backlog, Facts
from monitor.rules import Rule, Sample
from monitor.signals import DEFAULT_WINDOW, SIGNALS
from monitor.units import Unit
from sync.order_records import OrderStanding
from sync.records import ApiMinute, Standing

NOT_RECORDED = "nothing was recorded of it then"
_NOTHING_STANDS = Standing(0, 0, 0, 0, 0, 0, 0, 0, 0)


def of_minutes(signal: str) -> bool:
    """Tell whether a signal is made of the minutes of calls alone."""
    return SIGNALS[signal].windowed and SIGNALS[signal].unit is Unit.RATIO


def sample(
    signal: str, over: timedelta | None, values: Mapping[str, float | None], calls: Sequence[ApiMinute], at: datetime
) -> Sample:
    """Return what a rule that looks back for `over` saw of a signal at a judging; `calls` reach back that far."""
    if of_minutes(signal):
        return SIGNALS[signal].read(_of_calls(calls, at), over or DEFAULT_WINDOW)
    if signal not in values:
        return Sample(None, note=NOT_RECORDED)
    return Sample(values[signal], note="" if values[signal] is not None else "there was no number")


def samples(
    rule: Rule, values: Mapping[str, float | None], calls: Sequence[ApiMinute], at: datetime
) -> Mapping[str, Sample]:
    """Return what a rule saw of each of its signals."""
    return {name: sample(name, rule.over, values, calls, at) for name in signals_in(rule.condition)}


def _of_calls(calls: Sequence[ApiMinute], at: datetime) -> Facts:
    """Return what was known at a moment of calls, and of nothing else."""
    return Facts(
        now=at,
        started_at=at,
        standing=_NOTHING_STANDS,
        stock=None,
        full=None,
        proof=None,
        calls=[row for row in calls if row.minute <= at],
        pauses=(),
        backlog=Backlog(),
        orders=OrderStanding({}, None),
        books=True,
    )
