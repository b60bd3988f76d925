"""Colours from alerts.yaml: a number turns orange or red exactly where an alert's condition begins to hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.alerts_model import Alert, AlertsFile
from monitor.conditions import Comparison, comparisons
from monitor.notice import Severity
from monitor.units import Unit

GREEN = "green"
COLOURS = {Severity.INFO: "blue", Severity.WARNING: "orange", Severity.CRITICAL: "red"}

_RANK = list(COLOURS)


@dataclass(frozen=True, slots=True)
class Step:
    """The colour of everything from a value on; the first step has none and begins below all."""

    value: float | None
    colour: str


WELL = (Step(None, GREEN),)
PLAIN = (Step(None, "text"),)


@dataclass(frozen=True, slots=True)
class Limit:
    """Where an alert's comparison of a signal begins to hold."""

    alert: Alert
    comparison: Comparison


def limits_of(signal: str, content: AlertsFile) -> Sequence[Limit]:
    """Return the comparisons of all alerts that name a signal."""
    return [Limit(alert, each) for alert in content.alerts for each in comparisons(alert.when) if each.signal == signal]


def window_of(signal: str, content: AlertsFile) -> timedelta | None:
    """Return the window over which the first of its alerts looks at a signal, None where no alert does."""
    return next((limit.alert.rule().over for limit in limits_of(signal, content)), None)


def steps_of(signal: str, content: AlertsFile) -> Sequence[Step]:
    """Return a signal's colours by the alerts about it alone: green everywhere where there are none."""
    told = [each for each in limits_of(signal, content) if isinstance(each.alert.when, Comparison)]
    edges = sorted({edge for each in told for edge in _edges(each.comparison)})
    if not edges:
        return WELL
    steps = [Step(None, _colour(told, edges[0] - 1))]
    for edge, beyond in zip(edges, [*edges[1:], edges[-1] + 2], strict=True):
        counted = told[0].comparison.unit is Unit.COUNT
        colour = _colour(told, edge if counted else (edge + beyond) / 2)
        if colour != steps[-1].colour:
            steps.append(Step(edge, colour))
    return tuple(steps)


def _edges(comparison: Comparison) -> Sequence[float]:
    """Return the values at which a comparison may begin or cease to hold; what is counted is whole."""
    if comparison.unit is not Unit.COUNT:
        return (comparison.limit,)
    return math.floor(comparison.limit), math.floor(comparison.limit) + 1


def _colour(told: Sequence[Limit], value: float) -> str:
    """Return the colour of the worst alert that a value fulfils."""
    held = [each.alert.severity for each in told if each.comparison.holds(value)]
    return COLOURS[max(held, key=_RANK.index)] if held else GREEN
