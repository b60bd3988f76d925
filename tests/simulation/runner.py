"""Runs seeds, two at a time, and shrinks the script of one that fails."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from pathlib import Path
from time import process_time

import structlog

from tests.simulation.script import Deed, Entry, Options, draw_options, draw_script
from tests.simulation.simulate import Result, simulate

_MEMORY = Path("/dev/shm")  # where files lie in memory: a commit costs nothing there, and is as durable as we need it
_TRIALS = 60  # simulations that shrinking may take


@dataclass(frozen=True, slots=True)
class Order:
    """One simulation to be made: a seed for `days`, `busy` times the usual.

    Only those entries of its script happen that `kept` names; None: all.
    """

    seed: int
    days: float
    busy: float = 1.0
    kept: frozenset[int] | None = None

    def options(self) -> Options:
        """Return what its seed draws."""
        return draw_options(self.seed, self.days, busy=self.busy)

    def command(self) -> str:
        """Return the command that repeats it."""
        only = "" if self.kept is None else f" --only {_ranges(sorted(self.kept))}"
        busy = "" if self.busy == 1 else f" --busy {self.busy:g}"
        return f'make sim SEED={self.seed} ARGS="--days {self.days:g}{busy}{only}"'


def run(order: Order) -> Result:
    """Make one simulation, with its state in memory and the product's log silenced."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    gc.collect()  # the world before
    _spare_the_imported()
    began = process_time()
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        result = simulate(order.options(), chosen(order), Path(folder))
    result.cpu_seconds = process_time() - began
    return result


@cache
def _spare_the_imported() -> None:
    """Let the collector leave alone what is imported, which stays; once, or it would keep each world for ever."""
    gc.freeze()
    gc.set_threshold(400_000, 20, 100)  # what a world allocates stays until its end: hardly anything is garbage


def chosen(order: Order) -> list[Entry]:
    """Return the script of an order."""
    script = draw_script(order.options())
    return [entry for number, entry in enumerate(script) if order.kept is None or number in order.kept]


def run_all(orders: Iterable[Order], jobs: int = 2) -> Iterator[Result]:
    """Make simulations in `jobs` processes and yield their results as they come; stop asking to stop early."""
    todo = iter(orders)
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting: set[Future[Result]] = set()
        try:
            while True:
                while len(waiting) < jobs and (order := next(todo, None)) is not None:
                    waiting.add(pool.submit(run, order))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            for future in waiting:
                future.cancel()


def shrink(order: Order, fails: Callable[[Order], bool], *, seen_at: float = inf, trials: int = _TRIALS) -> Order:
    """Return an order with as few entries as `trials` could find that still fails.

    What comes after `seen_at`, the second at which it failed, is left out first; then faults and kills, in halves,
    then smaller parts; then people's deeds in the same way.
    """
    script = draw_script(order.options())
    kept = set(range(len(script))) if order.kept is None else set(order.kept)
    for parts in (
        _later(script, kept, seen_at),
        _halves(script, kept, people=False),
        _halves(script, kept, people=True),
    ):
        for part in parts:
            left_out = kept.intersection(part)
            if not left_out:
                continue
            if not trials:
                break
            trials -= 1
            if fails(replace(order, kept=frozenset(kept - left_out))):
                kept -= left_out
    return replace(order, kept=frozenset(kept))


def _later(script: Sequence[Entry], kept: Iterable[int], seen_at: float) -> Iterator[Sequence[int]]:
    yield [number for number in kept if script[number].at > seen_at]


def _halves(script: Sequence[Entry], kept: Iterable[int], *, people: bool) -> Iterator[Sequence[int]]:
    """Yield all that people do, or all that befalls the services, then the halves of it, and so on down to one."""
    numbers = [number for number in sorted(kept) if isinstance(script[number], Deed) is people]
    size = len(numbers)
    while size:
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]
        size //= 2


def parse_ranges(text: str) -> frozenset[int]:
    """Return the numbers that `1,4-6` names."""
    numbers: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def _ranges(numbers: Sequence[int]) -> str:
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in parts) or "none"
