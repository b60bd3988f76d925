"""From an order as Shopify tells it to its units at our location, line by line; docs/order-facts.md is the table. Pure.

All nested pages are at hand here. Where Shopify leaves open whose a unit was, it counts as ours: that can only hold
stock back, never sell it twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync.model import OrderLine, OrderRow, Restock
from sync.shopify.order_money import is_taxed, line_cents, order_money, order_number, without_tip
from sync.shopify.order_shapes import AssignedLine, Assignment, Line, Order, OrderHead, RefundLine

_PUT_BACK = frozenset({"CANCEL", "RETURN", "LEGACY_RESTOCK"})
_CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class WholeOrder:
    """An order with every nested page.

    `refund_lines` come with the ids of their refunds; `assignments` are None in a shop with one location.
    """

    order: Order
    lines: Sequence[Line]
    refund_lines: Sequence[tuple[str, RefundLine]]
    assignments: Sequence[tuple[Assignment, Sequence[AssignedLine]]] | None


@dataclass(slots=True)
class Share:
    """Units of one line by who has to send them; fulfillment orders that were cancelled only name, they do not hold."""

    ours: int = 0
    ours_remaining: int = 0
    theirs: int = 0
    named_ours: bool = False
    named_theirs: bool = False


def order_row(whole: WholeOrder, location_id: str) -> OrderRow:
    """Return the order's facts at `location_id`, and its money; raises `UnreadableOrderError` on a contradiction."""
    order = whole.order
    several = whole.assignments is not None
    shares = _shares(whole.assignments or (), location_id)
    restocks = _restocks(whole.refund_lines, location_id, several=several)
    money = order_money(order)
    goods = without_tip(whole.lines, money.tip, edited=order.edited)
    return OrderRow(
        order_id=order.id,
        name=order.name,
        created_at=order.created_at,
        updated_at=order.updated_at,
        cancelled_at=order.cancelled_at,
        test=order.test,
        lines=tuple(_line(order, line, shares[line.id], tuple(restocks[line.id])) for line in goods),
        number=order_number(order.name, order.number),
        money=money,
        cart_token=order.cart_token or "",
    )


def unreadable_row(order: OrderHead, reason: str) -> OrderRow:
    """Return an order of which no more is known than that it is there and when it changed."""
    known = order if isinstance(order, Order) else None
    return OrderRow(
        order_id=order.id,
        name=order.name,
        created_at=order.created_at,
        updated_at=order.updated_at,
        cancelled_at=known.cancelled_at if known else None,
        test=known.test if known else False,
        lines=(),
        number=order_number(order.name, known.number if known else None),
        unreadable=reason,
    )


def _line(order: Order, line: Line, share: Share, restocks: tuple[Restock, ...]) -> OrderLine:
    cancelled = order.cancelled_at is not None
    return OrderLine(
        line_id=line.id,
        inventory_item_id=_item_id(line),
        sku=line.sku or "",
        placed=placed_here(line.quantity, share),
        open=0 if cancelled else open_here(line.unfulfilled_quantity, share),
        restocks=restocks,
        quantity=line.quantity,
        cents=line_cents(line, edited=order.edited),
        taxed=is_taxed(line),
        gift_card=line.is_gift_card,
    )


def placed_here(quantity: int, share: Share) -> int:
    """Return how many of a line's units were ever ours to send.

    Units that no fulfillment order holds any more (removed, cancelled) were ours unless only others name the line.
    """
    homeless = max(0, quantity - share.ours - share.theirs)
    elsewhere = share.theirs + (homeless if share.named_theirs and not share.named_ours else 0)
    return min(quantity, max(quantity - elsewhere, share.ours))


def open_here(unfulfilled: int, share: Share) -> int:
    """Return how many of a line's units are still ours to send; a line that nobody names is ours."""
    return share.ours_remaining if share.named_ours or share.named_theirs else unfulfilled


def _shares(
    assignments: Iterable[tuple[Assignment, Sequence[AssignedLine]]], location_id: str
) -> defaultdict[str, Share]:
    shares: defaultdict[str, Share] = defaultdict(Share)
    for assignment, lines in assignments:
        location = assignment.assigned_location.location
        is_ours = location is not None and location.id == location_id
        for line in lines:
            _count(shares[line.line_item.id], line, is_ours=is_ours, holds=assignment.status != _CANCELLED)
    return shares


def _count(share: Share, line: AssignedLine, *, is_ours: bool, holds: bool) -> None:
    share.named_ours |= is_ours
    share.named_theirs |= not is_ours
    if holds and is_ours:
        share.ours += line.total_quantity
        share.ours_remaining += line.remaining_quantity
    elif holds:
        share.theirs += line.total_quantity


def _restocks(
    refund_lines: Iterable[tuple[str, RefundLine]], location_id: str, *, several: bool
) -> defaultdict[str, list[Restock]]:
    """Return what went back on our shelf, by order line."""
    units: dict[tuple[str, str], int] = {}
    for refund_id, line in refund_lines:
        is_ours = line.location.id == location_id if line.location is not None else not several
        if line.restocked and line.restock_type in _PUT_BACK and is_ours and line.quantity > 0:
            # the schema lets a refund line have no id; its refund and its order line name it as well
            key = (line.line_item.id, line.id or f"{refund_id}#{line.line_item.id}")
            units[key] = units.get(key, 0) + line.quantity
    restocks: defaultdict[str, list[Restock]] = defaultdict(list)
    for (line_id, refund_line_id), number in units.items():
        restocks[line_id].append(Restock(refund_line_id, number))
    return restocks


def _item_id(line: Line) -> str:
    item = line.variant.inventory_item if line.variant is not None else None
    return item.id if item is not None else ""
