"""Cashiers and shoppers: what they do, how often, and that a seed decides it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from random import Random

import anyio
import pytest

from sandbox.catalogue import generate
from sandbox.clock import ManualClock
from sandbox.lightspeed.state import LightspeedShop
from sandbox.people import Cashiers, Event, ShopDeed, Shoppers, TillDeed
from sandbox.shopify.state import ShopifyStore

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GOODS = generate(60, seed=1, odd=False)
SKUS = [good.sku for good in GOODS]


def _cashiers(*, seed: int = 1, per_hour: float = 60.0) -> tuple[LightspeedShop, Cashiers]:
    clock = ManualClock(START)
    shop = LightspeedShop(GOODS, clock=clock, seed=1)
    return shop, Cashiers(shop, SKUS, clock=clock, seed=seed, per_hour=per_hour)


def _shoppers(*, per_hour: float = 60.0) -> tuple[ShopifyStore, Shoppers]:
    clock = ManualClock(START)
    store = ShopifyStore(GOODS, clock=clock, seed=1)
    return store, Shoppers(store, SKUS, clock=clock, seed=1, per_hour=per_hour)


def test_drawing_an_event_changes_nothing_and_depends_on_the_seed_alone() -> None:
    shop, cashiers = _cashiers()
    before = {sku: shop.qoh(sku) for sku in SKUS}

    first = [cashiers.next_event(Random(7), START) for _ in range(3)]

    assert first[0] == first[1] == first[2]
    assert first[0] != cashiers.next_event(Random(8), START)
    assert {sku: shop.qoh(sku) for sku in SKUS} == before


def test_the_pace_is_the_mean_number_of_events_an_hour() -> None:
    _, cashiers = _cashiers(per_hour=120)
    rng, now = Random(3), START

    for _ in range(2_000):
        now = cashiers.next_event(rng, now).at

    assert 15.5 < (now - START).total_seconds() / 3600 < 18  # 2,000 events at 120 an hour: about 16.7 hours


def test_most_events_at_the_till_are_sales_and_some_goods_sell_better_than_others() -> None:
    _, cashiers = _cashiers()
    rng = Random(5)
    events = [cashiers.next_event(rng, START) for _ in range(2_000)]

    deeds = Counter(event.deed for event in events)
    sold = Counter(next(iter(event.units)) for event in events)

    assert deeds.most_common(1)[0][0] is TillDeed.SELL
    assert set(deeds) == set(TillDeed)
    assert sum(sold[sku] for sku in SKUS[:15]) > 2 * sum(sold[sku] for sku in SKUS[-15:])


@pytest.mark.parametrize("per_hour", [-1.0, 2_000_000.0, float("nan")])
def test_an_impossible_pace_is_refused(per_hour: float) -> None:
    with pytest.raises(ValueError, match="a pace is between"):
        _cashiers(per_hour=per_hour)


def _till_event(deed: TillDeed, quantity: int, pick: float = 0.5) -> Event[TillDeed]:
    return Event(START, deed, {"KAV-0001-NAT-2OZ": quantity}, pick, kindly=True)


@pytest.mark.parametrize(
    ("event", "change"),
    [
        (_till_event(TillDeed.SELL, 2), -2),
        (_till_event(TillDeed.REFUND, 1), 1),
        (_till_event(TillDeed.RECEIVE, 3), 36),
        (_till_event(TillDeed.COUNT, 1, pick=1.0), -2),
        (_till_event(TillDeed.COUNT, 1, pick=0.0), 2),
    ],
    ids=["sale", "refund", "delivery", "counted less", "counted more"],
)
def test_each_deed_at_the_till_moves_the_stock(event: Event[TillDeed], change: int) -> None:
    shop, cashiers = _cashiers()
    before = shop.qoh("KAV-0001-NAT-2OZ")

    assert cashiers.carry_out(event)

    assert shop.qoh("KAV-0001-NAT-2OZ") - before == change


def test_what_is_not_there_is_not_sold() -> None:
    shop, cashiers = _cashiers()
    shop.count("KAV-0001-NAT-2OZ", 1)

    assert not cashiers.carry_out(_till_event(TillDeed.SELL, 2))

    assert (shop.qoh("KAV-0001-NAT-2OZ"), cashiers.done) == (1, 0)


def _shop_event(deed: ShopDeed, *, kindly: bool = True) -> Event[ShopDeed]:
    return Event(START, deed, {"KAV-0001-NAT-2OZ": 2}, 0.0, kindly=kindly)


@pytest.mark.parametrize(
    ("deeds", "available", "committed"),
    [
        ([ShopDeed.ORDER], -2, 2),
        ([ShopDeed.ORDER, ShopDeed.SHIP], -2, 0),
        ([ShopDeed.ORDER, ShopDeed.CANCEL], 0, 0),
        ([ShopDeed.ORDER, ShopDeed.EDIT], -3, 3),
        ([ShopDeed.ORDER, ShopDeed.REFUND], -1, 1),
        ([ShopDeed.ORDER, ShopDeed.SHIP, ShopDeed.REFUND], -1, 0),
        ([ShopDeed.ORDER, ShopDeed.REFUND, ShopDeed.REFUND], 0, 0),
    ],
    ids=["order", "ship", "cancel", "edit up", "refund unsent", "return", "all refunded"],
)
def test_an_order_lives_its_life(deeds: list[ShopDeed], available: int, committed: int) -> None:
    store, shoppers = _shoppers()
    before = store.available("KAV-0001-NAT-2OZ")

    assert all(shoppers.carry_out(_shop_event(deed)) for deed in deeds)

    assert store.available("KAV-0001-NAT-2OZ") - before == available
    assert store.committed("KAV-0001-NAT-2OZ") == committed


def test_goods_kept_back_do_not_return_to_the_shelf() -> None:
    store, shoppers = _shoppers()
    before = store.available("KAV-0001-NAT-2OZ")
    shoppers.carry_out(_shop_event(ShopDeed.ORDER))

    assert shoppers.carry_out(_shop_event(ShopDeed.CANCEL, kindly=False))

    assert store.available("KAV-0001-NAT-2OZ") - before == -2


@pytest.mark.parametrize("deed", [ShopDeed.SHIP, ShopDeed.CANCEL, ShopDeed.REFUND, ShopDeed.EDIT])
def test_without_orders_there_is_nothing_to_do(deed: ShopDeed) -> None:
    _, shoppers = _shoppers()

    assert not shoppers.carry_out(_shop_event(deed))


def test_a_thousand_events_of_each_kind_of_people_keep_both_shops_in_order() -> None:
    shop, cashiers = _cashiers()
    store, shoppers = _shoppers()
    rng = Random(11)

    for _ in range(1_000):
        cashiers.carry_out(cashiers.next_event(rng, START))
        shoppers.carry_out(shoppers.next_event(rng, START))

    assert cashiers.done > 800
    assert shoppers.done > 600
    assert all(shop.qoh(sku) >= 0 for sku in SKUS)
    assert all(store.available(sku) >= 0 and store.committed(sku) >= 0 for sku in SKUS)
    assert {order.fulfilment_status for order in store.orders} >= {"FULFILLED", "UNFULFILLED"}


@pytest.mark.anyio
async def test_they_act_on_the_clock_and_notice_a_changed_pace() -> None:
    clock = ManualClock(START)
    shop = LightspeedShop(GOODS, clock=clock, seed=1)
    cashiers = Cashiers(shop, SKUS, clock=clock, seed=1)

    async with anyio.create_task_group() as group:
        group.start_soon(cashiers.run)
        while (clock.now() - START).total_seconds() < 600:
            await anyio.lowlevel.checkpoint()
        assert cashiers.done == 0

        cashiers.per_hour = 3_600
        while (clock.now() - START).total_seconds() < 1_200:
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()

    assert 450 < cashiers.done < 700  # ten minutes at one event a second, a few of them without effect


def test_people_without_goods_stay_at_home() -> None:
    clock = ManualClock(START)
    cashiers = Cashiers(LightspeedShop([], clock=clock, seed=1), [], clock=clock, seed=1, per_hour=60)

    assert cashiers.next_event(Random(1), START).at.year > 3000
