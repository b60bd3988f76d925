"""What alerts.yaml may say: schedule, alerts, routes, channels and limits, each key with its meaning and default.

The models are frozen and refuse unknown keys. `monitor.alerts_file` fills them from the file and says where in it
a mistake stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from monitor.notice import Severity
from monitor.rules import Rule
from monitor.signals import DEFAULT_WINDOW, SIGNALS, UNITS
from monitor.units import Condition, Unfit, Unit, condition, did_you_mean, duration, share, shown, written

CHANNELS = ("slack", "email", "sms")
_PLACEHOLDERS = ("value", "limit", "alert", "examples", "since")
_PLACEHOLDER = re.compile(r"{{(.*?)}}|{[{%]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,79}")
_SLACK_CHANNEL = re.compile(r"#?[\w.-]{1,80}")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_SECOND = timedelta(seconds=1)
_NOTHING = timedelta(0)
_MIN_EVENTS = 5
_LONGEST_SENTENCE = 1_000


def refuse(problem: str, remedy: str) -> PydanticCustomError:
    """Return the error that carries what is wrong and what would be right."""
    return PydanticCustomError("unfit", "{problem}; {remedy}", {"problem": problem, "remedy": remedy})


class _Parsed:
    """Annotation of a field whose value is made from a text by `parse`, which raises Unfit."""

    def __init__(self, parse: Any) -> None:
        self._parse = parse

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Parse everything but what is of the wanted type already, as in code that makes its own settings."""

        def run(value: Any) -> Any:
            if isinstance(value, timedelta | time | Condition):
                return value
            try:
                return self._parse(value)
            except Unfit as unfit:
                raise refuse(unfit.problem, unfit.remedy) from unfit

        return core_schema.no_info_plain_validator_function(run)


def _interval(text: object) -> timedelta:
    length = duration(text)
    if length < _SECOND:
        raise Unfit(f"{shown(text)} is too short", "one second, 1s, is the shortest")
    return length


def _clock(text: object) -> time:
    if isinstance(text, str) and (found := _CLOCK.fullmatch(text.strip())):
        return time(int(found[1]), int(found[2]))
    raise Unfit(f"{shown(text)} is not a time of day", 'write hours and minutes in UTC, with quotes: "09:00"')


def _word(words: tuple[str, ...], what: str) -> Any:
    def parse(text: object) -> str:
        if isinstance(text, str) and text in words:
            return text
        raise Unfit(f"{shown(text)} is not a {what}", did_you_mean(str(text), words))

    return parse


def _matching(pattern: re.Pattern[str], what: str, example: str) -> Any:
    def parse(text: object) -> str:
        if isinstance(text, str) and pattern.fullmatch(text):
            return text
        raise Unfit(f"{shown(text)} is not {what}", f"write it like {example}")

    return parse


def _sentence(text: object) -> str:
    if not isinstance(text, str):
        raise Unfit(f"{shown(text)} is not a text", "put it into quotes")
    if len(text) > _LONGEST_SENTENCE:
        raise Unfit(f"a text of {len(text)} characters is too long", f"use at most {_LONGEST_SENTENCE}")
    for found in _PLACEHOLDER.finditer(text):
        name = (found[1] or "").strip()
        if name not in _PLACEHOLDERS:
            known = ", ".join("{{ " + word + " }}" for word in _PLACEHOLDERS)
            raise Unfit(f"{shown(found[0])} cannot be filled in", f"use {known}")
    return text


def _severity(text: object) -> Severity:
    return Severity(_word(tuple(Severity), "severity")(text))


Duration = Annotated[timedelta, _Parsed(duration)]
Interval = Annotated[timedelta, _Parsed(_interval)]
Share = Annotated[float, _Parsed(share)]
Clock = Annotated[time, _Parsed(_clock)]
Count = Annotated[int, Field(strict=True, ge=0)]
Some = Annotated[int, Field(strict=True, ge=1)]
Name = Annotated[str, _Parsed(_matching(_NAME, "a name", "SyncLatencyHigh: letters, digits, - and _"))]
Sentence = Annotated[str, _Parsed(_sentence)]
ChannelName = Annotated[str, _Parsed(_word(CHANNELS, "channel"))]
SlackChannel = Annotated[str, _Parsed(_matching(_SLACK_CHANNEL, "a Slack channel", '"#wtf-inventory-alerts"'))]
Address = Annotated[str, _Parsed(_matching(_ADDRESS, "a mail address", "ops@wtfswag.com"))]
Telephone = Annotated[str, _Parsed(_matching(_NUMBER, "a telephone number", '"+15551234567", with quotes'))]
SeverityWord = Annotated[Severity, _Parsed(_severity)]
When = Annotated[Condition, _Parsed(lambda text: condition(text, UNITS))]


def _listed(value: Any) -> Any:
    """Take a single value where a list of them is meant."""
    return (value,) if isinstance(value, str) else value


class Part(BaseModel):
    """A part of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Alert(Part):
    """One alert: the condition, how long it must hold, how bad it is, what it says."""

    name: Name = Field(description="Its name; keeps the alert's state over edits of everything else.")
    when: When = Field(description="SIGNAL OPERATOR NUMBER.")
    hold: Duration = Field(default=_NOTHING, alias="for", description="How long the condition must hold.")
    over: Interval | None = Field(default=None, description="The window of a rate; 15m where nothing is said.")
    min_events: Count | None = Field(default=None, description="Fewer events than this tell nothing about a rate.")
    severity: SeverityWord = Field(description="critical, warning or info; decides the route.")
    summary: Sentence = Field(default="", description="One line; {{ value }}, {{ limit }} … are filled in.")
    description: Sentence = Field(default="", description="More, for those who open the message.")

    def rule(self) -> Rule:
        """Return the rule as the engine judges it."""
        signal = SIGNALS[self.when.signal]
        least = _MIN_EVENTS if signal.unit is Unit.RATIO else 0
        return Rule(
            name=self.name,
            condition=self.when,
            severity=self.severity,
            hold=self.hold,
            over=(self.over or DEFAULT_WINDOW) if signal.windowed else None,
            min_events=least if self.min_events is None else self.min_events,
            summary=self.summary or "{{ value }}: " + signal.title,
            description=self.description,
        )


class Route(Part):
    """Where alerts of one severity go."""

    severity: SeverityWord = Field(description="Which alerts.")
    to: Annotated[tuple[ChannelName, ...], BeforeValidator(_listed), Field(min_length=1)] = Field(
        description="slack, email, sms (critical only)."
    )


class SlackSettings(Part):
    """Slack; credentials come from the environment."""

    channel: SlackChannel = Field(default="#wtf-inventory-alerts", description="The channel that is told.")
    pace: Interval = Field(default=_SECOND, description="Least time between two messages.")


class EmailSettings(Part):
    """E-mail; server and sender come from the environment."""

    to: Annotated[tuple[Address, ...], BeforeValidator(_listed), Field(min_length=1)] = Field(
        default=("ops@wtfswag.com",), description="Who is told."
    )
    pace: Interval = Field(default=_SECOND, description="Least time between two messages.")


class SmsSettings(Part):
    """Text messages, for critical alerts only; account and sender come from the environment."""

    to: Annotated[tuple[Telephone, ...], BeforeValidator(_listed)] = Field(
        default=(), description="Who is told; nobody where it is empty."
    )
    pace: Interval = Field(default=timedelta(minutes=1), description="Least time between two messages.")


class ChannelSettings(Part):
    """The channels; one that is left out does not exist."""

    slack: SlackSettings | None = None
    email: EmailSettings | None = None
    sms: SmsSettings | None = None

    def names(self) -> frozenset[str]:
        """Return the channels that exist."""
        return frozenset(name for name in CHANNELS if getattr(self, name) is not None)


class BrakeSettings(Part):
    """Shares of the shop beyond which a pass waits for a person."""

    zero: Share = Field(default=0.10, description="Share of links that one pass may set to zero.")
    change: Share = Field(default=0.30, description="Share of links that one pass may change.")
    match: Share = Field(default=0.90, description="Least share of the SKUs of the last full reading that must match.")
    min_links: Count = Field(default=20, description="Nothing trips on fewer links or changes than this.")


class StockSettings(Part):
    """The limits of the stock decision."""

    order_lag: Interval = Field(default=timedelta(seconds=60), description="Longest time until an order is seen.")
    drift_limit: Count = Field(default=10, description="Units of unexplained difference corrected without a person.")
    hot_item_lags: Some = Field(default=5, description="Order lags after which steady upward drift counts.")
    unsettled_reads: Some = Field(default=3, description="Readings that a document on its way may hold a link back.")
    unsettled_lags: Some = Field(default=2, description="Order lags over which it may do so.")
    lightspeed_overlap: Interval = Field(
        default=timedelta(seconds=60), description="How far behind its watermark a Lightspeed reading begins."
    )
    shopify_overlap: Interval = Field(
        default=timedelta(minutes=5), description="The same for Shopify, whose search index lags behind."
    )
    book_before_cut_over: bool = Field(
        default=True, description="Whether orders from before going live are in Lightspeed's stock already."
    )
    brakes: BrakeSettings = BrakeSettings()


class OrderSettings(Part):
    """How orders are booked into Lightspeed."""

    quarantine: Interval = Field(
        default=timedelta(minutes=2),
        description="How long a sale without an answer is waited for before it may be made again; longer than "
        "Lightspeed may keep a request before it acts.",
    )
    look_again: Interval = Field(
        default=timedelta(seconds=5), description="Wait before a sale without an answer is looked for again."
    )
    first_wait: Interval = Field(
        default=timedelta(seconds=5), description="Wait before a failed order is tried again, doubled each time."
    )
    longest_wait: Interval = Field(default=timedelta(minutes=10), description="Cap of that wait.")


class ApiSettings(Part):
    """How calls to Lightspeed and Shopify are tried."""

    attempts: Some = Field(default=5, description="How often a reading is tried.")
    backoff: Duration = Field(default=timedelta(seconds=0.5), description="First wait, doubled each time, jittered.")
    longest_backoff: Interval = Field(default=timedelta(seconds=30), description="Cap of the wait.")
    longest_wait: Interval = Field(
        default=timedelta(minutes=2), description="A longer Retry-After is left to the next pass."
    )
    deadline: Interval = Field(default=timedelta(seconds=30), description="Longest time of one call, in all.")


class DeliverySettings(Part):
    """How messages are delivered."""

    backoff: Interval = Field(default=timedelta(seconds=5), description="First wait, doubled each time, jittered.")
    longest_backoff: Interval = Field(default=timedelta(minutes=15), description="Cap of the wait.")
    deadline: Interval = Field(default=timedelta(seconds=30), description="Longest time of one attempt.")
    expire: Interval = Field(
        default=timedelta(days=3),
        description="Age at which a message is given up; never that of an alert which is still firing.",
    )


class WebhookSettings(Part):
    """Webhooks from Shopify and what they set going."""

    pace: Interval = Field(
        default=_SECOND,
        description="Least time between two passes, or two looks at what arrived, that webhooks ask for.",
    )
    catalogue_pace: Interval = Field(
        default=timedelta(minutes=1), description="The same for readings of both catalogues."
    )
    check_interval: Interval = Field(default=timedelta(hours=1), description="How often subscriptions are checked.")
    largest: Some = Field(default=4 * 1024 * 1024, description="Bytes that a webhook may have.")
    attempts: Some = Field(default=10, description="How often what a webhook is about is tried to be read.")
    backoff: Interval = Field(default=timedelta(seconds=5), description="First wait, doubled each time.")
    longest_backoff: Interval = Field(default=timedelta(minutes=15), description="Cap of the wait.")


class HealthSettings(Part):
    """What the ops listener calls healthy."""

    ready_within: Interval = Field(default=timedelta(minutes=10), description="Oldest last success that is ready.")
    beat_within: Interval = Field(default=timedelta(seconds=30), description="Oldest heartbeat of the event loop.")
    drain: Interval = Field(default=timedelta(seconds=10), description="Longest time that stopping may take.")


class HistorySettings(Part):
    """How long the past is kept; `sync/storage/pruning.py` says of what."""

    keep: Interval = Field(default=timedelta(days=400), description="Age at which finished history is forgotten.")


class Limits(Part):
    """Every other interval, cap and limit."""

    stock: StockSettings = StockSettings()
    orders: OrderSettings = OrderSettings()
    api: ApiSettings = ApiSettings()
    delivery: DeliverySettings = DeliverySettings()
    webhooks: WebhookSettings = WebhookSettings()
    health: HealthSettings = HealthSettings()
    history: HistorySettings = HistorySettings()


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
    prune_at: Clock = Field(default=time(10, 0), description="When old history is forgotten, in UTC.")
    repeat_interval: Interval = Field(default=timedelta(hours=4), description="How often a firing alert is repeated.")
    alerts: tuple[Alert, ...] = ()
    routes: tuple[Route, ...] = ()
    channels: ChannelSettings = ChannelSettings(slack=SlackSettings(), email=EmailSettings(), sms=SmsSettings())
    limits: Limits = Limits()

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules in the file's order."""
        return tuple(alert.rule() for alert in self.alerts)

    def routed(self) -> Mapping[Severity, tuple[str, ...]]:
        """Return the channels of each severity."""
        return {route.severity: route.to for route in self.routes}

    def longest_window(self) -> timedelta:
        """Return how far back the rules look."""
        return max((rule.over for rule in self.rules() if rule.over is not None), default=DEFAULT_WINDOW)


def plainly(value: Any) -> str:
    """Write a default as it would stand in the file."""
    match value:
        case bool() | int():
            return str(value)
        case timedelta() if value != timedelta(seconds=round(value.total_seconds())):
            return f"{value.total_seconds():g}s"
        case timedelta():
            return written(value.total_seconds(), Unit.DURATION).replace(" ", "")
        case float():
            return written(value, Unit.RATIO)
        case time():
            return f'"{value:%H:%M}"'
        case tuple():
            return "[" + ", ".join(plainly(each) for each in value) + "]"
        case _:
            return f'"{value}"' if str(value).startswith("#") else str(value)
