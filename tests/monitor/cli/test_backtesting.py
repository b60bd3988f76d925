"""`alerts backtest`: what people and programs are told of a replay, and of another file's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.monitor.cli.alert_world import Lately, prepared
from tests.monitor.cli.test_alerts import words
from tests.monitor.support import DIFFERS, World

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ALERTS = (
    DIFFERS.replace(
        "routes:",
        """\
  - name: Oversold
    when: oversell_units > 3
    severity: warning
routes:""",
    )
    + 'channels:\n  slack: {channel: "#alerts"}\n  email: {to: [ops@wtfswag.com]}\n'
)


@pytest.fixture
def lately(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_restored: None) -> Lately:
    """Return a week in which 7 SKUs differed twice for an hour."""
    lately = prepared(tmp_path, monkeypatch, ALERTS)

    async def week(world: World) -> None:
        for hour in range(7 * 24):
            world.history.differ(7 if hour in (10, 50) else 0)
            await world.check(hours=1)

    lately.happened(7 * DAY, week)
    return lately


def test_a_replay_is_told_as_a_table_with_what_never_fired(lately: Lately) -> None:
    shown = words(lately.run("backtest").stdout)
    assert "168 judgings in 6d 23h." in shown
    assert "Differs 2 1h 1h 0 0 email 4, slack 4 Messages a week in all: email 4, slack 4." in shown
    assert shown.endswith("Would not have fired: Oversold.")


def test_another_file_is_told_by_what_changes(lately: Lately) -> None:
    other = lately.folder / "new.yaml"
    other.write_text(ALERTS.replace("> 5", "> 8").replace("Oversold", "Oversell"))
    shown = words(lately.run("backtest", "--file", str(other)).stdout)
    assert "alerts.yaml -> new.yaml fired longest messages a week" in shown
    assert "Differs 2 -> 0 1h -> 0s email 4, slack 4 -> none" in shown
    assert "Oversold 0 -> not there 0s none" in shown
    assert "Oversell not there -> 0 0s none" in shown
    assert "Messages a week in all: email 4, slack 4 -> none." in shown


def test_another_file_is_tried_while_the_present_one_is_broken(lately: Lately) -> None:
    other = lately.folder / "new.yaml"
    other.write_text(ALERTS)
    lately.writes(ALERTS.replace("discrepant_skus", "discrepant_sku"))
    ended = lately.run("backtest", "--file", str(other))
    data = lately.data("backtest", "--file", str(other))
    assert (ended.exit_code, "alerts.yaml:5:11" in ended.stderr) == (0, True)
    assert "this is the other file alone. alert fired" in words(ended.stdout)
    assert (data["alerts"], [each["fired"] for each in data["other"]]) == (None, [2, 0])


def test_minutes_say_nothing_about_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_restored: None
) -> None:
    lately = prepared(tmp_path, monkeypatch, ALERTS)

    async def minutes(world: World) -> None:
        for minute in range(13):
            world.history.differ(7 if minute in (4, 5) else 0)
            await world.check(minutes=1)

    lately.happened(HOUR, minutes)
    shown = words(lately.run("backtest").stdout)
    assert "week in" not in shown
    assert "nobody told messages Differs 1 2m 2m 0 0 email 2, slack 2 Messages in all, within 12m (too short" in shown
    assert lately.data("backtest")["messages"] == "in all"


def test_a_file_that_changes_nothing_is_told_so(lately: Lately) -> None:
    other = lately.folder / "new.yaml"
    other.write_text(ALERTS.replace("SKUs differ", "goods differ"))
    shown = lately.run("backtest", "--file", str(other)).stdout
    assert shown.splitlines()[-1] == "new.yaml would have told the same as alerts.yaml."


def test_programs_get_the_figures_of_both(lately: Lately) -> None:
    other = lately.folder / "new.yaml"
    other.write_text(ALERTS.replace("> 5", "> 8"))
    data = lately.data("backtest", "--file", str(other))
    assert data["judgings"] == 168
    assert [(each["alert"], each["fired"]) for each in data["alerts"]] == [("Differs", 2), ("Oversold", 0)]
    assert [(each["alert"], each["fired"]) for each in data["other"]] == [("Differs", 0), ("Oversold", 0)]
    assert lately.data("backtest")["other"] is None


def test_only_so_many_days_are_replayed(lately: Lately) -> None:
    assert lately.data("backtest", "--days", "2")["alerts"][0]["fired"] == 0


def test_without_history_there_is_nothing_to_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_restored: None
) -> None:
    lately = prepared(tmp_path, monkeypatch, ALERTS)

    async def nothing(_world: World) -> None:
        pass

    lately.happened(HOUR, nothing)
    ended = lately.run("backtest", "--days", "1")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.strip() == "The rules were not judged within the last 1 day: there is nothing to replay."


def test_mistakes_in_the_other_file_are_told_where_they_stand(lately: Lately) -> None:
    other = lately.folder / "new.yaml"
    other.write_text(ALERTS.replace("discrepant_skus", "discrepant_sku"))
    ended = lately.run("backtest", "--file", str(other))
    assert (ended.exit_code, "new.yaml:5:11: there is no signal" in ended.stderr) == (2, True), ended.stderr
