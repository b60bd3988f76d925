"""The daemon as a process: what it acknowledged survives a kill, and it answers while Lightspeed hangs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from pathlib import Path

import httpx
import pytest

from sandbox.faults import Fault, FaultKind
from tests.e2e.play import Shop, shop

pytestmark = pytest.mark.anyio

HOST = "shop-hooks.example"
SECRET = b"sandbox-app-secret"


@pytest.mark.slow
async def test_fifty_copies_are_answered_while_lightspeed_hangs_and_the_one_survives_a_kill(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        opened.env["PUBLIC_URL"] = f"https://{HOST}"
        first = await opened.run("sync", "--full", "--confirm", "--json")
        assert first.code == 0, first.said
        opened.world.faults.add("lightspeed", "*", Fault(FaultKind.SLOW, times=0, seconds=20))
        asked = opened.world.requests["lightspeed"].total()
        await opened.start()
        await opened.until(lambda: opened.world.requests["lightspeed"].total() > asked, "Lightspeed to be asked")
        gid = opened.world.shopify.place_order({opened.skus[0]: 1})
        assert await _copies(opened, gid) == [200] * 50
        await opened.kill()
        assert await _states(opened) == ["due"]
        opened.world.faults.clear()
        await opened.start()
        await opened.until(lambda: _is(opened, "done"), "the webhook to be looked at")
        orders = await opened.run("sql", f"SELECT order_id FROM orders WHERE order_id = '{gid}'", "--json")  # noqa: S608
        assert json.loads(orders.out) != []
        await opened.until(lambda: len(opened.world.shopify.subscriptions.rows) == 10, "all subscriptions")
        assert await opened.stop() == 0, opened.log()


async def _copies(opened: Shop, gid: str) -> list[int]:
    """Send 50 copies of one webhook at once and return the statuses."""
    body = json.dumps({"id": int(gid.rpartition("/")[2])}).encode()
    headers = {
        "Host": HOST,
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode(),
        "X-Shopify-Shop-Domain": "wtfswag.myshopify.com",
        "X-Shopify-Webhook-Id": "00000000-0000-4000-8000-000000000001",
    }
    url = f"http://127.0.0.1:{opened.public_port}/webhooks/shopify"
    async with httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.post(url, content=body, headers=headers) for _ in range(50)))
    return [answer.status_code for answer in answers]


async def _states(opened: Shop) -> list[str]:
    told = await opened.run("sql", "SELECT state FROM webhooks", "--json")
    return [row["state"] for row in json.loads(told.out)]


async def _is(opened: Shop, state: str) -> bool:
    return await _states(opened) == [state]
