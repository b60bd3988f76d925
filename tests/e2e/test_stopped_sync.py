"""`sync --confirm` is stopped by Ctrl-C or killed, as a process or with the daemon; the same command goes on."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.faults import Fault, FaultKind
from tests.e2e.play import ALERTS, Shop, shop

pytestmark = pytest.mark.anyio

READING, WRITING = "bulkOperationRunQuery", "inventorySetQuantities"  # neither is asked by a pass of the daemon
CONFIRM = ("sync", "--full", "--confirm", "--json")


@pytest.fixture
async def planned(tmp_path: Path) -> AsyncIterator[Shop]:
    """Open a shop in which every number online is far off, with a plan of that."""
    async with shop(tmp_path, goods=12) as opened:
        (tmp_path / "alerts.yaml").write_text(ALERTS.replace("drift_limit: 1000", "drift_limit: 1"))
        for sku in opened.skus:
            opened.world.shopify.adjust(sku, 40)
        made = await opened.run("sync", "--full", "--dry-run")
        assert made.code == 0, made.said
        yield opened


async def held_up(opened: Shop, at: str) -> asyncio.Task[tuple[int | None, str, str]]:
    """Begin to carry the plan out, and return once a call of it is held up."""
    asked = opened.world.shopify.request_log[at]
    opened.world.faults.add("shopify", at, Fault(FaultKind.SLOW, seconds=1.5))
    process = await opened.begin(*CONFIRM)
    await opened.until(lambda: opened.world.shopify.request_log[at] > asked, f"{at} to be asked")

    async def ended() -> tuple[int | None, str, str]:
        out, err = await asyncio.wait_for(process.communicate(), 30.0)
        return process.returncode, out.decode(), err.decode()

    return asyncio.create_task(ended())


async def goes_on(opened: Shop) -> None:
    """Confirm the same plan again until it is done."""
    opened.world.faults.clear()

    async def done() -> bool:
        return (await opened.run(*CONFIRM)).code == 0

    await opened.until(done, "the plan to be carried out", 60.0)
    assert opened.out_of_step() == {}


@pytest.mark.parametrize(
    ("at", "daemon"),
    [
        pytest.param(READING, False, id="reading"),
        pytest.param(WRITING, False, id="writing", marks=pytest.mark.slow),
        pytest.param(READING, True, id="reading, by the daemon"),
        pytest.param(WRITING, True, id="writing, by the daemon", marks=pytest.mark.slow),
    ],
)
async def test_ctrl_c_ends_it_cleanly_and_tells_what_was_done(planned: Shop, at: str, daemon: bool) -> None:
    if daemon:
        await planned.start()
        await planned.until(planned.ready, "the daemon to be ready")
    ended = await held_up(planned, at)
    planned.begun[-1].send_signal(signal.SIGINT)
    code, out, err = await ended
    reply = json.loads(out)
    assert "Stopping as soon as the calls under way are answered" in err
    assert "Traceback" not in err
    if at == READING:
        assert (code, reply["outcome"], len(reply["left"])) == (1, "interrupted", len(planned.skus))
    else:  # its only stock call was answered
        assert (code, reply["outcome"], reply["left"]) == (0, "ok", [])
    await goes_on(planned)


@pytest.mark.parametrize("at", [pytest.param(READING, marks=pytest.mark.slow), WRITING])
@pytest.mark.parametrize(
    "whom",
    [
        "the daemon",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("the command", "the command beside a daemon")),
    ],
)
async def test_what_is_killed_leaves_a_state_that_the_same_command_goes_on_from(
    planned: Shop, at: str, whom: str
) -> None:
    if "daemon" in whom:
        await planned.start()
        await planned.until(planned.ready, "the daemon to be ready")
    ended = await held_up(planned, at)
    if whom == "the daemon":
        await planned.kill()
        code, _, err = await ended
        assert (code, "the daemon stopped before it answered" in err) == (4, True), err
        await planned.start()
        await planned.until(planned.ready, "the daemon to be ready")
    else:
        planned.begun[-1].kill()
        await ended
    await goes_on(planned)
