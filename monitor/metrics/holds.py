"""What becomes of shoppers' reservations, as metrics."""

from __future__ import annotations

from monitor.metrics.kinds import Kinds
from sync.events import HoldMet
from sync.reservations import Ending, HoldStanding, Refusal, Taking


class HoldMetrics:
    """A counter moved by events, and gauges set after each evaluation."""

    def __init__(self, kinds: Kinds) -> None:
        self._met = kinds.counter(
            "reservations",
            "Wishes for a reservation by what they came to, and reservations that ended.",
            "outcome",
        )
        self._active = kinds.gauge("reservations_active", "Cart reservations that hold stock.")
        self._units = kinds.gauge("reservations_active_units", "Units that active reservations keep for a cart.")
        self._recent = kinds.gauge(
            "reservations_recent",
            "Reservations made in the last hour, and how many of them are ordered by now.",
            "which",
        )
        for outcome in (*Taking, *Ending, *Refusal):
            self._met.labels(outcome.value)

    def met(self, event: HoldMet) -> None:
        """Count what became of reservations."""
        self._met.labels(event.outcome.value).inc(event.count)

    def show(self, standing: HoldStanding) -> None:
        """Show how reservations stand."""
        self._active.set(standing.active)
        self._units.set(standing.units)
        self._recent.labels("made").set(standing.made)
        self._recent.labels("ordered").set(standing.ordered)
