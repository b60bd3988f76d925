"""Reading what an HTTP answer says: JSON to its end, and Retry-After in every form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import msgspec

_SHORTEST_WAIT = 1.0  # vendors' windows are whole seconds
_LONGEST_WAIT = 900.0  # beyond it the header is more likely wrong than meant
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?", re.ASCII)


class NotJson(ValueError):
    """The body is not one whole JSON value in UTF-8."""


def parse_json(body: bytes) -> Any:
    """Return the one JSON value that `body` is; duplicate keys: the last one wins.

    Raises NotJson for anything after the value, invalid UTF-8, lone surrogates, NaN, infinities and numbers
    too large for a double.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):  # ValueErrors: no UTF-8, an integer beyond reason
        raise NotJson("not a whole JSON value in UTF-8") from None


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds to wait, at least 1 and at most 900; None where the header is missing or garbage.

    Takes seconds (whole or with a fraction) and HTTP dates, which are compared with `now`; what lies in the past
    counts as 1 second.
    """
    text = (value or "").strip()
    if _NUMBER.fullmatch(text):
        return _clamp(float(text))
    try:
        moment = parsedate_to_datetime(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return _clamp((aware - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def retry_after_of(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return what an answer's Retry-After says; a date there is compared with the server's own Date header."""
    return parse_retry_after(headers.get("retry-after"), server_time(headers) or now)


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Return an answer's Date header in UTC, None where it is missing or garbage."""
    return _date(headers.get("date") or "")


@lru_cache(maxsize=16)
def _date(text: str) -> datetime | None:
    """Return the moment of an HTTP date; each answer's is asked for several times."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def clock_ahead(served_at: datetime, received_at: datetime, seconds: float) -> tuple[float, float]:
    """Return by how many seconds a server's clock is ahead of ours, and how far that may be off.

    `served_at` is its Date, of whole seconds; the answer was `seconds` in coming, and made somewhere within them.
    """
    middle = (received_at - served_at).total_seconds() - seconds / 2
    return 0.5 - middle, 0.5 + seconds / 2


def _clamp(seconds: float) -> float:
    return min(_LONGEST_WAIT, max(_SHORTEST_WAIT, seconds))
