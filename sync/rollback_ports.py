"""What setting numbers back needs of our own record, as a Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sync.mapping import Pair
from sync.products import ProductWrite
from sync.records import HeldEnding, WriteOutcome
from sync.restoring import Wish, Written


@dataclass(frozen=True, slots=True)
class PastRow:
    """A number of the past, by its inventory item; `spoken_for` is what was taken off it then.

    None: not known; then `since` is the moment from which orders are counted.
    """

    inventory_item_id: str
    units: int
    spoken_for: int | None = None
    since: datetime | None = None
    sku: str = ""  # as the file names it


@dataclass(frozen=True, slots=True)
class Span:
    """Stock writes of the past: those of one run, or from one moment to before another."""

    run_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def words(self) -> str:
        """Return it in words, which `span_of` understands."""
        if self.run_id is not None:
            return f"run {self.run_id}"
        return f"{self.since.isoformat() if self.since else ''} to {self.until.isoformat() if self.until else ''}"


def span_of(words: str) -> Span:
    """Return the span that `Span.words` names."""
    first, _, second = words.partition(" to ") if " to " in words else words.partition(" ")
    if first == "run":
        return Span(run_id=int(second))
    return Span(None, *(datetime.fromisoformat(each) if each else None for each in (first, second)))


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for a run, and when; `what` is sync, restore or undo, `source` what it goes by."""

    run_id: int
    by: str
    what: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A link that a person set back and that is held, or was."""

    link_id: int
    sku: str
    run_id: int
    since: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    ending: HeldEnding | None = None


class LinkFate(StrEnum):
    """How a link of the past stands now, where it is no more."""

    FREE = "can be linked again"
    OTHERWISE = "one of the two is linked to another now"
    GONE = "the item is archived, or the variant gone"


class Rollbacks(Protocol):
    """The ledger's part about setting numbers back. Each call is one transaction, as in `ports.Ledger`."""

    async def wishes_for(self, rows: Sequence[PastRow]) -> tuple[Sequence[Wish], Sequence[PastRow]]:
        """Return what these rows ask of confirmed links, and the rows that have none."""

    async def wishes_to_undo(self, span: Span) -> Sequence[Wish]:
        """Return what takes back the stock writes of a span, a link's several as one, those not applied left out.

        Raises Permanent (BK005) for a run that is not on record.
        """

    async def fields_written(self, span: Span) -> Sequence[ProductWrite]:
        """Return the writes of product fields in a span that changed something, or may have."""

    async def links_lost(self, pairs: Sequence[Pair]) -> Mapping[Pair, LinkFate]:
        """Return which of these links of the past there are not any more, and how each stands."""

    async def last_written(self, link_ids: Sequence[int]) -> Mapping[int, Written]:
        """Return the newest acknowledged write of each link; links without one are missing."""

    async def outcomes_of(self, run_id: int) -> Mapping[int, WriteOutcome | None]:
        """Return what became of the newest write of each link in a run; None: it is on its way."""

    async def note_asked(self, asked: Asked) -> None:
        """Keep who asked for a run."""

    async def asked(self, run_ids: Sequence[int]) -> Mapping[int, Asked]:
        """Return who asked for these runs; those that nobody asked for are missing."""

    async def last_asked(self) -> Asked | None:
        """Return the newest restore or undo that a person asked for."""

    async def held(self) -> Sequence[Held]:
        """Return the held links, those held for longest first."""

    async def let_go(self, link_ids: Sequence[int] | None, ending: HeldEnding, by: str, now: datetime) -> Sequence[int]:
        """Let go of these held links, None: of all; return which were held. Their next evaluation is a first sight."""
