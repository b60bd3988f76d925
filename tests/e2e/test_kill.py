"""The daemon is killed as by a power cut while people trade; afterwards nothing is lost and nothing done twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.play import Shop, shop

pytestmark = pytest.mark.anyio


_WORDS = (
    ("status",),
    ("status", "--json"),
    ("sku", "mismatches"),
    ("alerts", "list"),
    ("alerts", "backtest"),
    ("conflicts", "list"),
    ("orders", "list"),
    (
        "sql",
        "SELECT sku, lightspeed_qty - shopify_qty AS apart FROM sync_validation WHERE lightspeed_qty <> shopify_qty",
    ),
)


@pytest.mark.parametrize(
    ("kills", "seed", "database"),
    [
        pytest.param(2, 3, "sqlite", id="two kills"),
        pytest.param(10, 11, "sqlite", id="ten kills", marks=pytest.mark.slow),
        pytest.param(4, 5, "postgresql", id="four kills over PostgreSQL", marks=[pytest.mark.slow, pytest.mark.peer]),
    ],
)
async def test_a_daemon_killed_while_people_trade_brings_the_shops_back_in_step(
    kills: int, seed: int, database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with shop(tmp_path) as opened:
        if database == "postgresql":
            opened.env["DATABASE_URL"] = request.getfixturevalue("postgres_url")
        first = await opened.run("sync", "--full", "--confirm", "--json")
        assert first.code == 0, first.said
        moments = random.Random(seed)
        async with asyncio.TaskGroup() as people:
            trading = _open_doors(opened, people)
            for _ in range(kills):
                await opened.start()
                await opened.clock.sleep(moments.uniform(0.2, 3.5))
                await opened.kill()
            for task in trading:
                task.cancel()
        await opened.start(fresh=True)
        await opened.until(lambda: not opened.out_of_step(), "every SKU to be in step")
        await opened.until(lambda: not opened.world.unbooked(), "every order to be booked")
        await opened.until(opened.ready, "the daemon to be ready")
        asked = [] if database == "sqlite" else [*_WORDS, ("why", opened.skus[0])]  # elsewhere asked of a file
        answers = {words: await opened.run(*words) for words in asked}
        ended = await opened.stop()
    assert (tmp_path / "state" / "lightspeed-sync.db").exists() is (database == "sqlite")
    assert {words: answer.said for words, answer in answers.items() if answer.code != 0} == {}
    assert ended == 0, opened.log()
    assert opened.world.cashiers.done > 0 < opened.world.shoppers.done
    assert len(opened.world.shopify.writes) > 0
    assert opened.out_of_step() == {}
    assert _repeated(opened) == {}
    references = [sale.reference_number for sale in opened.world.lightspeed.online_sales()]
    assert len(references) == len(set(references)) >= len(opened.world.shopify.orders) > 0


def _open_doors(opened: Shop, people: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
    """Let cashiers and shoppers act about five times a second."""
    world = opened.world
    world.cashiers.per_hour = 10_000
    world.shoppers.per_hour = 7_000
    return [people.create_task(world.cashiers.run()), people.create_task(world.shoppers.run())]


def _repeated(opened: Shop) -> dict[str, int]:
    """Return the rows of stock calls that took effect more than once; a call's rows share one idempotency key."""
    rows = Counter(f"{write.key or 'no key'} {write.sku}" for write in opened.world.shopify.writes)
    return {row: times for row, times in rows.items() if times > 1}
