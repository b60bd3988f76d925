"""A served pretend shop with the real program as processes beside it; nothing outlives the block that opened it."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from sandbox.catalogue import generate
from sandbox.clock import RealClock
from sandbox.goods import Good
from sandbox.serve import serve
from sandbox.world import World
from tests.e2e.process import Process, forked, started

ORDER_LAG = 2
ALERTS = f"""\
sync_interval: 1s
check_interval: 1s
alerts:
  - name: InventoryDiscrepancy
    when: discrepant_skus > 5
    severity: warning
    summary: "{{{{ value }}}} SKUs differ"
routes:
  - severity: warning
    to: [slack]
channels:
  slack:
    channel: "#wtf-inventory-alerts"
limits:
  api:
    attempts: 2
    backoff: 1s
    longest_backoff: 1s
  stock:
    order_lag: {ORDER_LAG}s
    lightspeed_overlap: 5s
    shopify_overlap: 5s
    drift_limit: 1000
    brakes:
      min_links: 1000
  orders:
    quarantine: 3s
    look_again: 1s
    first_wait: 1s
    longest_wait: 2s
"""
_STOP_SECONDS = 10.0
_COMMAND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Return all it wrote, its white space in single blanks."""
        return " ".join(f"{self.out} {self.err}".split())


class Shop:
    """A world that is served, the environment of programs that use it, and their daemon."""

    def __init__(self, world: World, folder: Path, settings: Mapping[str, str]) -> None:
        self.world = world
        self.folder = folder
        self.clock = RealClock()
        self.daemon: Process | None = None
        self.begun: list[Process] = []
        self.skus = [good.sku for good in world.goods if plain(good)]
        (folder / "alerts.yaml").write_text(ALERTS)
        self.port, self.public_port = _free_port(), _free_port()
        places = {"OPS_LISTEN": f"127.0.0.1:{self.port}", "STOREFRONT_LISTEN": f"127.0.0.1:{self.public_port}"}
        self.env = surroundings(folder) | dict(settings) | places

    @property
    def ops(self) -> str:
        """Return the address of the daemon's private listener."""
        return f"http://127.0.0.1:{self.port}"

    async def run(self, *words: str, **env: str) -> Ended:
        """Run a command to its end."""
        return await command(self.env | env, self.folder, *words)

    async def begin(self, *words: str, fresh: bool = False) -> Process:
        """Start a command, from nothing where `fresh`; it is killed at the end, should it still run."""
        process = await _launch(fresh)(words, self.env, self.folder, stdin=True)
        self.begun.append(process)
        return process

    async def start(self, *, fresh: bool = False) -> Process:
        """Start the daemon, from nothing where `fresh`; its lines go to daemon.log."""
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemon = await _launch(fresh)(("run",), self.env, self.folder, log=log)
        return self.daemon

    async def ready(self) -> bool:
        """Tell whether the daemon says that it is ready."""
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self.ops}/readyz")).status_code == httpx.codes.OK
        return False

    async def kill(self) -> None:
        """Kill the daemon as a power cut would."""
        assert self.daemon is not None
        assert self.daemon.returncode is None, f"it ended by itself:\n{self.log()}"
        self.daemon.kill()
        await self.daemon.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the daemon to stop and return its exit code; raises TimeoutError after 10 seconds."""
        assert self.daemon is not None
        self.daemon.send_signal(number)
        return await asyncio.wait_for(self.daemon.wait(), _STOP_SECONDS)

    async def until(self, seen: Callable[[], object], what: str, seconds: float = 30.0) -> None:
        """Wait until `seen` (which may be a coroutine function) is true; fails with the daemon's last lines."""
        for _ in range(int(seconds * 10)):
            found = seen()
            if await found if inspect.isawaitable(found) else found:
                return
            await self.clock.sleep(0.1)
        message = f"waited {seconds:.0f} s for {what}; the daemon's last lines:\n{self.log()}"
        raise AssertionError(message)

    def log(self) -> str:
        """Return the end of what the daemon said."""
        path = self.folder / "daemon.log"
        return "\n".join(path.read_text().splitlines()[-25:]) if path.exists() else ""

    def out_of_step(self) -> dict[str, tuple[int, int]]:
        """Return what Shopify shows and what it should show, for every plain SKU where they differ."""
        pairs = {sku: (self.world.shopify.available(sku), self.world.sellable(sku)) for sku in self.skus}
        return {sku: pair for sku, pair in pairs.items() if pair[0] != pair[1]}


def plain(good: Good) -> bool:
    """Tell whether a good is linked by itself, so that the daemon keeps it in step."""
    both = good.in_store and good.online and not good.archived and good.tracked
    return both and good.item_type == "default" and good.online_sku is None and good.stock >= 0


@asynccontextmanager
async def shop(folder: Path, goods: int = 30) -> AsyncIterator[Shop]:
    """Open and serve a small world; whatever still runs at the end is killed."""
    world = World(
        generate(goods, 7), clock=RealClock(), seed=7, registers=500
    )  # a quota for very many polls and orders
    async with serve(world, folder=folder):
        opened = Shop(world, folder, world.settings())
        try:
            yield opened
        finally:
            for process in [*opened.begun, *([opened.daemon] if opened.daemon else [])]:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


def surroundings(folder: Path) -> dict[str, str]:
    """Return what a program needs around it: the interpreter's environment and its own two paths."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    root = str(Path(__file__).resolve().parents[2])
    return kept | {
        "PYTHONPATH": root,
        "COLUMNS": "200",
        "STATE_DIR": str(folder / "state"),
        "ALERTS_FILE": str(folder / "alerts.yaml"),
        "LOG_FORMAT": "json",
    }


async def command(
    env: Mapping[str, str], folder: Path, *words: str, seconds: float = _COMMAND_SECONDS, fresh: bool = False
) -> Ended:
    """Run `lightspeed-sync` with `words` to its end, from nothing where `fresh`; one that hangs is killed and fails."""
    process = await _launch(fresh)(words, env, folder)
    try:
        out, err = await asyncio.wait_for(process.communicate(), seconds)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def _launch(fresh: bool) -> Callable[..., Awaitable[Process]]:
    return started if fresh else forked


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
