"""A small world of one SKU in both shops, with its truth: what the decision is tried on, event by event.

Polls come every minute, in the steps of the write protocol; an order is seen up to an order lag after it happened.
Orders are booked in Lightspeed, and reservations laid away there, after each evaluation, as the ledger knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sync.model import Demand
from sync.stock import Decision, Memory, Policy, Reading, decide

POLL = 60
LAG = 60
START = datetime(2026, 11, 22, tzinfo=UTC)
POLICY = Policy()

Event = tuple[str, int] | tuple[str, int, int]
"""What happens, to how many units, and to which order."""


def moment(seconds: float) -> datetime:
    """Return a moment of the world's time."""
    return START + timedelta(seconds=seconds)


@dataclass
class Order:
    """One order: its changes with the time from which they are seen, and what of it is booked in Lightspeed."""

    changes: list[tuple[float, str, int]] = field(default_factory=list)
    booked: int = 0

    def sums(self, until: float = float("inf")) -> tuple[int, int, int]:
        """Return placed, restocked and closed units, as seen at a time."""
        sums = dict.fromkeys(("placed", "restocked", "closed"), 0)
        for seen_at, kind, units in self.changes:
            if seen_at > until:
                break
            sums[kind] += units
        return sums["placed"], sums["restocked"], sums["closed"]


@dataclass
class OneSku:
    """Both shops' numbers of one SKU, and what lies on the shelf."""

    shelf: int
    on_hand: int = 0
    available: int = 0
    committed: int = 0
    aside: int = 0
    updated: float = -1e6
    orders: dict[int, Order] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    writes: list[tuple[int, int]] = field(default_factory=list)
    inflated: int = 0
    mirrored: int = 0  # units that layaways of ours took off Lightspeed's number
    wanted: int = 0  # units that are to be laid away; negative: let go
    corrections: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.on_hand = self.available = self.shelf
        self.memory = Memory(base=self.shelf)

    @property
    def truth(self) -> int:
        """Return what may still be sold: what lies there, less what is promised or set aside."""
        return self.shelf - self.committed - self.aside

    def happen(self, t: float, event: Event, lag: float) -> None:
        """Let one thing happen; what cannot happen now does not."""
        kind, units = event[0], event[1]
        order = self.orders.setdefault(event[2] if len(event) == 3 else -1, Order())
        getattr(self, f"_{kind}")(units, order, t, lag)

    def _move(self, units: int, t: float) -> None:
        self.available += units
        self.updated = t

    def _place(self, units: int, order: Order, t: float, lag: float) -> None:
        if self.available >= units:
            self._move(-units, t)
            self.committed += units
            order.changes.append((t + lag, "placed", units))

    def _close(self, units: int, order: Order, seen: float) -> int:
        placed, _, closed = order.sums()
        units = min(units, placed - closed)
        self.committed -= units
        order.changes.append((seen, "closed", units))
        return units

    def _fulfil(self, units: int, order: Order, t: float, lag: float) -> None:
        self.shelf -= self._close(units, order, t + lag)

    def _cancel(self, units: int, order: Order, t: float, lag: float) -> None:
        closed = self._close(units, order, t + lag)
        self._move(closed, t)
        order.changes.append((t + lag, "restocked", closed))

    def _discard(self, units: int, order: Order, t: float, lag: float) -> None:
        self.shelf -= self._close(units, order, t + lag)

    def _return(self, units: int, order: Order, t: float, lag: float) -> None:
        _, restocked, closed = order.sums()
        units = min(units, closed - restocked)
        self.shelf += units
        self._move(units, t)
        order.changes.append((t + lag, "restocked", units))

    def _till(self, units: int, _order: Order, _t: float, _lag: float) -> None:
        units = min(units, self.shelf)
        self.shelf -= units
        self.on_hand -= units

    def _deliver(self, units: int, _order: Order, _t: float, _lag: float) -> None:
        self.shelf += units
        self.on_hand += units

    def _hand(self, units: int, _order: Order, t: float, _lag: float) -> None:
        self._move(max(units, -self.available), t)

    def _draft(self, units: int, _order: Order, t: float, _lag: float) -> None:
        units = min(units, self.available) if units > 0 else -min(-units, self.aside)
        self._move(-units, t)
        self.aside += units

    def _keep(self, units: int, _order: Order, _t: float, _lag: float) -> None:
        self.wanted += units

    def _release(self, units: int, _order: Order, _t: float, _lag: float) -> None:
        self.wanted -= units

    # --- the daemon ---
    def _row(self) -> tuple[int, int, int, float]:
        return self.available, self.committed, self.aside, self.updated

    def poll(self, cycle: int, between: list[list[tuple[float, Event, float]]]) -> None:
        """Make one pass; `between` holds what happens before each of its four steps."""
        t = float(cycle * POLL)
        self._let(between[0])
        on_hand, booked = self.on_hand, sum(order.booked for order in self.orders.values())
        self._let(between[1])
        first = self._row()
        self._let(between[2])
        pulled = t + 4
        self._let(between[3])
        self._evaluate(on_hand, booked, first, pulled, t + 6)
        self._book(t + 10)

    def _let(self, events: list[tuple[float, Event, float]]) -> None:
        for t, event, lag in events:
            self.happen(t, event, lag)

    def _evaluate(self, on_hand: int, booked: int, row: tuple[int, int, int, float], pulled: float, t: float) -> None:
        for _ in range(3):
            sums = [order.sums(pulled) for order in self.orders.values()]
            reading = Reading(
                on_hand=on_hand,
                demand=Demand(
                    taken=sum(placed - restocked for placed, restocked, _ in sums),
                    open=sum(placed - closed for placed, _, closed in sums),
                    booked=booked,
                ),
                available=row[0],
                committed=row[1],
                set_aside=row[2],
                updated_at=moment(row[3]),
                pulled_at=moment(pulled),
                now=moment(t),
                coherent=row == self._row(),
                mirrored=self.mirrored,
            )
            decision = decide(reading, self.memory, POLICY)
            self.memory = decision.memory
            if decision.after is None:
                self.corrections += [decision.correction] if decision.correction else []
                return
            if self.available == row[0]:
                self._write(decision, on_hand, booked, t)
                return
            row, pulled = self._row(), t  # stale: read anew, decide anew

    def _write(self, decision: Decision, on_hand: int, booked: int, t: float) -> None:
        assert decision.after is not None
        assert decision.if_applied is not None
        taken = sum(placed - restocked for placed, restocked, _ in (o.sums() for o in self.orders.values()))
        honest = max(0, on_hand + self.mirrored + booked - taken - self.aside)
        if decision.after > self.available:
            self.inflated += max(0, decision.after - honest)
        self.writes.append((self.available, decision.after))
        self.corrections += [decision.correction] if decision.correction else []
        self.memory = decision.if_applied
        self._move(decision.after - self.available, t)

    def _book(self, t: float) -> None:
        for order in self.orders.values():
            placed, restocked, _ = order.sums(t)
            self.on_hand -= placed - restocked - order.booked
            order.booked = placed - restocked
        self._mirror()

    def _mirror(self) -> None:
        """Lay away, or let go, what is wanted: as far as there is any, and never while stock is read."""
        units = min(self.wanted, max(0, self.on_hand)) if self.wanted > 0 else max(self.wanted, -self.mirrored)
        self.on_hand -= units
        self.mirrored += units
        self.wanted = 0
