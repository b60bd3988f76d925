"""What people do in the shop, and how stock, time stamps and the inventory log show it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.goods import Good
from sandbox.lightspeed.books import Overselling
from sandbox.lightspeed.state import LightspeedShop

pytestmark = pytest.mark.anyio


async def log(client: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    found: Any = (await client.get("InventoryLog.json")).json().get("InventoryLog", [])
    rows = found if isinstance(found, list) else [found]
    return [(row["qohChange"], row["reason"], row["saleID"]) for row in rows]


@pytest.mark.parametrize(
    ("act", "qoh", "entry"),
    [
        (lambda shop: shop.sell("DUCK", 2), 3, ("-2", "RemoveForTransaction", "1")),
        (lambda shop: shop.refund("DUCK", 2), 7, ("2", "RefundAddInventory", "1")),
        (lambda shop: shop.receive("DUCK", 10), 15, ("10", "AddInventoryForOrder", "0")),
        (lambda shop: shop.count("DUCK", 4), 4, ("-1", "RemoveForInventoryCount", "0")),
        (lambda shop: shop.count("DUCK", 9), 9, ("4", "AddInventoryForCount", "0")),
        (lambda shop: shop.archive("DUCK"), 0, ("-5", "RemoveForArchiveItem", "0")),
    ],
    ids=["sell", "refund", "receive", "count less", "count more", "archive"],
)
async def test_what_people_do_moves_stock_and_is_logged(
    client: httpx.AsyncClient,
    shop: LightspeedShop,
    act: Callable[[LightspeedShop], object],
    qoh: int,
    entry: tuple[str, str, str],
) -> None:
    act(shop)
    assert shop.qoh("DUCK") == qoh
    assert await log(client) == [entry]
    summary = (await client.get("ItemShop.json?itemID=1&shopID=0")).json()["ItemShop"]
    assert (summary["qoh"], summary["sellable"]) == (str(qoh), str(qoh))


async def test_a_void_brings_stock_back(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.void(shop.sell("DUCK", 2))
    assert shop.qoh("DUCK") == 5
    assert [reason for _, reason, _ in await log(client)] == ["RemoveForTransaction", "VoidRefund"]
    assert (await client.get("Sale/1.json")).json()["Sale"]["voided"] == "true"


async def test_overselling_goes_negative(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.sell("TEE-S", 5)
    row = (await client.get("ItemShop.json?itemID=2&shopID=1")).json()["ItemShop"]
    assert (row["qoh"], row["sellable"]) == ("-2", "0")
    assert (await client.get("InventoryLog.json")).json()["InventoryLog"]["causedNegative"] == "true"


async def test_an_older_account_adds_what_is_missing() -> None:
    clock = ManualClock(datetime(2026, 11, 20, tzinfo=UTC))
    goods = [Good(sku="A", title="A", handle="a", stock=3)]
    shop = LightspeedShop(goods, clock=clock, seed=1, overselling=Overselling.AUTO_ADD)
    shop.sell("A", 5)
    assert shop.qoh("A") == 0
    assert [(row.qoh_change, row.automated) for row in shop.books.logs] == [(2, True), (-5, False)]
    shop.sell("A", 1)
    assert shop.qoh("A") == 0


async def test_what_is_not_counted_does_not_move(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    shop.sell("GIFT", 3)
    assert (shop.qoh("GIFT"), await log(client)) == (0, [])


async def test_the_summary_leaves_negative_shops_out_of_sellable() -> None:
    clock = ManualClock(datetime(2026, 11, 20, tzinfo=UTC))
    goods = [Good(sku="A", title="A", handle="a", stock=1)]
    shop = LightspeedShop(goods, clock=clock, seed=1, other_shops=("2",))
    item = shop.item("A")
    shop.books.set_stock(item, 2, 4)
    shop.sell("A", 3)
    rows = shop.books.stock_rows(item.item_id)
    assert {shop_id: (row.qoh, row.sellable) for shop_id, row in rows.items()} == {0: (2, 4), 1: (-2, 0), 2: (4, 4)}


async def test_stock_is_set_through_the_item_absolutely(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    by_row = {"ItemShops": {"ItemShop": {"itemShopID": 2, "qoh": 3}}}
    assert (await client.put("Item/1.json", json=by_row)).status_code == 200
    assert shop.qoh("DUCK") == 3
    by_shop = {"ItemShops": {"ItemShop": [{"shopID": 1, "qoh": "8"}]}}
    assert (await client.put("Item/1.json", json=by_shop)).status_code == 200
    assert shop.qoh("DUCK") == 8
    negative = {"ItemShops": {"ItemShop": {"shopID": 1, "qoh": -1}}}
    assert (await client.put("Item/1.json", json=negative)).status_code == 400
    assert shop.qoh("DUCK") == 8


async def test_an_item_shop_takes_reorder_fields_only(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    body = {"reorderPoint": "2", "reorderLevel": "5", "qoh": "99"}
    row = (await client.put("ItemShop/2.json", json=body)).json()["ItemShop"]
    assert (row["reorderPoint"], row["reorderLevel"], row["qoh"], shop.qoh("DUCK")) == ("2", "5", "5", 5)


async def test_an_archived_item_hides_from_lists_and_comes_back_without_stock(
    client: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock
) -> None:
    clock.advance(5)
    shop.archive("DUCK")
    assert "Item" not in (await client.get("Item.json?itemID=1")).json()
    item = (await client.get("Item.json?itemID=1&archived=true")).json()["Item"]
    assert (item["archived"], item["timeStamp"]) == ("true", "2026-11-20T12:00:05+00:00")
    assert (await client.put("Item/1.json", json={"archived": False})).status_code == 200
    assert (await client.get("Item.json?itemID=1")).json()["Item"]["archived"] == "false"
    assert shop.qoh("DUCK") == 0


async def test_a_renamed_sku_moves_the_item_and_not_its_stock_row(
    client: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock
) -> None:
    clock.advance(5)
    shop.rename_sku("DUCK", "GOOSE")
    assert shop.item_id("GOOSE") == "1"
    moved = (await client.get("Item.json?timeStamp=%3E%2C2026-11-20T12:00:00Z")).json()["Item"]
    assert moved["customSku"] == "GOOSE"
    assert "ItemShop" not in (await client.get("ItemShop.json?timeStamp=%3E%2C2026-11-20T12:00:00Z")).json()


async def test_a_put_keeps_what_is_missing_and_clears_what_is_empty(client: httpx.AsyncClient) -> None:
    body = {"customSku": "", "Prices": {"ItemPrice": {"amount": "12.50", "useTypeID": "1"}}}
    item = (await client.put("Item/1.json", json=body)).json()["Item"]
    assert (item["customSku"], item["description"], item["upc"]) == ("", "Bath Duck", "012345678905")
    assert item["Prices"]["ItemPrice"][0]["amount"] == "12.5"


async def test_a_second_item_with_the_same_upc_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.put("Item/2.json", json={"upc": "012345678905"})
    assert (answer.status_code, "already exists" in answer.json()["message"]) == (422, True)


async def test_categories_form_a_nested_set(client: httpx.AsyncClient) -> None:
    await client.post("Category.json", json={"name": "Toys"})
    await client.post("Category.json", json={"name": "Ducks", "parentID": 2})
    found = (await client.get("Category.json?sort=leftNode")).json()["Category"]
    assert [(row["fullPathName"], row["leftNode"], row["rightNode"], row["nodeDepth"]) for row in found] == [
        ("Merchandise", "1", "2", "0"),
        ("Toys", "3", "6", "0"),
        ("Toys/Ducks", "4", "5", "1"),
    ]


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda shop: shop.item_id("NOPE"),
        lambda shop: shop.qoh("WEB"),
        lambda shop: shop.sell("DUCK", 0),
        lambda shop: shop.refund("DUCK", -1),
        lambda shop: shop.receive("DUCK", 0),
        lambda shop: shop.count("DUCK", -1),
        lambda shop: shop.void("1"),
        lambda shop: shop.set_registers(0),
    ],
    ids=["unknown", "online only", "sell none", "refund less", "receive none", "count less", "void none", "no till"],
)
def test_nonsense_is_a_value_error(shop: LightspeedShop, nonsense: Callable[[LightspeedShop], object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        nonsense(shop)


def test_the_same_seed_gives_the_same_shop() -> None:
    def tokens(seed: int) -> object:
        clock = ManualClock(datetime(2026, 11, 20, tzinfo=UTC))
        return LightspeedShop([], clock=clock, seed=seed).issue_code()

    assert tokens(1) == tokens(1) != tokens(2)


async def test_a_customer_made_through_the_api_wants_no_mail(client: httpx.AsyncClient) -> None:
    made = (await client.post("Customer.json", json={"firstName": "Ann"})).json()["Customer"]
    assert (made["customerID"], made["firstName"], made["lastName"]) == ("3", "Ann", "")
    shown = (await client.get('Customer/3.json?load_relations=["Contact"]')).json()["Customer"]
    assert (shown["Contact"]["noEmail"], shown["Contact"]["Emails"]) == ("true", "")
    assert (await client.post("Customer.json", json={})).status_code == 400
