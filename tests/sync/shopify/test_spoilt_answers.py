"""One order at whose details Shopify itself fails, so that every answer with it is spoilt, holds up no other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from sync.errors import Code, Transient
from sync.model import OrderRow
from tests.sync.shopify.support import URL, Basket, Script, Stage, answer, build, error, page
from tests.sync.shopify.test_orders import SINCE, gid, line, locations, order

pytestmark = pytest.mark.anyio

HEAD = ("id", "name", "createdAt", "updatedAt")
SPOILT: dict[str, Callable[[], httpx.Response]] = {
    "an internal error": lambda: answer(None, errors=error("INTERNAL_SERVER_ERROR")),
    "half an answer": lambda: answer({"nodes": [None], "orders": {}}, errors=[{"message": "secret"}]),
}
CODES = {"an internal error": "SH006", "half an answer": "SH007"}


class FailingShop(Script):
    """A shop of seven orders that answers as `spoilt` says whatever asks for the details of one of `bad`."""

    def __init__(self, spoilt: Callable[[], httpx.Response]) -> None:
        super().__init__()
        self.spoilt = spoilt
        self.bad: set[str] = {gid("Order", 5)}
        self.gone: set[str] = set()
        self.orders = {gid("Order", n): order(n, page([line(n)])) for n in range(1, 8)}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        asked = json.loads(request.content)
        name, ids = asked["operationName"], asked["variables"].get("ids", list(self.orders))
        if name == "CountLocations":
            return locations(1)
        heads = name.startswith("OrderHeads")
        if not heads and self.bad & set(ids):
            return self.spoilt()
        told = [self._told(one, heads=heads) for one in ids]
        return answer({"nodes": told} if "ids" in asked["variables"] else {"orders": page(told)})

    def _told(self, order_id: str, *, heads: bool) -> dict[str, Any] | None:
        whole = self.orders[order_id]
        if order_id in self.gone and not heads:
            return None
        return {name: whole[name] for name in HEAD} if heads else whole


@pytest.fixture(params=list(SPOILT))
async def failing(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Stage, FailingShop, str]]:
    script = FailingShop(SPOILT[request.param])
    with respx.mock(assert_all_called=True, assert_all_mocked=True) as router:
        router.post(URL).mock(side_effect=script)
        stage = build(script)
        async with stage.edge:
            yield stage, script, CODES[request.param]


async def read(stage: Stage) -> Basket[OrderRow]:
    basket = Basket[OrderRow]()
    certificate = await stage.shop.read_orders(SINCE, basket)
    assert (certificate.rows, certificate.newest) == (7, datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC))
    return basket


async def fails(stage: Stage, times: int, code: str) -> None:
    for _ in range(times):
        basket = Basket[OrderRow]()
        with pytest.raises(Transient) as caught:
            await stage.shop.read_orders(SINCE, basket)
        assert caught.value.code is Code[code]
        assert basket.pages == []


async def test_the_third_reading_tells_it_as_unreadable_and_all_others_as_they_are(
    failing: tuple[Stage, FailingShop, str],
) -> None:
    stage, _, code = failing
    await fails(stage, 2, code)
    basket = await read(stage)
    told = {row.name: (row.unreadable, len(row.lines)) for row in basket.rows}
    assert told.pop("#5") == (f"Shopify does not tell its details ({code})", 0)
    assert told == {f"#{n}": ("", 1) for n in (1, 2, 3, 4, 6, 7)}


async def test_once_shopify_tells_it_again_it_is_an_order_like_any_other(
    failing: tuple[Stage, FailingShop, str],
) -> None:
    stage, script, code = failing
    await fails(stage, 2, code)
    script.bad.clear()
    assert {row.unreadable for row in (await read(stage)).rows} == {""}
    script.bad.add(gid("Order", 5))
    await fails(stage, 2, code)


async def test_by_id_the_others_come_too(failing: tuple[Stage, FailingShop, str]) -> None:
    stage, script, code = failing
    for _ in range(2):
        with pytest.raises(Transient):
            await stage.shop.orders_of(list(script.orders))
    found = await stage.shop.orders_of(list(script.orders))
    assert [one for one, row in found.items() if row.unreadable] == [gid("Order", 5)]
    assert found[gid("Order", 5)].unreadable.endswith(f"({code})")
    assert len(found) == 7


async def test_an_order_that_vanishes_meanwhile_gives_no_certificate(failing: tuple[Stage, FailingShop, str]) -> None:
    stage, script, code = failing
    await fails(stage, 2, code)
    script.gone.add(gid("Order", 2))
    await fails(stage, 1, "SH013")


async def test_a_healthy_shop_is_read_with_one_call(failing: tuple[Stage, FailingShop, str]) -> None:
    stage, script, _ = failing
    script.bad.clear()
    await read(stage)
    assert script.operations == ["CountLocations", "OrdersChanged"]
