"""Webhook subscriptions: made, listed, refused, taken away."""

from __future__ import annotations

import pytest

from sandbox.shopify.state import ShopifyStore
from tests.sandbox.shopify.conftest import Ask

pytestmark = pytest.mark.anyio

CREATE = """mutation($topic: WebhookSubscriptionTopic!, $input: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $input) {
    webhookSubscription { id topic uri format includeFields apiVersion { handle } } userErrors { field message } } }"""
DELETE = """mutation($id: ID!) { webhookSubscriptionDelete(id: $id) {
  deletedWebhookSubscriptionId userErrors { message } } }"""
LIST = """query($topics: [WebhookSubscriptionTopic!]) {
  webhookSubscriptions(first: 9, topics: $topics) { nodes { topic uri } } }"""
HERE = "https://sync.example/hooks"


async def test_a_subscription_is_made_listed_and_taken_away(ask: Ask) -> None:
    made = (await ask(CREATE, topic="ORDERS_CREATE", input={"uri": HERE, "includeFields": ["id"]}))["data"]
    subscription = made["webhookSubscriptionCreate"]["webhookSubscription"]
    gid = subscription.pop("id")
    assert subscription == {
        "topic": "ORDERS_CREATE",
        "uri": HERE,
        "format": "JSON",
        "includeFields": ["id"],
        "apiVersion": {"handle": "2026-10"},
    }
    await ask(CREATE, topic="ORDERS_EDITED", input={"uri": HERE})
    assert len((await ask(LIST))["data"]["webhookSubscriptions"]["nodes"]) == 2
    only = (await ask(LIST, topics=["ORDERS_EDITED"]))["data"]["webhookSubscriptions"]["nodes"]
    assert only == [{"topic": "ORDERS_EDITED", "uri": HERE}]
    gone = (await ask(DELETE, id=gid))["data"]["webhookSubscriptionDelete"]
    assert gone == {"deletedWebhookSubscriptionId": gid, "userErrors": []}
    again = (await ask(DELETE, id=gid))["data"]["webhookSubscriptionDelete"]
    assert again["deletedWebhookSubscriptionId"] is None
    assert len(again["userErrors"]) == 1


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://sync.example/hooks",
        "https://localhost/hooks",
        "https://127.0.0.1/hooks",
        "https://10.0.0.8/hooks",
        "https://wtfswag.myshopify.com/hooks",
    ],
)
async def test_an_address_that_shopify_would_not_call_is_refused(uri: str, ask: Ask, store: ShopifyStore) -> None:
    payload = (await ask(CREATE, topic="ORDERS_CREATE", input={"uri": uri}))["data"]["webhookSubscriptionCreate"]
    assert payload["webhookSubscription"] is None
    assert payload["userErrors"][0]["field"] == ["webhookSubscription", "uri"]
    assert store.subscriptions.rows == {}


async def test_the_same_address_twice_for_one_topic_is_refused(ask: Ask, store: ShopifyStore) -> None:
    await ask(CREATE, topic="ORDERS_CREATE", input={"uri": HERE})
    payload = (await ask(CREATE, topic="ORDERS_CREATE", input={"uri": HERE}))["data"]["webhookSubscriptionCreate"]
    assert len(payload["userErrors"]) == 1
    assert len(store.subscriptions.rows) == 1


async def test_pubsub_needs_no_web_address(ask: Ask) -> None:
    payload = (await ask(CREATE, topic="ORDERS_CREATE", input={"uri": "pubsub://project:topic"}))["data"]
    assert payload["webhookSubscriptionCreate"]["userErrors"] == []
