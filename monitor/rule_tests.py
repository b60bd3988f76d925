"""Unit tests of alert rules, which operators write in YAML: series of signals, and how alerts stand at a time.

The shape is that of promtool's rule tests. A series is written as there: `0x5 6x10` is 0 and five more, then 6 and ten
more; `1+2x3` is 1 3 5 7; `_` is a moment without a number. Values are in the signal's own unit, like 5m or 10%.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from monitor import rules
from monitor.alerts_file import AlertsFileError, checked, load_alerts
from monitor.alerts_model import AlertsFile
from monitor.alerts_model.fields import Duration, Interval, Name, Part, Text, listed
from monitor.conditions import signals_in
from monitor.rules import Past, Phase, Rule, Sample, State
from monitor.signals import UNITS
from monitor.units import UNKNOWN, Unfit, Unit, did_you_mean, limit, shown, written, written_duration
from monitor.yaml_page import MOST_BYTES, Loc, Mistake, Page, plain_data

_BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
_PIECE = re.compile(r"(?P<first>_|-?[\d.]+[\w.%]*?)(?:(?P<step>[+-][\d.]+[\w.%]*?)?x(?P<more>\d{1,6}))?")
_MOST_STEPS = 100_000
_EXAMPLE = "write it like 0x5 6x10, 1+2x3 or _x5"

Names = Annotated[tuple[Name, ...], BeforeValidator(listed)]


class Expectation(Part):
    """How alerts stand at a time, counted from the beginning of the series."""

    at: Duration = Field(description="How long after the beginning.")
    firing: Names = Field(default=(), description="Alerts that fire then.")
    pending: Names = Field(default=(), description="Alerts whose condition holds, not yet for long enough.")
    quiet: Names = Field(default=(), alias="not", description="Alerts that neither fire nor are about to.")

    def wanted(self) -> Iterator[tuple[str, Phase]]:
        """Yield each alert with how it is to stand."""
        yield from ((name, Phase.FIRING) for name in self.firing)
        yield from ((name, Phase.PENDING) for name in self.pending)
        yield from ((name, Phase.OK) for name in self.quiet)


class _File(Part):
    alerts_file: Text = "alerts.yaml"


class _Test(Part):
    name: Text
    interval: Interval = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test: what the signals are, a value an interval, and what is expected; `places` are lines and columns."""

    name: str
    interval: timedelta
    series: Mapping[str, Sequence[float | None]]
    expect: Sequence[Expectation]
    places: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Suite:
    """A file of tests that can be run."""

    file: str
    content: AlertsFile
    tests: Sequence[RuleTest]

    @property
    def expectations(self) -> int:
        """Return how many expectations there are."""
        return sum(len(list(each.wanted())) for test in self.tests for each in test.expect)


@dataclass(frozen=True, slots=True)
class Failure:
    """An alert that stood otherwise than was expected."""

    file: str
    line: int
    column: int
    test: str
    alert: str
    at: timedelta
    expected: Phase
    found: Phase
    since: timedelta | None
    values: Mapping[str, str]

    def __str__(self) -> str:
        """Write it as one line, as editors and terminals understand it."""
        since = f" since {written_duration(self.since)}" if self.since is not None else ""
        seen = ", ".join(f"{name} {value}" for name, value in self.values.items())
        want = f"{self.alert} at {written_duration(self.at)} should {_WORDS[self.expected]}"
        return f"{self.file}:{self.line}:{self.column}: {want}, but {_FOUND[self.found]}{since} ({seen}): {self.test}"


_WORDS = {Phase.FIRING: "fire", Phase.PENDING: "be pending", Phase.OK: "neither fire nor be pending"}
_FOUND = {Phase.FIRING: "it fires", Phase.PENDING: "it is pending", Phase.OK: "it does neither"}


# --- reading ---


def alerts_named(raw: bytes, file: str) -> str:
    """Return the alerts file that a file of tests names; raises AlertsFileError where it cannot be read at all."""
    page = Page(file)
    data = _plain(raw, page)
    head = checked(_File, {key: value for key, value in data.items() if key != "tests"}, (), page)
    if head is None:
        raise AlertsFileError(page.mistakes)
    return head.alerts_file


def read(raw: bytes, file: str, content: AlertsFile) -> Suite:
    """Return the tests of a file given as bytes; raises AlertsFileError with all its mistakes."""
    page = Page(file)
    entries = _plain(raw, page).get("tests")
    if not isinstance(entries, list) or not entries:
        remedy = "begin with `tests:`, and each test with a dash and `name:`"
        page.at(("tests",), "there are no tests", remedy, key=True)
        raise AlertsFileError(page.mistakes)
    found = [_test(entry, ("tests", number), content, page) for number, entry in enumerate(entries)]
    if page.mistakes:
        raise AlertsFileError(page.mistakes)
    return Suite(file, content, [test for test in found if test is not None])


def _test(entry: object, loc: Loc, content: AlertsFile, page: Page) -> RuleTest | None:
    """Read one test, part by part, so that a mistake in one hides none in another."""
    if not isinstance(entry, dict):
        page.at(loc, "this is no test", "begin with `- name:`, and write `series:` and `expect:` below it")
        return None
    head = checked(_Test, {key: value for key, value in entry.items() if key not in ("series", "expect")}, loc, page)
    series = _series(entry.get("series"), (*loc, "series"), page)
    expect = _expectations(entry.get("expect"), (*loc, "expect"), page)
    for number, each in expect.items():
        _check_names(each, (*loc, "expect", number), content, page)
        if head is not None and each.at / head.interval > _MOST_STEPS:
            where = (*loc, "expect", number, "at")
            page.at(where, "this is too many intervals away", f"use at most {_MOST_STEPS}")
    if head is None:
        return None
    places = [_place(page, (*loc, "expect", number)) for number in expect]
    return RuleTest(head.name, head.interval, series, list(expect.values()), places)


def load(path: Path) -> Suite:
    """Return the tests of a file, with the alerts of the file that it names; raises AlertsFileError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise AlertsFileError([Mistake(str(path), 1, 1, reason, "name a readable file")]) from error
    return read(raw, str(path), load_alerts(path.parent / alerts_named(raw, str(path))))


def _plain(raw: bytes, page: Page) -> dict[str, object]:
    if len(raw) > MOST_BYTES:
        page.add(None, "the file is larger than 256 KiB", "split it")
    data = None if page.mistakes else plain_data(raw, page)
    if data is not None and not isinstance(data, dict):
        page.add(None, "the file is not a list of settings", "begin with a line like `alerts_file: alerts.yaml`")
    if page.mistakes:
        raise AlertsFileError(page.mistakes)
    return data or {}


def _place(page: Page, loc: Loc) -> tuple[int, int]:
    mark = page.values[loc]
    return mark.line + 1, mark.column + 1


def _expectations(data: object, loc: Loc, page: Page) -> Mapping[int, Expectation]:
    if not isinstance(data, list) or not data:
        page.at(loc, "nothing is expected", "add `expect:` with lines like {at: 5m, firing: SyncLatencyHigh}", key=True)
        return {}
    found = {number: checked(Expectation, each, (*loc, number), page) for number, each in enumerate(data)}
    return {number: each for number, each in found.items() if each is not None}


def _check_names(each: Expectation, loc: Loc, content: AlertsFile, page: Page) -> None:
    names = [alert.name for alert in content.alerts]
    for key, named in (("firing", each.firing), ("pending", each.pending), ("not", each.quiet)):
        for place, name in enumerate(named):
            if name not in names:
                page.at((*loc, key, place), f"there is no alert {shown(name)}", did_you_mean(name, names))


def _series(data: object, loc: Loc, page: Page) -> Mapping[str, Sequence[float | None]]:
    if not isinstance(data, dict):
        page.at(loc, "there are no series", "add `series:` with lines like sync_latency: 0s+1mx15", key=True)
        return {}
    found = {}
    for name, text in data.items():
        if name not in UNITS:
            page.at((*loc, name), f"there is no signal {shown(name)}", did_you_mean(name, UNITS), key=True)
            continue
        try:
            found[name] = values(name, str(text), UNITS[name])
        except Unfit as unfit:
            page.at((*loc, name), unfit.problem, unfit.remedy, within=unfit.within)
    return found


def values(signal: str, text: str, unit: Unit) -> Sequence[float | None]:
    """Return the values that a series is written as; None: a moment without a number. Raises Unfit."""
    found: list[float | None] = []
    for word in re.finditer(r"\S+", text):
        piece = _PIECE.fullmatch(word[0])
        if piece is None:
            raise Unfit(f"{shown(word[0])} is not part of a series", _EXAMPLE, within=word.start())
        more = int(piece["more"] or 0)
        if len(found) + more > _MOST_STEPS:
            raise Unfit("the series is too long", f"use at most {_MOST_STEPS} values", within=word.start())
        try:
            found += _expanded(signal, piece, more, unit)
        except Unfit as unfit:
            raise Unfit(unfit.problem, unfit.remedy, within=word.start()) from unfit
    if not found:
        raise Unfit("there is no value", _EXAMPLE)
    return found


def _expanded(signal: str, piece: re.Match[str], more: int, unit: Unit) -> Sequence[float | None]:
    if piece["first"] == "_":
        return [None] * max(1, more)  # as promtool counts them
    first = _number(signal, piece["first"], unit)
    step = _number(signal, piece["step"], unit) if piece["step"] else 0.0
    return [first + step * number for number in range(more + 1)]


def _number(signal: str, text: str, unit: Unit) -> float:
    sign, bare = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    return sign * limit(signal, bare, unit)


# --- running ---


def run(suite: Suite) -> Sequence[Failure]:
    """Judge the rules along the series of each test; return what stood otherwise than expected, in the file's order."""
    named = {rule.name: rule for rule in suite.content.rules()}
    return [failure for test in suite.tests for failure in _failures(test, named, suite.file)]


def _failures(test: RuleTest, named: Mapping[str, Rule], file: str) -> Iterator[Failure]:
    wanted = {name for each in test.expect for name, _ in each.wanted()}
    timelines = {name: _timeline(named[name], test) for name in wanted}
    for each, (line, column) in zip(test.expect, test.places, strict=True):
        step = each.at // test.interval
        for name, expected in each.wanted():
            state = timelines[name][step]
            if state.phase is expected:
                continue
            since = None if state.since is None or state.phase is Phase.OK else state.since - _BEGIN
            seen = _seen(named[name], test, step)
            yield Failure(file, line, column, test.name, name, each.at, expected, state.phase, since, seen)


def _timeline(rule: Rule, test: RuleTest) -> Sequence[State]:
    """Return how a rule stands after each judging, up to the last that is asked for."""
    states, state = [], State()
    past: dict[str, list[tuple[datetime, float | None]]] = {name: [] for name in signals_in(rule.condition)}
    for step in range(max(each.at for each in test.expect) // test.interval + 1):
        now = _BEGIN + step * test.interval
        seen = {name: _value(test.series.get(name, ()), step) for name in past}
        samples = {name: Sample(value) for name, value in seen.items()}
        before: Past = {} if rule.take is None or rule.over is None else _window(past, now - rule.over)
        state = rules.evaluate(rule, samples, state, now, before).after
        states.append(state)
        for name, value in seen.items():
            past[name].append((now, value))
    return states


def _window(past: Mapping[str, list[tuple[datetime, float | None]]], begin: datetime) -> Past:
    return {name: [pair for pair in pairs if pair[0] >= begin] for name, pairs in past.items()}


def _value(series: Sequence[float | None], step: int) -> float | None:
    """Return a series' value at a step: after its end the last one stays."""
    return series[min(step, len(series) - 1)] if series else None


def _seen(rule: Rule, test: RuleTest, step: int) -> Mapping[str, str]:
    found = {name: _value(test.series.get(name, ()), step) for name in signals_in(rule.condition)}
    return {name: UNKNOWN if value is None else written(value, UNITS[name]) for name, value in found.items()}
