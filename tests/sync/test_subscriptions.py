"""Our app's webhook subscriptions are made, repaired and left alone as they should be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest

from monitor.shopfront import public_app
from sandbox.faults import Fault, FaultKind
from sync.errors import Code, Permanent
from sync.subscriptions import Subscriptions
from sync.webhooks import PATH, Subscription, Topic, repairs
from tests.sync.shop import Shop, few, live_shop
from tests.sync.storage.build import query

pytestmark = pytest.mark.anyio

URL = "https://shop-hooks.example"
URI = f"{URL}{PATH}"


def have(topic: str, number: int = 1, uri: str = URI, **other: object) -> Subscription:
    return Subscription(f"gid://shopify/WebhookSubscription/{number}", topic, uri, **other)  # type: ignore[arg-type]


ALL = [have(topic.name, place) for place, topic in enumerate(Topic)]


@pytest.mark.parametrize(
    ("found", "missing", "wrong", "elsewhere"),
    [
        pytest.param([], 10, 0, 0, id="nothing there"),
        pytest.param(ALL, 0, 0, 0, id="as it should be"),
        pytest.param(ALL[1:], 1, 0, 0, id="one was dropped"),
        pytest.param([*ALL, have("ORDERS_CREATE", 99)], 0, 1, 0, id="one is doubled"),
        pytest.param([have("ORDERS_CREATE", 1, filtered=True)], 10, 1, 0, id="not every event"),
        pytest.param([have("ORDERS_CREATE", 1, json=False)], 10, 1, 0, id="as XML"),
        pytest.param([have("ORDERS_CREATE", 1, fields=("note",))], 10, 1, 0, id="too few fields"),
        pytest.param(
            [have("ORDERS_CREATE", 1, fields=("id", "admin_graphql_api_id", "updated_at"))], 9, 0, 0, id="ours"
        ),
        pytest.param([have("ORDERS_CREATE", 1, f"https://old.example{PATH}")], 10, 0, 1, id="another host"),
        pytest.param([have("ORDERS_CREATE", 1, "https://other.example/app")], 10, 0, 0, id="somebody else's"),
        pytest.param([*ALL, have("SHOP_UPDATE", 99)], 0, 0, 0, id="another topic"),
    ],
)
def test_only_what_comes_to_exactly_our_address_is_touched(
    found: list[Subscription], missing: int, wrong: int, elsewhere: int
) -> None:
    plan = repairs(found, URI)
    assert (len(plan.missing), len(plan.wrong), len(plan.elsewhere)) == (missing, wrong, elsewhere)
    assert all(each.uri == URI for each in plan.wrong)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with live_shop(few(), tmp_path) as opened:
        yield opened


def keeper(shop: Shop) -> Subscriptions:
    engine = shop.work.engine
    return Subscriptions(hooks=engine.storefront, inbox=engine.inbox, public_url=URL)  # type: ignore[arg-type]


def calls(shop: Shop) -> dict[str, int]:
    return {name: count for name, count in shop.world.shopify.request_log.items() if "ebhook" in name}


async def test_all_topics_are_subscribed_once_and_then_one_call_says_so(shop: Shop) -> None:
    assert await keeper(shop).repair() == {"made": 10, "deleted": 0}
    assert await keeper(shop).repair() == {"made": 0, "deleted": 0}
    assert calls(shop) == {"webhookSubscriptions": 2, "webhookSubscriptionCreate": 10}
    rows = shop.world.shopify.subscriptions.rows.values()
    assert {row.topic: row.uri for row in rows} == {topic.name: URI for topic in Topic}
    assert all("email" not in row.include_fields for row in rows)
    (finding,) = await keeper(shop).check(tried=True)
    assert finding.ok


async def test_before_the_daemon_first_started_it_is_no_failure_that_none_is_subscribed(shop: Shop) -> None:
    (before,) = await keeper(shop).check(tried=False)
    (later,) = await keeper(shop).check(tried=True)
    assert (before.ok, before.detail) == (True, "10 of 10 are not subscribed yet; the daemon does so when it starts")
    assert (later.ok, later.detail.startswith("WH002: missing orders/create")) == (False, True)


async def test_one_that_shopify_dropped_is_made_again(shop: Shop) -> None:
    await keeper(shop).repair()
    rows = shop.world.shopify.subscriptions.rows
    rows.pop(next(iter(rows)))
    (finding,) = await keeper(shop).check(tried=True)
    assert (finding.ok, "orders/create" in finding.detail) == (False, True)
    assert await keeper(shop).repair() == {"made": 1, "deleted": 0}


async def test_a_lost_answer_makes_no_second_one(shop: Shop) -> None:
    shop.world.faults.add("shopify", "webhookSubscriptionCreate", Fault(FaultKind.RESET_AFTER))
    await keeper(shop).repair()
    assert len(shop.world.shopify.subscriptions.rows) == 10


async def test_a_refused_topic_is_named_after_all_others_were_made(shop: Shop) -> None:
    shop.world.faults.add("shopify", "webhookSubscriptionCreate", Fault(FaultKind.REFUSED, code="No permission"))
    with pytest.raises(Permanent) as caught:
        await keeper(shop).repair()
    assert (caught.value.code, caught.value.detail) == (Code.WH002, "orders/create")
    assert len(shop.world.shopify.subscriptions.rows) == 9


# --- from the store's event to our ledger


async def connected(shop: Shop) -> list[int]:
    """Let the store's webhooks come to the public listener, in process; return the statuses it answers with."""
    await keeper(shop).repair()
    app, statuses = public_app(shop.work), list[int]()

    async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
            statuses.append((await client.post(url, headers=dict(headers), content=body)).status_code)
        return statuses[-1]

    shop.world.webhooks._post = post
    shop.world.webhooks.hosts[URL] = "http://127.0.0.1:8080"
    return statuses


async def test_webhooks_twice_and_out_of_order_tell_each_order_once(shop: Shop) -> None:
    statuses = await connected(shop)
    habits, store = shop.world.webhooks.habits, shop.world.shopify
    habits.duplicate, habits.reorder = 0.5, 0.5
    for good in shop.world.goods:
        gid = store.place_order({good.sku: 2})
        shop.clock.advance(3)
        store.edit(gid, good.sku, 1)
        store.refund(gid, {good.sku: 1}, "CANCEL")
    await shop.world.webhooks.deliver()
    before = store.request_log["nodes"]
    await shop.work.engine.intake.run()
    assert set(statuses) == {200}
    assert store.request_log["nodes"] - before <= 2, "all orders, and the variants of what changed"
    placed = await query(shop.work.database, "SELECT SUM(units), COUNT(*) FROM order_facts WHERE kind = 'placed'")
    assert placed == [(3 * len(shop.world.goods), len(shop.world.goods))]


async def test_a_webhook_is_answered_while_somebody_else_has_the_turn(shop: Shop) -> None:
    statuses = await connected(shop)
    shop.world.shopify.place_order({shop.world.goods[0].sku: 1})
    async with shop.work.engine.intake._turn:  # as a pass has it, however long Lightspeed takes to answer
        looking = asyncio.ensure_future(shop.work.engine.intake.run())
        await shop.world.webhooks.deliver()
        assert set(statuses) == {200}
        assert await query(shop.work.database, "SELECT COUNT(*) FROM orders") == [(0,)]
    await looking
    await shop.work.engine.intake.run()
    assert await query(shop.work.database, "SELECT COUNT(*) FROM orders") == [(1,)]
