"""alerts.yaml: what it means, and the one that is shipped."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from monitor.alerts_file import AlertsFileError, load_alerts, parse, unreachable
from monitor.conditions import Comparison, Op
from monitor.notice import Severity
from sync.catalogue.policy import CataloguePolicy, CategoriesAs, FieldPolicy
from sync.errors import Code

ROOT = Path(__file__).resolve().parent.parent.parent


def mistakes(text: str | bytes) -> list[str]:
    with pytest.raises(AlertsFileError) as caught:
        parse(text.encode() if isinstance(text, str) else text, "a.yaml")
    assert caught.value.code is Code.CF004
    return [str(mistake) for mistake in caught.value.mistakes]


def alert(lines: str) -> str:
    return (
        f"alerts:\n  - name: A\n    severity: warning\n    {lines}\nroutes:\n  - severity: warning\n    to: [slack]\n"
    )


def test_what_may_be_carried_to_shopify_is_the_files_to_say() -> None:
    content = parse(b"catalogue: {title: copy, categories_as: collections}")
    assert content.catalogue.policy() == CataloguePolicy(title=FieldPolicy.COPY, categories_as=CategoriesAs.COLLECTIONS)


# --- the file that is shipped ---


def test_the_shipped_file_holds_the_runbooks_numbers() -> None:
    content = load_alerts(ROOT / "alerts.yaml")
    limits = {
        rule.name: (rule.condition.op, rule.condition.limit, rule.severity)
        for rule in content.rules()
        if isinstance(rule.condition, Comparison)
    }

    assert limits["InventoryDiscrepancy"] == (Op.ABOVE, 5.0, Severity.WARNING)
    assert limits["SyncLatencyHigh"] == (Op.ABOVE, 600.0, Severity.CRITICAL)
    assert limits["SyncErrorRateHigh"] == (Op.ABOVE, 0.05, Severity.WARNING)
    assert limits["ManualReconciliation"] == (Op.ABOVE, 0.0, Severity.WARNING)
    assert limits["OversellRisk"] == (Op.ABOVE, 10.0, Severity.CRITICAL)
    assert limits["OrdersNotBooked"] == (Op.ABOVE, 900.0, Severity.CRITICAL)
    assert limits["OrdersParked"] == (Op.ABOVE, 0.0, Severity.WARNING)
    assert limits["OrdersDead"] == (Op.ABOVE, 0.0, Severity.WARNING)
    assert limits["DuplicateSale"] == (Op.ABOVE, 0.0, Severity.CRITICAL)
    assert limits["StockUnsettled"] == (Op.ABOVE, 0.0, Severity.WARNING)
    assert limits["EqualityProofOld"] == (Op.ABOVE, 93_600.0, Severity.WARNING)
    assert limits["DiskAlmostFull"] == (Op.BELOW, 0.10, Severity.WARNING)
    assert content.catalogue.policy() == CataloguePolicy(), "what it says of products is what counts without it"
    assert (content.sync_interval, content.check_interval) == (timedelta(seconds=60), timedelta(minutes=5))
    assert {alert.severity: content.channels_for(alert) for alert in content.alerts} == {
        Severity.CRITICAL: ("slack", "email", "sms"),
        Severity.WARNING: ("slack", "email"),
    }


def test_the_shipped_file_calls_operations_then_it_support_then_the_store_manager() -> None:
    content = load_alerts(ROOT / "alerts.yaml")
    alert = content.alert("SyncLatencyHigh")
    assert alert is not None

    assert [(step.after, step.to) for step in content.steps_for(alert)] == [
        (timedelta(minutes=15), ("it-support",)),
        (timedelta(minutes=45), ("store-manager",)),
    ]
    assert alert.depends_on == ("LightspeedDown", "ShopifyDown")


def test_the_shipped_files_example_is_right_where_the_hashes_are_taken_away() -> None:
    text = (ROOT / "alerts.yaml").read_text()
    there = text.index("# maintenance:")
    example, rest = text[there:].split("\n\n", 1)
    text = text[:there] + "\n".join(line[2:] for line in example.split("\n")) + "\n\n" + rest
    content = parse(text.encode())

    assert list(content.business_hours) == ["shop"]
    assert [window.name for window in content.maintenance] == ["stock-take"]


def test_the_shipped_files_error_rate_counts_a_quarter_of_an_hour_and_five_calls() -> None:
    rule = next(rule for rule in load_alerts(ROOT / "alerts.yaml").rules() if rule.name == "SyncErrorRateHigh")

    assert (rule.over, rule.min_events) == (timedelta(minutes=15), 5)


def test_an_empty_file_is_all_defaults() -> None:
    content = parse(b"")

    assert (content.sync_interval, content.full_pass_at, content.rules()) == (timedelta(seconds=60), time(9, 0), ())
    assert content.limits.stock.brakes.zero == 0.10
    assert set(content.channels) == {"slack", "email", "sms"}


def test_a_rate_without_a_window_counts_a_quarter_of_an_hour() -> None:
    (rule,) = parse(alert("when: error_rate > 5%").encode()).rules()

    assert (rule.over, rule.min_events) == (timedelta(minutes=15), 5)


def test_channels_that_cannot_be_used_are_named() -> None:
    content = load_alerts(ROOT / "alerts.yaml")

    assert list(unreachable(content, frozenset({"slack"}))) == [
        "email: its credentials are not set in the environment, so nothing is sent there",
        "it-support: its credentials are not set in the environment, so nothing is sent there",
        "sms: no telephone number stands under channels.sms.to, so nobody gets text messages",
        "store-manager: its credentials are not set in the environment, so nothing is sent there",
    ]


def test_a_channel_without_addresses_is_valid_and_named() -> None:
    content = parse(b"routes: [{to: boss}]\nchannels: {boss: {type: email, to: []}}")

    assert list(unreachable(content, {"boss": ()})) == [
        "boss: no address stands under channels.boss.to, so nobody gets its mail"
    ]


# --- times ---


def test_maintenance_is_open_between_two_moments_or_at_weekly_times() -> None:
    text = """
maintenance:
  - name: stock-take
    zone: America/New_York
    times: ["sun 22:00-02:00"]
    author: Anna
    reason: counting
  - {name: move, zone: America/New_York, from: "2026-12-24 22:00", until: "2026-12-25 04:00", author: A, reason: r}
"""
    weekly, once = parse(text.encode()).maintenance
    monday, christmas = datetime(2026, 11, 30, 6, tzinfo=UTC), datetime(2026, 12, 25, 4, tzinfo=UTC)

    assert [weekly.open_at(monday), weekly.open_at(christmas)] == [True, False]
    assert [once.open_at(monday), once.open_at(christmas)] == [False, True]
    assert weekly.ends_after(monday) == monday + timedelta(hours=1)
    assert once.ends_after(monday) == datetime(2026, 12, 25, 9, tzinfo=UTC)
    assert once.ends_after(datetime(2026, 12, 25, 9, tzinfo=UTC)) is None


def test_an_alert_is_told_within_hours_or_outside_of_them() -> None:
    text = """
alerts:
  - {name: A, when: parked_orders > 3, severity: info, business_hours: shop}
  - {name: B, when: parked_orders > 3, severity: info, business_hours: outside shop}
  - {name: C, when: parked_orders > 3, severity: info}
business_hours:
  shop: {zone: America/New_York, open: ["mon-fri 09:00-20:00"]}
routes: [{to: email}]
"""
    content = parse(text.encode())
    found = [content.hours_for(alert) for alert in content.alerts]
    noon = datetime(2026, 11, 24, 17, tzinfo=UTC)

    assert [hours and hours.open_at(noon) for hours in found] == [True, False, None]


# --- ways ---


def test_the_first_route_that_fits_is_the_one() -> None:
    text = """
repeat_interval: 4h
alerts:
  - {name: A, when: parked_orders > 3, severity: critical, labels: {team: ops}}
  - {name: B, when: parked_orders > 3, severity: critical}
  - {name: C, when: parked_orders > 3, severity: info}
  - {name: D, when: parked_orders > 3, severity: info, to: email}
routes:
  - {labels: {team: ops}, to: hook, repeat_interval: 1h}
  - {severity: critical, alerts: [B], to: [slack, sms], escalate: [{after: 15m, to: boss}]}
  - {to: [slack]}
channels:
  slack:
  email:
  sms:
  boss: {type: email, to: [boss@example.com]}
  hook: {type: webhook, url: "https://hook.example.com/", token_from: HOOK_TOKEN}
"""
    content = parse(text.encode())

    assert {alert.name: content.channels_for(alert) for alert in content.alerts} == {
        "A": ("hook",),
        "B": ("slack", "sms"),
        "C": ("slack",),
        "D": ("email",),
    }
    assert [content.repeat_for(alert) for alert in content.alerts[:2]] == [timedelta(hours=1), timedelta(hours=4)]
    assert [[step.to for step in content.steps_for(alert)] for alert in content.alerts] == [[], [("boss",)], [], []]
    assert content.told() == {"hook", "slack", "sms", "boss", "email"}
