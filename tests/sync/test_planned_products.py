"""Changes of product fields in plans: proposed beside those of stock, reviewed, carried out, and named where not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.asked import SyncOrder
from sync.errors import Code, Transient
from sync.halting import Halt
from sync.plan import from_json
from sync.products import Field, ProductOutcome
from sync.records import RunOutcome
from sync.shopify.products import ShopifyProducts
from tests.sync.shop import FULL, Shop, few, live_shop
from tests.sync.test_reviewed_plans import planned

pytestmark = pytest.mark.anyio


async def with_other_prices(shop: Shop, *skus: str) -> SyncOrder:
    """Let Shopify sell some goods for less, and return the order that confirms a plan of that."""
    for sku in skus:
        shop.world.shopify.reprice(sku, Decimal("1.00"))
    shop.clock.advance(600)
    return await planned(shop, FULL)


async def test_a_full_plan_has_the_changes_of_products_and_carries_them_out(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku, other = (good.sku for good in shop.world.goods[:2])
        shop.world.lightspeed.sell(other, 1)
        order = await with_other_prices(shop, sku)
        plan = from_json(order.plan or "")
        prices = [each for each in plan.products if each.field is Field.PRICE]
        assert [(each.sku, each.before) for each in prices] == [(sku, 100)]
        reply = await shop.sync(order)
        assert (reply.outcome, reply.left) == (RunOutcome.OK, ())
        assert reply.numbers["products_applied"] >= 1
        assert shop.world.shopify.item(sku).variant.price_cents == prices[0].after
        assert shop.apart() == {}


async def test_a_product_that_has_moved_since_is_named_and_left(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        order = await with_other_prices(shop, sku)
        shop.world.shopify.reprice(sku, Decimal("2.00"))
        reply = await shop.sync(order)
        moved = [(each.change.sku, each.outcome) for each in reply.products if each.change.field is Field.PRICE]
        assert moved == [(sku, ProductOutcome.MOVED)]
        assert shop.world.shopify.item(sku).variant.price_cents == 200


async def test_what_was_written_before_an_error_counts_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goods = [replace(good, handle=good.sku.lower(), options=()) for good in few(2)]
    async with live_shop(goods, tmp_path) as shop:
        order = await with_other_prices(shop, *(good.sku for good in shop.world.goods))
        planned_prices = len(from_json(order.plan or "").products)
        set_prices, sent = ShopifyProducts.set_prices, list[str]()

        async def then_gone(products: ShopifyProducts, product_id: str, cents: Mapping[str, int]) -> Any:
            sent.append(product_id)
            if len(sent) > 1:
                raise Transient(Code.SH004)
            return await set_prices(products, product_id, cents)

        monkeypatch.setattr(ShopifyProducts, "set_prices", then_gone)
        reply = await shop.sync(order)
        assert (planned_prices, reply.outcome, reply.code) == (2, RunOutcome.FAILED, "SH004")
        told = {name: count for name, count in reply.numbers.items() if name.startswith("products_")}
        assert told == {"products_applied": 1, "products_refused": 1}
        assert [(each.outcome, each.code) for each in reply.products] == [(ProductOutcome.REFUSED, "SH004")]


async def test_products_are_not_begun_once_a_person_has_stopped_the_pass(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        order, halt = await with_other_prices(shop, sku), Halt()
        halt.ask()
        reply = await shop.work.actions.sync(order, halt)
        assert reply.outcome is RunOutcome.INTERRUPTED
        assert shop.world.shopify.item(sku).variant.price_cents == 100
        again = await shop.sync(order)
        assert again.numbers["products_applied"] >= 1


async def test_a_plan_for_some_goods_has_only_their_products(tmp_path: Path) -> None:
    goods = [replace(good, handle=good.sku.lower(), options=()) for good in few(3)]
    async with live_shop(goods, tmp_path) as shop:
        skus = [good.sku for good in shop.world.goods]
        await with_other_prices(shop, *skus)
        order = await planned(shop, SyncOrder(skus=(skus[0],)))
        assert {each.sku for each in from_json(order.plan or "").products} == {skus[0]}
