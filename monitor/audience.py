"""Whom each alert is for: its places in the order of escalation, by the routes and channels of alerts.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.alerts_model import Alert, AlertsFile
from monitor.hiding import Subject
from monitor.store.judged import Place


@dataclass(frozen=True, slots=True)
class Audience:
    """An alert as silences see it, where it is told, and how often."""

    subject: Subject
    places: tuple[Place, ...]
    repeat: timedelta


def audiences(content: AlertsFile, there: Mapping[str, Sequence[str]]) -> Mapping[str, Audience]:
    """Return the audience of each alert, of channels that are `there` only, and of whom each of them reaches."""
    return {alert.name: _audience(content, alert, there) for alert in content.alerts}


def _audience(content: AlertsFile, alert: Alert, there: Mapping[str, Sequence[str]]) -> Audience:
    named: list[tuple[str, timedelta | None]] = [(name, None) for name in content.channels_for(alert)]
    named += [(name, step.after) for step in content.steps_for(alert) for name in step.to]
    return Audience(
        subject=Subject(alert.name, alert.severity, alert.labels, alert.depends_on),
        places=tuple(Place(name, each, step) for name, step in named for each in there.get(name, ())),
        repeat=content.repeat_for(alert),
    )
