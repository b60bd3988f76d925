"""The public listener of the daemon: the seven routes over a shelf in memory, webhooks and Slack's buttons behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from monitor import slack_actions
from monitor.desk import AlertDesk
from monitor.slack_actions import SlackDoor
from monitor.workshop import Workshop, engine_limits
from sync.hints import Hints
from sync.storage.shelf import live_shelf
from sync.storage.visitor_limits import VisitorLimits, keep_limits
from sync.storefront.app import Application, storefront_app
from sync.storefront.door import Door
from sync.storefront.front import public_host, storefront_door
from sync.storefront.ports import Meter
from sync.storefront.webhooks import WebhookDoor


@asynccontextmanager
async def open_shopfront(shop: Workshop, desk: AlertDesk | None, meter: Meter) -> AsyncIterator[Door]:
    """Keep the shelf in step while the block runs; yields what the public listener serves."""
    limits = engine_limits(shop.alerts)
    hints = Hints(
        inbox=shop.engine.inbox,
        bookings=shop.engine.bookings,
        clock=shop.clock,
        tell=shop.events,
        shop=shop.settings.shopify_store_domain,
        pace=limits.check_pace,
    )
    shop.events.join(hints)
    await keep_limits(shop.database, VisitorLimits(limits.holds, limits.asks, limits.check_pace))
    async with live_shelf(shop.database, clock=shop.clock, events=shop.events) as shelf:
        yield storefront_door(
            shop.settings,
            limits.asks,
            shelf=shelf,
            holds=shop.engine.holds,
            hints=hints,
            clock=shop.clock,
            tell=shop.events,
            behind=public_app(shop, desk),
            meter=meter,
        )


def public_app(shop: Workshop, desk: AlertDesk | None = None) -> Application:
    """Return what is served behind the seven routes; `desk` hears what is pressed in Slack."""
    settings = shop.settings
    secrets = [settings.shopify_webhook_secret, settings.shopify_proxy_shared_secret_previous]
    door = WebhookDoor(
        inbox=shop.engine.inbox,
        clock=shop.clock,
        tell=shop.events,
        shop=settings.shopify_store_domain,
        secrets=[secret.get_secret_value() for secret in secrets if secret is not None],
    )
    others = {}
    if settings.slack_signing_secret is not None and desk is not None:
        secret = settings.slack_signing_secret.get_secret_value()
        others[slack_actions.PATH] = SlackDoor(desk, secret=secret, api_url=settings.slack_api_url, clock=shop.clock)
    return storefront_app(
        webhooks=door,
        largest_webhook=shop.alerts.limits.webhooks.largest,
        host=public_host(settings),
        others=others,
        clock=shop.clock,
    )
