"""Weekly times in a place's own time, with holidays: when a shop is open, when maintenance recurs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.units import Unfit, did_you_mean, shown

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIMES = re.compile(r"\s*([A-Za-z,\s-]+?)\s+(\d{2}:\d{2})\s*-\s*(\d{2}:\d{2})\s*")
_CLOCK = re.compile(r"(?:([01]\d|2[0-3]):([0-5]\d))|24:00")
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_INSTANT = timedelta(microseconds=1)
_WEEK, _YEAR = 9, 400  # days to look ahead: first as far as weekly times go, then over holidays
_WEEK_TIME = re.compile(r"\s*([A-Za-z]+)\s+(\d{2}:\d{2})\s*")
_EXAMPLE = 'write it like "mon-fri 09:00-20:00" or "sat,sun 10:00-18:00"'


@dataclass(frozen=True, slots=True)
class WeekTime:
    """A time of day on one day of the week (0: Monday)."""

    day: int
    at: time

    def __str__(self) -> str:
        return f"{_DAYS[self.day]} {self.at:%H:%M}"


@dataclass(frozen=True, slots=True)
class Times:
    """From one time of day to another on some days of the week (0: Monday); over midnight where `end` is not later."""

    days: frozenset[int]
    begin: time
    end: time  # 00:00: the day's end

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Return beginning and end, in UTC, of what begins on a day; None where nothing does."""
        if day.weekday() not in self.days:
            return None
        last = day + _DAY if self.end <= self.begin else day
        begin = instant(datetime.combine(day, self.begin), zone)
        return begin, instant(datetime.combine(last, self.end), zone, last=True)


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly times in a zone; nothing begins on a holiday. `outside` turns open and closed around."""

    zone: ZoneInfo
    times: tuple[Times, ...]
    holidays: frozenset[date] = frozenset()
    outside: bool = False

    def open_at(self, moment: datetime) -> bool:
        """Tell whether a moment lies within; its beginning does, its end does not."""
        within = any(begin <= moment < end for begin, end in self._spans(moment, 1))
        return within is not self.outside

    def opening_after(self, moment: datetime) -> datetime | None:
        """Return when it opens next, later than a moment; None where that is not within about a year."""
        for days in (_WEEK, _YEAR):
            edges = sorted(span[self.outside] for span in self._spans(moment, days))
            for edge in edges:
                if edge > moment and self.open_at(edge) and not self.open_at(edge - _INSTANT):
                    return edge
        return None

    def closing_after(self, moment: datetime) -> datetime | None:
        """Return when it closes next, later than a moment; None where that is not within about a year."""
        return replace(self, outside=not self.outside).opening_after(moment)

    def _spans(self, moment: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        """Yield what begins from two days before a moment to some days after it."""
        today = moment.astimezone(self.zone).date()
        for day in (today + number * _DAY for number in range(-2, days + 1)):
            if day not in self.holidays:
                yield from (span for each in self.times if (span := each.on(day, self.zone)) is not None)


def instant(local: datetime, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """Return the moment, in UTC, of a local time without a zone.

    A time that comes twice, as clocks are set back, is the first of both, or the `last`. One that never comes, as
    clocks are set forward, is the moment at which they are.
    """
    moment = local.replace(tzinfo=zone, fold=int(last)).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    before, after = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after


def week_time(text: object) -> WeekTime:
    """Return what a text like "mon 08:00" names; raises Unfit."""
    found = _WEEK_TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[2] == "24:00":
        raise Unfit(f"{shown(text)} is not a time of the week", 'write day, hours and minutes, like "mon 08:00"')
    return WeekTime(_day(found[1].lower()), _clock(found[2]))


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
