"""The invariants about orders in Lightspeed: at most one sale for each, and in the end exactly one, to the cent."""

from __future__ import annotations

from sandbox.world import World
from tests.simulation.ledger_checks import Record
from tests.simulation.stock_checks import Accuse


class OrderChecks:
    """Looks at the sales that Lightspeed has."""

    def __init__(self, world: World, record: Record, accuse: Accuse) -> None:
        self._world = world
        self._record = record
        self._accuse = accuse
        self.doubled = 0
        self.lost = 0

    def look(self) -> None:
        """Check what must hold at any moment."""

    def settled(self) -> None:
        """Check what must hold once faults have stopped."""
