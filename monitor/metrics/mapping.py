"""How the links between the two shops stand, as metrics."""

from __future__ import annotations

from monitor.facts import Facts
from monitor.metrics.kinds import Kinds


class MappingMetrics:
    """Gauges set after each evaluation."""

    def __init__(self, kinds: Kinds) -> None:
        self._checked = kinds.gauge(
            "links_checked",
            "Links at the last check, and how many of them agree in SKU, barcode or title.",
            "which",
        )
        self._writers = kinds.gauge(
            "second_writer_skus", "SKUs whose number in Shopify somebody else keeps changing back."
        )

    def show(self, facts: Facts) -> None:
        """Show what the last check found, and who else writes the same stock."""
        numbers = facts.mapping.numbers if facts.mapping is not None else {}
        self._checked.labels("all").set(numbers.get("links", 0))
        self._checked.labels("agreeing").set(numbers.get("agreeing", 0))
        self._writers.set(len(facts.writers))
