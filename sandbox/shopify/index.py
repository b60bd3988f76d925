"""The search index: what searches and sorted lists see, `lag` seconds behind what the fields say."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sandbox.clock import Clock

Doc = Mapping[str, Any]
"""The searchable values of one object by filter name: datetimes, numbers, texts, flags or tuples of texts."""


class Entry(NamedTuple):
    """An object, the number it is known by and its searchable values as the index knows them."""

    number: int
    row: Any
    doc: Doc


class Index:
    """The objects of one kind in the order of their numbers.

    An object changed less than `lag` seconds ago is found under its older values, a new one not at all.
    """

    def __init__(self, clock: Clock, lag_seconds: float, describe: Callable[[Any], Doc]) -> None:
        self._clock = clock
        self._lag = timedelta(seconds=lag_seconds)
        self._describe = describe
        self._entries: list[Entry] = []
        self._places: dict[int, int] = {}
        self._waiting: deque[tuple[datetime, Entry]] = deque()

    def load(self, rows: Iterable[Any]) -> None:
        """Take in objects that have been there long since, in the order of their numbers."""
        for row in rows:
            self._settle(Entry(row.number, row, self._describe(row)))

    def touch(self, row: Any) -> None:
        """Note that `row` is new or has changed."""
        entry = Entry(row.number, row, self._describe(row))
        if not self._lag:
            self._settle(entry)
            return
        self._waiting.append((self._clock.now() + self._lag, entry))

    def drop(self, number: int) -> None:
        """Forget an object that was deleted."""
        self._waiting = deque(one for one in self._waiting if one[1].number != number)
        self._entries = [one for one in self._entries if one.number != number]
        self._places = {one.number: place for place, one in enumerate(self._entries)}

    def entries(self) -> list[Entry]:
        """Return what the index knows by now; not to be changed by the caller."""
        now = self._clock.now()
        while self._waiting and self._waiting[0][0] <= now:
            self._settle(self._waiting.popleft()[1])
        return self._entries

    def _settle(self, entry: Entry) -> None:
        place = self._places.get(entry.number)
        if place is None:
            self._places[entry.number] = len(self._entries)
            self._entries.append(entry)
        else:
            self._entries[place] = entry
