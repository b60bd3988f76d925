"""What was acknowledged survives a kill."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from sync.storage.ledger import SqlLedger
from tests.sync.storage.build import NOW, ROOT, open_inline, query

pytestmark = pytest.mark.anyio

_WRITER = """
import asyncio, sys
from pathlib import Path
from sync.storage.ledger import SqlLedger
from sync.storage.opening import open_database
from tests.sync.storage.build import NOW, SHOP
async def main():
    ledger = SqlLedger(open_database(Path(sys.argv[1]), SHOP, NOW))
    async def one():
        while True:
            print(await ledger.begin_run("stock", NOW), flush=True)
    await asyncio.gather(*(one() for _ in range(4)))
asyncio.run(main())
"""


def write_until_killed(directory: Path, acknowledgements: int) -> list[int]:
    """Let a process open runs, kill it after some acknowledgements; return the runs it was told of."""
    command = [sys.executable, "-c", _WRITER, str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(acknowledgements)]
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read()
        told += [int(line) for line in rest[: rest.rfind("\n") + 1].splitlines()]
    return told


async def test_every_acknowledged_write_survives_kill_9(tmp_path: Path) -> None:
    draw = random.Random(20261122)
    told: list[int] = []
    for _ in range(4):
        told += write_until_killed(tmp_path, draw.randrange(1, 200))
    assert len(told) == len(set(told)), "no run's number is ever given twice"
    database = open_inline(tmp_path)
    kept = {row[0] for row in await query(database, "SELECT run_id FROM runs")}
    assert set(told) <= kept
    assert await query(database, "PRAGMA integrity_check") == [("ok",)]
    assert await SqlLedger(database).interrupt_runs(NOW) == len(kept)
    await database.close()


_NO_MORE_ROOM = """
import asyncio, resource, signal, sys
from pathlib import Path
from sync.errors import SyncError
from sync.storage.ledger import SqlLedger
from sync.storage.opening import open_database
from tests.sync.storage.build import NOW, SHOP
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
async def main():
    ledger = SqlLedger(open_database(Path(sys.argv[1]), SHOP, NOW))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    for _ in range(2):
        try:
            while True:
                print(await ledger.begin_run("x" * 10_000, NOW))
        except SyncError as error:
            print(error.code.name, type(error).__name__)
asyncio.run(main())
"""


def test_a_disk_that_fails_stops_all_writing_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _NO_MORE_ROOM, str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    *told, first, second = ran.stdout.split("\n")[:-1]
    assert (first, second) == ("ST006 Permanent", "ST006 Permanent"), "the second time without touching the file"
    assert len(told) > 10
    assert anyio.run(_kept_runs, tmp_path) >= {int(run) for run in told}


async def _kept_runs(directory: Path) -> set[object]:
    database = open_inline(directory)
    kept = {row[0] for row in await query(database, "SELECT run_id FROM runs")}
    await database.close()
    return kept
