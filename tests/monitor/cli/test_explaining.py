"""`alerts explain`: the story of one alert, as people and programs get it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cli.explaining import moment
from tests.monitor.cli.alert_world import Lately, prepared
from tests.monitor.cli.test_alerts import HOUR, TWO, bert_silences, calms_down, differs, differs_unheard, words
from tests.monitor.support import START

LATER = timedelta(minutes=30)


@pytest.fixture
def lately(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_restored: None) -> Lately:
    return prepared(tmp_path, monkeypatch, TWO)


def test_a_firing_alert_is_explained_with_its_number_and_who_was_told(lately: Lately) -> None:
    lately.happened(HOUR, differs_unheard)
    since = f"{lately.now - HOUR:%Y-%m-%d %H:%M}"
    shown = words(lately.run("explain", "Differs").stdout)
    assert f"It fires since {since} UTC, for 1h" in shown
    assert "Its condition: discrepant_skus > 5 signal is alert at discrepant_skus 7 > 5 holds" in shown
    assert "has not arrived after 1 attempt (refused: 550 no such user), tried again at" in shown
    assert f"slack: told that it fires at {since}" in shown
    assert "firing the channel has not been told yet" in shown
    assert "ok -> firing 7 the condition held for long enough" in shown


def test_a_moment_of_the_past_is_explained_as_it_was(lately: Lately) -> None:
    lately.happened(2 * HOUR, differs)
    lately.happened(HOUR, calms_down)
    then = lately.data("explain", "Differs", "--at", "90m")
    now = lately.data("explain", "Differs")
    assert (then["phase"], then["compared"][0]["value"], then["incident"]["resolved_at"]) == ("firing", "7", None)
    assert (now["phase"], now["compared"][0]["value"]) == ("ok", "0")
    assert now["standing"][0] == "It does not fire: its condition does not hold."
    assert [each["kind"] for each in now["messages"]] == ["firing", "firing", "resolved", "resolved"]


def test_before_anything_happened_nothing_is_told_of_later(lately: Lately) -> None:
    lately.happened(HOUR, differs)
    then = lately.data("explain", "Differs", "--at", f"{lately.now - 2 * HOUR:%Y-%m-%dT%H:%M:%SZ}")
    assert (then["phase"], then["incident"], then["messages"], then["changes"]) == ("ok", None, [], [])
    assert then["standing"][0] == "It does not fire: the rules were not judged yet."


def test_a_silence_that_hides_an_alert_is_named(lately: Lately) -> None:
    lately.happened(HOUR, bert_silences)
    lately.happened(HOUR, differs)
    told = lately.data("explain", "Differs")["told"]
    assert [line.split(": ", 1)[1].split(" UTC: ")[1] for line in told if line.startswith("slack")] == [
        "hidden by silence 1 of bert: stock-take."
    ]


@pytest.mark.parametrize(
    ("more", "line", "until"),
    [
        ("    business_hours: never\n", "it is told within the business hours 'never' only", True),
        ("    depends_on: [Late]\n", "it may follow from Late, which fires or is about to", False),
        ("", "hidden by the maintenance window 'move'; the digest at its end tells of it", False),
    ],
    ids=["hours", "depends_on", "maintenance"],
)
def test_a_quiet_alert_says_what_would_hide_it(lately: Lately, more: str, line: str, until: bool) -> None:
    tomorrow = f"{lately.now + timedelta(days=1):%a}".lower()
    hours = f'business_hours:\n  never: {{zone: UTC, open: ["{tomorrow} 00:00-24:00"]}}\n'
    span = 'from: "2026-01-01 00:00", until: "2126-01-01 00:00"'
    window = f"maintenance:\n  - {{name: move, zone: UTC, {span}, author: anna, reason: move}}\n"
    lately.writes(TWO.replace("    when: discrepant_skus > 5\n", f"    when: discrepant_skus > 9\n{more}") + hours)
    if not more:
        lately.writes(lately.alerts + window)
    lately.happened(HOUR, differs)
    told = lately.data("explain", "Differs")["told"]
    assert (told[-1].endswith(f": {line}."), "not be told, until" in told[-1]) == (True, until), told


def test_channels_without_credentials_are_named_with_whom_it_would_reach(lately: Lately) -> None:
    lately.happened(HOUR, calms_down)
    assert lately.data("explain", "Differs")["told"] == [
        "Should it fire, nobody is told: no route leads to a channel that is set up.",
        "slack cannot be told: its credentials are not set in the environment, so nothing is sent there.",
        "email cannot be told: its credentials are not set in the environment, so nothing is sent there.",
    ]


def test_a_name_with_a_slip_in_it_is_answered_with_the_right_one(lately: Lately) -> None:
    lately.happened(HOUR, calms_down)
    ended = lately.run("explain", "Difers")
    assert (ended.exit_code, "(Difers; did you mean Differs?)" in ended.stderr) == (1, True)


def test_a_broken_file_hides_nothing_of_what_happened(lately: Lately) -> None:
    lately.happened(HOUR, differs)
    lately.writes("alerts: [")
    ended = lately.run("explain", "Differs")
    assert (ended.exit_code, "It fires since" in ended.stdout, "alerts.yaml:1:" in ended.stderr) == (0, True, True)
    assert "a running daemon judges by the one before" in words(ended.stdout)
    assert "It does not stand" not in ended.stdout


def test_with_a_broken_file_it_is_not_known_whether_a_name_is_right(lately: Lately) -> None:
    lately.happened(HOUR, calms_down)
    lately.writes("alers: []")
    ended = lately.run("explain", "Nobody")
    assert ended.exit_code == 1
    assert "(Nobody; alerts.yaml has mistakes, so it is not known)" in ended.stderr


@pytest.mark.parametrize(
    ("text", "hours"),
    [("2h", -2), ("2026-11-24 08:00", -2), ("2026-11-24T09:00+01:00", -2), ("2026-11-24 10:00Z", 0)],
)
def test_a_moment_may_be_named_in_several_ways(text: str, hours: int) -> None:
    assert moment(text, START) == START + hours * HOUR


def test_a_moment_that_cannot_be_understood_is_answered_with_examples(lately: Lately) -> None:
    lately.happened(HOUR, calms_down)
    ended = lately.run("explain", "Differs", "--at", "yesterday")
    assert (ended.exit_code, "'yesterday' is not a moment; write it like" in ended.stderr) == (2, True)
