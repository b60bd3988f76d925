"""`timezone` in alerts.yaml: in which zone people read times, in messages and in what commands tell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts_file import AlertsFileError, load_alerts, parse
from monitor.channels.wording import wording
from monitor.cli.checks import never_produced
from monitor.cli.common import zone_in
from monitor.cli.explaining import moment
from monitor.signals import Need
from monitor.units import show_moments_in, written_minute, written_second
from sync.config import load_settings
from tests.monitor.cli.alert_world import Lately, prepared
from tests.monitor.cli.test_alerts import calms_down, differs
from tests.monitor.support import DIFFERS
from tests.monitor.test_sms import FIRING, START

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    show_moments_in(UTC)


@pytest.mark.parametrize(
    ("text", "zone"), [("", "UTC"), ("timezone: America/New_York", "America/New_York"), ("timezone: UTC", "UTC")]
)
def test_the_file_names_the_zone(text: str, zone: str) -> None:
    assert parse(f"{text}\n{DIFFERS}".encode()).timezone == ZoneInfo(zone)


def test_a_zone_that_there_is_not_is_told_with_the_nearest() -> None:
    with pytest.raises(AlertsFileError, match=r"1:11: 'America/NewYork' is not a time zone.*America/New_York"):
        parse(b"timezone: America/NewYork\n")


def test_moments_are_written_with_the_abbreviation_of_their_day() -> None:
    winter, summer = datetime(2026, 11, 24, 15, 4, 5, tzinfo=UTC), datetime(2026, 7, 1, 15, 4, 5, tzinfo=UTC)
    before = written_minute(winter)
    show_moments_in(NEW_YORK)

    assert before == "2026-11-24 15:04 UTC"
    assert (written_minute(winter), written_minute(summer)) == ("2026-11-24 10:04 EST", "2026-07-01 11:04 EDT")
    assert written_second(winter) == "2026-11-24 10:04:05 EST"


def test_messages_are_in_the_zone() -> None:
    show_moments_in(NEW_YORK)
    firing, ended = wording(FIRING), wording(replace(FIRING, until=START))

    assert dict(firing.facts)["Since"] == "2026-11-24 04:57 EST (3m)"
    assert dict(ended.facts)["Since"] == "2026-11-24 04:57 EST"


def test_what_a_person_types_without_a_zone_is_in_the_zone() -> None:
    show_moments_in(NEW_YORK)

    assert moment("2026-11-24 10:00", START) == datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    assert moment("2026-11-24T10:00+00:00", START) == datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("timezone: America/New_York\n", NEW_YORK),
        ('sync_interval: 60s\ntimezone: "America/New_York"   # ours\nalerts: [', NEW_YORK),
        ("timezone: Nowhere/At_All\n", UTC),
        ("timezone: ../../etc/passwd\n", UTC),
        ("alerts:\n  timezone: America/New_York\n", UTC),
    ],
    ids=["plain", "in a broken file", "no zone", "a path", "somewhere else"],
)
def test_commands_take_the_zone_from_a_file_that_may_have_mistakes(tmp_path: Path, text: str, zone: ZoneInfo) -> None:
    (tmp_path / "alerts.yaml").write_text(text)

    assert zone_in(tmp_path / "alerts.yaml") == zone
    assert zone_in(tmp_path / "none.yaml") is UTC


@pytest.fixture
def lately(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_restored: None) -> Lately:
    return prepared(tmp_path, monkeypatch, f"timezone: America/New_York\n{DIFFERS}")


def test_commands_tell_times_in_the_zone(lately: Lately) -> None:
    lately.happened(timedelta(hours=1), differs)
    local = (lately.now - timedelta(hours=1)).astimezone(NEW_YORK)
    since = f"{local:%Y-%m-%d %H:%M %Z}"

    assert f"since {since}, for 1h" in lately.run("list").stdout
    assert f"It fires since {since}" in lately.run("explain", "Differs").stdout
    assert "UTC" not in lately.command("status").stdout


# --- signals that these settings keep at 0 ---


def test_an_alert_whose_signal_never_moves_here_is_doubted(lately: Lately, monkeypatch: pytest.MonkeyPatch) -> None:
    lately.happened(timedelta(hours=1), calms_down)
    rules = "".join(
        f"  - {{name: N{number}, when: {when}, severity: warning}}\n"
        for number, when in enumerate(("app_uninstalled > 0", "duplicate_sales > 0", "unposted_orders > 0"))
    )
    lately.writes(DIFFERS.replace("routes:", f"{rules}routes:"))
    bare = lately.command("check", "alerts")
    monkeypatch.setenv("PUBLIC_URL", "https://sync.example.com")
    whole = lately.command("check", "alerts")
    without_booking = load_settings(os.environ).model_copy(update={"lightspeed_employee_id": None})

    doubts = [line for line in bare.stderr.splitlines() if "stays 0" in line]
    assert doubts == [
        "N0: app_uninstalled stays 0 with these settings: only a webhook tells of it, and PUBLIC_URL is not set"
    ]
    assert (bare.exit_code, whole.exit_code, "stays 0" in whole.stderr) == (0, 0, False), whole.output
    assert list(never_produced(load_alerts(lately.folder / "alerts.yaml"), without_booking)) == [
        f"N1: duplicate_sales stays 0 with these settings: {Need.BOOKING.value}"
    ]
