"""Webhook subscriptions of the store. Sending is somebody else's: whoever listens to `ShopifyStore.events`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from sandbox.clock import Clock

FIRST_SUBSCRIPTION = 1_200_000_000_000


@dataclass(slots=True, eq=False)
class Subscription:
    """Who is told about a topic (`ORDERS_CREATE`), and where."""

    number: int
    topic: str
    uri: str
    format: str
    filter: str | None
    include_fields: list[str]
    created_at: datetime
    updated_at: datetime
    api_version_handle: str
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/WebhookSubscription/{self.number}"


def address_refusal(uri: str) -> str | None:
    """Return why an address is refused, None for a good one. Plain http and addresses inside are refused."""
    parts = urlsplit(uri)
    if parts.scheme in ("pubsub", "arn"):
        return None
    if parts.scheme != "https":
        return "Address protocol http:// is not supported"
    host = parts.hostname or ""
    if not host or host == "localhost" or host.endswith(".myshopify.com") or _inside(host):
        return "Address is not allowed"
    return None


def _inside(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False


class Subscriptions:
    """The subscriptions made through the API, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = FIRST_SUBSCRIPTION
        self.rows: dict[str, Subscription] = {}

    def add(
        self, topic: str, uri: str, *, kind: str, only: str | None, fields: list[str], version: str
    ) -> Subscription:
        """Make a subscription."""
        self._next += 1
        now = self._clock.now().replace(microsecond=0)
        row = Subscription(self._next, topic, uri, kind, only, fields, now, now, version)
        self.rows[row.id] = row
        return row

    def remove(self, gid: str) -> bool:
        """Take a subscription away; False when there is none."""
        return self.rows.pop(gid, None) is not None
