"""docs/alerts.md tells every key, signal and metric, as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor import rule_tests
from monitor.alerts_file import load_alerts, parse
from monitor.alerts_table import alerts_table, keys, metrics_table, signals_table

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("table", [alerts_table, signals_table, metrics_table])
def test_the_tables_are_current(table: Callable[[], str]) -> None:
    assert table() in PAGE, "run `make docs`"


def test_every_key_has_a_meaning() -> None:
    assert [key for key, _, meaning in keys() if not meaning] == []


@pytest.mark.parametrize(
    "row",
    [
        "| `sync_interval` | `1m` | How often stock is synced. |",
        "| `alerts[].when` | needed | SIGNAL OPERATOR NUMBER, joined by and, or, parentheses. |",
        "| `alerts[].for` | `0s` | How long the condition must hold. |",
        "| `limits.stock.brakes.zero` | `10%` | Share of links that one pass may set to zero. |",
        "| `limits.api.backoff` | `0.5s` | First wait, doubled each time, jittered. |",
    ],
)
def test_a_key_stands_there_with_its_default_and_meaning(row: str) -> None:
    assert row in PAGE


def test_a_metric_stands_there_by_the_name_it_is_exposed_under() -> None:
    assert "| `lightspeed_sync_runs_total` | counter |" in PAGE
    assert "| `lightspeed_sync_build_info` |" in PAGE


def test_the_example_of_a_rule_test_is_met_by_the_shipped_alerts() -> None:
    (example,) = (block for block in BLOCKS if "alerts_file:" in block)
    suite = rule_tests.read(example.encode(), "docs/alerts.md", load_alerts(ROOT / "alerts.yaml"))
    assert (suite.expectations, rule_tests.run(suite)) == (6, [])


def test_the_examples_of_the_language_are_right_together() -> None:
    alerts, hours, when, routes, channels = (block for block in BLOCKS if "alerts_file:" not in block)
    more = "  sms:\n  it-support: {type: email, to: []}\n  store-manager: {type: email, to: []}\n"
    another = f"  - name: Other\n{when}    severity: critical\n"
    content = parse(f"{alerts}{another}{hours}{routes}{channels}{more}".encode())
    parked, other = content.alerts

    assert content.channels_for(parked) == ("email",)
    assert content.channels_for(other) == ("slack", "email", "sms")
    assert str(other.when) == "parked_skus > 5 and (error_rate > 5% or sync_latency > 10m)"
