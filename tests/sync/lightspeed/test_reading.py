"""Reading stock and items from the pretend Lightspeed: what is delivered, what is certified, what is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.goods import Good
from sync.model import ItemRow, StockRow
from tests.sync.lightspeed.support import START, Stage, goods, stage

pytestmark = pytest.mark.anyio


def stock_of(delivered: list[object]) -> dict[str, int]:
    rows = [row for row in delivered if isinstance(row, StockRow)]
    assert len(rows) == len(delivered)
    return {row.item_id: row.qoh for row in rows}


def items_of(delivered: list[object]) -> dict[str, ItemRow]:
    rows = [row for row in delivered if isinstance(row, ItemRow)]
    assert len(rows) == len(delivered)
    return {row.custom_sku: row for row in rows}


async def later(scene: Stage, seconds: float) -> datetime:
    """Let time pass and forget what was delivered; returns the moment from which on to read."""
    scene.clock.manual.advance(seconds)
    scene.delivered.clear()
    return scene.clock.now()


async def test_a_full_walk_delivers_every_item_with_its_stock_and_certifies_it() -> None:
    scene = stage(goods(250))
    certificate = await scene.lightspeed.read_items(None, scene.deliver)
    items = items_of(scene.delivered)
    assert len(items) == 250
    first = items["SKU-00001"]
    assert first.stock is not None
    assert (first.item_id, first.description, first.stock.qoh, first.stock.item_id) == ("1", "Good 1", 1, "1")
    assert (certificate.rows, certificate.pages, certificate.newest) == (250, 4, START)  # 3 pages and a look behind
    assert certificate.source == "lightspeed.Item.all"
    assert certificate.started_at <= certificate.finished_at


async def test_a_full_walk_asks_for_archived_items_by_id_with_their_stock_rows() -> None:
    scene = stage(goods(1))
    await scene.lightspeed.read_items(None, scene.deliver)
    begin = "/API/V3/Account/123456/Item.json?archived=true&sort=itemID&load_relations=%5B%22ItemShops%22%5D"
    assert scene.paths("Item.json") == [f"{begin}&limit=100", f"{begin}&itemID=%3E%2C1&limit=100"]


async def test_archived_items_are_delivered_as_archived() -> None:
    old = replace(goods(1)[0], sku="OLD", archived=True)
    scene = stage([*goods(3), old])
    await scene.lightspeed.read_items(None, scene.deliver)
    assert [sku for sku, item in items_of(scene.delivered).items() if item.archived] == ["OLD"]


async def test_odd_texts_arrive_as_they_are() -> None:
    odd = Good(sku=' "Ä—1"\t', title="🌿 & <b>", handle="odd", barcode="0614121182479", stock=2)
    scene = stage([odd])
    await scene.lightspeed.read_items(None, scene.deliver)
    (item,) = items_of(scene.delivered).values()
    assert (item.custom_sku, item.description, item.ean) == (' "Ä—1"\t', "🌿 & <b>", "0614121182479")


async def test_an_empty_shop_is_read_to_its_end() -> None:
    scene = stage([])
    certificate = await scene.lightspeed.read_items(None, scene.deliver)
    assert (certificate.rows, certificate.pages, certificate.newest) == (0, 1, None)


async def test_all_stock_is_delivered_once_for_our_shop_only() -> None:
    scene = stage(goods(150), other_shops=("7", "9"))
    certificate = await scene.lightspeed.read_stock(None, scene.deliver)
    assert len(scene.delivered) == 150
    assert stock_of(scene.delivered) == {str(n): n for n in range(1, 151)}
    assert (certificate.rows, certificate.newest) == (150, START)


async def test_a_sale_shows_up_in_the_stock_changes_alone() -> None:
    scene = stage(goods(120))
    since = await later(scene, 90)
    scene.shop.sell("SKU-00042", 3)
    certificate = await scene.lightspeed.read_stock(since, scene.deliver)
    assert stock_of(scene.delivered) == {"42": 39}
    assert (certificate.rows, certificate.newest) == (1, since)
    scene.delivered.clear()
    await scene.lightspeed.read_items(since, scene.deliver)
    assert scene.delivered == []


async def test_a_poll_without_changes_is_one_call_of_one_unit() -> None:
    scene = stage(goods(120))
    since = await later(scene, 90)
    await scene.lightspeed.read_stock(since, scene.deliver)
    before = len(scene.link.requests)
    certificate = await scene.lightspeed.read_stock(since, scene.deliver)
    assert len(scene.link.requests) == before + 1
    assert scene.paths("ItemShop")[-1] == (
        "/API/V3/Account/123456/ItemShop.json?shopID=1&sort=timeStamp"
        "&timeStamp=%3E%3D%2C2026-11-22T12%3A01%3A30%2B00%3A00&limit=100"
    )
    assert (certificate.rows, certificate.newest) == (0, since), "it reaches to the server's own time"


async def test_stock_may_be_negative() -> None:
    scene = stage(goods(2))
    scene.shop.sell("SKU-00002", 5)
    await scene.lightspeed.read_stock(None, scene.deliver)
    assert stock_of(scene.delivered) == {"1": 1, "2": -3}


async def test_a_renamed_and_an_archived_item_show_up_in_the_item_changes_without_stock() -> None:
    scene = stage(goods(10))
    since = await later(scene, 90)
    scene.shop.rename_sku("SKU-00003", "NEW-3")
    scene.shop.archive("SKU-00004")
    certificate = await scene.lightspeed.read_items(since, scene.deliver)
    items = items_of(scene.delivered)
    assert set(items) == {"NEW-3", "SKU-00004"}
    assert items["SKU-00004"].archived is True
    assert [item.stock for item in items.values()] == [None, None]
    assert certificate.newest == since


async def test_a_row_that_moves_during_a_walk_is_delivered_again_with_its_new_stock() -> None:
    scene = stage(goods(250))

    async def deliver(rows: object) -> None:
        if not scene.delivered:
            scene.clock.manual.advance(5)
            scene.shop.sell("SKU-00001", 1)
        await scene.deliver(rows)  # type: ignore[arg-type]

    certificate = await scene.lightspeed.read_stock(None, deliver)
    assert len(scene.delivered) == 251
    assert stock_of(scene.delivered)["1"] == 0
    assert certificate.rows == 250


async def test_a_change_behind_a_full_walk_is_not_hidden_by_its_watermark() -> None:
    """An item read early changes, then one read late: the watermark must not lie beyond the first change."""
    scene = stage(goods(250))
    changes: list[datetime] = []

    async def deliver(rows: object) -> None:
        for sku in ("SKU-00001", "SKU-00250") if not scene.delivered else ():
            scene.clock.manual.advance(60)
            scene.shop.rename_sku(sku, f"NEW-{sku}")
            changes.append(scene.clock.now())
        await scene.deliver(rows)  # type: ignore[arg-type]

    certificate = await scene.lightspeed.read_items(None, deliver)
    assert "NEW-SKU-00250" in items_of(scene.delivered)
    assert certificate.newest is not None
    assert certificate.newest < changes[0]


async def test_a_shop_without_a_row_for_an_item_leaves_its_stock_unknown() -> None:
    scene = stage(goods(2), other_shops=("7",), shop_id="5")
    await scene.lightspeed.read_items(None, scene.deliver)
    assert [item.stock for item in items_of(scene.delivered).values()] == [None, None]


async def test_a_full_walk_ends_within_a_tenth_of_what_the_quota_imposes() -> None:
    """10,000 items: 100 pages of 1.4 units through a bucket of 90 that drains 1 a second, so 50 seconds."""
    scene = stage(goods(10_000), latency=0.15)
    certificate = await scene.lightspeed.read_items(None, scene.deliver)
    assert certificate.rows == 10_000
    assert (certificate.finished_at - certificate.started_at) <= timedelta(seconds=55)
    assert set(scene.link.statuses) == {200}
    assert max(scene.meter.ratios) <= 0.984  # the reserve was left alone


async def test_polling_goes_on_while_a_long_walk_has_used_up_its_share() -> None:
    scene = stage(goods(10_000), latency=0.15)
    waited: list[float] = []

    async def deliver(rows: object) -> None:
        if len(scene.delivered) == 8_000:
            before = scene.clock.monotonic()
            await scene.lightspeed.read_stock(START + timedelta(hours=1), lambda _: scene.deliver(()))
            waited.append(scene.clock.monotonic() - before)
        await scene.deliver(rows)  # type: ignore[arg-type]

    await scene.lightspeed.read_items(None, deliver)
    assert waited == [pytest.approx(0.15)]


async def test_times_without_a_zone_never_come_out() -> None:
    scene = stage(goods(1))
    await scene.lightspeed.read_items(None, scene.deliver)
    (item,) = items_of(scene.delivered).values()
    assert item.time_stamp.tzinfo is UTC
