"""Measures how long after the pass that shows it an alert stands in Slack, against the sandbox and its rate limits.

The sandbox is served in this process; the daemon runs in a process of its own, with every channel but the telephone.
Somebody changes one SKU after another by hand in Shopify, by more than may be corrected without a person; each makes
one more SKU that waits for a person, and one more alert. The time is from the end of the pass after which the alert
fired, on the daemon's record, to the moment at which Slack took the message. Exits 1 where the slowest is over the
limit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic

from rich.console import Console

from bench.full_pass import Bench
from sandbox.catalogue import generate
from sandbox.clock import RealClock
from sandbox.serve import serve
from sandbox.world import World

MOST_SECONDS = 2.0

_PATIENCE = 60.0  # seconds until an alert must stand in Slack at all
_LOOK = 0.05
_BY_HAND = 40  # units
_QUERY = """
    SELECT rule, (SELECT MAX(finished_at) FROM runs WHERE job IN ('stock', 'full') AND finished_at <= at) AS shown
    FROM transitions WHERE after = 'firing'
"""


@dataclass(frozen=True, slots=True)
class Told:
    """One alert: when the pass ended that showed it, and when Slack took the message."""

    alert: str
    shown: datetime
    received: datetime

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return (self.received - self.shown).total_seconds()


def alerts_file(count: int) -> str:
    """Return a file with an alert for each number of SKUs that wait for a person."""
    rules = [
        f"  - {{name: Waits{number:02}, when: quarantined_skus > {number}, severity: warning}}"
        for number in range(count)
    ]
    return "\n".join(
        [
            "sync_interval: 2s",
            "alerts:",
            *rules,
            "routes:",
            "  - {severity: warning, to: [slack, email]}",
            "limits:",
            "  stock: {order_lag: 3s}",
        ]
    )


def main() -> int:
    """Measure, print the figures, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.alert_latency", description=__doc__)
    parser.add_argument("--alerts", type=int, default=10, help="how many alerts are made to fire, one after another")
    args = parser.parse_args()
    with TemporaryDirectory(prefix="lightspeed-sync-bench-") as folder:
        told = asyncio.run(_measure(args.alerts, Path(folder)))
    return _show(told, args.alerts, Console(highlight=False))


async def _measure(count: int, folder: Path) -> list[Told]:
    world = World(generate(200, 1, odd=False), clock=RealClock(), seed=1)
    async with serve(world, folder=folder):
        bench = Bench(world, folder, alerts_text=alerts_file(count))
        async with bench.daemon():
            skus = [sku for sku, both in world.stock().items() if None not in both][:count]
            for number, sku in enumerate(skus):
                world.shopify.adjust(sku, _BY_HAND)
                await _told(world, f"Waits{number:02}")
            shown = await _shown(bench)
    return [Told(alert, shown[alert], at) for alert, at in _received(world).items() if alert in shown]


async def _told(world: World, alert: str) -> None:
    """Wait until Slack has an alert; raises TimeoutError."""
    until = monotonic() + _PATIENCE
    while alert not in _received(world):
        if monotonic() > until:
            raise TimeoutError(f"{alert} did not come within {_PATIENCE:.0f} s")
        await world.clock.sleep(_LOOK)


def _received(world: World) -> dict[str, datetime]:
    """Return when Slack took the first message of each alert."""
    posted = [(message.versions[0].text, message.versions[0].at) for message in reversed(world.slack.messages)]
    return {text.partition("Alert: ")[2].partition(".")[0]: at for text, at in posted}


async def _shown(bench: Bench) -> dict[str, datetime]:
    """Return when the pass ended after which each alert fired, as the daemon has it on record."""
    await bench.run("sql", "sql", _QUERY, "--json")
    rows = json.loads(bench.said("sql"))
    return {row["rule"]: datetime.fromisoformat(row["shown"]).astimezone(UTC) for row in rows}


def _show(told: list[Told], count: int, console: Console) -> int:
    seconds = sorted(each.seconds for each in told)
    for each in told:
        console.print(f"{each.alert}: {each.seconds:.2f} s")
    if len(told) < count:
        console.print(f"{count - len(told)} alerts did not come.")
        return 1
    good = seconds[-1] <= MOST_SECONDS
    console.print(
        f"{count} alerts, from the pass's end to Slack: p50 {median(seconds):.2f} s, max {seconds[-1]:.2f} s "
        f"(limit {MOST_SECONDS:.0f} s: {'ok' if good else 'OVER'})"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
