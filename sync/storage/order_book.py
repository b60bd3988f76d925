"""The `Bookings` of `sync/ports.py` over the database: each method one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sync.booking import Document, OrderStory
from sync.errors import Code
from sync.model import ChangedSale, SaleRow
from sync.order_records import DueOrder, OrderEntry, OrderEvent, OrderStanding, OrderState, Posting, TouchedSale
from sync.storage import bookings, changed_sales, order_reports
from sync.storage.database import Database


class SqlBookings:
    """Orders on their way into Lightspeed, as our durable record keeps them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waits(self, now: datetime) -> bool:
        """Tell whether any order may be looked at, or any reference is to be searched."""
        return await self._database.read(lambda c: bookings.waits(c, now))

    async def next_order(self, now: datetime) -> DueOrder | None:
        """Return the order that has been due for the longest time."""
        return await self._database.read(lambda c: bookings.next_order(c, now))

    async def story(self, order_id: str) -> OrderStory:
        """Return what the ledger knows of an order."""
        return await self._database.read(lambda c: bookings.story(c, order_id))

    async def pending(self, order_id: str) -> Posting | None:
        """Return the document of an order that is being made."""
        return await self._database.read(lambda c: bookings.pending(c, order_id))

    async def intend(self, order_id: str, document: Document, now: datetime) -> Posting:
        """Record a document before anything of it is sent."""
        return await self._database.write(lambda c: bookings.intend(c, order_id, document, now))

    async def move(self, posting: Posting, to: Posting) -> Posting:
        """Take a document to another state."""
        await self._database.write(lambda c: bookings.move(c, posting, to))
        return to

    async def confirm(self, posting: Posting, sale: SaleRow, now: datetime, sweep_at: datetime | None) -> None:
        """Record that a document's sale is completed."""
        await self._database.write(lambda c: bookings.confirm(c, posting, sale, now, sweep_at))

    async def conclude(
        self, order_id: str, state: OrderState, now: datetime, *, code: Code | None = None, detail: str = ""
    ) -> None:
        """Record that nothing is left to do, or that a person has to."""
        await self._database.write(lambda c: bookings.conclude(c, order_id, state, now, code=code, detail=detail))

    async def postpone(
        self, order_id: str, state: OrderState, until: datetime, *, code: Code | None = None, detail: str = ""
    ) -> None:
        """Look at an order again later."""
        await self._database.write(lambda c: bookings.postpone(c, order_id, state, until, code=code, detail=detail))

    async def confirmations(self) -> int:
        """Return how many documents were confirmed so far."""
        return await self._database.read(bookings.confirmations)

    async def in_doubt(self) -> Sequence[Posting]:
        """Return the documents that may have moved stock without our knowing."""
        return await self._database.read(bookings.in_doubt)

    async def to_sweep(self, now: datetime, limit: int = 20) -> Sequence[Posting]:
        """Return posted documents whose reference is to be searched again."""
        return await self._database.read(lambda c: bookings.to_sweep(c, now, limit))

    async def swept(self, posting: Posting, others: Sequence[str], next_at: datetime | None, now: datetime) -> None:
        """Record what a search for second sales found."""
        await self._database.write(lambda c: bookings.swept(c, posting, others, next_at, now))

    async def keep_changed_sales(self, rows: Sequence[ChangedSale], now: datetime) -> Sequence[TouchedSale]:
        """Record what people did to our confirmed sales."""
        return await self._database.write(lambda c: changed_sales.keep(c, rows, now))

    async def order_standing(self) -> OrderStanding:
        """Return how the booking of orders stands."""
        return await self._database.read(order_reports.standing)

    async def orders(self, states: Sequence[OrderState] = (), limit: int = 100) -> Sequence[OrderEntry]:
        """Return orders in these states, newest first."""
        return await self._database.read(lambda c: order_reports.entries(c, states, limit))

    async def order(self, order_id: str) -> OrderEntry:
        """Return one order."""
        return await self._database.read(lambda c: order_reports.entry(c, order_id))

    async def booked_since(self, moment: datetime) -> int:
        """Return how many orders were booked since a moment."""
        return await self._database.read(lambda c: order_reports.booked_since(c, moment))

    async def find_order(self, name: str) -> str | None:
        """Return the id of the order that a person names."""
        return await self._database.read(lambda c: bookings.find(c, name))

    async def documents(self, order_id: str) -> Sequence[Posting]:
        """Return an order's documents."""
        return await self._database.read(lambda c: bookings.made(c, order_id))

    async def order_events(self, order_id: str) -> Sequence[OrderEvent]:
        """Return an order's story."""
        return await self._database.read(lambda c: order_reports.events(c, order_id))

    async def owner_of_sale(self, sale_id: str) -> str | None:
        """Return the name of the order that a sale is counted for already."""
        return await self._database.read(lambda c: bookings.owner_of_sale(c, sale_id))

    async def retry(self, order_ids: Sequence[str], now: datetime, by: str) -> None:
        """Let the worker look at these orders at once."""
        await self._database.write(lambda c: bookings.retry(c, order_ids, now, by))

    async def close(self, order_id: str, sale_id: str | None, now: datetime, by: str) -> None:
        """Take an order out of our hands."""
        await self._database.write(lambda c: bookings.close(c, order_id, sale_id, now, by))
