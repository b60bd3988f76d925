"""One small pretend store, and an httpx client that is let in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.faults import Faults
from sandbox.faults_http import ASGIApp
from sandbox.goods import Good
from sandbox.shopify.app import shopify_app
from sandbox.shopify.state import ShopifyStore
from sandbox.transport import InProcessTransport

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
HOME = "gid://shopify/Location/1001"
WAREHOUSE = "gid://shopify/Location/1002"

GOODS = (
    Good(sku="DUCK", title="Bath Duck", handle="duck", price=Decimal("9.99"), stock=10, barcode="012345678905"),
    Good(sku="TEE-S", title="Tee", handle="tee", options=(("Size", "S"),), price=Decimal(20), stock=3, tags=("cloth",)),
    Good(sku="TEE-M", title="Tee", handle="tee", options=(("Size", "M"),), price=Decimal(20), stock=0),
    Good(sku="GONE", title="Old Thing", handle="gone", stock=7, archived=True),
    Good(sku="KAVA", title="Kava", handle="kava", stock=40, online_stock=38, online_sku="kava "),
    Good(sku="TILL", title="Till Only", handle="till", stock=9, online=False),
)

Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(clock: ManualClock) -> ShopifyStore:
    return ShopifyStore(GOODS, clock=clock, seed=7)


@pytest.fixture
def app(store: ShopifyStore, faults: Faults) -> ASGIApp:
    return shopify_app(store, faults)


@pytest.fixture
async def http(app: ASGIApp, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    transport = InProcessTransport(app, clock=clock)
    headers = {"X-Shopify-Access-Token": "shpat_sandbox"}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as client:
        yield client


@pytest.fixture
def ask(http: httpx.AsyncClient) -> Ask:
    """Ask the store something; keywords are variables. Gives the whole body of an answer that was HTTP 200."""

    async def post(query: str, /, version: str = "2026-10", **variables: Any) -> dict[str, Any]:
        answer = await http.post(f"/admin/api/{version}/graphql.json", json={"query": query, "variables": variables})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    return post
