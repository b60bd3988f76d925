"""Puts the public listener's front together, for the daemon and for processes that live as long as one request."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import ASGIApp

from sync.clock import Clock
from sync.events import Listener
from sync.reservations import AskLimits
from sync.settings import Settings, StorefrontSettings
from sync.storefront.door import Door, Trust
from sync.storefront.limits import Buckets, Clients
from sync.storefront.ports import HintTaker, Holds, Meter, Shelf
from sync.storefront.routes import Storefront


def public_host(settings: Settings | StorefrontSettings) -> str | None:
    """Return the only name that the public listener answers under; None: any."""
    return urlsplit(settings.public_url).hostname if settings.public_url else None


def trust(settings: Settings | StorefrontSettings) -> Trust:
    """Return whom the settings let in."""
    secrets = [settings.shopify_proxy_shared_secret, settings.shopify_proxy_shared_secret_previous]
    host = public_host(settings)
    return Trust(
        secrets=tuple(secret.get_secret_value() for secret in secrets if secret is not None),
        shops=frozenset(settings.allowed_shopify_stores),
        host=None if host is None else host.encode("ascii"),
        clients=Clients(settings.storefront_proxies, settings.storefront_allowed_networks or ()),
    )


def storefront_door(
    settings: Settings | StorefrontSettings,
    asks: AskLimits,
    *,
    shelf: Shelf,
    holds: Holds,
    hints: HintTaker,
    clock: Clock,
    tell: Listener,
    behind: ASGIApp,
    meter: Meter | None = None,
) -> Door:
    """Return the seven routes as an ASGI application; what is none of them goes to the application `behind`."""
    return Door(
        Storefront(shelf=shelf, holds=holds, hints=hints).routes(),
        trust=trust(settings),
        buckets=Buckets(asks.client, asks.everybody),
        clock=clock,
        tell=tell,
        behind=behind,
        meter=meter,
    )
