"""Unit tests of rules as operators write them: series as promtool reads them, every mistake with its place."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.alerts_file import AlertsFileError, parse
from monitor.cli.commands import app
from monitor.rule_tests import Failure, alerts_named, load, read, run, values
from monitor.rules import Phase
from monitor.units import Unfit, Unit

ROOT = Path(__file__).resolve().parents[2]
ALERTS = parse(
    b"""
alerts:
  - {name: Differs, when: discrepant_skus > 5, for: 2m, severity: warning}
  - {name: Late, when: sync_latency > 10m or error_rate > 5%, severity: critical}
  - {name: Peak, when: discrepant_skus > 5, over: 3m, take: max, severity: info}
  - {name: Silent, when: oversell_units > 5, no_data: nodata, severity: info}
routes:
  - {to: slack}
"""
)
NO_NUMBER = "discrepant_skus is measured as a count, but '6y10' is not a plain number"
COUNTS = ["7", "0x5 6x3", "1+2x3 5", "9-3x2", "_ 1 _x2 4", "1.5x1", "-2+1x4"]


def failures(series: str, *expect: str) -> list[Failure]:
    lines = "".join(f"      - {{{each}}}\n" for each in expect)
    text = f"tests:\n  - name: t\n    series: {{{series}}}\n    expect:\n{lines}"
    return list(run(read(text.encode(), "t.yaml", ALERTS)))


def mistakes(text: str) -> list[str]:
    with pytest.raises(AlertsFileError) as raised:
        read(text.encode(), "t.yaml", ALERTS)
    return [str(mistake) for mistake in raised.value.mistakes]


# --- series ---
@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("7", Unit.COUNT, [7]),
        ("0x2 6", Unit.COUNT, [0, 0, 0, 6]),
        ("1+2x3", Unit.COUNT, [1, 3, 5, 7]),
        ("9-3x2", Unit.COUNT, [9, 6, 3]),
        ("_ 1 _x2", Unit.COUNT, [None, 1, None, None]),
        ("0s+1m30sx2", Unit.DURATION, [0, 90, 180]),
        ("1h30m", Unit.DURATION, [5400]),
        ("5%x1 5.5%", Unit.RATIO, [0.05, 0.05, 0.055]),
    ],
)
def test_a_series_is_a_value_an_interval(text: str, unit: Unit, expected: list[float | None]) -> None:
    assert values("x", text, unit) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "unit", "problem", "within"),
    [
        ("0x5 6y10", Unit.COUNT, "x is measured as a count, but '6y10' is not a plain number", 4),
        ("5", Unit.DURATION, "x is measured as a duration, but 5 has no unit", 0),
        ("0% 150%", Unit.RATIO, "x is measured as a ratio, but '150%' is more than everything", 3),
        ("1 a", Unit.COUNT, "'a' is not part of a series", 2),
        ("", Unit.COUNT, "there is no value", 0),
        ("1x999999", Unit.COUNT, "the series is too long", 0),
    ],
)
def test_a_series_that_cannot_be_read_says_where(text: str, unit: Unit, problem: str, within: int) -> None:
    with pytest.raises(Unfit) as raised:
        values("x", text, unit)
    assert (raised.value.problem, raised.value.within) == (problem, within)


def test_promtool_reads_a_series_alike(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not on PATH (`make peers` fetches it)")
    tests = []
    for text in COUNTS:
        for minute, value in enumerate(values("x", text, Unit.COUNT)):
            samples = [] if value is None else [{"labels": '{__name__="s"}', "value": value}]
            query = {"expr": "last_over_time(s[1s])", "eval_time": f"{minute}m", "exp_samples": samples}
            tests.append(
                {"interval": "1m", "input_series": [{"series": "s", "values": text}], "promql_expr_test": [query]}
            )
    (tmp_path / "tests.yml").write_text(json.dumps({"evaluation_interval": "1m", "tests": tests}))
    done = subprocess.run(
        [promtool, "test", "rules", str(tmp_path / "tests.yml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- judging ---
def test_what_stands_as_expected_is_no_failure() -> None:
    assert (
        failures(
            "discrepant_skus: 0 6x9 0",
            "at: 0s, not: Differs",
            "at: 1m, pending: Differs, firing: Peak",
            "at: 3m, firing: [Differs, Peak]",
            "at: 11m, not: Differs, firing: Peak",
            "at: 14m, not: [Differs, Peak]",
        )
        == []
    )


def test_between_two_judgings_stands_what_the_last_one_found() -> None:
    assert failures("discrepant_skus: 0x2 6x9", "at: 4m59s, pending: Differs", "at: 5m, firing: Differs") == []


def test_a_failure_says_how_it_stands_since_when_and_by_which_number() -> None:
    (early, late) = failures("discrepant_skus: 0x2 6x9", "at: 4m, firing: Differs", "at: 6m, not: Differs")
    assert str(early) == "t.yaml:5:9: Differs at 4m should fire, but it is pending since 3m (discrepant_skus 6): t"
    assert str(late) == (
        "t.yaml:6:9: Differs at 6m should neither fire nor be pending, but it fires since 3m (discrepant_skus 6): t"
    )


def test_a_condition_of_several_signals_takes_a_series_of_each() -> None:
    (found,) = failures('sync_latency: "1m", error_rate: 4%x2 6%', "at: 2m, not: Late", "at: 3m, pending: Late")
    assert (found.found, found.values) == (Phase.FIRING, {"sync_latency": "1m", "error_rate": "6%"})


def test_a_signal_without_a_series_has_no_number() -> None:
    assert failures("discrepant_skus: 0", "at: 1m, firing: Silent, not: Late") == []


def test_a_test_may_have_another_interval() -> None:
    text = (
        "tests:\n  - {name: t, interval: 30s, series: {discrepant_skus: 0 6x9}, expect: [{at: 2m30s, firing: Differs}]}"
    )
    assert run(read(text.encode(), "t.yaml", ALERTS)) == []


# --- mistakes ---
def test_every_mistake_is_told_with_its_place_and_the_right_word() -> None:
    text = """\
tests:
  - name: one
    series: {discrepant_sku: 5, sync_latency: 1m 5}
    expect:
      - {at: 5, firing: Differs}
  - name: two
    series: {discrepant_skus: 0x5 6y10}
    expect:
      - {at: 5m, firing: [Late, Difers]}
      - {at: 1000000h, not: Late}
  - name: three
    interval: 0s
    series: {}
  - four
  - name: five
    expect: []
"""
    assert mistakes(text) == [
        "t.yaml:3:14: there is no signal 'discrepant_sku'; did you mean discrepant_skus?",
        "t.yaml:3:50: sync_latency is measured as a duration, but 5 has no unit; write 5s for seconds, 5m for minutes",
        "t.yaml:5:14: 5 has no unit; write 5s for seconds, 5m for minutes",
        f"t.yaml:7:35: {NO_NUMBER}; write it without a unit, like 5",
        "t.yaml:9:33: there is no alert 'Difers'; did you mean Differs?",
        "t.yaml:10:14: '1000000h' is longer than ten years; write a shorter duration",
        "t.yaml:11:5: nothing is expected; add `expect:` with lines like {at: 5m, firing: SyncLatencyHigh}",
        "t.yaml:12:15: '0s' is too short; one second, 1s, is the shortest",
        "t.yaml:14:5: this is no test; begin with `- name:`, and write `series:` and `expect:` below it",
        "t.yaml:15:5: there are no series; add `series:` with lines like sync_latency: 0s+1mx15",
        "t.yaml:16:5: nothing is expected; add `expect:` with lines like {at: 5m, firing: SyncLatencyHigh}",
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "t.yaml:1:1: there are no tests; begin with `tests:`, and each test with a dash and `name:`"),
        ("- a", "t.yaml:1:1: the file is not a list of settings; begin with a line like `alerts_file: alerts.yaml`"),
        ("tests: 5", "t.yaml:1:1: there are no tests; begin with `tests:`, and each test with a dash and `name:`"),
        ("tests: [", "t.yaml:1:9"),
    ],
)
def test_a_file_of_another_shape_is_answered_with_the_right_one(text: str, mistake: str) -> None:
    (found,) = mistakes(text)
    assert found.startswith(mistake)


def test_an_unknown_key_of_the_file_is_answered_with_the_right_one() -> None:
    with pytest.raises(AlertsFileError, match=r"t\.yaml:1:1: .*'alert_file' here; did you mean alerts_file\?"):
        alerts_named(b"alert_file: a.yaml\ntests: []\n", "t.yaml")


# --- the command ---
def test_the_shipped_rules_stand_their_shipped_tests() -> None:
    suite = load(ROOT / "alerts.test.yaml")
    assert (run(suite), suite.expectations >= 30) == ([], True)


def test_the_command_tells_failures_and_how_many_there_were(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    text = (ROOT / "alerts.test.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("alerts.yaml", str(ROOT / "alerts.yaml"), 3).replace("5x4 6x4 0", "5x3 6x4 0"))
    ended = CliRunner().invoke(app, ["alerts", "unit-test", str(file)])
    data = CliRunner().invoke(app, ["alerts", "unit-test", str(file), "--json"])
    assert ended.exit_code == 1
    assert "InventoryDiscrepancy at 4m should neither fire nor be pending, but it fires since 4m" in ended.stdout
    assert ended.stdout.splitlines()[-1] == f"{file}: 12 tests, 42 expectations: 2 not met."
    assert [(each["alert"], each["at"], each["line"]) for each in json.loads(data.stdout)["failures"]] == [
        ("InventoryDiscrepancy", 240.0, 12),
        ("InventoryDiscrepancy", 540.0, 14),
    ]


def test_the_command_needs_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_LISTEN", "nowhere")
    ended = CliRunner().invoke(app, ["alerts", "unit-test", str(ROOT / "alerts.test.yaml")])
    assert (ended.exit_code, ended.stdout.endswith("42 expectations: all met.\n")) == (0, True)


def test_a_file_that_is_not_there_is_a_mistake_in_the_call(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["alerts", "unit-test", str(tmp_path / "none.yaml")])
    assert (ended.exit_code, "none.yaml:1:1: No such file or directory" in ended.stderr) == (2, True)


def test_a_test_that_is_longer_than_any_is_a_mistake() -> None:
    text = "tests:\n  - {name: t, interval: 1s, series: {discrepant_skus: 0}, expect: [{at: 30h, not: Differs}]}"
    assert mistakes(text) == ["t.yaml:2:73: this is too many intervals away; use at most 100000"]
    assert timedelta(hours=27) / timedelta(seconds=1) < 100_000
