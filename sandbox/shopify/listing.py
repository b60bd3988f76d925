"""Connections: sorted, filtered, cut into pages with opaque cursors."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, Self

from graphql import GraphQLError

from sandbox.shopify.index import Entry
from sandbox.shopify.search import Predicate

PAGE_LIMIT = 250
REACH = 25_000
"""Paging ends at this many objects, however many there are, and does not say so."""
SortValue = Any


class Edge(NamedTuple):
    """One row with the cursor that points behind it."""

    node: Any
    cursor: str


class Page:
    """One answered page: `nodes`, or `edges`, and `page_info`."""

    def __init__(
        self, entries: Sequence[Entry], key: Callable[[Entry], SortValue], *, more: bool, earlier: bool
    ) -> None:
        self._entries = entries
        self._key = key
        self.has_next_page = more
        self.has_previous_page = earlier

    @property
    def nodes(self) -> list[Any]:
        """The rows."""
        return [entry.row for entry in self._entries]

    @property
    def edges(self) -> list[Edge]:
        """The rows with their cursors."""
        return [Edge(entry.row, self._cursor(entry)) for entry in self._entries]

    @property
    def page_info(self) -> Self:
        """PageInfo is answered from the page itself."""
        return self

    @property
    def start_cursor(self) -> str | None:
        """Points at the first row."""
        return self._cursor(self._entries[0]) if self._entries else None

    @property
    def end_cursor(self) -> str | None:
        """Points at the last row; `after:` it the next page begins."""
        return self._cursor(self._entries[-1]) if self._entries else None

    def _cursor(self, entry: Entry) -> str:
        value = self._key(entry)
        shown = value.isoformat() if isinstance(value, datetime) else value
        text = json.dumps({"last_id": entry.number, "last_value": shown})
        return base64.b64encode(text.encode()).decode()


def as_entries(rows: Iterable[Any]) -> list[Entry]:
    """Make entries of rows that no index holds; their place is their number where they have none."""
    return [Entry(getattr(row, "number", place), row, {}) for place, row in enumerate(rows, 1)]


def number_of(entry: Entry) -> int:
    """Sort by the object's own number."""
    return entry.number


def page(
    entries: Sequence[Entry],
    asked: dict[str, Any],
    *,
    key: Callable[[Entry], SortValue] = number_of,
    keep: Predicate | None = None,
    unpaged: bool = False,
    reach: int = REACH,
) -> Page:
    """Return the page that the arguments first, after, last, before and reverse ask for.

    `entries` are in the order of their numbers, and `key` sorts them anew unless it is `number_of`. A walk forward
    ends after `reach` objects. Raises
    GraphQLError for more than 250 rows, for neither first nor last, and for a cursor nobody gave out.
    """
    backwards = bool(asked.get("reverse"))
    rows = entries if key is number_of else sorted(entries, key=lambda entry: (key(entry), entry.number))
    if unpaged:
        kept = [entry for entry in rows if keep is None or keep(entry.doc)]
        return Page(kept[::-1] if backwards else kept, key, more=False, earlier=False)
    if backwards:
        rows = rows[::-1]
    size = _size(asked)
    lower = _place(rows, asked.get("after"), key, backwards=backwards, behind=True)
    upper = _place(rows, asked.get("before"), key, backwards=backwards, behind=False)
    window = islice(rows, lower, upper)
    matching = (entry for entry in window if keep is None or keep(entry.doc))
    if asked.get("first") is not None:
        left = reach - _passed(rows, lower, keep) if len(rows) > reach else size + 1
        size = min(size, left)
        found = list(islice(matching, min(size + 1, left)))
        return Page(found[:size], key, more=len(found) > size, earlier=bool(lower))
    found = list(matching)
    return Page(found[-size:] if size else [], key, more=upper is not None, earlier=len(found) > size)


def _passed(rows: Sequence[Entry], lower: int | None, keep: Predicate | None) -> int:
    """Return how many objects lie before the page."""
    return sum(1 for entry in islice(rows, lower) if keep is None or keep(entry.doc)) if lower else 0


def _size(asked: dict[str, Any]) -> int:
    first, last = asked.get("first"), asked.get("last")
    size = first if first is not None else last
    if size is None:
        raise refused("you must provide one of first or last")
    if not 0 <= size <= PAGE_LIMIT:
        raise refused(f"The page size must lie between 0 and {PAGE_LIMIT}, {size} was asked for.")
    return int(size)


def refused(message: str) -> GraphQLError:
    """Make the error of a connection asked for in a way that it cannot be answered."""
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def _place(
    rows: Sequence[Entry], cursor: str | None, key: Callable[[Entry], SortValue], *, backwards: bool, behind: bool
) -> int | None:
    """Return where the cursor's row lies or would lie: behind it for `after`, at it for `before`."""
    if cursor is None:
        return 0 if behind else None
    value, number = _read_cursor(cursor)
    ascending = rows[::-1] if backwards else rows
    place = bisect_right(ascending, (value, number), key=lambda entry: (_plain(key(entry)), entry.number))
    at = place - 1 if place and ascending[place - 1].number == number else place
    if backwards:
        return len(rows) - (at if behind else place)
    return place if behind else at


def _plain(value: SortValue) -> SortValue:
    return value.isoformat() if isinstance(value, datetime) else value


def _read_cursor(cursor: str) -> tuple[SortValue, int]:
    try:
        told = json.loads(base64.b64decode(cursor, validate=True))
        return told["last_value"], int(told["last_id"])
    except (binascii.Error, ValueError, KeyError, TypeError) as wrong:
        raise refused("Invalid cursor for current pagination sort.") from wrong
