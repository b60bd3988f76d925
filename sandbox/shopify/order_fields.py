"""Resolvers of the fields of orders and their records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.shopify.context import Info
from sandbox.shopify.fields import connection, constant, money
from sandbox.shopify.model import Location
from sandbox.shopify.money import Money, part, tax_on
from sandbox.shopify.order_model import Line, Order, Refund


def first_of(rows: Callable[[Any], list[Any]]) -> Callable[..., list[Any]]:
    """Make a resolver of a plain list that `first` cuts short."""

    def resolve(source: Any, _info: Info, **asked: Any) -> list[Any]:
        return rows(source)[: asked.get("first")]

    return resolve


def tax_lines(line: Line, info: Info, **_asked: Any) -> list[dict[str, Any]]:
    """Return the sales tax on all units ever on the line, after discounts."""
    amount = tax_on(_net_ordered(line), line.tax_rate)
    rate = float(line.tax_rate)
    price = Money(amount, info.context.store.currency)
    return [{"title": "Sales Tax", "rate": rate, "rate_percentage": rate * 100, "price_set": price}]


def _net_ordered(line: Line) -> int:
    return line.unit_cents * line.quantity - line.discount_cents


def _discounted_unit(line: Line) -> int:
    return part(_net_ordered(line), 1, line.quantity)


def _total(order: Order) -> int:
    """Before anything was taken off the order, units put on by edits included."""
    return (
        sum(_net_ordered(line) + tax_on(_net_ordered(line), line.tax_rate) for line in order.lines)
        + order.shipping_cents
    )


def _current_discounts(order: Order) -> int:
    return sum(line.unit_cents * line.current_quantity - line.net_cents for line in order.lines)


def assigned_location(row: Any, _: Info) -> dict[str, Any]:
    """Return the location that has to send the order."""
    place: Location = row.location
    return {"name": place.name, "city": place.city, "country_code": place.country_code, "location": place}


def refund_owner(refund: Refund, _: Info) -> Order:
    """Return the order that was refunded."""
    return refund.order


ORDER_FIELDS: dict[str, Callable[..., Any]] = {
    "Order.closed": lambda order, _: order.closed_at is not None,
    "Order.confirmed": constant(True),
    "Order.currencyCode": lambda _, info: info.context.store.currency,
    "Order.presentmentCurrencyCode": lambda _, info: info.context.store.currency,
    "Order.currentSubtotalLineItemsQuantity": lambda order, _: sum(line.current_quantity for line in order.lines),
    "Order.currentSubtotalPriceSet": money(lambda order: sum(line.net_cents for line in order.lines)),
    "Order.currentTotalDiscountsSet": money(_current_discounts),
    "Order.currentTotalPriceSet": money(lambda order: order.current_cents),
    "Order.currentTotalTaxSet": money(lambda order: sum(line.tax_cents for line in order.lines)),
    "Order.displayFinancialStatus": lambda order, _: order.financial_status,
    "Order.displayFulfillmentStatus": lambda order, _: order.fulfilment_status,
    "Order.fulfillmentOrders": connection(lambda order: order.fulfilment_orders),
    "Order.fulfillments": first_of(lambda order: order.fulfilments),
    "Order.fullyPaid": lambda order, _: order.received_cents - order.refunded_cents >= order.current_cents,
    "Order.lineItems": connection(lambda order: order.lines),
    "Order.note": constant(None),
    "Order.number": lambda order, _: order.sequence,
    "Order.originalTotalPriceSet": money(lambda order: order.original_cents),
    "Order.processedAt": lambda order, _: order.created_at,
    "Order.refunds": first_of(lambda order: order.refunds),
    "Order.subtotalLineItemsQuantity": lambda order, _: sum(line.quantity for line in order.lines),
    "Order.subtotalPriceSet": money(lambda order: sum(map(_net_ordered, order.lines))),
    "Order.tags": lambda order, _: list(order.tags),
    "Order.taxesIncluded": constant(False),
    "Order.totalDiscountsSet": money(lambda order: sum(line.discount_cents for line in order.lines)),
    "Order.totalOutstandingSet": money(
        lambda order: max(0, order.current_cents - order.received_cents + order.refunded_cents)
    ),
    "Order.totalPriceSet": money(_total),
    "Order.totalReceivedSet": money(lambda order: order.received_cents),
    "Order.totalRefundedSet": money(lambda order: order.refunded_cents),
    "Order.totalShippingPriceSet": money(lambda order: order.shipping_cents),
    "Order.totalTaxSet": money(lambda order: sum(tax_on(_net_ordered(line), line.tax_rate) for line in order.lines)),
    "LineItem.discountedTotalSet": money(_net_ordered),
    "LineItem.discountedUnitPriceAfterAllDiscountsSet": money(_discounted_unit),
    "LineItem.discountedUnitPriceSet": money(_discounted_unit),
    "LineItem.isGiftCard": constant(False),
    "LineItem.name": lambda line, _: f"{line.variant.product.title} - {line.variant.title}",
    "LineItem.nonFulfillableQuantity": constant(0),
    "LineItem.originalTotalSet": money(lambda line: line.unit_cents * line.quantity),
    "LineItem.originalUnitPriceSet": money(lambda line: line.unit_cents),
    "LineItem.product": lambda line, _: line.variant.product,
    "LineItem.refundableQuantity": lambda line, _: line.current_quantity,
    "LineItem.requiresShipping": lambda line, _: line.variant.item.requires_shipping,
    "LineItem.restockable": lambda line, _: line.variant.item.tracked,
    "LineItem.sku": lambda line, _: line.variant.item.sku or None,
    "LineItem.taxLines": tax_lines,
    "LineItem.taxable": constant(True),
    "LineItem.title": lambda line, _: line.variant.product.title,
    "LineItem.totalDiscountSet": money(lambda line: line.discount_cents),
    "LineItem.unfulfilledQuantity": lambda line, _: line.unfulfilled,
    "LineItem.variantTitle": lambda line, _: line.variant.title,
    "LineItem.vendor": lambda line, _: line.variant.product.vendor,
    "Refund.note": lambda refund, _: refund.note or None,
    "Refund.processedAt": lambda refund, _: refund.created_at,
    "Refund.updatedAt": lambda refund, _: refund.created_at,
    "Refund.refundLineItems": connection(lambda refund: refund.lines),
    "Refund.totalRefundedSet": money(lambda refund: refund.refunded_cents),
    "RefundLineItem.lineItem": lambda row, _: row.line,
    "RefundLineItem.priceSet": money(lambda row: row.line.unit_cents),
    "RefundLineItem.restockType": lambda row, _: row.restock_type.value,
    "RefundLineItem.subtotalSet": money(lambda row: row.net_cents),
    "RefundLineItem.totalTaxSet": money(lambda row: row.tax_cents),
    "Fulfillment.fulfillmentLineItems": connection(lambda fulfilment: fulfilment.lines),
    "Fulfillment.name": lambda row, _: f"{row.order.name}-F{row.order.fulfilments.index(row) + 1}",
    "Fulfillment.requiresShipping": constant(True),
    "Fulfillment.status": constant("SUCCESS"),
    "Fulfillment.totalQuantity": lambda row, _: sum(line.quantity for line in row.lines),
    "Fulfillment.updatedAt": lambda row, _: row.created_at,
    "FulfillmentLineItem.lineItem": lambda row, _: row.line,
    "FulfillmentOrder.assignedLocation": assigned_location,
    "FulfillmentOrder.createdAt": lambda row, _: row.order.created_at,
    "FulfillmentOrder.updatedAt": lambda row, _: row.order.updated_at,
    "FulfillmentOrder.lineItems": connection(lambda row: row.order.lines),
    "FulfillmentOrder.orderId": lambda row, _: row.order.id,
    "FulfillmentOrder.orderName": lambda row, _: row.order.name,
    "FulfillmentOrder.orderProcessedAt": lambda row, _: row.order.created_at,
    "FulfillmentOrderLineItem.id": lambda line, _: f"gid://shopify/FulfillmentOrderLineItem/{line.number}",
    "FulfillmentOrderLineItem.inventoryItemId": lambda line, _: line.variant.item.id,
    "FulfillmentOrderLineItem.lineItem": lambda line, _: line,
    "FulfillmentOrderLineItem.productTitle": lambda line, _: line.variant.product.title,
    "FulfillmentOrderLineItem.remainingQuantity": lambda line, _: line.unfulfilled,
    "FulfillmentOrderLineItem.requiresShipping": lambda line, _: line.variant.item.requires_shipping,
    "FulfillmentOrderLineItem.sku": lambda line, _: line.variant.item.sku or None,
    "FulfillmentOrderLineItem.totalQuantity": lambda line, _: line.unfulfilled + line.fulfilled,
    "FulfillmentOrderLineItem.variantTitle": lambda line, _: line.variant.title,
}
