"""What many simulations came to, as numbers that can be saved and as the table that is shown of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path

from sandbox.faults import FaultKind
from tests.simulation.life import Moment
from tests.simulation.script import DAY, NATURAL_PER_DAY, DeedKind
from tests.simulation.simulate import Result

SAVED = Path(__file__).resolve().parents[2] / "docs" / "simulation.json"

EXPECTED = (
    *(f"fault {kind.value}" for kind in NATURAL_PER_DAY),
    *(f"killed {moment.value}" for moment in Moment),
    *(f"deed {kind.value}" for kind in DeedKind),
    "outage",
    "order meets write",
    "raise",
    "lowering",
    "quarantine",
    "rest",
    "oversell race",
    "pass stock ok",
    "pass stock failed",
    "pass full ok",
    "pass catalogue ok",
    "pass orders ok",
    "write applied",
    "write unanswered",
    "write stale",
    "webhook stored",
    "webhook repeated",
    "webhook done",
    "webhook unneeded",
    "hold granted",
    "hold refused: not_enough",
    "hold consumed",
    "hold expired",
    "hold released",
    "hold wanted too late",
    "told firing",
    "told resolved",
    "told reminder",
)
"""What must really have happened once enough was simulated: a thing that never happens is not tested."""


@dataclass(slots=True)
class Summary:
    """The sums over simulations; `wall_seconds` is how long they took on this machine, `cpu_seconds` what they cost."""

    seeds: int = 0
    first_seed: int = 0
    last_seed: int = 0
    seconds: float = 0.0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    orders: int = 0
    till_sales: int = 0
    passes: int = 0
    requests: int = 0
    kills: int = 0
    oversold_ours: int = 0
    oversold_race: int = 0
    double_sales: int = 0
    lost_sales: int = 0
    violations: int = 0
    beacons: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        """Take one more simulation in."""
        seed = result.options.seed
        self.first_seed = seed if not self.seeds else min(self.first_seed, seed)
        self.last_seed = max(self.last_seed, seed)
        self.seeds += 1
        for name in (
            "seconds",
            "cpu_seconds",
            "orders",
            "passes",
            "requests",
            "kills",
            "oversold_ours",
            "oversold_race",
        ):
            setattr(self, name, getattr(self, name) + getattr(result, name))
        self.double_sales += result.double_sales
        self.lost_sales += result.lost_sales
        self.violations += len(result.violations)
        self.till_sales += result.beacons[f"deed {DeedKind.SELL.value}"]
        self.beacons.update(result.beacons)

    @property
    def days(self) -> float:
        """Return the simulated store-days."""
        return self.seconds / DAY

    def missing(self) -> list[str]:
        """Return what never happened."""
        return [name for name in EXPECTED if not self.beacons[name]]

    def save(self, path: Path) -> None:
        """Keep it."""
        path.write_text(
            json.dumps({each.name: getattr(self, each.name) for each in fields(self)}, indent=1, sort_keys=True) + "\n"
        )


def load(path: Path) -> Summary:
    """Return what `save` kept."""
    values = json.loads(path.read_text())
    return Summary(**{**values, "beacons": Counter(values["beacons"])})


def summed(results: Iterable[Result]) -> Summary:
    """Return the sums over results."""
    summary = Summary()
    for result in results:
        summary.add(result)
    return summary


def table(summary: Summary) -> str:
    """Return the Markdown table."""
    rows = [
        ("simulated store-days", f"{summary.days:.1f}"),
        ("seeds", f"{summary.seeds} ({summary.first_seed} to {summary.last_seed})"),
        ("online orders", f"{summary.orders:,}"),
        ("till sales", f"{summary.till_sales:,}"),
        ("passes and other runs", f"{summary.passes:,}"),
        ("requests", f"{summary.requests:,}"),
        ("webhooks taken", f"{summary.beacons['webhook stored']:,}"),
        ("the process killed", f"{summary.kills:,}"),
        ("outages", f"{summary.beacons['outage']:,}"),
        *(
            (f"fault: {kind.value}", f"{summary.beacons[f'fault {kind.value}']:,}")
            for kind in FaultKind
            if kind in NATURAL_PER_DAY
        ),
        ("`oversell_ours`, units", f"{summary.oversold_ours:,}"),
        ("`oversell_race`, units", f"{summary.oversold_race:,}"),
        ("duplicate sales", f"{summary.double_sales:,}"),
        ("lost sales", f"{summary.lost_sales:,}"),
        ("violated invariants", f"{summary.violations:,}"),
    ]
    if summary.wall_seconds:
        rows.append(("simulated store-days a minute", f"{summary.days / summary.wall_seconds * 60:.1f}"))
    if summary.cpu_seconds:
        rows.append(("CPU seconds a store-day", f"{summary.cpu_seconds / summary.days:.1f}"))
    return "".join(f"| {name} | {value} |\n" for name, value in (("what", "how many"), ("---", "---:"), *rows))
