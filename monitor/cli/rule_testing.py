"""`alerts unit-test`: runs a file of rule tests and tells what stood otherwise than expected, with line and column."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from monitor import rule_tests
from monitor.cli.common import Exit, say, say_json, telling
from monitor.units import counted


def run(file: Path, *, json: bool) -> Exit:
    """Run the tests of a file; it needs neither settings nor state."""
    with telling():
        suite = rule_tests.load(file)
    failures = rule_tests.run(suite)
    if json:
        told = [{**asdict(each), "at": each.at.total_seconds(), "since": _seconds(each)} for each in failures]
        say_json({"tests": len(suite.tests), "expectations": suite.expectations, "failures": told})
        return Exit.WRONG if failures else Exit.DONE
    say(*(str(each) for each in failures))
    what = f"{counted(len(suite.tests), 'test')}, {counted(suite.expectations, 'expectation')}"
    came = f"{len(failures)} not met" if failures else "all met"
    say(f"{file}: {what}: {came}.")
    return Exit.WRONG if failures else Exit.DONE


def _seconds(failure: rule_tests.Failure) -> float | None:
    return None if failure.since is None else failure.since.total_seconds()
