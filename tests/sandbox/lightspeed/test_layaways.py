"""Layaways over the API: how units are put aside without a sale, changed, put back and sold."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.lightspeed.state import LightspeedShop

pytestmark = pytest.mark.anyio

ASKED = {"customerID": "2", "employeeID": "2", "itemID": "1", "shopID": "1", "isLayaway": "true"}
WITH_UNITS = 'SaleLine.json?load_relations=["InventorySales"]'
OURS = 'SaleLine.json?customerID=2&isLayaway=true&load_relations=["InventorySales"]'


async def laid_away(client: httpx.AsyncClient, units: int, **more: Any) -> dict[str, Any]:
    answer = await client.post(WITH_UNITS, json={**ASKED, "unitQuantity": units, **more})
    assert answer.status_code == 200, answer.text
    line: dict[str, Any] = answer.json()["SaleLine"]
    return line


def stock(shop: LightspeedShop, sku: str = "DUCK") -> tuple[int, int]:
    """Return what is on hand and on layaway."""
    row = shop.books.stock_rows(shop.item(sku).item_id)[1]
    return row.qoh, row.on_layaway


async def test_units_are_put_aside_changed_and_put_back(
    client: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock
) -> None:
    clock.advance(60)
    line = await laid_away(client, 3)
    assert (line["saleID"], line["isLayaway"], line["unitQuantity"], line["customerID"]) == ("0", "true", "3", "2")
    assert line["InventorySales"]["InventorySale"]["quantity"] == "3"
    assert stock(shop) == (2, 3)
    touched = (await client.get("ItemShop.json?timeStamp=%3E%2C2026-11-20T12:00:00Z")).json()["ItemShop"]
    assert [(row["shopID"], row["qoh"], row["onLayaway"]) for row in touched] == [("0", "2", "3"), ("1", "2", "3")]
    url = f"SaleLine/{line['saleLineID']}.json"
    assert (await client.put(url, json={"unitQuantity": 1})).json()["SaleLine"]["unitQuantity"] == "1"
    assert stock(shop) == (4, 1)
    assert (await client.put(url, json={"unitQuantity": 5})).status_code == 200
    assert stock(shop) == (0, 5)
    assert (await client.delete(url)).status_code == 200
    assert stock(shop) == (5, 0)
    assert (await client.get(url)).status_code == 404
    assert (await client.delete(url)).status_code == 404
    assert [log.qoh_change for log in shop.books.logs] == [-3, 2, -4, 5]


async def test_where_too_little_is_left_the_rest_is_put_aside_unless_all_is_required(
    client: httpx.AsyncClient, shop: LightspeedShop
) -> None:
    line = await laid_away(client, 7)
    assert (line["unitQuantity"], line["InventorySales"]["InventorySale"]["quantity"]) == ("7", "5")
    more = await laid_away(client, 1)
    assert more["InventorySales"] == ""
    asked = {**ASKED, "unitQuantity": 1, "requireFullReservation": True}
    assert (await client.post(WITH_UNITS, json=asked)).status_code == 400
    assert len(shop.layaways()) == 2
    assert (await laid_away(client, 1, itemID=5))["InventorySales"] == ""  # no item of stock
    assert stock(shop) == (0, 5)


async def test_an_account_may_leave_the_quantity_on_hand_as_it_is(
    client: httpx.AsyncClient, shop: LightspeedShop
) -> None:
    shop.books.layaways_lower_stock = False
    line = await laid_away(client, 4)
    assert stock(shop) == (5, 4)
    assert (await laid_away(client, 4))["InventorySales"]["InventorySale"]["quantity"] == "1"
    await client.delete(f"SaleLine/{line['saleLineID']}.json")
    assert stock(shop) == (5, 1)
    assert len(list(shop.books.logs)) == 0


async def test_a_customers_layaways_are_listed_and_others_are_not(
    client: httpx.AsyncClient, shop: LightspeedShop
) -> None:
    assert "SaleLine" not in (await client.get(OURS)).json()
    shop.sell("DUCK", 1)
    shop.lay_away("DUCK", 1)
    first = await laid_away(client, 1)
    assert (await client.get(OURS)).json()["SaleLine"]["saleLineID"] == first["saleLineID"]
    await laid_away(client, 2)
    assert [row["unitQuantity"] for row in (await client.get(OURS)).json()["SaleLine"]] == ["1", "2"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"customerID": 0},
        {"customerID": 99},
        {"employeeID": 99},
        {"itemID": 99},
        {"shopID": 9},
        {"unitQuantity": 0},
        {"isLayaway": False},
    ],
    ids=["nobody", "another customer", "another employee", "another item", "another shop", "no units", "no hold"],
)
async def test_what_is_no_layaway_is_refused(
    client: httpx.AsyncClient, shop: LightspeedShop, wrong: dict[str, Any]
) -> None:
    answer = await client.post(WITH_UNITS, json={**ASKED, "unitQuantity": 1, **wrong})
    assert answer.status_code == 400
    assert stock(shop) == (5, 0)


async def test_a_layaway_becomes_a_line_of_its_customers_sale(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    line = await laid_away(client, 2)
    lines = {"SaleLine": [{"saleLineID": line["saleLineID"]}]}
    till = {"employeeID": 1, "registerID": 1, "shopID": 1, "SaleLines": lines}
    assert (await client.post("Sale.json", json=till)).status_code == 400  # not its customer
    sale = (await client.post("Sale.json", json={**till, "customerID": 2})).json()["Sale"]
    assert stock(shop) == (3, 2)
    paid = {"SalePayment": {"amount": sale["calcTotal"], "paymentTypeID": 1}}
    done = await client.put(f"Sale/{sale['saleID']}.json", json={"completed": True, "SalePayments": paid})
    assert done.json()["Sale"]["completed"] == "true"
    assert stock(shop) == (3, 0)
    assert shop.layaways() == []
    assert (await client.delete(f"SaleLine/{line['saleLineID']}.json")).status_code == 400


async def test_people_at_the_till_lay_away_cancel_and_sell(client: httpx.AsyncClient, shop: LightspeedShop) -> None:
    first, second = shop.lay_away("DUCK", 1), shop.lay_away("DUCK", 2)
    assert (stock(shop), shop.laid_away("DUCK")) == ((2, 3), 0)  # no online reservations
    shop.cancel_layaway(first)
    shop.sell_layaway(second)
    assert stock(shop) == (3, 0)
    await laid_away(client, 2)
    assert (stock(shop), shop.laid_away("DUCK")) == ((1, 2), 2)
