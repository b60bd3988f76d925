"""The shapes of Shopify's answers, as pydantic models. Fields that we did not ask for never break them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Generic, NamedTuple, Protocol, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from sync.errors import Code
from sync.model import LevelRow
from sync.shopify.answers import Unproven

M = TypeVar("M", bound="Wire")
N = TypeVar("N", bound="Wire")

_CUT_OFF = "cut_off"


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("not a moment")  # noqa: TRY004 - pydantic turns ValueError into its own
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_moment)]


class Wire(BaseModel):
    """Base of all shapes: strict types, camelCase names, and no input in error texts."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )


class PageInfo(Wire):
    """Whether a connection goes on, and where."""

    has_next_page: bool
    end_cursor: str | None


class Edge(Wire, Generic[N]):
    """One row and the cursor behind it."""

    cursor: str
    node: N


class Connection(Wire, Generic[N]):
    """One page of a connection. `end_cursor` is its last row's cursor: a page that lost its last rows shows it."""

    edges: list[Edge[N]]
    page_info: PageInfo

    @property
    def nodes(self) -> list[N]:
        """The rows."""
        return [edge.node for edge in self.edges]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        last = self.edges[-1].cursor if self.edges else None
        if last != self.page_info.end_cursor:
            raise PydanticCustomError(_CUT_OFF, "the page does not end with its last row")
        return self


class Ref(Wire):
    """Something of which only the id was asked for."""

    id: str


class UserError(Wire):
    """A refusal inside a payload; not every mutation's has a code."""

    message: str
    field: list[str] | None = None
    code: str | None = None


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


class QuantityLike(Protocol):
    """A quantity, as pydantic or msgspec read it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def quantity(self) -> int: ...  # noqa: D102
    @property
    def updated_at(self) -> datetime | None: ...  # noqa: D102


class Counted(NamedTuple):
    """The numbers of one level by state, and when `available` was last touched."""

    units: dict[str, int]
    touched_at: datetime | None


_STATES = ("available", "committed", "reserved", "safety_stock", "damaged", "quality_control")


def level_row(item_id: str, quantities: Iterable[QuantityLike], updated_at: datetime, *, active: bool) -> LevelRow:
    """Return the row of one level; a state that is missing makes the answer unreadable, it is never taken for 0."""
    by_name = {one.name: one for one in quantities}
    missing = [name for name in _STATES if name not in by_name]
    if missing:
        raise Unproven(Code.SH007, f"A stock level lacks {', '.join(missing)}.")
    touched = by_name["available"].updated_at
    return LevelRow(
        inventory_item_id=item_id,
        **{name: by_name[name].quantity for name in _STATES},
        updated_at=touched if touched is not None else updated_at,
        level_updated_at=updated_at,
        active=active,
    )


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


def parse(shape: type[M], data: Any) -> M:
    """Return `data` as `shape`; raises `Unproven` naming the place that does not fit, never what stood there.

    A page without its last rows is an incomplete read; anything else that does not fit is unreadable.
    """
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        code = Code.SH013 if first["type"] == _CUT_OFF else Code.SH007
        raise Unproven(code, f"Unexpected shape at {place}: {first['type']}.") from None


def shaped(shape: type[M]) -> Callable[[Mapping[str, Any]], M]:
    """Return what parses an answer's data as `shape`."""
    return partial(parse, shape)
