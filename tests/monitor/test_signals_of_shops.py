"""What the signals and metrics tell of the real engine at work on the pretend shops."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.calls import CallCounter
from monitor.judging import Judge
from monitor.metrics import Build, Metrics
from monitor.outbox import Outbox
from monitor.store import Store
from monitor.vitals import Disk, VitalsWatch
from monitor.worker import DeliveryPolicy
from sandbox.faults import Fault, FaultKind
from tests.sync.shop import Shop, few, live_shop

pytestmark = pytest.mark.anyio


class Watched:
    """A shop that is in step, and the rules judged over it, without anybody to tell."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        work, metrics = shop.work, Metrics(Build("", ""))
        vitals = VitalsWatch(work.clock, lambda: Disk(free=30, size=120))
        self.calls = CallCounter(ledger=work.ledger, clock=work.clock)
        self.store = Store(work.database)
        self.judge = Judge(
            work.alerts,
            ledger=work.ledger,
            orders=work.engine.bookings,
            store=self.store,
            outbox=Outbox(self.store, {}, DeliveryPolicy(), clock=work.clock, rng=random.Random(1), meter=metrics),
            metrics=metrics,
            vitals=vitals,
            clock=work.clock,
            books=False,
        )
        for listener in (metrics, vitals, self.calls):
            work.events.join(listener)

    async def told(self, *names: str) -> list[float | None]:
        """Judge the rules, and return what was recorded of these signals."""
        now = self.shop.work.clock.now()
        await self.calls.flush()
        await self.judge.evaluate(now)
        series = await self.store.history(now, names)
        return [series[name][-1][1] for name in names]


@asynccontextmanager
async def watched(folder: Path, *, ahead: timedelta = timedelta()) -> AsyncIterator[Watched]:
    """Open a shop of which every good costs 12.50."""
    goods = [replace(good, price=Decimal("12.50")) for good in few(4)]
    async with live_shop(goods, folder, ahead=ahead) as shop:
        found = Watched(shop)
        shop.clock.advance(3_600)  # by then the sign-in is to be renewed
        await shop.sync()
        yield found


async def test_a_pass_tells_of_quota_sign_in_clock_and_disk(tmp_path: Path) -> None:
    async with watched(tmp_path) as watch:
        quota, expiry, skew, disk = await watch.told("quota_used", "token_expiry", "clock_skew", "disk_free")

    assert quota is not None
    assert 0 < quota < 1
    assert expiry == pytest.approx(30 * 86_400, abs=3_600)
    assert skew == pytest.approx(0.0)
    assert disk == pytest.approx(0.25)


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(minutes=-5)], ids=["fast", "slow"])
async def test_a_clock_of_ours_that_is_off_is_noticed(tmp_path: Path, ahead: timedelta) -> None:
    async with watched(tmp_path, ahead=ahead) as watch:
        (skew,) = await watch.told("clock_skew")

    assert skew == pytest.approx(300.0, abs=1.0)


async def test_a_sale_at_the_till_tells_how_long_it_took_to_shopify(tmp_path: Path) -> None:
    async with watched(tmp_path) as watch:
        shop = watch.shop
        shop.clock.advance(30)
        shop.world.lightspeed.sell(shop.world.goods[0].sku, 2)
        shop.clock.advance(45)
        await shop.sync()
        (seconds,) = await watch.told("propagation")

    assert seconds == pytest.approx(45.0, abs=5.0)


async def test_units_that_nobody_has_are_told_in_money(tmp_path: Path) -> None:
    async with watched(tmp_path) as watch:
        shop = watch.shop
        shop.world.shopify.adjust(shop.world.goods[0].sku, 40)
        await shop.passes(4)
        units, skus, money = await watch.told("oversell_units", "oversell_skus", "money_at_risk")

    assert (units, skus, money) == (40, 1, 500)


async def test_an_outage_of_one_service_is_told_of_that_one(tmp_path: Path) -> None:
    async with watched(tmp_path) as watch:
        shop = watch.shop
        shop.clock.advance(60)
        began = shop.clock.now()
        shop.world.faults.add("shopify", "*", Fault(FaultKind.RESET_BEFORE, times=0))
        await shop.sync()
        shop.clock.advance(240)
        most = (shop.clock.now() - began).total_seconds()
        shopify, lightspeed, rate = await watch.told("shopify_down", "lightspeed_down", "lightspeed_error_rate")

    assert shopify is not None
    assert 240 <= shopify <= most
    assert (lightspeed, rate) == (0, 0)
