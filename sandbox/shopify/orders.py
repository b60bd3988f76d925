"""What shoppers and the merchant do with orders, and how stock moves with it.

Placing moves units from available to committed, sending takes them off committed, and what is taken off an order
goes back to available or is gone, as the restock type says. on_hand is the sum and follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import TypeVar

from sandbox.clock import Clock
from sandbox.shopify.index import Doc, Index
from sandbox.shopify.model import Event, Item, Level, Location, RestockType, SoldOut
from sandbox.shopify.order_model import (
    Fulfilment,
    FulfilmentLine,
    FulfilmentOrder,
    Line,
    Order,
    OrderAdjustment,
    Refund,
    RefundAmount,
    RefundLine,
    RefundShippingLine,
    Tax,
)
from sandbox.shopify.prices import Prices, tip_line
from sandbox.shopify.stock import Stock, second

FIRST_ORDER = 6_200_000_000_000
FIRST_RECORD = 13_400_000_000_000  # lines, refunds, fulfilments: one series for all
FIRST_SEQUENCE = 1001

Record = Line | Refund | Fulfilment | FulfilmentLine | FulfilmentOrder | RefundAmount
R = TypeVar("R", Line, Refund, Fulfilment, FulfilmentLine, FulfilmentOrder, OrderAdjustment, RefundShippingLine)


def _cart_of(place: int, source_name: str) -> str | None:
    """Return the token of the cart that an order of the online shop was made of; other orders are made of none."""
    return f"{FIRST_SEQUENCE + place:032x}" if source_name == "web" else None


def order_doc(order: Order) -> Doc:
    """Return an order's searchable values."""
    return {
        "id": order.number,
        "name": order.name,
        "created_at": order.created_at,
        "processed_at": order.created_at,
        "updated_at": order.updated_at,
        "closed": order.closed_at is not None,
        "cancelled": order.cancelled_at is not None,
        "financial_status": order.financial_status,
        "fulfillment_status": order.fulfilment_status,
        "test": order.test,
        "source_name": order.source_name,
        "cart_token": order.cart_token or "",
        "sku": tuple(line.variant.item.sku for line in order.lines),
        "tag": order.tags,
        "location_id": order.location.number,
        "fulfillment_location_id": order.location.number,
        "total_cents": order.current_cents,
    }


class OrderBook:
    """All orders, oldest first, and what can be done with them."""

    def __init__(
        self, clock: Clock, stock: Stock, lag_seconds: float, publish: Callable[[Event], None], tax: Tax
    ) -> None:
        self._clock = clock
        self._stock = stock
        self._publish = publish
        self._tax = tax
        self._records = count(FIRST_RECORD)
        self.index = Index(clock, lag_seconds, order_doc)
        self.orders: dict[str, Order] = {}
        self.records: dict[str, Record] = {}

    def place(
        self,
        wanted: Sequence[tuple[Item, int]],
        location: Location,
        prices: Prices,
        *,
        test: bool,
        oversell: bool,
        paid: bool,
        source_name: str,
        cart_token: str | None = None,
    ) -> Order:
        """Sell `wanted` at `location`; raises SoldOut, and sells nothing, if anything is lacking."""
        for item, units in wanted:
            _check_sellable(item, units, location, oversell=oversell)
        discounts = prices.shares(wanted)
        now, place = second(self._clock.now()), len(self.orders)
        order = Order(
            FIRST_ORDER + place + 1,
            FIRST_SEQUENCE + place,
            location,
            now,
            now,
            test,
            source_name,
            prices.shipping_cents,
            prices.tip_cents,
            self._tax,
            cart_token=cart_token or _cart_of(place, source_name),
        )
        for (item, units), off in zip(wanted, discounts, strict=True):
            self._add_line(order, item, units, off)
        if prices.tip_cents:
            order.tip_lines.append(self._keep(tip_line(next(self._records), order)))
        order.fulfilment_orders.append(self._keep(FulfilmentOrder(next(self._records), order, location)))
        order.original_cents = order.current_cents
        order.received_cents = order.original_cents if paid else 0
        self.orders[order.id] = order
        self._changed(order, "orders/create", *(["orders/paid"] if paid else []))
        return order

    def fulfil(self, order: Order, units: Mapping[Line, int]) -> Fulfilment:
        """Send units that are still to be sent; the order closes itself when all are."""
        _check(units, f"{order.name} has nothing left to send")
        for line, wanted in units.items():
            _check(
                0 < wanted <= line.unfulfilled,
                f"{order.name}: {wanted} units cannot be sent, {line.unfulfilled} are open",
            )
        lines = []
        for line, wanted in units.items():
            line.unfulfilled -= wanted
            line.fulfilled += wanted
            self._release(line, wanted, back=None)
            lines.append(self._keep(FulfilmentLine(next(self._records), line, wanted)))
        now = second(self._clock.now())
        fulfilment = self._keep(Fulfilment(next(self._records), order, order.location, now, lines))
        order.fulfilments.append(fulfilment)
        done = order.fulfilment_status == "FULFILLED"
        if done and order.financial_status != "PENDING":
            order.closed_at = now
        self._changed(order, "fulfillments/create", *(["orders/fulfilled"] if done else []), "orders/updated")
        return fulfilment

    def refund(
        self, order: Order, units: Mapping[Line, int], restock: RestockType, location: Location | None
    ) -> Refund:
        """Give money back for units. CANCEL takes unsent units, RETURN sent ones, NO_RESTOCK unsent ones first."""
        for line, wanted in units.items():
            _check(
                0 < wanted <= _refundable(line, restock),
                f"{order.name}: {wanted} units cannot be refunded as {restock}",
            )
        rows = [self._take_off(line, wanted, restock, location) for line, wanted in units.items()]
        refund = self._refund(order, rows, "", money=True)
        self._changed(order, "refunds/create", "orders/updated")
        return refund

    def refund_money(self, order: Order, cents: int, *, shipping: bool) -> Refund:
        """Give money back for no units: of the shipping, or out of goodwill: then the order costs what it did."""
        most = order.current_shipping_cents if shipping else order.kept_cents
        _check(0 < cents <= most, f"{order.name}: {cents} cents cannot be given back")
        if shipping:
            refund = self._refund(order, [], "", money=True, shipping=cents)
        else:
            refund = self._refund(order, [], "", money=False)
            refund.adjustments.append(self._keep(OrderAdjustment(next(self._records), -cents, 0)))
            refund.refunded_cents = cents
            order.refunded_cents += cents
            order.forgiven_cents += cents
        self._changed(order, "refunds/create", "orders/updated")
        return refund

    def cancel(self, order: Order, *, restock: bool, reason: str, pay_back: bool = True) -> Refund | None:
        """Cancel what has not been sent and give its money back, or not yet; None if there was nothing left."""
        _check(order.cancelled_at is None, f"{order.name} is cancelled already")
        restock_type = RestockType.CANCEL if restock else RestockType.NO_RESTOCK
        rows = [self._take_off(line, line.unfulfilled, restock_type, None) for line in order.lines if line.unfulfilled]
        shipping = 0 if order.fulfilments else order.current_shipping_cents
        refund = self._refund(order, rows, "", money=pay_back, shipping=shipping) if rows else None
        order.cancelled_at = order.closed_at = second(self._clock.now())
        order.cancel_reason = reason
        self._changed(order, *(["refunds/create"] if refund else []), "orders/cancelled", "orders/updated")
        return refund

    def edit(self, order: Order, item: Item, delta: int, *, restock: bool, oversell: bool) -> None:
        """Put units on an open order, or take unsent ones off; what is taken off leaves a refund without money."""
        _check(order.cancelled_at is None, f"{order.name} is cancelled")
        _check(delta != 0, "an edit changes something")
        line = next((line for line in order.lines if line.variant.item is item), None)
        if delta > 0:
            _check_sellable(item, delta, order.location, oversell=oversell)
            self._add_units(order, line, item, delta)
            order.closed_at = None
        else:
            _check(line is not None and line.unfulfilled >= -delta, f"{order.name}: {-delta} units are not open")
            assert line is not None  # noqa: S101 - just checked
            restock_type = RestockType.CANCEL if restock else RestockType.NO_RESTOCK
            self._refund(order, [self._take_off(line, -delta, restock_type, None)], "", money=False)
        order.edited = True
        self._changed(order, "orders/edited", "orders/updated")

    def _add_line(self, order: Order, item: Item, units: int, discounts: tuple[int, ...]) -> None:
        variant, number = item.variant, next(self._records)
        tax = replace(order.tax, rate=Decimal(0)) if variant.is_gift_card else order.tax
        committed = self._commit(item, units, order.location)
        line = Line(number, order, variant, units, variant.price_cents, discounts, tax, committed)
        order.lines.append(self._keep(line))

    def _add_units(self, order: Order, line: Line | None, item: Item, units: int) -> None:
        if line is None:
            self._add_line(order, item, units, ())
        else:
            line.add(units, committed=self._commit(item, units, order.location))

    def _commit(self, item: Item, units: int, location: Location) -> int:
        """Move units from available to committed; return how many moved, none of an untracked item."""
        if not item.tracked:
            return 0
        self._stock.move(self._level(item, location), available=-units, committed=units)
        return units

    def _release(self, line: Line, units: int, back: Location | None) -> None:
        """Take units off committed, and put them back on the shelf at `back` unless that is None."""
        held = min(units, line.committed)
        line.committed -= held
        if not held or line.variant.deleted:
            return
        item, home = line.variant.item, line.order.location
        if back is home:
            self._stock.move(self._level(item, home), committed=-held, available=held)
            return
        self._stock.move(self._level(item, home), committed=-held)
        if back is not None:
            self._stock.move(self._level(item, back), available=held)

    def _take_off(self, line: Line, units: int, restock: RestockType, location: Location | None) -> RefundLine:
        """Take units off the order and put them where the restock type says."""
        back = None if restock is RestockType.NO_RESTOCK else location or line.order.location
        unsent = 0 if restock is RestockType.RETURN else min(units, line.unfulfilled)
        line.unfulfilled -= unsent
        line.returned += units - unsent
        self._release(line, unsent, back)
        if back is not None and restock is RestockType.RETURN and line.counted:
            self._stock.move(self._level(line.variant.item, back), available=units)
        net, tax = line.drop(units)
        return RefundLine(next(self._records), line, units, restock, back, net, tax)

    def _refund(self, order: Order, rows: list[RefundLine], note: str, *, money: bool, shipping: int = 0) -> Refund:
        shipping_tax = order.shipping_tax(order.current_shipping_cents)
        order.refunded_shipping_cents += shipping
        shipping_tax -= order.shipping_tax(order.current_shipping_cents)
        taxes = sum(row.tax_cents for row in rows) + shipping_tax
        owed = sum(row.net_cents for row in rows) + shipping + order.tax.beside(taxes)
        given = min(owed, order.kept_cents) if money else 0
        order.refunded_cents += given
        if money:
            order.forgiven_cents -= min(order.forgiven_cents, owed - given)
        refund = self._keep(Refund(next(self._records), order, second(self._clock.now()), note, rows, given))
        if shipping:
            refund.shipping.append(self._keep(RefundShippingLine(next(self._records), shipping, shipping_tax)))
        order.refunds.append(refund)
        return refund

    def _level(self, item: Item, location: Location) -> Level:
        return item.levels.get(location.id) or self._stock.activate(item, location)

    def _keep(self, record: R) -> R:
        self.records[record.id] = record
        return record

    def _changed(self, order: Order, *topics: str) -> None:
        order.updated_at = second(self._clock.now())
        self.index.touch(order)
        for topic in topics:
            self._publish(Event(topic, order.id, self._clock.now()))


def _check(fine: object, message: str) -> None:
    if not fine:
        raise ValueError(message)


def _check_sellable(item: Item, units: int, location: Location, *, oversell: bool) -> None:
    _check(units > 0, f"{item.sku}: {units} units cannot be ordered")
    if oversell or not item.tracked or item.variant.inventory_policy == "CONTINUE":
        return
    level = item.levels.get(location.id)
    there = level.quantities["available"] if level is not None and level.is_active else 0
    if there < units:
        raise SoldOut(f"{item.sku}: {units} wanted, {there} available at {location.name}")


def _refundable(line: Line, restock: RestockType) -> int:
    match restock:
        case RestockType.CANCEL:
            return line.unfulfilled
        case RestockType.RETURN:
            return line.fulfilled - line.returned
        case _:
            return line.current_quantity
