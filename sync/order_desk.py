"""Carries out what a person decides about orders: look again at once, or take one out of our hands."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from sync.booking import Charge, OrderStory, amount
from sync.booking_ports import Bookings, Till
from sync.clock import Clock
from sync.errors import Code, Permanent, Refused, SyncError
from sync.events import Listener, RunWanted
from sync.model import SaleRow
from sync.order_records import FOR_A_PERSON, UNBOOKED, DocumentState, OrderState
from sync.ports import Ledger, Storefront

log = structlog.get_logger()

_MOST = 1000  # orders that one retry takes
_ON_ITS_WAY = (DocumentState.SENT, DocumentState.COMPLETING)
_NOTHING_LEFT = (OrderState.POSTED, OrderState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of one name in a retry: the order's state before, None where there is no such order.

    `undone`: nobody named it, and its sale was voided: booking it again may book it twice, so it is left alone.
    """

    name: str
    state: OrderState | None
    undone: bool = False

    @property
    def taken(self) -> bool:
        """Tell whether the order is looked at again: it waits, for its turn or for a person."""
        return not self.undone and self.state in (*UNBOOKED, *FOR_A_PERSON)


@dataclass(frozen=True, slots=True)
class Closed:
    """An order that was closed; `looked_up` tells whether Lightspeed confirmed the sale that was named."""

    name: str
    sale_id: str | None
    looked_up: bool


def unlike(order: OrderStory, sale: SaleRow) -> str:
    """Return in words how a sale differs from what of an order is not in Lightspeed yet; "" where it does not.

    Linked goods are compared by item, and the total where it is known: not for one booked outside, which has grown.
    """
    skus: dict[str, list[str]] = {}
    wanted: Counter[str] = Counter()
    for line in order.lines:
        if line.item_id and not line.gift_card:
            booked = sum(
                row.units for row in order.booked if row.charge is Charge.GOODS and row.line_id == line.line_id
            )
            wanted[line.item_id] += line.taken - booked - min(line.outside, line.taken)
            skus.setdefault(line.item_id, []).append(line.sku)
    found: Counter[str] = Counter()
    for row in sale.lines:
        found[row.item_id] += row.units
    told = [
        f"{units} of {', '.join(dict.fromkeys(skus[item_id]))} to be booked, {found[item_id]} in the sale"
        for item_id, units in wanted.items()
        if units != found[item_id]
    ]
    if order.money is not None and not order.booked_outside:
        total = order.money.net - sum(row.cents for row in order.booked)
        told += (
            [f"{amount(total)} in all to be booked, {amount(sale.total)} in the sale"] if total != sale.total else []
        )
    return "; ".join(told)


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

        They are read from Shopify anew first, where it answers. An order whose sale was voided is booked again only
        where it is named. Raises Permanent (OR009) where booking is not set up.
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

    async def close(self, name: str, sale_id: str | None, by: str, *, anyway: bool = False) -> Closed:
        """Take an order out of our hands: booked by the sale that a person names, or never (None).

        `anyway` takes a sale that differs from the order. Raises Permanent (OR011: no such order; OR013: booked
        already; OR008: no such sale), Refused (OR012: a sale may still come of it; OR015: it differs), and what
        Lightspeed raises when an open sale cannot be thrown away.
        """
        async with self._turn:
            order_id = await self._bookings.find_order(name)
            if order_id is None:
                raise Permanent(Code.OR011, name)
            entry = await self._bookings.order(order_id)
            if entry.state in _NOTHING_LEFT:
                raise Permanent(Code.OR013, entry.name)
            sale = None if sale_id is None else await self._looked_up(sale_id, order_id)
            apart = "" if sale is None else unlike(await self._bookings.story(order_id), sale)
            if apart and not anyway:
                raise Refused(Code.OR015, f"Sale {sale_id}: {apart}.")
            await self._give_up_document(order_id)
            doubt = "not looked up in Lightspeed" if sale is None and sale_id is not None else apart
            told = f"{by}; {doubt}" if doubt else by
            await self._bookings.close(order_id, sale_id, self._clock.now(), told)
        log.info("orders.closed", order=entry.name, sale=sale_id or "never", by=by, looked_up=sale is not None)
        return Closed(entry.name, sale_id, looked_up=sale is not None)

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
        return [(entry.order_id, Retried(entry.name, entry.state, entry.undone)) for entry in entries]

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

    async def _looked_up(self, sale_id: str, order_id: str) -> SaleRow | None:
        """Return a sale, None where Lightspeed could not be asked; raises Permanent (OR008) if it cannot count."""
        owner = await self._bookings.owner_of_sale(sale_id)
        if owner is not None:
            raise Permanent(Code.OR008, f"Sale {sale_id} is counted for {owner} already.")
        try:
            sale = await self._look_up(sale_id)
        except SyncError as error:
            log.warning("orders.sale_not_looked_up", sale=sale_id, code=error.code.name, detail=error.detail)
            return None
        if sale is None:
            raise Permanent(Code.OR008, f"Lightspeed has no sale {sale_id}.")
        if not (sale.completed and sale.alive):
            raise Permanent(Code.OR008, f"Sale {sale_id} is not completed, or it was voided.")
        other = await self._bookings.find_order(sale.reference) if sale.reference else None
        if other not in (None, order_id):
            raise Permanent(Code.OR008, f"Sale {sale_id} is {sale.reference}, of another order.")
        return sale

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
