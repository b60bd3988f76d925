"""Shopify's search syntax: what a `query:` argument means, and what is warned about when it means little.

Unknown filters are ignored and only a warning tells. A date without quotes ends at its first colon, is then read
as midnight in the shop's zone, and the rest of it becomes a stray filter called "00".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sandbox.shopify.index import Doc

Predicate = Callable[[Doc], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))
    |(?P<minus>-(?=[\w"'(]))
    |(?P<field>[\w.]+):(?P<op>>=|<=|>|<)?
    |:(?P<op2>>=|<=|>|<)?
    |"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'
    |(?P<bare>[^\s():"']+))""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")
_RANGES = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


class Kind(Enum):
    """How a filter's values are compared."""

    DATE = "date"
    NUMBER = "number"
    TEXT = "text"
    FLAG = "flag"
    STATUS = "status"  # an order's open, closed, cancelled, not_closed


class Token(NamedTuple):
    """One piece of the query: `kind` is open, close, minus, field, stray, text or word."""

    kind: str
    text: str
    comparison: str = ""


@dataclass(slots=True)
class Found:
    """What a query came to: a test (None: everything passes), its echo, and the warnings."""

    predicate: Predicate | None
    parsed: dict[str, Any]
    warnings: list[dict[str, str]] = field(default_factory=list)


def tokens(query: str) -> list[Token]:
    """Cut a query into pieces; what cannot be understood is skipped."""
    found: list[Token] = []
    place = 0
    while place < len(query):
        match = _TOKEN.match(query, place)
        if match is None or match.end() == place:
            place += 1
            continue
        place = match.end()
        found.append(_token(match))
    return found


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or "stray"
    if match["field"] is not None:
        return Token("field", match["field"], match["op"] or "")
    for quoted in ("double", "single"):
        if match[quoted] is not None:
            return Token("text", _ESCAPED.sub(r"\1", match[quoted]))
    if match["bare"] is not None:
        return Token("word", match["bare"])
    if kind in ("open", "close", "minus"):
        return Token(kind, "")
    return Token("stray", "", match["op2"] or "")


def search(query: str, fields: Mapping[str, Kind], zone: ZoneInfo) -> Found:
    """Return the meaning of `query` over objects with the filters `fields` in a shop whose zone is `zone`."""
    return _Reader(tokens(query), fields, zone).read()


class _Term(NamedTuple):
    """Part of the meaning: a test (None: ignored) and its echo (None: nothing to show)."""

    test: Predicate | None
    parsed: dict[str, Any] | None


class _Reader:
    """Reads tokens into one test: OR binds weakest, terms side by side are ANDed."""

    def __init__(self, pieces: list[Token], fields: Mapping[str, Kind], zone: ZoneInfo) -> None:
        self._pieces = pieces
        self._place = 0
        self._fields = fields
        self._zone = zone
        self._warnings: list[dict[str, str]] = []

    def read(self) -> Found:
        term = self._either()
        while self._peek() is not None:  # a bracket too many
            self._place += 1
            term = _joined([term, self._either()], "and")
        return Found(term.test, term.parsed or {}, self._warnings)

    def _peek(self) -> Token | None:
        return self._pieces[self._place] if self._place < len(self._pieces) else None

    def _either(self) -> _Term:
        terms = [self._all()]
        while (token := self._peek()) is not None and token == Token("word", "OR"):
            self._place += 1
            terms.append(self._all())
        return _joined(terms, "or")

    def _all(self) -> _Term:
        terms: list[_Term] = []
        while (token := self._peek()) is not None and token.kind != "close" and token != Token("word", "OR"):
            if token == Token("word", "AND"):
                self._place += 1
                continue
            terms.append(self._one())
        return _joined(terms, "and")

    def _one(self) -> _Term:
        token = self._pieces[self._place]
        self._place += 1
        match token.kind:
            case "minus":
                return _negated(self._one())
            case "open":
                inner = self._either()
                closing = self._peek()
                self._place += closing is not None and closing.kind == "close"
                return inner
            case "field":
                return self._filter(token, self._value())
            case "stray":
                return self._stray()
        if token == Token("word", "NOT") and self._peek() is not None:
            return _negated(self._one())
        return _Term(_containing(token.text), {"match_all": token.text})

    def _value(self) -> Token | None:
        token = self._peek()
        if token is None:
            return None
        if token.kind not in ("text", "word"):
            return None
        self._place += 1
        return token

    def _stray(self) -> _Term:
        """Pass over a colon that no filter's name precedes; in an unquoted time, the next "00" looks like one."""
        if self._value() is not None:
            self._warn("", "A search field name is missing before the colon.", "missing_named_field")
        return _Term(None, None)

    def _warn(self, name: str, message: str, code: str) -> None:
        self._warnings.append({"field": name, "message": message, "code": code})

    def _filter(self, token: Token, value: Token | None) -> _Term:
        name, text = token.text, value.text if value is not None else ""
        parsed = _echo(name, token.comparison, text)
        kind = self._fields.get(name)
        if kind is None:
            self._warn(name, "Invalid search field for this query.", "invalid_field")
            return _Term(None, parsed)
        test, shown = _comparison(kind, name, token.comparison, text, self._zone)
        if test is None:
            self._warn(name, f"Input `{text}` is not an accepted value.", "invalid_value")
            return _Term(None, parsed)
        return _Term(test, _echo(name, token.comparison, shown))


def _echo(name: str, comparison: str, text: str) -> dict[str, Any]:
    if comparison:
        return {"field": name, "range": {_RANGES[comparison]: text}}
    return {"field": name, "match_all": text}


def _joined(terms: list[_Term], word: str) -> _Term:
    tests = [term.test for term in terms if term.test is not None]
    shown = [term.parsed for term in terms if term.parsed]
    parsed = {word: shown} if len(shown) > 1 else next(iter(shown), None)
    if len(tests) < 2:
        return _Term(tests[0] if tests else None, parsed)
    first, *rest = tests
    if word == "or":
        return _Term(lambda doc: first(doc) or any(test(doc) for test in rest), parsed)
    return _Term(lambda doc: first(doc) and all(test(doc) for test in rest), parsed)


def _negated(term: _Term) -> _Term:
    test = term.test
    return _Term(None if test is None else lambda doc: not test(doc), {"not": term.parsed} if term.parsed else None)


def _containing(text: str) -> Predicate:
    """Look for a word without a field in every text."""
    wanted = text.casefold().strip("*")
    return lambda doc: any(wanted in value.casefold() for value in doc.values() if isinstance(value, str))


def _comparison(kind: Kind, name: str, comparison: str, text: str, zone: ZoneInfo) -> tuple[Predicate | None, str]:
    """Return the test and the value as it was understood; no test for a value that makes no sense."""
    match kind:
        case Kind.DATE:
            moment = _moment(text, zone)
            return (None, text) if moment is None else (_dated(name, comparison, moment), moment.isoformat())
        case Kind.NUMBER:
            number = text.rsplit("/", 1)[-1]
            if re.fullmatch(r"-?\d+", number) is None:
                return None, text
            return _numbered(name, comparison, int(number)), number
        case Kind.FLAG:
            wanted = text.casefold()
            return (None if wanted not in ("true", "false") else lambda doc: doc[name] is (wanted == "true")), text
        case Kind.STATUS:
            return _status(text), text
        case _:
            return _texts(name, text), text


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """Read a date; what has no time of day is midnight, what has no zone is in the shop's."""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d", text):
        text = text[:10]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _dated(name: str, comparison: str, moment: datetime) -> Predicate:
    """Both bounds are inclusive: `<` was echoed as "lte" in a recorded answer."""
    match comparison:
        case ">" | ">=":
            return lambda doc: (found := doc[name]) is not None and found >= moment
        case "<" | "<=":
            return lambda doc: (found := doc[name]) is not None and found <= moment
        case _:
            return lambda doc: doc[name] == moment


def _numbered(name: str, comparison: str, number: int) -> Predicate:
    match comparison:
        case ">":
            return lambda doc: bool(doc[name] > number)
        case ">=":
            return lambda doc: bool(doc[name] >= number)
        case "<":
            return lambda doc: bool(doc[name] < number)
        case "<=":
            return lambda doc: bool(doc[name] <= number)
        case _:
            return lambda doc: bool(doc[name] == number)


def _status(text: str) -> Predicate | None:
    match text.casefold():
        case "open":
            return lambda doc: not doc["closed"] and not doc["cancelled"]
        case "closed":
            return lambda doc: bool(doc["closed"])
        case "cancelled":
            return lambda doc: bool(doc["cancelled"])
        case "not_closed":
            return lambda doc: not doc["closed"]
        case _:
            return None


def _texts(name: str, text: str) -> Predicate:
    """Whole values without regard to case; a trailing * matches a beginning, a comma separates alternatives."""
    wanted = tuple(part.casefold() for part in text.split(","))

    def fits(value: str) -> bool:
        folded = value.casefold()
        return any(folded.startswith(w[:-1]) if w.endswith("*") else folded == w for w in wanted)

    def test(doc: Doc) -> bool:
        found = doc[name]
        return any(map(fits, found)) if isinstance(found, tuple) else fits(found)

    return test
