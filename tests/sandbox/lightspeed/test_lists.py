"""Filters, order, cursors and counts of the pretend lists."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.faults import Faults
from sandbox.goods import Good
from sandbox.lightspeed.app import lightspeed_app
from sandbox.lightspeed.state import LightspeedShop
from sandbox.transport import InProcessTransport

pytestmark = pytest.mark.anyio


def rows(answer: httpx.Response, name: str) -> list[dict[str, Any]]:
    """Undo the collapse of one-row lists."""
    assert answer.status_code == 200, answer.text
    found = answer.json().get(name, [])
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize(
    ("query", "skus"),
    [
        ("customSku=DUCK", ["DUCK"]),
        ("customSku=duck", ["DUCK"]),
        ("customSku=%3D%2CDUCK", ["DUCK"]),
        ("customSku=%21%3D%2CDUCK", ["TEE-S", "TEE-M", "GIFT"]),
        ("customSku=~%2CTEE%25", ["TEE-S", "TEE-M"]),
        ("customSku=%21~%2CTEE%25", ["DUCK", "GIFT"]),
        ("itemID=IN%2C%5B1%2C3%5D", ["DUCK", "TEE-M"]),
        ("itemID=IN%2C1%2C3", ["DUCK", "TEE-M"]),
        ("itemID=%3E%3D%2C3", ["TEE-M", "GIFT"]),
        ("itemID=%3C%2C3", ["DUCK", "TEE-S"]),
        ("itemID=%3E%3C%2C2%2C3", ["TEE-S", "TEE-M"]),
        ("itemCode=012345678905", ["DUCK"]),
        ("itemMatrixID=1&customSku=~%2C%25-M", ["TEE-M"]),
        ("archived=only", ["GONE"]),
        ("archived=true&itemID=%3E%2C3", ["GONE", "GIFT"]),
        ("or=customSku%3DDUCK%7CcustomSku%3D~%252C%2525-S", ["DUCK", "TEE-S"]),
        ('load_relations=["ItemShops"]&ItemShops.shopID=1&ItemShops.qoh=%3E%2C3', ["DUCK"]),
        ('load_relations=["ItemShops"]&or=itemID%3D4%7CItemShops.qoh%3D%3E%2C4', ["DUCK"]),
        ("timeStamp=%3E%2C2026-11-20T12:00:00%2B00:00", []),
        ("timeStamp=%3E%3D%2C2026-11-20T12:00:00Z&itemType=non_inventory", ["GIFT"]),
        ("sort=-description&limit=2", ["TEE-S", "TEE-M"]),
    ],
)
async def test_items_are_filtered(client: httpx.AsyncClient, query: str, skus: list[str]) -> None:
    found = [row["customSku"] for row in rows(await client.get(f"Item.json?{query}"), "Item")]
    assert sorted(found) == sorted(skus)


@pytest.mark.parametrize(
    "query",
    [
        "offset=100",
        "orderby=itemID",
        "orderby_desc=1",
        "sort=qoh",
        "limit=101",
        "limit=-1",
        "limit=many",
        "nonsense=1",
        "itemID=abc",
        "timeStamp=%3E%2Cyesterday",
        "timeStamp=%3E%2C2026-11-20T12:00:00+00:00",  # the bare plus arrives as a space
        "archived=perhaps",
        "after=nonsense",
        "after=WyJhIiwiYiIsImMiXQ==",
        "load_relations=ItemShops",
        'load_relations=["Nope"]',
        "ItemShops.qoh=1",
        "or=itemID",
        "count=1&limit=1",
        "itemCode=~%2C1",
        f"itemID=IN%2C{'%2C'.join(['1'] * 101)}",
    ],
)
async def test_what_v3_does_not_take_is_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"Item.json?{query}")
    assert answer.status_code == 400
    assert answer.json()["httpCode"] == "400"


async def test_one_row_is_an_object_several_are_an_array_and_none_is_no_key(client: httpx.AsyncClient) -> None:
    assert isinstance((await client.get("Item.json?itemID=1")).json()["Item"], dict)
    assert isinstance((await client.get("Item.json")).json()["Item"], list)
    assert (await client.get("Item.json?itemID=99")).json() == {"@attributes": {"next": "", "previous": ""}}


async def test_a_collection_of_one_is_an_object_too(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.sell("DUCK", 1)
    sale = (await client.get('Sale.json?load_relations=["SaleLines","SaleNotes"]')).json()["Sale"]
    assert sale["SaleLines"]["SaleLine"]["itemID"] == "1"
    assert sale["SaleNotes"] == ""


async def test_a_count_is_a_string_and_obeys_the_filters(client: httpx.AsyncClient) -> None:
    assert (await client.get("ItemShop.json?count=1&shopID=0")).json() == {"@attributes": {"count": "5"}}


async def test_the_cursor_is_base64_json_of_the_edge_row(client: httpx.AsyncClient) -> None:
    attributes = (await client.get("Item.json?limit=2&archived=true")).json()["@attributes"]
    link = urlsplit(attributes["next"])
    assert attributes["previous"] == ""
    assert (link.scheme, link.netloc, link.path) == (
        "https",
        "api.lightspeedapp.com",
        "/API/V3/Account/123456/Item.json",
    )
    given = parse_qs(link.query)
    assert {name: given[name] for name in ("sort", "limit", "archived")} == {
        "sort": ["itemID"],
        "limit": ["2"],
        "archived": ["true"],
    }
    assert b64decode(given["after"][0]) == b"[2]"
    stamped = (await client.get("ItemShop.json?limit=1&sort=timeStamp")).json()["@attributes"]
    assert b64decode(parse_qs(urlsplit(stamped["next"]).query)["after"][0]) == b'["2026-11-20T12:00:00+00:00",1]'


async def test_next_points_to_the_configured_host(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.base_url = "http://127.0.0.1:8000"
    link = (await client.get("Item.json?limit=1")).json()["@attributes"]["next"]
    assert link.startswith("http://127.0.0.1:8000/API/V3/Account/123456/Item.json?")


async def test_previous_leads_back(client: httpx.AsyncClient) -> None:
    first = (await client.get("Item.json?limit=2")).json()
    second = (await client.get(first["@attributes"]["next"])).json()
    assert [row["itemID"] for row in second["Item"]] == ["3", "5"]
    assert second["@attributes"]["next"] == ""
    back = (await client.get(second["@attributes"]["previous"])).json()
    assert back["Item"] == first["Item"]
    assert back["@attributes"]["previous"] == ""


async def test_a_page_of_zero_rows_ends_the_walk(client: httpx.AsyncClient) -> None:
    assert (await client.get("Item.json?limit=0")).json() == {"@attributes": {"next": "", "previous": ""}}


async def walk(client: httpx.AsyncClient, path: str, name: str) -> list[dict[str, Any]]:
    seen = []
    while path:
        answer = await client.get(path)
        seen += rows(answer, name)
        path = answer.json()["@attributes"]["next"]
    return seen


@pytest.mark.parametrize("sort", ["itemID", "-itemID", "timeStamp", "-timeStamp", "description", "-description"])
async def test_a_walk_sees_every_row_once(client: httpx.AsyncClient, sort: str) -> None:
    seen = await walk(client, f"Item.json?limit=2&sort={sort}&archived=true", "Item")
    assert sorted(row["itemID"] for row in seen) == ["1", "2", "3", "4", "5"]
    field = sort.removeprefix("-")
    ordered = sorted(((row[field], int(row["itemID"])) for row in seen), reverse=sort.startswith("-"))
    if field != "itemID":
        assert [(row[field], int(row["itemID"])) for row in seen] == ordered


async def test_a_row_that_moves_during_a_walk_comes_again_and_none_is_lost(
    client: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock
) -> None:
    first = await client.get("ItemShop.json?sort=timeStamp&limit=4&shopID=1")
    clock.advance(1)
    shop.sell("DUCK", 1)
    rest = await walk(client, first.json()["@attributes"]["next"], "ItemShop")
    assert [row["itemID"] for row in rows(first, "ItemShop")] == ["1", "2", "3", "4"]
    assert [(row["itemID"], row["qoh"]) for row in rest] == [("5", "0"), ("1", "4")]


async def test_a_big_shop_serves_its_pages_from_order_and_index() -> None:
    clock = ManualClock(datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC))
    goods = [Good(sku=f"S{number}", title=f"Thing {number}", handle=f"h{number}", stock=1) for number in range(3000)]
    shop = LightspeedShop(goods, clock=clock, seed=1, rate_limits=False)
    token = shop.oauth.token(
        {
            "client_id": "sandbox-client",
            "client_secret": "sandbox-client-secret",
            "grant_type": "refresh_token",
            "refresh_token": "sandbox-refresh-token",
        }
    )
    clock.advance(60)
    for number in range(0, 3000, 100):
        shop.sell(f"S{number}", 1)
    transport = InProcessTransport(lightspeed_app(shop, Faults()), clock=clock)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    base = "https://api.lightspeedapp.com/API/V3/Account/123456/"
    async with httpx.AsyncClient(base_url=base, transport=transport, headers=headers) as client:
        since = "timeStamp=%3E%3D%2C2026-11-20T12:01:00%2B00:00"
        moved = await walk(client, f"ItemShop.json?sort=timeStamp&{since}&shopID=1&limit=7", "ItemShop")
        assert [int(row["itemID"]) for row in moved] == list(range(1, 3000, 100))
        everything = await walk(client, "ItemShop.json?sort=timeStamp", "ItemShop")
        assert len(everything) == len({row["itemShopID"] for row in everything}) == 6000


async def test_prices_and_decimals_are_not_padded(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.reprice("TEE-S", Decimal("20.50"))
    item = (await client.get("Item/2.json")).json()["Item"]
    assert item["Prices"]["ItemPrice"][0] == {"amount": "20.5", "useTypeID": "1", "useType": "Default"}
    assert (item["defaultCost"], item["systemSku"][:2], len(item["systemSku"])) == ("4", "21", 12)


async def test_variants_share_a_matrix(client: httpx.AsyncClient) -> None:
    items = rows(await client.get('Item.json?itemMatrixID=1&load_relations=["ItemAttributes"]'), "Item")
    assert [item["ItemAttributes"]["attribute1"] for item in items] == ["S", "M"]
    assert (await client.get("ItemMatrix/1.json")).json()["ItemMatrix"]["description"] == "Tee"
