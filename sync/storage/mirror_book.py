"""The `MirrorBook` of `sync/ports.py` over the database: each method one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sync.mirroring import LayawayEnd, Mirrored, MirrorPolicy, Wanted
from sync.storage import layaways
from sync.storage.database import Database


class SqlMirrorBook:
    """Reservations mirrored as layaways, as our durable record keeps them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def to_make(self, now: datetime, policy: MirrorPolicy) -> Wanted | None:
        """Return the oldest hold with units that no layaway keeps aside yet."""
        return await self._database.read(lambda c: layaways.to_make(c, now, policy))

    async def to_end(self, now: datetime, policy: MirrorPolicy) -> Mirrored | None:
        """Return a layaway that its hold wants no more, or whose ending nobody answered."""
        return await self._database.read(lambda c: layaways.to_end(c, now, policy))

    async def of_order(self, order_id: str) -> Sequence[Mirrored]:
        """Return the layaways that keep units aside for an order."""
        return await self._database.read(lambda c: layaways.of_order(c, order_id))

    async def standing(self) -> Sequence[Mirrored]:
        """Return the layaways that are not gone."""
        return await self._database.read(layaways.standing)

    async def ask(self, wanted: Wanted, now: datetime, *, lowers: bool) -> Mirrored:
        """Record a layaway before it is asked for."""
        return await self._database.write(lambda c: layaways.ask(c, wanted, now, lowers=lowers))

    async def move(self, row: Mirrored, to: Mirrored) -> Mirrored:
        """Take a layaway to another state."""
        await self._database.write(lambda c: layaways.move(c, row, to))
        return to

    async def hold(self, row: Mirrored, moved_at: datetime | None, now: datetime) -> None:
        """Record that a layaway keeps its units aside."""
        await self._database.write(lambda c: layaways.hold(c, row, moved_at, now))

    async def end(self, row: Mirrored, why: LayawayEnd, moved_at: datetime | None, now: datetime) -> None:
        """Record that a layaway is gone."""
        await self._database.write(lambda c: layaways.end(c, row, why, moved_at, now))

    async def as_of(self, recent: datetime) -> int | None:
        """Return how many changes were confirmed so far."""
        return await self._database.read(lambda c: layaways.as_of(c, recent))

    async def proved(self) -> bool | None:
        """Return whether layaways were seen to lower the stock of this account."""
        return await self._database.read(layaways.proved)

    async def prove(self, *, lowers: bool) -> None:
        """Remember whether layaways lower the stock of this account."""
        await self._database.write(lambda c: layaways.prove(c, lowers=lowers))
