"""Proposes why Shopify's number of a SKU is not what it should be, from what is on record about it; pure.

A proposal only helps a person to decide. It is never acted on: the stock rules know no causes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from sync.second_writer import SecondWriter, Tampering, sentence

_MANY = 5  # other SKUs that changed with it: that was no single hand
TOGETHER = timedelta(minutes=10)
"""Changes as near as this are said to have happened together."""
FIRST = timedelta(minutes=30)
"""A difference found within this of a link's beginning was there before."""


class Cause(StrEnum):
    """What may have happened."""

    LATE_ORDER = "late order"
    UNPOSTED_RETURN = "unposted return"
    MANUAL_EDIT = "manual edit"
    SECOND_APP = "second app"
    MISCOUNT = "miscount"


@dataclass(frozen=True, slots=True)
class OrderTrace:
    """An order with units of the SKU: `known_at` is when we first read it; `given_back`: cancelled, or all money is."""

    name: str
    created_at: datetime
    known_at: datetime
    units: int
    put_back: int
    given_back: bool


@dataclass(frozen=True, slots=True)
class WriteTrace:
    """A stock write of ours, with Lightspeed's quantity on hand as it was read for it."""

    at: datetime
    before: int
    after: int
    on_hand: int
    reason: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is on record about one difference, the newest of each kind first.

    `units` is the difference as it was found, `drift` what of it orders do not explain by now; `together` counts the
    other SKUs that changed unexplained at about the same time.
    """

    link_id: int
    title: str
    since: datetime
    linked_at: datetime
    units: int
    drift: int
    on_hand: int
    unseen: int
    orders: Sequence[OrderTrace] = ()
    writes: Sequence[WriteTrace] = ()
    changes: Sequence[Tampering] = ()
    together: int = 0
    writer: SecondWriter | None = None

    @property
    def at_first_sight(self) -> bool:
        """Tell whether the two numbers differed when the link began."""
        return self.since - self.linked_at <= FIRST and not any(each.at < self.since for each in self.writes)

    @property
    def till(self) -> Sequence[tuple[datetime, int, int]]:
        """Return how Lightspeed's quantity moved between our writes: since when, from what, to what; newest first."""
        stands = [(each.at, each.on_hand) for each in reversed(self.writes)]
        moved = [(at, before, after) for (at, before), (_, after) in pairwise(stands) if before != after]
        if stands and stands[-1][1] != self.on_hand:
            moved.append((stands[-1][0], stands[-1][1], self.on_hand))
        return moved[::-1]


@dataclass(frozen=True, slots=True)
class Proposed:
    """What may have happened, and what speaks for it."""

    cause: Cause
    because: str


def propose(evidence: Evidence) -> Proposed:
    """Return the likeliest cause of a difference; a change by hand where nothing speaks for another."""
    for look in (_second_app, _late_order, _unposted_return, _miscount):
        found = look(evidence)
        if found is not None:
            return found
    way = "rose" if evidence.units > 0 else "fell"
    return Proposed(
        Cause.MANUAL_EDIT, f"Shopify's number {way} by {abs(evidence.units)}, and no order, sale or write explains it"
    )


def _second_app(evidence: Evidence) -> Proposed | None:
    if evidence.writer is not None:
        return Proposed(Cause.SECOND_APP, sentence(evidence.writer))
    if evidence.together >= _MANY and not evidence.at_first_sight:
        return Proposed(Cause.SECOND_APP, f"{evidence.together} other SKUs changed within the same ten minutes")
    return None


def _late_order(evidence: Evidence) -> Proposed | None:
    """Fewer in Shopify than there should be, and orders that were read, or are seen, only after that was found."""
    if evidence.units >= 0 or evidence.at_first_sight:
        return None
    late = [each for each in evidence.orders if each.known_at > evidence.since and each.units > each.put_back]
    explained = abs(evidence.units) - abs(evidence.drift)
    if late and explained > 0:
        names = ", ".join(f"{each.name} ({each.units})" for each in late)
        return Proposed(Cause.LATE_ORDER, f"read only after the difference was found: {names}")
    if evidence.unseen:
        return Proposed(Cause.LATE_ORDER, f"Shopify holds {evidence.unseen} for orders that we have not seen")
    return None


def _unposted_return(evidence: Evidence) -> Proposed | None:
    """More in Shopify than there should be, and an order was given back whose goods nobody put back by its return."""
    if evidence.units <= 0 or evidence.at_first_sight:
        return None
    for each in evidence.orders:
        missing = each.units - each.put_back
        if each.given_back and missing > 0:
            told = (
                f"{each.name} was given back without putting {missing} back in stock; somebody may have done so by hand"
            )
            return Proposed(Cause.UNPOSTED_RETURN, told)
    return None


def _miscount(evidence: Evidence) -> Proposed | None:
    if evidence.on_hand < 0:
        return Proposed(Cause.MISCOUNT, f"Lightspeed counts {evidence.on_hand}, less than nothing")
    if evidence.at_first_sight:
        return Proposed(Cause.MISCOUNT, "the two numbers differed already when the link began")
    return None


def right_count(on_hand: int, available: int, target: int) -> int:
    """Return what Lightspeed's quantity on hand would be if Shopify's number were the right one."""
    return on_hand + available - target
