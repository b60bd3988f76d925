"""The whole of alerts.yaml, and what its parts mean together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from monitor.alerts_model.catalogue import CatalogueSettings
from monitor.alerts_model.channels import ChannelSettings, usual_channels
from monitor.alerts_model.fields import Clock, Interval, Name, Part, WeekClock, Zone
from monitor.alerts_model.limits import Limits
from monitor.alerts_model.parts import OUTSIDE, Alert, BusinessHours, Digest, Flapping, Maintenance, Route, Step
from monitor.hours import Hours, WeekTime
from monitor.rules import Rule
from monitor.signals import DEFAULT_WINDOW


class AlertsFile(Part):
    """The whole file."""

    sync_interval: Interval = Field(default=timedelta(seconds=60), description="How often stock is synced.")
    check_interval: Interval = Field(default=timedelta(minutes=5), description="How often, at least, rules are judged.")
    catalogue_interval: Interval = Field(
        default=timedelta(minutes=15), description="How often changed items and variants are read and linked."
    )
    sales_interval: Interval = Field(
        default=timedelta(minutes=5),
        description="How often sales of ours that people voided in Lightspeed are noticed.",
    )
    full_pass_at: Clock = Field(default=time(9, 0), description="When everything is read and compared, in UTC.")
    backup_at: Clock = Field(default=time(9, 30), description="When the daily backup is made, in UTC.")
    prune_at: Clock = Field(default=time(10, 0), description="When old history is forgotten, in UTC.")
    mapping_check_at: WeekClock = Field(
        default=WeekTime(0, time(8, 0)),
        description="When it is looked whether both sides of every link still agree, once a week, in UTC.",
    )
    repeat_interval: Interval = Field(default=timedelta(hours=4), description="How often a firing alert is repeated.")
    timezone: Zone = Field(
        default=ZoneInfo("UTC"), description="Time zone of the times that people read in messages and commands."
    )
    alerts: tuple[Alert, ...] = ()
    business_hours: Mapping[Name, BusinessHours] = Field(default_factory=dict)
    maintenance: tuple[Maintenance, ...] = ()
    routes: tuple[Route, ...] = ()
    channels: Mapping[Name, ChannelSettings] = Field(default_factory=usual_channels)
    digest: Digest | None = None
    flapping: Flapping = Flapping()
    catalogue: CatalogueSettings = CatalogueSettings()
    limits: Limits = Limits()

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules in the file's order."""
        return tuple(alert.rule() for alert in self.alerts)

    def alert(self, name: str) -> Alert | None:
        """Return the alert of a name."""
        return next((alert for alert in self.alerts if alert.name == name), None)

    def route_for(self, alert: Alert) -> Route | None:
        """Return the first route that fits an alert; None where nobody would be told."""
        return next((route for route in self.routes if route.fits(alert)), None)

    def channels_for(self, alert: Alert) -> tuple[str, ...]:
        """Return the channels that are told of an alert from its beginning."""
        route = self.route_for(alert)
        return alert.to or (route.to if route is not None else ())

    def steps_for(self, alert: Alert) -> tuple[Step, ...]:
        """Return who is told of an alert later, while nobody acknowledges it; one with channels of its own has none."""
        route = self.route_for(alert)
        return route.escalate if route is not None and alert.to is None else ()

    def repeat_for(self, alert: Alert) -> timedelta:
        """Return how often an alert is repeated while it fires."""
        route = self.route_for(alert)
        own = route.repeat_interval if route is not None else None
        return own or self.repeat_interval

    def hours_for(self, alert: Alert) -> Hours | None:
        """Return the times at which an alert is told; None where it always is."""
        if alert.business_hours is None:
            return None
        outside = alert.business_hours.startswith(OUTSIDE)
        named = self.business_hours[alert.business_hours.removeprefix(OUTSIDE).strip()]
        return named.hours(outside=outside)

    def told(self) -> frozenset[str]:
        """Return every channel that alerts, routes, escalations and fallbacks lead to."""
        named = {name for alert in self.alerts for name in alert.to or ()}
        for route in self.routes:
            named.update(route.to, *(step.to for step in route.escalate))
        if self.digest is not None:
            named.update(self.digest.to)
        fallbacks = (self.channels[name].fallback for name in named)
        return frozenset((*named, *(name for name in fallbacks if name is not None)))

    def longest_window(self) -> timedelta:
        """Return how far back must be known: as far as the rules look, and the window over which rates are recorded."""
        return max((DEFAULT_WINDOW, *(rule.over for rule in self.rules() if rule.over is not None)))
