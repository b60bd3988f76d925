"""Holds a pass to a plan that a person has reviewed: exactly its rows are written, each only while it is as reviewed.

Pure: is told what became of each row, and says which were not written, and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from sync.errors import Code
from sync.plan import PlannedChange
from sync.records import WriteOutcome
from sync.stock import Decision, Verdict


class Left(StrEnum):
    """Why a row of a reviewed plan was not written."""

    SHOPIFY = "Shopify's number has moved"
    TARGET = "another number would be written now"
    WAITS = "it cannot be decided now"
    UNREADABLE = "it could not be read"
    UNLINKED = "it is linked no more"
    PARKED = "Shopify takes no number for it"
    REFUSED = "Shopify did not take the write"
    UNANSWERED = "the write was not answered; the next passes tell what became of it"
    STOPPED = "stopped before its turn"


MOVED = frozenset({Left.SHOPIFY, Left.TARGET, Left.WAITS, Left.UNREADABLE, Left.UNLINKED})
"""Reasons that lie in the world, which is not as it was when the plan was made."""


@dataclass(frozen=True, slots=True)
class RowLeft:
    """A row of a reviewed plan that was not written: what was reviewed, and how it stands now.

    `available` is Shopify's number now, `would_be` what a new plan would write, None where either is not known.
    """

    sku: str
    before: int
    after: int
    why: Left
    available: int | None = None
    would_be: int | None = None
    detail: str = ""


_NOT_TAKEN = {
    WriteOutcome.STALE: Left.SHOPIFY,
    WriteOutcome.PARKED: Left.PARKED,
    WriteOutcome.REFUSED: Left.REFUSED,
    WriteOutcome.UNANSWERED: Left.UNANSWERED,
}


class Review:
    """A reviewed plan while one pass carries it out, with what has become of each of its rows."""

    def __init__(self, changes: Iterable[PlannedChange]) -> None:
        self._changes = {change.link_id: change for change in changes}
        self._left = {link_id: _left(change, Left.UNLINKED) for link_id, change in self._changes.items()}
        self.already = 0  # rows that Shopify showed as reviewed before anything was written
        self.written = 0

    def __contains__(self, link_id: object) -> bool:
        return link_id in self._changes

    @property
    def links(self) -> frozenset[int]:
        """Return the links that the plan changes."""
        return frozenset(self._changes)

    def in_order(self, link_ids: Iterable[int]) -> list[int]:
        """Return those of these links that the plan has, in its order."""
        wanted = set(link_ids)
        return [link_id for link_id in self._changes if link_id in wanted]

    def takes(self, link_id: int) -> bool:
        """Tell whether a person has taken Lightspeed's number at first sight for this link."""
        change = self._changes.get(link_id)
        return change is not None and change.first_sight

    def may_write(self, link_id: int, available: int, decision: Decision, parked: Code | None = None) -> bool:
        """Tell whether a row is as it was reviewed, and take note of how it stands where it is not."""
        if link_id not in self._left:
            return False
        change = self._changes[link_id]
        if available == change.after:
            del self._left[link_id]
            self.already += 1
            return False
        why = _compared(change, available, decision)
        if why is None and parked is not None:
            self._left[link_id] = _left(change, Left.PARKED, available, detail=parked.name)
        elif why is None:
            self._left[link_id] = _left(change, Left.STOPPED, available)  # until its write is answered
        else:
            waits = why is Left.WAITS
            would_be = None if waits else available if decision.after is None else decision.after
            detail = decision.verdict.value if waits else ""
            self._left[link_id] = _left(change, why, available, would_be, detail)
        return self._left[link_id].why is Left.STOPPED

    def unread(self, link_id: int) -> None:
        """Take note of a row that could not be read."""
        if link_id in self._left:
            self._left[link_id] = _left(self._changes[link_id], Left.UNREADABLE)

    def wrote(self, link_id: int, outcome: WriteOutcome, code: Code | None = None) -> None:
        """Take note of what became of a row's write."""
        if outcome is WriteOutcome.APPLIED:
            del self._left[link_id]
            self.written += 1
        else:
            self._left[link_id] = _left(self._changes[link_id], _NOT_TAKEN[outcome], detail=code.name if code else "")

    def left(self, *, stopped: bool = False) -> tuple[RowLeft, ...]:
        """Return the rows that were not written, in the plan's order; `stopped`: what was not looked at had no turn."""
        unseen = Left.STOPPED if stopped else Left.UNLINKED
        return tuple(replace(row, why=unseen) if row.why is Left.UNLINKED else row for row in self._left.values())


def _left(
    change: PlannedChange, why: Left, available: int | None = None, would_be: int | None = None, detail: str = ""
) -> RowLeft:
    return RowLeft(change.sku, change.before, change.after, why, available, would_be, detail)


def _compared(change: PlannedChange, available: int, decision: Decision) -> Left | None:
    """Return how the world differs from what was reviewed; None: it does not."""
    if available != change.before:
        return Left.SHOPIFY
    if decision.after == change.after:
        return None
    return Left.WAITS if decision.after is None and decision.verdict is not Verdict.IN_STEP else Left.TARGET
