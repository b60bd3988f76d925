"""A process that judges alerts and delivers messages, to be killed: rules, outbox and channels are the product's.

How many SKUs differ is read from a file; it notes in files that it runs, what was in doubt, and that nothing waits.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from monitor.alerts_file import load_alerts
from monitor.channels.opening import open_channels
from monitor.judging import Judge
from monitor.metrics import Build, Metrics
from monitor.notice import FailureReason
from monitor.outbox import Outbox
from monitor.store import Store
from monitor.vitals import Disk, VitalsWatch
from monitor.watch import delivery_policy
from sync.clock import SystemClock
from sync.config import load_settings
from sync.storage.opening import open_database
from tests.fakes.history import FakeHistory
from tests.monitor.support import SHOP


class Meter:
    """Notes attempts whose fate is unknown, each on a line."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def sent(self, channel: str) -> None: ...

    def delivered(self, channel: str, seconds: float) -> None: ...

    def failed(self, channel: str, reason: FailureReason) -> None:
        if reason is FailureReason.AMBIGUOUS:
            with self._file.open("a") as file:
                file.write(f"{channel}\n")


async def run(folder: Path) -> None:
    settings, content = load_settings(os.environ), load_alerts(folder / "alerts.yaml")
    clock, history = SystemClock(), FakeHistory()
    store = Store(open_database(folder, SHOP, clock.now()))
    outbox = Outbox(
        store,
        open_channels(settings, content, clock),
        delivery_policy(content),
        clock=clock,
        rng=random.Random(),
        meter=Meter(folder / "in_doubt"),
    )
    judge = Judge(
        content,
        ledger=history,
        orders=history,
        books=True,
        store=store,
        outbox=outbox,
        metrics=Metrics(Build("0.1.0", "2026-10")),
        vitals=VitalsWatch(clock, lambda: Disk(free=60, size=100)),
        clock=clock,
    )
    await outbox.recover()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(outbox.run())
        while True:
            history.differ(int((folder / "level").read_text()))
            await judge.evaluate(clock.now())
            (folder / "runs").touch()
            if not await store.open_incidents() and (await store.backlog()).depth == 0:
                (folder / "quiet").touch()
            await clock.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
