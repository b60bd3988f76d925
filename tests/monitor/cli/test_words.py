"""What commands print: nothing that steers a terminal, no secret, and a sentence for what nobody foresaw."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor.cli import common, why
from monitor.cli.commands import app
from monitor.cli.logs import Redaction, configure, secrets_of
from sync.config import load_settings
from sync.errors import Code
from sync.records import Change, WriteOutcome

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SMTP = {"SMTP_URL": "smtp+starttls://till:hunter2hunter2@mail.example.com:587", "MAIL_FROM": "till@wtfswag.com"}


# --- values of the shops' own ---
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("Kava [bold] 5 % – grün", "Kava [bold] 5 % – grün", id="markup and letters stay"),
        pytest.param("a\x1b[31mb", "a\\x1b[31mb", id="colour"),
        pytest.param("a\nb\rc\td", "a\\nb\\rc\\td", id="lines"),
        pytest.param("a\u202eb\u2028c", "a\\u202eb\\u2028c", id="direction"),
        pytest.param(None, "", id="nothing"),
        pytest.param(b"sealed", "(6 bytes)", id="bytes"),
        pytest.param(7, "7", id="number"),
    ],
)
def test_a_value_is_one_line_that_cannot_steer_a_terminal(value: object, expected: str) -> None:
    assert common.printable(value) == expected


def test_a_table_takes_markup_as_text_and_folds_nothing_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    common.show_table(("[/red]", "why"), [("[bold]" + "x" * 300, "y")])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["[/red]", "why"],
        ["[bold]" + "x" * 300, "y"],
    ]


def test_json_tells_moments_in_iso_and_codes_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    common.say_json({"at": NOON, "code": Code.LS001, "outcome": WriteOutcome.STALE})
    told = json.loads(capsys.readouterr().out)
    assert told == {"at": "2026-11-24T12:00:00+00:00", "code": "LS001", "outcome": "stale"}


# --- why ---
def test_a_change_is_told_with_its_equation() -> None:
    equation = {"L": 10, "M": 1, "Bk": 0, "B": 2, "Tk": 3, "u": 1, "U": 0, "target": 5, "drift": 0}
    change = Change(7, NOON, 4, "stock", 6, 5, "lower", WriteOutcome.APPLIED, equation, "key", "gid://x/4/1")
    assert why.sentence(change).splitlines() == [
        "2026-11-24 12:00:00 UTC  6 -> 5  lower (applied; stock run 4, write 7)",
        "    L 10 + M 1 + Bk 0 - B 2 - Tk 3 - u 1 - U 0 = 5; drift 0; gid://x/4/1",
    ]


def test_the_present_evaluation_is_told_with_what_holds_it() -> None:
    now: dict[str, Any] = {
        "seen_on_hand": 9,
        "seen_available": 4,
        "unseen": 0,
        "target": 9,
        "drift": 5,
        "verdict": "quarantined",
        "evaluated_at": "2026-11-24T12:00:00.000000Z",
        "evaluated_run": 3,
        "quarantine_units": 5,
        "dismissed_offset": -3,
        "approved_at": None,
        "parked": "SH012",
        "due": 1,
    }
    assert list(why.standing_of(now)) == [
        "now: Shopify shows 4, should show 9: quarantined",
        "    evaluated 2026-11-24 12:00:00 UTC by run 3 (L 9, u 0, drift 5); due for another look",
        "    quarantined: +5 units that nothing explains; waits for a person",
        "    a kept difference of 3 units is part of what it should show",
        "    Shopify refuses writes: SH012 Shopify cannot change this item's stock",
    ]
    assert list(why.standing_of(now | {"evaluated_at": None})) == ["now: not evaluated yet"]


def test_an_equation_below_zero_says_that_nothing_can_be_sold() -> None:
    equation = {"L": 2, "M": 0, "Bk": 0, "B": 0, "Tk": 3, "u": 0, "U": 0, "target": 0, "drift": 0}
    change = Change(7, NOON, 4, "stock", 6, 0, "lower", WriteOutcome.APPLIED, equation, "key", "gid://x/4/1")
    assert "L 2 + M 0 + Bk 0 - B 0 - Tk 3 - u 0 - U 0 = -1, so 0; drift 0" in why.sentence(change)


# --- what nobody foresaw ---
def test_an_unforeseen_failure_is_told_with_a_reference_and_logged_without_secrets(
    capsys: pytest.CaptureFixture[str], logging_restored: None
) -> None:
    configure(load_settings({"ENVIRONMENT": "sandbox", "LOG_FORMAT": "json"} | SMTP), quiet=True)
    with pytest.raises(SystemExit) as raised, common.nothing_unforeseen():
        raise RuntimeError("password hunter2hunter2, token=shpat_abc123")
    assert raised.value.code == 1
    logged, told, remedy = capsys.readouterr().err.splitlines()
    line = json.loads(logged)
    assert told == f"IN001 Something happened that we did not foresee. (RuntimeError, {line['reference']})"
    assert remedy == Code.IN001.remedy
    assert "Traceback" in line["exception"]
    assert "hunter2" not in logged
    assert "abc123" not in logged


def test_libraries_log_through_the_same_redaction(capsys: pytest.CaptureFixture[str], logging_restored: None) -> None:
    configure(load_settings({"ENVIRONMENT": "sandbox", "LOG_FORMAT": "json"} | SMTP))
    logging.getLogger("httpx").info("POST https://hooks.slack.com/services/T0/B0/x")
    logging.getLogger("aiosmtplib").warning("login as till with hunter2hunter2 failed")
    (logged,) = capsys.readouterr().err.splitlines()
    line = json.loads(logged)
    assert (line["logger"], line["level"], line["event"]) == (
        "aiosmtplib",
        "warning",
        "login as till with *** failed",
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("Authorization: Bearer abc.def", "Authorization: Bearer ***", id="bearer"),
        pytest.param("shpat_0123 and xoxb-1-2", "shpat_*** and xoxb-***", id="vendors' prefixes"),
        pytest.param("?code=1&refresh_token=abc&x=1", "?code=1&refresh_token=***&x=1", id="in an address"),
        pytest.param('{"access_token": "abc"}', '{"access_token": "***"}', id="in JSON"),
        pytest.param("smtp://till:pa55@mail", "smtp://till:***@mail", id="password in an address"),
        pytest.param("KAVA-PREM-001 went from 4 to 5", "KAVA-PREM-001 went from 4 to 5", id="nothing secret"),
        pytest.param({"token": "abc", "n": [1, "shpat_1"]}, {"token": "***", "n": [1, "shpat_***"]}, id="nested"),
        pytest.param("my s3cr3t!", "my ***", id="known"),
    ],
)
def test_what_looks_like_a_secret_becomes_stars(value: object, expected: object) -> None:
    assert Redaction(frozenset({"s3cr3t!"}))(None, "", {"detail": value}) == {"detail": expected}


def test_every_secret_setting_is_known_to_the_log() -> None:
    settings = load_settings({"ENVIRONMENT": "sandbox", "OPS_TOKEN": "0123456789abcdef"} | SMTP)
    assert {"hunter2hunter2", "0123456789abcdef", "sandbox-client-secret", "shpat_sandbox"} <= secrets_of(settings)


# --- help ---
def test_the_version_is_told() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert (shown.exit_code, shown.output) == (0, f"lightspeed-sync {version('lightspeed-sync')}\n")


@pytest.mark.parametrize(
    "words",
    [
        "run", "demo", "sandbox", "sync", "status", "why", "sql", "pause", "resume",
        "check config", "check alerts", "check connections", "connect lightspeed",
        "conflicts list", "conflicts approve", "conflicts dismiss", "sku mismatches",
    ],
)  # fmt: skip
def test_every_command_shows_an_example_of_itself(words: str) -> None:
    shown = CliRunner().invoke(app, [*words.split(), "--help"])
    assert shown.exit_code == 0
    assert f"Example: lightspeed-sync {words}" in shown.output


def test_a_command_for_the_shops_says_that_no_sandbox_is_set(
    monkeypatch: pytest.MonkeyPatch, logging_restored: None
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "sandbox")
    ended = CliRunner().invoke(app, ["sync", "--dry-run"])
    assert (ended.exit_code, "lightspeed-sync sandbox" in ended.output) == (2, True)


def test_a_sandbox_is_told_where_the_storefront_listens_as_the_setting_says_it() -> None:
    ended = CliRunner().invoke(app, ["sandbox", "--storefront", "8080"])
    assert (ended.exit_code, "give it such as 127.0.0.1:8080" in ended.output) == (2, True)
