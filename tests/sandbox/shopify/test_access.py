"""Versions, tokens and scopes: who is answered, by which version, and what is kept from whom."""

from __future__ import annotations

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.shopify.access import ALL_SCOPES
from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import Ask

pytestmark = pytest.mark.anyio

SHOP = {"query": "{ shop { name } }"}
TOKEN = "/admin/oauth/access_token"
CREDENTIALS = {"client_id": "sandbox-app", "client_secret": "sandbox-app-secret", "grant_type": "client_credentials"}
BAD_TOKEN = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


@pytest.mark.parametrize(
    ("path", "status", "served"),
    [
        pytest.param("/admin/api/2026-10/graphql.json", 200, "2026-10", id="the newest"),
        pytest.param("/admin/api/2026-04/graphql.json", 200, "2026-04", id="an older one"),
        pytest.param("/admin/api/2024-04/graphql.json", 200, "2026-01", id="an expired one: the oldest served"),
        pytest.param("/admin/api/graphql.json", 200, "2026-01", id="none: the oldest served"),
        pytest.param("/admin/api/2027-04/graphql.json", 404, None, id="one that is not made yet"),
        pytest.param("/admin/api/2025-05/graphql.json", 404, None, id="one that never was"),
        pytest.param("/admin/api/newest/graphql.json", 404, None, id="nonsense"),
    ],
)
async def test_the_version_that_answers_is_told(
    path: str, status: int, served: str | None, http: httpx.AsyncClient
) -> None:
    answer = await http.post(path, json=SHOP)
    assert (answer.status_code, answer.headers.get("X-Shopify-API-Version")) == (status, served)


@pytest.mark.parametrize("token", ["", "shpat_stranger"], ids=["no token", "an unknown token"])
async def test_a_wrong_token_gets_401_and_a_string(token: str, http: httpx.AsyncClient) -> None:
    headers = {"X-Shopify-Access-Token": token}
    answer = await http.post("/admin/api/2026-10/graphql.json", json=SHOP, headers=headers)
    assert (answer.status_code, answer.json()) == (401, BAD_TOKEN)


@pytest.mark.parametrize("shape", ["data", "json"], ids=["form", "JSON"])
async def test_client_credentials_get_a_token_for_a_day(shape: str, http: httpx.AsyncClient) -> None:
    given = {"json": CREDENTIALS} if shape == "json" else {"data": CREDENTIALS}
    granted = (await http.request("POST", TOKEN, data=given.get("data"), json=given.get("json"))).json()
    assert granted["expires_in"] == 86_399
    assert granted["scope"] == ",".join(sorted(ALL_SCOPES))
    headers = {"X-Shopify-Access-Token": granted["access_token"]}
    assert (await http.post("/admin/api/2026-10/graphql.json", json=SHOP, headers=headers)).status_code == 200


async def test_a_token_ends_after_86399_seconds_and_an_older_one_is_not_ended_by_a_newer(
    http: httpx.AsyncClient, clock: ManualClock
) -> None:
    async def status(token: str) -> int:
        headers = {"X-Shopify-Access-Token": token}
        return (await http.post("/admin/api/2026-10/graphql.json", json=SHOP, headers=headers)).status_code

    first = (await http.post(TOKEN, data=CREDENTIALS)).json()["access_token"]
    clock.advance(80_000)
    second = (await http.post(TOKEN, data=CREDENTIALS)).json()["access_token"]
    clock.advance(6_398)
    assert [await status(first), await status(second)] == [200, 200]
    clock.advance(1)
    assert [await status(first), await status(second)] == [401, 200]


@pytest.mark.parametrize(
    "wrong",
    [{"client_secret": "guess"}, {"client_id": "guess"}, {"grant_type": "password"}],
    ids=lambda w: next(iter(w)),
)
async def test_wrong_credentials_get_no_token(wrong: dict[str, str], http: httpx.AsyncClient) -> None:
    answer = await http.post(TOKEN, data={**CREDENTIALS, **wrong})
    assert answer.status_code == 400
    assert "access_token" not in answer.json()


async def test_a_missing_scope_denies_its_field_and_answers_the_rest(ask: Ask, store: ShopifyStore) -> None:
    store.access.scopes = ("read_products",)
    body = await ask('{ shop { name } order(id: "gid://shopify/Order/1") { id } }')
    assert body["data"] == {"shop": {"name": "wtfswag"}, "order": None}
    [error] = body["errors"]
    assert error["path"] == ["order"]
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert error["extensions"]["requiredAccess"] == "`read_orders` access scope."


async def test_a_write_without_its_scope_is_not_made(ask: Ask, store: ShopifyStore) -> None:
    store.access.scopes = ("read_inventory", "read_products")
    body = await ask(
        "mutation($id: ID!) { inventoryItemUpdate(id: $id, input: {tracked: false}) { inventoryItem { id } } }",
        id=store.item("DUCK").id,
    )
    assert body["data"] == {"inventoryItemUpdate": None}
    assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert store.item("DUCK").tracked


async def test_the_granted_scopes_can_be_read(ask: Ask, store: ShopifyStore) -> None:
    store.access.scopes = ("write_inventory", "read_orders")
    body = await ask("{ currentAppInstallation { accessScopes { handle } } }")
    granted = body["data"]["currentAppInstallation"]["accessScopes"]
    assert granted == [{"handle": "read_orders"}, {"handle": "write_inventory"}]


async def test_orders_older_than_sixty_days_need_a_scope_of_their_own(
    ask: Ask, store: ShopifyStore, clock: ManualClock
) -> None:
    store.place_order({"DUCK": 1})
    clock.advance(61 * 86_400)
    store.place_order({"DUCK": 1})
    query = "{ orders(first: 5) { nodes { name } } }"
    assert len((await ask(query))["data"]["orders"]["nodes"]) == 2
    store.access.scopes = ("read_orders",)
    assert (await ask(query))["data"]["orders"]["nodes"] == [{"name": "#1002"}]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b"{}", 400), (b'{"query": 5}', 400), (b"<xml/>", 400)],
    ids=["empty", "a list", "no query", "a number for a query", "not JSON"],
)
async def test_a_body_that_is_no_request_is_refused(body: bytes, status: int, http: httpx.AsyncClient) -> None:
    assert (await http.post("/admin/api/2026-10/graphql.json", content=body)).status_code == status
