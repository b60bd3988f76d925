"""One small pretend shop, and an httpx client that is logged in to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.faults import Faults
from sandbox.faults_http import ASGIApp
from sandbox.goods import Good
from sandbox.lightspeed.app import lightspeed_app
from sandbox.lightspeed.state import LightspeedShop
from sandbox.transport import InProcessTransport

GOODS = (
    Good(sku="DUCK", title="Bath Duck", handle="duck", price=Decimal("9.99"), stock=5, barcode="012345678905"),
    Good(sku="TEE-S", title="Tee", handle="tee", options=(("Size", "S"),), price=Decimal(20), stock=3),
    Good(sku="TEE-M", title="Tee", handle="tee", options=(("Size", "M"),), price=Decimal(20), stock=0),
    Good(sku="GONE", title="Old Thing", handle="gone", stock=7, archived=True),
    Good(sku="GIFT", title="Gift Wrap", handle="gift", item_type="non_inventory", price=Decimal("1.23")),
    Good(sku="WEB", title="Web Only", handle="web", in_store=False),
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC))


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def shop(clock: ManualClock) -> LightspeedShop:
    return LightspeedShop(GOODS, clock=clock, seed=1, tax_rates=(Decimal("0.05"), Decimal("0.09975")))


@pytest.fixture
def app(shop: LightspeedShop, faults: Faults) -> ASGIApp:
    return lightspeed_app(shop, faults)


@pytest.fixture
async def stranger(app: ASGIApp, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client without a token; paths are relative to the account."""
    transport = InProcessTransport(app, clock=clock)
    base = "https://api.lightspeedapp.com/API/V3/Account/123456/"
    async with httpx.AsyncClient(base_url=base, transport=transport) as client:
        yield client


@pytest.fixture
async def client(stranger: httpx.AsyncClient, shop: LightspeedShop) -> httpx.AsyncClient:
    """Give a client with a fresh token."""
    asked = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret", "grant_type": "refresh_token"}
    token = shop.oauth.token({**asked, "refresh_token": "sandbox-refresh-token"})
    stranger.headers["Authorization"] = f"Bearer {token['access_token']}"
    return stranger
