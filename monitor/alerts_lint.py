"""Mistakes in alerts.yaml that only show when its parts are seen together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor import phrases
from monitor.alerts_model import (
    OUTSIDE,
    Alert,
    AlertsFile,
    BusinessHours,
    ChannelSettings,
    Maintenance,
    Route,
    SmsSettings,
)
from monitor.conditions import signals_in
from monitor.notice import Severity
from monitor.signals import SIGNALS
from monitor.units import Unfit, Unit, did_you_mean, shown
from monitor.yaml_page import Loc, Page


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a file that are right by themselves, by position or name, and all of it as it was written."""

    alerts: Mapping[int, Alert]
    routes: Mapping[int, Route]
    maintenance: Mapping[int, Maintenance]
    hours: Mapping[str, BusinessHours]
    channels: Mapping[str, ChannelSettings]
    whole: AlertsFile | None
    data: Mapping[str, Any]

    def alert_names(self) -> Sequence[str]:
        """Return the names of all alerts, of those with mistakes too."""
        return [
            str(each["name"]) for each in _list(self.data.get("alerts")) if isinstance(each, dict) and "name" in each
        ]

    def channel_names(self) -> Sequence[str]:
        """Return the names of all channels, of those with mistakes too."""
        return [*self.channels, *_names(self.data.get("channels"))]

    def hours_names(self) -> Sequence[str]:
        """Return the names of all business hours, of those with mistakes too."""
        return _names(self.data.get("business_hours"))

    def all_routes_right(self) -> bool:
        """Tell whether no route has a mistake of its own."""
        return len(self.routes) == len(_list(self.data.get("routes")))


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _names(value: Any) -> Sequence[str]:
    return [str(name) for name in value] if isinstance(value, dict) else ()


def check(parts: Parts, page: Page) -> None:
    """Report every mistake between the parts of a file."""
    _doubles(parts, page)
    _windows(parts, page)
    _sentences(parts, page)
    _hours(parts, page)
    _alerts_named(parts, page)
    for lead in _leads(parts):
        _reachable(lead, parts, page)
    if parts.all_routes_right():
        _unrouted(parts, page)


# --- names ---


def _doubles(parts: Parts, page: Page) -> None:
    seen: set[str] = set()
    for number, alert in parts.alerts.items():
        if alert.name in seen:
            page.at(("alerts", number, "name"), f"a second alert is named {alert.name}", "rename one of them")
        seen.add(alert.name)


def _alerts_named(parts: Parts, page: Page) -> None:
    known = parts.alert_names()
    for number, alert in parts.alerts.items():
        _each_known(alert.depends_on, known, "alert", ("alerts", number, "depends_on"), page)
    for number, route in parts.routes.items():
        _each_known(route.alerts or (), known, "alert", ("routes", number, "alerts"), page)
    for number, window in parts.maintenance.items():
        _each_known(window.alerts or (), known, "alert", ("maintenance", number, "alerts"), page)


def _each_known(names: Iterable[str], known: Sequence[str], what: str, loc: Loc, page: Page) -> None:
    for position, name in enumerate(names):
        if name not in known:
            page.at((*loc, position), f"there is no {what} {shown(name)}", did_you_mean(name, known))


def _hours(parts: Parts, page: Page) -> None:
    known = parts.hours_names()
    for number, alert in parts.alerts.items():
        name = (alert.business_hours or "").removeprefix(OUTSIDE).strip()
        if alert.business_hours is not None and name not in known:
            remedy = did_you_mean(name, known) if known else f"add `{name}:` under `business_hours`"
            page.at(("alerts", number, "business_hours"), f"there are no business hours {shown(name)}", remedy)


# --- conditions ---


def _windows(parts: Parts, page: Page) -> None:
    for number, alert in parts.alerts.items():
        named = signals_in(alert.when)
        if alert.over is not None and alert.take is None and not any(SIGNALS[name].windowed for name in named):
            problem = f"{named[0]} is a number of this moment and has no window"
            page.at(("alerts", number, "over"), problem, "remove `over`, or use `for`", key=True)
        if alert.min_events is not None and not any(SIGNALS[name].unit is Unit.RATIO for name in named):
            problem = f"{named[0]} is no rate, so it counts no events"
            page.at(("alerts", number, "min_events"), problem, "remove `min_events`", key=True)


def _sentences(parts: Parts, page: Page) -> None:
    for number, alert in parts.alerts.items():
        names = (*phrases.WORDS, *signals_in(alert.when))
        for key, text in (("summary", alert.summary), ("description", alert.description)):
            try:
                phrases.check(text, names)
            except Unfit as unfit:
                page.at(("alerts", number, key), unfit.problem, unfit.remedy)


# --- ways to people ---


@dataclass(frozen=True, slots=True)
class _Lead:
    """A channel that is named somewhere, with the severities that may come there; `place` is how people call it."""

    channel: str
    severities: Sequence[Severity]
    loc: Loc
    place: str


def _leads(parts: Parts) -> Iterator[_Lead]:
    for number, alert in parts.alerts.items():
        for position, name in enumerate(alert.to or ()):
            yield _Lead(name, (alert.severity,), ("alerts", number, "to", position), "alert")
    for number, route in parts.routes.items():
        for position, name in enumerate(route.to):
            yield _Lead(name, route.severities, ("routes", number, "to", position), "route")
        for step, escalation in enumerate(route.escalate):
            for position, name in enumerate(escalation.to):
                loc: Loc = ("routes", number, "escalate", step, "to", position)
                yield _Lead(name, route.severities, loc, "step")


def _reachable(lead: _Lead, parts: Parts, page: Page) -> None:
    settings = parts.channels.get(lead.channel)
    if isinstance(settings, SmsSettings) and set(lead.severities) != {Severity.CRITICAL}:
        problem = "text messages are for critical alerts only"
        page.at(lead.loc, problem, f"remove {lead.channel} from this {lead.place}")
    known = parts.channel_names()
    if lead.channel not in known:
        meant = did_you_mean(lead.channel, known)
        remedy = meant if meant.startswith("did") else f"add `{lead.channel}:` there, or remove it here"
        page.at(lead.loc, f"{lead.channel} has no settings under `channels`", remedy)


def _unrouted(parts: Parts, page: Page) -> None:
    for number, alert in parts.alerts.items():
        if alert.to is None and not any(route.fits(alert) for route in parts.routes.values()):
            problem = f"nobody would be told: no route fits {alert.name}"
            page.at(("alerts", number, "severity"), problem, "add one under `routes`, or change the severity")
