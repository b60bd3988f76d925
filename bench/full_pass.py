"""Measures what a first full pass costs, against the sandbox with its rate limits on: quota, time, memory, CPU.

The sandbox is served in this process, the product runs in processes of its own. First a command makes the plan by
itself. Then a daemon is started, whose own first pass a brake holds, since every number would change; and the plan is
confirmed through it. Quota, CPU and time are those of the confirmed pass, time as the daemon records it (the command
that asks for it takes a second or two more, which is shown); the memory is the daemon's high-water mark since it was
started. A busy machine shows in the time: the pretend shops need CPU, too. Exits 1 where a limit is exceeded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from rich.console import Console
from rich.table import Table

from sandbox.catalogue import generate
from sandbox.clock import RealClock
from sandbox.goods import Good
from sandbox.serve import serve
from sandbox.world import World

ITEMS_PER_PAGE, UNITS_PER_PAGE = 100, 1.4  # Lightspeed: a page of items with their ItemShops
ROWS_PER_CALL, POINTS_PER_READ, POINTS_PER_WRITE = 250, 36, 13
POINTS_PER_EXPORT = 11  # a bulk query: the mutation that starts it, one look whether it is finished

MOST_COST = 1.1  # times the least possible
MOST_WALL = 1.2  # times what the quota imposes
MOST_MEMORY = 150.0  # MB
MOST_CPU = 15.0  # seconds

_ORDER_LAG = 3.0
_ALERTS = f"limits:\n  stock:\n    order_lag: {_ORDER_LAG:.0f}s\n"
_LOOK = 0.02  # seconds between two looks at a pass's memory


@dataclass(frozen=True, slots=True)
class Spent:
    """What a pass took, or what it may take at the least: units, points, seconds, MB."""

    units: float
    points: float
    wall: float
    cpu: float = 0.0
    memory: float = 0.0
    written: int = 0
    around: float = 0.0  # seconds of the command that asked a daemon for it


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: what was measured, as it is shown, and whether it is within its limit."""

    name: str
    measured: str
    reference: str
    result: str
    limit: str
    good: bool


def main() -> int:
    """Measure the plan and its confirmation, print a table for each, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.full_pass", description=__doc__)
    parser.add_argument("--goods", type=int, default=10_000, help="how many SKUs both shops have, all out of step")
    parser.add_argument("--profile", type=Path, help="folder for a cProfile file of each pass, which spoils its CPU")
    args = parser.parse_args()
    with TemporaryDirectory(prefix="lightspeed-sync-bench-") as folder:
        return asyncio.run(_measure(args.goods, Path(folder), args.profile, Console(highlight=False)))


async def _measure(count: int, folder: Path, profile: Path | None, console: Console) -> int:
    world = World(_goods(count), clock=RealClock(), seed=1)
    async with serve(world, folder=folder):
        bench = Bench(world, folder, profile)
        await world.clock.sleep(_ORDER_LAG + 1)
        plan = await bench.run("plan", "sync", "--full", "--dry-run", "--json")
        good = _show(console, "The plan, made by a command", plan, _least(world, count, write=False), judged=False)
        async with bench.daemon() as daemon:
            await bench.review()
            first = await bench.run("confirm", "sync", "--full", "--confirm", "--json", within=daemon)
        good &= _show(console, "First full pass, by the daemon", first, _least(world, count, write=True), judged=True)
    wrong = [sku for sku, (store, online) in world.stock().items() if store != online]
    good &= not wrong and first.written == count
    console.print(f"{count} SKUs, {first.written} rows written, {len(wrong)} SKUs out of step afterwards.")
    return 0 if good else 1


def _goods(count: int) -> list[Good]:
    """Return goods that are sold in both shops, every one of them with another number online."""
    return [replace(good, online_stock=good.stock + 7) for good in generate(count, 1, odd=False)]


@dataclass(frozen=True, slots=True)
class Process:
    """A process that lives, as the kernel keeps account of it."""

    pid: int

    def peak(self) -> float:
        """Return the high-water mark of its memory in MB, 0 where it is over."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0.0
        found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(found[0]) / 1024 if found else 0.0

    def cpu(self) -> float:
        """Return the CPU seconds that it has used so far."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Bench:
    """Runs the product's commands against a served world."""

    def __init__(
        self,
        world: World,
        folder: Path,
        profile: Path | None = None,
        alerts_text: str = _ALERTS,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._world = world
        self._folder = folder
        self._profile = profile.absolute() if profile else None
        alerts = folder / "alerts.yaml"
        alerts.write_text(alerts_text)
        self._env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        self._env |= world.settings()
        self._env |= {
            "STATE_DIR": str(folder / "state"),
            "ALERTS_FILE": str(alerts),
            "OPS_LISTEN": "127.0.0.1:0",
            "STOREFRONT_LISTEN": "127.0.0.1:0",
            "LOG_FORMAT": "json",
            **(environment or {}),
        }

    async def run(self, name: str, *words: str, within: Process | None = None, fine: int = 0) -> Spent:
        """Run one command to its end; raises CalledProcessError where it ends with another code than 0 and `fine`.

        Memory, CPU and time are its own, or those of the daemon and its pass `within` which its work is done.
        """
        before, used = self._now(0.0), within.cpu() if within else 0.0
        began = monotonic()
        process = self._launch(name, words)
        memory, cpu = await self._watch(process)
        wall = monotonic() - began
        if process.returncode not in (0, fine):
            self._complain(name)
            raise subprocess.CalledProcessError(process.returncode, words)
        after = self._now(wall)
        return Spent(
            units=after.units - before.units,
            points=after.points - before.points,
            wall=self._pass_seconds() if within else wall,
            around=wall if within else 0.0,
            cpu=within.cpu() - used if within else cpu,
            memory=within.peak() if within else memory,
            written=after.written - before.written,
        )

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Process]:
        """Run the daemon while the block runs, which begins when its own first full pass is over."""
        process = self._launch("daemon", ("run",))
        try:
            while "sync.pass_finished" not in self.said("daemon"):
                if process.poll() is not None:
                    self._complain("daemon")
                    raise subprocess.CalledProcessError(process.returncode, "run")
                await self._world.clock.sleep(1)
            yield Process(process.pid)
        finally:
            process.terminate()
            process.wait()

    def _pass_seconds(self) -> float:
        """Return how long the daemon's latest pass took, by its own record."""
        lines = [line for line in self.said("daemon").splitlines() if '"sync.pass_finished"' in line]
        return float(json.loads(lines[-1])["seconds"])

    def said(self, name: str) -> str:
        """Return what a command has written so far: its errors, then its output."""
        return "".join((self._folder / f"{name}.{kind}").read_text() for kind in ("err", "out"))

    def _complain(self, name: str) -> None:
        sys.stderr.write(self.said(name)[-8000:])

    def _launch(self, name: str, words: tuple[str, ...]) -> subprocess.Popen[bytes]:
        profiled = ["-m", "cProfile", "-o", str(self._profile / f"{name}.prof")] if self._profile else []
        command = [sys.executable, *profiled, "-m", "monitor.cli", *words]
        with (self._folder / f"{name}.out").open("wb") as out, (self._folder / f"{name}.err").open("wb") as err:
            return subprocess.Popen(command, env=self._env, cwd=self._folder, stdout=out, stderr=err)  # noqa: S603

    async def _watch(self, process: subprocess.Popen[bytes]) -> tuple[float, float]:
        """Wait for a process; return its peak memory in MB and its CPU seconds.

        Its own high-water mark is asked for while it lives: what rusage tells begins at the size of its parent.
        """
        memory = 0.0
        while True:
            memory = max(memory, Process(process.pid).peak())
            cpu = _ended(process)
            if cpu is not None:
                return memory, cpu
            await self._world.clock.sleep(_LOOK)

    def _now(self, wall: float) -> Spent:
        shopify = self._world.shopify
        return Spent(self._world.lightspeed.limiter.spent, shopify.points, wall, written=len(shopify.writes))

    async def review(self) -> None:
        """Take as long as a person who reads the plan: until Lightspeed's bucket is empty."""
        clock, limiter = self._world.clock, self._world.lightspeed.limiter
        while limiter.level(clock.now()) > 0:
            await clock.sleep(0.5)


def _ended(process: subprocess.Popen[bytes]) -> float | None:
    """Return the CPU seconds of a process that is over, None while it runs."""
    pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    if not pid:
        return None
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _least(world: World, count: int, *, write: bool) -> Spent:
    """Return the least that a pass can cost, and how long the quota keeps it waiting from full buckets."""
    units = UNITS_PER_PAGE * ceil(len(world.lightspeed.books.items) / ITEMS_PER_PAGE)
    calls = ceil(count / ROWS_PER_CALL) if write else 0
    points = POINTS_PER_EXPORT + (POINTS_PER_READ + POINTS_PER_WRITE) * calls
    limiter, plan = world.lightspeed.limiter, world.shopify.plan
    waits = (units - limiter.size) / limiter.drip, (points - plan.maximum_available) / plan.restore_rate
    return Spent(units, points, wall=max(0.0, *waits))


def _show(console: Console, title: str, spent: Spent, least: Spent, *, judged: bool) -> bool:
    """Print a pass's figures; say whether all are within their limits. Ratios have one only where `judged`."""
    lines = [
        ratio("Lightspeed, units", spent.units, least.units, MOST_COST if judged else None),
        ratio("Shopify, points", spent.points, least.points, MOST_COST if judged else None),
        ratio("wall time, s", spent.wall, least.wall, MOST_WALL if judged else None),
        *([Line("the command's own time, s", f"{spent.around:.1f}", "", "", "", good=True)] if spent.around else []),
        most("peak memory, MB", spent.memory, MOST_MEMORY),
        most("CPU, s", spent.cpu, MOST_CPU),
    ]
    return show_table(console, title, lines)


def show_table(console: Console, title: str, lines: Sequence[Line]) -> bool:
    """Print what was measured; say whether all of it is within its limits."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("", "measured", "least", "ratio", "limit", ""):
        table.add_column(name, justify="right" if name else "left")
    for line in lines:
        table.add_row(line.name, line.measured, line.reference, line.result, line.limit, _word(line))
    console.print(table)
    return all(line.good for line in lines)


def ratio(name: str, measured: float, least: float, most: float | None) -> Line:
    """Return the line of what was spent, beside the least that can be spent, with the most times that as its limit."""
    ratio = measured / least if least else 0.0  # the quota imposes nothing on a shop so small
    good = most is None or ratio <= most
    return Line(name, f"{measured:.1f}", f"{least:.1f}", f"{ratio:.3f}", "" if most is None else f"{most}", good)


def _word(line: Line) -> str:
    if not line.limit:
        return ""
    return "ok" if line.good else "OVER"


def most(name: str, measured: float, most: float) -> Line:
    """Return the line of what was used, with the most as its limit."""
    return Line(name, f"{measured:.1f}", "", "", f"{most:.0f}", measured <= most)


if __name__ == "__main__":
    sys.exit(main())
