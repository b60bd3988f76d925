"""Reads stock levels as Shopify's REST API exports them (`inventory_levels.json`), one answer or several; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.rollback_ports import PastRow

_ITEM = "gid://shopify/InventoryItem/"
_MOST_UNITS = 10**9
_LEVELS = "inventory_levels"
_BLANK = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Export:
    """The rows of our location; `elsewhere` counts those of others, `untracked` those without a number."""

    rows: tuple[PastRow, ...]
    elsewhere: int = 0
    untracked: int = 0


def read_export(text: str, location_id: str) -> Export:
    """Return the levels of a location (gid or number). Raises ValueError with a sentence where it is no such export."""
    home, elsewhere, untracked = location_id.rsplit("/", 1)[-1], 0, 0
    rows: dict[str, PastRow] = {}
    for place, level in enumerate(_levels(text), start=1):
        if str(_field(level, "location_id", place)) != home:
            elsewhere += 1
        elif level.get("available") is None:
            untracked += 1
        else:
            row = _row(level, place)
            known = rows.get(row.inventory_item_id)
            if known is None or (known.since is None or (row.since is not None and row.since >= known.since)):
                rows[row.inventory_item_id] = row
    if not rows and elsewhere:
        raise ValueError(f"none of its {elsewhere} rows is of location {home}")
    return Export(tuple(rows.values()), elsewhere, untracked)


def _levels(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the levels of every answer in the text: long exports are pages, put one behind the other."""
    decoder, at, text = json.JSONDecoder(), 0, text.strip()
    if not text:
        raise ValueError("the file is empty")
    while at < len(text):
        try:
            answer, end = decoder.raw_decode(text, at)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        if not isinstance(answer, dict):
            raise ValueError('it is no answer with "inventory_levels"')  # noqa: TRY004 - what is wrong is the file
        if "errors" in answer:
            raise ValueError(f"it holds no stock but Shopify's refusal of the export: {answer['errors']}")
        if not isinstance(answer.get(_LEVELS), list):
            raise ValueError('it has no list "inventory_levels"')  # noqa: TRY004 - what is wrong is the file
        yield from answer[_LEVELS]
        blank = _BLANK.match(text, end)
        at = end if blank is None else blank.end()


def _row(level: Mapping[str, Any], place: int) -> PastRow:
    units, moment = level["available"], level.get("updated_at")
    if isinstance(units, bool) or not isinstance(units, int):
        raise ValueError(f"row {place}: available is not a whole number")  # noqa: TRY004 - as above
    if abs(units) > _MOST_UNITS:
        raise ValueError(f"row {place}: {units} units are more than any shop has")
    item = str(_field(level, "inventory_item_id", place))
    try:
        since = None if moment is None else datetime.fromisoformat(moment)
    except (TypeError, ValueError):
        raise ValueError(f"row {place}: updated_at is not a moment") from None
    if since is not None and since.tzinfo is None:
        raise ValueError(f"row {place}: updated_at names no time zone")
    return PastRow(_ITEM + item, units, since=since)


def _field(level: object, name: str, place: int) -> int:
    """Return an id, which is a whole number, as JSON numbers or digits."""
    value = level.get(name) if isinstance(level, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"row {place}: {name} is not a number")
    return value
