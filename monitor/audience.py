"""Whom each alert is for: its places in the order of escalation, by the routes and channels of alerts.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.alerts_model import Alert, AlertsFile
from monitor.hiding import Matcher, Subject, Window
from monitor.hours import Hours
from monitor.store.judged import Place


@dataclass(frozen=True, slots=True)
class Audience:
    """An alert as silences see it, where it is told, and how often."""

    subject: Subject
    places: tuple[Place, ...]
    repeat: timedelta
    hours: Hours | None = None
    hours_name: str = ""

    def closed(self, now: datetime) -> str | None:
        """Return the name of the alert's business hours where it is outside of them."""
        return self.hours_name if self.hours is not None and not self.hours.open_at(now) else None


def audiences(content: AlertsFile, there: Mapping[str, Sequence[str]]) -> Mapping[str, Audience]:
    """Return the audience of each alert, of channels that are `there` only, and of whom each of them reaches."""
    return {alert.name: _audience(content, alert, there) for alert in content.alerts}


def _audience(content: AlertsFile, alert: Alert, there: Mapping[str, Sequence[str]]) -> Audience:
    named: list[tuple[str, timedelta | None]] = [(name, None) for name in content.channels_for(alert)]
    named += [(name, step.after) for step in content.steps_for(alert) for name in step.to]
    return Audience(
        subject=alert.subject,
        places=tuple(Place(name, each, step) for name, step in named for each in there.get(name, ())),
        repeat=content.repeat_for(alert),
        hours=content.hours_for(alert),
        hours_name=alert.business_hours or "",
    )


def open_windows(content: AlertsFile, now: datetime) -> Sequence[Window]:
    """Return the maintenance windows that are open."""
    return [
        Window(each.name, Matcher(alerts=each.alerts or ()), each.author, each.reason)
        for each in content.maintenance
        if each.open_at(now)
    ]


def routed(content: AlertsFile, alert: Alert) -> Sequence[str]:
    """Return every channel that an alert leads to, those that are not there too, in the order of escalation."""
    steps = [name for step in content.steps_for(alert) for name in step.to]
    return list(dict.fromkeys([*content.channels_for(alert), *steps]))
