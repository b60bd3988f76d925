"""The command line as people meet it: exit codes, words for every mistake, and no secret in any of them."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.faults import Fault, FaultKind
from sandbox.messages import mail, slack, sms
from tests.e2e.play import ALERTS, Ended, Shop, command, shop, surroundings

pytestmark = pytest.mark.anyio

CLOSED = "http://127.0.0.1:1"  # nobody listens on port 1
NOWHERE = {
    "ENVIRONMENT": "sandbox",
    "LIGHTSPEED_API_URL": CLOSED,
    "LIGHTSPEED_AUTH_URL": CLOSED,
    "SHOPIFY_ADMIN_URL": CLOSED,
    "SLACK_API_URL": f"{CLOSED}/api/",
    "TWILIO_API_URL": CLOSED,
}
RUNBOOK = """SELECT
    sku,
    lightspeed_qty,
    shopify_qty,
    ABS(lightspeed_qty - shopify_qty) as difference
FROM sync_validation
WHERE ABS(lightspeed_qty - shopify_qty) > 0
ORDER BY difference DESC"""
SECRETS = {
    "LIGHTSPEED_CLIENT_SECRET": "lightspeed-client-s3cret",
    "LIGHTSPEED_REFRESH_TOKEN": "lightspeed-refresh-s3cret",
    "SHOPIFY_ADMIN_API_ACCESS_TOKEN": "shpat_s3cret",
    "SHOPIFY_PROXY_SHARED_SECRET": "proxy-s3cret",
    "SLACK_BOT_TOKEN": "xoxb-s3cret",
    "SMTP_URL": "smtp+starttls://user:smtp-s3cret@127.0.0.1:1",
    "MAIL_FROM": "till@wtfswag.com",
    "TWILIO_ACCOUNT_SID": sms.ACCOUNT_SID,
    "TWILIO_AUTH_TOKEN": "twilio-s3cret-twilio-s3cret-0123",
    "TWILIO_FROM": sms.FROM,
}


async def alone(folder: Path, *words: str, **env: str) -> Ended:
    """Run a command with services that nobody serves."""
    alerts = folder / "alerts.yaml"
    if not alerts.exists():
        alerts.write_text(ALERTS)
    return await command(surroundings(folder) | NOWHERE | env, folder, *words)


def plans(folder: Path) -> list[str]:
    """Return the names of the plan files in a folder."""
    return sorted(path.name for path in folder.glob("*sync-plan-*"))


def rewrite(path: Path, text: str) -> None:
    """Put another text into a file."""
    path.write_text(text)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(tmp_path, goods=20) as opened:
        yield opened


# --- how commands are called ---
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["sync"], "Say --dry-run to see what would change, or --confirm to change it.", id="neither"),
        pytest.param(["sync", "--dry-run", "--confirm"], "Say --dry-run to see what would change", id="both"),
        pytest.param(["sync", "--dry-run", "plan.json"], "A plan goes with --confirm.", id="plan without confirm"),
        pytest.param(
            ["sync", "--dry-run", "--environment", "production"],
            "--environment is production, but ENVIRONMENT is sandbox.",
            id="another environment",
        ),
        pytest.param(["pause"], "Missing option '--reason'", id="pause without a reason"),
        pytest.param(["nosuch"], "No such command 'nosuch'", id="no such command"),
        pytest.param(["sync", "--nosuch"], "No such option", id="no such option"),
        pytest.param(["sandbox", "--goods", "0"], "Invalid value for '--goods'", id="no goods"),
    ],
)
async def test_a_wrong_call_is_answered_in_words_with_exit_code_2(
    words: list[str], sentence: str, tmp_path: Path
) -> None:
    ended = await alone(tmp_path, *words)
    assert (ended.code, sentence in ended.said, ended.out) == (2, True, ""), ended.said


# --- settings and the alerts file ---
async def test_all_mistakes_in_the_settings_are_told_at_once(tmp_path: Path) -> None:
    env = {"OPS_LISTEN": "nowhere", "SHOPIFY_LOCATION_ID": "home", "OPS_TOKEN": "short"}
    ended = await alone(tmp_path, "check", "config", **env)
    assert ended.code == 2
    told = [line.split(":")[0] for line in ended.err.splitlines()]
    assert told == ["CF002 SHOPIFY_LOCATION_ID", "CF002 OPS_LISTEN", "CF002 OPS_TOKEN"]


@pytest.mark.parametrize("words", [["run"], ["check", "config"]], ids=lambda words: words[-1])
async def test_mistakes_in_settings_and_in_the_alerts_file_are_told_at_once(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text("sync_interval: soon\n")
    ended = await alone(tmp_path, *words, OPS_LISTEN="nowhere", SHOPIFY_STORE_DOMIAN="wtfswag.myshopify.com")
    told = [line.split(":")[0].split(maxsplit=1)[0] for line in ended.err.splitlines()]
    assert (ended.code, told[:2]) == (2, ["CF002", "CF003"]), ended.said
    assert "did you mean SHOPIFY_STORE_DOMAIN?" in ended.err
    assert "1:16" in ended.err


async def test_a_name_that_may_be_another_programs_is_warned_of(tmp_path: Path) -> None:
    ended = await alone(tmp_path, "check", "config", OPS_TOKN="0123456789abcdef")
    assert ended.code == 0, ended.said
    assert ended.err.splitlines() == [
        "CF003 OPS_TOKN: there is no such setting, so it has no effect; perhaps OPS_TOKEN is meant."
    ]


async def test_every_mistake_in_the_alerts_file_is_told_with_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(
        "sync_interval: soon\nalerts:\n  - name: Differs\n    when: nosuch_signal > 5\n    severity: warning\n"
    )
    ended = await alone(tmp_path, "check", "alerts")
    assert ended.code == 2
    assert "1:16" in ended.said
    assert "4:11" in ended.said
    assert "CF004" in ended.said


async def test_the_alerts_file_can_be_checked_before_anything_is_set(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(
        "alerts: [{name: A, when: parked_orders > 3, severity: info}]\nroutes: [{to: slack}]\nchannels: {slack: {}}\n"
    )
    ended = await alone(tmp_path, "check", "alerts", OPS_LISTEN="nowhere")
    assert ended.code == 0, ended.said
    assert ended.err == (
        "Whom the channels reach is not known: the settings have mistakes (`lightspeed-sync check config`).\n"
    )
    assert ended.out.endswith("alerts.yaml: 1 alert, no mistake.\n")


async def test_doubts_about_the_alerts_file_and_channels_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(
        "alerts: [{name: A, when: parked_orders > 3, severity: info}]\n"
        "routes: [{to: boss}]\n"
        "channels: {boss: {type: email, to: []}, slack: {}}\n"
    )
    ended = await alone(tmp_path, "check", "alerts")
    assert ended.code == 0, ended.said
    assert [line.partition("alerts.yaml")[2] or line for line in ended.err.splitlines()] == [
        ":3:41: nothing leads to slack; name it in a route, or remove it",
        "boss: no address stands under channels.boss.to, so nobody gets its mail",
    ]
    assert ended.out.endswith("alerts.yaml: 1 alert, no mistake.\n")


async def test_a_missing_alerts_file_is_told_in_words(tmp_path: Path) -> None:
    ended = await alone(tmp_path, "check", "alerts", ALERTS_FILE=str(tmp_path / "nosuch.yaml"))
    assert ended.code == 2
    assert "nosuch.yaml" in ended.said
    assert "Traceback" not in ended.said


# --- the state directory ---
@pytest.mark.parametrize("words", [["status"], ["why", "KAVA"], ["sql", "SELECT 1"]], ids=lambda words: words[0])
async def test_reading_before_there_is_any_state_says_so(words: list[str], tmp_path: Path) -> None:
    ended = await alone(tmp_path, *words)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("ST009 There is no database of this version in the state directory, or where ")
    assert "Begin with `lightspeed-sync connect lightspeed`, then `lightspeed-sync sync --full --dry-run`" in ended.said


@pytest.mark.parametrize("words", [["pause", "--reason", "x"], ["run"]], ids=lambda words: words[0])
async def test_a_state_directory_that_cannot_be_written_to_is_st003(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = await alone(tmp_path, *words, STATE_DIR=str(tmp_path / "file" / "state"))
    assert (ended.code, ended.err[:6]) == (1, "ST003 "), ended.said


@pytest.mark.parametrize("words", [["status"], ["pause", "--reason", "x"], ["run"]], ids=lambda words: words[0])
async def test_a_damaged_database_is_st002_and_stays_as_it_is(words: list[str], tmp_path: Path) -> None:
    database = tmp_path / "state" / "lightspeed-sync.db"
    database.parent.mkdir()
    database.write_bytes(b"no database at all\n" * 1000)
    ended = await alone(tmp_path, *words)
    assert (ended.code, ended.err[:6]) == (1, "ST002 "), ended.said
    assert database.read_bytes() == b"no database at all\n" * 1000


# --- services that cannot be reached ---
async def test_services_that_cannot_be_reached_are_exit_code_4(tmp_path: Path) -> None:
    ended = await alone(tmp_path, "sync", "--full", "--dry-run")
    assert (ended.code, ended.out) == (4, ""), ended.said
    assert plans(tmp_path) == []


@pytest.mark.parametrize(("service", "operation"), [("lightspeed", "*"), ("shopify", "*")], ids=["till", "store"])
async def test_web_pages_in_place_of_answers_end_a_sync_in_words(service: str, operation: str, served: Shop) -> None:
    served.world.faults.add(service, operation, Fault(FaultKind.HTML, times=0))
    ended = await served.run("sync", "--full", "--dry-run")
    assert (ended.code in {1, 4}, ended.out) == (True, ""), ended.said
    assert "Traceback" not in ended.err
    assert "<html" not in ended.err.lower()
    assert plans(served.folder) == []


async def test_ctrl_c_ends_a_sync_that_waits_and_the_next_command_works(served: Shop) -> None:
    served.world.faults.add("lightspeed", "*", Fault(FaultKind.SLOW, times=0, seconds=20.0))
    process = await served.begin("sync", "--full", "--dry-run", fresh=True)
    await served.until(lambda: served.world.requests["lightspeed"].total() > 0, "the first request")
    second = await served.run("pause", "--reason", "at once")
    process.send_signal(signal.SIGINT)
    _, said = await asyncio.wait_for(process.communicate(), 10.0)
    third = await served.run("pause", "--reason", "afterwards")
    assert (second.code, second.err[:6]) == (1, "ST004 "), second.said
    assert process.returncode not in {0, None}
    assert b"Traceback" not in said
    assert third.code == 0, third.said


# --- pauses ---
async def test_pauses_work_without_a_daemon(tmp_path: Path) -> None:
    paused = await alone(tmp_path, "pause", "--reason", "stock-take", "--writes", "--orders")
    status = await alone(tmp_path, "status", "--json")
    lifted = await alone(tmp_path, "resume", "--orders")
    rest = await alone(tmp_path, "resume")
    again = await alone(tmp_path, "resume")
    assert (paused.code, paused.out) == (0, "Paused: writes. Reason: stock-take\nPaused: orders. Reason: stock-take\n")
    shown = json.loads(status.out)
    assert sorted(each["kind"] for each in shown["pauses"]) == ["orders", "writes"]
    assert shown["daemon"] is False
    assert [lifted.out, rest.out, again.out] == [
        "Lifted 1 pause.\n",
        "Lifted 1 pause.\n",
        "Nothing was paused.\n",
    ]


async def test_a_second_pause_tells_of_the_first_and_keeps_its_moment(served: Shop) -> None:
    first = await served.run("pause", "--reason", "stock-take")
    (before,) = json.loads((await served.run("status", "--json")).out)["pauses"]
    second = await served.run("pause", "--reason", "the till is down")
    await served.start()
    await served.until(lambda: "daemon.started" in served.log(), "the daemon to answer")
    third = await served.run("pause", "--reason", "still down")
    (after,) = json.loads((await served.run("status", "--json")).out)["pauses"]
    assert await served.stop() == 0
    already = f"It was paused already, since {before['since'][:10]} {before['since'][11:16]} UTC; the reason was: "
    assert [first.out, second.out, third.out] == [
        "Paused: writes. Reason: stock-take\n",
        f"Paused: writes. Reason: the till is down\n{already}stock-take\n",
        f"Paused: writes. Reason: still down\n{already}the till is down\n",
    ]
    assert after == before | {"reason": "still down"}


async def test_status_tells_what_a_pause_holds_back_from_its_first_evaluation_on(served: Shop) -> None:
    first = await served.run("sync", "--full", "--confirm")
    sku = next(sku for sku in served.skus if served.world.sellable(sku) > 0)
    served.world.lightspeed.sell(sku, 1)
    await served.run("pause", "--reason", "stock-take")
    held = await served.run("sync", "--confirm")
    status = await served.run("status")
    told = " ".join(status.out.split())
    assert (first.code, held.code, status.code) == (0, 3, 0), held.said
    assert "differing now 1 unit too many in Shopify (1 SKU) twice running nothing" in told
    assert ": stock-take Run `lightspeed-sync resume` when it may go on." in told
    assert "PAUSED writes since" in told


async def test_status_tells_which_brake_holds_a_pass_and_the_way_on(served: Shop) -> None:
    braking = ALERTS.replace("      min_links: 1000\n", "      change: 1%\n      min_links: 1\n")
    (served.folder / "alerts.yaml").write_text(braking)
    confirmed = await served.run("sync", "--full", "--confirm")
    for sku in served.skus:
        served.world.lightspeed.receive(sku, 4)
    await served.start()
    await served.until(lambda: "BR002" in served.log(), "the brake to be told of")
    status = await served.run("status")
    assert await served.stop() == 0
    told = " ".join(status.out.split())
    assert (confirmed.code, status.code) == (0, 0), confirmed.said
    assert "BR002 A pass would change an unusual share of the shop." in told
    assert "BRAKED run" in told
    assert "Review with `lightspeed-sync sync --dry-run`, then confirm the plan." in told


# --- what could not be linked ---
async def test_what_is_not_linked_is_counted_listed_and_explained(served: Shop) -> None:
    served.world.shopify.rename_sku(served.skus[1], "TYPED-WRONG")
    plan = await served.run("sync", "--full", "--dry-run")
    listed = await served.run("sku", "mismatches")
    found = json.loads((await served.run("sku", "mismatches", "--json")).out)
    status = await served.run("status")
    why = await served.run("why", "typed-wrong")
    data = json.loads((await served.run("why", "typed-wrong", "--json")).out)
    unknown = await served.run("why", "NOSUCH")
    asked = await served.run("sync", "--dry-run", "--full", "--sku", "NOSUCH")
    number = len(found)
    how = f"{number} SKU{'' if number == 1 else 's'} sold online and not linked, so not synced"
    assert (plan.code, f"Left out: {how} (lightspeed-sync sku mismatches)." in plan.said) == (0, True), plan.said
    assert f"not linked {how} (lightspeed-sync sku mismatches)" in " ".join(status.out.split())
    assert (listed.code, len(listed.out.splitlines())) == (0, number + 3)  # and what to do about them
    (wrong,) = [each for each in found if each["sku"] == "TYPED-WRONG"]
    assert why.code == 1
    assert why.out.splitlines()[0] == "now: not linked, so not synced"
    assert f"{wrong['code']} " in why.out
    assert wrong["detail"] in why.out
    empty: dict[str, object] = {name: [] for name in ("changes", "holds", "products", "orders", "words", "set_back")}
    assert data == {"sku": "TYPED-WRONG", "now": None, "problems": [wrong], **empty}
    assert (unknown.code, "'NOSUCH' is not sold online, or was not read yet" in unknown.err) == (1, True), unknown.said
    assert (asked.code, asked.err.splitlines()[0]) == (
        1,
        "LS002 No Lightspeed item is linked to a SKU, so its stock is not synced. (NOSUCH)",
    )


# --- people's own SQL ---
async def test_sql_answers_the_runbooks_query_as_printed(served: Shop) -> None:
    first = await served.run("sync", "--full", "--confirm")
    sku = served.skus[0]
    apart = await served.run("sql", "--json", RUNBOOK)
    known = await served.run("sql", "--json", "SELECT sku, lightspeed_qty FROM sync_validation")
    assert [first.code, apart.code, known.code] == [0, 0, 0], (first.said, apart.said, known.said)
    assert json.loads(apart.out) == []
    assert {"sku": sku, "lightspeed_qty": served.world.sellable(sku)} in json.loads(known.out)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM pauses",
        "WITH x AS (SELECT 1) DELETE FROM pauses",
        "PRAGMA query_only = 0",
        "SELECT 1; DELETE FROM pauses",
        "nonsense",
        "",
    ],
)
async def test_sql_refuses_what_is_no_single_question(statement: str, tmp_path: Path) -> None:
    await alone(tmp_path, "pause", "--reason", "kept")
    ended = await alone(tmp_path, "sql", statement)
    assert (ended.code, ended.out) == (2, ""), ended.said
    assert ended.err.strip() != ""
    assert "Traceback" not in ended.err
    with sqlite3.connect(tmp_path / "state" / "lightspeed-sync.db") as database:
        assert database.execute("SELECT reason FROM pauses").fetchall() == [("kept",)]
    database.close()


# --- plans ---
async def test_a_second_plan_of_a_day_gets_a_number(served: Shop) -> None:
    made = [await served.run("sync", "--full", "--dry-run", "--json") for _ in range(2)]
    names = [Path(json.loads(each.out)["file"]).name for each in made]
    assert [each.code for each in made] == [0, 0]
    assert names[1] == names[0].replace(".json", "-2.json")
    assert served.world.shopify.writes == []


async def test_an_edited_plan_is_refused(served: Shop) -> None:
    target = served.skus[0]
    served.world.shopify.adjust(target, 4)
    plan = json.loads((await served.run("sync", "--full", "--dry-run", "--json")).out)
    path = Path(plan.pop("file"))
    assert [change["sku"] for change in plan["changes"]] == [target]
    plan["changes"][0]["after"] += 500
    rewrite(path, json.dumps(plan))
    ended = await served.run("sync", "--full", "--confirm", str(path))
    assert (ended.code, "was changed" in ended.said) == (3, True), ended.said
    assert served.world.shopify.writes == []


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1}'])
async def test_a_file_that_is_no_plan_is_told_in_words(text: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    ended = await alone(tmp_path, "sync", "--confirm", "plan.json")
    assert (ended.code in {2, 3}, ended.out) == (True, ""), ended.said
    assert "Traceback" not in ended.err


async def test_a_plan_that_nobody_made_is_told_in_words(tmp_path: Path) -> None:
    ended = await alone(tmp_path, "sync", "--confirm", "0123456789abcdef")
    assert (ended.code in {2, 3}, ended.out) == (True, ""), ended.said
    assert "0123456789abcdef" in ended.err


# --- beside a running daemon ---
async def test_a_second_daemon_is_st004_and_commands_reach_the_first(served: Shop) -> None:
    await served.start(fresh=True)
    await served.until(served.ready, "the daemon to be ready")
    second = await served.run("run")
    status = await served.run("status")
    paused = await served.run("pause", "--reason", "stock-take")
    lifted = await served.run("resume")
    planned = await served.run("sync", "--full", "--dry-run", "--json")
    assert (second.code, second.err[:6]) == (1, "ST004 "), second.said
    assert status.out.splitlines()[0].split() == ["daemon", "running"]
    assert [paused.code, lifted.code, planned.code] == [0, 0, 0], planned.said
    assert await served.stop() == 0


# --- secrets ---
@pytest.mark.parametrize(
    "words", [["check", "config"], ["check", "config", "--json"], ["check", "connections"], ["sync", "--dry-run"]]
)
async def test_no_secret_is_printed(words: list[str], tmp_path: Path) -> None:
    ended = await alone(tmp_path, *words, LOG_LEVEL="debug", **SECRETS)
    assert "s3cret" not in ended.said
    assert ended.said != ""


async def test_no_secret_is_printed_by_a_daemon_or_by_checks_that_succeed(served: Shop) -> None:
    secrets = [slack.TOKEN, "sandbox-client-secret", "sandbox-app-secret", "sandbox-refresh-token", "shpat_sandbox"]
    secrets.append(f"{mail.USER}:{mail.PASSWORD}")
    served.env["LOG_LEVEL"] = "debug"
    config = await served.run("check", "config")
    connections = await served.run("check", "connections")
    await served.start()
    await served.until(served.ready, "the daemon to be ready")
    assert await served.stop() == 0
    said = config.said + connections.said + (served.folder / "daemon.log").read_text()
    assert [config.code, connections.code] == [0, 0], connections.said
    assert [secret for secret in secrets if secret in said] == []
