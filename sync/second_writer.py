"""Finds links whose stock in Shopify somebody else keeps writing: a change comes back after each correction; pure.

One change by hand is corrected once and stays corrected. Another app that syncs the same stock puts its own number
back, again and again. Counted are changes that nothing explains: confirmed drift that was corrected, and drift so large
that it waits for a person. What is put down to goods oversold is none of these.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WINDOW = timedelta(days=1)
"""How far back changes are counted."""
_RETURNS = 3  # times that the same number must have come back
_PUSHES = 4  # changes in the same direction that no single hand makes in a day


@dataclass(frozen=True, slots=True)
class Tampering:
    """A change of Shopify's number that nothing explained, as it was confirmed; `shown` is the number somebody set."""

    link_id: int
    sku: str
    at: datetime
    units: int
    shown: int | None = None


class Pattern(StrEnum):
    """Why a link is said to have a second writer."""

    RETURNS = "the same number came back after each correction"
    PUSHES = "it was changed in the same direction again and again"


@dataclass(frozen=True, slots=True)
class SecondWriter:
    """A link with a second writer: how often it wrote since when, and the number it sets, where that is always one."""

    link_id: int
    sku: str
    pattern: Pattern
    times: int
    since: datetime
    number: int | None = None


def second_writers(changes: Iterable[Tampering]) -> Sequence[SecondWriter]:
    """Return the links that somebody else keeps writing to, the busiest first; `changes` are those of the window."""
    by_link: defaultdict[int, list[Tampering]] = defaultdict(list)
    for each in changes:
        by_link[each.link_id].append(each)
    found = [writer for each in by_link.values() if (writer := _writer(each)) is not None]
    return sorted(found, key=lambda each: (-each.times, each.link_id))


def _writer(changes: Sequence[Tampering]) -> SecondWriter | None:
    shown = Counter(each.shown for each in changes if each.shown is not None)
    number, returns = shown.most_common(1)[0] if shown else (None, 0)
    if returns >= _RETURNS:
        same = [each for each in changes if each.shown == number]
        return _said(same, Pattern.RETURNS, number)
    for direction in (1, -1):
        pushes = [each for each in changes if each.units * direction > 0]
        if len(pushes) >= _PUSHES:
            return _said(pushes, Pattern.PUSHES, None)
    return None


def _said(changes: Sequence[Tampering], pattern: Pattern, number: int | None) -> SecondWriter:
    first = changes[0]
    since = min(each.at for each in changes)
    return SecondWriter(first.link_id, first.sku, pattern, len(changes), since, number)


def sentence(writer: SecondWriter) -> str:
    """Return in words what somebody else does to a link."""
    to = "" if writer.number is None else f" ({writer.number})"
    return f"{writer.pattern.value}{to}, {writer.times} times"
