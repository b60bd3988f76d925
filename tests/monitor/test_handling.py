"""What people do about alerts shows in the messages that told of them: at once, and in every later edit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.asked import AcknowledgeOrder, LiftOrder, SilenceOrder
from monitor.channels.slack import Slack
from monitor.desk import AlertDesk
from monitor.serving import bind_tcp, serving
from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.messages.slack import TOKEN, Message, SlackWorkspace
from sandbox.messages.slack_app import slack_app
from tests.fakes.channel import FakeChannel
from tests.monitor.support import DIFFERS, START, THREE, World

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]

CHANNEL = "#wtf-inventory-alerts"
LABELLED = DIFFERS.replace("severity: warning", "severity: warning\n    labels: {team: shop}", 1).replace(
    "routes:", "  - {name: Fails, when: error_rate > 5%, severity: warning, labels: {team: it}}\nroutes:"
)


class Slacking(World):
    """A world whose Slack is the pretend one."""

    def __init__(self, folder: Path, alerts: str, port: int, workspace: SlackWorkspace, faults: Faults) -> None:
        self._url = f"http://127.0.0.1:{port}/api/"
        self.workspace, self.faults = workspace, faults
        super().__init__(folder, alerts)

    def _open(self, alerts: str) -> None:
        bot = Slack(token=TOKEN, channel=CHANNEL, base_url=self._url, seconds=5, buttons=True)
        self.ways = {"slack": bot, "email": FakeChannel(), "sms": FakeChannel("+1")}
        super()._open(alerts)

    @property
    def message(self) -> Message:
        return self.workspace.messages[0]

    def said(self) -> list[str]:
        """Return the lines of the first message that tell what people did."""
        return [text for text in _texts(self.message.shown.blocks) if text.startswith(("*Acknowledged*", "*Silenced*"))]

    def buttons(self) -> list[str]:
        """Return the words on the first message's buttons, links left out."""
        actions = [block for block in self.message.shown.blocks if block["type"] == "actions"]
        return [each["text"]["text"] for block in actions for each in block["elements"] if "url" not in each]

    async def acknowledge(self, *alerts: str, by: str = "anna") -> None:
        await self.desk.acknowledge(AcknowledgeOrder(alerts=alerts, by=by))
        await self.outbox.deliver()


def _texts(blocks: Any) -> list[str]:
    if isinstance(blocks, str):
        return [blocks]
    parts = list(blocks.values()) if isinstance(blocks, dict) else blocks if isinstance(blocks, (list, tuple)) else []
    return [text for part in parts for text in _texts(part)]


@pytest.fixture(params=[LABELLED])
async def world(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Slacking]:
    clock, faults = ManualClock(START), Faults()
    workspace = SlackWorkspace(clock=clock)
    bound = bind_tcp("127.0.0.1", 0)
    port = bound.getsockname()[1]
    async with serving(slack_app(workspace, faults, clock=clock), bound):
        made = Slacking(tmp_path, request.param, port, workspace, faults)
        yield made
        await made.database.close()


async def test_an_acknowledgement_edits_the_message_at_once_and_stays_to_the_end(world: Slacking) -> None:
    await world.turn(6)
    world.clock.pass_by(minutes=5)
    await world.acknowledge("Differs")
    at_once = world.said(), world.buttons(), len(world.workspace.messages)
    await world.turn(0, minutes=1)

    line = "*Acknowledged*\nby anna, 2026-11-24 10:05 UTC"
    assert at_once == ([line], ["Silence 1 h"], 1)
    assert world.said() == [line]
    assert world.message.shown.text.startswith("\N{LARGE GREEN CIRCLE} Resolved: Differs")


async def test_a_silence_and_its_lifting_edit_the_message_at_once(world: Slacking) -> None:
    await world.turn(6)
    wanted = SilenceOrder(labels={"team": "shop"}, length=timedelta(hours=2), reason="stock <take>", by="bert")
    kept = await world.desk.silence(wanted)
    await world.outbox.deliver()
    silenced = world.said(), world.buttons()
    world.clock.pass_by(minutes=30)
    await world.desk.lift(LiftOrder(silence=kept.id, by="anna"))
    await world.outbox.deliver()

    assert silenced == (["*Silenced*\nby bert until 2026-11-24 12:00 UTC: stock &lt;take&gt;"], ["Acknowledge"])
    assert world.said() == ["*Silenced*\nby bert until 2026-11-24 10:30 UTC (lifted by anna): stock &lt;take&gt;"]
    assert world.buttons() == ["Acknowledge", "Silence 1 h"]


async def test_a_silence_of_other_alerts_edits_nothing(world: Slacking) -> None:
    await world.turn(6)
    await world.desk.silence(SilenceOrder(labels={"team": "it"}, length=timedelta(hours=2), reason="move", by="bert"))
    await world.outbox.deliver()

    assert len(world.message.versions) == 1


async def test_an_edit_that_slack_does_not_take_is_tried_again(world: Slacking) -> None:
    await world.turn(6)
    world.faults.add("slack", "chat.update", Fault(FaultKind.SERVER_ERROR))
    await world.acknowledge("Differs")
    failed = world.said()
    await world.deliver(minutes=1)

    assert (failed, len(world.said())) == ([], 1)


async def test_what_was_done_while_no_daemon_ran_shows_once_one_does(world: Slacking) -> None:
    await world.turn(6)
    beside = AlertDesk(world.store, lambda: world.judge.subjects, world.clock)
    await beside.acknowledge(AcknowledgeOrder(alerts=("Differs",), by="anna"))
    before = world.said()
    await world.restart()
    await world.outbox.deliver()

    assert (before, len(world.said()), len(world.workspace.messages)) == ([], 1, 1)


async def test_what_was_done_before_a_message_goes_out_stands_in_it(world: Slacking) -> None:
    world.faults.add("slack", "chat.postMessage", Fault(FaultKind.BAD_GATEWAY))
    await world.turn(6)
    await world.acknowledge("Differs")
    await world.deliver(minutes=1)

    assert len(world.said()) == 1


async def test_a_message_that_is_gone_is_not_posted_anew_for_it(world: Slacking) -> None:
    await world.turn(6)
    world.workspace.delete(world.message.ts)
    await world.acknowledge("Differs")

    assert len(world.workspace.messages) == 1


@pytest.mark.parametrize("world", [THREE], indirect=True)
async def test_of_a_group_the_one_that_was_acknowledged_says_so(world: Slacking) -> None:
    await world.turn(8)
    await world.acknowledge("DiffersMore")
    await world.turn(6, minutes=1)

    lines = [text for text in _texts(world.message.shown.blocks) if "Acknowledged: by anna" in text]
    assert len(lines) == 1
    assert "DiffersMore" in lines[0]
