"""`alerts list`, `ack`, `silence` and `lift`: what people see and do about alerts, without a daemon and beside one."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.asked import AcknowledgeOrder, SilenceOrder
from monitor.channels.base import ChannelRefused
from tests.e2e.play import ALERTS, shop
from tests.monitor.cli.alert_world import Lately, desk, moment, prepared
from tests.monitor.support import DIFFERS, World

LATE = """\
  - name: Late
    when: discrepant_skus > 2
    for: 3h
    severity: critical
routes:"""
TWO = DIFFERS.replace("routes:", LATE)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STOCK_TAKE = SilenceOrder(alerts=("Differs",), length=2 * HOUR, reason="stock-take", by="bert")


@pytest.fixture
def lately(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_restored: None) -> Lately:
    return prepared(tmp_path, monkeypatch, TWO)


async def differs(world: World) -> None:
    """Let more SKUs differ than may, be judged, and be told."""
    world.history.differ(7, "KAVA-1")
    await world.check()
    await world.deliver()


async def differs_unheard(world: World) -> None:
    """Let the same be told through Slack only."""
    world.email.troubles.append(ChannelRefused("550 no such user"))
    await differs(world)


async def bert_acknowledges(world: World) -> None:
    await desk(world).acknowledge(AcknowledgeOrder(alerts=("Differs",), by="bert"))


async def bert_silences(world: World) -> None:
    await desk(world).silence(STOCK_TAKE)


async def calms_down(world: World) -> None:
    world.history.differ(0)
    await world.check()
    await world.deliver()


def words(text: str) -> str:
    return " ".join(text.split())


# --- the list ---
def test_a_quiet_shop_says_so(lately: Lately) -> None:
    lately.happened(HOUR, calms_down)
    assert lately.run("list").stdout == "Nothing fires.\n"
    unknown: dict[str, object] = {"refused_since": None, "mistakes": [], "at_next_start": []}
    assert lately.data("list") == {"firing": [], "pending": [], "silences": [], "ended": [], "alerts_file": unknown}


def test_what_fires_is_listed_with_who_was_told_and_the_way_on(lately: Lately) -> None:
    lately.happened(HOUR, differs)
    shown = words(lately.run("list").stdout)
    since = f"{lately.now - HOUR:%Y-%m-%d %H:%M} UTC"
    assert f"FIRES Differs (warning) since {since}, for 1h" in shown
    assert "7 SKUs differ Now 7, alert at > 5 Known to email, slack Acknowledged by nobody" in shown
    assert "lightspeed-sync alerts ack NAME" in shown
    assert f"ABOUT TO FIRE Late Its condition holds since {since}, for 1h" in shown


def test_a_place_that_was_not_reached_is_listed_with_the_reason(lately: Lately) -> None:
    lately.happened(HOUR, differs_unheard)
    assert "slack; email not reached yet, after 1 attempt: refused: 550 no such user" in words(
        lately.run("list").stdout
    )


def test_who_acknowledged_stands_in_the_list(lately: Lately) -> None:
    lately.happened(2 * HOUR, differs)
    lately.happened(HOUR, bert_acknowledges)
    shown = words(lately.run("list").stdout)
    assert f"Acknowledged by bert, {lately.now - HOUR:%Y-%m-%d %H:%M} UTC" in shown
    assert "alerts ack" not in shown, "there is nothing left to acknowledge"


def test_what_a_silence_hides_is_listed_with_the_silence(lately: Lately) -> None:
    lately.happened(HOUR, bert_silences)
    lately.happened(HOUR, differs)
    shown = words(lately.run("list").stdout)
    assert "nobody; email, slack not told: hidden by silence 1 of bert: stock-take" in shown
    assert f"SILENCE 1 hides Differs Until {lately.now + HOUR:%Y-%m-%d %H:%M} UTC, for another" in shown
    (one,) = lately.data("list")["firing"]
    assert one["hidden"] == {"why": "silenced", "by": "silence 1 of bert: stock-take"}


def test_what_has_ended_is_listed(lately: Lately) -> None:
    lately.happened(2 * HOUR, differs)
    lately.happened(HOUR, calms_down)
    listed = lately.data("list")
    assert ([each["alert"] for each in listed["ended"]], listed["firing"]) == (["Differs"], [])
    assert f"ENDED Differs at {lately.now - HOUR:%Y-%m-%d %H:%M} UTC, after 1h 7 SKUs differ" in (
        words(lately.run("list").stdout)
    )


def test_the_list_fits_on_eighty_columns(lately: Lately) -> None:
    lately.writes(
        TWO.replace("{{ value }} SKUs differ", "{{ value }} SKUs differ, " + "and that for many reasons " * 5)
    )
    lately.happened(HOUR, differs_unheard)
    lately.happened(HOUR / 2, bert_silences)
    lines = lately.run("list").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.startswith("    ")]  # what was too long goes on below


def test_what_is_about_to_fire_is_listed_with_its_number(lately: Lately) -> None:
    lately.happened(HOUR, differs)
    (pending,) = lately.data("list")["pending"]
    assert (pending["alert"], pending["value"]) == ("Late", 7)
    assert moment(pending["since"]) == lately.now - HOUR


# --- the status screen ---
def test_status_tells_who_knows_and_who_has_it_in_hand(lately: Lately) -> None:
    lately.happened(2 * HOUR, differs_unheard)
    lately.happened(HOUR, bert_acknowledges)
    shown = lately.command("status").stdout.splitlines()
    fires = next(number for number, line in enumerate(shown) if line.startswith("FIRING Differs (warning, since"))
    by = f"acknowledged by bert, {lately.now - HOUR:%Y-%m-%d %H:%M} UTC"
    reached = "known to slack; email not reached yet, after 1 attempt: refused: 550 no such user"
    assert shown[fires].endswith("7 SKUs differ (now 7: KAVA-1)")
    assert shown[fires + 1] == f"       {reached}; {by}"
    assert shown[fires + 2] == "       The whole story of one: lightspeed-sync alerts explain NAME"


def test_status_tells_what_is_silent_and_until_when(lately: Lately) -> None:
    lately.happened(HOUR, bert_silences)
    lately.happened(HOUR, differs)
    shown = lately.command("status").stdout
    assert "       known to nobody; email, slack not told: hidden by silence 1 of bert: stock-take\n" in shown
    assert re.search(
        r"^SILENT Differs, for another (1h|59m \d+s), by silence 1 of bert: stock-take$", shown, re.MULTILINE
    )
    data = json.loads(lately.command("status", "--json").stdout)
    assert (data["firing"][0]["alert"], data["firing"][0]["hidden"]["why"]) == ("Differs", "silenced")
    assert data["silences"][0]["reason"] == "stock-take"


def test_status_says_that_none_fires(lately: Lately) -> None:
    lately.happened(HOUR, calms_down)
    assert "\nalerts: none fire\n" in lately.command("status").stdout


def test_another_file_can_be_checked(lately: Lately) -> None:
    (lately.folder / "new.yaml").write_text(TWO.replace("> 5", "=> 5"))
    ended = lately.command("check", "alerts", str(lately.folder / "new.yaml"))
    right = lately.command("check", "alerts")
    assert (ended.exit_code, "new.yaml:5:27: => is not an operator; write >=" in ended.stderr) == (2, True)
    assert (right.exit_code, "2 alerts, no mistake." in right.stdout) == (0, True)


# --- a person's word, without a daemon ---
def test_an_alert_is_acknowledged_in_the_callers_name(lately: Lately) -> None:
    lately.happened(HOUR, differs)
    ended = lately.run("ack", "Differs")
    (one,) = lately.data("list")["firing"]
    again = lately.run("ack", "Differs")
    assert ended.stdout == (
        "Differs: acknowledged by anna. No reminders, and nobody else is called; its end is still told.\n"
    )
    assert (ended.exit_code, one["acknowledged_by"]) == (0, "anna")
    assert re.fullmatch(r"Differs: anna had acknowledged it before, at 20[0-9: -]+ UTC\.\n", again.stdout)


def test_only_what_fires_can_be_acknowledged(lately: Lately) -> None:
    lately.happened(HOUR, differs)
    ended = lately.run("ack", "Late")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[0] == (
        "NT006 This alert does not fire, so there is nothing to take into one's hands. "
        f"(Late is about to: its condition has held since {lately.now - HOUR:%Y-%m-%d %H:%M} UTC; firing are Differs)"
    )


def test_no_silence_has_a_number_that_long(lately: Lately) -> None:
    refused = lately.run("lift", "9" * 23)

    assert (refused.exit_code, "IN001" in refused.stderr, "999999999" in refused.stderr) == (2, False, True)


def test_an_alert_is_silenced_and_the_silence_lifted(lately: Lately) -> None:
    lately.happened(HOUR, calms_down)
    silenced = lately.run("silence", "Differs", "--for", "2h", "--reason", "stock-take")
    (one,) = lately.data("list")["silences"]
    lifted = lately.run("lift", "1")
    again = lately.run("lift", "1")
    assert silenced.stdout.startswith("Silence 1: nothing is told of Differs until ")
    assert silenced.stdout.endswith("End it sooner:   lightspeed-sync alerts lift 1\n")
    assert (one["author"], one["reason"], one["matcher"]["alerts"]) == ("anna", "stock-take", ["Differs"])
    assert moment(one["ends_at"]) - moment(one["starts_at"]) == 2 * HOUR
    assert lifted.stdout == (
        "Silence 1 is lifted. It hid Differs: what of that still fires is told as soon as the daemon runs.\n"
    )
    assert lately.data("list")["silences"] == []
    assert (again.exit_code, again.stderr[:5], "was lifted by anna at" in again.stderr) == (1, "NT007", True)


def test_a_silence_may_be_by_label_and_severity_and_end_with_what_it_hides(lately: Lately) -> None:
    lately.writes(TWO.replace("severity: warning", "severity: warning\n    labels: {team: shop}", 1))
    lately.happened(HOUR, calms_down)
    options = ("--label", "team=shop", "--severity", "warning", "--until-resolved", "--reason", "x", "--for", "1d")
    kept = lately.data("silence", *options)
    assert kept["matcher"] == {"alerts": [], "labels": {"team": "shop"}, "severity": "warning"}
    assert kept["until_resolved"] is True


@pytest.mark.parametrize(
    ("wrong", "code", "sentence"),
    [
        pytest.param(["Difers", "--for", "2h"], 1, "(Difers; did you mean Differs?)", id="unknown alert"),
        pytest.param(["Differs", "--for", "2"], 2, "--for: '2' is not a duration; write it like 2s, 2m", id="no unit"),
        pytest.param(["Differs", "--for", "90d"], 1, "(90d is too long)", id="too long"),
        pytest.param(["--label", "team=x", "--for", "2h"], 1, "(team=x; no alert has any label)", id="no such label"),
        pytest.param(["--for", "2h"], 2, "--all silences every alert", id="nothing named"),
        pytest.param(["Differs", "--all", "--for", "2h"], 2, "and goes alone", id="all and one"),
        pytest.param(["--severity", "bad", "--for", "2h"], 2, "there is no severity 'bad'", id="severity"),
        pytest.param(["--label", "team", "--for", "2h"], 2, "'team' is not NAME=VALUE", id="label"),
    ],
)
def test_a_silence_that_cannot_be_is_told_in_words(wrong: list[str], code: int, sentence: str, lately: Lately) -> None:
    lately.happened(HOUR, calms_down)
    ended = lately.run("silence", *wrong, "--reason", "x")
    assert (ended.exit_code, ended.stdout, sentence in ended.stderr) == (code, "", True), ended.stderr


def test_a_silence_needs_a_reason(lately: Lately) -> None:
    lately.happened(HOUR, calms_down)
    ended = lately.run("silence", "Differs", "--for", "2h", "--reason", " ")
    assert (ended.exit_code, ended.stderr[:5]) == (1, "NT004")


def test_who_did_what_is_on_record_newest_first(lately: Lately) -> None:
    lately.happened(HOUR, differs)
    before = lately.run("trail").stdout
    lately.run("ack", "Differs")
    lately.run("silence", "Differs", "--for", "2h", "--reason", "stock-take")
    lately.run("lift", "1")
    done = [(deed["who"], deed["what"], deed["subject"]) for deed in lately.data("trail")]
    assert before == "Nobody has done anything about alerts.\n"
    assert done == [
        ("anna", "lift silence", "Differs"),
        ("anna", "silence", "Differs"),
        ("anna", "acknowledge", "Differs"),
    ]
    told = lately.run("trail").stdout
    assert "anna: silence Differs (until 20" in told
    assert "reason stock-take" in " ".join(told.split())
    assert "+00:00" not in told
    assert max(map(len, told.splitlines())) <= 80


# --- beside a daemon ---
@pytest.mark.anyio
async def test_words_about_alerts_are_taken_at_once_by_a_running_daemon(tmp_path: Path) -> None:
    async with shop(tmp_path, goods=12) as served:
        (tmp_path / "alerts.yaml").write_text(ALERTS.replace("discrepant_skus > 5", "equality_proof_age > 1s"))
        assert (await served.run("sync", "--full", "--confirm")).code == 0
        await served.start()
        await served.until(lambda: "InventoryDiscrepancy" in str(served.world.slack.messages), "the alert")
        acknowledged = await served.run("alerts", "ack", "InventoryDiscrepancy")
        silenced = await served.run("alerts", "silence", "--all", "--for", "2h", "--reason", "stock-take", "--json")
        listed = await served.run("alerts", "list", "--json")
        lifted = await served.run("alerts", "lift", "1")
        assert await served.stop() == 0
    assert [each.code for each in (acknowledged, silenced, listed, lifted)] == [0, 0, 0, 0], listed.said
    (one,) = json.loads(listed.out)["firing"]
    assert (one["acknowledged_by"] != "", one["hidden"]["why"]) == (True, "silenced"), "it was judged at once"
    assert "is told now" in lifted.out


def test_the_alerts_are_printed_as_prometheus_rules(lately: Lately) -> None:
    shown = lately.run("export-prometheus")

    assert shown.exit_code == 0
    assert "      - alert: Late\n" in shown.stdout
    assert '        expr: "(sum(lightspeed_sync_discrepant_skus)) > 2"\n        for: 3h\n' in shown.stdout
