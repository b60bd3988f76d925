"""A validation of the real engine against both pretend shops: it finds what is wrong, once, and changes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.asked import ValidateOrder
from sandbox.catalogue import generate
from sandbox.clock import ManualClock
from sandbox.planting import plant
from sandbox.world import World
from sync.findings import Finding, FindingClass, Summary
from sync.records import RunOutcome
from sync.storage.finding_book import SqlFindingBook
from tests.sync.shop import START, Shop, few, go_live, live_shop, open_shop

pytestmark = pytest.mark.anyio


async def validated(shop: Shop, order: ValidateOrder | None = None) -> tuple[Summary, list[Finding]]:
    """Make a validation; return what it came to and what it found."""
    reply = await shop.work.actions.validate(order or ValidateOrder())
    assert (reply.outcome, reply.code) == (RunOutcome.OK, None)
    book = SqlFindingBook(shop.work.database)
    summary = await book.summary(reply.validation_id)
    assert summary is not None
    found = await book.show(summary.validation_id, summary.classes, lambda shown: list(shown.each()))
    assert Counter(each.kind for each in found) == {kind: count for kind, count in summary.counts.items() if count}
    return summary, found


async def test_equal_shops_are_proven_equal_and_nothing_is_written(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        writes = len(shop.world.shopify.writes)
        summary, found = await validated(shop)
        assert found == []
        assert summary.proves_equality
        assert summary.compared == {"links": 8, "products": len({good.handle for good in shop.world.goods})}
        assert len(shop.world.shopify.writes) == writes


async def test_stock_is_judged_by_the_equation_and_not_by_raw_numbers(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        ordered, more, less, much = [good.sku for good in shop.world.goods[:4]]
        shop.world.shopify.place_order({ordered: 3})
        shop.world.shopify.adjust(more, 5)
        shop.world.shopify.adjust(less, -4)
        shop.world.shopify.adjust(much, 30)
        shop.clock.advance(600)
        summary, found = await validated(shop)
        by_sku = {each.sku: each for each in found}
        assert {sku: (each.kind, each.difference) for sku, each in by_sku.items()} == {
            more: (FindingClass.STOCK_HIGHER, 5),
            less: (FindingClass.STOCK_LOWER, -4),
            much: (FindingClass.STOCK_HIGHER, 30),
        }
        assert by_sku[more].sentence == "Shopify offers 25 and should offer 20: 5 units too many."
        assert by_sku[more].subject
        assert by_sku[more].variant_id.startswith("gid://shopify/ProductVariant/")
        assert by_sku[more].equation["target"] == 20
        assert "conflicts approve" in by_sku[much].remedy
        assert summary.explained == {"differ and are right": 1, "online orders": 1}
        assert shop.world.shopify.available(more) == 25, "nothing is written"


async def test_a_row_that_moves_while_it_is_read_is_no_finding(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path, index_lag_seconds=30) as shop:
        sku = shop.world.goods[0].sku
        shop.world.lightspeed.sell(sku, 1)
        shop.world.shopify.place_order({sku: 2})
        summary, found = await validated(shop)
        assert [(each.kind, each.difference) for each in found] == [(FindingClass.STOCK_HIGHER, 1)]
        assert summary.left_out == {}


async def test_what_was_linked_and_is_no_more_is_told_by_its_reason(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        renamed, archived, deleted = [good.sku for good in shop.world.goods[:3]]
        shop.world.shopify.rename_sku(renamed, "ANOTHER-1")
        shop.world.lightspeed.archive(archived)
        shop.world.shopify.delete_variant(deleted)
        shop.clock.advance(600)
        _, found = await validated(shop)
        assert {each.sku: each.kind for each in found} == {
            "ANOTHER-1": FindingClass.SKU_ALMOST_EQUAL,
            archived: FindingClass.DISCONTINUED,
            deleted: FindingClass.ONLY_IN_LIGHTSPEED,
        }


async def test_the_best_sellers_stand_on_top_with_what_was_found_of_them(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        best, second = [good.sku for good in shop.world.goods[:2]]
        shop.world.shopify.place_order({second: 2})
        shop.world.shopify.place_order({best: 5})
        shop.clock.advance(600)
        await shop.sync()
        shop.world.shopify.adjust(second, 3)
        shop.clock.advance(600)
        summary, _ = await validated(shop)
        assert [
            (each.place, each.sku, each.sold, each.target, each.available, each.kinds) for each in summary.sellers
        ] == [
            (1, best, 5, 15, 15, ()),
            (2, second, 2, 18, 21, (FindingClass.STOCK_HIGHER,)),
        ]


async def test_a_part_of_the_classes_finds_nothing_else(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        one, other = [good.sku for good in shop.world.goods[:2]]
        shop.world.shopify.adjust(one, 5)
        shop.world.shopify.rename_sku(other, "ANOTHER-1")
        shop.clock.advance(600)
        _, found = await validated(shop, ValidateOrder(classes=(FindingClass.SKU_ALMOST_EQUAL,)))
        assert [each.kind for each in found] == [FindingClass.SKU_ALMOST_EQUAL]


async def test_every_oddity_of_a_real_shop_has_its_class(tmp_path: Path) -> None:
    goods = [replace(good, online_stock=None) for good in generate(100, 1)]
    async with live_shop(goods, tmp_path) as shop:
        summary, found = await validated(shop)
        assert Counter((each.kind, each.sku) for each in found) == {
            (FindingClass.SKU_DUPLICATE, goods[32].sku): 1,
            (FindingClass.SKU_ALMOST_EQUAL, goods[43].online_sku): 1,
            (FindingClass.SKU_ALMOST_EQUAL, goods[53].sku): 1,
            (FindingClass.ONLY_IN_SHOPIFY, goods[78].sku): 1,
            (FindingClass.ONLY_IN_LIGHTSPEED, goods[83].sku): 1,
        }
        assert summary.left_out == {"kits, boxes and services": 2}


@pytest.mark.parametrize("linked", [False, True], ids=["at first sight", "after they were linked"])
async def test_every_planted_fault_is_found_once_with_its_class_and_nothing_else(tmp_path: Path, linked: bool) -> None:
    clock = ManualClock(START)
    world = World(generate(400, 1, odd=False), clock=clock)
    async with open_shop(world, clock, tmp_path) as shop:
        if linked:
            await go_live(shop)
        clock.advance(600)
        _, before = await validated(shop)
        assert before == []
        planted = plant(world, 24)
        clock.advance(600)
        summary, found = await validated(shop)
        wanted = {(each.flaw.value, each.sku) for each in planted}
        told = [(each.kind.value, sku) for each in found for sku in (each.sku, *each.also)]
        missed = {each for each in wanted if each not in told}
        assert missed == set()
        assert len(found) == len(planted), [each for each in found if not {(each.kind.value, each.sku)} & wanted]
        assert summary.found == 24
