"""Carries out what a person decides about orders: look again at once, or take one out of our hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from sync.clock import Clock
from sync.errors import Code, Permanent, Refused, SyncError
from sync.events import Listener, RunWanted
from sync.model import SaleRow
from sync.ports import Bookings, Ledger, Storefront, Till
from sync.records import FOR_A_PERSON, UNBOOKED, DocumentState, OrderState

log = structlog.get_logger()

_MOST = 1000  # orders that one retry takes
_ON_ITS_WAY = (DocumentState.SENT, DocumentState.COMPLETING)
_NOTHING_LEFT = (OrderState.POSTED, OrderState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of one name in a retry: the order's state before, None where there is no such order."""

    name: str
    state: OrderState | None

    @property
    def taken(self) -> bool:
        """Tell whether the order is looked at again: it waits, for its turn or for a person."""
        return self.state in UNBOOKED or self.state in FOR_A_PERSON


@dataclass(frozen=True, slots=True)
class Closed:
    """An order that was closed; `looked_up` tells whether Lightspeed confirmed the sale that was named."""

    name: str
    sale_id: str | None
    looked_up: bool


class OrderDesk:
    """What people may ask about orders. `turn` is shared with the worker: no order is half booked meanwhile.

    `till` is None where booking is not set up; `look_up` returns a sale of Lightspeed's by its id all the same.
    """

    def __init__(
        self,
        *,
        bookings: Bookings,
        ledger: Ledger,
        storefront: Storefront,
        till: Till | None,
        look_up: Callable[[str], Awaitable[SaleRow | None]],
        clock: Clock,
        tell: Listener,
        turn: asyncio.Lock,
    ) -> None:
        self._bookings = bookings
        self._ledger = ledger
        self._storefront = storefront
        self._till = till
        self._look_up = look_up
        self._clock = clock
        self._tell = tell
        self._turn = turn

    async def retry(self, names: Sequence[str], by: str) -> Sequence[Retried]:
        """Look again at the orders with these names, or (none named) at all that wait for a person.

        They are read from Shopify anew first, where it answers. Raises Permanent (OR009) where booking is not set up.
        """
        if self._till is None:
            raise Permanent(Code.OR009)
        found = await self._named(names) if names else await self._waiting()
        chosen = [order_id for order_id, each in found if order_id is not None and each.taken]
        async with self._turn:
            await self._read_anew(chosen)
            await self._bookings.retry(chosen, self._clock.now(), by)
        self._tell(RunWanted("orders"))
        log.info("orders.retried", orders=[each.name for _, each in found if each.taken], by=by)
        return [each for _, each in found]

    async def close(self, name: str, sale_id: str | None, by: str) -> Closed:
        """Take an order out of our hands: booked by the sale that a person names, or never (None).

        Raises Permanent (OR011: no such order; OR013: booked already; OR008: no such sale), Refused (OR012: a sale
        may still come of it), and what Lightspeed raises when an open sale cannot be thrown away.
        """
        async with self._turn:
            order_id = await self._bookings.find_order(name)
            if order_id is None:
                raise Permanent(Code.OR011, name)
            entry = await self._bookings.order(order_id)
            if entry.state in _NOTHING_LEFT:
                raise Permanent(Code.OR013, entry.name)
            looked_up = sale_id is not None and await self._may_count(sale_id, order_id)
            await self._give_up_document(order_id)
            told = by if looked_up or sale_id is None else f"{by}; not looked up in Lightspeed"
            await self._bookings.close(order_id, sale_id, self._clock.now(), told)
        log.info("orders.closed", order=entry.name, sale=sale_id or "never", by=by, looked_up=looked_up)
        return Closed(entry.name, sale_id, looked_up)

    async def _named(self, names: Sequence[str]) -> list[tuple[str | None, Retried]]:
        found: dict[str, tuple[str | None, Retried]] = {}
        for name in names:
            order_id = await self._bookings.find_order(name)
            if order_id is None:
                found[name] = (None, Retried(name, None))
            else:
                entry = await self._bookings.order(order_id)
                found[order_id] = (order_id, Retried(entry.name, entry.state))
        return list(found.values())

    async def _waiting(self) -> list[tuple[str | None, Retried]]:
        entries = await self._bookings.orders(FOR_A_PERSON, _MOST)
        return [(entry.order_id, Retried(entry.name, entry.state)) for entry in entries]

    async def _read_anew(self, order_ids: Sequence[str]) -> None:
        """Keep what Shopify says of these orders now; what cannot be read stays as it was."""
        if not order_ids:
            return
        try:
            rows = await self._storefront.orders_of(order_ids)
        except SyncError as error:
            log.warning("orders.not_read_anew", code=error.code.name, detail=error.detail)
        else:
            await self._ledger.keep_orders(list(rows.values()), self._clock.now())

    async def _may_count(self, sale_id: str, order_id: str) -> bool:
        """Tell whether Lightspeed could be asked about a sale; raises Permanent (OR008) where it is not the order's."""
        owner = await self._bookings.owner_of_sale(sale_id)
        if owner is not None:
            raise Permanent(Code.OR008, f"Sale {sale_id} is counted for {owner} already.")
        try:
            sale = await self._look_up(sale_id)
        except SyncError as error:
            log.warning("orders.sale_not_looked_up", sale=sale_id, code=error.code.name, detail=error.detail)
            return False
        if sale is None:
            raise Permanent(Code.OR008, f"Lightspeed has no sale {sale_id}.")
        if not (sale.completed and sale.alive):
            raise Permanent(Code.OR008, f"Sale {sale_id} is not completed, or it was voided.")
        other = await self._bookings.find_order(sale.reference) if sale.reference else None
        if other not in (None, order_id):
            raise Permanent(Code.OR008, f"Sale {sale_id} is {sale.reference}, of another order.")
        return True

    async def _give_up_document(self, order_id: str) -> None:
        """Throw away an open sale of the order; raises Refused (OR012) while one may still be completed."""
        pending = await self._bookings.pending(order_id)
        if pending is None:
            return
        if pending.state in _ON_ITS_WAY:
            raise Refused(Code.OR012, f"{pending.document.reference} is {pending.state.value}.")
        if pending.sale_id is not None and self._till is not None:
            sale = await self._till.sale(pending.sale_id)
            if sale is not None and sale.completed:
                raise Refused(Code.OR012, f"Sale {pending.sale_id} was completed at the till; `orders retry` takes it.")
            await self._till.archive_sale(pending.sale_id)
