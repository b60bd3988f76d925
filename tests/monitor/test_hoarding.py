"""Twenty clients hoard whatever they can get for a minute, in virtual time; honest carts are served all the same."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from monitor.metrics import Build, Metrics
from monitor.shopfront import open_shopfront
from sync.storefront.door import Door
from tests.monitor.test_shopfront import Front
from tests.sync.shop import few, live_shop
from tests.sync.storefront.listener import Reply, call

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CLIENTS, RATE, SECONDS = 20, 50, 60
HONEST = 5  # carts a second
LEAVING = 0.7  # of them take out again what they put in; the others keep it
LEAST = 0.95


async def send(door: Door, path: str, query: bytes, address: str, body: dict[str, Any]) -> Reply:
    headers = [(b"x-forwarded-for", address.encode())]
    return await call(door, "POST", path, query, headers=headers, body=[json.dumps(body).encode()])


async def test_honest_carts_succeed_while_twenty_clients_hoard(tmp_path: Path) -> None:
    rng, metrics = random.Random(5), Metrics(Build("1", "2026-10"))
    statuses, served = list[int](), list[bool]()
    async with live_shop(few(60), tmp_path) as shop, open_shopfront(shop.work, None, metrics.storefront) as door:
        front = Front(shop, door, metrics)
        items = [item["itemID"] for item in (await front.get("/inventory"))["items"]]
        assert len(items) == 60

        def wish(units: int) -> dict[str, Any]:
            return {"lightspeedId": rng.choice(items), "quantity": units, "cartToken": str(rng.random())}

        for step in range(SECONDS * HONEST):
            query, visitor = front.signed(), f"10.1.{step // 250}.{step % 250}"
            for attacker in range(CLIENTS * RATE // HONEST):
                greedy = wish(rng.randint(1, 10))
                reply = await send(door, "/reserve", query, f"10.0.0.{attacker % CLIENTS}", greedy)
                statuses.append(reply.status)
            reply = await send(door, "/reserve", query, visitor, wish(rng.choice((1, 1, 1, 2))))
            served.append(reply.status == 200)
            if reply.status == 200 and rng.random() < LEAVING:
                kept = json.loads(reply.body)["reservationId"]
                await send(door, "/release", query, visitor, {"reservationId": kept})
            shop.clock.advance(1 / HONEST)
    assert len(statuses) == CLIENTS * RATE * SECONDS
    assert sum(served) / len(served) >= LEAST
    assert set(statuses) <= {200, 409, 429}
    assert statuses.count(429) > len(statuses) * 0.8
    assert statuses.count(200) <= CLIENTS * 20
