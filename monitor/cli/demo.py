"""The demo: pretend shops in this process, the real daemon in another, and what it does shown as it happens."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from sandbox.catalogue import generate
from sandbox.clock import RealClock
from sandbox.faults import Fault, FaultKind
from sandbox.goods import Good
from sandbox.messages.slack import Message
from sandbox.serve import serve
from sandbox.shopify.sender import PRETEND_ADDRESS
from sandbox.world import World

GOODS = 120
_STEP = 0.1  # seconds between two looks at the world
_PATIENCE = 45.0  # the longest that anything promised may take
_TROUBLED = 8  # SKUs that go out of step while Shopify refuses writes: more than the alert's limit of 5
_ORDER_LAG = 3

_ALERTS = f"""\
sync_interval: 1s
check_interval: 1s
alerts:
  - name: InventoryDiscrepancy
    when: discrepant_skus > 5
    severity: warning
    summary: "{{{{ value }}}} SKUs differ between Lightspeed and Shopify"
  - name: ManualReconciliation
    when: quarantined_skus > 0
    severity: warning
    summary: "Unexplained differences that wait for a person: {{{{ value }}}}"
  - name: SyncLatencyHigh
    when: sync_latency > 10m
    severity: critical
routes:
  - severity: critical
    to: [slack, email]
  - severity: warning
    to: [slack, email]
channels:
  slack:
    channel: "#wtf-inventory-alerts"
  email:
    to: [ops@wtfswag.com]
limits:
  stock:
    order_lag: {_ORDER_LAG}s
    lightspeed_overlap: 5s
    shopify_overlap: 5s
"""


_REGISTERS = 30  # a bigger shop has a bigger quota: here it is polled sixty times as often as usual


class BrokenPromise(Exception):
    """Something the demo promises did not happen in time."""


def demo(*, once: bool) -> int:
    """Play the demo; with `once` return 0 when everything promised was seen, else wait for Ctrl-C."""
    console = Console(highlight=False)
    with TemporaryDirectory(prefix="lightspeed-sync-demo-") as folder:
        try:
            asyncio.run(_play(console, Path(folder), once=once))
        except BrokenPromise as broken:
            console.print(f"[red]✗ {broken}[/]")
            log = Path(folder, "daemon.log")
            if log.exists():
                console.print(*log.read_text().splitlines()[-25:], sep="\n", markup=False)
            return 1
        except KeyboardInterrupt:
            return 0
    return 0


async def _play(console: Console, folder: Path, *, once: bool) -> None:
    world = World(_goods(), clock=RealClock(), seed=7, registers=_REGISTERS)
    async with serve(world, folder=folder) as addresses:
        stage = Stage(console, world, folder)
        console.rule("[bold]lightspeed-sync demo")
        console.print(
            f"Two pretend shops with {GOODS} goods: Lightspeed on {addresses.lightspeed}, Shopify on "
            f"{addresses.shopify}.\nSlack, mail and SMS are pretended too; the daemon and its database are real."
        )
        sending = asyncio.create_task(world.webhooks.run(), name="webhooks")
        try:
            await stage.first_plan()
            await stage.start_daemon()
            await stage.till_and_delivery()
            await stage.online_order()
            await stage.trouble()
            await stage.recovery()
            await stage.unexplained_change()
            await stage.killed()
            stage.summary()
            if not once:
                await stage.stay_open()
        finally:
            sending.cancel()
            stopped = await stage.stop()
        if not stopped:
            raise BrokenPromise("the daemon did not stop within 10 seconds of SIGTERM")
        stage.promise("SIGTERM: the daemon drained and stopped")


def _goods() -> list[Good]:
    """Return a shop whose two sides disagree in a few places, as they do when the scripts have run for a while."""
    goods = generate(GOODS, 7)
    wrong = [good for good in goods if _plain(good)][:12]
    return [replace(good, online_stock=good.stock + 2 + wrong.index(good)) if good in wrong else good for good in goods]


def _plain(good: Good) -> bool:
    kept_in_step = good.in_store and good.online and not good.archived and good.tracked
    return kept_in_step and good.item_type == "default" and good.online_sku is None and 20 <= good.stock <= 60  # noqa: PLR2004


class Stage:
    """What the demo does and what it promises, step by step."""

    def __init__(self, console: Console, world: World, folder: Path) -> None:
        self._console = console
        self._world = world
        self._folder = folder
        self._clock = RealClock()
        self._daemon: subprocess.Popen[bytes] | None = None
        self._promises = 0
        self._skus = [good.sku for good in world.goods if _plain(good)]
        alerts = folder / "alerts.yaml"
        alerts.write_text(_ALERTS)
        port, public_port = _free_port(), _free_port()
        self._ops = f"http://127.0.0.1:{port}"
        world.webhooks.hosts[PRETEND_ADDRESS] = f"http://127.0.0.1:{public_port}"
        self._env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TERM")}
        self._env |= world.settings()
        self._env |= {
            "STATE_DIR": str(folder / "state"),
            "ALERTS_FILE": str(alerts),
            "OPS_LISTEN": f"127.0.0.1:{port}",
            "STOREFRONT_LISTEN": f"127.0.0.1:{public_port}",
            "LOG_FORMAT": "console",
        }

    # --- the steps ---
    async def first_plan(self) -> None:
        """Plan the first pass, show it, confirm it."""
        self._heading("First pass: a plan is made, reviewed and confirmed")
        await self._clock.sleep(_ORDER_LAG)
        plan = json.loads(await self._command("sync", "--full", "--dry-run", "--json"))
        table = Table(box=None, pad_edge=False)
        for name in ("SKU", "Shopify", "Lightspeed", "why"):
            table.add_column(name, overflow="fold")
        for change in plan["changes"][:5]:
            table.add_row(change["sku"], str(change["before"]), str(change["after"]), change["reason"])
        self._console.print(table)
        more = max(0, len(plan["changes"]) - 5)
        self._console.print(f"… and {more} more. Plan {plan['hash']}.", markup=False)
        await self._command("sync", "--full", "--confirm", "--json")
        wrong = self._out_of_step()
        if wrong:
            raise BrokenPromise(f"{len(wrong)} SKUs differ after the first pass: {wrong[:5]}")
        self.promise(f"{len(plan['changes'])} differences found and put right; {len(self._skus)} checked SKUs in step")

    async def start_daemon(self) -> None:
        """Start the daemon and wait until it is ready."""
        self._heading("The daemon starts: it syncs every second here, every 60 s by default")
        self._launch()
        await self._until(self._ready, "the daemon to be ready")
        self.promise(f"ready; status page {self._ops}/ and metrics {self._ops}/metrics")

    async def till_and_delivery(self) -> None:
        """Let a cashier sell and a delivery arrive."""
        self._heading("In the store: a cashier sells 3, a delivery of 48 arrives")
        sold, received = self._skus[0], self._skus[1]
        before = self._shown(sold), self._shown(received)
        self._world.lightspeed.sell(sold, 3)
        self._world.lightspeed.receive(received, 48)
        began = self._clock.now()
        await self._until(
            lambda: (self._shown(sold), self._shown(received)) == (before[0] - 3, before[1] + 48), "Shopify to follow"
        )
        seconds = (self._clock.now() - began).total_seconds()
        self._console.print(
            f"{sold}: {before[0]} → {self._shown(sold)}    {received}: {before[1]} → {self._shown(received)}"
        )
        self.promise(f"Shopify shows both after {seconds:.1f} s")

    async def online_order(self) -> None:
        """Let a shopper order, and see that the order reaches the till and nothing needs to be written."""
        self._heading("Online: a shopper orders 2")
        sku = self._skus[2]
        writes, before = len(self._world.shopify.writes), self._shown(sku)
        self._world.shopify.place_order({sku: 2}, shipping=Decimal("5.99"))
        await self._until(lambda: self._told("orders/create"), "the order's webhook to be answered")
        await self._until(lambda: not self._world.unbooked(), "the order to be booked")
        self._show_sale()
        await self._clock.sleep(_ORDER_LAG + 2)
        if len(self._world.shopify.writes) != writes or self._shown(sku) != before - 2:
            raise BrokenPromise("an ordinary order caused a stock write")
        self.promise(f"one sale at the till; {sku}: {before} → {before - 2} by Shopify itself, 0 stock writes of ours")

    def _told(self, topic: str) -> bool:
        """Tell whether the daemon has taken a webhook of this topic."""
        return any(each.headers["X-Shopify-Topic"] == topic for each in self._world.webhooks.sent)

    async def trouble(self) -> None:
        """Let Shopify fail while the till goes on selling, until Slack and e-mail know."""
        self._heading(f"Trouble: Shopify fails every stock write while {_TROUBLED} SKUs are sold in the store")
        self._world.faults.add("shopify", "inventorySetQuantities", Fault(FaultKind.REFUSED, times=0))
        for sku in self._skus[3 : 3 + _TROUBLED]:
            self._world.lightspeed.sell(sku, 1)
        await self._until(lambda: self._posted("InventoryDiscrepancy") is not None, "the alert in Slack")
        await self._until(lambda: len(self._world.mail.messages) > 0, "the alert by e-mail")
        self._show_slack("InventoryDiscrepancy")
        mail = self._world.mail.messages[0].message
        self._console.print(f"e-mail to {mail['To']}: {mail['Subject']}", markup=False)
        self.promise("Slack and e-mail were told")

    async def recovery(self) -> None:
        """Let Shopify work again, until the alert is resolved."""
        self._heading("Shopify works again")
        self._world.faults.clear("shopify")
        await self._until(lambda: not self._out_of_step(), "the SKUs to be in step again")
        await self._until(lambda: len(self._posted_versions("InventoryDiscrepancy")) > 1, "the message to be updated")
        await self._until(lambda: len(self._world.mail.messages) > 1, "the mail that it is over")
        self._show_slack("InventoryDiscrepancy")
        self.promise("in step again; the Slack message was updated in place, and answered in its thread")

    async def unexplained_change(self) -> None:
        """Let somebody change Shopify by hand: a little is put right, a lot waits for a person."""
        self._heading("Somebody types numbers into Shopify: +3 on one SKU, +15 on another")
        little, much = self._skus[12], self._skus[13]
        before = self._shown(little), self._shown(much)
        self._world.shopify.adjust(little, 3)
        self._world.shopify.adjust(much, 15)
        await self._until(lambda: self._shown(little) == before[0], "the small change to be put right")
        await self._until(lambda: self._posted("ManualReconciliation") is not None, "the alert about the large one")
        if self._shown(much) != before[1] + 15:
            raise BrokenPromise("the large change was overwritten without a person")
        self._console.print(await self._command("why", little), markup=False)
        self.promise(f"{little} is back at {before[0]}; {much} waits for a person, and Slack says so")

    async def killed(self) -> None:
        """Kill the daemon, let the store go on selling, and start it again."""
        self._heading("kill -9, a sale in the store and an order in the meantime, and a new start")
        assert self._daemon is not None  # noqa: S101 - started before
        self._daemon.kill()
        self._daemon.wait()
        sku = self._skus[14]
        before = self._shown(sku)
        self._world.lightspeed.sell(sku, 2)
        self._world.shopify.place_order({self._skus[2]: 1})
        self._launch()
        await self._until(lambda: self._shown(sku) == before - 2, "the sale made while it was down")
        await self._until(lambda: not self._world.unbooked(), "the order placed while it was down")
        self._show_sale()
        self.promise(f"nothing lost, nothing twice: {sku} {before} → {before - 2}")

    def _show_sale(self) -> None:
        """Show the till's latest sale of an online order."""
        sale = self._world.lightspeed.online_sales()[-1]
        self._console.print(
            f"Lightspeed sale {sale.sale_id}, reference {sale.reference_number}: {len(sale.line_ids)} lines, "
            f"{sale.calc_total} in all, paid"
        )

    def summary(self) -> None:
        """Say what was seen."""
        writes = len(self._world.shopify.writes)
        self._console.rule()
        self._console.print(
            f"[green]Everything promised was seen[/] ({self._promises} promises, {writes} stock writes, "
            f"{len(self._world.slack.messages)} Slack messages, {len(self._world.mail.messages)} mails)."
        )

    async def stay_open(self) -> None:
        """Let people trade in both shops until Ctrl-C."""
        self._console.print(
            f"People go on trading. The shop {self._world.addresses.front}/   status page {self._ops}/   "
            f"metrics {self._ops}/metrics   Ctrl-C ends it."
        )
        self._world.cashiers.per_hour = 600
        self._world.shoppers.per_hour = 300
        with suppress(asyncio.CancelledError):
            async with asyncio.TaskGroup() as people:
                people.create_task(self._world.cashiers.run())
                people.create_task(self._world.shoppers.run())

    # --- the daemon as a process ---
    def _launch(self) -> None:
        with (self._folder / "daemon.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [sys.executable, "-m", "monitor.cli", "run"], env=self._env, cwd=self._folder, stdout=log, stderr=log
            )

    async def _command(self, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "monitor.cli",
            *words,
            env=self._env,
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        if process.returncode:
            raise BrokenPromise(f"`lightspeed-sync {' '.join(words)}` ended with {process.returncode}: {err.decode()}")
        return out.decode().rstrip()

    async def stop(self) -> bool:
        """Ask the daemon to stop; tell whether it did within 10 seconds."""
        daemon = self._daemon
        if daemon is None or daemon.poll() is not None:
            return daemon is None or daemon.returncode == 0
        daemon.send_signal(signal.SIGTERM)
        for _ in range(100):
            if daemon.poll() is not None:
                return daemon.returncode == 0
            await self._clock.sleep(_STEP)
        daemon.kill()
        return False

    async def _ready(self) -> bool:
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self._ops}/readyz")).status_code == 200  # noqa: PLR2004
        return False

    # --- looking at the world ---
    async def _until(self, seen: Callable[[], object], what: str) -> None:
        deadline = self._clock.now().timestamp() + _PATIENCE
        while True:
            found = seen()
            if await found if asyncio.iscoroutine(found) else found:
                return
            if self._daemon is not None and self._daemon.poll() is not None:
                raise BrokenPromise(f"waited for {what}, but the daemon ended with {self._daemon.returncode}")
            if self._clock.now().timestamp() > deadline:
                raise BrokenPromise(f"waited {_PATIENCE:.0f} s for {what}")
            await self._clock.sleep(_STEP)

    def _shown(self, sku: str) -> int:
        return self._world.shopify.available(sku)

    def _out_of_step(self) -> list[str]:
        return [sku for sku in self._skus if self._shown(sku) != self._world.sellable(sku)]

    def _posted(self, alert: str) -> Message | None:
        """Return the alert's own message, which is the first that names it outside a thread."""
        roots = (message for message in self._world.slack.messages if message.thread_ts is None)
        return next((message for message in roots if alert in str(message.versions[0])), None)

    def _posted_versions(self, alert: str) -> Sequence[object]:
        message = self._posted(alert)
        return message.versions if message else ()

    def _show_slack(self, alert: str) -> None:
        message = self._posted(alert)
        assert message is not None  # noqa: S101 - waited for
        panel = Panel(message.shown.text, title="Slack #wtf-inventory-alerts", title_align="left", expand=False)
        self._console.print(panel, markup=False)

    def _heading(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/]")

    def promise(self, text: str) -> None:
        """Say what was seen, as promised."""
        self._promises += 1
        self._console.print(f"[green]✓[/] {text}")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
