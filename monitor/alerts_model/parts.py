"""Alerts, routes and times in alerts.yaml, each key with its meaning and default."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from monitor.alerts_model.fields import Count as Number
from monitor.alerts_model.fields import (
    Counted,
    Date,
    Duration,
    Interval,
    Labels,
    Limit,
    Link,
    LocalClock,
    Moment,
    Name,
    Names,
    NoDataWord,
    Parsed,
    Part,
    SeverityWord,
    SomeNames,
    TakeWord,
    Text,
    When,
    Zone,
    listed,
)
from monitor.alerts_model.fields import Some as Positive
from monitor.conditions import Comparison, comparisons, signals_in
from monitor.hiding import Subject
from monitor.hours import Hours, Times, instant, times
from monitor.notice import Severity
from monitor.rules import NoData, Rule
from monitor.signals import DEFAULT_WINDOW, SIGNALS
from monitor.units import Unit, limit

_NOTHING = timedelta(0)
_MIN_EVENTS = 5
OUTSIDE = "outside "

WeeklyTimes = Annotated[tuple[Annotated[Times, Parsed(times, Times)], ...], BeforeValidator(listed)]
Severities = Annotated[tuple[SeverityWord, ...], BeforeValidator(listed), Field(min_length=1)]


class Alert(Part):
    """One alert: the condition, how long it must hold, how bad it is, what it says."""

    name: Name = Field(description="Its name; keeps the alert's state over edits of everything else.")
    when: When = Field(description="SIGNAL OPERATOR NUMBER, joined by and, or, parentheses.")
    hold: Duration = Field(default=_NOTHING, alias="for", description="How long the condition must hold.")
    clear: Limit | None = Field(default=None, description="The limit at which it ends, where that is another.")
    keep: Duration = Field(
        default=_NOTHING, alias="keep_firing_for", description="How long it goes on firing after its condition ended."
    )
    over: Interval | None = Field(default=None, description="The window of a rate; 15m where nothing is said.")
    take: TakeWord | None = Field(
        default=None, description="max, min, avg or last of the values over the window, in place of the newest."
    )
    evaluations: Counted | None = Field(
        default=None, description="3 of 5: holds where at least 3 of the last 5 evaluations were true."
    )
    no_data: NoDataWord = Field(
        default=NoData.KEEP, description="What a missing number means: keep, ok, alert or nodata."
    )
    min_events: Number | None = Field(default=None, description="Fewer events than this tell nothing about a rate.")
    severity: SeverityWord = Field(description="critical, warning or info; decides the route.")
    labels: Labels = Field(default_factory=dict, description="Words of your own, for routes and receivers.")
    summary: Text = Field(default="", description="One line; {{ value }}, {{ limit }} … are filled in.")
    description: Text = Field(default="", description="More, for those who open the message.")
    runbook: Link | None = Field(default=None, description="A link to what to do.")
    business_hours: Text | None = Field(
        default=None, description="Told only then: the name of business hours, or `outside NAME`."
    )
    depends_on: Names = Field(default=(), description="While one of these alerts fires, this one is not told.")
    to: SomeNames | None = Field(default=None, description="These channels in place of the route's.")

    @property
    def subject(self) -> Subject:
        """Return it as silences and windows see it."""
        return Subject(self.name, self.severity, self.labels, self.depends_on)

    def rule(self) -> Rule:
        """Return the rule as the engine judges it."""
        named = [SIGNALS[name] for name in signals_in(self.when)]
        windowed = any(signal.windowed for signal in named)
        least = _MIN_EVENTS if any(signal.unit is Unit.RATIO for signal in named) else 0
        title = named[0].title
        return Rule(
            name=self.name,
            condition=self.when,
            severity=self.severity,
            hold=self.hold,
            over=(self.over or DEFAULT_WINDOW) if windowed or self.take is not None else None,
            take=self.take,
            clear=self.cleared_at(),
            keep=self.keep,
            evaluations=self.evaluations,
            no_data=self.no_data,
            min_events=least if self.min_events is None else self.min_events,
            summary=self.summary or "{{ value }}: " + title,
            description=self.description,
            labels=self.labels,
            runbook=self.runbook or "",
        )

    def cleared_at(self) -> float | None:
        """Return the limit for recovery, None where it is the condition's own; raises Unfit."""
        if self.clear is None or not isinstance(self.when, Comparison):
            return None
        return limit(self.when.signal, self.clear, self.when.unit)

    def signals(self) -> frozenset[str]:
        """Return the signals that its condition names."""
        return frozenset(each.signal for each in comparisons(self.when))


class Step(Part):
    """A step of an escalation."""

    after: Interval = Field(description="How long after its beginning, while nobody has acknowledged it.")
    to: SomeNames = Field(description="The channels that are told then.")


class Route(Part):
    """Where alerts go; the first route that fits is the one."""

    severity: Severities | None = Field(default=None, description="One severity or a list; left out, all.")
    alerts: SomeNames | None = Field(default=None, description="Names of alerts; left out, all.")
    labels: Labels = Field(default_factory=dict, description="Labels that an alert must have, all of them.")
    to: SomeNames = Field(description="The channels that are told; text messages for critical alerts only.")
    repeat_interval: Interval | None = Field(
        default=None, description="How often a firing alert is repeated; left out, as the file says."
    )
    escalate: tuple[Step, ...] = Field(default=(), description="Who is told besides while nobody acknowledges it.")

    def fits(self, alert: Alert) -> bool:
        """Tell whether an alert takes this route, where no route before it fits."""
        return (
            (self.severity is None or alert.severity in self.severity)
            and (self.alerts is None or alert.name in self.alerts)
            and all(alert.labels.get(key) == value for key, value in self.labels.items())
        )

    @property
    def severities(self) -> tuple[Severity, ...]:
        """Return the severities that it may carry."""
        return self.severity if self.severity is not None else tuple(Severity)


class BusinessHours(Part):
    """Weekly times with holidays."""

    zone: Zone = Field(description="Time zone, like America/New_York.")
    open: Annotated[WeeklyTimes, Field(min_length=1)] = Field(description='Times, like "mon-fri 09:00-20:00".')
    holidays: Annotated[tuple[Date, ...], BeforeValidator(listed)] = Field(
        default=(), description="Days on which nothing is open."
    )

    def hours(self, *, outside: bool = False) -> Hours:
        """Return the times to ask."""
        return Hours(self.zone, self.open, frozenset(self.holidays), outside=outside)


class Maintenance(Part):
    """A window in which what fires is not told: recurring `times`, or once `from` and `until`."""

    name: Name = Field(description="Its name, for the digest at its end.")
    zone: Zone = Field(description="Time zone of its times.")
    times: WeeklyTimes = Field(default=(), description='When it recurs, like "sun 22:00-02:00".')
    begin: Moment | None = Field(default=None, alias="from", description='Its beginning: "2026-12-24 22:00".')
    end: Moment | None = Field(default=None, alias="until", description="Its end.")
    alerts: SomeNames | None = Field(default=None, description="Which alerts; left out, all.")
    author: Text = Field(description="Who asked for it.")
    reason: Text = Field(description="Why.")

    def open_at(self, moment: datetime) -> bool:
        """Tell whether the window is open; its beginning is, its end is not."""
        if self.begin is not None and self.end is not None:
            return instant(self.begin, self.zone) <= moment < instant(self.end, self.zone, last=True)
        return Hours(self.zone, self.times).open_at(moment)

    def ends_after(self, moment: datetime) -> datetime | None:
        """Return when the window ends next, later than a moment; None where it never does."""
        if self.end is None:
            return Hours(self.zone, self.times).closing_after(moment)
        end = instant(self.end, self.zone, last=True)
        return end if end > moment else None


class Digest(Part):
    """What happened within a day, told once a day."""

    at: LocalClock = Field(description="Time of day.")
    zone: Zone = Field(description="Time zone of that time.")
    to: SomeNames = Field(description="The channels that are told.")

    def due_at(self, now: datetime) -> datetime:
        """Return when it was due last."""
        today = now.astimezone(self.zone).date()
        due = [instant(datetime.combine(day, self.at), self.zone) for day in (today, today - timedelta(days=1))]
        return next(moment for moment in due if moment <= now)


class Flapping(Part):
    """When an alert counts as coming and going."""

    count: Positive = Field(default=4, description="More beginnings than this within the window are flapping.")
    window: Interval = Field(default=timedelta(hours=1), description="The window.")
    hold: Interval = Field(
        default=timedelta(minutes=10), description="How long it must last to be told while it flaps."
    )
