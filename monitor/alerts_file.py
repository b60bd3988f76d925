"""Reads alerts.yaml and reports every mistake in it at once, each with line, column and what would be right.

Only plain YAML is taken: no aliases, no tags, no duplicate keys, limited in size and depth. What the file may say
is `monitor.alerts_model`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor import alerts_lint
from monitor.alerts_lint import Parts
from monitor.alerts_model import (
    CHANNEL_TYPES,
    Alert,
    AlertsFile,
    BusinessHours,
    ChannelSettings,
    EmailSettings,
    Maintenance,
    Route,
    SmsSettings,
    model_in,
)
from monitor.units import did_you_mean, shown
from monitor.yaml_page import MOST_BYTES, Loc, Mistake, Page, plain_data
from sync.errors import Code, Permanent

Model = TypeVar("Model", bound=BaseModel)
_APART = ("alerts", "routes", "maintenance", "business_hours", "channels")
"""Keys whose entries are checked one by one, so that a mistake in one hides none in another."""


class AlertsFileError(Permanent):
    """The file has `mistakes`, at least one, in the order of the file."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column)))
        super().__init__(Code.CF004, "\n".join(str(mistake) for mistake in self.mistakes))

    def __str__(self) -> str:
        """List all of them, one a line."""
        return "\n".join(f"{self.code.name} {mistake}" for mistake in self.mistakes)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says, and what in it is no mistake but probably not meant."""

    content: AlertsFile
    doubts: tuple[Mistake, ...] = ()


def load_alerts(path: Path) -> AlertsFile:
    """Return the file's content; raises AlertsFileError, also where it is missing or cannot be read."""
    return read_alerts(path).content


def read_alerts(path: Path) -> Reading:
    """Return the file's content with its doubts; raises AlertsFileError as `load_alerts` does."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise AlertsFileError(
            [Mistake(str(path), 1, 1, reason, "name a file that can be read, here or by ALERTS_FILE")]
        ) from error
    return read(raw, str(path))


def parse(raw: bytes, file: str = "alerts.yaml") -> AlertsFile:
    """Return the content of a file given as bytes; raises AlertsFileError with all its mistakes."""
    return read(raw, file).content


def read(raw: bytes, file: str = "alerts.yaml") -> Reading:
    """Return the content of a file given as bytes, with its doubts; raises AlertsFileError with all its mistakes."""
    page = Page(file)
    if len(raw) > MOST_BYTES:
        page.add(None, "the file is larger than 256 KiB", "this is not an alerts file, or most of it is not needed")
        raise AlertsFileError(page.mistakes)
    try:
        data = plain_data(raw, page)
        found = _validated(data, page) if isinstance(data, dict) else None
    except Exception as error:  # whatever a file brings about, what was judged by before goes on
        page.add(None, f"this file cannot be read ({type(error).__name__})", "take back what was changed last")
        raise AlertsFileError(page.mistakes) from error
    if data is not None and not isinstance(data, dict):
        page.add(None, "the file is not a list of settings", "begin with lines like `sync_interval: 60s`")
    if page.mistakes:
        raise AlertsFileError(page.mistakes)
    return Reading(found or AlertsFile(), tuple(sorted(page.doubts, key=lambda each: (each.line, each.column))))


# --- from plain data to models ---


def _validated(data: dict[str, Any], page: Page) -> AlertsFile | None:
    """Check every part by itself, so that a mistake in one hides none in another."""
    parts = Parts(
        alerts=_entries(Alert, data, "alerts", page),
        routes=_entries(Route, data, "routes", page),
        maintenance=_entries(Maintenance, data, "maintenance", page),
        hours=_groups(BusinessHours, data, "business_hours", page),
        channels=_channels(data, page),
        whole=checked(AlertsFile, {key: value for key, value in data.items() if key not in _APART}, (), page),
        data=data,
    )
    alerts_lint.check(parts, page)
    if page.mistakes or parts.whole is None:
        return None
    found = {
        "alerts": tuple(parts.alerts.values()),
        "routes": tuple(parts.routes.values()),
        "maintenance": tuple(parts.maintenance.values()),
        "business_hours": parts.hours,
        "channels": parts.channels,
    }
    return parts.whole.model_copy(update=found)


def _entries(model: type[Model], data: Mapping[str, Any], key: str, page: Page) -> dict[int, Model]:
    """Return the entries of a list that are right, by their position in it."""
    value = data.get(key)
    if value is None:
        return {}
    if not isinstance(value, list):
        page.at((key,), f"{key} is not a list", "begin each entry with a dash")
        return {}
    parts = {number: checked(model, part, (key, number), page) for number, part in enumerate(value)}
    return {number: part for number, part in parts.items() if part is not None}


def _named_groups(data: Mapping[str, Any], key: str, page: Page) -> Mapping[str, Any]:
    """Return groups of settings by their names; a group that says nothing is all defaults."""
    value = data.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        page.at((key,), f"{key} is not a group of settings", "write `name:` lines below it, indented")
        return {}
    return {name: {} if group is None else group for name, group in value.items()}


def _groups(model: type[Model], data: Mapping[str, Any], key: str, page: Page) -> dict[str, Model]:
    groups = _named_groups(data, key, page)
    parts = {name: checked(model, group, (key, name), page) for name, group in groups.items()}
    return {name: part for name, part in parts.items() if part is not None}


def _channels(data: Mapping[str, Any], page: Page) -> dict[str, ChannelSettings]:
    if "channels" not in data:
        return dict(AlertsFile().channels)
    found: dict[str, ChannelSettings] = {}
    for name, group in _named_groups(data, "channels", page).items():
        kind = group.get("type", name) if isinstance(group, dict) else name
        model = CHANNEL_TYPES.get(kind) if isinstance(kind, str) else None
        if model is None:
            _unknown_type(name, kind, page, given=isinstance(group, dict) and "type" in group)
        elif (part := checked(model, group, ("channels", name), page)) is not None:
            found[name] = part
    return found


def _unknown_type(name: str, kind: object, page: Page, *, given: bool) -> None:
    loc: Loc = ("channels", name)
    if given:
        page.at((*loc, "type"), f"{shown(kind)} is not a type of channel", did_you_mean(str(kind), CHANNEL_TYPES))
        return
    types = ", ".join(CHANNEL_TYPES)
    page.at(loc, f"of {name} it is not known what it is", f"add `type:` with one of {types}", key=True)


def checked(model: type[Model], value: Any, loc: Loc, page: Page) -> Model | None:
    """Return a part that stands at `loc`; None, with its mistakes told to `page`, where it is not right."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _report(model, loc, detail, page)
        return None


_SENTENCES: Mapping[str, tuple[str, str]] = {
    "int_type": ("{value} is not a whole number", "write it without quotes and without a unit, like 10"),
    "greater_than_equal": ("{value} is too small", "use {ge} or more"),
    "tuple_type": ("{value} is not a list", "write it like [slack, email]"),
    "too_short": ("this list is empty", "name at least one, or leave the whole key out"),
    "model_type": ("{value} is not a group of settings", "write `key: value` lines below it, indented"),
    "model_attributes_type": ("{value} is not a group of settings", "write `key: value` lines below it, indented"),
    "dict_type": ("{value} is not a group of settings", "write `key: value` lines below it, indented"),
}


def _report(model: type[BaseModel], base: Loc, detail: ErrorDetails, page: Page) -> None:
    loc = (*base, *detail["loc"])
    context = detail.get("ctx", {})
    match detail["type"]:
        case "unfit":
            page.at(loc, str(context["problem"]), str(context["remedy"]), within=int(context["within"]))
        case "extra_forbidden":
            known = _keys_of(model, detail["loc"][:-1])
            page.at(loc, f"there is no setting {shown(str(loc[-1]))} here", did_you_mean(str(loc[-1]), known), key=True)
        case "missing":
            page.at(loc[:-1], f"{loc[-1]} is missing", f"add `{loc[-1]}:` {_example(str(loc[-1]))}".rstrip())
        case kind:
            problem, remedy = _SENTENCES.get(kind, ("{value} is not right here", "see docs/alerts.md"))
            values = {"value": shown(detail["input"]), **context}
            page.at(loc, problem.format_map(values), remedy.format_map(values))


def _example(key: str) -> str:
    return {
        "name": "with a word, like SyncLatencyHigh",
        "when": "with a condition, like discrepant_skus > 5",
        "severity": "with critical, warning or info",
        "to": "with channels, like [slack, email]",
        "after": "with a duration, like 15m",
        "zone": "with a time zone, like America/New_York",
        "open": 'with times, like "mon-fri 09:00-20:00"',
        "at": 'with a time of day, like "08:00"',
        "url": "with an address, like https://example.com/alerts",
        "author": "with who asked for it",
        "reason": "with a few words",
    }.get(key, "")


def _keys_of(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys that the model at `loc` inside `model` knows."""
    for step in loc:
        if isinstance(step, str) and step in model.model_fields:
            model = model_in(model.model_fields[step].annotation) or model
    return [info.alias or name for name, info in model.model_fields.items()]


def lacking(content: AlertsFile, credentials: Collection[str]) -> Mapping[str, str]:
    """Return the channels that are routed to but cannot be used with these credentials or addresses, and why."""
    found = {}
    for name in sorted(content.told()):
        settings = content.channels[name]
        if isinstance(settings, SmsSettings) and not settings.to:
            found[name] = f"no telephone number stands under channels.{name}.to, so nobody gets text messages"
        elif isinstance(settings, EmailSettings) and not settings.to:
            found[name] = f"no address stands under channels.{name}.to, so nobody gets its mail"
        elif name not in credentials:
            found[name] = "its credentials are not set in the environment, so nothing is sent there"
    return found


def unreachable(content: AlertsFile, credentials: Collection[str]) -> Iterator[str]:
    """Yield one sentence for each channel that is routed to but cannot be used with these credentials or addresses."""
    for name, why in lacking(content, credentials).items():
        yield f"{name}: {why}"
