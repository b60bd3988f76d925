"""Reading orders whole: every nested page is followed to its end before an order counts as read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sync.errors import Code, Transient
from sync.model import OrderRow
from sync.shopify.answers import TooDear
from sync.shopify.api import AdminApi
from sync.shopify.documents import (
    MORE_ASSIGNED_LINES,
    MORE_ASSIGNMENTS,
    MORE_ORDER_LINES,
    MORE_REFUND_LINES,
    ORDERS_BY_ID,
    ORDERS_CHANGED,
    Document,
)
from sync.shopify.order_facts import WholeOrder, order_row
from sync.shopify.pages import Page, Walk, rest_of, search_moment
from sync.shopify.shapes import AssignedLine, Assignment, Line, More, Order, OrdersById, OrdersChanged, RefundLine
from sync.shopify.wire import Connection, Wire, parse, shaped

N = TypeVar("N", bound=Wire)

# An archived order may still have units to send; a cancelled one never has.
OPEN_ORDERS = (
    "(status:open OR fulfillment_status:unfulfilled OR fulfillment_status:partial OR fulfillment_status:scheduled"
    " OR fulfillment_status:on_hold OR fulfillment_status:request_declined) AND -status:cancelled"
)
_PAGE = {False: 100, True: 25}  # by whether there are several locations: 380 and 722 points of the 1,000 allowed
_IDS = {False: 20, True: 8}  # 42 and 120 points each, should every id count


class OrderReader:
    """Reads orders of one shop; `several` says whether it has several locations."""

    def __init__(self, api: AdminApi, location_id: str, *, several: bool) -> None:
        self._api = api
        self._location_id = location_id
        self._several = several

    def walk(self, since: datetime | None) -> Walk[OrdersChanged, OrderRow]:
        """Return the walk over orders changed at or after `since`; None: over all that may have units to send."""
        query = OPEN_ORDERS if since is None else f"updated_at:>={search_moment(since)}"
        document = ORDERS_CHANGED[self._several]
        return Walk("shopify.orders", document, {"query": query}, _PAGE[self._several], OrdersChanged, self._page)

    async def by_id(self, order_ids: Sequence[str]) -> dict[str, OrderRow]:
        """Return these orders as they are now; deleted ones are missing."""
        wanted = list(dict.fromkeys(order_ids))
        size, start = _IDS[self._several], 0
        found: dict[str, OrderRow] = {}
        while start < len(wanted):
            ids = wanted[start : start + size]
            try:
                document = ORDERS_BY_ID[self._several]
                nodes = (await self._api.read(document, {"ids": ids}, partial(_by_id, len(ids)))).nodes
            except TooDear:
                if size == 1:
                    raise
                size //= 2
                continue
            found |= {node.id: await self._row(node) for node in nodes if node is not None}
            start += size
        return found

    async def _page(self, answer: OrdersChanged) -> Page[OrderRow]:
        orders = answer.orders
        rows = [await self._row(order) for order in orders.nodes]
        return Page(rows, max((row.updated_at for row in rows), default=None), orders.page_info)

    async def _row(self, order: Order) -> OrderRow:
        lines = await self._whole(order.line_items, Line, MORE_ORDER_LINES, order.id)
        refund_lines = [
            (refund.id, line)
            for refund in order.refunds
            for line in await self._whole(refund.refund_line_items, RefundLine, MORE_REFUND_LINES, refund.id)
        ]
        whole = WholeOrder(order, lines, refund_lines, await self._assignments(order))
        return order_row(whole, self._location_id)

    async def _assignments(self, order: Order) -> list[tuple[Assignment, list[AssignedLine]]] | None:
        if not self._several:
            return None
        if order.fulfillment_orders is None:
            raise Transient(Code.SH013, "An order came without its fulfillment orders.")
        assignments = await self._whole(order.fulfillment_orders, Assignment, MORE_ASSIGNMENTS, order.id)
        return [
            (one, await self._whole(one.line_items, AssignedLine, MORE_ASSIGNED_LINES, one.id)) for one in assignments
        ]

    async def _whole(self, first: Connection[N], shape: type[N], document: Document, owner_id: str) -> list[N]:
        """Return a nested list to its end; an owner that vanished meanwhile makes the read incomplete."""

        async def more(cursor: str) -> Connection[N]:
            more_of: type[More[N]] = More[shape]  # type: ignore[valid-type]
            owner = (await self._api.read(document, {"id": owner_id, "after": cursor}, shaped(more_of))).owner
            if owner is None:
                raise Transient(Code.SH013, "An order changed while it was read.")
            return owner.page

        return await rest_of(first, more)


def _by_id(asked: int, data: Mapping[str, Any]) -> OrdersById:
    answer = parse(OrdersById, data)
    if len(answer.nodes) != asked:
        raise Transient(Code.SH013, f"Asked for {asked} orders, answered with {len(answer.nodes)}.")
    return answer
