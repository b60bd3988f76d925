"""What the ledger records of orders: how far each has come, its documents, what is told of it to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync.booking import Document
from sync.errors import Code


class OrderState(StrEnum):
    """How far an order's booking into Lightspeed has come."""

    SEEN = "seen"  # something of it is new; not looked at yet
    VALID = "valid"  # it can be booked, and waits for its turn or another try
    INTENT = "intent"  # a document of its is being made
    UNKNOWN = "unknown"  # a document was sent and nobody answered
    POSTED = "posted"
    PARKED = "parked"  # waits for a person
    CANCELLED = "cancelled"  # before anything was booked
    DEAD = "dead"  # cannot be understood; waits for a person
    EXEMPT = "exempt"  # never booked: a test order, or from before the cut-over
    CLOSED = "closed"  # by a person


UNBOOKED = (OrderState.SEEN, OrderState.VALID, OrderState.INTENT, OrderState.UNKNOWN)
"""States of an order of which something is still to be booked, without a person."""

FOR_A_PERSON = (OrderState.PARKED, OrderState.DEAD)
"""States of an order that waits for a person."""


class DocumentState(StrEnum):
    """How far one Lightspeed sale of an order has come. Only COMPLETING may have moved stock without our knowing."""

    INTENT = "intent"  # recorded, surely not sent
    SENT = "sent"  # the request that opens the sale has left, or is about to
    OPEN = "open"  # the open sale is known
    COMPLETING = "completing"  # the request that completes it has left, or is about to
    POSTED = "posted"  # completed, as Lightspeed confirmed
    ABANDONED = "abandoned"  # given up before it moved anything
    VOIDED = "voided"  # undone by a person in Lightspeed after it was completed


@dataclass(frozen=True, slots=True)
class Posting:
    """A document on its way into Lightspeed."""

    document_id: int
    order_id: str
    document: Document
    state: DocumentState
    sale_id: str | None = None
    sent_at: datetime | None = None
    misses: int = 0  # searches in vain since the quarantine after it was sent
    doubtful: bool = False  # a request of its was never answered


class SaleFate(StrEnum):
    """What a person did in Lightspeed to a sale of ours."""

    VOIDED = "voided"  # or archived: its units count as booked no more
    CHANGED = "changed"  # its total; its units still count


@dataclass(frozen=True, slots=True)
class TouchedSale:
    """A confirmed sale of ours that a person touched in Lightspeed; `detail` says what to do."""

    order_id: str
    reference: str
    fate: SaleFate
    detail: str


@dataclass(frozen=True, slots=True)
class DueOrder:
    """An order to be looked at; `tries` counts how often it was put off since something of it was new."""

    order_id: str
    tries: int


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """An order in the list of the ledger; money in cents, None where it was never read."""

    order_id: str
    name: str
    state: OrderState
    created_at: datetime
    waiting_since: datetime | None
    net: int | None
    code: Code | None
    detail: str
    references: tuple[str, ...]
    changed_at: datetime | None = None  # when the last thing of its story happened
    currency: str = ""
    cancelled: bool = False  # in Shopify, whatever became of its booking
    undone: bool = False  # a sale of it was voided in Lightspeed, and nobody has asked to book it again

    @property
    def since(self) -> datetime | None:
        """Return since when it waits: to be booked, or for a person; None where nothing is waited for."""
        if self.state in UNBOOKED:
            return self.waiting_since
        return self.changed_at if self.state in FOR_A_PERSON else None


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """Something that happened to an order on its way into Lightspeed."""

    at: datetime
    event: str
    detail: str


@dataclass(frozen=True, slots=True)
class OrderStanding:
    """How the booking of orders stands; `oldest` is since when the longest of UNBOOKED waits.

    The names are those of a few orders each: the longest waiting of UNBOOKED, the newest of the others.
    """

    counts: Mapping[OrderState, int]
    oldest: datetime | None
    duplicates: int = 0  # references under which Lightspeed has more than one sale
    waiting: tuple[str, ...] = ()
    parked: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()  # references

    @property
    def unbooked(self) -> int:
        """Return how many orders wait to be booked without a person."""
        return sum(self.counts.get(state, 0) for state in UNBOOKED)
