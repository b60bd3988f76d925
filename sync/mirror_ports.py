"""What mirroring reservations needs from the outside, as Protocols; their errors are those of `sync/ports.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sync.mirroring import LayawayEnd, Mirrored, MirrorPolicy, Wanted
from sync.model import LayawayLine, StockRow


class Layaways(Protocol):
    """Lightspeed's layaways of one technical customer, used for nothing but our mirrored reservations."""

    async def room(self) -> None:
        """Wait until the quota has room for one layaway made and looked at; nothing is held for it."""

    async def lines(self) -> Sequence[LayawayLine]:
        """Return all of them that belong to no sale, oldest first."""

    async def line(self, line_id: str) -> LayawayLine | None:
        """Return one as it stands now; None: it is gone, or was sold."""

    async def lay_away(self, item_id: str, units: int) -> tuple[LayawayLine, datetime | None]:
        """Put units of an item aside, as many as there are; sent once and never repeated.

        Returns the line, and the earliest moment, by Lightspeed's clock, at which stock may have moved (None: not
        told). Raises `OutcomeUnknown` when it may have been made, `Transient` when it surely was not, Permanent when
        Lightspeed refused it.
        """

    async def take_back(self, line_id: str) -> datetime | None:
        """Put the units back, as moment and errors of `lay_away`; one that is gone or sold is no mistake."""

    async def stock(self, item_id: str) -> StockRow | None:
        """Return what our shop has of an item now; None: nobody knows."""


class MirrorBook(Protocol):
    """The ledger's part about reservations mirrored as layaways. Each call is one transaction, as in `Ledger`."""

    async def to_make(self, now: datetime, policy: MirrorPolicy) -> Wanted | None:
        """Return the oldest hold with units that no layaway keeps aside yet; None: there is none."""

    async def to_end(self, now: datetime, policy: MirrorPolicy) -> Mirrored | None:
        """Return a layaway that its hold wants no more, or whose ending nobody answered; None: there is none."""

    async def of_order(self, order_id: str) -> Sequence[Mirrored]:
        """Return the layaways that keep units aside for an order."""

    async def standing(self) -> Sequence[Mirrored]:
        """Return the layaways that are not gone, oldest first."""

    async def ask(self, wanted: Wanted, now: datetime, *, lowers: bool) -> Mirrored:
        """Record a layaway before it is asked for; `lowers`: it takes its units off Lightspeed's stock."""

    async def move(self, row: Mirrored, to: Mirrored) -> Mirrored:
        """Take a layaway to another state and return `to`; raises Permanent (IN001) where it was not in the first."""

    async def hold(self, row: Mirrored, moved_at: datetime | None, now: datetime) -> None:
        """Record that a layaway keeps its units aside: from now on they count, and their link is looked at again.

        `moved_at`: no stock row older than this shows it.
        """

    async def end(self, row: Mirrored, why: LayawayEnd, moved_at: datetime | None, now: datetime) -> None:
        """Record that a layaway is gone, as `hold`: its units count no more."""

    async def as_of(self, recent: datetime) -> int | None:
        """Return how many changes were confirmed so far: `AsOf.mirrored` of a reading that begins now."""

    async def proved(self) -> bool | None:
        """Return whether layaways were seen to lower the stock of this account; None: nobody has looked yet."""

    async def prove(self, *, lowers: bool) -> None:
        """Remember whether layaways lower the stock of this account."""
