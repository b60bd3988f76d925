"""What the connection check tells a person."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sync.model import OrderRow
from tests.sync.shopify.support import HERE, START, Basket, Stage, answer, page

pytestmark = pytest.mark.anyio

ALL = ["read_products", "write_inventory", "read_locations", "read_orders", "read_all_orders"]


def facts(
    *, domain: str = "wtfswag.myshopify.com", scopes: list[str] | None = None, locations: int = 1, **location: Any
) -> httpx.Response:
    place: dict[str, Any] | None = {"name": "Austin", "isActive": True} | location
    return answer(
        {
            "shop": {"myshopifyDomain": domain},
            "currentAppInstallation": {"accessScopes": [{"handle": one} for one in scopes or ALL]},
            "location": None if location.get("gone") else place,
            "locations": {"nodes": [{"id": f"gid://shopify/Location/{n}"} for n in range(locations)]},
        }
    )


async def problems(stage: Stage) -> list[tuple[str, str]]:
    findings = await stage.shop.check()
    assert all(one.remedy for one in findings if not one.ok)
    return [(one.name, one.detail) for one in findings if not one.ok]


async def test_a_connection_that_works_has_no_problems(stage: Stage) -> None:
    stage.says(facts())
    findings = await stage.shop.check()
    assert [(one.ok, one.name) for one in findings] == [
        (True, "shopify sign-in"),
        (True, "shopify API version"),
        (True, "shopify scope read_products"),
        (True, "shopify scope read_inventory"),
        (True, "shopify scope write_inventory"),
        (True, "shopify scope read_locations"),
        (True, "shopify scope read_orders"),
        (True, "shopify scope read_all_orders"),
        (True, "shopify scope write_products"),
        (True, "shopify location"),
        (True, "shopify locations"),
    ]


TROUBLES: dict[str, tuple[httpx.Response | Exception, list[tuple[str, str]]]] = {
    "another shop": (
        facts(domain="other.myshopify.com"),
        [("shopify sign-in", "signed in to other.myshopify.com, but the settings say wtfswag.myshopify.com")],
    ),
    "scopes": (
        facts(scopes=["read_products", "read_inventory", "read_locations"]),
        [("shopify scope write_inventory", "missing"), ("shopify scope read_orders", "missing")],
    ),
    "several locations": (
        facts(locations=2),
        [("shopify scope read_merchant_managed_fulfillment_orders", "missing")],
    ),
    "no location": (facts(gone=True), [("shopify location", f"{HERE} does not exist")]),
    "an inactive location": (facts(isActive=False), [("shopify location", "Austin is not active")]),
}


@pytest.mark.parametrize(("reply", "expected"), TROUBLES.values(), ids=TROUBLES.keys())
async def test_each_trouble_is_told_with_a_remedy(
    stage: Stage, reply: httpx.Response, expected: list[tuple[str, str]]
) -> None:
    stage.says(reply)
    assert await problems(stage) == expected


BROKEN: dict[str, tuple[list[httpx.Response | Exception], str]] = {
    "rejected token": ([httpx.Response(401)], "SH005"),
    "no such shop": ([httpx.Response(404)], "SH008"),
    "another version": (
        [httpx.Response(200, headers={"X-Shopify-API-Version": "2026-01"}, json={"data": {}})],
        "SH010",
    ),
    "unreachable": ([httpx.ConnectError("refused")] * 4, "SH004"),
}


@pytest.mark.parametrize(("replies", "code"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_connection_that_fails_is_a_finding_not_an_error(
    stage: Stage, replies: list[httpx.Response | Exception], code: str
) -> None:
    stage.says(*replies)
    ((name, detail),) = await problems(stage)
    assert name == "shopify sign-in"
    assert detail.startswith(code)


async def test_the_check_tells_the_reads_how_many_locations_there_are(stage: Stage) -> None:
    stage.says(facts(locations=2, scopes=[*ALL, "read_merchant_managed_fulfillment_orders"]))
    stage.says(answer({"orders": page([])}))
    await stage.shop.check()
    await stage.shop.read_orders(START, Basket[OrderRow]())
    assert stage.script.operations == ["CheckConnection", "OrdersChanged"]
    assert stage.script.variables[1]["first"] == 25
