"""The things a pretend store knows: locations, products, stock levels and what is told about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

PHYSICAL = ("available", "committed", "reserved", "damaged", "quality_control", "safety_stock")
"""What on_hand is the sum of; `incoming` stands apart."""

SETTABLE = (*PHYSICAL, "incoming")
QUANTITY_NAMES = (
    "available",
    "committed",
    "damaged",
    "incoming",
    "on_hand",
    "quality_control",
    "reserved",
    "safety_stock",
)


class SoldOut(ValueError):
    """A shopper asked for more than is available."""


class RestockType(StrEnum):
    """What becomes of refunded units: RefundLineItem.restockType."""

    CANCEL = "CANCEL"  # unshipped units, back on the shelf
    RETURN = "RETURN"  # shipped units that came back, on the shelf again
    NO_RESTOCK = "NO_RESTOCK"  # off the order, not back on the shelf


@dataclass(slots=True, eq=False)
class Location:
    """A place that holds stock."""

    number: int
    name: str
    city: str
    created_at: datetime
    updated_at: datetime
    is_active: bool = True
    country_code: str = "US"
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/Location/{self.number}"


@dataclass(slots=True, eq=False)
class Collection:
    """A shelf of the shop that products are put on by hand."""

    number: int
    title: str
    handle: str
    updated_at: datetime
    description_html: str = ""
    products: list[Product] = field(default_factory=list)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/Collection/{self.number}"


@dataclass(slots=True, eq=False)
class Media:
    """A picture of a product, copied from `source`; it can be looked at from `ready_at` on."""

    number: int
    source: str
    alt: str
    created_at: datetime
    ready_at: datetime
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/MediaImage/{self.number}"


@dataclass(slots=True, eq=False)
class Product:
    """What the shop lists; its variants are what it sells.

    `declared` are values of its options that were given without a variant, by the option's name.
    """

    number: int
    handle: str
    title: str
    description_html: str
    vendor: str
    product_type: str
    tags: tuple[str, ...]
    status: str
    created_at: datetime
    updated_at: datetime
    option_names: tuple[str, ...] = ()
    variants: list[Variant] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    collections: list[Collection] = field(default_factory=list)
    declared: dict[str, tuple[str, ...]] = field(default_factory=dict)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/Product/{self.number}"


@dataclass(slots=True, eq=False)
class Variant:
    """One thing that can be put into a cart."""

    number: int
    product: Product
    item: Item
    title: str
    price_cents: int
    barcode: str
    position: int
    options: tuple[tuple[str, str], ...]
    created_at: datetime
    updated_at: datetime
    inventory_policy: str = "DENY"
    compare_cents: int | None = None
    taxable: bool = True
    is_gift_card: bool = False
    deleted: bool = False
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/ProductVariant/{self.number}"
        self.item.variant = self


@dataclass(slots=True, eq=False)
class Item:
    """An inventory item: the side of a variant that is counted. `levels` is keyed by location id."""

    number: int
    sku: str
    cost_cents: int
    tracked: bool
    created_at: datetime
    updated_at: datetime
    bundle: bool = False
    requires_shipping: bool = True
    levels: dict[str, Level] = field(default_factory=dict)
    variant: Variant = field(init=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/InventoryItem/{self.number}"


@dataclass(slots=True, eq=False)
class Level:
    """One item's stock at one location. `touched` says when each quantity last changed."""

    number: int
    item: Item
    location: Location
    created_at: datetime
    updated_at: datetime
    is_active: bool = True
    quantities: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SETTABLE, 0))
    touched: dict[str, datetime] = field(default_factory=dict)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/InventoryLevel/{self.number}?inventory_item_id={self.item.number}"

    def quantity(self, name: str) -> int:
        """Return one quantity by its name; `on_hand` is a sum."""
        if name == "on_hand":
            return sum(self.quantities[part] for part in PHYSICAL)
        return self.quantities[name]


class Quantity(NamedTuple):
    """One named quantity of one level, as it is answered."""

    id: str
    name: str
    quantity: int
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class StockWrite:
    """One row of stock written through the API: what a judge of the client looks at.

    `before` and `after` are the quantity `name` at `location`; `key` is the idempotency key, "" where none was sent.
    """

    at: datetime
    mutation: str
    item: str
    sku: str
    location: str
    name: str
    before: int
    after: int
    reason: str
    reference: str | None
    key: str


@dataclass(frozen=True, slots=True)
class ProductWrite:
    """One field of a product or a variant written through the API; `subject` is its gid."""

    at: datetime
    mutation: str
    subject: str
    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Truth:
    """One item at one location as it really is.

    `taken` counts units placed and not put back (test orders included), `open` those still to be shipped.
    """

    available: int
    committed: int
    reserved: int
    on_hand: int
    taken: int
    open: int
    available_at: datetime | None


@dataclass(slots=True, eq=False)
class Change:
    """One row of an adjustment group."""

    name: str
    delta: int
    item: Item
    location: Location
    ledger_document_uri: str | None = None
    quantity_after_change: int | None = None


@dataclass(slots=True, eq=False)
class AdjustmentGroup:
    """What one stock write changed."""

    number: int
    created_at: datetime
    reason: str
    reference_document_uri: str | None
    rows: list[Change]
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/InventoryAdjustmentGroup/{self.number}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in the store and that a webhook may tell; `topic` as in `orders/create`.

    `subject` is the gid of what it is about, `other` a second gid where one is needed (a level's location).
    """

    topic: str
    subject: str
    at: datetime
    other: str = ""
