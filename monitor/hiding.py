"""Decides what hides an alert now: a silence, a maintenance window, its business hours, or an alert it follows from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.decide import Hidden, Why
from monitor.notice import Severity


@dataclass(frozen=True, slots=True)
class Subject:
    """An alert as silences and windows see it."""

    name: str
    severity: Severity
    labels: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which alerts are meant: those of these names (none: of any), with all of these labels, of this severity."""

    alerts: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    severity: Severity | None = None

    def fits(self, subject: Subject) -> bool:
        """Tell whether an alert is meant."""
        return (
            (not self.alerts or subject.name in self.alerts)
            and self.severity in (None, subject.severity)
            and all(subject.labels.get(name) == value for name, value in self.labels.items())
        )

    def __str__(self) -> str:
        """Write it as people write it."""
        words = [", ".join(self.alerts) or "every alert"]
        words += [f"{name}={value}" for name, value in self.labels.items()]
        return " ".join([*words, f"of severity {self.severity}"] if self.severity else words)


@dataclass(frozen=True, slots=True)
class Silence:
    """What a person asked to hear nothing of, until when, and why."""

    id: int
    matcher: Matcher
    author: str
    reason: str
    created_at: datetime
    starts_at: datetime
    ends_at: datetime
    until_resolved: bool = False  # ends with the incidents it hides
    lifted_at: datetime | None = None
    lifted_by: str | None = None

    def active(self, now: datetime) -> bool:
        """Tell whether it hides anything now."""
        return self.lifted_at is None and self.starts_at <= now < self.ends_at

    def __str__(self) -> str:
        """Name it, its author and its reason."""
        return f"silence {self.id} of {self.author}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window that is open now."""

    name: str
    matcher: Matcher
    author: str = ""
    reason: str = ""


def hidden_by(
    subject: Subject,
    *,
    silences: Sequence[Silence],
    windows: Sequence[Window],
    closed_hours: str | None,
    burning: Collection[str],
    now: datetime,
) -> Hidden | None:
    """Return what hides an alert now, if anything does.

    `closed_hours` names the alert's business hours where it is outside of them; `burning` are the alerts that fire or
    are about to. A silence counts first, since what it hid is told at the end.
    """
    for silence in silences:
        if silence.active(now) and silence.matcher.fits(subject):
            return Hidden(Why.SILENCED, str(silence))
    for window in windows:
        if window.matcher.fits(subject):
            return Hidden(Why.MAINTENANCE, window.name)
    if closed_hours is not None:
        return Hidden(Why.OUTSIDE_HOURS, closed_hours)
    for name in subject.depends_on:
        if name in burning:
            return Hidden(Why.DEPENDS_ON, name)
    return None
