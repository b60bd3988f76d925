"""A second writer: known by what comes back, not by one change or by many of different kinds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync.second_writer import Pattern, SecondWriter, Tampering, second_writers, sentence
from tests.sync.shop import few, live_shop

START = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)


def change(minute: int, units: int, shown: int | None = None, link: int = 1) -> Tampering:
    return Tampering(link, f"SKU-{link}", START + timedelta(minutes=minute), units, shown)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([], None),
        ([change(0, 5, 25)], None),
        ([change(0, 5, 25), change(10, 5, 25)], None),
        ([change(0, 5, 25), change(10, 4, 25), change(20, 6, 25)], Pattern.RETURNS),
        ([change(0, 5, 25), change(10, -2, 18), change(20, 1, 21)], None),
        ([change(0, 5, 25), change(10, 2, 22), change(20, 1, 21), change(30, 3, 23)], Pattern.PUSHES),
        ([change(0, -5), change(10, -12), change(20, -15), change(30, -20)], Pattern.PUSHES),
        ([change(0, -5), change(10, 12), change(20, -15), change(30, 20)], None),
    ],
    ids=[
        "nothing",
        "one change by hand",
        "twice",
        "the same number three times",
        "several hands",
        "always upwards",
        "always downwards, held",
        "to and fro",
    ],
)
def test_a_second_writer_is_known_by_what_comes_back(changes: list[Tampering], found: Pattern | None) -> None:
    assert [each.pattern for each in second_writers(changes)] == ([] if found is None else [found])


def test_the_busiest_is_named_first_with_its_number_and_since_when() -> None:
    changes = [change(minute, 5, 25, link=1) for minute in (3, 6, 9)]
    changes += [change(minute, 7, 40, link=2) for minute in (0, 2, 4, 6)]
    assert second_writers(changes) == [
        SecondWriter(2, "SKU-2", Pattern.RETURNS, 4, START, 40),
        SecondWriter(1, "SKU-1", Pattern.RETURNS, 3, START + timedelta(minutes=3), 25),
    ]
    assert sentence(second_writers(changes)[0]) == "the same number came back after each correction (40), 4 times"


@pytest.mark.anyio
async def test_an_app_that_puts_its_number_back_is_found_in_the_record(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        for _ in range(3):
            shop.world.shopify.adjust(sku, 5)
            await shop.passes(3)
            assert shop.apart() == {}
        found = second_writers(await shop.work.ledger.tamperings(shop.clock.now() - timedelta(days=1)))
        assert [(each.sku, each.pattern, each.number) for each in found] == [(sku, Pattern.RETURNS, 25)]


@pytest.mark.anyio
async def test_orders_sales_deliveries_and_one_edit_are_no_second_writer(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        one, other = shop.world.goods[0].sku, shop.world.goods[1].sku
        for _ in range(4):
            shop.world.lightspeed.sell(one, 1)
            shop.world.lightspeed.receive(other, 3)
            shop.world.shopify.place_order({one: 1})
            await shop.passes(2)
        shop.world.shopify.adjust(one, 5)
        await shop.passes(3)
        changes = await shop.work.ledger.tamperings(shop.clock.now() - timedelta(days=1))
        assert [each.units for each in changes] == [5]
        assert second_writers(changes) == []
