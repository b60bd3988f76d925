"""The public listener over fakes, called in process, and requests signed as Shopify signs them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

import httpx
from starlette.types import ASGIApp, Message

from sync.events import Event
from sync.reservations import Pace
from sync.storefront.app import Delivery, storefront_app
from sync.storefront.door import Door, Trust
from sync.storefront.limits import Buckets, Clients
from sync.storefront.routes import PREFIX, Storefront
from sync.storefront.signature import proxy_signature, webhook_signature
from tests.fakes.storefront import NOW, FakeHints, FakeHolds, FakeShelf, shelf_item

SHOP, OTHER_SHOP = "example-shop.myshopify.com", "second.myshopify.com"
SECRET, LAST_SECRET = "hush", "the one before"
HOST = "hooks.example"

ROUTES = {
    "/inventory": ("GET",),
    "/availability": ("GET",),
    "/reserve": ("POST", "PUT"),
    "/release": ("POST",),
    "/sync": ("POST",),
    "/orders": ("POST",),
}
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE")
BODIES: Mapping[str, Mapping[str, object]] = {
    "/reserve": {"lightspeedId": 1, "variantId": "44001", "quantity": 1},
    "/release": {"reservationId": "hold-1"},
    "/sync": {"updates": [{"variantId": 44001, "lightspeedId": "1", "quantity": 5}]},
    "/orders": {"orderNumber": 1001, "lineItems": [{"variantId": 44001, "quantity": 1}]},
}
QUERIES: Mapping[str, Mapping[str, str]] = {"/availability": {"variant_id": "44001", "lightspeed_id": "1"}}


class SetClock:
    """Stands still until it is moved; sleeping is an error, as no route waits."""

    def __init__(self) -> None:
        self.moment, self.seconds = NOW, 1000.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("the request path waits for nothing but the store")


@dataclass
class Counts:
    met: list[tuple[str, int]] = field(default_factory=list)

    def answered(self, route: str, status: int, seconds: float) -> None:
        self.met.append((route, status))


def parameters(own: Mapping[str, str] | None = None, *, at: datetime = NOW, **common: str) -> dict[str, str]:
    """Return what Shopify adds to a visitor's own parameters, without the signature."""
    return {
        "shop": SHOP,
        "logged_in_customer_id": "",
        "path_prefix": PREFIX,
        "timestamp": str(int(at.timestamp())),
        **common,
        **(own or {}),
    }


def signed(own: Mapping[str, str] | None = None, *, secret: str = SECRET, at: datetime = NOW, **common: str) -> str:
    """Return a signed query."""
    pairs = parameters(own, at=at, **common)
    return urlencode({**pairs, "signature": proxy_signature(pairs.items(), secret.encode())})


def hinted(body: bytes, shop: str = SHOP, secret: str = SECRET) -> dict[str, str]:
    """Return the headers of the second form of proof."""
    return {"X-Shopify-Hmac-Sha256": webhook_signature(body, secret), "X-Shopify-Shop-Domain": shop}


class Listener:
    """The public listener over fakes: item 1 has five units, item 2 none, item 3 one."""

    def __init__(self, *, clients: Clients | None = None, each: Pace | None = None, host: str | None = HOST) -> None:
        self.shelf = FakeShelf(shelf_item(1), shelf_item(2, sellable=0), shelf_item(3, sellable=1))
        self.holds, self.hints = FakeHolds(self.shelf), FakeHints()
        self.clock, self.counts = SetClock(), Counts()
        self.webhooks: list[Delivery] = []
        self.events: list[Event] = []
        self.app = Door(
            Storefront(shelf=self.shelf, holds=self.holds, hints=self.hints).routes(),
            trust=Trust(
                (SECRET, LAST_SECRET),
                frozenset({SHOP, OTHER_SHOP}),
                host.encode() if host else None,
                clients or Clients(),
            ),
            buckets=Buckets(each or Pace(1e6, 10**6), Pace(1e6, 10**6)),
            clock=self.clock,
            tell=self.events.append,
            behind=storefront_app(webhooks=self._webhook, largest_webhook=4096, host=host),
            meter=self.counts,
        )
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False, client=("198.51.100.9", 4711))
        self.client = httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}")

    async def _webhook(self, delivery: Delivery) -> HTTPStatus:
        self.webhooks.append(delivery)
        return HTTPStatus.OK

    async def get(self, path: str, **own: str) -> httpx.Response:
        """Ask as a visitor does whose request Shopify forwards."""
        return await self.client.get(f"{path}?{signed(own)}")

    async def inventory(self, known: str) -> httpx.Response:
        """Ask for the list as somebody who has a page of it."""
        return await self.client.get(f"/inventory?{signed()}", headers={"If-None-Match": known})

    async def send(
        self,
        path: str,
        body: object,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        query: str | None = None,
    ) -> httpx.Response:
        """Send a body, signed as Shopify signs it unless there is a query."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        address = f"{path}?{signed() if query is None else query}"
        return await self.client.request(method, address, content=content, headers=headers)

    def state(self) -> object:
        """Return all that a request may have changed."""
        return (
            dict(self.shelf.items),
            dict(self.holds.held),
            self.hints.checked,
            list(self.hints.orders),
            list(self.webhooks),
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over plain ASGI."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


async def call(
    app: ASGIApp,
    method: str,
    path: str,
    query: bytes = b"",
    *,
    headers: Sequence[tuple[bytes, bytes]] = (),
    body: Sequence[bytes] = (b"",),
    host: bytes = HOST.encode(),
) -> Reply:
    """Call the application with exactly these bytes; the body arrives in these parts, without its length."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(b"host", host), *headers],
        "client": ("198.51.100.9", 4711),
        "root_path": "",
        "scheme": "https",
        "http_version": "1.1",
    }
    parts = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    parts[-1]["more_body"] = False
    waiting, sent = iter(parts), list[Message]()

    async def receive() -> Message:
        return next(waiting, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return Reply(sent[0]["status"], dict(sent[0]["headers"]), b"".join(each.get("body", b"") for each in sent[1:]))
