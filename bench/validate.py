"""Measures what `validate` finds and what that costs: planted faults, API quota, memory, CPU.

Two pretend shops of 10,000 goods agree, but for 200 faults of twelve kinds that are planted in them. `validate` is run
as a process of its own, the rate limits on: every fault has to be found, nothing else may be, and the kind has to be
right for all but a few. What it spends at both APIs is compared with the least that tells as much. Then both shops are
opened once more with 100,000 goods and the rate limits off, for the memory and the CPU of the process. What the pretend
shops use themselves is not counted. Exits 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from bench.full_pass import (
    ITEMS_PER_PAGE,
    POINTS_PER_EXPORT,
    POINTS_PER_READ,
    ROWS_PER_CALL,
    Bench,
    Line,
    Spent,
    most,
    ratio,
    show_table,
)
from sandbox.catalogue import generate
from sandbox.clock import RealClock
from sandbox.flaws import Flaw, Planted
from sandbox.planting import plant
from sandbox.serve import serve
from sandbox.world import World

UNITS_PER_PAGE = (
    2.2  # Lightspeed: a page of items (1) with ItemShops, Images (0.4), ItemECommerce, ItemAttributes (0.2)
)
UNITS_OF_CATEGORIES = 1.0  # one page of them
STOCK = (Flaw.STOCK_HIGHER, Flaw.STOCK_LOWER)

MOST_COST = 1.1  # times the least possible
LEAST_RIGHT = 0.95  # of the planted faults: named by the right class
MOST_MEMORY = 300.0  # MB, of 100,000 goods
MOST_CPU = 60.0  # seconds, of 100,000 goods

_ORDER_LAG = 3.0
_ALERTS = f"limits:\n  stock:\n    order_lag: {_ORDER_LAG:.0f}s\n"
_SHOWN = 20  # findings of nothing planted, printed one by one
_WRONG = 1  # the exit code where something differs

Found = Mapping[str, Any]
"""One finding as the JSON report tells it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the findings compare with what was planted."""

    planted: int
    missed: Sequence[Planted]
    misnamed: Sequence[tuple[Planted, str]]
    more: Sequence[Found]

    @property
    def right(self) -> int:
        """Return how many faults were found under the right class."""
        return self.planted - len(self.missed) - len(self.misnamed)


Measure = Callable[[Path], Awaitable[bool]]


def main() -> int:
    """Measure, print a table for each size, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.validate", description=__doc__)
    parser.add_argument("--goods", type=int, default=10_000, help="how many SKUs both shops have with the limits on")
    parser.add_argument("--faults", type=int, default=200, help="how many of them are faulty")
    parser.add_argument("--many", type=int, default=100_000, help="how many SKUs with the limits off (0: leave it out)")
    parser.add_argument("--profile", type=Path, help="folder for a cProfile file of each run, which spoils its CPU")
    args = parser.parse_args()
    console = Console(highlight=False)
    good = True
    if args.goods:
        good &= _in_a_folder(partial(_limited, args.goods, args.faults, args.profile, console))
    if args.many:
        good &= _in_a_folder(partial(_unlimited, args.many, args.faults, args.profile, console))
    return 0 if good else 1


def _in_a_folder(measure: Measure) -> bool:
    with TemporaryDirectory(prefix="lightspeed-sync-bench-") as folder:
        return asyncio.run(_run(measure, Path(folder)))


async def _run(measure: Measure, folder: Path) -> bool:
    return await measure(folder)


async def _limited(goods: int, faults: int, profile: Path | None, console: Console, folder: Path) -> bool:
    """Measure what is found and what that costs in quota, with the limits on."""
    world = World(generate(goods, 1, odd=False), clock=RealClock(), seed=1)
    spent, verdict = await _validated(world, faults, profile, folder)
    least = _least(world)
    lines = [
        *_judged(verdict),
        ratio("Lightspeed, units", spent.units, least.units, MOST_COST),
        ratio("Shopify, points", spent.points, least.points, MOST_COST),
        ratio("wall time, s", spent.wall, least.wall, None),
        Line("peak memory, MB", f"{spent.memory:.1f}", "", "", "", good=True),
        Line("CPU, s", f"{spent.cpu:.1f}", "", "", "", good=True),
    ]
    good = show_table(console, f"validate, {goods:,} SKUs with {verdict.planted} faults", lines)
    _explain(console, verdict)
    return good


async def _unlimited(goods: int, faults: int, profile: Path | None, console: Console, folder: Path) -> bool:
    """Measure memory and CPU, with the limits off."""
    world = World(generate(goods, 1, odd=False), clock=RealClock(), seed=1, rate_limits=False)
    spent, verdict = await _validated(world, faults, profile, folder)
    lines = [*_judged(verdict), most("peak memory, MB", spent.memory, MOST_MEMORY), most("CPU, s", spent.cpu, MOST_CPU)]
    good = show_table(console, f"validate, {goods:,} SKUs without limits", lines)
    _explain(console, verdict)
    return good


async def _validated(world: World, faults: int, profile: Path | None, folder: Path) -> tuple[Spent, Verdict]:
    """Plant faults and let `validate` look for them, once what was planted has come to rest."""
    planted = plant(world, faults)
    async with serve(world, folder=folder):
        bench = Bench(world, folder, profile, _ALERTS)
        await world.clock.sleep(_ORDER_LAG + 1)
        spent = await bench.run("validate", "validate", "--json", fine=_WRONG)
    findings = json.loads((folder / "validate.out").read_text())["findings"]
    return spent, judge(planted, findings)


def judge(planted: Sequence[Planted], findings: Sequence[Found]) -> Verdict:
    """Compare findings with what was planted; a finding is about a fault where it names its SKU."""
    by_sku: dict[str, list[Found]] = {}
    for finding in findings:
        for sku in _skus(finding):
            by_sku.setdefault(sku, []).append(finding)
    missed, misnamed, used = [], [], set()
    for fault in planted:
        about = by_sku.get(fault.sku, [])
        right = next((found for found in about if found["class"] == fault.flaw), None)
        found = right or next(iter(about), None)
        if found is None:
            missed.append(fault)
            continue
        used.add(id(found))
        if right is None:
            misnamed.append((fault, found["class"]))
    more = [finding for finding in findings if id(finding) not in used]
    return Verdict(len(planted), missed, misnamed, more)


def _skus(finding: Found) -> set[str]:
    """Return the SKUs that a finding is about."""
    return {finding["sku"].strip(), *(sku.strip() for sku in finding["also"])}


def _judged(verdict: Verdict) -> list[Line]:
    count, found = verdict.planted, verdict.planted - len(verdict.missed)
    least = ceil(count * LEAST_RIGHT)
    return [
        Line("faults found", str(found), str(count), "", f"{count}", good=found == count),
        Line(
            "found under the right class", str(verdict.right), str(count), "", f"{least}", good=verdict.right >= least
        ),
        Line("findings of nothing planted", str(len(verdict.more)), "", "", "0", good=not verdict.more),
    ]


def _explain(console: Console, verdict: Verdict) -> None:
    """Print what is not as it should be."""
    for fault in verdict.missed:
        console.print(f"missed: {fault.flaw} of {fault.sku} ({fault.done})")
    for fault, told in verdict.misnamed:
        console.print(f"misnamed: {fault.flaw} of {fault.sku} ({fault.done}) is told as {told}")
    kinds = Counter(found["class"] for found in verdict.more)
    for found in verdict.more[:_SHOWN]:
        console.print(f"not planted: {found['class']} of {found['sku']}: {found['sentence']}")
    if verdict.more:
        console.print(f"not planted: {', '.join(f'{kind} {count}' for kind, count in kinds.items())}")


def _least(world: World) -> Spent:
    """Return the least that a validation can cost, and how long the quota keeps it waiting from full buckets.

    Each item is read once with its stock, pictures, text and attributes (its title says them, Shopify's does not),
    categories once as a list. Shopify is exported once; what seems to differ in stock is read a second time, before it
    is called a fault.
    """
    pages = ceil(len(world.lightspeed.books.items) / ITEMS_PER_PAGE)
    categories = ceil(len(world.lightspeed.books.categories) / ITEMS_PER_PAGE)
    units = UNITS_PER_PAGE * pages + UNITS_OF_CATEGORIES * categories
    doubtful = sum(fault.flaw in STOCK for fault in world.planted)
    points = POINTS_PER_EXPORT + POINTS_PER_READ * ceil(doubtful / ROWS_PER_CALL)
    limiter, plan = world.lightspeed.limiter, world.shopify.plan
    waits = (units - limiter.size) / limiter.drip, (points - plan.maximum_available) / plan.restore_rate
    return Spent(units, points, wall=max(0.0, *waits))


if __name__ == "__main__":
    sys.exit(main())
