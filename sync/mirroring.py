"""What a mirrored reservation is: units of a hold that a layaway keeps aside in Lightspeed, so that the till sees them.

A layaway is made once and never changed: a hold that grows gets another one for the difference, a hold that shrinks
gets new ones. So the units that layaways took off Lightspeed's stock before a reading began (M) are told by counting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync.model import LayawayLine, StockRow


class LayawayState(StrEnum):
    """How far a layaway has come. Outside of a change of ours, ASKED and LEAVING mean that nobody answered."""

    ASKED = "asked"  # the request that makes it has left, or is about to
    HELD = "held"  # it keeps units aside, as Lightspeed confirmed
    LEAVING = "leaving"  # the request that ends it has left, or is about to
    GONE = "gone"


class LayawayEnd(StrEnum):
    """Why a layaway is gone. After NOTHING and TAKEN its hold is not mirrored again."""

    LET_GO = "let go"  # the hold ended, changed or was booked
    NOTHING = "nothing"  # Lightspeed kept nothing aside, or refused
    TAKEN = "taken"  # people ended, changed or sold it
    NEVER = "never"  # it was not made, or not for good


class Proof(StrEnum):
    """What the stock before and after a layaway says about how this account counts."""

    AS_SET = "the stock moved as the settings say"
    OTHERWISE = "the stock moved otherwise than the settings say"
    UNCLEAR = "something else moved as well"


@dataclass(frozen=True, slots=True)
class MirrorPolicy:
    """How reservations are mirrored."""

    keeping: bool = False  # off: what was mirrored before is let go, nothing is added
    lowers: bool = True  # a layaway lowers the quantity on hand
    ripe: timedelta = timedelta(seconds=10)  # younger holds are not mirrored yet: many end at once
    least_rest: timedelta = timedelta(seconds=30)  # nor those that end within so long
    longest_after: timedelta = timedelta(hours=1)  # a consumed hold is let go at the latest then, booked or not
    audit: timedelta = timedelta(minutes=10)  # how often Lightspeed's list is compared with ours
    look_again: timedelta = timedelta(seconds=5)  # after a request without an answer
    quarantine: timedelta = timedelta(seconds=120)  # longer than Lightspeed may keep a request before it acts
    first_wait: timedelta = timedelta(seconds=15)  # after a failure; doubled each time ...
    longest_wait: timedelta = timedelta(minutes=10)  # ... up to this


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units of a hold that no layaway keeps aside yet."""

    hold_id: str
    item_id: str
    units: int


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A layaway of ours, from before it is asked for until it is gone."""

    layaway_id: int
    hold_id: str
    item_id: str
    asked: int
    state: LayawayState
    sent_at: datetime  # when its last request left
    units: int = 0  # kept aside
    line_id: str | None = None
    misses: int = 0  # looked for in vain since the quarantine


def proof(before: StockRow | None, after: StockRow | None, reserved: int, *, lowers: bool) -> Proof:
    """Return what two readings of an item's stock around one layaway say.

    The units have to show as laid away: M is believed only as far as they do, so that a layaway which people end at
    the till is missed at once.
    """
    if before is None or after is None or not reserved:
        return Proof.UNCLEAR
    fell = before.qoh - after.qoh
    shown = (after.on_layaway or 0) - (before.on_layaway or 0)
    if fell == (reserved if lowers else 0) and shown == reserved:
        return Proof.AS_SET
    if fell == (0 if lowers else reserved) or (shown == 0 and fell in (0, reserved)):
        return Proof.OTHERWISE
    return Proof.UNCLEAR


def same_line(row: Mirrored, lines: list[LayawayLine]) -> LayawayLine | None:
    """Return the line, of those that nobody knows of, that a layaway without an answer most likely became."""
    return next((line for line in lines if (line.item_id, line.units) == (row.item_id, row.asked)), None)
