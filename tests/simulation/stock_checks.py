"""The invariants about stock, judged by the pretend shops' own figures: inflation, needless writes, overselling, reach.

The numbers are those of the stock model's list of invariants.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import SupportsIndex

from sandbox.catalogue import ODDITIES
from sandbox.goods import Good
from sandbox.shopify.model import StockWrite
from sandbox.world import World
from sync.events import Event, RunFinished, RunStarted
from sync.records import RunOutcome
from tests.simulation.network import CallLog, SentWrite
from tests.simulation.truth import Thing, Truth

ORDER_LAG = 60.0
POLL = 60.0
DRIFT_LIMIT = 10
_CONFIRMING = 300.0  # a plan that a person confirmed is carried out within this
_HOT_LAGS = 5
_SETTLED = 2 * 3600.0  # a cause longer ago than this explains no write, whatever failed meanwhile
_FEW_PASSES = 5
_FOUND_WITHIN = 1200.0  # rows that an answer of Lightspeed's lacks are read again after five, ten and fifteen minutes
_UNFINISHED = ("unanswered", "stale", "refused", "not_read", "unreadable")


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold."""

    at: float
    invariant: str
    detail: str

    def __str__(self) -> str:
        return f"{self.at:.3f} s: {self.invariant}: {self.detail}"


Accuse = Callable[[str, str], None]
"""Takes the name of an invariant and what broke it."""


@dataclass(slots=True)
class Oversold:
    """Units sold that were not there, by whose doing."""

    ours: int = 0
    race: int = 0


@dataclass(slots=True)
class Passes:
    """What the product says of its own passes, and only for excuses: that one was whole, and when it began."""

    begun: dict[int, float] = field(default_factory=dict)
    whole: list[float] = field(default_factory=list)  # starts of passes that ended well with nothing left over

    def hear(self, event: Event, now: float) -> None:
        """Take note of a pass."""
        if isinstance(event, RunStarted):
            self.begun[event.run_id] = now  # other jobs begin and end beside a pass
        elif isinstance(event, RunFinished):
            begun = self.begun.pop(event.run_id, now)
            if _whole(event):
                self.whole.append(begun)

    def begun_before(self, count: int) -> float:
        """Return when the `count`-th last whole pass began; 0 where there were not so many."""
        return self.whole[-count] if len(self.whole) >= count else 0.0


def _whole(event: RunFinished) -> bool:
    well = event.outcome is RunOutcome.OK and event.job in ("stock", "full")
    return well and not any(event.numbers.get(name) for name in _UNFINISHED)


class Writes(list[StockWrite]):
    """The store's list of stock writes, telling of each."""

    def __init__(self, rows: list[StockWrite], tell: Callable[[StockWrite], None]) -> None:
        super().__init__(rows)
        self._tell = tell

    def append(self, write: StockWrite, /) -> None:
        super().append(write)
        self._tell(write)

    def insert(self, place: SupportsIndex, write: StockWrite, /) -> None:
        raise NotImplementedError


class StockChecks:
    """Watches every stock write and every order."""

    def __init__(self, world: World, truth: Truth, log: CallLog, now: Callable[[], float], accuse: Accuse) -> None:
        self._world = world
        self._truth = truth
        self._log = log
        self._now = now
        self._accuse = accuse
        self.passes = Passes()
        self.oversold = Oversold()
        self.seen: Counter[str] = Counter()
        self.plan_at = -_CONFIRMING  # when a person last confirmed a plan
        self.in_quarantine: Callable[[Thing], bool] = lambda _: False
        self._left_out_at = -_FOUND_WITHIN  # when Lightspeed last left rows out of an answer
        self._effects: Counter[tuple[str, str]] = Counter()
        world.shopify.stock.writes = Writes(world.shopify.stock.writes, self._written)
        truth.ordered.append(self._ordered)

    def left_out(self) -> None:
        """Take note that Lightspeed leaves rows out of an answer, with no sign of it."""
        self._left_out_at = self._now()

    @property
    def lately_left_out(self) -> bool:
        """Tell whether rows that it left out may still be unknown."""
        return self._now() - self._left_out_at < _FOUND_WITHIN

    # --- writes ---

    def _written(self, write: StockWrite) -> None:
        self.seen["raise" if write.after > write.before else "lowering"] += 1
        thing = self._truth.of_item(write.item)
        self._effects[write.key, write.item] += 1
        if not write.key or self._effects[write.key, write.item] > 1:
            self._accuse("5 one effect for each intent", f"{write.sku} was written twice by the call {write.key!r}")
        if write.name != "available" or write.mutation != "inventorySetQuantities":
            self._accuse("4 reach", f"{write.mutation} changed {write.name} of {write.sku}")
        if write.location != self._world.shopify.home.id:
            self._accuse("4 reach", f"{write.sku} was written at another location")
        if thing is None or not may_be_linked(thing.good, self._world.goods):
            self._accuse("4 reach", f"{write.sku} was written, which no confirmed link can have")
            return
        sent = self._log.writes.get(write.key, SentWrite(self._now(), self._now()))
        self._no_inflation(thing, write, sent)
        self._not_without_a_person(thing, write)
        self._not_needless(thing, write, sent)

    def _no_inflation(self, thing: Thing, write: StockWrite, sent: SentWrite) -> None:
        """Demand that a raise shows no more than was there when Lightspeed was read, less all orders by then."""
        most = max(thing.said.since(sent.read_from))
        there = max(0, most - thing.taken - thing.set_aside)
        if write.after > write.before and write.after > there:
            self._accuse(
                "1 no inflation",
                f"{write.sku} was raised from {write.before} to {write.after}; Lightspeed said {most} at most, "
                f"{thing.taken} taken, {thing.set_aside} set aside",
            )

    def _not_needless(self, thing: Thing, write: StockWrite, sent: SentWrite) -> None:
        """Demand that what was right is left alone: nothing in an order's ordinary life causes a write."""
        since = thing.right_since
        if since is None or since > sent.read_from or thing.exempt:
            return
        now, begun = self._now(), self.passes.begun_before(_FEW_PASSES)
        quiet = now - thing.caused_at
        long_quiet = quiet > _HOT_LAGS * ORDER_LAG + 3 * POLL and begun > thing.caused_at + ORDER_LAG
        if now - thing.said_at > 3 * POLL and (quiet > _SETTLED or long_quiet):
            self._accuse(
                "2 no needless write",
                f"{write.sku} was right for {self._now() - since:.0f} s and was set from {write.before} "
                f"to {write.after}; nothing but orders happened to it for {quiet:.0f} s",
            )

    def _not_without_a_person(self, thing: Thing, write: StockWrite) -> None:
        """Demand that a large difference which Lightspeed does not account for waits for a person."""
        said = thing.said.since(min(thing.written_at, self._now() - _SETTLED))
        moved = sum(abs(after - before) for before, after in pairwise(said))
        unreal = sum(units for at, units in thing.unreal if at >= self._now() - _SETTLED)
        alone = self._now() - self.plan_at > _CONFIRMING and not (
            write.after == 0 >= thing.left
        )  # sold out is sold out
        if alone and not thing.exempt and abs(write.after - write.before) > DRIFT_LIMIT + moved + unreal:
            self._accuse(
                "3 large differences wait",
                f"{write.sku} was set from {write.before} to {write.after}; Lightspeed moved by {moved} units",
            )
        thing.written_at = self._now()

    # --- overselling ---

    def _ordered(self, thing: Thing, units: int) -> None:
        short = min(units, max(0, -thing.left))
        if not short or not is_linked_by_itself(thing.good, self._world.goods):
            return
        shown = thing.available + units
        there = max(0, thing.left + units)
        explained = self._explained(thing)
        ours = min(short, max(0, shown - there - explained))
        if ours and self.in_quarantine(thing):
            ours = 0
        self.oversold.ours += ours
        self.oversold.race += short - ours
        if ours:
            self._accuse(
                "13 no oversell of our own",
                f"{thing.good.sku}: Shopify showed {shown}, {there} were there, {explained} of that is explained by "
                f"till sales since the last whole pass, foreign edits and restocks; {ours} sold by our doing",
            )

    def _explained(self, thing: Thing) -> int:
        """Return how many units Shopify may show too many at this moment, by nobody's mistake."""
        read_from = self.passes.begun_before(1)
        if self.lately_left_out:
            read_from = min(read_from, self._left_out_at - 3 * POLL)
        said = thing.said.since(read_from)
        till = max(said) - thing.said.now
        since = self.passes.begun_before(3) - _HOT_LAGS * ORDER_LAG - POLL
        recent = [units for at, units in (*thing.foreign, *thing.unreal) if at >= since and units > 0]
        return till + sum(recent)

    # --- convergence ---

    def apart(self) -> dict[str, tuple[int, int]]:
        """Return what Shopify shows and should show, of every thing that the product has to keep in step."""
        return {
            sku: (thing.available, max(0, thing.left))
            for sku, thing in self._truth.things.items()
            if not thing.right and not thing.exempt and is_linked_by_itself(thing.good, self._world.goods)
            if not self.in_quarantine(thing)
        }


_NEVER = ("box", "assembly", "non_inventory")


def may_be_linked(good: Good, goods: tuple[Good, ...]) -> bool:
    """Tell whether a good may ever be written: sold in both shops, counted, and not called like another."""
    twin = any(other.online_sku in (good.sku, good.online_sku or good.sku) for other in goods if other is not good)
    return good.in_store and good.online and good.tracked and good.item_type not in _NEVER and not twin


def is_linked_by_itself(good: Good, goods: tuple[Good, ...]) -> bool:
    """Tell whether a good is surely linked: its SKUs differ at most in blanks, case and width."""
    odd = goods.index(good) % 100 in ODDITIES and good.online_sku is not None
    return may_be_linked(good, goods) and not good.archived and not odd
