"""What the booking of online orders needs from the outside, as Protocols named for the need.

As in `sync.ports`: adapters raise the errors of `errors.py`, and each call of `Bookings` is one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sync.booking import Document, OrderStory
from sync.errors import Code
from sync.model import Certificate, ChangedSale, SaleDraft, SaleRow
from sync.order_records import DueOrder, OrderEntry, OrderEvent, OrderStanding, OrderState, Posting, TouchedSale
from sync.ports import Deliver


class Till(Protocol):
    """Lightspeed's sales, as the engine makes them. Employee, register, shop and payment type are the adapter's."""

    async def room(self) -> None:
        """Wait until the quota has room for one sale from its search to its completion; nothing is held for it."""

    async def find_sales(self, reference: str) -> Sequence[SaleRow]:
        """Return every sale with exactly this reference, oldest first, voided and archived ones too.

        What was made a moment ago may not be found yet.
        """

    async def sale(self, sale_id: str) -> SaleRow | None:
        """Return a sale as it stands now; None: there is none."""

    async def changed_sales(self, since: datetime, deliver: Deliver[ChangedSale]) -> Certificate:
        """Deliver our shop's sales, anybody's, that changed at or after `since`, oldest change first."""

    async def open_sale(self, draft: SaleDraft) -> SaleRow:
        """Make an open sale, which moves no stock yet; sent once and never repeated.

        Raises `OutcomeUnknown` when it may have been made, `Transient` when it surely was not, Permanent when
        Lightspeed refused it.
        """

    async def complete_sale(self, sale_id: str, payment: int | None) -> SaleRow:
        """Complete an open sale with one payment of `payment` cents (None: what it needs is paid); sent once.

        Raises as `open_sale`.
        """

    async def archive_sale(self, sale_id: str) -> None:
        """Throw an open sale away; one that is archived already is no mistake. Raises as `open_sale`."""


class Bookings(Protocol):
    """The ledger's part about orders on their way into Lightspeed. Each call is one transaction, as in `Ledger`."""

    # --- the worker's ---
    async def waits(self, now: datetime) -> bool:
        """Tell whether `next_order` or `to_sweep` would find anything."""

    async def next_order(self, now: datetime) -> DueOrder | None:
        """Return the order that has been due for the longest time; None: none is."""

    async def story(self, order_id: str) -> OrderStory:
        """Return what the ledger knows of an order; raises KeyError for one it does not know."""

    async def pending(self, order_id: str) -> Posting | None:
        """Return the document of an order that is being made."""

    async def intend(self, order_id: str, document: Document, now: datetime) -> Posting:
        """Record a document, with its reference, before anything of it is sent."""

    async def move(self, posting: Posting, to: Posting) -> Posting:
        """Take a document to another state and return `to`; raises Permanent (IN001) where it was not in the first."""

    async def confirm(self, posting: Posting, sale: SaleRow, now: datetime, sweep_at: datetime | None) -> None:
        """Record that a document's sale is completed: its units count as booked, its order is looked at again."""

    async def conclude(
        self, order_id: str, state: OrderState, now: datetime, *, code: Code | None = None, detail: str = ""
    ) -> None:
        """Record that nothing is left to do for an order, or that a person has to."""

    async def postpone(
        self, order_id: str, state: OrderState, until: datetime, *, code: Code | None = None, detail: str = ""
    ) -> None:
        """Look at an order again at `until`."""

    # --- the as-of rule ---
    async def confirmations(self) -> int:
        """Return how many documents were confirmed so far; `AsOf.confirmed` of a reading that begins now."""

    async def in_doubt(self) -> Sequence[Posting]:
        """Return the documents that may have moved stock without our knowing."""

    # --- the search for second sales ---
    async def to_sweep(self, now: datetime, limit: int = 20) -> Sequence[Posting]:
        """Return posted documents whose reference is to be searched again."""

    async def swept(self, posting: Posting, others: Sequence[str], next_at: datetime | None, now: datetime) -> None:
        """Record the other completed sales (by id) found under a document's reference, and when to search again."""

    # --- what people do to our sales in Lightspeed ---
    async def keep_changed_sales(self, rows: Sequence[ChangedSale], now: datetime) -> Sequence[TouchedSale]:
        """Record which confirmed sales of ours were undone or come to another total now; return those.

        The units of an undone one no longer count as booked. Its order waits for a person's `retry`, whatever else
        becomes of it. What was recorded before is not returned again.
        """

    # --- people's ---
    async def order_standing(self) -> OrderStanding:
        """Return how the booking of orders stands."""

    async def orders(self, states: Sequence[OrderState] = (), limit: int = 100) -> Sequence[OrderEntry]:
        """Return orders in these states (none named: in all), newest first."""

    async def order(self, order_id: str) -> OrderEntry:
        """Return one order; raises KeyError for one that the ledger does not know."""

    async def booked_since(self, moment: datetime) -> int:
        """Return how many orders have a document that was confirmed at or after a moment."""

    async def find_order(self, name: str) -> str | None:
        """Return the id of the order with this name, number, id or reference; the newest where several have it."""

    async def documents(self, order_id: str) -> Sequence[Posting]:
        """Return an order's documents, in the order they were made."""

    async def order_events(self, order_id: str) -> Sequence[OrderEvent]:
        """Return an order's story, oldest first."""

    async def owner_of_sale(self, sale_id: str) -> str | None:
        """Return the name of the order that a sale is counted for already; None: of none."""

    async def retry(self, order_ids: Sequence[str], now: datetime, by: str) -> None:
        """Let the worker look at these orders at once."""

    async def close(self, order_id: str, sale_id: str | None, now: datetime, by: str) -> None:
        """Take an order out of our hands: booked by the sale a person names, or never (None)."""
