"""The public listener over the real engine: a visitor is told what both shops know, and refusals leave no row."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from monitor.metrics import Build, Metrics
from monitor.shopfront import open_shopfront
from monitor.workshop import engine_limits
from sync.storage.visitor_limits import VisitorLimits, limits_kept
from sync.storefront.door import Door
from sync.storefront.routes import PREFIX
from sync.storefront.signature import proxy_signature
from tests.sync.shop import Shop, few, live_shop
from tests.sync.storage.build import query
from tests.sync.storefront.listener import METHODS, ROUTES, Reply, call
from tests.sync.storefront.test_battery import body_of, variants

pytestmark = pytest.mark.anyio


@dataclass
class Front:
    """The front over a live shop; everything is signed as Shopify signs it."""

    shop: Shop
    door: Door
    metrics: Metrics

    def signed(self, own: Mapping[str, str] | None = None) -> bytes:
        settings = self.shop.work.settings
        pairs = {
            "shop": settings.shopify_store_domain,
            "timestamp": str(int(self.shop.work.clock.now().timestamp())),
            **(own or {}),
        }
        secret = settings.shopify_proxy_shared_secret.get_secret_value().encode()
        return urlencode({**pairs, "signature": proxy_signature(pairs.items(), secret)}).encode()

    async def get(self, path: str, **own: str) -> Any:
        return told(await call(self.door, "GET", PREFIX + path, self.signed(own)))

    async def send(self, path: str, body: object, method: str = "POST") -> Any:
        return told(await call(self.door, method, path, self.signed(), body=[json.dumps(body).encode()]))

    async def rows(self) -> dict[str, int]:
        """Return how many rows each table has."""
        database = self.shop.work.database
        names = await query(database, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return {str(name): (await query(database, f'SELECT COUNT(*) FROM "{name}"'))[0][0] for (name,) in names}  # type: ignore[misc]  # noqa: S608 - names of our own tables


def told(reply: Reply) -> Any:
    return {"status_code": reply.status, **json.loads(reply.body)}


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    metrics = Metrics(Build("1", "2026-10"))
    async with live_shop(few(), tmp_path) as shop, open_shopfront(shop.work, None, metrics.storefront) as door:
        yield Front(shop, door, metrics)


async def first_item(front: Front) -> dict[str, Any]:
    item: dict[str, Any] = (await front.get("/inventory"))["items"][0]
    return item


async def test_a_visitor_sees_what_the_shops_have_and_a_sale_in_the_store_after_the_next_pass(front: Front) -> None:
    item = await first_item(front)
    assert (item["qoh"], item["qtyOnHand"], item["available"]) == (20, 20, 20)
    front.shop.world.lightspeed.sell(item["sku"], 3)
    front.shop.clock.advance(60)
    await front.shop.sync()
    available = await front.get("/availability", variant_id=item["variantId"], lightspeed_id=item["itemID"])
    assert (available["quantity"], available["available"], available["known"]) == (17, True, True)
    item = await first_item(front)
    assert (item["qoh"], item["available"]) == (17, 17)


async def test_what_is_reserved_is_promised_to_nobody_else_until_it_is_released(front: Front) -> None:
    item = await first_item(front)
    reserved = await front.send("/reserve", {"lightspeedId": item["itemID"], "quantity": 4, "cartToken": "c1"})
    assert (reserved["status_code"], reserved["status"], reserved["quantity"]) == (200, "reserved", 4)
    again = await front.send("/reserve", {"lightspeedId": item["itemID"], "quantity": 4, "cartToken": "c1"})
    assert again["reservationId"] == reserved["reservationId"]
    item = await first_item(front)
    assert (item["qoh"], item["available"]) == (20, 16)
    mine = await front.get("/availability", lightspeed_id=item["itemID"])
    assert mine["quantity"] == 20
    changed = await front.send("/reserve", {"reservationId": reserved["reservationId"], "quantity": 6}, "PUT")
    assert (changed["status"], changed["quantity"]) == ("updated", 6)
    for _ in range(2):
        released = await front.send("/release", {"reservationId": reserved["reservationId"]})
        assert released["status"] == "released"
    assert (await first_item(front))["available"] == 20


async def test_a_cap_refuses_with_what_is_left(front: Front) -> None:
    item = await first_item(front)
    refused = await front.send("/reserve", {"lightspeedId": item["itemID"], "quantity": 11})
    assert (refused["status_code"], refused["error"], refused["quantity"]) == (409, "cart_units", 10)


async def test_hints_are_kept_as_such(front: Front) -> None:
    item = await first_item(front)
    told = await front.send("/sync", {"updates": [{"variantId": int(item["variantId"]), "quantity": 99}]})
    assert (told["status"], told["results"][0]["quantity"]) == ("queued", 20)
    order = {"orderNumber": "#999", "lineItems": [{"variantId": item["variantId"], "quantity": 1}]}
    assert (await front.send("/orders", order))["status_code"] == 202
    assert (await first_item(front))["available"] == 20


async def test_forgeries_leave_no_row_in_any_table(front: Front) -> None:
    before = await front.rows()
    assert before["links"] == 8
    for path, methods in ROUTES.items():
        for method in METHODS:
            body = body_of(path, method)
            for name, variant in variants(path, body).items():
                reply = await call(front.door, method, path, variant.query, headers=variant.headers, body=[body])
                assert reply.status == (401 if method in methods else 405), name  # the shop's secret is another
    assert await front.rows() == before


async def test_answers_are_counted(front: Front) -> None:
    await front.get("/inventory")
    await call(front.door, "GET", "/inventory")
    read = front.metrics.registry.get_sample_value
    labels = {"route": "inventory", "status": "200"}
    assert read("lightspeed_sync_storefront_requests_total", labels) == 1
    assert read("lightspeed_sync_storefront_requests_total", {**labels, "status": "401"}) == 1
    assert read("lightspeed_sync_storefront_request_duration_seconds_count", {"route": "inventory"}) == 2


async def test_what_visitors_may_is_kept_for_a_storefront_that_runs_apart(front: Front) -> None:
    limits = engine_limits(front.shop.work.alerts)
    kept = await query(front.shop.work.database, "SELECT value FROM meta WHERE key = 'visitor_limits'")
    assert len(kept) == 1
    expected = VisitorLimits(limits.holds, limits.asks, limits.check_pace)
    assert await limits_kept(front.shop.work.database) == expected
