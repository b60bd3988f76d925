"""The pretend store sends webhooks as Shopify does: signed, retried with the same id, and not for ever."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.catalogue import generate
from sandbox.clock import ManualClock
from sandbox.goods import Good
from sandbox.shopify.sender import RETRY_MINUTES, WebhookSender
from sandbox.shopify.state import ShopifyStore

pytestmark = pytest.mark.anyio

PUBLIC = "https://shop-hooks.example"


@dataclass
class Receiver:
    """Answers with the statuses given, the last of them for ever; 0: not at all."""

    statuses: list[int]
    got: list[tuple[str, Mapping[str, str], dict[str, Any]]] = field(default_factory=list)

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        told = headers["X-Shopify-Hmac-Sha256"]
        digest = hmac.new(b"sandbox-app-secret", body, hashlib.sha256).digest()
        assert base64.b64decode(told) == digest
        self.got.append((url, headers, json.loads(body)))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if not status:
            raise httpx.ConnectTimeout("nobody")
        return status

    @property
    def ids(self) -> list[str]:
        return [headers["X-Shopify-Webhook-Id"] for _, headers, _ in self.got]


@dataclass
class Stage:
    clock: ManualClock
    store: ShopifyStore
    sender: WebhookSender
    receiver: Receiver

    def subscribe(self, *topics: str, fields: tuple[str, ...] = ()) -> None:
        for topic in topics:
            self.store.subscriptions.add(
                topic, f"{PUBLIC}/in", kind="JSON", only=None, fields=list(fields), version="2026-10"
            )

    def order(self) -> str:
        return self.store.place_order({next(iter(self.store.shelves.by_sku)): 1})


def stage(*statuses: int) -> Stage:
    clock, receiver = ManualClock(datetime(2026, 11, 22, 12, tzinfo=UTC)), Receiver(list(statuses))
    store = ShopifyStore(generate(5, 1, odd=False), clock=clock, seed=1)
    sender = WebhookSender(store, post=receiver)
    sender.hosts[PUBLIC] = "http://127.0.0.1:8080"
    return Stage(clock, store, sender, receiver)


async def test_who_subscribed_is_told_at_the_place_behind_the_name() -> None:
    world = stage(200)
    world.subscribe("ORDERS_CREATE")
    gid = world.order()
    assert await world.sender.deliver() == 1
    ((url, headers, body),) = world.receiver.got
    assert (url, headers["Host"]) == ("http://127.0.0.1:8080/in", "shop-hooks.example")
    assert headers["X-Shopify-Shop-Domain"] == "wtfswag.myshopify.com"
    assert body["admin_graphql_api_id"] == gid == f"gid://shopify/Order/{body['id']}"
    assert datetime.fromisoformat(body["updated_at"]).utcoffset() is not None


@pytest.mark.parametrize(
    ("topic", "act", "keys"),
    [
        ("ORDERS_EDITED", lambda s, g, sku: s.edit(g, sku, 1), {"order_edit"}),
        ("REFUNDS_CREATE", lambda s, g, sku: s.refund(g, {sku: 1}, "NO_RESTOCK"), {"order_id", "refund_line_items"}),
        ("ORDERS_CANCELLED", lambda s, g, sku: s.cancel(g), {"id", "cancelled_at"}),
        (
            "INVENTORY_LEVELS_UPDATE",
            lambda s, g, sku: s.adjust(sku, 2),
            {"inventory_item_id", "location_id", "available"},
        ),
        ("PRODUCTS_UPDATE", lambda s, g, sku: s.adjust(sku, 2), {"id", "status", "variant_gids"}),
        ("PRODUCTS_CREATE", lambda s, _, __: s.add(Good(sku="NEW", title="New", handle="new")), {"id", "title"}),
        ("PRODUCTS_DELETE", lambda s, g, sku: s.delete_product(sku), {"id"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_each_topic_has_its_shape(topic: str, act: Any, keys: set[str]) -> None:
    world = stage(200)
    gid, sku = world.order(), next(iter(world.store.shelves.by_sku))
    world.subscribe(topic)
    act(world.store, gid, sku)
    await world.sender.deliver()
    body = world.receiver.got[0][2]
    assert keys <= set(body)
    if topic == "PRODUCTS_DELETE":
        assert set(body) == {"id"}


async def test_only_the_fields_asked_for_are_sent() -> None:
    world = stage(200)
    world.subscribe("ORDERS_CREATE", fields=("id", "updated_at"))
    world.order()
    await world.sender.deliver()
    assert set(world.receiver.got[0][2]) == {"id", "updated_at"}


async def test_a_failed_delivery_is_repeated_with_the_same_id_and_body() -> None:
    world = stage(500, 0, 200)
    world.subscribe("ORDERS_CREATE")
    gid = world.order()
    await world.sender.deliver()
    world.store.cancel(gid)
    for _ in range(2):
        assert await world.sender.deliver() == 0
        world.clock.advance(200)
        assert await world.sender.deliver() == 1
    assert len(set(world.receiver.ids)) == 1
    assert world.receiver.got[0][2] == world.receiver.got[2][2]
    assert [each.statuses for each in world.sender.sent] == [[500, 0, 200]]


async def test_after_eight_retries_the_subscription_is_gone() -> None:
    world = stage(301)
    world.subscribe("ORDERS_CREATE")
    world.order()
    world.sender.time_scale = 0.5
    for _ in range(9):
        await world.sender.deliver()
        world.clock.advance(45 * 60)
    assert len(world.receiver.got) == 1 + len(RETRY_MINUTES) == 9
    assert world.store.subscriptions.rows == {}
    assert len(world.sender.given_up) == 1
    world.order()
    assert world.sender.waiting == []


async def test_deliveries_may_be_lost_doubled_late_and_out_of_order() -> None:
    world = stage(200)
    world.subscribe("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED")
    world.sender.habits.loss = 1.0
    world.order()
    assert await world.sender.deliver() == 0
    world.sender.habits.loss, world.sender.habits.duplicate, world.sender.habits.reorder = 0.0, 1.0, 1.0
    for _ in range(5):
        world.store.cancel(world.order())
    assert await world.sender.deliver() == 30
    assert len(set(world.receiver.ids)) == 15
    told = [headers["X-Shopify-Triggered-At"] + headers["X-Shopify-Topic"] for _, headers, _ in world.receiver.got]
    assert told != sorted(told)
    world.sender.habits.delay = 3600.0
    world.order()
    assert await world.sender.deliver() < 2
    world.clock.advance(3600)
    await world.sender.deliver()
    assert world.sender.waiting == []
