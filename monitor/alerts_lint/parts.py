"""What the checks look at: the parts of a file that are right by themselves, and where a channel is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.alerts_model import Alert, AlertsFile, BusinessHours, ChannelSettings, Maintenance, Route
from monitor.notice import Severity
from monitor.yaml_page import Loc


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


@dataclass(frozen=True, slots=True)
class Lead:
    """A channel that is named somewhere, with the severities that may come there; `place` is how people call it."""

    channel: str
    severities: Sequence[Severity]
    loc: Loc
    place: str


def leads(parts: Parts) -> Iterator[Lead]:
    """Yield every place from which messages go to a channel."""
    for number, alert in parts.alerts.items():
        for position, name in enumerate(alert.to or ()):
            yield Lead(name, (alert.severity,), ("alerts", number, "to", position), "alert")
    for number, route in parts.routes.items():
        for position, name in enumerate(route.to):
            yield Lead(name, route.severities, ("routes", number, "to", position), "route")
        for step, escalation in enumerate(route.escalate):
            for position, name in enumerate(escalation.to):
                loc: Loc = ("routes", number, "escalate", step, "to", position)
                yield Lead(name, route.severities, loc, "step")
    if parts.whole is not None and parts.whole.digest is not None:
        for position, name in enumerate(parts.whole.digest.to):
            yield Lead(name, (Severity.INFO,), ("digest", "to", position), "digest")
