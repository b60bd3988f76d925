"""What is wrong with a file that is no YAML, in the words of somebody who never heard of tokens and scalars."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.units import shown


@dataclass(frozen=True, slots=True)
class Complaint:
    """A parser's complaint: where it noticed (`at`), where what it was reading began (`since`), as line and column."""

    problem: str
    at: tuple[int, int] | None
    since: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Plain:
    """The same in plain words; line and column count from 0, as the parser's do."""

    place: tuple[int, int] | None
    problem: str
    remedy: str


_CANNOT_BEGIN = re.compile(r"found character '(.+)' that cannot start any token")
_KEY = re.compile(r"\s*(?:- )?\s*([A-Za-z_]+)\s+(\S.*)")
_AROUND = "check indentation, quotes and colons around this place"


def in_plain_words(complaint: Complaint, lines: Sequence[str]) -> Plain:
    """Say what is wrong, and where the cause is rather than where it was noticed."""
    said, at, since = complaint.problem, complaint.at, complaint.since
    begun = since or at
    if "could not find expected ':'" in said:
        return _no_colon(begun, lines)
    if said.startswith("found unexpected end of stream"):
        return Plain(begun, "the quote that begins here is never closed", "close it in the same line")
    if said.startswith(("expected ',' or ']'", "expected ',' or '}'")):
        close = said[len("expected ',' or '")]
        return Plain(begun, f"what is opened here is not closed by {close}, or lacks a comma", f"close it with {close}")
    if said.startswith("expected a comment or a line break"):
        return Plain(at, "a value cannot begin with > or |", "write the signal before it, like discrepant_skus > 5")
    return _within_line(said, at, lines)


def _within_line(said: str, at: tuple[int, int] | None, lines: Sequence[str]) -> Plain:
    line = _line(at, lines)
    if found := _CANNOT_BEGIN.match(said):
        if "\\t" in found[1] or "\t" in found[1]:
            return Plain(at, "a tab stands here", "indent with spaces")
        return Plain(at, f"a value cannot begin with {shown(found[1])}", "put the whole value into quotes")
    if "{{" in line and not said.startswith("mapping values"):
        column = line.index("{{")
        place = at if at is None else (at[0], column)
        return Plain(place, "a text that begins with {{ needs quotes", 'write it like "{{ value }} SKUs differ"')
    if said.startswith("mapping values are not allowed"):
        return Plain(at, "there is a colon too many in this line", "put a text that holds a colon into quotes")
    if said.startswith(("expected <block end>", "did not find expected", "expected <document start>")):
        return Plain(at, "this begins in another column than its neighbours", "indent it like the lines it belongs to")
    return Plain(at, "this is not YAML", _AROUND)


def _no_colon(place: tuple[int, int] | None, lines: Sequence[str]) -> Plain:
    found = _KEY.fullmatch(_line(place, lines))
    remedy = f"write `{found[1]}: {found[2].strip()}`" if found else "write `key: value`"
    return Plain(place, "a colon is missing in this line", remedy)


def _line(place: tuple[int, int] | None, lines: Sequence[str]) -> str:
    return lines[place[0]] if place is not None and place[0] < len(lines) else ""
