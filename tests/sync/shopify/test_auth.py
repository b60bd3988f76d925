"""Access tokens: granted once, renewed in time, replaced after a 401, and shown nowhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
import respx

from sync.errors import Code, Permanent, SyncError, Transient
from sync.http import HttpEdge
from sync.model import StockChange
from sync.shopify.auth import ClientCredentials, StaticToken
from tests.sync.shopify.support import BASE, URL, JumpingClock, Script, Stage, answer, build, item

pytestmark = pytest.mark.anyio

GRANT = f"{BASE}/admin/oauth/access_token"
SECRET = "shpss_canary_secret"


class Grants:
    """The token endpoint: counts up, or answers what it is told to."""

    def __init__(self) -> None:
        self.replies: list[httpx.Response | Exception] = []
        self.bodies: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        if self.replies:
            reply = self.replies.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return reply
        token = f"shpat_canary_{len(self.bodies)}"
        return httpx.Response(200, json={"access_token": token, "scope": "read_orders", "expires_in": 86399})


@pytest.fixture
def grants() -> Grants:
    return Grants()


def credentials(edge: HttpEdge, clock: JumpingClock) -> ClientCredentials:
    return ClientCredentials(base_url=BASE, client_id="app", client_secret=SECRET, edge=edge, clock=clock)


@pytest.fixture
async def stage(grants: Grants) -> AsyncIterator[Stage]:
    script = Script()
    with respx.mock(assert_all_called=False, assert_all_mocked=True) as router:
        router.post(GRANT).mock(side_effect=grants)
        router.post(URL).mock(side_effect=script)
        built = build(script, make_tokens=credentials)
        async with built.edge:
            yield built
    assert not script.replies
    assert not grants.replies


NOTHING = answer({"nodes": [None]})
UNAUTHORISED = httpx.Response(401, json={"errors": "[API] Invalid API key or access token"})


def tokens_sent(stage: Stage) -> list[str]:
    return [request.headers["X-Shopify-Access-Token"] for request in stage.script.requests]


async def test_a_token_is_granted_at_first_use_and_kept(stage: Stage, grants: Grants) -> None:
    stage.says(NOTHING, NOTHING)
    await stage.shop.levels_of([item(1)])
    await stage.shop.levels_of([item(1)])
    assert grants.bodies == [{"client_id": "app", "client_secret": SECRET, "grant_type": "client_credentials"}]
    assert tokens_sent(stage) == ["shpat_canary_1", "shpat_canary_1"]


async def test_a_token_is_renewed_at_four_fifths_of_its_life(stage: Stage) -> None:
    stage.says(NOTHING, NOTHING, NOTHING)
    await stage.shop.levels_of([item(1)])
    stage.clock.elapsed = 69_119.0
    await stage.shop.levels_of([item(1)])
    stage.clock.elapsed = 69_119.3
    await stage.shop.levels_of([item(1)])
    assert tokens_sent(stage) == ["shpat_canary_1", "shpat_canary_1", "shpat_canary_2"]


async def test_the_old_token_serves_while_renewing_fails(stage: Stage, grants: Grants) -> None:
    stage.says(NOTHING, NOTHING)
    await stage.shop.levels_of([item(1)])
    stage.clock.elapsed = 70_000.0
    grants.replies = [httpx.Response(503)] * 4
    await stage.shop.levels_of([item(1)])
    assert tokens_sent(stage) == ["shpat_canary_1", "shpat_canary_1"]


async def test_a_dead_token_is_not_used(stage: Stage, grants: Grants) -> None:
    stage.says(NOTHING)
    await stage.shop.levels_of([item(1)])
    stage.clock.elapsed = 86_400.0
    grants.replies = [httpx.Response(503)] * 4
    with pytest.raises(Transient) as caught:
        await stage.shop.levels_of([item(1)])
    assert caught.value.code is Code.SH006


async def test_a_rejected_token_is_replaced_once_and_the_call_goes_on(stage: Stage) -> None:
    stage.says(UNAUTHORISED, NOTHING)
    await stage.shop.levels_of([item(1)])
    assert tokens_sent(stage) == ["shpat_canary_1", "shpat_canary_2"]


async def test_a_second_rejection_is_final(stage: Stage, grants: Grants) -> None:
    stage.says(UNAUTHORISED, UNAUTHORISED)
    with pytest.raises(Permanent) as caught:
        await stage.shop.levels_of([item(1)])
    assert caught.value.code is Code.SH005
    assert len(grants.bodies) == 2


async def test_a_write_whose_token_is_rejected_is_sent_again_with_the_same_bytes(stage: Stage) -> None:
    stage.says(UNAUTHORISED, answer({"inventorySetQuantities": {"inventoryAdjustmentGroup": None, "userErrors": []}}))
    change = StockChange(seq=1, link_id=1, inventory_item_id=item(1), before=1, after=0)
    assert (await stage.shop.set_available("key", "gid://lightspeed-sync/Run/1", [change])).applied
    assert len({request.content for request in stage.script.requests}) == 1
    assert tokens_sent(stage) == ["shpat_canary_1", "shpat_canary_2"]


@pytest.mark.parametrize("reply", [httpx.Response(503), httpx.ReadTimeout("slow")], ids=["503", "timeout"])
async def test_a_write_that_got_no_token_surely_did_not_happen(
    stage: Stage, grants: Grants, reply: httpx.Response | Exception
) -> None:
    grants.replies = [reply] * 20
    change = StockChange(seq=1, link_id=1, inventory_item_id=item(1), before=1, after=0)
    with pytest.raises(Transient) as caught:
        await stage.shop.set_available("key", "gid://lightspeed-sync/Run/1", [change])
    assert type(caught.value) is Transient
    assert stage.script.requests == []
    grants.replies.clear()


async def test_many_tasks_need_one_grant(stage: Stage, grants: Grants) -> None:
    source = credentials(stage.edge, stage.clock)
    found: list[str] = []

    async def ask() -> None:
        found.append(await source.token())

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(ask)
    assert found == ["shpat_canary_1"] * 5
    assert len(grants.bodies) == 1


async def test_a_token_that_another_task_has_replaced_is_not_replaced_again(stage: Stage, grants: Grants) -> None:
    source = credentials(stage.edge, stage.clock)
    first = await source.token()
    await source.renew(first)
    await source.renew(first)
    assert await source.token() == "shpat_canary_2"
    assert len(grants.bodies) == 2


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (httpx.Response(400, json={"error": "shop_not_permitted", "error_description": SECRET}), "shop_not_permitted"),
        (httpx.Response(401, json={"error": "invalid_client"}), "invalid_client"),
        (httpx.Response(400, text=f"<html>{SECRET}</html>"), "status 400"),
        (httpx.Response(400, json={"error": f"say {SECRET}"}), "status 400"),
        (httpx.Response(403, json=[]), "status 403"),
    ],
    ids=["another organisation", "wrong secret", "HTML", "an odd name", "a list"],
)
async def test_a_refused_grant_is_permanent_and_says_why(
    stage: Stage, grants: Grants, reply: httpx.Response, text: str
) -> None:
    grants.replies = [reply]
    with pytest.raises(Permanent, match=text) as caught:
        await stage.shop.levels_of([item(1)])
    assert caught.value.code is Code.SH005
    assert SECRET not in f"{caught.value!r}"


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b"{}", b'{"access_token": "", "expires_in": 5}', b'{"access_token": "x", "expires_in": "5"}'],
)
async def test_a_grant_that_cannot_be_read_is_tried_again(stage: Stage, grants: Grants, body: bytes) -> None:
    grants.replies = [httpx.Response(200, content=body)]
    stage.says(NOTHING)
    await stage.shop.levels_of([item(1)])
    assert tokens_sent(stage) == ["shpat_canary_2"]


async def test_no_secret_is_shown(stage: Stage, grants: Grants) -> None:
    source = credentials(stage.edge, stage.clock)
    token = await source.token()
    static = StaticToken("shpat_canary_static")
    grants.replies = [httpx.ReadError(SECRET)] * 4
    with pytest.raises(SyncError) as caught:
        await source.renew(token)
    shown = f"{source!r} {static!r} {caught.value!r} {source._granted!r}"
    assert "canary" not in shown
