"""What Prometheus sees, judged by the real promtool where there is one."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest

from monitor.facts import Backlog, Facts
from monitor.metrics import Build, Metrics
from monitor.notice import FailureReason, Severity
from monitor.vitals import Disk, Vitals
from sync.errors import Code
from sync.events import (
    ApiAttempt,
    ApiEvents,
    DocumentPosted,
    EqualityProved,
    Event,
    Events,
    PauseChanged,
    Propagated,
    QuotaSeen,
    RunFinished,
    RunStarted,
    StockWritten,
)
from sync.order_records import OrderStanding, OrderState
from sync.pacing import Bucket
from sync.records import Pause, PauseKind, RunOutcome, Standing, WriteOutcome

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
STANDING = Standing(
    links=500,
    oversell_skus=3,
    oversell_units=7,
    undersell_skus=2,
    undersell_units=4,
    quarantined_skus=1,
    parked_skus=6,
    unanswered_writes=8,
    uningested_skus=9,
    unsettled_skus=5,
    oversell_cents=12_345,
    uninstalled_at=NOW,
)
FACTS = Facts(
    now=NOW,
    started_at=NOW,
    standing=STANDING,
    stock=None,
    full=None,
    proof=None,
    calls=[],
    pauses=[],
    backlog=Backlog(),
    orders=OrderStanding({}, None),
    books=True,
    vitals=Vitals(
        clocks={"shopify": -2.5},
        signed_in_until={"lightspeed": NOW},
        succeeded_at={"lightspeed": NOW},
        failing_since={"shopify": NOW},
        disk=Disk(free=30, size=120),
    ),
)
ORDERS = OrderStanding({OrderState.SEEN: 2, OrderState.POSTED: 900}, oldest=NOW, duplicates=1, waiting=("#1001",))
DASHBOARDS = {
    "lightspeed_sync_runs_total": ("job",),
    "lightspeed_sync_run_failures_total": ("job",),
    "lightspeed_sync_run_duration_seconds": ("job",),
    "lightspeed_sync_last_success_timestamp_seconds": ("job",),
    "lightspeed_sync_last_equality_proof_timestamp_seconds": (),
    "lightspeed_sync_discrepant_skus": ("direction",),
    "lightspeed_sync_discrepancy_units": ("direction",),
    "lightspeed_sync_quarantined_skus": (),
    "lightspeed_sync_propagation_seconds": (),
    "lightspeed_sync_stock_writes_total": ("outcome",),
    "lightspeed_sync_api_requests_total": ("api", "operation"),
    "lightspeed_sync_api_failures_total": ("api", "code", "operation"),
    "lightspeed_sync_api_request_duration_seconds": ("api", "operation"),
    "lightspeed_sync_api_quota_used_ratio": ("api",),
    "lightspeed_sync_orders": ("state",),
    "lightspeed_sync_oldest_unposted_order_timestamp_seconds": (),
    "lightspeed_sync_duplicate_sales": (),
    "lightspeed_sync_order_booking_seconds": (),
    "lightspeed_sync_unsettled_skus": (),
    "lightspeed_sync_reservations_active": (),
    "lightspeed_sync_money_at_risk": (),
    "lightspeed_sync_app_uninstalled": (),
    "lightspeed_sync_paused_since_timestamp_seconds": ("kind",),
    "lightspeed_sync_api_failing_since_timestamp_seconds": ("api",),
    "lightspeed_sync_api_last_success_timestamp_seconds": ("api",),
    "lightspeed_sync_server_clock_ahead_seconds": ("api",),
    "lightspeed_sync_sign_in_expiry_timestamp_seconds": ("api",),
    "lightspeed_sync_state_disk_free_bytes": (),
    "lightspeed_sync_state_disk_size_bytes": (),
    "lightspeed_sync_notification_latency_seconds": ("channel",),
    "lightspeed_sync_alerts_file_last_reload_successful": (),
    "lightspeed_sync_alerts_file_last_reload_success_timestamp_seconds": (),
    "lightspeed_sync_alerts": ("severity", "state"),
    "lightspeed_sync_notifications_total": ("channel",),
    "lightspeed_sync_notification_failures_total": ("channel", "reason"),
    "lightspeed_sync_notification_outbox_depth": (),
    "lightspeed_sync_build_info": ("python", "shopify_api_version", "version"),
}
EVERYTHING: list[Event] = [
    RunStarted(1, "stock", NOW),
    RunFinished(1, "stock", NOW, RunOutcome.OK, 4.0),
    RunFinished(2, "full", NOW, RunOutcome.FAILED, 40.0, Code.LS001),
    StockWritten(WriteOutcome.APPLIED, 3, 12),
    StockWritten(WriteOutcome.FOUND_NOT_APPLIED, 1, 5),
    Propagated(42.0),
    EqualityProved(NOW),
    ApiAttempt("lightspeed", "ItemShop", 0.2),
    ApiAttempt("shopify", "levels", 1.0, "SH001"),
    QuotaSeen("shopify", 0.25),
    PauseChanged(PauseKind.WRITES, "stock-taking"),
    DocumentPosted(2, 1_999, 61.5),
]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(Build("0.1.0", "2026-10"))


def busy(metrics: Metrics) -> Metrics:
    for event in EVERYTHING:
        Events(metrics)(event)
    metrics.stand(STANDING)
    metrics.count_orders(ORDERS)
    metrics.pause([Pause(PauseKind.WRITES, "stock-taking", NOW)])
    metrics.vitals.show(FACTS)
    metrics.backlog(1, 0, NOW)
    metrics.delivered("slack", 1.5)
    metrics.reloaded(NOW, taken=True)
    metrics.due("stock", 2, 1)
    metrics.begun("stock")
    metrics.sent("slack")
    metrics.failed("slack", FailureReason.THROTTLED)
    metrics.suppressed.labels("not_yet").inc()
    metrics.count_alerts({(Severity.CRITICAL, "firing"): 1})
    return metrics


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"lightspeed_sync_{name}", labels)


def test_dashboards_find_every_name_with_its_labels(metrics: Metrics) -> None:
    seen: dict[str, set[tuple[str, ...]]] = {}
    for family in busy(metrics).registry.collect():
        for found in family.samples:
            labels = tuple(sorted(name for name in found.labels if name != "le"))
            for suffix in ("", "_bucket", "_count", "_sum"):
                seen.setdefault(found.name.removesuffix(suffix), set()).add(labels)

    assert {name: {labels} for name, labels in DASHBOARDS.items()} == {name: seen.get(name) for name in DASHBOARDS}


def test_no_order_waiting_has_no_moment_and_every_state_has_its_zero(metrics: Metrics) -> None:
    busy(metrics).count_orders(OrderStanding({}, None))
    counts = {state.value: sample(metrics, "orders", state=state.value) for state in OrderState}
    assert set(counts.values()) == {0.0}
    assert sample(metrics, "oldest_unposted_order_timestamp_seconds") is None


def test_no_order_number_is_ever_exposed(metrics: Metrics) -> None:
    assert "1001" not in generate_latest(busy(metrics).registry).decode()


def test_every_name_is_announced_before_anything_happened(metrics: Metrics) -> None:
    text = generate_latest(metrics.registry).decode()

    assert [name for name in DASHBOARDS if f"# TYPE {name} " not in text] == []


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("runs_total", {"job": "stock"}, 1.0),
        ("run_failures_total", {"job": "stock"}, 0.0),
        ("run_failures_total", {"job": "full"}, 1.0),
        ("running", {"job": "stock"}, 0.0),
        ("last_success_timestamp_seconds", {"job": "stock"}, 1795514400.0),
        ("last_success_timestamp_seconds", {"job": "full"}, None),
        ("last_completion_timestamp_seconds", {"job": "full"}, 1795514400.0),
        ("last_equality_proof_timestamp_seconds", {}, 1795514400.0),
        ("stock_writes_total", {"outcome": "applied"}, 3.0),
        ("stock_writes_total", {"outcome": "found_not_applied"}, 1.0),
        ("stock_written_units_total", {}, 12.0),
        ("propagation_seconds_bucket", {"le": "30.0"}, 0.0),
        ("propagation_seconds_bucket", {"le": "60.0"}, 1.0),
        ("api_requests_total", {"api": "lightspeed", "operation": "ItemShop"}, 1.0),
        ("api_failures_total", {"api": "shopify", "operation": "levels", "code": "SH001"}, 1.0),
        ("api_quota_used_ratio", {"api": "shopify"}, 0.25),
        ("paused", {"kind": "writes"}, 1.0),
        ("paused", {"kind": "orders"}, 0.0),
        ("orders", {"state": "seen"}, 2.0),
        ("orders", {"state": "posted"}, 900.0),
        ("orders", {"state": "dead"}, 0.0),
        ("oldest_unposted_order_timestamp_seconds", {}, 1795514400.0),
        ("duplicate_sales", {}, 1.0),
        ("unsettled_skus", {}, 5.0),
        ("order_booking_seconds_bucket", {"le": "60.0"}, 0.0),
        ("order_booking_seconds_bucket", {"le": "90.0"}, 1.0),
        ("money_at_risk", {}, 123.45),
        ("app_uninstalled", {}, 1.0),
        ("paused_since_timestamp_seconds", {"kind": "writes"}, 1795514400.0),
        ("paused_since_timestamp_seconds", {"kind": "orders"}, None),
        ("api_failing_since_timestamp_seconds", {"api": "shopify"}, 1795514400.0),
        ("api_failing_since_timestamp_seconds", {"api": "lightspeed"}, None),
        ("api_last_success_timestamp_seconds", {"api": "lightspeed"}, 1795514400.0),
        ("server_clock_ahead_seconds", {"api": "shopify"}, -2.5),
        ("sign_in_expiry_timestamp_seconds", {"api": "lightspeed"}, 1795514400.0),
        ("state_disk_free_bytes", {}, 30.0),
        ("state_disk_size_bytes", {}, 120.0),
        ("notification_latency_seconds_bucket", {"channel": "slack", "le": "1.0"}, 0.0),
        ("notification_latency_seconds_bucket", {"channel": "slack", "le": "2.0"}, 1.0),
        ("alerts_file_last_reload_successful", {}, 1.0),
        ("discrepant_skus", {"direction": "oversell"}, 3.0),
        ("discrepancy_units", {"direction": "undersell"}, 4.0),
        ("quarantined_skus", {}, 1.0),
        ("parked_skus", {}, 6.0),
        ("unanswered_writes", {}, 8.0),
        ("uningested_skus", {}, 9.0),
        ("scheduler_runs_expected_total", {"job": "stock"}, 2.0),
        ("scheduler_runs_missed_total", {"job": "stock"}, 1.0),
        ("alerts", {"severity": "critical", "state": "firing"}, 1.0),
        ("alerts", {"severity": "warning", "state": "firing"}, 0.0),
    ],
)
def test_what_happened_is_counted(metrics: Metrics, name: str, labels: dict[str, str], value: float | None) -> None:
    assert sample(busy(metrics), name, **labels) == value


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("runs_total", {"job": "stock"}),
        ("discrepant_skus", {"direction": "oversell"}),
        ("stock_writes_total", {"outcome": "unanswered"}),
        ("notification_failures_total", {"channel": "slack", "reason": "throttled"}),
        ("alerts", {"severity": "critical", "state": "firing"}),
        ("notification_outbox_depth", {}),
    ],
)
def test_a_known_series_starts_at_zero(metrics: Metrics, name: str, labels: dict[str, str]) -> None:
    assert sample(metrics, name, **labels) == 0.0


def test_a_job_that_keeps_no_runs_has_no_series_of_runs(metrics: Metrics) -> None:
    metrics.begun("rules")
    assert sample(metrics, "scheduler_runs_actual_total", job="rules") == 1.0
    assert sample(metrics, "runs_total", job="rules") is None


def test_a_brake_is_neither_a_failure_nor_a_success(metrics: Metrics) -> None:
    metrics(RunFinished(1, "stock", NOW, RunOutcome.BRAKED, 1.0, Code.BR001))

    assert sample(metrics, "run_brakes_total", job="stock") == 1.0
    assert sample(metrics, "run_failures_total", job="stock") == 0.0
    assert sample(metrics, "last_success_timestamp_seconds", job="stock") is None


def test_a_rule_of_ten_minutes_finds_a_bucket_at_its_limit(metrics: Metrics) -> None:
    metrics(Propagated(600.0))

    assert sample(metrics, "propagation_seconds_bucket", le="600.0") == 1.0
    assert sample(metrics, "propagation_seconds_bucket", le="300.0") == 0.0


def test_moments_of_creation_are_not_exposed(metrics: Metrics) -> None:
    assert "_created" not in generate_latest(busy(metrics).registry).decode()


def test_the_clients_meter_becomes_events() -> None:
    heard: list[Event] = []
    meter = ApiEvents(Events(heard.append))

    meter.attempt("shopify", "orders", 0.5, "SH004")
    meter.quota("shopify", 0.5, Bucket(2000, 100))

    assert heard == [ApiAttempt("shopify", "orders", 0.5, "SH004"), QuotaSeen("shopify", 0.5, Bucket(2000, 100))]


@pytest.mark.peer
@pytest.mark.parametrize("started", [False, True], ids=["just started", "busy"])
def test_promtool_has_nothing_to_say(metrics: Metrics, started: bool) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not on PATH (`make peers` fetches it)")
    exposed = generate_latest((busy(metrics) if started else metrics).registry)

    done = subprocess.run([promtool, "check", "metrics"], input=exposed, capture_output=True, check=False, timeout=30)

    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, "", "")
