"""The pretend shop for its visitors: pages, cart, checkout and the way to the app, all without sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.goods import Good
from sandbox.shopify.state import ShopifyStore
from sandbox.storefront.app import Front, front_app
from sandbox.storefront.liquid import render
from sandbox.storefront.proxy import signature

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GOODS = (
    Good(sku="DUCK", title="Bath <b>Duck</b>", handle="duck", stock=3),
    Good(sku="TEE-S", title="Tee", handle="tee", options=(("Size", "S"),), stock=0),
    Good(sku="TEE-M", title="Tee", handle="tee", options=(("Size", "M"),), stock=9),
    Good(sku="GONE", title="Old Thing", handle="gone", stock=7, archived=True),
)
DUCK, SMALL, MEDIUM = 45_200_000_000_001, 45_200_000_000_002, 45_200_000_000_003


@pytest.fixture
def front() -> Front:
    clock = ManualClock(START)
    store = ShopifyStore(GOODS, clock=clock, seed=1)
    return Front(store, clock=clock, hosts={"https://app.example": "http://app.test"})


@pytest.fixture
async def browser(front: Front) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(front_app(front)), base_url="http://shop.test"
    ) as client:
        yield client


async def add(browser: httpx.AsyncClient, variant: int, units: int = 1) -> httpx.Response:
    return await browser.post("/cart/add.js", json={"id": variant, "quantity": units})


async def test_a_cart_is_filled_changed_and_ordered_with_its_token(front: Front, browser: httpx.AsyncClient) -> None:
    line = (await add(browser, DUCK, 2)).json()
    await add(browser, MEDIUM)
    changed = (await browser.post("/cart/change.js", json={"id": line["key"], "quantity": 1})).json()
    placed = await browser.post("/checkout")
    thanks = await browser.get(placed.headers["location"])
    script = await browser.get(placed.headers["location"].replace("thank_you", "shopify.js"))
    after = (await browser.get("/cart.js")).json()
    (order,) = front.store.orders
    token, _, key = changed["token"].partition("?key=")

    assert (line["variant_id"], line["quantity"], line["title"]) == (DUCK, 2, "Bath <b>Duck</b>")
    assert {each["variant_id"]: each["quantity"] for each in changed["items"]} == {DUCK: 1, MEDIUM: 1}
    assert order.cart_token == token
    assert len(key) == 32
    assert {each.variant.item.sku: each.quantity for each in order.lines} == {"DUCK": 1, "TEE-M": 1}
    assert "Thank you" in thanks.text
    assert f'"order_id": {order.number}' in script.text
    assert after["items"] == []
    assert after["token"] != changed["token"]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        pytest.param("add", {"id": SMALL}, 422, "The product 'Tee' is already sold out.", id="sold out"),
        pytest.param("add", {"id": DUCK, "quantity": 4}, 422, "You can only add 3", id="more than there is"),
        pytest.param("add", {"id": 7}, 404, "Cannot find variant", id="no such variant"),
        pytest.param("add", {"id": 45_200_000_000_004}, 404, "Cannot find variant", id="archived"),
        pytest.param("change", {"id": "7", "quantity": 0}, 400, "no valid id", id="no such line"),
        pytest.param("update", {"updates": {str(DUCK): -1}}, 400, "quantity", id="less than none"),
    ],
)
async def test_what_shopify_refuses_is_refused_in_its_words(
    path: str, body: Any, status: int, said: str, browser: httpx.AsyncClient
) -> None:
    answer = await browser.post(f"/cart/{path}.js", json=body)

    assert answer.status_code == status
    assert answer.json()["description"].startswith(said)


async def test_a_checkout_of_what_was_sold_meanwhile_orders_nothing_and_keeps_the_cart(
    front: Front, browser: httpx.AsyncClient
) -> None:
    await add(browser, DUCK, 3)
    front.store.adjust("DUCK", -1)
    answer = await browser.post("/checkout")
    cart = (await browser.get("/cart.js")).json()

    assert answer.status_code == 409
    assert front.store.orders == []
    assert cart["item_count"] == 3


async def test_pages_hold_no_inline_script_and_titles_are_text(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/products/duck")

    assert "'unsafe-inline'" not in page.headers["content-security-policy"]
    assert "Bath &lt;b&gt;Duck&lt;/b&gt;" in page.text
    assert "<b>" not in page.text
    assert page.text.count("<script ") == page.text.count('<script src="/assets/') + 1
    assert '<script type="application/json" id="wtf-lightspeed-config">' in page.text
    assert (await browser.get("/products/gone")).status_code == 404


async def test_the_theme_is_rendered_with_its_settings_and_not_at_all_where_it_is_off(
    front: Front, browser: httpx.AsyncClient
) -> None:
    front.settings["wtf_lightspeed_sold_out"] = "</script><b>{title}"
    head = front.head()
    config = json.loads(head.split('id="wtf-lightspeed-config">')[1].split("</script>")[0])
    front.settings["wtf_lightspeed_enabled"] = False

    assert config["enabled"] is True
    assert config["accountId"] == "123456"
    assert config["baseUrl"] == "/apps/wtf/lightspeed"
    assert config["messages"]["soldOut"] == "</script><b>{title}"
    assert "/assets/wtf-lightspeed-cart-events.js" in head
    assert front.head().strip() == ""


def test_liquid_that_the_sandbox_does_not_know_is_said_to_be_so() -> None:
    with pytest.raises(ValueError, match="unless"):
        render("{% unless settings.a %}", {})


def test_a_query_is_signed_as_in_the_published_example() -> None:
    query = (
        "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=1"
        "&path_prefix=%2Fapps%2Fawesome_reviews&timestamp=1317327555"
    )

    assert signature(parse_qsl(query), "hush") == "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"


async def test_the_proxy_signs_forwards_and_keeps_cookies_to_itself(front: Front, browser: httpx.AsyncClient) -> None:
    asked: list[httpx.Request] = []

    def app(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        headers = {"ETag": '"7"', "Set-Cookie": "spy=1", "Server": "app", "Date": "x", "X-Powered-By": "y"}
        return httpx.Response(200, json={"items": []}, headers=headers)

    front.proxy._client = httpx.AsyncClient(transport=httpx.MockTransport(app))
    await browser.get("/")
    await add(browser, DUCK)
    answer = await browser.put(
        "/apps/wtf/lightspeed/reserve?a=1", json={"quantity": 2}, headers={"X-Forwarded-For": "9.9.9.9"}
    )
    (request,) = asked
    pairs = parse_qsl(request.url.query.decode(), keep_blank_values=True)
    unsigned = [pair for pair in pairs if pair[0] != "signature"]

    assert str(request.url.copy_with(query=None)) == "http://app.test/apps/wtf/lightspeed/reserve"
    assert (request.method, json.loads(request.content)) == ("PUT", {"quantity": 2})
    assert [name for name, _ in pairs] == [
        "a",
        "shop",
        "logged_in_customer_id",
        "path_prefix",
        "timestamp",
        "signature",
    ]
    assert dict(pairs)["signature"] == signature(unsigned, "sandbox-app-secret")
    assert request.headers["host"] == "app.example"
    assert request.headers["x-forwarded-for"] == "203.0.113.1"
    assert request.headers["x-forwarded-host"] == "wtfswag.myshopify.com"
    assert "cookie" not in request.headers
    assert answer.headers["etag"] == '"7"'
    assert not {"set-cookie", "server", "date", "x-powered-by"} & set(answer.headers)


async def test_without_the_app_the_proxy_says_so_and_the_shop_goes_on(front: Front, browser: httpx.AsyncClient) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    front.proxy._client = httpx.AsyncClient(transport=httpx.MockTransport(nobody))

    assert (await browser.get("/apps/wtf/lightspeed/inventory")).status_code == 502
    assert (await add(browser, DUCK)).status_code == 200
