"""The people of the pretend shop: cashiers at the till and shoppers online, seeded, at a chosen pace.

What happens next is a pure draw (`next_event`); carrying it out changes the shop. `run` does both for ever on
the shop's clock.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Generic, Protocol, TypeVar

from sandbox.clock import Clock

_LOOK_UP_EVERY = 1.0  # seconds after which a changed pace is noticed
_NEVER = timedelta(days=365_000)


class Till(Protocol):
    """What cashiers do in Lightspeed; every method raises ValueError for what cannot be done."""

    def qoh(self, sku: str) -> int:
        """Return the stock."""

    def sell(self, sku: str, qty: int) -> object:
        """Sell over the counter."""

    def refund(self, sku: str, qty: int) -> object:
        """Take back over the counter."""

    def receive(self, sku: str, qty: int) -> object:
        """Book a delivery in."""

    def count(self, sku: str, qty: int) -> object:
        """Set the stock to what was counted."""


class Storefront(Protocol):
    """What shoppers and packers do in Shopify; every method raises ValueError for what cannot be done."""

    def place_order(self, units: Mapping[str, int]) -> str:
        """Buy and pay; return the order's gid."""

    def fulfil(self, order: str) -> object:
        """Send all that is open."""

    def cancel(self, order: str, restock: bool) -> object:  # noqa: FBT001 - the shape agreed with the store
        """Cancel what was not sent."""

    def refund(self, order: str, units: Mapping[str, int], restock_type: str) -> object:
        """Refund units as CANCEL, RETURN or NO_RESTOCK."""

    def edit(self, order: str, sku: str, delta: int) -> object:
        """Put units on an order or take them off."""


class TillDeed(StrEnum):
    """What a cashier does."""

    SELL = "sell"
    REFUND = "refund"
    RECEIVE = "receive"
    COUNT = "count"


class ShopDeed(StrEnum):
    """What a shopper or a packer does."""

    ORDER = "order"
    SHIP = "ship"
    CANCEL = "cancel"
    REFUND = "refund"
    EDIT = "edit"


_TILL = {TillDeed.SELL: 85, TillDeed.REFUND: 5, TillDeed.RECEIVE: 7, TillDeed.COUNT: 3}
_SHOP = {ShopDeed.ORDER: 50, ShopDeed.SHIP: 35, ShopDeed.CANCEL: 5, ShopDeed.REFUND: 5, ShopDeed.EDIT: 5}

Deed = TypeVar("Deed", TillDeed, ShopDeed)


@dataclass(frozen=True, slots=True)
class Event(Generic[Deed]):
    """Something that happens at `at`: a deed with the SKUs and quantities it is about.

    `pick` (0 to 1) chooses among what exists by then (which order is sent), and `kindly` whether goods go back
    on the shelf.
    """

    at: datetime
    deed: Deed
    units: Mapping[str, int]
    pick: float
    kindly: bool


def _popular(rng: Random, skus: Sequence[str]) -> str:
    """Draw a SKU; the first of the list sell far more often than the last, as in any shop."""
    return skus[int(len(skus) * rng.random() ** 2)]


def _deed(rng: Random, weights: Mapping[Deed, int]) -> Deed:
    return rng.choices(list(weights), list(weights.values()))[0]


class _People(ABC, Generic[Deed]):
    """Those who act at a pace; `per_hour` may be changed at any time."""

    weights: Mapping[Deed, int]

    def __init__(self, skus: Sequence[str], *, clock: Clock, seed: int, per_hour: float) -> None:
        self._skus = tuple(skus)
        self._clock = clock
        self._rng = Random(f"{type(self).__name__} {seed}")
        self._pace = 0.0
        self.per_hour = per_hour
        self.done = 0  # deeds that had an effect

    @property
    def per_hour(self) -> float:
        """How many events an hour brings on average; 0 stops them."""
        return self._pace

    @per_hour.setter
    def per_hour(self, pace: float) -> None:
        if not 0 <= pace <= 1_000_000:
            raise ValueError(f"a pace is between 0 and 1,000,000 events an hour, not {pace}")
        self._pace = pace

    def next_event(self, rng: Random, now: datetime) -> Event[Deed]:
        """Draw what happens next and when; changes nothing but the state of `rng`."""
        deed = _deed(rng, self.weights)
        if not self._skus or self._pace == 0:
            return Event(now + _NEVER, deed, {}, pick=0.0, kindly=True)
        at = now + timedelta(hours=rng.expovariate(self._pace))
        units = {_popular(rng, self._skus): rng.choice((1, 1, 1, 2, 2, 3)) for _ in range(rng.choice((1, 1, 2, 3)))}
        return Event(at, deed, units, rng.random(), rng.random() < 0.8)

    def carry_out(self, event: Event[Deed]) -> bool:
        """Do it; False where it cannot be done (sold out, no order to send)."""
        try:
            done = self._do(event)
        except ValueError:
            return False
        self.done += done
        return done

    async def run(self) -> None:
        """Act for ever. Waiting has no memory, so a changed pace only means drawing again."""
        while True:
            event = self.next_event(self._rng, self._clock.now())
            seconds = (event.at - self._clock.now()).total_seconds()
            await self._clock.sleep(min(seconds, _LOOK_UP_EVERY))
            if seconds <= _LOOK_UP_EVERY:
                self.carry_out(event)

    @abstractmethod
    def _do(self, event: Event[Deed]) -> bool:
        """Carry out what may be refused with a ValueError; tell whether there was anything to do."""


class Cashiers(_People[TillDeed]):
    """Sell, take back, book deliveries in and count, all of one SKU at a time."""

    weights = _TILL

    def __init__(self, till: Till, skus: Sequence[str], *, clock: Clock, seed: int, per_hour: float = 0.0) -> None:
        super().__init__(skus, clock=clock, seed=seed, per_hour=per_hour)
        self._till = till

    def _do(self, event: Event[TillDeed]) -> bool:
        sku, quantity = next(iter(event.units.items()))
        stock = self._till.qoh(sku)
        match event.deed:
            case TillDeed.SELL:
                if stock < quantity:
                    return False
                self._till.sell(sku, quantity)
            case TillDeed.REFUND:
                self._till.refund(sku, quantity)
            case TillDeed.RECEIVE:
                self._till.receive(sku, 12 * quantity)
            case TillDeed.COUNT:
                missing = round(event.pick * 4) - 2  # the books were wrong by two at most
                self._till.count(sku, max(0, stock - missing))
        return True


@dataclass(slots=True)
class _Placed:
    """An order as its shopper remembers it."""

    gid: str
    units: dict[str, int]
    sent: bool = False


@dataclass(slots=True)
class _Drawer:
    """Orders that something may still happen to, the oldest first; a limit keeps it small."""

    orders: list[_Placed] = field(default_factory=list)

    def pick(self, at: float, *, sent: bool | None = None) -> _Placed:
        """Return one order; raises ValueError where there is none."""
        fitting = [order for order in self.orders if sent is None or order.sent is sent]
        if not fitting:
            raise ValueError("no such order")
        return fitting[min(int(at * len(fitting)), len(fitting) - 1)]

    def keep(self, order: _Placed) -> None:
        self.orders.append(order)
        del self.orders[:-500]


class Shoppers(_People[ShopDeed]):
    """Place and pay orders; some are cancelled, changed or sent back, most are packed and shipped."""

    weights = _SHOP

    def __init__(
        self, store: Storefront, skus: Sequence[str], *, clock: Clock, seed: int, per_hour: float = 0.0
    ) -> None:
        super().__init__(skus, clock=clock, seed=seed, per_hour=per_hour)
        self._store = store
        self._drawer = _Drawer()

    def _do(self, event: Event[ShopDeed]) -> bool:
        match event.deed:
            case ShopDeed.ORDER:
                units = dict(event.units)
                self._drawer.keep(_Placed(self._store.place_order(units), units))
            case ShopDeed.SHIP:
                order = self._drawer.pick(event.pick, sent=False)
                self._store.fulfil(order.gid)
                order.sent = True
            case ShopDeed.CANCEL:
                order = self._drawer.pick(event.pick, sent=False)
                self._store.cancel(order.gid, event.kindly)
                self._drawer.orders.remove(order)
            case ShopDeed.REFUND:
                self._refund(self._drawer.pick(event.pick), back=event.kindly)
            case ShopDeed.EDIT:
                self._edit(self._drawer.pick(event.pick, sent=False), more=event.kindly)
        return True

    def _refund(self, order: _Placed, *, back: bool) -> None:
        """One unit comes back, or off the order if it was not sent yet; without the goods, only the money goes."""
        sku = next(iter(order.units))
        usual = "RETURN" if order.sent else "CANCEL"
        self._store.refund(order.gid, {sku: 1}, usual if back else "NO_RESTOCK")
        self._less(order, sku)

    def _edit(self, order: _Placed, *, more: bool) -> None:
        sku = next(iter(order.units))
        self._store.edit(order.gid, sku, 1 if more else -1)
        if more:
            order.units[sku] += 1
        else:
            self._less(order, sku)

    def _less(self, order: _Placed, sku: str) -> None:
        """Remember that one unit less is on the order; an empty one is forgotten."""
        order.units[sku] -= 1
        if order.units[sku] == 0:
            del order.units[sku]
        if not order.units:
            self._drawer.orders.remove(order)
