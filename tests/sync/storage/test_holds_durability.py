"""A reservation that was granted is there after a kill at that very moment."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from sync.reservations import Asked, Granted
from sync.storage.holds import SqlHolds
from tests.sync.storage.build import NOW, open_inline, open_migrated, query, stocked
from tests.sync.storage.test_holds import holds_of

_LANES = 4


def reserve_until_killed(directory: Path, trial: int, out: int) -> None:
    """Reserve one unit after the other, telling of each grant as soon as it is known; never returns."""

    async def lane(holds: SqlHolds, number: int) -> None:
        taken = 0
        while True:
            taken += 1
            name = f"{trial}-{number}-{taken}"
            answer = await holds.reserve(Asked("1", None, 1, name, NOW, name))
            assert isinstance(answer, Granted)
            os.write(out, f"{answer.hold.hold_id}\n".encode())

    async def main() -> None:
        database = open_migrated(directory, threads=True)
        holds = holds_of(database, prefix=f"{trial}-")
        await asyncio.gather(*(lane(holds, number) for number in range(_LANES)))

    asyncio.run(main())


def killed_at_a_grant(directory: Path, trial: int) -> list[str]:
    """Let a process reserve, kill it once it told of some grants; return those."""
    told, out = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(told)
            reserve_until_killed(directory, trial, out)
        finally:
            os._exit(1)
    os.close(out)
    with os.fdopen(told) as lines:
        first = [lines.readline() for _ in range(1 + trial % 7)]
        os.kill(child, signal.SIGKILL)
        rest = lines.read()
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    return [line.strip() for line in first] + rest[: rest.rfind("\n") + 1].split()


async def _stock(directory: Path) -> None:
    database = open_inline(directory)
    await stocked(database, {1: 10**6})
    await database.close()


async def _kept(directory: Path) -> set[object]:
    database = open_inline(directory)
    kept = {row[0] for row in await query(database, "SELECT hold_id FROM holds WHERE ended_at IS NULL")}
    await database.close()
    return kept


@pytest.mark.parametrize("trials", [10, pytest.param(300, marks=pytest.mark.slow)])
def test_every_grant_survives_kill_9(tmp_path: Path, trials: int) -> None:
    asyncio.run(_stock(tmp_path))
    told = [hold_id for trial in range(trials) for hold_id in killed_at_a_grant(tmp_path, trial)]
    assert len(told) >= trials
    assert len(told) == len(set(told))
    assert set(told) <= asyncio.run(_kept(tmp_path))
