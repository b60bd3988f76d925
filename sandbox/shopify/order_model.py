"""An order and its records: lines, refunds, fulfilments, fulfilment orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandbox.shopify.model import Location, RestockType, Variant
from sandbox.shopify.money import part, tax_in, tax_on


@dataclass(frozen=True, slots=True)
class Tax:
    """How the shop is taxed: at which rate, whether prices hold the tax already, and whether shipping is taxed."""

    rate: Decimal
    included: bool = False
    on_shipping: bool = False

    def of(self, amount: int) -> int:
        """Return the tax on a price in cents, or in it."""
        return tax_in(amount, self.rate) if self.included else tax_on(amount, self.rate)

    def beside(self, tax: int) -> int:
        """Return what of a tax comes on top of the price."""
        return 0 if self.included else tax


@dataclass(slots=True, eq=False)
class Line:
    """One line. Units are placed, then fulfilled, or removed; fulfilled ones may come back.

    `committed` counts the unfulfilled units that really took stock: none of an untracked item. `discounts` are what
    each discount takes off the line. `net_cents` is what the units still on the order cost after discounts, with the
    tax where prices include it, and `tax_cents` the tax on it or in it.
    """

    number: int
    order: Order
    variant: Variant
    quantity: int
    unit_cents: int
    discounts: tuple[int, ...]
    tax: Tax
    committed: int
    ordered: int = field(init=False)  # when the line was made; an edit that puts units on it does not change this
    current_quantity: int = field(init=False)
    unfulfilled: int = field(init=False)
    fulfilled: int = 0
    returned: int = 0  # fulfilled units that were refunded, whether they came back or not
    net_cents: int = field(init=False)
    tax_cents: int = field(init=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/LineItem/{self.number}"
        self.ordered = self.current_quantity = self.unfulfilled = self.quantity
        self.net_cents = self.placed_cents
        self.tax_cents = self.tax.of(self.net_cents)

    @property
    def counted(self) -> bool:
        """Whether its goods are still there and their stock is counted."""
        return self.variant.item.tracked and not self.variant.deleted

    @property
    def discount_cents(self) -> int:
        """What all discounts take off the line, refunded and removed units included."""
        return sum(self.discounts)

    @property
    def placed_cents(self) -> int:
        """What all units ever on the line cost after discounts."""
        return self.unit_cents * self.quantity - self.discount_cents

    def add(self, units: int, *, committed: int) -> None:
        """Put more units on the line, at the full price, as an edit does."""
        self.quantity += units
        self.current_quantity += units
        self.unfulfilled += units
        self.committed += committed
        self.net_cents += units * self.unit_cents
        self.tax_cents = self.tax.of(self.net_cents)

    def drop(self, units: int) -> tuple[int, int]:
        """Take units off the order; return what they cost in cents, and the tax on it or in it."""
        net = part(self.net_cents, units, self.current_quantity)
        tax = self.tax_cents - self.tax.of(self.net_cents - net)
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
class RefundAmount:
    """Money of a refund that is for no units, in cents, and the tax on it or in it."""

    number: int
    cents: int
    tax_cents: int
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/{type(self).__name__}/{self.number}"


class OrderAdjustment(RefundAmount):
    """The difference between what was given back and what the goods given back cost."""


class RefundShippingLine(RefundAmount):
    """Shipping given back."""


@dataclass(slots=True, eq=False)
class Refund:
    """Units taken off an order; `refunded_cents` is the money given back, 0 for an edit."""

    number: int
    order: Order
    created_at: datetime
    note: str
    lines: list[RefundLine]
    refunded_cents: int
    adjustments: list[OrderAdjustment] = field(default_factory=list)
    shipping: list[RefundShippingLine] = field(default_factory=list)
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
    tip_cents: int
    tax: Tax
    received_cents: int = 0
    original_cents: int = 0
    refunded_cents: int = 0
    refunded_shipping_cents: int = 0
    forgiven_cents: int = 0  # given back for no goods: not owed, though nothing came off the order
    closed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    edited: bool = False
    tags: tuple[str, ...] = ()
    cart_token: str | None = None  # of the cart it was made of; None: of no cart
    lines: list[Line] = field(default_factory=list)
    tip_lines: list[Line] = field(default_factory=list)  # Shopify lists a tip as a line of its own
    refunds: list[Refund] = field(default_factory=list)
    fulfilments: list[Fulfilment] = field(default_factory=list)
    fulfilment_orders: list[FulfilmentOrder] = field(default_factory=list)
    id: str = field(init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/Order/{self.number}"
        self.name = f"#{self.sequence}"

    @property
    def current_shipping_cents(self) -> int:
        """The shipping that was not given back."""
        return self.shipping_cents - self.refunded_shipping_cents

    def shipping_tax(self, amount: int) -> int:
        """Return the tax on, or in, so much shipping."""
        return self.tax.of(amount) if self.tax.on_shipping else 0

    @property
    def current_tax_cents(self) -> int:
        """The tax on, or in, what is still on the order, shipping included."""
        return sum(line.tax_cents for line in self.lines) + self.shipping_tax(self.current_shipping_cents)

    @property
    def current_cents(self) -> int:
        """What the units still on the order cost, with tax, shipping and tip."""
        prices = sum(line.net_cents for line in self.lines) + self.current_shipping_cents + self.tip_cents
        return prices + self.tax.beside(self.current_tax_cents)

    @property
    def kept_cents(self) -> int:
        """What was paid and not given back."""
        return self.received_cents - self.refunded_cents

    @property
    def outstanding_cents(self) -> int:
        """What the customer still owes; below 0 what is owed to the customer."""
        return self.current_cents - self.forgiven_cents - self.kept_cents

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
