"""Rows by id, with the orders and look-ups that lists are served from, kept up to date lazily."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from sandbox.lightspeed.wire import Value

Row = TypeVar("Row")
Stamp = tuple[datetime, int]

_REBUILD_ABOVE = 500  # moved rows: sorting anew is then quicker than moving them one by one


class Table(Generic[Row]):
    """The rows of one resource. `changed` must be told of every row whose time stamp or indexed field moved."""

    def __init__(
        self,
        stamp_of: Callable[[Row], datetime] | None = None,
        indexed: Mapping[str, Callable[[Row], Value]] | None = None,
    ) -> None:
        self._rows: dict[int, Row] = {}
        self._keys: list[tuple[int]] = []
        self._last = 0
        self._stamp_of = stamp_of
        self._stamps: dict[int, Stamp] = {}
        self._order: list[Stamp] = []
        self._moved: set[int] = set()
        self._indexed = dict(indexed or {})
        self._lookup: dict[str, dict[Value, dict[int, None]]] = {field: {} for field in self._indexed}
        self._filed: dict[str, dict[int, Value]] = {field: {} for field in self._indexed}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        """Return the rows by ascending id."""
        return iter(self._rows.values())

    def next_id(self) -> int:
        """Return the id for a new row; ids are never used twice."""
        self._last += 1
        return self._last

    def get(self, key: int) -> Row | None:
        """Return the row of an id."""
        return self._rows.get(key)

    def __getitem__(self, key: int) -> Row:
        return self._rows[key]

    def add(self, key: int, row: Row) -> Row:
        """Store a new row; its id must be higher than all before."""
        self._rows[key] = row
        self._keys.append((key,))
        self._last = max(self._last, key)
        self.changed(key)
        return row

    def remove(self, key: int) -> None:
        """Forget a row for good."""
        del self._rows[key]
        del self._keys[bisect_left(self._keys, (key,))]
        self._moved.discard(key)
        if (stamp := self._stamps.pop(key, None)) is not None:
            del self._order[bisect_left(self._order, stamp)]
        for field, filed in self._filed.items():
            self._lookup[field][filed.pop(key)].pop(key)

    def changed(self, key: int) -> None:
        """Note that a row's time stamp or an indexed field may have moved."""
        row = self._rows[key]
        if self._stamp_of is not None:
            self._moved.add(key)
        for field, read in self._indexed.items():
            value, lookup = read(row), self._lookup[field]
            before = self._filed[field].get(key)
            if before == value and key in lookup.get(before, {}):
                continue
            lookup.get(before, {}).pop(key, None)
            lookup.setdefault(value, {})[key] = None
            self._filed[field][key] = value

    def indexes(self, field: str) -> bool:
        """Say whether `having` can be asked for a field."""
        return field in self._lookup

    def having(self, field: str, value: Value) -> list[Row]:
        """Return the rows whose indexed field equals a value, by ascending id."""
        keys = self._lookup[field].get(value, {})
        return [self._rows[key] for key in sorted(keys)]

    def order_by_key(self) -> Sequence[tuple[int]]:
        """Return (id,) of every row, ascending."""
        return self._keys

    def order_by_stamp(self) -> Sequence[Stamp]:
        """Return (time stamp, id) of every row, ascending."""
        if self._moved and self._stamp_of is not None:
            if len(self._moved) > _REBUILD_ABOVE:
                self._stamps = {key: (self._stamp_of(row), key) for key, row in self._rows.items()}
                self._order = sorted(self._stamps.values())
            else:
                self._move_stamps(self._stamp_of)
            self._moved.clear()
        return self._order

    def _move_stamps(self, stamp_of: Callable[[Row], datetime]) -> None:
        for key in self._moved:
            before = self._stamps.get(key)
            if before is not None:
                del self._order[bisect_left(self._order, before)]
            self._stamps[key] = (stamp_of(self._rows[key]), key)
            insort(self._order, self._stamps[key])
