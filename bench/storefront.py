"""Measures how many requests a second the public listener answers, beside a bare route of the same server.

The daemon, the bare route and wrk are processes of their own, on the same machine, so wrk takes part of it. The
bare route returns constant JSON by Starlette on uvicorn; it and /availability are measured in turns, and the ratio is
of what each of them does in a second of its own CPU, too, which a busy machine disturbs less. Every grant of a
reservation is durable before it is answered. Exits 1 where a figure is under its limit.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import time
from urllib.parse import urlencode

import httpx
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.full_pass import Bench, Process
from monitor.serving import bind_tcp, serving
from sandbox.catalogue import generate
from sandbox.clock import RealClock
from sandbox.serve import serve
from sandbox.world import World

GOODS = 200
CONNECTIONS = 64
LEAST = {"availability": 8000, "inventory": 3000, "sync": 3000, "reserve": 1500}  # a second
MOST_P99 = 20.0  # ms, of /availability
LEAST_SHARE = 0.45  # of a bare route

_PEERS = Path(__file__).resolve().parents[1] / ".peers" / "usr"
_SHOP, _SECRET = "wtfswag.myshopify.com", b"sandbox-app-secret"
_ALERTS = """
limits:
  stock: {order_lag: 3s}
  storefront:
    client_rate: 1000000
    client_burst: 1000000
    rate: 1000000
    burst: 1000000
"""
_CONSTANT = {"itemID": "1", "variantId": "44001", "quantity": 5, "available": True, "asOf": "2026-11-22T10:00:00Z"}
_RESERVE = """
local number = 0
request = function()
  number = number + 1
  wrk.headers["X-Forwarded-For"] = string.format("10.%d.%d.%d", number / 65536 % 256, number / 256 % 256, number % 256)
  local item = ITEMS[number % #ITEMS + 1]
  return wrk.format("POST", nil, nil, string.format('{"lightspeedId":%s,"quantity":1,"cartToken":"c%d"}', item, number))
end
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run of wrk saw, and what the server's process used for it."""

    rate: float  # requests a second
    p99: float  # ms
    per_cpu: float  # requests a second of the server's CPU
    refused: int  # answers other than 2xx and 3xx


def main() -> int:
    """Measure, print the figures, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.storefront", description=__doc__)
    parser.add_argument("--seconds", type=int, default=6, help="how long each run takes")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; the median counts")
    parser.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.bare is not None:
        asyncio.run(_serve_bare(args.bare))
        return 0
    with TemporaryDirectory(prefix="lightspeed-sync-bench-") as folder:
        return asyncio.run(_measure(args.seconds, args.rounds, Path(folder), Console(highlight=False)))


async def _serve_bare(port: int) -> None:
    async def constant(_: Request) -> Response:
        return JSONResponse(_CONSTANT)

    async with serving(Starlette(routes=[Route("/bare", constant)]), bind_tcp("127.0.0.1", port), public=True):
        await asyncio.Event().wait()


async def _measure(seconds: int, rounds: int, folder: Path, console: Console) -> int:
    goods = [replace(good, stock=100_000, online_stock=None) for good in generate(GOODS, 1, odd=False)]
    world = World(goods, clock=RealClock(), seed=1)
    port, bare_port = _free_port(), _free_port()
    async with serve(world, folder=folder):
        bench = Bench(world, folder, alerts_text=_ALERTS, environment={"STOREFRONT_LISTEN": f"127.0.0.1:{port}"})
        async with bench.daemon() as daemon:
            with _bare(bare_port) as bare:
                await world.clock.sleep(2)
                runs = Runs(folder, seconds, port=port, bare_port=bare_port)
                found = await asyncio.to_thread(runs.all, daemon, bare, rounds)
    return _show(found, console)


@contextmanager
def _bare(port: int) -> Iterator[Process]:
    process = subprocess.Popen([sys.executable, "-m", "bench.storefront", "--bare", str(port)])  # noqa: S603
    try:
        yield Process(process.pid)
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs wrk against the daemon and the bare route."""

    folder: Path
    seconds: int
    port: int
    bare_port: int

    def all(self, daemon: Process, bare: Process, rounds: int) -> dict[str, list[Figures]]:
        """Return the figures of each run by what was asked, in turns."""
        listed = httpx.get(self._url("inventory", limit=str(GOODS))).json()["items"]
        items = [each["itemID"] for each in listed]
        item, body = items[0], {"updates": [{"lightspeedId": each, "quantity": 5} for each in items]}
        names = "{" + ",".join(f'"{each}"' for each in items) + "}"
        sync = self._script("sync", f"wrk.method = 'POST'\nwrk.body = [[{json.dumps(body)}]]\n")
        reserve = self._script("reserve", f"local ITEMS = {names}\n{_RESERVE}")
        found: dict[str, list[Figures]] = {}
        for _ in range(rounds):
            for name, figures in (
                ("bare", lambda: self._wrk(f"http://127.0.0.1:{self.bare_port}/bare", bare)),
                ("availability", lambda: self._wrk(self._url("availability", lightspeed_id=item), daemon)),
                ("inventory", lambda: self._wrk(self._url("inventory"), daemon)),
                ("sync", lambda: self._wrk(self._url("sync"), daemon, sync)),
                ("reserve", lambda: self._wrk(self._url("reserve"), daemon, reserve)),
            ):
                found.setdefault(name, []).append(figures())
        return found

    def _script(self, name: str, text: str) -> Path:
        path = self.folder / f"{name}.lua"
        path.write_text(text)
        return path

    def _url(self, route: str, **own: str) -> str:
        pairs: Mapping[str, str] = {
            "shop": _SHOP,
            "logged_in_customer_id": "",
            "path_prefix": "/apps/wtf/lightspeed",
            "timestamp": str(int(time())),
            **own,
        }
        text = "".join(sorted(f"{name}={value}" for name, value in pairs.items()))
        signature = hmac.new(_SECRET, text.encode(), hashlib.sha256).hexdigest()
        query = urlencode({**pairs, "signature": signature})
        return f"http://127.0.0.1:{self.port}/apps/wtf/lightspeed/{route}?{query}"

    def _wrk(self, url: str, server: Process, script: Path | None = None) -> Figures:
        command = [*_wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{self.seconds}s", "--latency"]
        command += ["-s", str(script)] if script else []
        used = server.cpu()
        libraries = ":".join(str(path) for path in sorted((_PEERS / "lib").glob("*-linux-gnu*")))
        said = subprocess.run(  # noqa: S603
            [*command, url], env=os.environ | {"LD_LIBRARY_PATH": libraries}, capture_output=True, text=True, check=True
        ).stdout
        used = server.cpu() - used
        return read(said, used)


def _wrk() -> list[str]:
    found = shutil.which("wrk") or str(_PEERS / "bin" / "wrk")
    if not Path(found).exists():
        sys.exit("wrk is missing: install Debian's package wrk, or run make peers")
    return [found]


def read(said: str, cpu: float) -> Figures:
    """Return what wrk has printed as figures; `cpu` are the seconds that the server used meanwhile."""
    p99, unit = re.findall(r"99%\s+([0-9.]+)(us|ms|s)", said)[0]
    requests = int(re.findall(r"([0-9]+) requests in", said)[0])
    refused = re.findall(r"Non-2xx or 3xx responses: ([0-9]+)", said)
    return Figures(
        rate=float(re.findall(r"Requests/sec:\s+([0-9.]+)", said)[0]),
        p99=float(p99) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit],
        per_cpu=requests / cpu if cpu else 0.0,
        refused=int(refused[0]) if refused else 0,
    )


def _show(found: Mapping[str, list[Figures]], console: Console) -> int:
    table = Table(title=f"{CONNECTIONS} connections, {GOODS} goods", title_justify="left", box=None, pad_edge=False)
    for name in ("", "a second", "p99, ms", "a second of CPU", "refused", "least", ""):
        table.add_column(name, justify="right" if name else "left")
    good = True
    for name, runs in found.items():
        middle = _middle(runs)
        least = LEAST.get(name)
        fine = middle.refused == 0 and (least is None or middle.rate >= least)
        fine = fine and (name != "availability" or middle.p99 < MOST_P99)
        good &= fine
        shown = (f"{middle.rate:.0f}", f"{middle.p99:.1f}", f"{middle.per_cpu:.0f}", str(middle.refused))
        table.add_row(name, *shown, str(least or ""), "ok" if fine else "UNDER")
    console.print(table)
    ours, theirs = _middle(found["availability"]), _middle(found["bare"])
    share, of_cpu = ours.rate / theirs.rate, ours.per_cpu / theirs.per_cpu
    good &= share >= LEAST_SHARE
    console.print(
        f"/availability does {share:.2f} of what the bare route does in the same time, {of_cpu:.2f} with the same CPU "
        f"(least {LEAST_SHARE}: {'ok' if share >= LEAST_SHARE else 'UNDER'})"
    )
    return 0 if good else 1


def _middle(runs: list[Figures]) -> Figures:
    return Figures(
        rate=median(each.rate for each in runs),
        p99=median(each.p99 for each in runs),
        per_cpu=median(each.per_cpu for each in runs),
        refused=sum(each.refused for each in runs),
    )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
