"""The first consent and a new one, by real processes against the pretend sign-in page: alone and beside a daemon."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.play import Ended, Shop, shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(tmp_path, goods=5) as opened:
        yield opened


async def consent(served: Shop, pasted: str | None = None) -> Ended:
    """Run `connect lightspeed` as a person does: open its address, paste where that leads to."""
    process = await served.begin("connect", "lightspeed")
    assert process.stdin is not None
    assert process.stdout is not None
    address = (await asyncio.wait_for(process.stdout.readline(), 30.0)).decode().strip()
    if pasted is None and address:
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(address)
        assert answer.status_code == 302, answer.text
        pasted = answer.headers["location"]
    out, err = await asyncio.wait_for(process.communicate(f"{pasted}\n".encode()), 60.0)
    assert process.returncode is not None
    return Ended(process.returncode, address + out.decode(), err.decode())


async def passes(served: Shop) -> bool:
    """Tell whether a full pass succeeds."""
    return (await served.run("sync", "--full", "--confirm")).code == 0


async def test_a_shop_without_any_token_is_connected_by_consent(served: Shop) -> None:
    served.env["LIGHTSPEED_REFRESH_TOKEN"] = "long-dead"
    before = await served.run("check", "connections")
    ended = await consent(served)
    after = await served.run("check", "connections")
    assert (before.code, "LS005" in before.out) == (4, True), before.said
    assert (ended.code, ended.err.splitlines()[-1]) == (0, "Connected; the token pair is stored."), ended.said
    assert after.code == 0, after.said


async def test_a_running_daemon_takes_a_new_consent_and_goes_on_without_a_restart(served: Shop) -> None:
    assert await passes(served)
    await served.start()
    await served.until(served.ready, "the daemon to be ready")
    served.world.lightspeed.oauth.disconnect()
    refused = await served.run("sync", "--confirm")
    ended = await consent(served)
    served.world.lightspeed.receive(served.skus[0], 3)
    again = await served.run("sync", "--confirm")
    connections = await served.run("check", "connections")
    await served.until(lambda: not served.out_of_step(), "every SKU to be in step")
    assert await served.stop() == 0
    assert (refused.code, "LS005" in refused.err) == (4, True), refused.said
    assert (ended.code, ended.err.splitlines()[-1]) == (0, "Connected; the token pair is stored."), ended.said
    assert (again.code, connections.code) == (0, 0), again.said + connections.said


@pytest.mark.parametrize(
    ("pasted", "sentence"),
    [
        pytest.param("0123456789abcdef", "(invalid_grant)", id="a code nobody gave"),
        pytest.param("https://x.test/?code=1&state=other", "belongs to another consent", id="another consent's"),
        pytest.param("https://x.test/?error=access_denied", "Consent was not given.", id="refused"),
    ],
)
async def test_what_is_no_consent_is_told_in_words_beside_a_daemon(pasted: str, sentence: str, served: Shop) -> None:
    await served.start()
    await served.until(served.ready, "the daemon to be ready")
    ended = await consent(served, pasted)
    connections = await served.run("check", "connections")
    assert await served.stop() == 0
    assert (ended.code, sentence in ended.err, "Traceback" in ended.err) == (4, True, False), ended.said
    assert connections.code == 0, "the pair that worked still does"


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a daemon"])
async def test_a_person_who_pastes_nothing_is_told_so_and_nothing_is_refused(beside: bool, served: Shop) -> None:
    if beside:
        await served.start()
        await served.until(served.ready, "the daemon to be ready")
    ended = await consent(served, "")
    if beside:
        assert await served.stop() == 0
    assert (ended.code, ended.err.splitlines()[-1]) == (
        2,
        "Nothing was pasted, so nothing was changed. Run the command again for a new address.",
    ), ended.said


async def test_ctrl_c_ends_a_consent_that_waits(served: Shop) -> None:
    process = await served.begin("connect", "lightspeed")
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 30.0)
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.wait(), 10.0)
    assert process.stderr is not None
    assert b"Traceback" not in await process.stderr.read()
    assert (await served.run("pause", "--reason", "the directory is free")).code == 0
