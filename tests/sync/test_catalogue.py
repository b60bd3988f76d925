"""Product fields from one pretend shop to the other: proposed, carried out, and found out when nobody answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.alerts_model import AlertsFile
from monitor.alerts_model.catalogue import CatalogueSettings
from sandbox.clock import ManualClock
from sandbox.goods import Good
from sandbox.world import World
from sync.catalogue.catalogue import Catalogue
from sync.catalogue.policy import CataloguePolicy, NewItems
from sync.products import ChangeKind, Field, ProductChange, ProductOutcome
from sync.records import RunOutcome
from sync.stock_sync import Job, PassRequest
from tests.sync.shop import START, Shop, go_live, open_shop

pytestmark = pytest.mark.anyio

KAVA = Good(
    sku="KAVA-1",
    title="Kava Root",
    handle="kava-root",
    price=Decimal("19.90"),
    category="Drinks/Kava",
    description_html="<p>Rooted in the islands.</p>",
    tags=("kava",),
    image_urls=("https://images.example/kava.jpg",),
    stock=20,
)
SHIRTS = tuple(
    Good(
        sku=f"SHIRT-{size}",
        title="T-shirt",
        handle="t-shirt",
        options=(("Size", size),),
        price=Decimal("25.00"),
        category="Clothes",
        stock=12,
        online=False,
        description_html="<p>Cotton.</p>",
        image_urls=(f"https://images.example/shirt-{size.lower()}.jpg",),
    )
    for size in ("S", "M", "L")
)


# The plan that goes live proposes no new products, so that these tests may.
WITHOUT_NEW = AlertsFile(catalogue=CatalogueSettings(new_items=NewItems.NEVER))


@asynccontextmanager
async def reading(state: Path, *goods: Good) -> AsyncIterator[Shop]:
    """Open both shops, go live and read them with their cards."""
    clock = ManualClock(START)
    async with open_shop(World(goods or (KAVA,), clock=clock), clock, state, alerts=WITHOUT_NEW) as shop:
        await go_live(shop)
        clock.advance(600)
        await read(shop)
        yield shop


async def read(shop: Shop) -> None:
    report = await shop.work.engine.stock.run(PassRequest(job=Job.FULL, cards=True))
    assert report.outcome is RunOutcome.OK


def catalogue(shop: Shop) -> Catalogue:
    """Return what may be asked of product fields, under the policy that is shipped."""
    engine: Any = shop.work.engine
    return Catalogue(
        book=engine.catalogue.book,
        products=engine.storefront.products,
        shelves=engine.storefront,
        ledger=engine.ledger,
        clock=shop.work.clock,
        policy=CataloguePolicy(),
    )


async def differing(shop: Shop) -> list[tuple[str, Field]]:
    return [(pair.sku, difference.field) async for pair, difference in catalogue(shop).differences()]


async def carry_out(shop: Shop, changes: Sequence[ProductChange]) -> dict[Field, ProductOutcome]:
    run_id = await shop.work.ledger.begin_run("products", shop.clock.now())
    results = await catalogue(shop).carry_out(changes, run_id)
    return {result.change.field: result.outcome for result in results}


async def test_shops_that_agree_do_not_differ(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        assert await differing(shop) == []
        assert await catalogue(shop).propose() == []


async def test_what_differs_is_proposed_written_and_then_equal(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        store = shop.world.shopify
        store.reprice("KAVA-1", Decimal("17.00"))
        store.edit_product("KAVA-1", description_html="")
        store.picture("KAVA-1", ())
        shop.clock.advance(600)
        await read(shop)
        changes = await catalogue(shop).propose()
        assert [(change.field, change.before, change.after) for change in changes] == [
            (Field.PRICE, 1_700, 1_990),
            (Field.DESCRIPTION, "", "<p>Rooted in the islands.</p>"),
            (Field.IMAGES, [], ["https://images.example/kava.jpg"]),
        ]
        assert set((await carry_out(shop, changes)).values()) == {ProductOutcome.APPLIED}
        product = store.item("KAVA-1").variant.product
        assert store.item("KAVA-1").variant.price_cents == 1_990
        assert (product.description_html, len(product.media)) == ("<p>Rooted in the islands.</p>", 1)
        assert await catalogue(shop).propose() == [], "what was written is known without another reading"
        shop.clock.advance(600)
        await read(shop)
        assert await differing(shop) == []


async def test_what_moved_after_the_plan_is_not_written(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        store = shop.world.shopify
        store.reprice("KAVA-1", Decimal("17.00"))
        store.edit_product("KAVA-1", description_html="")
        await read(shop)
        changes = await catalogue(shop).propose()
        store.reprice("KAVA-1", Decimal("16.00"))
        store.edit_product("KAVA-1", description_html="<p>By hand</p>")
        assert await carry_out(shop, changes) == {
            Field.PRICE: ProductOutcome.MOVED,
            Field.DESCRIPTION: ProductOutcome.MOVED,
        }
        assert store.item("KAVA-1").variant.price_cents == 1_600


async def test_a_price_that_is_crossed_out_by_now_is_left(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        shop.world.shopify.reprice("KAVA-1", Decimal("17.00"))
        await read(shop)
        changes = await catalogue(shop).propose()
        shop.world.shopify.reprice("KAVA-1", Decimal("17.00"), Decimal("22.00"))
        assert await carry_out(shop, changes) == {Field.PRICE: ProductOutcome.MOVED}


async def test_new_items_become_one_draft_with_their_stock_by_the_ordinary_rules(tmp_path: Path) -> None:
    async with reading(tmp_path, KAVA, *SHIRTS) as shop:
        (change,) = await catalogue(shop).propose()
        assert (change.kind, change.after["title"], change.after["options"]) == (ChangeKind.CREATE, "T-shirt", ["Size"])
        assert [each["sku"] for each in change.after["variants"]] == ["SHIRT-S", "SHIRT-M", "SHIRT-L"]
        assert await carry_out(shop, [change]) == {Field.PRODUCT: ProductOutcome.APPLIED}
        store = shop.world.shopify
        product = store.item("SHIRT-M").variant.product
        assert (product.status, len(product.variants), product.tags) == ("DRAFT", 3, ("Clothes",))
        assert await shop.work.ledger.count_links() == 4
        assert store.available("SHIRT-M") == 0
        await shop.passes(2)
        assert [store.available(f"SHIRT-{size}") for size in "SML"] == [12, 12, 12]
        assert await catalogue(shop).propose() == []
        assert await shop.work.ledger.conflicts() == []
        told = [[each.change.kind for each in await catalogue(shop).book.writes_of(f"SHIRT-{size}")] for size in "SML"]
        assert told == [[ChangeKind.CREATE]] * 3, "each of its variants tells how it came to be"


async def test_what_was_only_compared_becomes_no_draft_until_it_is_read_whole(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with open_shop(World((KAVA, *SHIRTS), clock=clock), clock, tmp_path, alerts=WITHOUT_NEW) as shop:
        await shop.work.engine.validation.run()
        assert await catalogue(shop).propose() == []
        await read(shop)
        assert [each.kind for each in await catalogue(shop).propose()] == [ChangeKind.CREATE]


async def test_a_plan_that_is_carried_out_twice_makes_one_product(tmp_path: Path) -> None:
    async with reading(tmp_path, KAVA, *SHIRTS) as shop:
        changes = await catalogue(shop).propose()
        before = len(shop.world.shopify.shelves.products)
        assert await carry_out(shop, changes) == {Field.PRODUCT: ProductOutcome.APPLIED}
        assert await carry_out(shop, changes) == {Field.PRODUCT: ProductOutcome.MOVED}
        assert len(shop.world.shopify.shelves.products) == before + 1


async def test_an_archived_item_takes_its_product_off_sale(tmp_path: Path) -> None:
    async with reading(tmp_path, KAVA, replace(KAVA, sku="KAVA-2", title="Kava Two", handle="kava-2")) as shop:
        shop.world.lightspeed.archive("KAVA-1")
        shop.clock.advance(600)
        await read(shop)
        (change,) = await catalogue(shop).propose()
        assert (change.kind, change.before["status"], change.after["status"]) == (ChangeKind.RETIRE, "ACTIVE", "DRAFT")
        assert await carry_out(shop, [change]) == {Field.STATUS: ProductOutcome.APPLIED}
        assert await catalogue(shop).propose() == []
        store = shop.world.shopify
        assert (store.item("KAVA-1").variant.product.status, store.available("KAVA-1")) == ("DRAFT", 0)
        assert (store.item("KAVA-2").variant.product.status, store.available("KAVA-2")) == ("ACTIVE", 20)


async def test_what_changes_in_either_shop_is_known_from_the_catalogues_feeds(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        shop.world.shopify.reprice("KAVA-1", Decimal("17.00"))
        await shop.work.engine.linking.refresh(run_id=0)
        assert await differing(shop) == [("KAVA-1", Field.PRICE)]
        shop.clock.advance(60)
        shop.world.lightspeed.reprice("KAVA-1", Decimal("17.00"))
        await shop.work.engine.linking.refresh(run_id=0)
        assert await differing(shop) == []


async def test_goods_sold_online_only_are_never_touched(tmp_path: Path) -> None:
    async with reading(tmp_path, KAVA, replace(KAVA, sku="WEB-1", handle="web", title="Web", in_store=False)) as shop:
        assert await catalogue(shop).propose() == []
        assert await differing(shop) == []
