"""What the signals were is kept with each judging, and read back as series."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.signals import SIGNALS
from monitor.store.history import record_evaluation
from sync.records import ApiMinute
from sync.storage.tables import evaluations
from tests.monitor.support import START, World

SHORT = """
alerts:
  - name: Errors
    when: error_rate > 5%
    over: 1m
    severity: warning
routes:
  - severity: warning
    to: [slack]
"""

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.database.close()


async def test_each_judging_keeps_what_the_signals_were(world: World) -> None:
    await world.check()
    world.history.differ(6)
    await world.check(minutes=1)

    series = await world.store.history(START, ["discrepant_skus", "sync_latency"])

    assert series == {
        "discrepant_skus": [(START, 0), (START + timedelta(minutes=1), 6)],
        "sync_latency": [(START, 0), (START + timedelta(minutes=1), 60)],
    }


async def test_a_signal_without_a_number_is_kept_as_none(world: World) -> None:
    await world.check()
    world.history.minutes = [ApiMinute(START, "shopify", 3, 1)]
    await world.check()

    assert (await world.store.history(START, ["error_rate"]))["error_rate"] == [(START, None), (START, 0.333333)]


async def test_the_past_before_since_and_signals_that_did_not_exist_are_left_out(world: World) -> None:
    await world.check()
    await world.check(minutes=5)

    series = await world.store.history(START + timedelta(minutes=1), ["quarantined_skus", "newer_than_this"])

    assert series == {"quarantined_skus": [(START + timedelta(minutes=5), 0)], "newer_than_this": []}


async def test_it_outlives_the_process_and_the_rules(world: World) -> None:
    await world.check()
    await world.restart("alerts: []\nroutes: []\n")
    await world.check(minutes=2)

    assert len((await world.store.history(START, ["dead_orders"]))["dead_orders"]) == 2


async def test_a_judging_costs_less_than_a_kilobyte(world: World) -> None:
    for _ in range(100):
        await world.check(minutes=1)
    size = sa.func.length(sa.cast(evaluations.c.samples, sa.Text)) + sa.func.length(evaluations.c.at)
    mean = await world.database.read(lambda connection: connection.execute(sa.select(sa.func.avg(size))).scalar_one())

    assert mean < 1_000


async def test_every_signal_is_kept(world: World) -> None:
    await world.check()
    kept = sa.select(evaluations.c.samples)
    samples = await world.database.read(lambda connection: connection.execute(kept).scalar_one())

    assert set(samples) == set(SIGNALS)


async def test_what_json_cannot_hold_is_no_number(world: World) -> None:
    odd = {"error_rate": math.nan, "sync_latency": math.inf, "parked_skus": 2.0}
    await world.database.write(lambda connection: record_evaluation(connection, odd, START))

    assert await world.store.history(START, odd) == {
        "error_rate": [(START, None)],
        "sync_latency": [(START, None)],
        "parked_skus": [(START, 2)],
    }


async def test_rates_are_kept_over_the_usual_window_whatever_the_rules_look_back_for(tmp_path: Path) -> None:
    world = World(tmp_path, SHORT)
    world.history.minutes = [ApiMinute(START, "shopify", 4, 1)]
    await world.check(minutes=10)
    kept = await world.store.history(START, ["error_rate"])
    await world.database.close()

    assert kept["error_rate"] == [(START + timedelta(minutes=10), 0.25)]
