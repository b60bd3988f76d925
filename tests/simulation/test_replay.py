"""A seed is all that a simulation depends on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.simulation.runner import Order, parse_ranges

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
