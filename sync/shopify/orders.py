"""Reading orders whole: every nested page is followed to its end before an order counts as read.

An order that cannot be understood, or whose pages fail again and again, is told as unreadable: it holds up no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sync.errors import Code, SyncError, Transient
from sync.model import OrderRow
from sync.shopify.answers import Misshapen, Spoilt, TooDear, Unproven
from sync.shopify.api import AdminApi
from sync.shopify.documents import (
    MORE_ASSIGNED_LINES,
    MORE_ASSIGNMENTS,
    MORE_ORDER_LINES,
    MORE_REFUND_LINES,
    ORDER_HEADS_BY_ID,
    ORDER_HEADS_CHANGED,
    ORDERS_BY_ID,
    ORDERS_CHANGED,
    ORDERS_NAMED,
    Document,
)
from sync.shopify.order_facts import WholeOrder, order_row, unreadable_row
from sync.shopify.order_money import UnreadableOrderError
from sync.shopify.order_shapes import (
    AssignedLine,
    Assignment,
    Line,
    More,
    NamedOrder,
    Order,
    OrderHeadsById,
    OrderHeadsChanged,
    OrderNode,
    OrdersById,
    OrdersChanged,
    OrdersNamed,
    RefundLine,
)
from sync.shopify.pages import Page, Walk, changed, rest_of
from sync.shopify.wire import Connection, Wire, parse, shaped

N = TypeVar("N", bound=Wire)

_OWNER = "owner.page."

# An archived order may still have units to send; a cancelled one never has.
OPEN_ORDERS = (
    "(status:open OR fulfillment_status:unfulfilled OR fulfillment_status:partial OR fulfillment_status:scheduled"
    " OR fulfillment_status:on_hold OR fulfillment_status:request_declined) AND -status:cancelled"
)
_PAGE = {False: 100, True: 25}  # by whether there are several locations: 506 and 806 points of the 1,000 allowed
_IDS = {False: 16, True: 7}  # 56 and 134 points each, should every id count
# What may be the trouble of one order alone; throttling, sign-in, scopes and version concern all of them.
_NAMES = 25  # orders looked for at once by what visitors call them
_OF_ONE_ORDER = frozenset({Code.SH004, Code.SH006, Code.SH007, Code.SH008, Code.SH013})
_READINGS = 3  # that an order may make fail in a row, each with the retries of every call


class Patience:
    """Counts, order by order, the readings in a row that failed at it."""

    def __init__(self) -> None:
        self._failed: Counter[str] = Counter()

    def is_spent(self, order_id: str) -> bool:
        """Count one more failure; tell whether the order is to be passed over from now on."""
        self._failed[order_id] += 1
        return self._failed[order_id] >= _READINGS

    def restore(self, order_id: str) -> None:
        """Forget the failures of an order that was read."""
        del self._failed[order_id]


class OrderReader:
    """Reads orders of one shop; `several` says whether it has several locations. `patience` outlives the reader.

    A `careful` reader asks for details by id, so that no order can spoil the answer about others; that takes longer.
    """

    def __init__(
        self, api: AdminApi, location_id: str, patience: Patience, *, several: bool, careful: bool = False
    ) -> None:
        self._api = api
        self._patience = patience
        self._location_id = location_id
        self._several = several
        self._careful = careful

    def careful(self) -> OrderReader:
        """Return a careful reader of the same."""
        return OrderReader(self._api, self._location_id, self._patience, several=self._several, careful=True)

    def open_window(self, since: datetime, until: datetime | None) -> Walk[Any, OrderRow]:
        """Return the walk over the orders of a window that may have units to send."""
        return self._walk(f"{OPEN_ORDERS} AND {changed(since, until)}")

    def window(self, since: datetime, until: datetime | None) -> Walk[Any, OrderRow]:
        """Return the walk over orders changed at or after `since` and before `until`, if any."""
        return self._walk(changed(since, until))

    def _walk(self, query: str) -> Walk[Any, OrderRow]:
        source, asked, size = "shopify.orders", {"query": query}, _PAGE[self._several]
        if self._careful:
            return Walk(source, ORDER_HEADS_CHANGED, asked, size, OrderHeadsChanged, self._page_of_heads)
        return Walk(source, ORDERS_CHANGED[self._several], asked, size, OrdersChanged, self._page)

    async def by_id(self, order_ids: Sequence[str]) -> dict[str, OrderRow]:
        """Return these orders as they are now; deleted ones are missing."""
        wanted = list(dict.fromkeys(order_ids))
        size, start = _IDS[self._several], 0
        found: dict[str, OrderRow] = {}
        while start < len(wanted):
            ids = wanted[start : start + size]
            try:
                found |= await self._together(ids)
            except TooDear:
                if size == 1:
                    raise
                size //= 2
                continue
            start += size
        return found

    async def _together(self, ids: Sequence[str]) -> dict[str, OrderRow]:
        """Return orders by one call, or by one for each half of them where the whole is spoilt."""
        document = ORDERS_BY_ID[self._several]
        try:
            nodes = (await self._api.read(document, {"ids": ids}, partial(_by_id, len(ids)))).nodes
        except Spoilt as error:
            if len(ids) == 1:
                return await self._spoilt(ids[0], error)
            middle = len(ids) // 2
            return await self._together(ids[:middle]) | await self._together(ids[middle:])
        return {node.id: await self._row(node) for node in nodes if node is not None}

    async def _spoilt(self, order_id: str, error: Spoilt) -> dict[str, OrderRow]:
        """Return an order whose details Shopify fails to tell as unreadable, once it has failed often enough."""
        if not self._patience.is_spent(order_id):
            raise error
        heads = (await self._api.read(ORDER_HEADS_BY_ID, {"ids": [order_id]}, shaped(OrderHeadsById))).nodes
        reason = f"Shopify does not tell its details ({error.code.name})"
        return {head.id: unreadable_row(head, reason) for head in heads if head is not None}

    async def _page(self, answer: OrdersChanged) -> Page[OrderRow]:
        orders = answer.orders
        rows = [await self._row(order) for order in orders.nodes]
        return Page(rows, max((row.updated_at for row in rows), default=None), orders.page_info)

    async def _page_of_heads(self, answer: OrderHeadsChanged) -> Page[OrderRow]:
        heads = answer.orders.nodes
        found = await self.by_id([head.id for head in heads])
        if any(head.id not in found for head in heads):
            raise Transient(Code.SH013, "An order vanished while it was read.")
        return Page(
            list(found.values()), max((row.updated_at for row in found.values()), default=None), answer.orders.page_info
        )

    async def _row(self, node: OrderNode) -> OrderRow:
        """Return an order as it is, or as unreadable; raises for trouble that is not, or not surely, its own."""
        try:
            row = await self._read_whole(node.whole or await self._again(node))
        except (Misshapen, UnreadableOrderError) as error:
            return unreadable_row(node.whole or node, f"{error.field.removeprefix(_OWNER)} cannot be understood")
        except SyncError as error:
            if error.code not in _OF_ONE_ORDER or not self._patience.is_spent(node.id):
                # what one order's further page spoils, asking carefully for all of them would not mend
                raise Transient(error.code, error.detail) if isinstance(error, Spoilt) else error from error
            return unreadable_row(node.whole or node, f"its lists cannot be read to their end ({error.code.name})")
        self._patience.restore(node.id)
        return row

    async def _again(self, node: OrderNode) -> Order:
        """Ask anew for an order whose lists came without their last rows; raises `Misshapen` for any other problem."""
        if node.cut_off:
            document = ORDERS_BY_ID[self._several]
            node = await self._api.read(document, {"ids": [node.id]}, _one_not_cut)
        if node.whole is None:
            raise Misshapen(Code.SH007, f"Unexpected shape at {node.problem}.", field=node.problem)
        return node.whole

    async def _read_whole(self, order: Order) -> OrderRow:
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


async def orders_named(api: AdminApi, names: Sequence[str], since: datetime) -> list[str]:
    """Return the ids of the orders with these names (`#1001`), numbers, ids in digits or cart tokens, of the first 25.

    Those created before `since` are left out.
    """
    wanted = list(dict.fromkeys(_bare(name) for name in names))[:_NAMES]
    # Shopify documents the search by `name:1001-A`, shops write `#1001`: it is asked for as both
    query = " OR ".join(f'name:"{name}" OR name:"#{name}" OR {_other_term(name)}' for name in wanted)
    answer = await api.read(ORDERS_NAMED, {"first": _NAMES, "query": query}, shaped(OrdersNamed))
    recent = [one for one in answer.orders.nodes if one.created_at >= since]
    return [one.id for one in recent if _names(one) & set(wanted)]


def _other_term(name: str) -> str:
    """Return the search for an id, which is all that a thank-you page knows, or for a cart's token."""
    return f"id:{name}" if name.isascii() and name.isdigit() else f'cart_token:"{name}"'


def _names(order: NamedOrder) -> set[str]:
    return {_bare(order.name), str(order.number), order.id.rpartition("/")[2], order.cart_token or order.id}


def _bare(name: str) -> str:
    """Return a name as the search can be asked for it: nothing in it ends its quotes."""
    return name.translate({ord('"'): None, ord("\\"): None}).removeprefix("#")


def _by_id(asked: int, data: Mapping[str, Any]) -> OrdersById:
    answer = parse(OrdersById, data)
    if len(answer.nodes) != asked:
        raise Transient(Code.SH013, f"Asked for {asked} orders, answered with {len(answer.nodes)}.")
    return answer


def _one_not_cut(data: Mapping[str, Any]) -> OrderNode:
    node = _by_id(1, data).nodes[0]
    if node is None:
        raise Transient(Code.SH013, "An order changed while it was read.")
    if node.cut_off:
        raise Unproven(Code.SH013, "An order's list does not end with its last row.")
    return node
