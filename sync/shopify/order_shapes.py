"""The shapes of Shopify's answers about orders; an order that does not fit its shape is still known by its head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import ValidationError, model_validator

from sync.shopify.wire import Cents, Connection, Moment, Ref, Units, Wire, field_of, is_cut_off

N = TypeVar("N", bound=Wire)


class ShopMoney(Wire):
    """An amount in the shop's own currency."""

    amount: Cents


class MoneyBag(Wire):
    """An amount; what it was in the customer's currency is not asked for."""

    shop_money: ShopMoney

    @property
    def cents(self) -> int:
        """Hundredths of the currency's unit."""
        return self.shop_money.amount


class Discount(Wire):
    """What one discount takes off one line."""

    allocated_amount_set: MoneyBag


class TaxLine(Wire):
    """One tax charged on a line."""

    price_set: MoneyBag


class VariantOfLine(Wire):
    """The variant of an order line."""

    inventory_item: Ref | None


class Line(Wire):
    """An order line; no variant: it was deleted, or never was one (a custom item, a tip)."""

    id: str
    sku: str | None
    quantity: Units
    unfulfilled_quantity: Units
    is_gift_card: bool
    variant: VariantOfLine | None
    original_unit_price_set: MoneyBag
    original_total_set: MoneyBag
    discount_allocations: list[Discount]
    tax_lines: list[TaxLine]


class RefundLine(Wire):
    """Units of one order line taken off the order, and whether they went back on the shelf, and where."""

    id: str | None
    quantity: Units
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

    total_quantity: Units
    remaining_quantity: Units
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


class OrderHead(Wire):
    """What has to be readable of any order: which one it is, and when it last changed."""

    id: str
    name: str
    created_at: Moment
    updated_at: Moment


class Order(OrderHead):
    """One order; `fulfillment_orders` only where they were asked for."""

    number: int
    cancelled_at: Moment | None
    test: bool
    cart_token: str | None
    currency_code: str
    taxes_included: bool
    duties_included: bool
    edited: bool
    display_financial_status: str | None
    current_total_price_set: MoneyBag
    current_subtotal_price_set: MoneyBag
    current_shipping_price_set: MoneyBag
    current_total_tax_set: MoneyBag
    current_total_duties_set: MoneyBag | None
    current_total_additional_fees_set: MoneyBag | None
    total_tip_received_set: MoneyBag
    total_received_set: MoneyBag
    net_payment_set: MoneyBag
    total_outstanding_set: MoneyBag
    line_items: Connection[Line]
    refunds: list[Refund]
    fulfillment_orders: Connection[Assignment] | None = None


class OrderNode(OrderHead):
    """An order as it came: `whole` unless something in it does not fit; then `problem` names the first such field.

    `cut_off`: only rows are missing from one of its lists, which another answer may have.
    """

    whole: Order | None
    problem: str
    cut_off: bool

    @model_validator(mode="before")
    @classmethod
    def _whole_or_head(cls, told: Any) -> Any:
        if not isinstance(told, Mapping):
            return told
        head = {name: told[name] for name in ("id", "name", "createdAt", "updatedAt") if name in told}
        try:
            return head | {"whole": Order.model_validate(told), "problem": "", "cutOff": False}
        except ValidationError as error:
            return head | {"whole": None, "problem": field_of(error), "cutOff": is_cut_off(error)}


class OrdersChanged(Wire):
    """Answer to `ORDERS_CHANGED`."""

    orders: Connection[OrderNode]


class OrdersById(Wire):
    """Answer to `ORDERS_BY_ID`; a deleted order's place is empty."""

    nodes: list[OrderNode | None]


class OrderHeadsChanged(Wire):
    """Answer to `ORDER_HEADS_CHANGED`."""

    orders: Connection[OrderHead]


class NamedOrder(Wire):
    """An order by its names."""

    id: str
    created_at: Moment
    name: str
    number: int
    cart_token: str | None


class NamedOrders(Wire):
    """Those of a search."""

    nodes: list[NamedOrder]


class OrdersNamed(Wire):
    """Answer to `ORDERS_NAMED`."""

    orders: NamedOrders


class OrderHeadsById(Wire):
    """Answer to `ORDER_HEADS_BY_ID`; a deleted order's place is empty."""

    nodes: list[OrderHead | None]


class Owner(Wire, Generic[N]):
    """What a further page of a nested connection hangs on."""

    page: Connection[N]


class More(Wire, Generic[N]):
    """Answer to a `MORE_…` document; no owner: it was deleted meanwhile."""

    owner: Owner[N] | None
