"""A person's words on links, through the whole engine: linked, replaced, taken apart, and never moved by matching."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.asked import MapOrder, UnmapOrder
from monitor.store import Store
from sync.errors import Code, Permanent
from sync.mapping import MapOutcome
from tests.sync.shop import INCREMENTAL, Shop, few, live_shop

pytestmark = pytest.mark.anyio


async def mapped(shop: Shop, one: str, other: str, *, replace: bool = False) -> MapOutcome:
    order = MapOrder(pairs=((one, other),), by="ann", replace=replace, pin=True)
    (row,) = await shop.work.actions.map_skus(order)
    return row.outcome


async def renamed(shop: Shop, place: int, sku: str) -> str:
    """Give a good another SKU in Shopify and in Lightspeed's eyes none of it; return its old SKU."""
    old = shop.world.goods[place].sku
    shop.world.shopify.rename_sku(old, sku)
    await shop.work.engine.linking.refresh(1)
    return old


async def passes(shop: Shop) -> None:
    """Make passes of which the world cannot be asked by a SKU that it has in Shopify only."""
    for _ in range(3):
        shop.clock.advance(90.0)
        await shop.work.actions.sync(INCREMENTAL)


async def problems(shop: Shop) -> list[tuple[Code, str]]:
    return [(each.code, each.sku) for each in await shop.work.ledger.sku_problems()]


async def deeds(shop: Shop) -> list[tuple[str, str, str]]:
    return [(each.who, each.what, each.subject) for each in await Store(shop.work.database).trail()]


async def test_a_person_links_what_matching_cannot_and_its_stock_is_synced(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        old = shop.world.goods[0].sku
        assert await shop.work.actions.unmap_skus(UnmapOrder(skus=(old,), by="ann", reason="for now")) == 1
        await renamed(shop, 0, "quite-another")
        shop.world.lightspeed.receive(old, 5)
        await passes(shop)
        assert shop.world.shopify.available("quite-another") == 20
        assert await mapped(shop, old, "quite-another") is MapOutcome.NEW
        await passes(shop)
        assert shop.world.shopify.available("quite-another") == 25
        assert await problems(shop) == []
        assert await deeds(shop) == [("ann", "map SKU", "quite-another"), ("ann", "unmap SKU", old)]


async def test_a_persons_link_is_found_by_either_sku_and_stays_whatever_matching_proposes(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        one, other = shop.world.goods[0].sku, shop.world.goods[1].sku
        await shop.work.actions.unmap_skus(UnmapOrder(skus=(one, other), by="ann"))
        assert await mapped(shop, one, other) is MapOutcome.NEW
        assert await mapped(shop, other, one) is MapOutcome.NEW
        await shop.work.engine.linking.link()
        await shop.work.engine.linking.link()
        found = await shop.work.ledger.link_ids_of([one, other])
        assert len(set(found.values())) == 2
        assert await problems(shop) == []
        assert await mapped(shop, one, other) is MapOutcome.SAME


async def test_a_wrong_link_ends_only_where_that_is_said(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        one, other = shop.world.goods[0].sku, shop.world.goods[1].sku
        before = await shop.work.ledger.count_links()
        assert await mapped(shop, one, other) is MapOutcome.TAKEN
        assert await shop.work.ledger.count_links() == before
        assert await mapped(shop, one, other, replace=True) is MapOutcome.MOVED
        assert await shop.work.ledger.count_links() == before - 1


async def test_what_was_taken_apart_stays_apart_until_it_is_mapped_and_is_no_riddle(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        await shop.work.actions.unmap_skus(UnmapOrder(skus=(sku,), by="ann", reason="another size"))
        await shop.work.engine.linking.link()
        assert await problems(shop) == [(Code.SK006, sku)]
        shop.world.lightspeed.sell(sku, 3)
        await shop.passes(3)
        assert shop.world.shopify.available(sku) == 20
        assert await mapped(shop, sku, sku) is MapOutcome.NEW
        await shop.passes(3)
        assert shop.apart() == {}


async def test_unmapping_names_what_has_no_link_and_ends_none(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        before = await shop.work.ledger.count_links()
        with pytest.raises(Permanent, match="NOSUCH") as caught:
            await shop.work.actions.unmap_skus(UnmapOrder(skus=(sku, "NOSUCH"), by="ann"))
        assert caught.value.code is Code.LS002
        assert await shop.work.ledger.count_links() == before


async def test_a_link_that_matching_made_follows_a_sku_changed_in_shopify_without_complaint(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        old = await renamed(shop, 0, "NEW-NAME")
        assert await problems(shop) == []
        shop.world.lightspeed.sell(old, 2)
        await passes(shop)
        assert shop.world.shopify.available("NEW-NAME") == 18
