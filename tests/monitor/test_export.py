"""Alerts as Prometheus rules: checked by the real promtool, which also judges what they mean on random numbers."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.alerts_file import load_alerts, parse
from monitor.alerts_model import AlertsFile
from monitor.conditions import Comparison, Op
from monitor.export import prometheus_rules
from monitor.facts import Backlog, Facts
from monitor.judging import show
from monitor.metrics import Build, Metrics
from monitor.notice import Severity
from monitor.promql import EXPRESSIONS, Inexpressible, expression, prometheus_duration
from monitor.rules import NoData, Phase, Rule, Sample, State, evaluate
from monitor.signals import SIGNALS, values
from monitor.units import Unit
from sync.order_records import OrderStanding, OrderState
from sync.records import Pause, PauseKind, RunOutcome, RunRecord
from sync.second_writer import Pattern, SecondWriter
from tests.fakes.history import CALM
from tests.monitor.test_signals import FACTS

SHIPPED = Path(__file__).resolve().parent.parent.parent / "alerts.yaml"
EPOCH = datetime.fromtimestamp(0, UTC)
MINUTES = 40
SERIES = {"quarantined_skus": "lightspeed_sync_quarantined_skus", "parked_skus": "lightspeed_sync_parked_skus"}
Numbers = Mapping[str, Sequence[int | None]]


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not on PATH (`make peers` fetches it)")
    return found


def run(promtool: str, folder: Path, command: str, *files: tuple[str, str]) -> str:
    """Let promtool judge the last of these files; return what it has to say, "" for nothing."""
    for name, text in files:
        (folder / name).write_text(text, encoding="utf-8")
    words = [promtool, *command.split(), str(folder / files[-1][0])]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def file_of(*alerts: str) -> AlertsFile:
    """Return alerts.yaml with these alerts, judged every minute."""
    named = [f"{{name: R{number}, severity: warning, {alert}}}" for number, alert in enumerate(alerts)]
    text = "\n  - ".join(["sync_interval: 1m\nalerts:", *named])
    return parse(f"{text}\nroutes: [{{severity: warning, to: [slack]}}]\n".encode())


# --- what it is made of ---


def test_every_signal_has_an_expression_over_metrics_that_there_are() -> None:
    there = {name for name, _, _ in Metrics(Build("", "")).catalogue()}
    used = {found for text in EXPRESSIONS.values() for found in re.findall(r"lightspeed_sync_\w+", text)}

    assert set(EXPRESSIONS) == set(SIGNALS)
    assert {name.removesuffix("_bucket").removesuffix("_count") for name in used} <= there


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(days=1, hours=2), "1d2h"),
        (timedelta(milliseconds=1500), "1s500ms"),
    ],
)
def test_durations_are_written_as_prometheus_reads_them(length: timedelta, text: str) -> None:
    assert prometheus_duration(length) == text


def test_a_rule_keeps_its_clocks_labels_and_words() -> None:
    text = prometheus_rules(
        file_of(
            "when: error_rate > 5%, over: 15m, min_events: 9, for: 5m, keep_firing_for: 90s, labels: {team: ops}, "
            "no_data: ok, runbook: 'https://wiki.example.com/x', summary: '{{ value }} {{ limit }} {{ labels.team }}'"
        )
    )
    failed, called = (f"sum(increase(lightspeed_sync_api_{what}_total[15m]))" for what in ("failures", "requests"))
    assert text.splitlines()[6:] == [
        "    rules:",
        "      - alert: R0",
        f'        expr: "((({failed} or vector(0)) / ({called} > 0)) and ({called} >= 9)) > 0.05"',
        "        for: 5m",
        "        keep_firing_for: 1m30s",
        "        labels:",
        '          team: "ops"',
        '          severity: "warning"',
        "        annotations:",
        '          summary: "{{ $value | humanizePercentage }} > 5% ops"',
        '          runbook_url: "https://wiki.example.com/x"',
    ]


def test_what_has_no_equal_stands_in_a_comment() -> None:
    text = prometheus_rules(file_of("when: parked_skus > 5, evaluations: 2 of 3, clear: 3"))
    assert text.splitlines()[6:] == [
        "    rules: []",
        "    # not expressible: R0: `evaluations` together with `for` or `clear` has no equal",
    ]


def test_a_signal_that_no_metric_tells_has_no_equal() -> None:
    rule = Rule("Moody", Comparison("mood", Op.ABOVE, 5, Unit.COUNT), Severity.INFO)
    with pytest.raises(Inexpressible, match="no metric tells mood"):
        expression(rule, timedelta(minutes=1))


@pytest.mark.parametrize(
    ("alert", "remark"),
    [
        ("when: error_rate > 5%", "without a number Prometheus ends this alert; here it keeps its state"),
        ("when: parked_skus > 5, no_data: nodata, for: 5m", "here `for` begins anew where the number goes missing"),
    ],
)
def test_what_differs_is_said(alert: str, remark: str) -> None:
    assert f"# R0: {remark}" in prometheus_rules(file_of(alert))


# --- promtool ---


@pytest.mark.peer
def test_promtool_accepts_the_shipped_alerts(promtool: str, tmp_path: Path) -> None:
    text = prometheus_rules(load_alerts(SHIPPED))
    assert run(promtool, tmp_path, "check rules", ("rules.yml", text)) == ""


@pytest.mark.peer
def test_promtool_accepts_every_signal_and_every_form(promtool: str, tmp_path: Path) -> None:
    limits = {"count": "5", "duration": "5m", "ratio": "5%"}
    plain = [f"when: {name} > {limits[signal.unit.value]}" for name, signal in SIGNALS.items()]
    forms = ["clear: 3", "over: 5m, take: avg", "evaluations: 3 of 5", "no_data: alert", "summary: '{{ odd {{ % }'"]
    text = prometheus_rules(file_of(*plain, *(f"when: parked_skus > 5, {form}" for form in forms[:-1])))
    assert run(promtool, tmp_path, "check rules", ("rules.yml", text)) == ""


def labelled(labels: Mapping[str, str]) -> str:
    """Write labels as Prometheus reads them."""
    return "{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in labels.items()) + "}"


def seen(now: datetime) -> Facts:
    """Return facts of which every signal without a window has a number of its own."""

    def ago(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    def ended(job: str, minutes: float) -> RunRecord:
        return RunRecord(1, job, ago(minutes), ago(minutes), RunOutcome.OK)

    vitals = replace(
        FACTS.vitals,
        signed_in_until={"lightspeed": now + timedelta(hours=3)},
        failing_since={"lightspeed": ago(4)},
        succeeded_at={"lightspeed": ago(5), "shopify": ago(1)},
        alerts_file_rejected=False,
    )
    counts = {OrderState.SEEN: 2, OrderState.UNKNOWN: 1, OrderState.PARKED: 4, OrderState.DEAD: 5, OrderState.POSTED: 9}
    return replace(
        FACTS,
        now=now,
        started_at=ago(55),
        stock=ended("stock", 12),
        full=ended("full", 30),
        proof=ended("full", 30),
        backup=ended("backup", 40),
        mapping=replace(ended("mapping", 50), numbers={"links": 200, "agreeing": 199}),
        writers=(SecondWriter(1, "KAVA-1", Pattern.RETURNS, 3, ago(9)),),
        standing=replace(FACTS.standing, held_skus=3),
        pauses=[Pause(PauseKind.WRITES, "stock-taking", ago(30)), Pause(PauseKind.ORDERS, "later", ago(5))],
        backlog=Backlog(2, 1, ago(11)),
        orders=replace(FACTS.orders, counts=counts, oldest=ago(20)),
        vitals=vitals,
    )


def bare(now: datetime) -> Facts:
    """Return facts of a shop where nothing ever happened."""
    calm = replace(seen(now), standing=CALM, stock=None, full=None, proof=None, pauses=[], backlog=Backlog())
    calm = replace(calm, backup=None, mapping=None, writers=())
    vitals = replace(calm.vitals, failing_since={}, failed_jobs={}, alerts_file_rejected=True)
    return replace(calm, orders=OrderStanding({}, None), vitals=vitals)


def _samples(value: float | None) -> list[dict[str, Any]]:
    """Return what promtool expects of an expression that comes to a value, or to nothing."""
    return [] if value is None else [{"labels": "{}", "value": value}]


@pytest.mark.peer
@pytest.mark.parametrize("known", [seen, bare], ids=["everything", "nothing yet"])
def test_each_expression_comes_to_the_signals_own_number(promtool: str, tmp_path: Path, known: Any) -> None:
    facts = known(EPOCH + timedelta(hours=1))
    metrics = Metrics(Build("", ""))
    show(metrics, facts)
    metrics.reloaded(facts.now, taken=not facts.vitals.alerts_file_rejected)
    for api, ratio in facts.vitals.quota.items():
        metrics.api_quota.labels(api).set(ratio)
    for job in facts.vitals.failed_jobs:
        metrics.job_failing.labels(job).set(1)
    series = [
        {"series": found.name + labelled(found.labels), "values": f"{found.value:.17g}+0x70"}
        for family in metrics.registry.collect()
        if family.name.startswith("lightspeed_sync")
        for found in family.samples
    ]
    told = {name: value for name, value in values(facts).items() if not SIGNALS[name].windowed}
    checks = [
        {"expr": EXPRESSIONS[name], "eval_time": "1h", "exp_samples": _samples(value)} for name, value in told.items()
    ]
    tests = {
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": checks}],
    }

    assert len(told) == 38
    assert run(promtool, tmp_path, "test rules", ("tests.json", json.dumps(tests))) == ""


@pytest.mark.peer
def test_windowed_expressions_tell_what_happened_within_the_window(promtool: str, tmp_path: Path) -> None:
    quiet_then = "0x45 "  # three quarters of an hour without anything
    series = {
        'lightspeed_sync_api_requests_total{api="shopify", operation="a"}': quiet_then + "0+10x15",
        'lightspeed_sync_api_requests_total{api="lightspeed", operation="b"}': quiet_then + "0+10x15",
        'lightspeed_sync_api_failures_total{api="shopify", operation="a", code="SH004"}': quiet_then + "0+1x15",
        'lightspeed_sync_scheduler_runs_missed_total{job="stock"}': quiet_then + "0+2x15",
        'lightspeed_sync_reservations_total{outcome="cart_units"}': quiet_then + "0+3x15",
        'lightspeed_sync_reservations_total{outcome="too_many_requests"}': quiet_then + "0+1x15",
        'lightspeed_sync_reservations_total{outcome="not_enough"}': quiet_then + "0+9x15",
        'lightspeed_sync_propagation_seconds_bucket{le="60.0"}': quiet_then + "0+90x15",
        'lightspeed_sync_propagation_seconds_bucket{le="120.0"}': quiet_then + "0+100x15",
        'lightspeed_sync_propagation_seconds_bucket{le="+Inf"}': quiet_then + "0+100x15",
    }
    told = {
        "error_rate": 0.05,
        "shopify_error_rate": 0.1,
        "lightspeed_error_rate": 0.0,
        "missed_runs": 30.0,
        "refused_holds": 60.0,
        "propagation": 90.0,
    }
    checks = [
        {
            "expr": EXPRESSIONS[name].replace("WINDOW", "15m"),
            "eval_time": "61m",
            "exp_samples": [{"labels": "{}", "value": value}],
        }
        for name, value in told.items()
    ]
    given = [{"series": name, "values": text} for name, text in series.items()]
    tests = {
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": given, "promql_expr_test": checks}],
    }

    assert {name for name, signal in SIGNALS.items() if signal.windowed} == set(told)
    assert run(promtool, tmp_path, "test rules", ("tests.json", json.dumps(tests))) == ""


# --- the same meaning, on random numbers ---


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an alert says at each minute: the value it tells while it fires, None while it does not."""

    rule: Rule
    at: Sequence[float | None]
    fires: Sequence[bool]


def judged(rule: Rule, numbers: Numbers) -> Outcome:
    """Judge a rule once a minute."""
    state, told, fires = State(), list[float | None](), list[bool]()
    past: dict[str, list[tuple[datetime, float | None]]] = {name: [] for name in numbers}
    for minute in range(MINUTES):
        now = EPOCH + timedelta(minutes=minute)
        samples = {name: Sample(series[minute]) for name, series in numbers.items()}
        state = evaluate(rule, samples, state, now, past).after
        fires.append(state.phase is Phase.FIRING)
        told.append(state.value)
        for name, sample in samples.items():
            past[name].append((now, sample.value))
    return Outcome(rule, told, fires)


def random_alert(rng: random.Random) -> str:
    """Return an alert of any form that has an equal."""
    op, low = rng.choice((">", ">=", "<", "<=", "==", "!=")), rng.randint(1, 5)
    when = f"quarantined_skus {op} {low}"
    form = rng.choice(("plain", "clear", "take", "evaluations", "and", "or", "no_data"))
    clocks = [f"for: {rng.randint(0, 4)}m", f"keep_firing_for: {rng.randint(0, 4)}m"]
    extra = [*clocks, "summary: '{{ value }}'"]
    match form:
        case "clear":
            op = rng.choice((">", ">=", "<", "<="))
            when = f"quarantined_skus {op} {low}"
            extra.append(f"clear: {low - rng.randint(1, 2) if op.startswith('>') else low + rng.randint(1, 2)}")
        case "take":
            when = f"quarantined_skus {rng.choice('<>')} {low}.3"
            extra = [*clocks, f"over: {rng.randint(1, 5)}m, take: {rng.choice(('max', 'min', 'avg', 'last'))}"]
        case "evaluations":
            among = rng.randint(1, 5)
            extra = [f"evaluations: {rng.randint(1, among)} of {among}"]
        case "and" | "or":
            when += f" {form} parked_skus {rng.choice('<>')} {rng.randint(1, 5)}"
        case "no_data":
            extra = [rng.choice((*[f"{clocks[0]}, no_data: {word}" for word in ("ok", "alert")], "no_data: nodata"))]
    constant = [] if "summary: '{{ value }}'" in extra else ["summary: it fires"]
    return ", ".join([f"when: '{when}'", *extra, *constant])


def random_numbers(rng: random.Random, *, gaps: bool) -> Numbers:
    """Return series that linger around the limits; with gaps: where there is no number for a while."""

    def series() -> list[int | None]:
        value, found = rng.randint(0, 6), list[int | None]()
        while len(found) < MINUTES:
            value = min(6, max(0, value + rng.choice((-2, -1, 0, 0, 1, 2))))
            missing = gaps and rng.random() < 0.2
            found += [None if missing else value] * rng.randint(1, 4)
        return found[:MINUTES]

    return {name: series() for name in SERIES}


def case_of(numbers: Numbers, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the series and what every alert says at every minute, as promtool reads them."""
    return {
        "interval": "1m",
        "input_series": [
            {"series": SERIES[name], "values": " ".join("stale" if each is None else str(each) for each in series)}
            for name, series in numbers.items()
        ],
        "alert_rule_test": [
            {
                "eval_time": f"{minute}m",
                "alertname": outcome.rule.name,
                "exp_alerts": [
                    {"exp_labels": {"severity": "warning"}, "exp_annotations": {"summary": told(outcome, minute)}}
                ]
                * outcome.fires[minute],
            }
            for outcome in outcomes
            for minute in range(MINUTES)
        ],
    }


def told(outcome: Outcome, minute: int) -> str:
    """Return the summary: the value where the rule tells that."""
    value = outcome.at[minute]
    return outcome.rule.summary.replace("{{ value }}", f"{value:.0f}" if value is not None else "")


@pytest.mark.peer
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "with gaps"])
def test_prometheus_says_of_random_numbers_what_the_rules_say(
    promtool: str, tmp_path: Path, seed: int, gaps: bool
) -> None:
    rng = random.Random(seed)
    content = file_of(*(random_alert(rng) for _ in range(50)))
    rules = [rule for rule in content.rules() if not gaps or rule.no_data is not NoData.KEEP]
    cases = [random_numbers(rng, gaps=gaps) for _ in range(4)]
    outcomes = [[judged(rule, numbers) for rule in rules] for numbers in cases]
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [case_of(*case) for case in zip(cases, outcomes, strict=True)],
    }
    files = ("rules.yml", prometheus_rules(content)), ("tests.json", json.dumps(tests))

    assert any(any(each.fires) and not all(each.fires) for case in outcomes for each in case)
    assert run(promtool, tmp_path, "test rules", *files) == ""
