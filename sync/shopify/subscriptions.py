"""Webhook subscriptions of our app over the Admin API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.pacing import Urgency
from sync.shopify.answers import printable
from sync.shopify.api import AdminApi
from sync.shopify.documents import SUBSCRIBE, SUBSCRIPTIONS, UNSUBSCRIBE
from sync.shopify.pages import Page, Walk, walk
from sync.shopify.shapes import Subscribed, SubscriptionNode, SubscriptionsListed, Unsubscribed
from sync.shopify.wire import UserError, shaped
from sync.webhooks import Subscription, Topic, wanted_fields

_PAGE = 250


async def subscriptions(api: AdminApi) -> list[Subscription]:
    """Return all subscriptions of our app."""
    found: list[Subscription] = []

    async def take(rows: Any) -> None:
        found.extend(rows)

    plan = Walk("shopify.webhooks", SUBSCRIPTIONS, dict[str, Any](), _PAGE, SubscriptionsListed, _page, Urgency.BULK)
    await walk(api, plan, take, api.clock)
    return found


async def subscribe(api: AdminApi, topic: Topic, uri: str) -> str:
    """Make a subscription; return why Shopify refused it, "" where it did not. The same twice is refused."""
    asked: Mapping[str, Any] = {"uri": uri, "format": "JSON"}
    if fields := wanted_fields(topic):
        asked = {**asked, "includeFields": list(fields)}
    variables = {"topic": topic.name, "subscription": asked}
    payload = (await api.write(SUBSCRIBE, variables, shaped(Subscribed))).webhook_subscription_create
    return _refusal(payload.user_errors if payload else [])


async def unsubscribe(api: AdminApi, subscription_id: str) -> None:
    """Take a subscription away; one that is gone already is no mistake."""
    await api.write(UNSUBSCRIBE, {"id": subscription_id}, shaped(Unsubscribed))


async def _page(answer: SubscriptionsListed) -> Page[Subscription]:
    listed = answer.webhook_subscriptions
    return Page([_subscription(node) for node in listed.nodes], None, listed.page_info)


def _subscription(node: SubscriptionNode) -> Subscription:
    return Subscription(
        id=node.id,
        topic=node.topic,
        uri=node.uri,
        json=node.format == "JSON",
        filtered=bool(node.filter),
        fields=tuple(node.include_fields),
    )


def _refusal(errors: list[UserError]) -> str:
    return printable(errors[0].message) if errors else ""
