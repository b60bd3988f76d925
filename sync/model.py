"""The nouns of the product, as frozen values without any I/O.

Ids are the services' own, as text: Lightspeed's decimal ids, Shopify's gids. Moments are aware UTC datetimes
from the servers' clocks unless a name says otherwise. Quantities are whole units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sync.cards import ItemCard, VariantCard


class LinkState(StrEnum):
    """What is known about a link between a Lightspeed item and a Shopify variant."""

    UNMAPPED = "unmapped"
    SUGGESTED = "suggested"
    CONFIRMED = "confirmed"
    TOMBSTONED = "tombstoned"


@dataclass(frozen=True, slots=True)
class StockRow:
    """Lightspeed's stock of one item at the configured shop (`ItemShop`)."""

    item_id: str
    item_shop_id: str
    qoh: int
    time_stamp: datetime
    on_layaway: int | None = None  # units that layaways keep aside, ours and other people's; None: not told


@dataclass(frozen=True, slots=True)
class LayawayLine:
    """A layaway of our technical customer: `reserved` of the `units` that were asked for are kept aside.

    `reserved` is None where Lightspeed did not tell it.
    """

    line_id: str
    item_id: str
    units: int
    reserved: int | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One Lightspeed catalogue item.

    `stock` is None when its ItemShop row for our shop is missing (unknown, not 0), `card` when it was not asked for.
    """

    item_id: str
    custom_sku: str
    system_sku: str
    upc: str
    ean: str
    manufacturer_sku: str
    description: str
    item_type: str
    archived: bool
    time_stamp: datetime
    stock: StockRow | None = None
    card: ItemCard | None = None


@dataclass(frozen=True, slots=True)
class LevelRow:
    """Shopify's stock of one inventory item at the configured location, from one GraphQL row.

    `updated_at` is that of `available`; the level's own where `available` was never touched.
    `unavailable` holds the units Shopify sets aside, by state: reserved, safety_stock, damaged, quality_control.
    """

    inventory_item_id: str
    available: int
    committed: int
    reserved: int
    safety_stock: int
    damaged: int
    quality_control: int
    updated_at: datetime
    level_updated_at: datetime
    active: bool = True


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One Shopify variant with its inventory item.

    `level` is filled only by a full read, None: not stocked here; `card` is None when it was not asked for.
    """

    variant_id: str
    product_id: str
    inventory_item_id: str
    sku: str
    barcode: str
    title: str
    product_title: str
    product_status: str
    tracked: bool
    updated_at: datetime
    price: int | None = None  # of one unit, in hundredths of the shop's currency; None: never read
    level: LevelRow | None = None
    card: VariantCard | None = None


class FactKind(StrEnum):
    """What happened to units of one order line; docs/order-facts.md names the fields each is read from."""

    PLACED = "placed"  # ordered, edits up included; n is a running number
    RESTOCKED = (
        "restocked"  # put back by Shopify: restock CANCEL or RETURN, edit down with restock; n is the refund line
    )
    CLOSED = "closed"  # no longer to be shipped: fulfilled, cancelled or removed; n is a running number


@dataclass(frozen=True, slots=True)
class Restock:
    """Units that Shopify put back at our location, by one refund line."""

    refund_line_id: str
    units: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order line as read: its units at our location.

    `placed` counts edits up, and falls only where units were moved to another location; `open` are the units still
    to be shipped (Shopify's committed). `inventory_item_id` is "" where the variant is gone or was never stocked.
    """

    line_id: str
    inventory_item_id: str
    sku: str
    placed: int
    open: int
    restocks: tuple[Restock, ...] = ()
    quantity: int = 0  # all units ever ordered, those of other locations included
    cents: int = 0  # what `quantity` units cost after all discounts, before anything was refunded
    taxed: bool = False
    gift_card: bool = False


@dataclass(frozen=True, slots=True)
class OrderMoney:
    """What an order is worth now, in cents of the shop's currency; docs/order-facts.md names the fields.

    `net` is what the customer owes or has paid, after everything that was given back. `goods`, `shipping`, `tax`,
    `tip` and `fees` are its parts; they add up to `net` unless money was given back that no part tells of.
    """

    currency: str
    net: int
    goods: int
    shipping: int
    tax: int  # beside the prices; 0 where prices include it
    tip: int
    fees: int  # duties and other fees
    touched: bool  # refunded, edited or cancelled since it was placed


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One Shopify order as read. The ledger turns the difference to what it knew into facts per line.

    `unreadable` says why an order could not be understood; then it has no lines and no money, and a person looks.
    """

    order_id: str
    name: str
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    test: bool
    lines: tuple[OrderLine, ...]
    number: str = ""  # the digits of its name: the middle of the references it is booked under
    money: OrderMoney | None = None
    unreadable: str = ""
    cart_token: str = ""  # of the cart it was made of; "" where there was none. Never stored as it is


@dataclass(frozen=True, slots=True)
class Demand:
    """What the order ledger says about one inventory item: sums over its order lines at our location."""

    taken: int = 0  # Tk: placed less put back
    open: int = 0  # K: placed less removed, cancelled and fulfilled
    booked: int = 0  # Bk: in Lightspeed documents confirmed before L was read


@dataclass(frozen=True, slots=True)
class Certificate:
    """Proof that a read was complete: last page reached, each page parsed whole, none skipped by a retry.

    `newest` is the largest server timestamp seen, of a row or of the server's clock when the reading began (None:
    neither was told); only this may become a watermark.
    `started_at` is our clock before the first request: what was read is no older than that. `served_at` is a moment
    of the server's clock surely before the first request was carried out, None where the server told no time.
    """

    source: str
    rows: int
    pages: int
    newest: datetime | None
    started_at: datetime
    finished_at: datetime
    served_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StockChange:
    """One row of a stock write: set `available` of an item from `before` to `after`."""

    seq: int  # the intent's sequence number, part of the call's key
    link_id: int
    inventory_item_id: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class SaleLineDraft:
    """One line of a sale that is to be made: `units` below zero take goods back. `cents` is the price of one unit."""

    item_id: str
    units: int
    cents: int
    taxed: bool = False
    parent_line_id: str = ""  # the sale line whose goods are taken back


@dataclass(frozen=True, slots=True)
class SaleDraft:
    """A sale that is to be made under `reference`; `untaxed`: Lightspeed must add no tax of its own."""

    reference: str
    lines: tuple[SaleLineDraft, ...]
    untaxed: bool = True


@dataclass(frozen=True, slots=True)
class SaleLineRow:
    """One line of a Lightspeed sale as it stands there."""

    sale_line_id: str
    item_id: str  # "0": no item
    units: int


@dataclass(frozen=True, slots=True)
class SaleRow:
    """One Lightspeed sale as it stands there, money in cents. Only a completed one has moved stock."""

    sale_id: str
    reference: str
    completed: bool
    voided: bool
    archived: bool
    total: int
    paid: int
    completed_at: datetime | None
    lines: tuple[SaleLineRow, ...]

    @property
    def alive(self) -> bool:
        """Tell whether it counts: neither voided nor archived."""
        return not self.voided and not self.archived


@dataclass(frozen=True, slots=True)
class ChangedSale:
    """What any Lightspeed sale says of itself after a change. `total` in cents, None where it cannot be told."""

    sale_id: str
    completed: bool
    voided: bool
    archived: bool
    total: int | None

    @property
    def undone(self) -> bool:
        """Tell whether it no longer counts: its goods are back on the shelf."""
        return self.voided or self.archived


class RowProblem(StrEnum):
    """Why a stock write's row was refused."""

    STALE = "stale"  # `before` is no longer Shopify's number
    PARKED = "parked"  # the item cannot be written to (bundle parent, unknown item, inactive location)
    RETRY = "retry"  # Shopify's own trouble; a new call may pass


@dataclass(frozen=True, slots=True)
class RowRefusal:
    """A refused row of a stock write; nothing of its call was applied."""

    inventory_item_id: str | None  # None: Shopify did not say which row
    problem: RowProblem
    code: str  # Shopify's own error code
    message: str


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What Shopify said to one stock write: applied as a whole, or refused as a whole."""

    applied: bool
    refusals: tuple[RowRefusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a connection check, for people."""

    ok: bool
    name: str
    detail: str
    remedy: str = field(default="")
