"""An order and its records: lines, refunds, fulfilments, fulfilment orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandbox.shopify.model import Location, RestockType, Variant
from sandbox.shopify.money import part, tax_on


@dataclass(slots=True, eq=False)
class Line:
    """One line. Units are placed, then fulfilled, or removed; fulfilled ones may come back.

    `committed` counts the unfulfilled units that really took stock: none of an untracked item. `net_cents` and
    `tax_cents` are what the units still on the order cost after discounts, without and of tax.
    """

    number: int
    order: Order
    variant: Variant
    quantity: int
    unit_cents: int
    discount_cents: int
    tax_rate: Decimal
    committed: int
    current_quantity: int = field(init=False)
    unfulfilled: int = field(init=False)
    fulfilled: int = 0
    returned: int = 0  # fulfilled units that were refunded, whether they came back or not
    net_cents: int = field(init=False)
    tax_cents: int = field(init=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/LineItem/{self.number}"
        self.current_quantity = self.unfulfilled = self.quantity
        self.net_cents = self.unit_cents * self.quantity - self.discount_cents
        self.tax_cents = tax_on(self.net_cents, self.tax_rate)

    def add(self, units: int, *, committed: int) -> None:
        """Put more units on the line, at the full price, as an edit does."""
        self.quantity += units
        self.current_quantity += units
        self.unfulfilled += units
        self.committed += committed
        self.net_cents += units * self.unit_cents
        self.tax_cents = tax_on(self.net_cents, self.tax_rate)

    def drop(self, units: int) -> tuple[int, int]:
        """Take units off the order; return what they cost in cents, without and of tax."""
        net = part(self.net_cents, units, self.current_quantity)
        tax = self.tax_cents - tax_on(self.net_cents - net, self.tax_rate)
        self.current_quantity -= units
        self.net_cents -= net
        self.tax_cents -= tax
        return net, tax


@dataclass(slots=True, eq=False)
class RefundLine:
    """One line of a refund; `location` is where the units went back on the shelf."""

    number: int
    line: Line
    quantity: int
    restock_type: RestockType
    location: Location | None
    net_cents: int
    tax_cents: int
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/RefundLineItem/{self.number}"

    @property
    def restocked(self) -> bool:
        """Whether the units went back on the shelf."""
        return self.restock_type is not RestockType.NO_RESTOCK


@dataclass(slots=True, eq=False)
class Refund:
    """Units taken off an order; `refunded_cents` is the money given back, 0 for an edit."""

    number: int
    order: Order
    created_at: datetime
    note: str
    lines: list[RefundLine]
    refunded_cents: int
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/Refund/{self.number}"


@dataclass(slots=True, eq=False)
class FulfilmentLine:
    """Units of one line in one parcel."""

    number: int
    line: Line
    quantity: int
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/FulfillmentLineItem/{self.number}"


@dataclass(slots=True, eq=False)
class Fulfilment:
    """One parcel sent."""

    number: int
    order: Order
    location: Location
    created_at: datetime
    lines: list[FulfilmentLine]
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/Fulfillment/{self.number}"


@dataclass(slots=True, eq=False)
class FulfilmentOrder:
    """The order as the location that has to send it sees it; pretend orders are sent from one location."""

    number: int
    order: Order
    location: Location
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/FulfillmentOrder/{self.number}"

    @property
    def status(self) -> str:
        """OPEN until the first parcel, IN_PROGRESS until the last, then CLOSED."""
        if any(line.unfulfilled for line in self.order.lines):
            return "IN_PROGRESS" if self.order.fulfilments else "OPEN"
        return "CLOSED" if self.order.fulfilments else "CANCELLED"


@dataclass(slots=True, eq=False)
class Order:
    """One order; money in cents."""

    number: int
    sequence: int  # 1001 for "#1001"
    location: Location
    created_at: datetime
    updated_at: datetime
    test: bool
    source_name: str
    shipping_cents: int
    received_cents: int = 0
    original_cents: int = 0
    refunded_cents: int = 0
    refunded_shipping_cents: int = 0
    closed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    edited: bool = False
    tags: tuple[str, ...] = ()
    lines: list[Line] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    fulfilments: list[Fulfilment] = field(default_factory=list)
    fulfilment_orders: list[FulfilmentOrder] = field(default_factory=list)
    id: str = field(init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/Order/{self.number}"
        self.name = f"#{self.sequence}"

    @property
    def current_cents(self) -> int:
        """What the units still on the order cost, with tax and shipping."""
        goods = sum(line.net_cents + line.tax_cents for line in self.lines)
        return goods + self.shipping_cents - self.refunded_shipping_cents

    @property
    def financial_status(self) -> str:
        """What has been paid and given back."""
        if self.refunded_cents:
            return "REFUNDED" if self.refunded_cents >= self.received_cents else "PARTIALLY_REFUNDED"
        if self.received_cents >= self.current_cents:
            return "VOIDED" if self.cancelled_at and not self.received_cents else "PAID"
        return "PARTIALLY_PAID" if self.received_cents else "PENDING"

    @property
    def fulfilment_status(self) -> str:
        """How much has been sent."""
        if not any(line.fulfilled for line in self.lines):
            return "UNFULFILLED"
        return "PARTIALLY_FULFILLED" if any(line.unfulfilled for line in self.lines) else "FULFILLED"
