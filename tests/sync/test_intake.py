"""Webhooks make us read, once for many of them; what they say themselves is never believed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault, FaultKind
from sandbox.shopify.access import STATIC_TOKEN
from sync.errors import Code, Permanent, Transient
from sync.events import Event, RunWanted
from sync.intake import Kind, Patience, groups
from sync.webhooks import DueWebhook, Receipt, Topic, Webhook, essence, subject_of
from tests.sync.shop import Shop, few, live_shop
from tests.sync.storage.build import query

pytestmark = pytest.mark.anyio


@dataclass
class Post:
    """A live shop that webhooks come to."""

    shop: Shop
    ids: Any = field(default_factory=lambda: count(1))
    wanted: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunWanted):
            self.wanted.append(event.job)

    async def deliver(self, topic: Topic, body: dict[str, Any], webhook_id: str = "") -> Receipt:
        now = self.shop.clock.now()
        told = essence(topic, body)
        name = webhook_id or f"w-{next(self.ids)}"
        return await self.shop.work.engine.inbox.keep(
            Webhook(name, "", topic, "wtfswag.myshopify.com", now, now, subject_of(topic, body), told)
        )

    async def look(self) -> int:
        return await self.shop.work.engine.intake.run()

    async def states(self) -> list[tuple[object, ...]]:
        return await query(self.shop.work.database, "SELECT topic, state, code FROM webhooks ORDER BY number")

    async def count(self, what: str) -> object:
        ((found,),) = await query(self.shop.work.database, f"SELECT COUNT(*) FROM {what}")  # noqa: S608 - our own words
        return found

    @property
    def reads(self) -> int:
        """Return how often something was read by id."""
        return self.shop.world.shopify.request_log["nodes"]

    def level(self, sku: str, available: int, *, location: int = 1001) -> dict[str, Any]:
        at = self.shop.clock.now().isoformat()
        number = self.shop.world.shopify.item(sku).number
        return {"inventory_item_id": number, "location_id": location, "available": available, "updated_at": at}

    def product(self, sku: str) -> dict[str, Any]:
        product = self.shop.world.shopify.item(sku).variant.product
        gids = [{"admin_graphql_api_id": one.id, "updated_at": one.updated_at.isoformat()} for one in product.variants]
        return {"id": product.number, "status": product.status.lower(), "variant_gids": gids}


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with live_shop(few(), tmp_path, index_lag_seconds=30) as shop:
        opened = Post(shop)
        shop.work.events.join(opened)
        yield opened


def number(gid: str) -> int:
    return int(gid.rpartition("/")[2])


# --- orders


async def test_fifty_copies_and_five_topics_of_one_order_are_one_reading(post: Post) -> None:
    order = number(post.shop.world.shopify.place_order({post.shop.world.goods[0].sku: 2}))
    before = post.reads
    for _ in range(50):
        await post.deliver(Topic.ORDERS_CREATE, {"id": order}, "the same")
    await post.deliver(Topic.ORDERS_PAID, {"id": order})
    await post.deliver(Topic.ORDERS_UPDATED, {"id": order})
    await post.deliver(Topic.ORDERS_EDITED, {"order_edit": {"order_id": order}})
    await post.deliver(Topic.REFUNDS_CREATE, {"id": 9, "order_id": order})
    assert await post.look() == 5
    assert post.reads - before == 1
    assert await post.count("orders") == 1
    assert await post.count("order_facts WHERE kind = 'placed'") == 1
    assert post.wanted == ["orders"]
    assert {row[1] for row in await post.states()} == {"done"}


async def test_an_update_before_its_create_changes_nothing(post: Post) -> None:
    shop = post.shop.world.shopify
    gid = shop.place_order({post.shop.world.goods[0].sku: 2})
    post.shop.clock.advance(5)
    shop.cancel(gid)
    await post.deliver(Topic.ORDERS_CANCELLED, {"id": number(gid)})
    await post.look()
    facts = await query(post.shop.work.database, "SELECT kind, n, units FROM order_facts ORDER BY fact_id")
    await post.deliver(Topic.ORDERS_CREATE, {"id": number(gid)})
    await post.look()
    assert await query(post.shop.work.database, "SELECT kind, n, units FROM order_facts ORDER BY fact_id") == facts
    assert ("placed", "1", 2) in facts


async def test_an_open_order_that_cannot_be_found_any_more_is_marked_as_gone(post: Post) -> None:
    shop = post.shop.world.shopify
    gid = shop.place_order({post.shop.world.goods[0].sku: 1})
    await post.deliver(Topic.ORDERS_CREATE, {"id": number(gid)})
    await post.look()
    del shop.order_book.orders[gid]
    await post.deliver(Topic.ORDERS_UPDATED, {"id": number(gid)})
    await post.deliver(Topic.ORDERS_UPDATED, {"id": 424242})
    await post.look()
    assert await post.count("orders WHERE lost_at IS NOT NULL") == 1
    assert await post.count("orders") == 1


# --- stock


async def test_the_echo_of_our_own_write_is_no_work(post: Post) -> None:
    sku = post.shop.world.goods[0].sku
    post.shop.world.lightspeed.sell(sku, 1)
    await post.shop.sync()
    calls = post.shop.world.requests["shopify"].total()
    await post.deliver(Topic.INVENTORY_LEVELS_UPDATE, post.level(sku, post.shop.world.shopify.available(sku)))
    await post.deliver(Topic.PRODUCTS_UPDATE, post.product(sku))
    assert await post.look() == 2
    assert post.shop.world.requests["shopify"].total() == calls
    assert post.wanted == []
    assert await post.count("links WHERE due AND state = 'confirmed'") == 0
    assert {row[1] for row in await post.states()} == {"unneeded"}


async def test_another_number_makes_the_link_due_and_wants_a_pass(post: Post) -> None:
    sku = post.shop.world.goods[0].sku
    post.shop.world.shopify.adjust(sku, 2)
    await post.deliver(Topic.INVENTORY_LEVELS_UPDATE, post.level(sku, post.shop.world.shopify.available(sku)))
    await post.look()
    assert post.wanted == ["stock"]
    assert await post.count("links WHERE due AND state = 'confirmed'") == 1


@pytest.mark.parametrize("why", ["elsewhere", "older", "not sold in store"])
async def test_a_number_that_does_not_concern_us_is_no_work(post: Post, why: str) -> None:
    sku = post.shop.world.goods[0].sku
    body = post.level(sku, 77, location=1002 if why == "elsewhere" else 1001)
    if why == "older":
        body["updated_at"] = "2026-01-01T00:00:00-05:00"
    if why == "not sold in store":
        body["inventory_item_id"] = 424242
    await post.deliver(Topic.INVENTORY_LEVELS_UPDATE, body)
    await post.look()
    assert post.wanted == []


# --- products


async def test_a_deleted_product_ends_its_links(post: Post) -> None:
    sku = post.shop.world.goods[0].sku
    gid = post.shop.world.shopify.delete_product(sku)
    await post.deliver(Topic.PRODUCTS_DELETE, {"id": number(gid)})
    await post.look()
    assert await post.count(f"links WHERE sku = '{sku}' AND reason = 'deleted in Shopify'") == 1
    assert await post.count(f"variants WHERE product_id = '{gid}'") == 0
    await post.shop.work.engine.linking.link()
    assert await post.count(f"links WHERE sku = '{sku}' AND state = 'confirmed'") == 0


async def test_a_deletion_that_shopify_knows_nothing_of_ends_nothing(post: Post) -> None:
    links = await post.count("links WHERE state = 'confirmed'")
    product = post.shop.world.shopify.item(post.shop.world.goods[0].sku).variant.product
    await post.deliver(Topic.PRODUCTS_DELETE, {"id": product.number})
    await post.look()
    assert await post.count("links WHERE state = 'confirmed'") == links


async def test_a_changed_variant_is_read_and_wants_the_catalogues(post: Post) -> None:
    sku = post.shop.world.goods[0].sku
    post.shop.clock.advance(5)
    post.shop.world.shopify.rename_sku(sku, "RENAMED")
    await post.deliver(Topic.PRODUCTS_UPDATE, post.product("RENAMED"))
    await post.deliver(Topic.PRODUCTS_UPDATE, post.product("RENAMED"))
    before = post.reads
    await post.look()
    assert post.reads - before == 1
    assert post.wanted == ["catalogue"]
    assert await post.count("variants WHERE sku = 'RENAMED'") == 1


# --- the app


async def test_an_uninstalled_app_is_remembered_until_it_answers_again(post: Post) -> None:
    access, inbox = post.shop.world.shopify.access, post.shop.work.engine.inbox
    kept = dict(access._tokens)
    access.revoke(STATIC_TOKEN)
    await post.deliver(Topic.APP_UNINSTALLED, {"id": 1})
    await post.look()
    assert await inbox.uninstalled_at() == post.shop.clock.now()
    access._tokens.update(kept)
    await post.deliver(Topic.APP_UNINSTALLED, {"id": 1})
    await post.look()
    assert await inbox.uninstalled_at() is None
    assert [row[1] for row in await post.states()] == ["done", "unneeded"]


# --- what goes wrong


async def test_a_reading_that_fails_holds_up_no_other_and_is_tried_again(post: Post) -> None:
    shop = post.shop.world.shopify
    gid = shop.place_order({post.shop.world.goods[0].sku: 1})
    shop.adjust(post.shop.world.goods[1].sku, 2)
    post.shop.world.faults.add("shopify", "nodes", Fault(FaultKind.SERVER_ERROR, times=5))
    await post.deliver(Topic.ORDERS_CREATE, {"id": number(gid)})
    await post.deliver(Topic.INVENTORY_LEVELS_UPDATE, post.level(post.shop.world.goods[1].sku, 99))
    await post.look()
    assert await post.states() == [("orders/create", "due", "SH006"), ("inventory_levels/update", "done", None)]
    assert await post.look() == 0
    post.shop.clock.advance(60)
    assert await post.look() == 1
    assert await post.count("orders") == 1


async def test_what_fails_for_ever_is_put_aside_with_its_code(post: Post) -> None:
    gid = post.shop.world.shopify.place_order({post.shop.world.goods[0].sku: 1})
    post.shop.world.faults.add("shopify", "nodes", Fault(FaultKind.REFUSED, times=0, code="no"))
    await post.deliver(Topic.ORDERS_CREATE, {"id": number(gid)})
    for _ in range(10):
        await post.look()
        post.shop.clock.advance(3600)
    ((_, state, code),) = await post.states()
    assert (state, str(code)[:2]) == ("dead", "SH")
    assert await post.look() == 0


def due(number: int, topic: Topic, attempts: int = 0) -> DueWebhook:
    return DueWebhook(number, topic, "gid", {}, attempts)


def test_what_failed_before_is_read_alone() -> None:
    batch = [
        due(1, Topic.ORDERS_CREATE),
        due(2, Topic.ORDERS_PAID, attempts=1),
        due(3, Topic.REFUNDS_CREATE),
        due(4, Topic.PRODUCTS_DELETE),
        due(5, Topic.ORDERS_UPDATED, attempts=3),
    ]
    made = [(kind, [each.number for each in group]) for kind, group in groups(batch)]
    assert made == [(Kind.ORDERS, [1, 3]), (Kind.PRODUCTS, [4]), (Kind.ORDERS, [2]), (Kind.ORDERS, [5])]


@pytest.mark.parametrize(
    ("attempt", "error", "seconds"),
    [
        (1, Permanent(Code.SH008), 5),
        (3, Permanent(Code.SH008), 20),
        (9, Permanent(Code.SH008), 900),
        (10**9, Permanent(Code.SH008), 900),
        (1, Transient(Code.SH001, retry_after=30.0), 30),
    ],
)
def test_waits_grow_to_a_cap_and_never_undercut_the_servers(attempt: int, error: Any, seconds: int) -> None:
    assert Patience().wait(attempt, error) == timedelta(seconds=seconds)


def test_moments_are_told_with_their_offset() -> None:
    body = {
        "id": 1,
        "status": "active",
        "variant_gids": [{"admin_graphql_api_id": "v", "updated_at": "2026-11-22T09:15:30-05:00"}],
    }
    assert essence(Topic.PRODUCTS_UPDATE, body)["variant_gids"] == {
        "v": datetime(2026, 11, 22, 14, 15, 30, tzinfo=UTC).isoformat()
    }
