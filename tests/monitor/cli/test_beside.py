"""Reading commands beside a running daemon: they take no lock and tell what it did."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.e2e.play import command, shop, surroundings

pytestmark = pytest.mark.anyio


async def test_checks_and_reasons_are_told_beside_a_running_daemon(tmp_path: Path) -> None:
    async with shop(tmp_path, goods=10) as served:
        sku = served.skus[0]
        served.world.shopify.adjust(sku, 4)
        confirmed = await served.run("sync", "--full", "--confirm")
        await served.start()
        await served.until(served.ready, "the daemon to be ready")
        connections = await served.run("check", "connections", "--json")
        why = await served.run("why", sku, "--json")
        told = await served.run("why", sku)
        table = await served.run("sql", "--csv", "SELECT sku, shopify_qty FROM sync_validation")
        assert await served.stop() == 0
    assert [each.code for each in (confirmed, connections, why, told, table)] == [0, 0, 0, 0, 0], connections.said
    assert {each["service"] for each in json.loads(connections.out)} == {"Lightspeed", "Shopify"}
    answer = json.loads(why.out)
    assert answer["now"]["target"] == answer["now"]["seen_available"] == served.world.sellable(sku)
    shown = served.world.sellable(sku)
    assert told.out.startswith(f"now: Shopify shows {shown}, should show {shown}: ")
    names, *rows = csv.reader(io.StringIO(table.out))
    assert names == ["sku", "shopify_qty"]
    assert dict(rows)[sku] == str(served.world.sellable(sku))


async def test_a_sandbox_says_which_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = await command(surroundings(tmp_path), tmp_path, "sandbox", "--goods", "1", "--port", str(port))
    assert (ended.code, f"port {port} of 127.0.0.1 is taken" in ended.said) == (2, True), ended.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_sandbox_that_is_told_to_end_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    pipe, env = asyncio.subprocess.PIPE, surroundings(tmp_path) | {"TMPDIR": str(temporary)}
    program = (sys.executable, "-m", "monitor.cli", "sandbox", "--goods", "3", "--storefront", "127.0.0.1:8181")
    process = await asyncio.create_subprocess_exec(*program, env=env, cwd=tmp_path, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 30.0)
    during = [path.name for path in temporary.iterdir() if path.name.startswith("lightspeed-sync-sandbox-")]
    process.send_signal(number)
    out, said = await asyncio.wait_for(process.communicate(), 15.0)
    assert (process.returncode, said.decode()) == (0, "")
    assert "export STOREFRONT_LISTEN='127.0.0.1:8181'" in out.decode().splitlines()
    assert len(during) == 1
    assert not list(temporary.iterdir())


async def test_a_daemon_says_that_its_place_is_taken(tmp_path: Path) -> None:
    async with shop(tmp_path, goods=1) as served:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", served.port))
            taken.listen()
            ended = await served.run("run")
    assert (ended.code, ended.err.splitlines()[-1]) == (
        2,
        f"OPS_LISTEN 127.0.0.1:{served.port} cannot be used: Address already in use.",
    )
