"""A seed is all that a simulation depends on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.runner import Order, parse_ranges, shrink
from tests.simulation.script import Deed, draw_script

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (
    "from tests.simulation.runner import Order, run; result = run(Order(3, 0.02)); print(result.digest, result.steps)"
)


def traced(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_seed_takes_the_same_steps_again_whatever_the_order_of_sets() -> None:
    first, second = traced("1"), traced("2")
    assert first == second
    assert int(first.split()[1]) > 300


def test_a_shrunk_script_is_written_as_a_command_that_names_its_entries() -> None:
    order = Order(7, 0.5, kept=frozenset({1, 2, 3, 9}))
    assert order.command() == 'make sim SEED=7 ARGS="--days 0.5 --only 1-3,9"'
    assert parse_ranges("1-3,9") == order.kept


@pytest.mark.parametrize("people", [True, False], ids=["somebody's deeds", "faults and kills"])
def test_a_script_shrinks_to_the_entries_that_it_takes_to_fail(people: bool) -> None:
    order = Order(7, 0.05)
    script = draw_script(order.options())
    numbers = [number for number, entry in enumerate(script) if isinstance(entry, Deed) is people]
    needed = frozenset((numbers[1], numbers[-2]))
    asked: list[int] = []

    def fails(smaller: Order) -> bool:
        assert smaller.kept is not None
        asked.append(len(smaller.kept))
        return needed <= smaller.kept

    assert shrink(order, fails, trials=200) == Order(7, 0.05, kept=needed)
    assert asked[0] < len(script)


def test_what_comes_after_the_failure_is_left_out_first() -> None:
    order = Order(7, 0.05)
    script = draw_script(order.options())
    middle = script[len(script) // 2].at
    smaller = shrink(order, lambda _: True, seen_at=middle, trials=1)
    assert smaller.kept == frozenset(number for number, entry in enumerate(script) if entry.at <= middle)
    assert shrink(order, lambda _: False, seen_at=middle) == Order(7, 0.05, kept=frozenset(range(len(script))))
