"""Shoppers who hold what they mean to buy, and what must be true of every hold.

They ask the product as the storefront does, and are told or not told, as the process lives. What they then do is
drawn: most order, some let their hold run out, give it back, or want it for longer when it is too late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from monitor.workshop import Workshop
from sandbox.world import World
from sync.reservations import Asked, Change, Granted, Hold, Refusal, Refused
from sync.storage.touched import Touched
from sync.storage.types import to_text
from tests.simulation.ledger_checks import Record
from tests.simulation.loop import VirtualClock, VirtualLoop
from tests.simulation.script import Deed
from tests.simulation.stock_checks import Accuse
from tests.simulation.truth import Thing, Truth

_CLIENTS = 40  # whom the product tells apart; a few shoppers share one
_GREEDY = 5  # so many others want one, now and then, just as an order of something held was taken in

_HELD = """SELECT links.sku, links.target, levels.available, (
    SELECT COALESCE(SUM(held.units), 0) FROM holds AS held
    WHERE held.inventory_item_id = links.inventory_item_id AND (
        (held.ended_at IS NULL AND held.expires_at > :now)
        OR (held.ending = 'consumed' AND held.link_id = links.link_id AND held.ended_at > links.evaluated_at)
    )
) FROM holds JOIN links ON links.inventory_item_id = holds.inventory_item_id AND links.state = 'confirmed'
JOIN levels ON levels.inventory_item_id = links.inventory_item_id
WHERE holds.hold_id = :hold_id"""
_ROW = "SELECT units, expires_at, ended_at, ending, inventory_item_id FROM holds WHERE hold_id = :hold_id"


@dataclass(slots=True)
class Known:
    """A hold as it was last seen to be committed."""

    units: int = 0
    expires_at: str = ""
    ended_at: str | None = None


class Shoppers:
    """Everybody who holds something; `resting` tells when nobody does anything."""

    def __init__(
        self,
        world: World,
        truth: Truth,
        record: Record,
        *,
        loop: VirtualLoop,
        clock: VirtualClock,
        resting: Callable[[], bool],
        accuse: Accuse,
    ) -> None:
        self._world = world
        self._truth = truth
        self._record = record
        self._loop = loop
        self._clock = clock
        self.ask: Callable[[Callable[[Workshop], Coroutine[Any, Any, None]]], None] = lambda _: None
        self._resting = resting
        self._accuse = accuse
        self._known: dict[str, Known] = {}
        self._told: dict[str, Hold] = {}
        self._carts = 0
        self.seen: Counter[str] = Counter()

    def _ask(self, work: Callable[[Workshop], Coroutine[Any, Any, None]]) -> None:
        """Ask the product, if it is up; an error that is not the process's end is one too many."""

        async def watched(shop: Workshop) -> None:
            try:
                await work(shop)
            except Exception as error:
                self._accuse("0 nothing breaks", f"a shopper's wish: {type(error).__name__}: {error}")
                raise

        self.ask(watched)

    # --- what they do ---
    def hold(self, deed: Deed, thing: Thing) -> None:
        """Let somebody want to hold some of a thing."""
        self._carts += 1
        cart = f"cart-{self._carts}"
        self._want(thing, deed.units, cart, lambda hold: self._go_on(deed, thing, cart, hold))

    def _want(self, thing: Thing, units: int, cart: str, then: Callable[[Hold], None]) -> None:
        variant = thing.online.variant.id.rpartition("/")[2]
        asked = Asked(None, variant, units, f"client-{self._carts % _CLIENTS}", self._clock.now(), cart)

        async def reserve(shop: Workshop) -> None:
            answer = await shop.engine.holds.reserve(asked)
            if isinstance(answer, Granted):
                self._take(answer.hold)
                then(answer.hold)
            self.seen["hold granted" if isinstance(answer, Granted) else f"hold refused: {answer.reason.value}"] += 1

        self._ask(reserve)

    def _go_on(self, deed: Deed, thing: Thing, cart: str, hold: Hold) -> None:
        """Draw what becomes of a hold."""
        lasts = (hold.expires_at - self._clock.now()).total_seconds()
        if deed.pick < 0.5:
            self._later(lasts * deed.pick, lambda: self._order(thing, hold.units, cart))
        elif deed.pick < 0.65:
            self._later(lasts * deed.pick, lambda: self._change(hold, 1 + deed.units % 2))
            self._later(lasts * 1.5, lambda: self._order(thing, hold.units, cart))
        elif deed.pick < 0.75:
            for seconds in (30.0, 60.0):
                self._later(seconds, lambda: self._release(hold))
        elif deed.pick < 0.9:
            self._later(lasts + 40 * (deed.pick - 0.74), lambda: self._change(hold, hold.units))

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._loop.call_later(seconds, lambda: None if self._resting() else act())

    def _order(self, thing: Thing, units: int, cart: str) -> None:
        with suppress(ValueError):  # sold out meanwhile
            self._world.shopify.place_order({thing.good.sku: units}, cart_token=cart)
            self._truth.observe()

    def _change(self, hold: Hold, units: int) -> None:
        async def change(shop: Workshop) -> None:
            now = self._clock.now()
            answer = await shop.engine.holds.change(Change(hold.hold_id, units, now))
            late = now >= self._told[hold.hold_id].expires_at
            if isinstance(answer, Granted):
                if late:
                    self._accuse("8 holds", f"a hold that had expired was changed: {hold.hold_id}")
                self._take(answer.hold)
            elif late:
                self.seen["hold wanted too late"] += answer == Refused(Refusal.ENDED)

        self._ask(change)

    def _release(self, hold: Hold) -> None:
        async def release(shop: Workshop) -> None:
            self.seen["hold released"] += await shop.engine.holds.release(hold.hold_id, self._clock.now())

        self._ask(release)

    def _take(self, hold: Hold) -> None:
        """Invariant 11: what somebody was told is on record at that moment, and stays there."""
        self._told[hold.hold_id] = hold
        if not self._record.rows("SELECT 1 FROM holds WHERE hold_id = ?", hold.hold_id):
            self._accuse("11 what was acknowledged is kept", f"a hold of {hold.units} units was granted")

    # --- what must be true ---
    def watch(self, connection: sa.Connection, touched: Touched) -> Callable[[], None]:
        """Invariant 8, at every commit: what is held of a thing was there when the last of it was granted."""
        for hold_id in sorted(touched.hold_ids):
            row = connection.execute(sa.text(_ROW), {"hold_id": hold_id}).one_or_none()
            if row is not None:
                self._look_at(connection, hold_id, row)
        return lambda: None

    def _look_at(self, connection: sa.Connection, hold_id: str, row: sa.Row[Any]) -> None:
        before = self._known.get(hold_id, Known())
        self._known[hold_id] = Known(row.units, row.expires_at, row.ended_at)
        if before.ended_at is not None:
            if row.ended_at != before.ended_at:
                self._accuse("8 holds", f"{hold_id} ended at {before.ended_at}, and then at {row.ended_at}")
        elif row.ended_at is not None:
            self.seen[f"hold {row.ending}"] += 1
            if row.ending == "consumed":
                self._let_somebody_be_greedy(row.inventory_item_id)
        elif row.units > before.units or row.expires_at > before.expires_at:
            self._compare(connection, hold_id)

    def _compare(self, connection: sa.Connection, hold_id: str) -> None:
        asked = {"hold_id": hold_id, "now": to_text(self._clock.now())}
        for sku, target, available, held in connection.execute(sa.text(_HELD), asked):
            if held > max(0, min(target, available)):
                self._accuse("8 holds", f"{held} units of {sku} are held, of {min(target, available)} there are")

    def _let_somebody_be_greedy(self, inventory_item: str) -> None:
        """Let others want all that is left of a thing just as an order of it was taken in."""
        thing = self._truth.of_item(inventory_item)
        if thing is None or self._resting() or self._carts % 2:
            return
        for _ in range(_GREEDY):
            self._carts += 1
            self._loop.call_later(0.01, self._want, thing, 1, f"cart-{self._carts}", lambda _: None)

    def settled(self) -> None:
        """Check what must hold once nobody has held anything for long: nothing is left laid away at the till."""
        for line in self._world.lightspeed.layaways():
            self._accuse("4 nothing left behind", f"sale line {line.sale_line_id} still keeps {line.reserved} aside")
        ((mirrored,),) = self._record.rows("SELECT COUNT(*) FROM layaways WHERE held_n IS NOT NULL")
        self.seen["hold mirrored"] += int(mirrored)

    def look(self) -> None:
        """Invariant 11, now and then: everything that was told is on record."""
        kept = {row[0] for row in self._record.rows("SELECT hold_id FROM holds")}
        for hold_id in self._told.keys() - kept:
            self._accuse("11 what was acknowledged is kept", f"the hold {hold_id} was granted")
