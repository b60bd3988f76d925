"""`alerts test` and `alerts drill`: what people read about each message, and through real channels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.asked import Rehearsed, Sent
from monitor.cli import rehearsing
from monitor.cli.common import Exit
from monitor.notice import FailureReason, Kind
from tests.e2e.play import shop

BEGAN = Sent("slack", Kind.FIRING, 0.31, "C1 17.1")
ENDED = Sent("slack", Kind.RESOLVED, 0.2, "C1 17.2")
REFUSED = Sent("email", Kind.FIRING, 0.1, "", FailureReason.REFUSED, "535 authentication failed", "NT002")
UNREACHED = Sent("email", Kind.FIRING, 0.1, "", FailureReason.UNREACHABLE, "ConnectError", "NT001")


def told(came: Rehearsed, capsys: pytest.CaptureFixture[str]) -> tuple[Exit, list[str], list[str]]:
    code = rehearsing._told(came, json=False)
    shown = capsys.readouterr()
    return code, shown.out.splitlines(), shown.err.splitlines()


def test_what_was_delivered_is_told_with_its_proof(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(Rehearsed("Differs", [BEGAN, ENDED]), capsys) == (
        Exit.DONE,
        ["slack: the beginning was taken in 0.3 s (proof C1 17.1); the end was taken in 0.2 s (proof C1 17.2)."],
        [],
    )


def test_what_was_refused_is_told_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(Rehearsed("Differs", [BEGAN, REFUSED, ENDED]), capsys) == (
        Exit.WRONG,
        [
            "slack: the beginning was taken in 0.3 s (proof C1 17.1); the end was taken in 0.2 s (proof C1 17.2).",
            "email: the beginning was not delivered: the service refused it (535 authentication failed).",
        ],
        ["Renew the credentials of that channel."],
    )


def test_a_service_that_cannot_be_reached_has_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(Rehearsed("email", [UNREACHED], waiting=2, last_error="unreachable: ConnectError"), capsys) == (
        Exit.UNREACHABLE,
        [
            "email: the beginning was not delivered: the service could not be reached (ConnectError).",
            "2 messages of alerts still wait for email; the last try met with: unreachable: ConnectError.",
        ],
        ["Try again in a while. Alerts are kept meanwhile, and tried again by themselves."],
    )


def test_channels_that_are_not_set_up_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = told(Rehearsed("Differs", [], {"sms": "no telephone number stands under channels.sms.to"}), capsys)
    assert (code, lines) == (
        Exit.WRONG,
        ["sms: nothing was sent: no telephone number stands under channels.sms.to."],
    )


def test_an_alert_that_leads_nowhere_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = told(Rehearsed("Differs", []), capsys)
    assert (code, lines) == (Exit.WRONG, ["Differs: no route leads to a channel, so nobody would be told."])


@pytest.mark.anyio
async def test_tests_and_drills_go_through_the_daemons_channels_or_ones_own(tmp_path: Path) -> None:
    async with shop(tmp_path, goods=12) as served:
        assert (await served.run("sync", "--full", "--confirm")).code == 0
        alone = await served.run("alerts", "test", "slack")
        assert "This is a test." in str(served.world.slack.messages)
        await served.start()
        await served.until(served.ready, "the daemon to be ready")
        drilled = await served.run("alerts", "drill", "InventoryDiscrepancy", "--json")
        unknown = await served.run("alerts", "test", "slak")
        assert await served.stop() == 0
    assert (alone.code, alone.out.startswith("slack: the test was taken in ")) == (0, True), alone.said
    came = json.loads(drilled.out)
    assert (drilled.code, came["well"]) == (0, True)
    assert [(each["place"], each["kind"]) for each in came["sent"]] == [("slack", "firing"), ("slack", "resolved")]
    assert "DRILL of InventoryDiscrepancy" in str(served.world.slack.messages)
    assert (unknown.code, "(slak; did you mean slack?)" in unknown.err) == (1, True), unknown.said
