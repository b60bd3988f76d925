"""Decides, for one link, whether a number of the past may be set again, and why not.

A number of the past is never taken as it stands: what was ordered, cancelled or set aside since is taken off it, by
the same terms as in `stock.py` (Tk + u + U, here "spoken for"), so that no unit that was sold comes back on sale.

    wanted       = units - (spoken for now - spoken for then)        what Shopify is to show
    acknowledged = what Shopify shows if, since we last wrote or were in step, only orders have happened

A number that is not the acknowledged one was changed by somebody else, and one above Lightspeed's target (A*) would
sell what is not there: both are listed and left, unless a person names the row. Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from sync.stock import Decision, Memory, OpenWrite, Reading, Verdict, equation


@dataclass(frozen=True, slots=True)
class Known:
    """A number that Shopify showed when `spoken_for` units were taken off it.

    None: that was not written down, and only the units ordered since, as far as our orders tell, are known.
    """

    units: int
    spoken_for: int | None = None
    ordered_since: int = 0

    def by_now(self, spoken_for: int) -> int:
        """Return what became of it by what was ordered since."""
        return self.units - (self.ordered_since if self.spoken_for is None else spoken_for - self.spoken_for)


@dataclass(frozen=True, slots=True)
class Written:
    """A stock write of ours that Shopify acknowledged: number `seq` of its link, by `run_id`."""

    seq: int
    run_id: int
    left: Known


@dataclass(frozen=True, slots=True)
class Wish:
    """A number of the past that one link is to show again; `undoes` is the last write that this would take back."""

    link_id: int
    sku: str
    past: Known
    undoes: Written | None = None


class Fate(StrEnum):
    """Why a row is, or is not, set back."""

    SET_BACK = "can be set back"
    FORCED = "set back although it is listed, as a person said"
    AS_WANTED = "shows it already"
    MOVED = "somebody changed Shopify's number since"
    ABOVE = "more than Lightspeed has to sell"
    WRITTEN_SINCE = "was written again since, by another run"
    WAITS = "waits for a person in `conflicts list`"
    UNANSWERED = "a write of ours is still unanswered"
    UNSETTLED = "a sale is on its way into Lightspeed"
    MOVING = "the number moved while it was read"
    REFUSED = "Shopify refuses changes of it"
    UNREADABLE = "it is not stocked in both shops now"
    NOT_LINKED = "is linked to nothing in Lightspeed, so it is never written"


WRITES = (Fate.SET_BACK, Fate.FORCED)
"""Fates of rows that are written."""
FORCIBLE = (Fate.MOVED, Fate.ABOVE, Fate.WRITTEN_SINCE, Fate.WAITS)
"""Fates that a person may overrule by naming the row."""
PASSING = (Fate.UNANSWERED, Fate.UNSETTLED, Fate.MOVING)
"""Fates that end by themselves: trying again later may do."""


@dataclass(frozen=True, slots=True)
class Force:
    """What a person overrules: rows by the link, and with `raises` every row above Lightspeed's number."""

    links: frozenset[int] = frozenset()
    raises: bool = False

    def covers(self, link_id: int, fate: Fate) -> bool:
        """Tell whether a row that is listed for this reason is written all the same."""
        if fate not in FORCIBLE:
            return False
        return link_id in self.links or (self.raises and fate is Fate.ABOVE)


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of one row.

    `ordered` are the units that orders and set-asides took since; `listed` is why a person had to overrule it.
    """

    link_id: int
    sku: str
    past: int
    ordered: int
    wanted: int
    available: int
    target: int
    fate: Fate
    listed: Fate | None = None


def judge(wish: Wish, reading: Reading, memory: Memory, last: Written | None, force: Force) -> Judged:
    """Return what becomes of a row that was read as `reading`; `last` is the newest acknowledged write of its link."""
    terms = equation(reading)
    wanted = wish.past.by_now(terms.spoken_for)
    row = Judged(
        link_id=wish.link_id,
        sku=wish.sku,
        past=wish.past.units,
        ordered=wish.past.units - wanted,
        wanted=max(0, wanted),
        available=reading.available,
        target=terms.target,
        fate=Fate.SET_BACK,
    )
    if reading.available == row.wanted or (reading.available <= 0 and row.wanted == 0):
        return replace(row, fate=Fate.AS_WANTED)
    objections = list(_objections(wish, row, reading, memory, last))
    if any(each not in FORCIBLE for each in objections):
        return replace(row, fate=next(each for each in objections if each not in FORCIBLE))
    if not objections:
        return row
    if all(force.covers(wish.link_id, each) for each in objections):
        return replace(row, fate=Fate.FORCED, listed=objections[0])
    return replace(row, fate=next(each for each in objections if not force.covers(wish.link_id, each)))


def _objections(wish: Wish, row: Judged, reading: Reading, memory: Memory, last: Written | None) -> Iterable[Fate]:
    """Yield everything that speaks against writing a row."""
    if memory.open_write is not None:
        yield Fate.UNANSWERED
    if row.wanted > reading.available and not reading.settled:
        yield Fate.UNSETTLED
    if row.wanted > reading.available and not reading.coherent:
        yield Fate.MOVING
    if wish.undoes is not None and last is not None and last.seq != wish.undoes.seq:
        yield Fate.WRITTEN_SINCE
    elif not _acknowledged(wish, reading, memory, last):
        yield Fate.MOVED
    if wish.undoes is None and memory.quarantine is not None:
        yield Fate.WAITS
    if row.wanted > reading.available and row.wanted > row.target:
        yield Fate.ABOVE


def _acknowledged(wish: Wish, reading: Reading, memory: Memory, last: Written | None) -> bool:
    """Tell whether Shopify's number is ours but for orders: what the last write left, or where the link was in step.

    What a held link was in step with tells nothing: its number was set back since. An undo goes by its write alone.
    """
    terms = equation(reading)
    if last is not None and reading.available == last.left.by_now(terms.spoken_for):
        return True
    if wish.undoes is not None or reading.held or memory.base is None:
        return False
    return reading.available == terms.expected(memory.base)


def decision(row: Judged, reading: Reading, memory: Memory, verdict: Verdict) -> Decision:
    """Return the write that sets a row back: its link keeps its base, and what waited for a person is decided.

    It is told by `verdict`, one of `stock.HOLDING`, so the link is held from the intent on.
    """
    terms = equation(reading)
    expected = terms.expected(terms.said if memory.base is None else memory.base)
    write = OpenWrite(
        before=reading.available,
        after=row.wanted,
        base=terms.said,
        drift_after=row.wanted - terms.target,
        drift_before=reading.available - expected,
    )
    return Decision(
        verdict=verdict,
        equation=terms,
        expected=expected,
        drift=reading.available - expected,
        memory=replace(memory, open_write=write),
        after=row.wanted,
        if_applied=replace(memory, open_write=None, quarantine=None, upward=None),
    )
