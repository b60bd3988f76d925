"""Carries out what people do in the pretend shops; what cannot be done is left undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from monitor.asked import SyncOrder
from monitor.workshop import Workshop
from sandbox.shopify.order_model import Order
from sandbox.world import World
from sync.errors import SyncError
from tests.simulation.script import Deed, DeedKind
from tests.simulation.truth import Thing, Truth

_STUBBORN = 0.2  # share of till sales of goods that open orders have a claim on
_RECENT = 60  # orders that something may still happen to

Ask = Callable[[Callable[[Workshop], Coroutine[Any, Any, None]]], None]


class People:
    """Everybody who acts in the two shops; `done` counts what they did."""

    def __init__(
        self, world: World, truth: Truth, now: Callable[[], float], ask: Ask, hold: Callable[[Deed, Thing], None]
    ) -> None:
        self._world = world
        self._truth = truth
        self._now = now
        self._ask = ask
        self._hold = hold
        self._things = [thing for thing in truth.things.values() if thing.good.tracked and not thing.good.archived]
        self._drafts: list[tuple[Thing, int]] = []
        self.done: Counter[DeedKind] = Counter()

    def act(self, deed: Deed) -> bool:
        """Do it; False where it cannot be done."""
        thing = self._things[int(len(self._things) * deed.sku**2)]  # the first of the list sell far more often
        try:
            self._do(deed, thing)
        except ValueError:
            return False
        self.done[deed.kind] += 1
        return True

    def buy_at_once(self, thing: Thing) -> bool:
        """Order one unit of a thing; False where there is none."""
        try:
            self._world.shopify.place_order({thing.good.sku: 1})
        except ValueError:
            return False
        return True

    def _do(self, deed: Deed, thing: Thing) -> None:
        match deed.kind:
            case DeedKind.SELL | DeedKind.TILL_REFUND | DeedKind.RECEIVE | DeedKind.COUNT:
                self._at_the_till(deed, thing)
            case DeedKind.ORDER | DeedKind.TEST_ORDER:
                self._order(deed, thing)
            case DeedKind.FOREIGN | DeedKind.FOREIGN_LARGE | DeedKind.DRAFT:
                self._in_the_admin(deed, thing)
            case DeedKind.REPRICE | DeedKind.RENAME | DeedKind.ARCHIVE:
                self._in_the_catalogue(deed, thing)
            case DeedKind.HOLD:
                self._hold(deed, thing)
            case DeedKind.PLAN:
                self._ask(_confirm_a_plan)
            case _:
                self._with_an_order(deed)

    def _at_the_till(self, deed: Deed, thing: Thing) -> None:
        till, sku = self._world.lightspeed, thing.till.custom_sku
        match deed.kind:
            case DeedKind.SELL:
                _check(thing.left >= deed.units or (deed.pick < _STUBBORN and till.qoh(sku) >= deed.units))
                till.sell(sku, deed.units)
            case DeedKind.TILL_REFUND:
                till.refund(sku, deed.units)
            case DeedKind.RECEIVE:
                till.receive(sku, 6 * deed.units)
            case _:
                till.count(sku, max(0, till.qoh(sku) + round(deed.pick * 4) - 2))

    def _order(self, deed: Deed, thing: Thing) -> None:
        other = self._things[int(len(self._things) * deed.pick)]
        units = {thing.good.sku: deed.units}
        if deed.pick < 0.3 and other is not thing:
            units[other.good.sku] = 1
        self._world.shopify.place_order(units, test=deed.kind is DeedKind.TEST_ORDER)

    def _with_an_order(self, deed: Deed) -> None:
        store = self._world.shopify
        order = self._pick(deed, sent=deed.kind is DeedKind.RETURN)
        thing = self._truth.of_item(order.lines[0].variant.item.id)
        assert thing is not None
        sku = thing.good.sku
        match deed.kind:
            case DeedKind.SHIP:
                store.fulfil(order.id)
            case DeedKind.CANCEL:
                store.cancel(order.id, restock=True)
            case DeedKind.CANCEL_LOST:
                store.cancel(order.id, restock=False)
            case DeedKind.RETURN:
                store.refund(order.id, {sku: 1}, "RETURN")
            case DeedKind.MONEY_BACK:
                store.refund(order.id, {sku: 1}, "NO_RESTOCK")
            case DeedKind.EDIT_UP:
                store.edit(order.id, sku, 1)
            case _:
                store.edit(order.id, sku, -1)

    def _pick(self, deed: Deed, *, sent: bool) -> Order:
        recent = self._world.shopify.orders[-_RECENT:]
        fitting = [order for order in recent if not order.cancelled_at and bool(order.fulfilments) is sent]
        _check(fitting)
        return fitting[int(deed.pick * len(fitting))]

    def _in_the_admin(self, deed: Deed, thing: Thing) -> None:
        store, sku = self._world.shopify, thing.good.sku
        if deed.kind is DeedKind.DRAFT:
            if self._drafts:
                held, units = self._drafts.pop()
                store.release_draft(held.good.sku, units)
                self._truth.cause(held)
            else:
                store.reserve_draft(sku, deed.units)
                self._drafts.append((thing, deed.units))
                self._truth.cause(thing)
            return
        size = 10 + 3 * deed.units if deed.kind is DeedKind.FOREIGN_LARGE else 1 + int(deed.pick * 9.99)
        delta = size if deed.units % 2 else -min(size, store.available(sku))
        _check(delta)
        store.adjust(sku, delta)
        thing.foreign.append((self._now(), delta))
        self._truth.cause(thing)

    def _in_the_catalogue(self, deed: Deed, thing: Thing) -> None:
        till, sku = self._world.lightspeed, thing.till.custom_sku
        match deed.kind:
            case DeedKind.REPRICE:
                till.reprice(sku, thing.good.price + deed.units)
            case DeedKind.RENAME:
                thing.exempt = True
                till.rename_sku(sku, f"{sku}-X")
            case _:
                thing.exempt = True
                till.archive(sku)
        self._truth.cause(thing)


async def _confirm_a_plan(shop: Workshop) -> None:
    """Look through a plan and confirm it, as the shop's manager does after a difference was quarantined."""
    with suppress(SyncError):
        plan = await shop.actions.sync(SyncOrder(dry_run=True))
        if plan.plan is not None:
            await shop.actions.sync(SyncOrder(plan=plan.plan))


def _check(fine: object) -> None:
    if not fine:
        raise ValueError("not now")
