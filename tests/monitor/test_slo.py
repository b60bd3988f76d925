"""Objectives as Prometheus rules: the real promtool judges who is told of what, and when."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from monitor.slo import BURNS, OBJECTIVES, WINDOWS, slo_rules
from tests.conftest import ROOT
from tests.monitor.test_export import run

WATCH = ROOT / "deploy" / "prometheus" / "rules" / "watch.yml"
RUNS = 'lightspeed_sync_runs_total{instance="a", job="stock"}'
FAILED = 'lightspeed_sync_run_failures_total{instance="a", job="stock"}'
BRAKED = 'lightspeed_sync_run_brakes_total{instance="a", job="stock"}'
BOOKED = 'lightspeed_sync_order_booking_seconds_count{instance="a"}'
IN_TIME = 'lightspeed_sync_order_booking_seconds_bucket{instance="a", le="900.0"}'
ANSWERS = 'lightspeed_sync_storefront_requests_total{instance="a", route="sync", status="%d"}'


def test_every_burn_rate_has_its_windows_recorded_and_a_quicker_one_needs_more() -> None:
    assert {window for burn in BURNS for window in (burn.long, burn.short)} < set(WINDOWS)
    assert [burn.times for burn in BURNS] == sorted((burn.times for burn in BURNS), reverse=True)
    assert all(burn.times * objective.budget < 1 for burn in BURNS for objective in OBJECTIVES)


def fired(name: str, at: str, *windows: str) -> dict[str, Any]:
    """Return that an alert fires at a moment for these long windows, and for no other."""
    (slo,) = (each.name for each in OBJECTIVES if f"{each.name.capitalize()}BudgetBurns" == name)
    severities = {burn.long: burn.severity.value for burn in BURNS}
    labels = [{"instance": "a", "slo": slo, "window": each, "severity": severities[each]} for each in windows]
    return {"alertname": name, "eval_time": at, "exp_alerts": [{"exp_labels": each} for each in labels]}


CASES = {
    "a fifth of the passes fails: called within the hour": (
        {RUNS: "0+5x240", FAILED: "0+1x240", BRAKED: "0x240"},
        [fired("PassesBudgetBurns", "2h", "1h", "6h", "1d", "3d")],
    ),
    "a brake is no success": (
        {RUNS: "0+5x240", FAILED: "0x240", BRAKED: "0+1x240"},
        [fired("PassesBudgetBurns", "2h", "1h", "6h", "1d", "3d")],
    ),
    "over for ten minutes: the call ends": (
        {RUNS: "0+5x240", FAILED: "0+5x110 550x130", BRAKED: "0x240"},
        [fired("PassesBudgetBurns", "2h", "6h", "1d", "3d"), fired("PassesBudgetBurns", "3h", "1d", "3d")],
    ),
    "two of a hundred fail: a warning, nobody is called": (
        {RUNS: "0+100x240", FAILED: "0+2x240", BRAKED: "0x240"},
        [fired("PassesBudgetBurns", "3h", "3d")],
    ),
    "all is well": ({RUNS: "0+5x240", FAILED: "0x240", BRAKED: "0x240"}, [fired("PassesBudgetBurns", "3h")]),
    "three late orders are no trend": ({BOOKED: "0x60 3x180", IN_TIME: "0x240"}, [fired("BookingsBudgetBurns", "61m")]),
    "thirty late orders are": (
        {BOOKED: "0x60 30x180", IN_TIME: "0x240"},
        [fired("BookingsBudgetBurns", "62m", "1h", "6h", "1d", "3d")],
    ),
    "refusals that shoppers' pages understand are no failures": (
        {ANSWERS % 200: "0+60x240", ANSWERS % 429: "0+60x240", ANSWERS % 503: "0x240"},
        [fired("StorefrontBudgetBurns", "2h")],
    ),
    "503 is": (
        {ANSWERS % 200: "0+60x240", ANSWERS % 429: "0x240", ANSWERS % 503: "0+1x240"},
        [fired("StorefrontBudgetBurns", "2h", "1h", "6h", "1d", "3d")],
    ),
}


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not on PATH (`make peers` fetches it)")
    return found


def judged(
    promtool: str, folder: Path, rules: str, cases: Mapping[str, tuple[dict[str, str], list[dict[str, Any]]]]
) -> str:
    """Return what promtool has to say of rules and of what they are to tell, "" for nothing."""
    tests = [
        {
            "name": name,
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in given.items()],
            "alert_rule_test": expected,
        }
        for name, (given, expected) in cases.items()
    ]
    suite = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    return run(promtool, folder, "test rules", ("rules.yml", bare(rules)), ("t.json", json.dumps(suite)))


@pytest.mark.peer
def test_who_is_told_of_what(promtool: str, tmp_path: Path) -> None:
    assert judged(promtool, tmp_path, slo_rules(), CASES) == ""


@pytest.mark.peer
def test_a_daemon_that_is_gone_or_judges_no_more_is_told_of(promtool: str, tmp_path: Path) -> None:
    up, told = 'up{job="lightspeed-sync", instance="a"}', {"severity": "critical", "watch": "daemon"}
    last = 'lightspeed_sync_rules_last_evaluation_timestamp_seconds{instance="a"}'

    def fires(name: str, at: str, **labels: str) -> dict[str, Any]:
        alerts = [{"exp_labels": {**told, **labels}}] if labels else []
        return {"alertname": name, "eval_time": at, "exp_alerts": alerts}

    down, dull = "LightspeedSyncDown", "LightspeedSyncNotJudging"
    cases = {
        "it cannot be reached": (
            {up: "1x4 0x20"},
            [fires(down, "9m"), fires(down, "10m", instance="a"), fires(down, "20m", instance="a")],
        ),
        "Prometheus knows of none": (
            {"up": "1x20"},
            [fires(down, "4m"), fires(down, "5m", job="lightspeed-sync")],
        ),
        "it judges no more": (
            {up: "1x60", last: "0+60x10 600x50"},
            [fires(down, "60m"), fires(dull, "25m"), fires(dull, "26m", instance="a")],
        ),
    }

    assert judged(promtool, tmp_path, WATCH.read_text(encoding="utf-8"), cases) == ""


def bare(rules: str) -> str:
    """Return rules without what they say: who is told when is the matter here."""
    lines = rules.splitlines()
    said = ("        annotations:", "          summary:", "          description:")
    return "\n".join(line for line in lines if not line.startswith(said)) + "\n"
