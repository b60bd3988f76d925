"""The shapes of Shopify's answers, one for each document. Fields that we did not ask for never break them."""

from __future__ import annotations

from typing import Generic, TypeVar

from sync.shopify.wire import Connection, Moment, Ref, UserError, Wire

N = TypeVar("N", bound=Wire)

# --- stock levels


class Quantity(Wire):
    """Units in one state; never touched: no moment."""

    name: str
    quantity: int
    updated_at: Moment | None


class Level(Wire):
    """One item's stock at our location."""

    is_active: bool
    updated_at: Moment
    quantities: list[Quantity]


class LevelOfItem(Level):
    """A level that names its item."""

    item: Ref


class LocationLevels(Wire):
    """A location's page of levels."""

    inventory_levels: Connection[LevelOfItem]


class LevelsChanged(Wire):
    """Answer to `LEVELS_CHANGED`; no location: it does not exist."""

    location: LocationLevels | None


class ItemWithLevel(Wire):
    """An inventory item; no level: never stocked at our location."""

    id: str
    inventory_level: Level | None


class LevelsOfItems(Wire):
    """Answer to `LEVELS_OF_ITEMS`, in the order of the ids; an unknown id's place is empty."""

    nodes: list[ItemWithLevel | None]


# --- orders


class VariantOfLine(Wire):
    """The variant of an order line."""

    inventory_item: Ref | None


class Line(Wire):
    """An order line; no variant: it was deleted, or never was one (a custom item, a tip)."""

    id: str
    sku: str | None
    quantity: int
    unfulfilled_quantity: int
    variant: VariantOfLine | None


class RefundLine(Wire):
    """Units of one order line taken off the order, and whether they went back on the shelf, and where."""

    id: str | None
    quantity: int
    restock_type: str
    restocked: bool
    location: Ref | None
    line_item: Ref


class Refund(Wire):
    """One refund, cancellation or removal."""

    id: str
    refund_line_items: Connection[RefundLine]


class AssignedLine(Wire):
    """Units of one order line that one fulfillment order has to send; `remaining` are still to be sent."""

    total_quantity: int
    remaining_quantity: int
    line_item: Ref


class AssignedLocation(Wire):
    """Where a fulfillment order is assigned to; no location: it was deleted."""

    location: Ref | None


class Assignment(Wire):
    """One fulfillment order."""

    id: str
    status: str
    assigned_location: AssignedLocation
    line_items: Connection[AssignedLine]


class Order(Wire):
    """One order; `fulfillment_orders` only where they were asked for."""

    id: str
    name: str
    created_at: Moment
    updated_at: Moment
    cancelled_at: Moment | None
    test: bool
    line_items: Connection[Line]
    refunds: list[Refund]
    fulfillment_orders: Connection[Assignment] | None = None


class OrdersChanged(Wire):
    """Answer to `ORDERS_CHANGED`."""

    orders: Connection[Order]


class OrdersById(Wire):
    """Answer to `ORDERS_BY_ID`; a deleted order's place is empty."""

    nodes: list[Order | None]


class Owner(Wire, Generic[N]):
    """What a further page of a nested connection hangs on."""

    page: Connection[N]


class More(Wire, Generic[N]):
    """Answer to a `MORE_…` document; no owner: it was deleted meanwhile."""

    owner: Owner[N] | None


# --- variants


class Product(Wire):
    """The product of a variant."""

    id: str
    title: str
    status: str


class Item(Wire):
    """The inventory item of a variant."""

    id: str
    tracked: bool


class Variant(Wire):
    """One variant."""

    id: str
    title: str
    sku: str | None
    barcode: str | None
    updated_at: Moment
    product: Product
    inventory_item: Item


class VariantsChanged(Wire):
    """Answer to `VARIANTS_CHANGED`."""

    product_variants: Connection[Variant]


# --- bulk operations, writes, check


class StartPayload(Wire):
    """What came of starting an export."""

    bulk_operation: Ref | None
    user_errors: list[UserError]


class BulkStart(Wire):
    """Answer to `BULK_START`."""

    bulk_operation_run_query: StartPayload | None


class BulkOperation(Wire):
    """How far an export is; counts come as text. No url: no rows."""

    status: str
    error_code: str | None
    created_at: Moment
    object_count: str
    file_size: str | None
    url: str | None


class BulkPoll(Wire):
    """Answer to `BULK_POLL`."""

    bulk_operation: BulkOperation | None


class SetPayload(Wire):
    """What came of a stock write; no group without errors: nothing had to be changed."""

    inventory_adjustment_group: Ref | None
    user_errors: list[UserError]


class SetAvailable(Wire):
    """Answer to `SET_AVAILABLE`."""

    inventory_set_quantities: SetPayload | None


class Shop(Wire):
    """The shop we are signed in to."""

    myshopify_domain: str


class Scope(Wire):
    """A permission of ours."""

    handle: str


class Installation(Wire):
    """Our app in this shop."""

    access_scopes: list[Scope]


class LocationFacts(Wire):
    """The configured location."""

    name: str
    is_active: bool


class Refs(Wire):
    """Some ids."""

    nodes: list[Ref]


class CheckConnection(Wire):
    """Answer to `CHECK_CONNECTION`."""

    shop: Shop
    current_app_installation: Installation
    location: LocationFacts | None
    locations: Refs


class CountLocations(Wire):
    """Answer to `COUNT_LOCATIONS`."""

    locations: Refs
