"""Durations, shares and numbers, read and written as people write them: `1h30m`, `5%`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

_SECONDS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)([a-z]+)")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[a-z]+)+")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_LONGEST = timedelta(days=3_660)
_LARGEST = 1e12  # beyond what anybody counts
UNKNOWN = "unknown"
"""What is written where there is no value."""


class Unit(StrEnum):
    """What a signal is measured in."""

    COUNT = "count"
    DURATION = "duration"
    RATIO = "ratio"


class Unfit(ValueError):
    """A text cannot be understood: what is wrong, what would be right, and how many characters `within` that is."""

    def __init__(self, problem: str, remedy: str, *, within: int = 0) -> None:
        self.problem = problem
        self.remedy = remedy
        self.within = within
        super().__init__(f"{problem}; {remedy}")


def duration(text: object) -> timedelta:
    """Return the duration that `text` names; raises Unfit."""
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        raise Unfit(f"{shown(text)} is not a duration", "write it like 60s, 5m or 1h30m")
    if not isinstance(text, str):
        raise Unfit(f"{text} has no unit", f"write {text}s for seconds, {text}m for minutes")
    squeezed = "".join(text.lower().split())
    if not _DURATION.fullmatch(squeezed):
        bare = squeezed if _NUMBER.fullmatch(squeezed) else ""
        raise Unfit(f"{shown(text)} is not a duration", f"write it like {bare or 60}s, {bare or 5}m or 1h30m")
    seconds, largest = 0.0, float("inf")
    for amount, unit in _PART.findall(squeezed):
        size = _SECONDS.get(unit)
        if size is None:
            raise Unfit(f"{shown(unit)} is not a unit of time", "use s, m, h, d or w, as in 1h30m")
        if size >= largest:
            raise Unfit(f"{shown(text)} names its units out of order", "write the largest first, each once: 1h30m")
        largest = size
        seconds += float(amount) * size
    if seconds > _LONGEST.total_seconds():
        raise Unfit(f"{shown(text)} is longer than ten years", "write a shorter duration")
    return timedelta(seconds=seconds)


def share(text: object) -> float:
    """Return the share, 0 to 1, that a percentage names; raises Unfit."""
    if isinstance(text, str) and (found := _SHARE.fullmatch(text.strip())):
        percent = float(found[1])
        if percent > 100:  # noqa: PLR2004 - a whole has 100 per cent
            raise Unfit(f"{shown(text)} is more than everything", "write a percentage from 0% to 100%")
        return percent / 100
    bare = text if isinstance(text, int | float) and not isinstance(text, bool) and 0 <= text <= 100 else 5  # noqa: PLR2004
    percent = bare * 100 if isinstance(bare, float) and bare <= 1 else bare
    raise Unfit(f"{shown(text)} is not a percentage", f"write it like {percent:g}%")


def limit(name: str, text: str, unit: Unit) -> float:
    """Return the limit that `text` names for a signal measured in `unit`; raises Unfit."""
    try:
        match unit:
            case Unit.DURATION:
                return duration(_literal(text)).total_seconds()
            case Unit.RATIO:
                return share(_literal(text))
            case Unit.COUNT:
                return _plain(text)
    except Unfit as unfit:
        raise Unfit(f"{name} is measured as a {unit.value}, but {unfit.problem}", unfit.remedy) from unfit


def _plain(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise Unfit(f"{shown(text)} is not a plain number", "write it without a unit, like 5")
    number = float(text)
    if abs(number) > _LARGEST:
        raise Unfit(f"{shown(text)} is too large", f"write a number of at most {_LARGEST:.0f}")
    return number


def _literal(text: str) -> int | float | str:
    if text.isdecimal():
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def written(value: float, unit: Unit) -> str:
    """Write a value of `unit` for people: "7", "12m 30s", "5.2%"."""
    match unit:
        case Unit.DURATION:
            return written_duration(timedelta(seconds=value))
        case Unit.RATIO:
            return f"{value * 100:.1f}".rstrip("0").rstrip(".") + "%"
        case Unit.COUNT:
            return f"{value:g}" if value != int(value) else str(int(value))


def written_as(value: float | None, unit: Unit) -> str:
    """Write a value of `unit` for people, also where there is none."""
    return UNKNOWN if value is None or value != value else written(value, unit)  # noqa: PLR0124 - NaN is unlike itself


def written_duration(length: timedelta) -> str:
    """Write a duration with its two largest units: "1h 30m", "45s"."""
    rest = round(length.total_seconds())
    if rest <= 0:
        return "0s"
    parts = []
    for unit, size in _SECONDS.items():
        if unit != "w" and rest >= size:
            parts.append(f"{rest // size}{unit}")
            rest %= size
    return " ".join(parts[:2])


class _Display:
    """In which zone this process writes moments for people: one for all of them, as `timezone` in alerts.yaml says."""

    zone: tzinfo = UTC


def show_moments_in(zone: tzinfo) -> None:
    """Write moments for people in this zone from now on."""
    _Display.zone = zone


def local(moment: datetime) -> datetime:
    """Return a moment in the zone in which people read it; one without a zone of its own is already in that."""
    return moment.astimezone(_Display.zone) if moment.tzinfo is not None else moment.replace(tzinfo=_Display.zone)


def written_minute(moment: datetime | None) -> str:
    """Write a moment to the minute, with its zone's abbreviation; "" for none."""
    return "" if moment is None else f"{local(moment):%Y-%m-%d %H:%M %Z}"


def written_second(moment: datetime | None) -> str:
    """Write a moment to the second, with its zone's abbreviation; "" for none."""
    return "" if moment is None else f"{local(moment):%Y-%m-%d %H:%M:%S %Z}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return what somebody probably meant by an unknown word, or all the words there are."""
    words = {each.lower(): each for each in sorted(known)}
    close = get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    return f"did you mean {words[close[0]]}?" if close else f"known are {', '.join(words.values())}"


def encodable(text: str) -> str:
    """Return a text without the halves of characters, which no file, message or database takes."""
    return text.encode("utf-8", "ignore").decode("utf-8")


def shown(value: object, longest: int = 60) -> str:
    """Quote a foreign value, safe for a terminal and not too long."""
    text = value if isinstance(value, str) else repr(value)
    return ascii(text if len(text) <= longest else text[:longest] + "...")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where there is not one: 1 SKU, 3 SKUs."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
