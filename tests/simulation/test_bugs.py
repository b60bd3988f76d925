"""Mistakes planted on purpose: each is found by some seed, or the simulation is blind to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUGS = sorted((Path(__file__).parent / "bugs").glob("*.patch"))
SEEDS, DAYS, BUSY = 12, 0.06, 8

pytestmark = pytest.mark.slow


def first_seed(bug: Path) -> int:
    """Return where the seeds for a bug begin: at 1, or where its patch says, for one that meets its trouble seldom."""
    named = re.search(r"^Seeds from (\d+)\.$", bug.read_text(), re.MULTILINE)
    return int(named[1]) if named else 1


def found(bug: Path) -> str:
    """Apply a patch to a copy of the product, run seeds, and return what the first that failed said, "" for none."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        for package in ("sync", "monitor", "sandbox", "tests"):
            shutil.copytree(ROOT / package, Path(folder) / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "alerts.yaml", folder)
        subprocess.run(["git", "apply", "-C1", str(bug)], cwd=folder, check=True, capture_output=True)
        budget = ["--seed", str(first_seed(bug)), "--count", str(SEEDS), "--days", str(DAYS), "--busy", str(BUSY)]
        seeds = [sys.executable, "-m", "tests.simulation", *budget]
        environment = {**os.environ, "PYTHONPATH": folder}
        done = subprocess.run(seeds, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        assert done.returncode == 0 or done.stdout.startswith("seed "), done.stderr
        return done.stdout


def test_every_patch_says_what_is_wrong_and_still_applies() -> None:
    assert len(BUGS) >= 20
    for bug in BUGS:
        assert bug.read_text().splitlines()[0].endswith("."), bug.name
        check = ["git", "apply", "--check", "-C1", str(bug)]
        done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{bug.name}: {done.stderr}"


def test_every_planted_bug_is_found() -> None:
    with ThreadPoolExecutor(2) as two:
        told = dict(zip((bug.stem for bug in BUGS), two.map(found, BUGS), strict=True))
    assert [name for name, violation in told.items() if not violation] == []
