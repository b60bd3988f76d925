"""Kinds of values in alerts.yaml: how each is written, what is said where it is not, and how it is written back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from monitor.conditions import AllOf, AnyOf, Comparison, Condition, condition
from monitor.hours import WeekTime, week_time
from monitor.notice import Severity
from monitor.rules import Evaluations, NoData, Take
from monitor.signals import UNITS
from monitor.units import Unfit, Unit, did_you_mean, duration, share, shown, written

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,79}")
_SLACK_CHANNEL = re.compile(r"#?[\w.-]{1,80}")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
_TELEPHONE = re.compile(r"\+[1-9]\d{6,14}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_EVALUATIONS = re.compile(r"\s*(\d{1,3})\s+of\s+(\d{1,3})\s*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})")
_SECOND = timedelta(seconds=1)
_LONGEST_SENTENCE = 1_000
_LONGEST_LABEL = 200
_LONGEST_LIMIT = 60
_MOST_EVALUATIONS = 100  # results that a state may have to remember


def refuse(unfit: Unfit) -> PydanticCustomError:
    """Return the error that carries what is wrong, what would be right, and where."""
    context = {"problem": unfit.problem, "remedy": unfit.remedy, "within": unfit.within}
    return PydanticCustomError("unfit", "{problem}; {remedy}", context)


class Parsed:
    """Annotation of a field whose value is made from a text by `parse`, which raises Unfit."""

    def __init__(self, parse: Callable[[Any], Any], *made: type) -> None:
        self._parse = parse
        self._made = made

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Parse everything but what is of the wanted type already, as in code that makes its own settings."""

        def run(value: Any) -> Any:
            if self._made and isinstance(value, self._made):
                return value
            try:
                return self._parse(value)
            except Unfit as unfit:
                raise refuse(unfit) from unfit

        return core_schema.no_info_plain_validator_function(run)


def interval(text: object) -> timedelta:
    """Return a duration of at least one second; raises Unfit."""
    length = duration(text)
    if length < _SECOND:
        raise Unfit(f"{shown(text)} is too short", "one second, 1s, is the shortest")
    return length


def _clock(where: str) -> Callable[[object], time]:
    def parse(text: object) -> time:
        if isinstance(text, str) and (found := _CLOCK.fullmatch(text.strip())):
            return time(int(found[1]), int(found[2]))
        raise Unfit(f"{shown(text)} is not a time of day", f'write hours and minutes{where}, with quotes: "09:00"')

    return parse


def word(words: Iterable[str], what: str) -> Callable[[object], str]:
    """Return a parser of one of some words."""
    known = tuple(words)

    def parse(text: object) -> str:
        if isinstance(text, str) and text in known:
            return text
        raise Unfit(f"{shown(text)} is not a {what}", did_you_mean(str(text), known))

    return parse


def matching(pattern: re.Pattern[str], what: str, example: str) -> Callable[[object], str]:
    """Return a parser of texts that a pattern takes whole."""

    def parse(text: object) -> str:
        if isinstance(text, str) and pattern.fullmatch(text):
            return text
        raise Unfit(f"{shown(text)} is not {what}", f"write it like {example}")

    return parse


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise Unfit(f"{shown(text)} is not a text", "put it into quotes")
    if len(text) > _LONGEST_SENTENCE:
        raise Unfit(f"a text of {len(text)} characters is too long", f"use at most {_LONGEST_SENTENCE}")
    return text


def _severity(text: object) -> Severity:
    return Severity(word(tuple(Severity), "severity")(text))


def _evaluations(text: object) -> Evaluations:
    found = _EVALUATIONS.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise Unfit(f"{shown(text)} does not count evaluations", "write it like 3 of 5")
    needed, among = int(found[1]), int(found[2])
    if not 1 <= needed <= among <= _MOST_EVALUATIONS:
        raise Unfit(f"{shown(text)} can never be counted", f"ask for at least 1, and for at most {_MOST_EVALUATIONS}")
    return Evaluations(needed, among)


def _zone(text: object) -> ZoneInfo:
    known = available_timezones()
    if isinstance(text, str) and text in known:
        return ZoneInfo(text)
    close = get_close_matches(str(text), known, n=1, cutoff=0.6)
    remedy = f"did you mean {close[0]}?" if close else "write it like America/New_York"
    raise Unfit(f"{shown(text)} is not a time zone", remedy)


def _date(text: object) -> date:
    if isinstance(text, str) and _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise Unfit(f"{shown(text)} is not a date", 'write year, month and day, with quotes: "2026-12-25"')


def _moment(text: object) -> datetime:
    if isinstance(text, str) and (found := _MOMENT.fullmatch(text.strip())):
        return datetime.combine(_date(found[1]), _clock("")(found[2]))
    raise Unfit(f"{shown(text)} is not a moment", 'write date and time, with quotes: "2026-12-24 22:00"')


def _labels(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise Unfit(f"{shown(value)} is not a group of labels", "write it like {team: ops}")
    found: dict[str, str] = {}
    for key, text in value.items():
        if not _LABEL.fullmatch(str(key)):
            raise Unfit(f"{shown(key)} is not a label's name", "use letters, digits and _, like team")
        if not isinstance(text, str | int) or isinstance(text, bool) or not 1 <= len(str(text)) <= _LONGEST_LABEL:
            raise Unfit(f"{shown(text)} is not a label's value", f"write a text of at most {_LONGEST_LABEL} characters")
        found[str(key)] = str(text)
    return found


def _link(text: object) -> str:
    if isinstance(text, str) and re.fullmatch(r"https?://[^\s<>|\"']{1,500}", text):
        return text
    raise Unfit(f"{shown(text)} is not a link", "write it like https://wiki.example.com/stock")


def _number(text: object) -> str:
    """Take a limit as it is written; what it means depends on the signal."""
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        raise Unfit(f"{shown(text)} is not a limit", "write it as in `when`, like 3, 10m or 5%")
    written_limit = str(text)
    if len(written_limit) > _LONGEST_LIMIT:
        raise Unfit(f"a limit of {len(written_limit)} characters is too long", f"use at most {_LONGEST_LIMIT}")
    return written_limit


def listed(value: Any) -> Any:
    """Take a single value where a list of them is meant."""
    return (value,) if isinstance(value, str) else value


Duration = Annotated[timedelta, Parsed(duration, timedelta)]
Interval = Annotated[timedelta, Parsed(interval, timedelta)]
Share = Annotated[float, Parsed(share)]
Clock = Annotated[time, Parsed(_clock(" in UTC"), time)]
WeekClock = Annotated[WeekTime, Parsed(week_time, WeekTime)]
LocalClock = Annotated[time, Parsed(_clock(""), time)]
Count = Annotated[int, Field(strict=True, ge=0)]
Some = Annotated[int, Field(strict=True, ge=1)]
Name = Annotated[str, Parsed(matching(_NAME, "a name", "SyncLatencyHigh: letters, digits, - and _"))]
Text = Annotated[str, Parsed(_text)]
Link = Annotated[str, Parsed(_link)]
Limit = Annotated[str, Parsed(_number)]
Labels = Annotated[Mapping[str, str], Parsed(_labels)]
SlackChannel = Annotated[str, Parsed(matching(_SLACK_CHANNEL, "a Slack channel", '"#wtf-inventory-alerts"'))]
Address = Annotated[str, Parsed(matching(_ADDRESS, "a mail address", "ops@wtfswag.com"))]
Telephone = Annotated[str, Parsed(matching(_TELEPHONE, "a telephone number", '"+15551234567", with quotes'))]
Variable = Annotated[str, Parsed(matching(_VARIABLE, "a variable of the environment", "HOOK_TOKEN"))]
SeverityWord = Annotated[Severity, Parsed(_severity)]
TakeWord = Annotated[Take, Parsed(lambda text: Take(word(tuple(Take), "way to take a value")(text)))]
NoDataWord = Annotated[NoData, Parsed(lambda text: NoData(word(tuple(NoData), "meaning of a missing number")(text)))]
Counted = Annotated[Evaluations, Parsed(_evaluations, Evaluations)]
Zone = Annotated[ZoneInfo, Parsed(_zone, ZoneInfo)]
Date = Annotated[date, Parsed(_date, date)]
Moment = Annotated[datetime, Parsed(_moment, datetime)]
When = Annotated[Condition, Parsed(lambda text: condition(text, UNITS), Comparison, AllOf, AnyOf)]
Names = Annotated[tuple[Name, ...], BeforeValidator(listed)]
SomeNames = Annotated[tuple[Name, ...], BeforeValidator(listed), Field(min_length=1)]


class Part(BaseModel):
    """A part of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a list, a group of names or an optional part is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := model_in(each))), None)


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
        case WeekTime():
            return f'"{value}"'
        case tuple():
            return "[" + ", ".join(plainly(each) for each in value) + "]"
        case _:
            return f'"{value}"' if str(value).startswith("#") else str(value)
