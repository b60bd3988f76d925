"""What a transaction has touched of what is promised to shoppers: noted while it runs, told to watchers as it commits.

A note names rows by any of their keys and may be about nothing: a watcher reads the rows named, and believes those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

_NOTES = "touched"


@dataclass(slots=True)
class Touched:
    """The links concerned, by their own ids, those of their items or of their inventory items; and holds by id.

    `hints`: webhooks or visitors' hints were stored. `news` is the part of it that other processes cannot know.
    """

    link_ids: set[int] = field(default_factory=set)
    item_ids: set[str] = field(default_factory=set)
    inventory_item_ids: set[str] = field(default_factory=set)
    hold_ids: set[str] = field(default_factory=set)
    hints: bool = False
    news: Touched | None = None

    @property
    def links(self) -> int:
        """Return how many names of links there are."""
        return len(self.link_ids) + len(self.item_ids) + len(self.inventory_item_ids)

    def __bool__(self) -> bool:
        """Tell whether anything is named."""
        return bool(self.links or self.hold_ids or self.hints)

    def add(self, other: Touched) -> None:
        """Name what another names, too."""
        self.link_ids |= other.link_ids
        self.item_ids |= other.item_ids
        self.inventory_item_ids |= other.inventory_item_ids
        self.hold_ids |= other.hold_ids
        self.hints |= other.hints


Watcher = Callable[[sa.Connection, Touched], Callable[[], None]]
"""Reads in a transaction what was touched, before it commits; what it returns is called once it has."""


def touch(
    connection: sa.Connection,
    *,
    link_ids: Iterable[int] = (),
    item_ids: Iterable[str] = (),
    inventory_item_ids: Iterable[str] = (),
    hold_ids: Iterable[str] = (),
    hints: bool = False,
    news: bool = True,
) -> None:
    """Note what the present transaction touches; without `news` it is only to be read again here."""
    more = Touched(set(link_ids), set(item_ids), set(inventory_item_ids), set(hold_ids), hints)
    notes = _notes(connection.info)
    notes.add(more)
    if news:
        notes.news = notes.news or Touched()
        notes.news.add(more)


def taken(connection: sa.Connection) -> Touched:
    """Return the notes of the present transaction, and begin anew."""
    notes = _notes(connection.info)
    connection.info.pop(_NOTES)
    return notes


def _notes(info: dict[Any, Any]) -> Touched:
    notes: Touched = info.setdefault(_NOTES, Touched())
    return notes
