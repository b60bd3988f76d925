"""Digests: how the day was, and what a window has hidden, in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.channels.wording import wording
from monitor.digest import Day, Ended, daily, window_over
from monitor.facts import Facts
from monitor.hiding import Matcher, Silence
from monitor.notice import Kind, Notice
from sync.order_records import OrderStanding, OrderState
from tests.monitor.support import START, World

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]

LINK = "https://ops.example.com/"
SILENCE = Silence(7, Matcher(), "anna", "stock-take", START, START, START + timedelta(hours=1))


def ago(**spans: float) -> datetime:
    return START - timedelta(**spans)


def said(notice: Notice) -> str:
    return wording(notice).plain()


@pytest.fixture
async def facts(tmp_path: Path) -> AsyncIterator[Facts]:
    world = World(tmp_path)
    world.history.differ(3, "KAVA-1")
    world.history.orders = OrderStanding({OrderState.SEEN: 2, OrderState.PARKED: 1, OrderState.DEAD: 1}, oldest=START)
    yield await world.judge.refresh(START)
    await world.database.close()


async def test_a_quiet_day_says_that_it_was_quiet(facts: Facts) -> None:
    calm = replace(facts, standing=replace(facts.standing, undersell_skus=0), orders=OrderStanding({}, None))
    notice = daily(Day(calm, booked=12, sent={"slack": 2}), LINK)

    assert notice.kind is Kind.DIGEST
    assert said(notice).splitlines()[:8] == [
        "Digest: daily",
        "All quiet: no alert fires",
        "",
        "Stock: 500 SKUs in step; never proved equal",
        "Orders: 12 booked, 0 waiting, 0 for a person",
        "Alerts in the last day: none",
        "Silences: none",
        "Messages in the last day: slack 2",
    ]


async def test_a_day_names_what_fired_what_fires_and_what_is_hidden(facts: Facts) -> None:
    incidents = [
        Ended("OrdersParked", ago(hours=3), ago(hours=2)),
        Ended("InventoryDiscrepancy", ago(minutes=12), None),
    ]
    notice = daily(Day(facts, booked=0, incidents=incidents, silences=[SILENCE]), LINK)

    assert notice.summary == "1 alert firing"
    assert "Stock: 3 SKUs of 500 differ" in said(notice)
    assert "Orders: 0 booked, 2 waiting, 2 for a person" in said(notice)
    assert "OrdersParked (1h), InventoryDiscrepancy (12m, firing)" in said(notice)
    assert "silence 7 of anna: stock-take (until 2026-11-24 11:00 UTC)" in said(notice)


def test_the_end_of_a_window_tells_what_ended_and_what_still_fires() -> None:
    hidden = [Ended("SyncLatencyHigh", ago(minutes=50), ago(minutes=40)), Ended("OrdersDead", ago(minutes=30), None)]
    notice = window_over("stock-take", ago(hours=1), hidden, LINK, START)

    assert said(notice).splitlines()[:6] == [
        "Digest: maintenance stock-take",
        "Maintenance is over; it has hidden 2 alerts",
        "",
        "Window: 2026-11-24 09:00 UTC to 2026-11-24 10:00 UTC (1h)",
        "Began and ended meanwhile: SyncLatencyHigh (10m)",
        "Still firing, told by itself: OrdersDead (30m, firing)",
    ]


def test_a_long_list_is_cut_with_a_count() -> None:
    many = [Ended(f"Alert{number}", ago(minutes=2), ago(minutes=1)) for number in range(11)]

    assert "Alert7 (1m) and 3 more" in said(window_over("w", ago(hours=1), many, LINK, START))
