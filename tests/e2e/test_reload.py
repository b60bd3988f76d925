"""A running daemon takes a changed alerts.yaml, and keeps the old one where the new has a mistake."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.play import ALERTS, Shop, shop
from tests.e2e.service_manager import Manager

pytestmark = pytest.mark.anyio

TAKEN = "lightspeed_sync_alerts_file_last_reload_successful"
REJECTED = """
  - name: AlertsFileRejected
    when: alerts_file_rejected > 0
    severity: warning
"""
AGES = """
  - name: NeverProved
    when: equality_proof_age > 0s
    severity: warning
"""


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(tmp_path, goods=5) as opened:
        yield opened


def write(served: Shop, text: str) -> None:
    other = served.folder / "alerts.next"
    other.write_text(text)
    other.replace(served.folder / "alerts.yaml")


async def metrics(served: Shop) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{served.ops}/metrics")).text


async def test_a_daemon_takes_a_changed_file_and_keeps_the_old_where_the_new_is_wrong(served: Shop) -> None:
    started_with = ALERTS.replace("alerts:\n", f"alerts:{REJECTED}", 1)
    (served.folder / "alerts.yaml").write_text(started_with)
    manager = Manager(served.folder / "notify")
    served.env |= {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "60000000"}
    await served.start(fresh=True)
    await served.until(served.ready, "the daemon to be ready")

    async def shows(line: str) -> bool:
        return line in (await metrics(served)).splitlines()

    async def fires() -> bool:
        return "NeverProved" in (await served.run("status")).said

    async def tells() -> bool:
        return any("did you mean alerts?" in str(message.shown.blocks) for message in served.world.slack.messages)

    assert await shows(f"{TAKEN} 1.0")
    write(served, ALERTS.replace("alerts:", "alers:", 1))
    await served.until(lambda: shows(f"{TAKEN} 0.0"), "the mistake to be noticed")
    assert "did you mean alerts?" in served.log()
    await served.until(tells, "the mistake to be told")

    for command in (["status"], ["alerts", "list"]):
        told = (await served.run(*command)).said
        assert "alerts.yaml REFUSED since" in told
        assert "did you mean alerts?" in told

    mended = ALERTS.replace("alerts:\n", f"alerts:{AGES}", 1) + "  storefront: {cart_units: 3}\n"
    (served.folder / "alerts.yaml").write_text(mended)
    assert served.daemon is not None
    served.daemon.send_signal(signal.SIGHUP)
    await served.until(lambda: shows(f"{TAKEN} 1.0"), "the mended file to be taken")
    await served.until(fires, "the new alert to fire")
    told = (await served.run("status")).said
    assert "REFUSED" not in told
    assert "counts from the next start: limits.storefront" in told
    assert await served.stop() == 0
    heard = manager.heard()
    manager.close()
    assert (heard[0], heard[-1], set(heard[1:-1])) == ("READY=1", "STOPPING=1", {"WATCHDOG=1"})
