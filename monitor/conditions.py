"""Conditions over signals: comparisons joined by `and` and `or`, where `and` binds tighter; read, written, decided.

A condition over a signal without a number is decided where the rest decides it: `a > 5 or b > 5` holds with b alone,
`a > 5 and b > 5` fails with b alone, and everything else is unknown.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from monitor.units import Unfit, Unit, did_you_mean, limit, shown, written

_COMPARISON = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*(>=|<=|==|!=|>|<)\s*(\S(?:.*\S)?)\s*", re.DOTALL)
_WORD = re.compile(r"[()]|\b(?:and|or)\b", re.IGNORECASE)
_LONGEST = 1_000  # characters; a condition longer than this is a mistake, and bounds the depth of parentheses
_EXAMPLE = "write SIGNAL OPERATOR NUMBER, like discrepant_skus > 5"


class Op(StrEnum):
    """How a signal is compared with its limit."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="
    EQUAL = "=="
    UNEQUAL = "!="


_COMPARE: Mapping[Op, Callable[[float, float], bool]] = {
    Op.ABOVE: operator.gt,
    Op.AT_LEAST: operator.ge,
    Op.BELOW: operator.lt,
    Op.AT_MOST: operator.le,
    Op.EQUAL: operator.eq,
    Op.UNEQUAL: operator.ne,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of a signal with a limit: a number, seconds, or a share from 0 to 1, by `unit`."""

    signal: str
    op: Op
    limit: float
    unit: Unit

    def __str__(self) -> str:
        """Write it as people write it."""
        return f"{self.signal} {self.bound}"

    @property
    def bound(self) -> str:
        """Return operator and limit as people write them: "> 10m"."""
        return f"{self.op} {written(self.limit, self.unit)}"

    def holds(self, value: float) -> bool:
        """Tell whether a value of the signal fulfils it."""
        return _COMPARE[self.op](value, self.limit)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds where every part does."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        """Write it as people write it."""
        return " and ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where at least one part does."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        """Write it as people write it."""
        return " or ".join(str(part) for part in self.parts)


Condition: TypeAlias = Comparison | AllOf | AnyOf


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Yield the comparisons of a condition, as they are written from left to right."""
    if isinstance(condition, Comparison):
        yield condition
        return
    for part in condition.parts:
        yield from comparisons(part)


def signals_in(condition: Condition) -> tuple[str, ...]:
    """Return the signals that a condition names, each once, in its order."""
    return tuple(dict.fromkeys(each.signal for each in comparisons(condition)))


def exact(condition: Condition) -> str:
    """Write a condition without rounding; equal texts mean the same, over versions of this program too."""
    match condition:
        case Comparison():
            return f"{condition.signal} {condition.op.value} {float(condition.limit)!r}"
        case AllOf():
            return f"({' and '.join(exact(part) for part in condition.parts)})"
        case AnyOf():
            return f"({' or '.join(exact(part) for part in condition.parts)})"


def decide(condition: Condition, values: Mapping[str, float | None]) -> bool | None:
    """Tell whether a condition holds; None where the numbers that there are do not tell."""
    match condition:
        case Comparison():
            value = values.get(condition.signal)
            return None if value is None else condition.holds(value)
        case AllOf():
            return _decided([decide(part, values) for part in condition.parts], by=False)
        case AnyOf():
            return _decided([decide(part, values) for part in condition.parts], by=True)


def _decided(parts: list[bool | None], *, by: bool) -> bool | None:
    """Return `by` where one part is that; the opposite where all are; else None."""
    if by in parts:
        return by
    return None if None in parts else not by


# --- reading ---

_SIGNS = re.compile(r"[<>=!]+")
_SLIPS = {"=>": ">=", "=<": "<=", "<>": "!=", "=": "=="}
"""What people write for an operator, and the operator."""


def condition(text: object, units: Mapping[str, Unit]) -> Condition:
    """Return the condition that `text` names over signals with these `units`; raises Unfit."""
    if not isinstance(text, str) or not text.strip():
        raise Unfit(f"{shown(text)} is not a condition", _EXAMPLE)
    if len(text) > _LONGEST:
        raise Unfit(f"a condition of {len(text)} characters is too long", f"use at most {_LONGEST}")
    return _Reader(text, units).whole()


class _Reader:
    """Reads a condition from its words: parentheses, `and`, `or`, and the comparisons between them."""

    def __init__(self, text: str, units: Mapping[str, Unit]) -> None:
        self._units = units
        self._words = [*_words(text), _Word("", len(text.rstrip()))]
        self._at = 0

    def whole(self) -> Condition:
        found = self._any_of()
        if self._word.text:
            raise self._odd("a parenthesis is closed that was never opened", "remove it, or add the other one")
        return found

    @property
    def _word(self) -> _Word:
        """The next word; the last one is empty."""
        return self._words[self._at]

    def _any_of(self) -> Condition:
        parts = [self._all_of()]
        while self._word.lower == "or":
            self._at += 1
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else AnyOf(_flat(parts, AnyOf))

    def _all_of(self) -> Condition:
        parts = [self._one()]
        while self._word.lower == "and":
            self._at += 1
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else AllOf(_flat(parts, AllOf))

    def _one(self) -> Condition:
        word = self._word
        if word.text == "(":
            return self._inner()
        if word.lower in ("", ")", "and", "or"):
            raise self._odd(f"a comparison is missing {f'before {word.text}' if word.text else 'at the end'}", _EXAMPLE)
        self._at += 1
        if self._word.text == "(":
            raise self._odd("something stands before a parenthesis", "join both with `and` or `or`")
        return _comparison(word, self._units)

    def _inner(self) -> Condition:
        self._at += 1
        inner = self._any_of()
        if self._word.text != ")":
            raise self._odd("a parenthesis is not closed", "add the other one")
        self._at += 1
        if self._word.lower not in ("", ")", "and", "or"):
            raise self._odd("something stands behind a parenthesis", "join both with `and` or `or`")
        return inner

    def _odd(self, problem: str, remedy: str) -> Unfit:
        return Unfit(problem, remedy, within=self._word.begin)


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    begin: int  # characters before it

    @property
    def lower(self) -> str:
        return self.text.lower()


def _words(text: str) -> list[_Word]:
    """Cut a text at parentheses, `and` and `or`, which stay words of their own."""
    words, end = [], 0
    for found in (*_WORD.finditer(text), None):
        begin = len(text) if found is None else found.start()
        between = text[end:begin]
        words.append(_Word(between.strip(), end + len(between) - len(between.lstrip())))
        if found is not None:
            words.append(_Word(found[0], begin))
            end = found.end()
    return [word for word in words if word.text]


def _flat(parts: list[Condition], kind: type[AllOf | AnyOf]) -> tuple[Condition, ...]:
    """Take the parts of inner conditions of the same kind for one's own."""
    return tuple(each for part in parts for each in (part.parts if isinstance(part, kind) else (part,)))


def _comparison(word: _Word, units: Mapping[str, Unit]) -> Comparison:
    found = _COMPARISON.fullmatch(word.text)
    sign = _SIGNS.search(word.text)
    if sign is not None and sign[0] in _SLIPS:
        raise Unfit(f"{sign[0]} is not an operator", f"write {_SLIPS[sign[0]]}", within=word.begin + sign.start())
    if found is None:
        raise Unfit(f"{shown(word.text)} is not a condition", _EXAMPLE, within=word.begin)
    name, op, bound = found.groups()
    unit = units.get(name)
    if unit is None:
        raise Unfit(f"there is no signal {shown(name)}", did_you_mean(name, units), within=word.begin)
    try:
        return Comparison(name, Op(op), limit(name, bound, unit), unit)
    except Unfit as unfit:
        raise Unfit(unfit.problem, unfit.remedy, within=word.begin + found.start(3)) from unfit
