"""What commands about SKUs and differences ask of a running daemon, and how its answers are read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from pydantic import BaseModel

from monitor.asked import CreateItemsOrder, DecidedMany, DecideManyOrder, FileStand, MapOrder, UnmapOrder
from monitor.control import control_app
from monitor.mapped import MAPPED, heard
from sync.item_making import ItemDraft, MadeItem, MakeOutcome
from sync.mapping import MapOutcome
from sync.records import ConflictDecision
from tests.sync.shop import Shop, few, live_shop

pytestmark = pytest.mark.anyio

_NONE = cast(Any, None)  # what answers on alerts and passes is not asked here


class Daemon:
    """The answering end of the socket over an open shop."""

    def __init__(self, shop: Shop, client: httpx.AsyncClient) -> None:
        self.shop = shop
        self._client = client

    async def ask(self, action: str, order: BaseModel) -> Any:
        answer = await self._client.post(f"/{action}", content=order.model_dump_json())
        return answer.json()


@asynccontextmanager
async def daemon(folder: Path) -> AsyncIterator[Daemon]:
    goods = [replace(good, in_store=place != 0) for place, good in enumerate(few())]
    async with live_shop(goods, folder) as shop:
        app = control_app(shop.work.actions, _NONE, _NONE, _NONE, FileStand)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://lightspeed-sync") as client:
            yield Daemon(shop, client)


async def test_links_are_made_and_ended_through_the_daemon(tmp_path: Path) -> None:
    async with daemon(tmp_path) as it:
        sku = it.shop.world.goods[1].sku
        ended = await it.ask("unmap_skus", UnmapOrder(skus=(sku,), by="ann"))
        (mapped,) = MAPPED.validate_python(await it.ask("map_skus", MapOrder(pairs=((sku, sku),), by="ann")))
        refused = await it.ask("unmap_skus", UnmapOrder(skus=("NOSUCH",), by="ann"))
        assert ended == {"ended": 1}
        assert (mapped.outcome, mapped.pair and mapped.pair.sku) == (MapOutcome.NEW, sku)
        assert refused == {"kind": "Permanent", "code": "LS002", "detail": "(NOSUCH)"}


async def test_items_are_made_through_the_daemon(tmp_path: Path) -> None:
    async with daemon(tmp_path) as it:
        good = it.shop.world.goods[0]
        shown, unknown = [
            heard(each) for each in await it.ask("create_items", CreateItemsOrder(skus=(good.sku, "NOSUCH"), by="ann"))
        ]
        assert shown.outcome is MakeOutcome.WOULD
        assert isinstance(shown.draft, ItemDraft)
        assert unknown == MadeItem("NOSUCH", MakeOutcome.NO_VARIANT)


async def test_many_differences_are_decided_through_the_daemon(tmp_path: Path) -> None:
    async with daemon(tmp_path) as it:
        sku = it.shop.world.goods[1].sku
        it.shop.world.shopify.adjust(sku, 15)
        await it.shop.passes(3)
        (conflict,) = await it.shop.work.ledger.conflicts()
        order = DecideManyOrder(differences={conflict.link_id: 15}, decision=ConflictDecision.DISMISSED, by="ann")
        assert DecidedMany.model_validate(await it.ask("decide_many", order)) == DecidedMany(decided=(sku,))
