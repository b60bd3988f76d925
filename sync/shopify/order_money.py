"""From an order as Shopify tells it to what it is worth, in cents; docs/order-facts.md is the table. Pure.

Nothing is rounded here: amounts are whole cents or the order does not fit its shape. Where Shopify leaves open whether
one amount is part of another, the reading counts under which the parts add up to the order's total.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from sync.model import OrderMoney
from sync.shopify.order_shapes import Line, MoneyBag, Order

_SETTLED = frozenset({"PAID", "PARTIALLY_REFUNDED", "REFUNDED"})
_DIGITS = re.compile("[0-9]+")
_LONGEST_NUMBER = 20  # digits; a Lightspeed reference takes 40 characters in all


class UnreadableOrderError(Exception):
    """The fields of an order contradict each other; `field` is where it shows."""

    def __init__(self, field: str) -> None:
        self.field = field
        super().__init__(field)


def order_money(order: Order) -> OrderMoney:
    """Return what the order is worth now, and of what it consists."""
    goods, shipping = order.current_subtotal_price_set.cents, order.current_shipping_price_set.cents
    tax = 0 if order.taxes_included else order.current_total_tax_set.cents
    rest = order.current_total_price_set.cents - goods - shipping - tax
    tip, additional = order.total_tip_received_set.cents, _cents(order.current_total_additional_fees_set)
    duties = 0 if order.duties_included else _cents(order.current_total_duties_set)
    inside = _inside(rest, tip, duties, additional)
    return OrderMoney(
        currency=order.currency_code,
        net=_net(order),
        goods=goods - inside[0],
        shipping=shipping,
        tax=tax,
        tip=tip,
        fees=additional + duties - inside[1],
        touched=order.edited or order.cancelled_at is not None or bool(order.refunds),
    )


def line_cents(line: Line, *, edited: bool) -> int:
    """Return what all units ever on the line cost after every discount; raises `UnreadableOrderError` below 0.

    The original total is that of the time of ordering: it may lack units that an edit put on.
    """
    full = line.original_unit_price_set.cents * line.quantity if edited else line.original_total_set.cents
    cents = full - sum(one.allocated_amount_set.cents for one in line.discount_allocations)
    if cents < 0:
        raise UnreadableOrderError("lineItems.discountAllocations")
    return cents


def is_taxed(line: Line) -> bool:
    """Tell whether tax was charged on the line, within its price or beside it."""
    return any(tax.price_set.cents > 0 for tax in line.tax_lines)


def without_tip(lines: Sequence[Line], tip: int, *, edited: bool) -> list[Line]:
    """Return the lines that are goods: Shopify lists a tip as a line too, and its money is told apart from theirs."""
    for place, line in enumerate(lines):
        is_anonymous = line.variant is None and not line.sku and line.quantity == 1
        if tip > 0 and is_anonymous and line_cents(line, edited=edited) == tip:
            return [*lines[:place], *lines[place + 1 :]]
    return list(lines)


def order_number(name: str, number: int | None) -> str:
    """Return the digits by which people know the order.

    That is `number` where the name shows it as it is (the shop's prefix and suffix around it may hold digits of their
    own), else all digits of the name; where there are none, `number` again.
    """
    runs = _DIGITS.findall(name)
    known = "" if number is None else str(abs(number))
    return known if known in runs else "".join(runs)[:_LONGEST_NUMBER] or known


def _net(order: Order) -> int:
    """Return what was kept of what was paid, once nothing is owed either way; else what the order costs now.

    Money given back for no goods at all is in the payments, whatever Shopify says the order costs.
    """
    received = order.total_received_set.cents
    is_settled = order.display_financial_status in _SETTLED and order.total_outstanding_set.cents == 0
    return order.net_payment_set.cents if is_settled and received > 0 else order.current_total_price_set.cents


def _inside(rest: int, tip: int, duties: int, additional: int) -> tuple[int, int]:
    """Return how much tip is in the goods already and how much duties in the other fees; nothing unless it adds up."""
    for duties_inside, tip_inside in product((0, duties), (0, tip)):
        if tip - tip_inside + duties - duties_inside + additional == rest:
            return tip_inside, duties_inside
    return 0, 0


def _cents(amount: MoneyBag | None) -> int:
    return amount.cents if amount is not None else 0
