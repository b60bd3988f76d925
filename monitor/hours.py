"""Weekly times in a place's own time, with holidays: when a shop is open, when maintenance recurs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time
from zoneinfo import ZoneInfo

from monitor.units import Unfit, did_you_mean, shown

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIMES = re.compile(r"\s*([A-Za-z,\s-]+?)\s+(\d{2}:\d{2})\s*-\s*(\d{2}:\d{2})\s*")
_CLOCK = re.compile(r"(?:([01]\d|2[0-3]):([0-5]\d))|24:00")
_EXAMPLE = 'write it like "mon-fri 09:00-20:00" or "sat,sun 10:00-18:00"'


@dataclass(frozen=True, slots=True)
class Times:
    """From one time of day to another on some days of the week (0: Monday); over midnight where `end` is not later."""

    days: frozenset[int]
    begin: time
    end: time  # 00:00: the day's end


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly times in a zone; nothing begins on a holiday. `outside` turns open and closed around."""

    zone: ZoneInfo
    times: tuple[Times, ...]
    holidays: frozenset[date] = frozenset()
    outside: bool = False


def times(text: object) -> Times:
    """Return what a text like "mon-fri 09:00-20:00" names; raises Unfit."""
    found = _TIMES.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise Unfit(f"{shown(text)} does not name weekly times", _EXAMPLE)
    begin, end = _clock(found[2]), _clock(found[3])
    if begin == end and found[2] == found[3]:
        raise Unfit(f"{shown(text)} ends when it begins", "for a whole day write 00:00-24:00")
    return Times(frozenset(_days(found[1])), begin, end)


def _clock(text: str) -> time:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise Unfit(f"{shown(text)} is not a time of day", "use 00:00 to 24:00")
    return time(int(found[1]), int(found[2])) if found[1] else time(0)


def _days(text: str) -> set[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().lower().partition("-")
        begin, end = _day(first), _day(last) if last else _day(first)
        days |= {day % len(_DAYS) for day in range(begin, end + (len(_DAYS) if end < begin else 0) + 1)}
    return days


def _day(text: str) -> int:
    if text.strip()[:3] not in _DAYS:
        raise Unfit(f"{shown(text)} is not a day of the week", did_you_mean(text.strip(), _DAYS))
    return _DAYS.index(text.strip()[:3])
