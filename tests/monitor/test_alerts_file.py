"""alerts.yaml: what it means, and each mistake with its place and what would be right."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from monitor.alerts_file import AlertsFileError, load_alerts, parse, unreachable
from monitor.conditions import Comparison, Op
from monitor.notice import Severity
from monitor.units import Unfit, Unit, duration, share, written
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


# --- mistakes ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "sync_interval: 60",
            "a.yaml:1:16: 60 has no unit; write 60s for seconds, 60m for minutes",
            id="no unit",
        ),
        pytest.param("sync_interval: 0s", "a.yaml:1:16: '0s' is too short; one second, 1s, is the shortest", id="0s"),
        pytest.param(
            "sync_interval: 5x", "a.yaml:1:16: 'x' is not a unit of time; use s, m, h, d or w, as in 1h30m", id="unit"
        ),
        pytest.param(
            "sync_interval: 1m1h",
            "a.yaml:1:16: '1m1h' names its units out of order; write the largest first, each once: 1h30m",
            id="order of units",
        ),
        pytest.param(
            "chek_interval: 5m",
            "a.yaml:1:1: there is no setting 'chek_interval' here; did you mean check_interval?",
            id="unknown key",
        ),
        pytest.param(
            "limits:\n  stock:\n    order_lagg: 5m",
            "a.yaml:3:5: there is no setting 'order_lagg' here; did you mean order_lag?",
            id="unknown key deep inside",
        ),
        pytest.param(
            "channels:\n  slack: {chanel: x}",
            "a.yaml:2:11: there is no setting 'chanel' here; did you mean channel?",
            id="unknown key of an optional part",
        ),
        pytest.param(
            "limits: {stock: {drift_limit: '3'}}",
            "a.yaml:1:31: '3' is not a whole number; write it without quotes and without a unit, like 10",
            id="quoted number",
        ),
        pytest.param(
            "limits: {stock: {drift_limit: -1}}",
            "a.yaml:1:31: '-1' is too small; use 0 or more",
            id="negative",
        ),
        pytest.param(
            "limits: {stock: {brakes: {zero: 0.1}}}",
            "a.yaml:1:33: '0.1' is not a percentage; write it like 10%",
            id="fraction in place of a percentage",
        ),
        pytest.param(
            "limits: {stock: {brakes: {zero: 101%}}}",
            "a.yaml:1:33: '101%' is more than everything; write a percentage from 0% to 100%",
            id="more than all",
        ),
        pytest.param(
            'full_pass_at: "25:00"',
            "a.yaml:1:15: '25:00' is not a time of day; write hours and minutes in UTC, with quotes: \"09:00\"",
            id="time of day",
        ),
        pytest.param(
            "sync_interval: 1s\nsync_interval: 2s",
            "a.yaml:2:1: 'sync_interval' stands here twice; keep one of them",
            id="duplicate key",
        ),
        pytest.param(
            "channels: {email: {to: [nobody]}}",
            "a.yaml:1:25: 'nobody' is not a mail address; write it like ops@wtfswag.com",
            id="mail address",
        ),
        pytest.param(
            'channels: {email: {to: ["a@b.c\\r\\nBcc: x@y.z"]}}',
            "a.yaml:1:25: 'a@b.c\\r\\nBcc: x@y.z' is not a mail address; write it like ops@wtfswag.com",
            id="header in a mail address",
        ),
        pytest.param(
            "channels: {sms: {to: [15551234567]}}",
            "a.yaml:1:23: '15551234567' is not a telephone number; write it like \"+15551234567\", with quotes",
            id="telephone number",
        ),
        pytest.param("alerts: 5", "a.yaml:1:9: alerts is not a list; begin each entry with a dash", id="not a list"),
        pytest.param(
            "- 1",
            "a.yaml:1:1: the file is not a list of settings; begin with lines like `sync_interval: 60s`",
            id="a list in place of settings",
        ),
        pytest.param(
            "a: [1,\nb: 2",
            "a.yaml:1:4: what is opened here is not closed by ], or lacks a comma; close it with ]",
            id="broken YAML",
        ),
        pytest.param(
            "check_interval: 1m\nx: \x07", "a.yaml:2:4: the character '\\x07' is not taken; remove it", id="control"
        ),
        pytest.param(
            b"check_interval: 1m\n\xff", "a.yaml:2:1: this is not UTF-8; save the file as UTF-8", id="not UTF-8"
        ),
        pytest.param(
            "x: 1\n---\ny: 2",
            "a.yaml:2:1: a second document begins here; keep everything in one; remove the ---",
            id="two documents",
        ),
        pytest.param(
            "[" * 40, "a.yaml:1:13: this is nested too deeply; see docs/alerts.md for the file's shape", id="deep"
        ),
        pytest.param(
            b"#" * 262_145,
            "a.yaml:1:1: the file is larger than 256 KiB; this is not an alerts file, or most of it is not needed",
            id="large",
        ),
        pytest.param(
            alert("when: eror_rate > 5%"),
            "a.yaml:4:11: there is no signal 'eror_rate'; did you mean error_rate?",
            id="unknown signal",
        ),
        pytest.param(
            alert("when: sync_latency > 10"),
            "a.yaml:4:26: sync_latency is measured as a duration, but 10 has no unit; "
            "write 10s for seconds, 10m for minutes",
            id="unit of a duration",
        ),
        pytest.param(
            alert("when: error_rate > 5"),
            "a.yaml:4:24: error_rate is measured as a ratio, but '5' is not a percentage; write it like 5%",
            id="unit of a rate",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5m"),
            "a.yaml:4:29: discrepant_skus is measured as a count, but '5m' is not a plain number; "
            "write it without a unit, like 5",
            id="unit of a count",
        ),
        pytest.param(
            alert("when: discrepant_skus"),
            "a.yaml:4:11: 'discrepant_skus' is not a condition; write SIGNAL OPERATOR NUMBER, like discrepant_skus > 5",
            id="half a condition",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5\n    over: 5m"),
            "a.yaml:5:5: discrepant_skus is a number of this moment and has no window; "
            "add `take: max`, use `for`, or remove `over`",
            id="a window without a rate",
        ),
        pytest.param(
            alert("when: sync_latency > 5m\n    min_events: 5"),
            "a.yaml:5:5: sync_latency is no rate, so it counts no events; remove `min_events`",
            id="events without a rate",
        ),
        pytest.param(
            alert('when: discrepant_skus > 5\n    summary: "{{ valu }} differ"'),
            "a.yaml:5:14: there is no 'valu' to be filled in; did you mean value?",
            id="unknown placeholder",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5").replace("to: [slack]", "to: [slack, sms]"),
            "a.yaml:7:17: text messages are for critical alerts only; remove sms from this route",
            id="text messages for a warning",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5") + "channels: {email: {}}",
            "a.yaml:7:10: slack has no settings under `channels`; add `slack:` there, or remove it here",
            id="unreachable channel",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5").replace("severity: warning\n    when", "severity: info\n    when"),
            "a.yaml:3:15: nobody would be told: no route fits A; add one under `routes`, or change the severity",
            id="no route",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5").replace("severity: warning\n    when", "when"),
            "a.yaml:2:5: severity is missing; add `severity:` with critical, warning or info",
            id="missing key",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(text: str | bytes, said: str) -> None:
    assert mistakes(text) == [said]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a: &x 1\nb: *x\n", ["1:4", "2:4"]),
        ("sync_interval: &x 1m\n", ["1:16"]),
    ],
    ids=["alias", "anchor"],
)
def test_anchors_and_aliases_are_refused_where_they_stand(text: str, places: list[str]) -> None:
    assert mistakes(text) == [
        f"a.yaml:{place}: anchors and aliases are not taken; write the value out" for place in places
    ]


def test_a_tag_is_refused_and_builds_nothing() -> None:
    assert mistakes("sync_interval: !!python/name:os.system 1m") == [
        "a.yaml:1:16: the tag 'tag:yaml.org,2002:python/name:os.system' is not taken; write a plain value",
        "a.yaml:1:16: 'None' is not a duration; write it like 60s, 5m or 1h30m",
    ]


def test_all_mistakes_come_at_once_in_the_order_of_the_file() -> None:
    text = """\
sync_interval: 60
alerts:
  - name: X y
    when: eror_rate > 5%
    severity: warn
  - name: B
    when: discrepant_skus > 5
    severity: critical
    over: 5m
  - name: B
    when: error_rate > 5
    severity: critical
routes:
  - severity: critical
    to: [slak]
limits: {stock: {drift_limit: many}}
"""

    assert [said.split(" ")[0] for said in mistakes(text)] == [
        "a.yaml:1:16:",
        "a.yaml:3:11:",
        "a.yaml:4:11:",
        "a.yaml:5:15:",
        "a.yaml:9:5:",
        "a.yaml:11:24:",
        "a.yaml:15:10:",
        "a.yaml:16:31:",
    ]


def test_two_alerts_of_one_name_are_refused() -> None:
    text = alert("when: discrepant_skus > 5").replace(
        "routes:", "  - name: A\n    when: parked_skus > 1\n    severity: warning\nroutes:"
    )

    assert mistakes(text) == ["a.yaml:5:11: a second alert is named A; rename one of them"]


def test_a_missing_file_is_one_clear_sentence(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"

    with pytest.raises(AlertsFileError, match="No such file or directory; set ALERTS_FILE to a readable file"):
        load_alerts(path)


# --- durations and shares as people write them ---


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("5m", 300), ("1h30m", 5_400), ("1h 30m", 5_400), ("26h", 93_600), ("2d", 172_800), ("0.5s", 0.5)],
)
def test_a_duration_is_understood(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 minutes", "1h1h", True, None, [5], "9999999d"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(Unfit):
        duration(text)


@pytest.mark.parametrize(("text", "value"), [("5%", 0.05), ("0%", 0.0), ("100 %", 1.0), ("2.5%", 0.025)])
def test_a_percentage_is_understood(text: str, value: float) -> None:
    assert share(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (7, Unit.COUNT, "7"),
        (7.5, Unit.COUNT, "7.5"),
        (750, Unit.DURATION, "12m 30s"),
        (600, Unit.DURATION, "10m"),
        (93_600, Unit.DURATION, "1d 2h"),
        (0, Unit.DURATION, "0s"),
        (0.052, Unit.RATIO, "5.2%"),
        (0.05, Unit.RATIO, "5%"),
    ],
)
def test_values_are_written_for_people(value: float, unit: Unit, text: str) -> None:
    assert written(value, unit) == text


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
