"""The simulation from the command line: a seed again (`--seed`), many for a time (`--seconds`), the saved table."""

from __future__ import annotations

import argparse
import sys
from itertools import count, takewhile
from pathlib import Path

from sync.clock import SystemClock
from tests.simulation.report import SAVED, Summary, load, table
from tests.simulation.runner import Order, parse_ranges, run, run_all, shrink
from tests.simulation.simulate import Result

_DAYS = 0.5


def main() -> int:
    """Do what is asked; return 1 where an invariant was violated."""
    asked = _arguments()
    if asked.table:
        print(table(load(asked.table)), end="")
        return 0
    if asked.seconds:
        return _long(asked)
    if asked.count:
        return _until_violated(asked)
    kept = None if asked.only is None else parse_ranges(asked.only.replace("none", ""))
    order = Order(asked.seed, asked.days, asked.busy, kept)
    return _one(order, shrinking=asked.shrink, steps=asked.steps)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="which simulation")
    parser.add_argument("--days", type=float, default=_DAYS, help="simulated days of a seed")
    parser.add_argument("--busy", type=float, default=1.0, help="people and faults, times the usual")
    parser.add_argument("--only", help="numbers of the script's entries to keep: 1,4-6")
    parser.add_argument("--shrink", action="store_true", help="search for the fewest entries that still fail")
    parser.add_argument("--steps", type=int, default=30, help="last steps to show of a failure")
    parser.add_argument("--seconds", type=float, help="run seed after seed for so long, on two cores")
    parser.add_argument("--count", type=int, help="run so many seeds, one after the other, until one fails")
    parser.add_argument("--save", type=Path, help="keep the sums in this file")
    parser.add_argument("--table", type=Path, nargs="?", const=SAVED, help="only print the table of saved sums")
    return parser.parse_args()


def _one(order: Order, *, shrinking: bool, steps: int) -> int:
    result = run(order)
    _show(order, result, steps)
    if result.violations and shrinking:
        first = result.violations[0]
        smaller = shrink(order, lambda one: _fails(one, first.invariant), seen_at=first.at)
        print(f"the same with {len(smaller.kept or ())} entries:\n  {smaller.command()}")
    return 1 if result.violations else 0


def _fails(order: Order, invariant: str) -> bool:
    """Tell whether an order violates an invariant, too."""
    failed = any(found.invariant == invariant for found in run(order).violations)
    print("." if failed else "-", end="", flush=True)
    return failed


def _show(order: Order, result: Result, steps: int) -> None:
    print(order.options().told())
    summary = Summary()
    summary.add(result)
    print(table(summary), end="")
    print(f"trace {result.digest[:16]} of {result.steps} steps")
    if result.violations:
        print("last steps:", *result.last_lines[-steps:], sep="\n  ")
        print("VIOLATED:", *result.violations, "again with:", f"  {order.command()}", sep="\n  ")


def _until_violated(asked: argparse.Namespace) -> int:
    for seed in range(asked.seed, asked.seed + asked.count):
        result = run(Order(seed, asked.days, asked.busy))
        if result.violations:
            print(f"seed {seed}: {result.violations[0]}")
            return 1
    return 0


def _long(asked: argparse.Namespace) -> int:
    clock, summary, failed = SystemClock(), Summary(), list[Order]()
    began = clock.monotonic()
    orders = (Order(seed, asked.days, asked.busy) for seed in count(asked.seed))
    in_time = takewhile(lambda _: clock.monotonic() - began < asked.seconds, orders)
    for result in run_all(in_time):
        summary.add(result)
        if result.violations:
            failed.append(Order(result.options.seed, asked.days, asked.busy))
            print(*result.violations, f"again with: {failed[-1].command()}", sep="\n", file=sys.stderr)
    summary.wall_seconds = round(clock.monotonic() - began, 1)
    print(table(summary), end="")
    if summary.missing():
        print("never happened:", ", ".join(summary.missing()))
    if asked.save:
        summary.save(asked.save)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
