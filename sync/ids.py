"""Many ids of one service, kept small: a hundred thousand take a megabyte, where a set of texts takes twelve. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

_LONGEST = 19  # digits that surely fit into 64 bits without a sign


class Ids:
    """A set of ids. Those that are a number behind the first one's prefix are kept as numbers, others as they are."""

    def __init__(self) -> None:
        self._prefix: str | None = None
        self._numbers = array("Q")
        self._others: set[str] = set()
        self._sorted = True

    def update(self, ids: Iterable[str]) -> None:
        """Add ids."""
        for text in ids:
            number = self._number(text, adding=True)
            if number is None:
                self._others.add(text)
            else:
                self._numbers.append(number)
        self._sorted = False

    def difference_update(self, ids: Iterable[str]) -> None:
        """Take ids out; those that are not there are no mistake."""
        gone = set[int]()
        for text in ids:
            number = self._number(text)
            self._others.discard(text)
            if number is not None:
                gone.add(number)
        if gone:
            self._numbers = array("Q", (number for number in self._numbers if number not in gone))

    def __contains__(self, text: object) -> bool:
        if not isinstance(text, str):
            return False
        number = self._number(text)
        if number is None:
            return text in self._others
        if not self._sorted:
            self._numbers, self._sorted = array("Q", sorted(self._numbers)), True
        place = bisect_left(self._numbers, number)
        return place < len(self._numbers) and self._numbers[place] == number

    def _number(self, text: str, *, adding: bool = False) -> int | None:
        """Return the number that stands for an id, None where it is kept as it is."""
        prefix, slash, digits = text.rpartition("/")
        plain = digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST
        if not plain or (digits.startswith("0") and digits != "0"):
            return None
        if self._prefix is None and adding:
            self._prefix = prefix + slash
        return int(digits) if prefix + slash == self._prefix else None
