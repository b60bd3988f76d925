"""Reads alerts.yaml and reports every mistake in it at once, each with line, column and what would be right.

Only plain YAML is taken: no aliases, no tags, no duplicate keys, limited in size and depth. What the file may say
is `monitor.alerts_model`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from monitor.alerts_model import Alert, AlertsFile, Route
from monitor.notice import Severity
from monitor.signals import SIGNALS
from monitor.units import Unit, did_you_mean, shown
from sync.errors import Code, Permanent

_MOST_BYTES = 256 * 1024
_DEEPEST = 12
_TAG = "tag:yaml.org,2002:"
_Loc = tuple[int | str, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, and where: line and column count from 1."""

    file: str
    line: int
    column: int
    problem: str
    remedy: str

    def __str__(self) -> str:
        """Write it as one line, as editors and terminals understand it."""
        return f"{self.file}:{self.line}:{self.column}: {self.problem}; {self.remedy}"


class AlertsFileError(Permanent):
    """The file has `mistakes`, at least one, in the order of the file."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column)))
        super().__init__(Code.CF004, "\n".join(str(mistake) for mistake in self.mistakes))

    def __str__(self) -> str:
        """List all of them, one a line."""
        return "\n".join(f"{self.code.name} {mistake}" for mistake in self.mistakes)


@dataclass(slots=True)
class _Page:
    """The file while it is being read: mistakes so far, and where each key and value stands."""

    file: str
    mistakes: list[Mistake] = field(default_factory=list)
    keys: dict[_Loc, StreamMark] = field(default_factory=dict)
    values: dict[_Loc, StreamMark] = field(default_factory=dict)

    def add(self, mark: StreamMark | None, problem: str, remedy: str) -> None:
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        self.mistakes.append(Mistake(self.file, line, column, problem, remedy))

    def at(self, loc: _Loc, problem: str, remedy: str, *, key: bool = False) -> None:
        """Report a mistake at a value, or at its key, or at the nearest thing around it."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        for length in range(len(loc), -1, -1):
            mark = first.get(loc[:length]) or second.get(loc[:length])
            if mark is not None:
                self.add(mark, problem, remedy)
                return
        self.add(None, problem, remedy)


def load_alerts(path: Path) -> AlertsFile:
    """Return the file's content; raises AlertsFileError, also where it is missing or cannot be read."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise AlertsFileError([Mistake(str(path), 1, 1, reason, "set ALERTS_FILE to a readable file")]) from error
    return parse(raw, str(path))


def parse(raw: bytes, file: str = "alerts.yaml") -> AlertsFile:
    """Return the content of a file given as bytes; raises AlertsFileError with all its mistakes."""
    page = _Page(file)
    if len(raw) > _MOST_BYTES:
        page.add(None, "the file is larger than 256 KiB", "this is not an alerts file, or most of it is not needed")
        raise AlertsFileError(page.mistakes)
    data = _plain_data(raw, page)
    found = _validated(data, page) if isinstance(data, dict) else None
    if data is not None and not isinstance(data, dict):
        page.add(None, "the file is not a list of settings", "begin with lines like `sync_interval: 60s`")
    if page.mistakes:
        raise AlertsFileError(page.mistakes)
    return found or AlertsFile()


# --- from bytes to plain data, remembering where everything stands ---


def _plain_data(raw: bytes, page: _Page) -> Any:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        page.mistakes.append(Mistake(page.file, line, column, "this is not UTF-8", "save the file as UTF-8"))
        return None
    try:
        if not _is_plain(text, page):
            return None
        node = _reader().compose(text)
    except YAMLError as error:
        _unreadable(error, text, page)
        return None
    return None if node is None else _value(node, (), page)


def _reader() -> YAML:
    return YAML(typ="safe", pure=True)


def _is_plain(text: str, page: _Page) -> bool:
    """Refuse aliases, tags and depth before anything is built from them; False where building would be unsafe."""
    depth = documents = 0
    plain = True
    for event in _reader().parse(text):
        documents += type(event).__name__ == "DocumentStartEvent"
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None):
            page.add(event.start_mark, "anchors and aliases are not taken", "write the value out")
            plain = False
        if depth > _DEEPEST:
            page.add(event.start_mark, "this is nested too deeply", "see docs/alerts.md for the file's shape")
            return False
        if documents > 1:
            page.add(event.start_mark, "a second document begins here", "keep everything in one; remove the ---")
            return False
    return plain


def _unreadable(error: YAMLError, text: str, page: _Page) -> None:
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        problem = f"the character {shown(text[error.position : error.position + 1])} is not taken"
        page.mistakes.append(Mistake(page.file, line, column, problem, "remove it"))
    elif isinstance(error, MarkedYAMLError):
        problem = " ".join(str(error.problem or error.context or "this is not YAML").split())
        mark = error.problem_mark or error.context_mark
        page.add(mark, problem, "check indentation, quotes and colons around this place")
    else:
        page.add(None, "this is not YAML", "see docs/alerts.md for the file's shape")


def _value(node: Node, loc: _Loc, page: _Page) -> Any:
    page.values.setdefault(loc, node.start_mark)
    match node:
        case MappingNode():
            return _mapping(node, loc, page)
        case SequenceNode():
            return [_value(each, (*loc, number), page) for number, each in enumerate(node.value)]
        case _:
            return _scalar(node, page)


def _mapping(node: MappingNode, loc: _Loc, page: _Page) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        if not isinstance(key_node, ScalarNode) or not isinstance(key, str):
            page.add(key_node.start_mark, "this is not a key", "use a single word before the colon")
        elif key in found:
            page.add(key_node.start_mark, f"{shown(key)} stands here twice", "keep one of them")
        else:
            page.keys[(*loc, key)] = key_node.start_mark
            found[key] = _value(value_node, (*loc, key), page)
    return found


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    f"{_TAG}str": str,
    f"{_TAG}null": lambda _: None,
    f"{_TAG}bool": lambda text: text.lower() == "true",
    f"{_TAG}int": lambda text: int(text.replace("_", ""), 0) if not text.lstrip("+-").isdecimal() else int(text),
    f"{_TAG}float": float,
    f"{_TAG}timestamp": str,
}


def _scalar(node: Node, page: _Page) -> Any:
    make = _SCALARS.get(str(node.tag))
    if make is None:
        page.add(node.start_mark, f"the tag {shown(str(node.tag))} is not taken", "write a plain value")
        return None
    try:
        return make(node.value)
    except ValueError:
        return str(node.value)


# --- from plain data to models ---


def _validated(data: dict[str, Any], page: _Page) -> AlertsFile | None:
    """Check every part by itself, so that a mistake in one hides none in another."""
    alerts = _valid_parts(Alert, data, "alerts", page)
    routes = _valid_parts(Route, data, "routes", page)
    rest = {key: value for key, value in data.items() if key not in ("alerts", "routes")}
    whole = _check(AlertsFile, rest, (), page)
    channels = whole.channels.names() if whole is not None else None
    _Lint(page, alerts, routes, channels, complete=len(routes) == _length(data.get("routes"))).run()
    if page.mistakes or whole is None:
        return None
    return whole.model_copy(update={"alerts": tuple(alerts.values()), "routes": tuple(routes.values())})


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0


def _valid_parts(model: type[Model], data: Mapping[str, Any], key: str, page: _Page) -> dict[int, Model]:
    """Return the entries of a list that are right, by their position in it."""
    value = data.get(key)
    if value is None:
        return {}
    if not isinstance(value, list):
        page.at((key,), f"{key} is not a list", "begin each entry with a dash")
        return {}
    checked = {number: _check(model, part, (key, number), page) for number, part in enumerate(value)}
    return {number: part for number, part in checked.items() if part is not None}


def _check(model: type[Model], value: Any, loc: _Loc, page: _Page) -> Model | None:
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


def _report(model: type[BaseModel], base: _Loc, detail: ErrorDetails, page: _Page) -> None:
    loc = (*base, *detail["loc"])
    context = detail.get("ctx", {})
    match detail["type"]:
        case "unfit":
            page.at(loc, str(context["problem"]), str(context["remedy"]))
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
    }.get(key, "")


def _keys_of(model: type[BaseModel], loc: _Loc) -> list[str]:
    """Return the keys that the model at `loc` inside `model` knows."""
    for step in loc:
        if isinstance(step, str) and step in model.model_fields:
            inner = _model_in(model.model_fields[step].annotation)
            model = inner or model
    return [info.alias or name for name, info in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) in (Union, UnionType):
        return next((found for each in get_args(annotation) if (found := _model_in(each))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


# --- what only shows when parts are seen together ---


@dataclass(slots=True)
class _Lint:
    """Checks across alerts, routes and channels.

    `channels` is None where that part is wrong already; `complete` is False where a route is.
    """

    page: _Page
    alerts: dict[int, Alert]
    routes: dict[int, Route]
    channels: frozenset[str] | None
    complete: bool

    def run(self) -> None:
        self._names()
        self._windows()
        self._routes()
        if self.complete:
            self._unrouted()

    def _names(self) -> None:
        seen: set[str] = set()
        for number, alert in self.alerts.items():
            if alert.name in seen:
                self.page.at(("alerts", number, "name"), f"a second alert is named {alert.name}", "rename one of them")
            seen.add(alert.name)

    def _windows(self) -> None:
        for number, alert in self.alerts.items():
            signal = SIGNALS[alert.when.signal]
            if alert.over is not None and not signal.windowed:
                problem = f"{alert.when.signal} is a number of this moment and has no window"
                self.page.at(("alerts", number, "over"), problem, "remove `over`, or use `for`", key=True)
            if alert.min_events is not None and signal.unit is not Unit.RATIO:
                problem = f"{alert.when.signal} is no rate, so it counts no events"
                self.page.at(("alerts", number, "min_events"), problem, "remove `min_events`", key=True)

    def _routes(self) -> None:
        seen: set[Severity] = set()
        for number, route in self.routes.items():
            if route.severity in seen:
                problem = f"a second route for {route.severity}"
                self.page.at(("routes", number, "severity"), problem, "join both into one list of channels")
            seen.add(route.severity)
            for position, name in enumerate(route.to):
                self._reachable(route, name, ("routes", number, "to", position))

    def _reachable(self, route: Route, name: str, loc: _Loc) -> None:
        if name == "sms" and route.severity is not Severity.CRITICAL:
            self.page.at(loc, "text messages are for critical alerts only", "remove sms from this route")
        if self.channels is not None and name not in self.channels:
            self.page.at(loc, f"{name} has no settings under `channels`", f"add `{name}:` there, or remove it here")

    def _unrouted(self) -> None:
        routed = {route.severity for route in self.routes.values()}
        for number, alert in self.alerts.items():
            if alert.severity not in routed:
                problem = f"nobody would be told: there is no route for {alert.severity}"
                self.page.at(("alerts", number, "severity"), problem, "add one under `routes`, or change the severity")


def unreachable(content: AlertsFile, credentials: frozenset[str]) -> Iterator[str]:
    """Yield one sentence for each channel that is routed to but cannot be used with these credentials or addresses."""
    routed = {name for route in content.routes for name in route.to}
    for name in sorted(routed):
        if name == "sms" and content.channels.sms is not None and not content.channels.sms.to:
            yield "sms: no telephone number stands under channels.sms.to, so nobody gets text messages"
        elif name not in credentials:
            yield f"{name}: its credentials are not set in the environment, so nothing is sent there"
