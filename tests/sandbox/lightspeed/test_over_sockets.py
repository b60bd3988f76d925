"""Over a real socket a cut connection is really cut, and the clock is the machine's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from sandbox.clock import RealClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.faults_http import ASGIApp
from sandbox.goods import Good
from sandbox.lightspeed.app import lightspeed_app
from sandbox.lightspeed.state import LightspeedShop

pytestmark = pytest.mark.anyio

SALE = {"employeeID": 1, "registerID": 1, "shopID": 1, "referenceNumber": "r"}


@asynccontextmanager
async def served(app: ASGIApp, http: str) -> AsyncIterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, lifespan="off", http=http, log_level="critical", ws="none")
        server = uvicorn.Server(config)
        task = asyncio.ensure_future(server.serve(sockets=[listener]))
        while not server.started:
            await RealClock().sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@pytest.mark.parametrize("http", ["h11", "httptools"])
async def test_faults_meet_a_client_over_a_socket(http: str) -> None:
    faults = Faults()
    goods = [Good(sku=f"S{number}", title="Thing", handle=f"h{number}", stock=1) for number in range(3)]
    shop = LightspeedShop(goods, clock=RealClock(), seed=1)
    async with served(lightspeed_app(shop, faults), http) as host, httpx.AsyncClient(base_url=host) as client:
        asked = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
        grant = {**asked, "grant_type": "refresh_token", "refresh_token": "sandbox-refresh-token"}
        token = (await client.post("/auth/oauth/token", data=grant)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        path = "/API/V3/Account/123456"
        for kind, applied in ((FaultKind.RESET_BEFORE, 0), (FaultKind.RESET_AFTER, 1)):
            faults.add("lightspeed", "Sale", Fault(kind))
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await client.post(f"{path}/Sale.json", json=SALE)
            assert len(shop.sales_with_reference("r")) == applied
        faults.add("lightspeed", "Item", Fault(FaultKind.TRUNCATED))
        half = await client.get(f"{path}/Item.json")
        whole = await client.get(f"{path}/Item.json?limit=1")
        assert len(half.content) == int(half.headers["content-length"])
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            half.json()
        following = await client.get(whole.json()["@attributes"]["next"])
        assert following.json()["Item"]["itemID"] == "2"
