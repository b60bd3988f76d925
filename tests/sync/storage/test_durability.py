"""What was acknowledged survives a kill."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

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
