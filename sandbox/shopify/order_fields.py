"""Resolvers of the fields of orders and their records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.shopify.context import Info
from sandbox.shopify.fields import connection, constant, money
from sandbox.shopify.model import Location
from sandbox.shopify.money import Money, part
from sandbox.shopify.order_model import Line, Order, Refund


def first_of(rows: Callable[[Any], list[Any]]) -> Callable[..., list[Any]]:
    """Make a resolver of a plain list that `first` cuts short."""

    def resolve(source: Any, _info: Info, **asked: Any) -> list[Any]:
        return rows(source)[: asked.get("first")]

    return resolve


def tax_lines(line: Line, info: Info, **_asked: Any) -> list[dict[str, Any]]:
    """Return the sales tax on all units ever on the line, after discounts; none where the goods are not taxed."""
    if not line.tax.rate:
        return []
    rate = float(line.tax.rate)
    price = Money(line.tax.of(line.placed_cents), info.context.store.currency)
    return [{"title": "Sales Tax", "rate": rate, "rate_percentage": rate * 100, "price_set": price}]


def discount_allocations(line: Line, info: Info) -> list[dict[str, Any]]:
    """Return what each discount takes off the line."""
    return [{"allocated_amount_set": Money(amount, info.context.store.currency)} for amount in line.discounts]


def _discounted_unit(line: Line) -> int:
    return part(line.placed_cents, 1, line.quantity)


def _placed_tax(order: Order) -> int:
    return sum(line.tax.of(line.placed_cents) for line in order.lines) + order.shipping_tax(order.shipping_cents)


def _total(order: Order) -> int:
    """Before anything was taken off the order, units put on by edits included."""
    prices = sum(line.placed_cents for line in order.lines) + order.shipping_cents + order.tip_cents
    return prices + order.tax.beside(_placed_tax(order))


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
    "Order.currentShippingPriceSet": money(lambda order: order.current_shipping_cents),
    "Order.currentSubtotalPriceSet": money(lambda order: sum(line.net_cents for line in order.lines)),
    "Order.currentTotalDiscountsSet": money(_current_discounts),
    "Order.currentTotalPriceSet": money(lambda order: order.current_cents),
    "Order.currentTotalTaxSet": money(lambda order: order.current_tax_cents),
    "Order.currentTotalAdditionalFeesSet": constant(None),
    "Order.currentTotalDutiesSet": constant(None),
    "Order.dutiesIncluded": constant(False),
    "Order.displayFinancialStatus": lambda order, _: order.financial_status,
    "Order.displayFulfillmentStatus": lambda order, _: order.fulfilment_status,
    "Order.fulfillmentOrders": connection(lambda order: order.fulfilment_orders),
    "Order.fulfillments": first_of(lambda order: order.fulfilments),
    "Order.fullyPaid": lambda order, _: order.kept_cents >= order.current_cents,
    "Order.lineItems": connection(lambda order: order.lines + order.tip_lines),
    "Order.netPaymentSet": money(lambda order: order.kept_cents),
    "Order.note": constant(None),
    "Order.number": lambda order, _: order.sequence,
    "Order.originalTotalPriceSet": money(lambda order: order.original_cents),
    "Order.processedAt": lambda order, _: order.created_at,
    "Order.refunds": first_of(lambda order: order.refunds),
    "Order.subtotalLineItemsQuantity": lambda order, _: sum(line.quantity for line in order.lines),
    "Order.subtotalPriceSet": money(lambda order: sum(line.placed_cents for line in order.lines)),
    "Order.tags": lambda order, _: list(order.tags),
    "Order.taxesIncluded": lambda order, _: order.tax.included,
    "Order.totalDiscountsSet": money(lambda order: sum(line.discount_cents for line in order.lines)),
    "Order.totalOutstandingSet": money(lambda order: order.outstanding_cents),
    "Order.totalPriceSet": money(_total),
    "Order.totalReceivedSet": money(lambda order: order.received_cents),
    "Order.totalRefundedSet": money(lambda order: order.refunded_cents),
    "Order.totalShippingPriceSet": money(lambda order: order.shipping_cents),
    "Order.totalTaxSet": money(_placed_tax),
    "Order.totalTipReceivedSet": money(lambda order: order.tip_cents),
    "Order.totalRefundedShippingSet": money(lambda order: order.refunded_shipping_cents),
    "Order.refundDiscrepancySet": money(lambda order: -order.forgiven_cents),
    "LineItem.discountedTotalSet": money(lambda line: line.placed_cents),
    "LineItem.discountedUnitPriceAfterAllDiscountsSet": money(_discounted_unit),
    "LineItem.discountedUnitPriceSet": money(_discounted_unit),
    "LineItem.discountAllocations": discount_allocations,
    "LineItem.isGiftCard": lambda line, _: line.variant.is_gift_card,
    "LineItem.name": lambda line, _: f"{line.variant.product.title} - {line.variant.title}",
    "LineItem.nonFulfillableQuantity": constant(0),
    "LineItem.originalTotalSet": money(lambda line: line.unit_cents * line.ordered),
    "LineItem.originalUnitPriceSet": money(lambda line: line.unit_cents),
    "LineItem.product": lambda line, _: None if line.variant.deleted else line.variant.product,
    "LineItem.refundableQuantity": lambda line, _: line.current_quantity,
    "LineItem.requiresShipping": lambda line, _: line.variant.item.requires_shipping,
    "LineItem.restockable": lambda line, _: line.variant.item.tracked,
    "LineItem.sku": lambda line, _: line.variant.item.sku or None,
    "LineItem.taxLines": tax_lines,
    "LineItem.taxable": lambda line, _: line.tax.rate > 0,
    "LineItem.title": lambda line, _: line.variant.product.title,
    "LineItem.totalDiscountSet": money(lambda line: line.discount_cents),
    "LineItem.unfulfilledQuantity": lambda line, _: line.unfulfilled,
    "LineItem.variant": lambda line, _: None if line.variant.deleted else line.variant,
    "LineItem.variantTitle": lambda line, _: line.variant.title,
    "LineItem.vendor": lambda line, _: line.variant.product.vendor,
    "Refund.note": lambda refund, _: refund.note or None,
    "Refund.orderAdjustments": connection(lambda refund: refund.adjustments),
    "Refund.refundShippingLines": connection(lambda refund: refund.shipping),
    "OrderAdjustment.amountSet": money(lambda row: row.cents),
    "OrderAdjustment.reason": constant("REFUND_DISCREPANCY"),
    "OrderAdjustment.taxAmountSet": money(lambda row: row.tax_cents),
    "RefundShippingLine.subtotalAmountSet": money(lambda row: row.cents),
    "RefundShippingLine.taxAmountSet": money(lambda row: row.tax_cents),
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
