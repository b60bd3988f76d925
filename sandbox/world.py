"""Everything outside the product in one object: both shops, the receivers of messages, people and faults."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.faults_http import ASGIApp, Receive, Scope, Send
from sandbox.flaws import Planted
from sandbox.goods import Good
from sandbox.lightspeed import fixtures
from sandbox.lightspeed.app import lightspeed_app
from sandbox.lightspeed.state import LightspeedShop
from sandbox.messages import mail, slack, sms
from sandbox.messages.slack_app import slack_app
from sandbox.people import Cashiers, Shoppers
from sandbox.shopify.app import shopify_app
from sandbox.shopify.money import cents
from sandbox.shopify.sender import WebhookSender
from sandbox.shopify.state import ShopifyStore
from sandbox.storefront.app import Front
from sandbox.transport import InProcessTransport

_ID = re.compile(r"/(?:\d+|(?:AC|SM)[0-9a-f]{32})(?=[/.]|$)")  # left out of the counters' names

_TRADED_FOR = timedelta(days=30)  # the till's stock last moved at times spread over it, as in a real shop

SERVICES = ("lightspeed", "shopify", "slack", "sms")

_FIXED = {
    "ENVIRONMENT": "sandbox",
    "LIGHTSPEED_ACCOUNT_ID": "123456",
    "LIGHTSPEED_CLIENT_ID": "sandbox-client",
    "LIGHTSPEED_CLIENT_SECRET": "sandbox-client-secret",
    "LIGHTSPEED_REFRESH_TOKEN": "sandbox-refresh-token",
    "LIGHTSPEED_SHOP_ID": "1",
    "LIGHTSPEED_REGISTER_ID": "1",
    "LIGHTSPEED_EMPLOYEE_ID": "1",
    "LIGHTSPEED_PAYMENT_TYPE_ID": "7",
    "LIGHTSPEED_SHIPPING_ITEM_ID": str(fixtures.SHIPPING),
    "LIGHTSPEED_TAX_ITEM_ID": str(fixtures.ONLINE_TAX),
    "LIGHTSPEED_OTHER_ITEM_ID": str(fixtures.ONLINE_OTHER),
    "SHOPIFY_STORE_DOMAIN": "wtfswag.myshopify.com",
    "ALLOWED_SHOPIFY_STORES": "wtfswag.myshopify.com",
    "SHOPIFY_ADMIN_API_ACCESS_TOKEN": "shpat_sandbox",
    "SHOPIFY_PROXY_SHARED_SECRET": "sandbox-app-secret",
    "SHOPIFY_LOCATION_ID": "gid://shopify/Location/1001",
    "SLACK_BOT_TOKEN": slack.TOKEN,
    "TWILIO_ACCOUNT_SID": sms.ACCOUNT_SID,
    "TWILIO_AUTH_TOKEN": sms.AUTH_TOKEN,
    "TWILIO_FROM": sms.FROM,
}
"""Settings that are the same wherever the sandbox is served; the secrets are fixed and obviously fake."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a world can be reached; the defaults are names that only `World.transports` knows.

    URLs end without a slash. `smtp_port` is 0 and `smtp_ca_file` None where no mail server is up.
    """

    lightspeed: str = "http://lightspeed.sandbox.test"
    shopify: str = "http://shopify.sandbox.test"
    slack: str = "http://slack.sandbox.test"
    sms: str = "http://sms.sandbox.test"
    control: str = "http://control.sandbox.test"
    front: str = "http://front.sandbox.test"
    smtp_port: int = 0
    smtp_ca_file: Path | None = None

    def settings(self) -> dict[str, str]:
        """Return the environment of a daemon that is to talk to this world."""
        urls = {
            "LIGHTSPEED_API_URL": self.lightspeed,
            "LIGHTSPEED_AUTH_URL": self.lightspeed,
            "SHOPIFY_ADMIN_URL": self.shopify,
            "SLACK_API_URL": f"{self.slack}/api/",
            "SLACK_WEBHOOK_URL": f"{self.slack}{slack.WEBHOOK_PATH}",
            "TWILIO_API_URL": self.sms,
        }
        if self.smtp_port and self.smtp_ca_file is not None:
            urls["SMTP_URL"] = f"smtp+starttls://{mail.USER}:{mail.PASSWORD}@127.0.0.1:{self.smtp_port}"
            urls["SMTP_CA_FILE"] = str(self.smtp_ca_file)
            urls["MAIL_FROM"] = "lightspeed-sync@wtfswag.com"
        return _FIXED | urls


class World:
    """Both pretend shops, opened from one list of goods, with everything around them.

    Everything is plain state with synchronous methods; nothing runs by itself. `requests` counts what each
    service was asked. `addresses` is where it is served; `sandbox.serve` sets it. The same arguments make the
    same world.
    """

    def __init__(
        self,
        goods: Sequence[Good],
        *,
        clock: Clock,
        seed: int = 1,
        rate_limits: bool = True,
        registers: int = 1,
        index_lag_seconds: float = 0.0,
    ) -> None:
        self.goods = tuple(goods)
        self.clock = clock
        self.faults = Faults()
        self.lightspeed = LightspeedShop(
            self.goods,
            clock=clock,
            seed=seed,
            registers=registers,
            rate_limits=rate_limits,
            services=fixtures.SERVICES,
            age=_TRADED_FOR,
        )
        self.shopify = ShopifyStore(
            self.goods, clock=clock, seed=seed, rate_limits=rate_limits, index_lag_seconds=index_lag_seconds
        )
        self.webhooks = WebhookSender(self.shopify, seed=seed)
        self.front = Front(self.shopify, clock=clock, hosts=self.webhooks.hosts, seed=seed)
        self.slack = slack.SlackWorkspace(clock=clock, rate_limits=rate_limits)
        self.mail = mail.Mailbox(self.faults, clock=clock)
        self.sms = sms.SmsInbox(clock=clock, faults=self.faults)
        self.cashiers = Cashiers(self.lightspeed, _sold(goods, in_store=True), clock=clock, seed=seed)
        self.shoppers = Shoppers(self.shopify, _sold(goods, in_store=False), clock=clock, seed=seed)
        self.requests: dict[str, Counter[str]] = {service: Counter() for service in SERVICES}
        self.addresses = Addresses()
        self.planted: list[Planted] = []

    def settings(self) -> dict[str, str]:
        """Return the environment of a daemon that is to talk to this world where it is served now.

        It names the public address that webhooks go to, where `webhooks.hosts` knows one.
        """
        public = next(iter(self.webhooks.hosts), None)
        return self.addresses.settings() | ({"PUBLIC_URL": public} if public else {})

    def apps(self) -> dict[str, ASGIApp]:
        """Return the ASGI app of each service of SERVICES."""
        return {
            "lightspeed": self._counted("lightspeed", lightspeed_app(self.lightspeed, self.faults)),
            "shopify": self._counted("shopify", shopify_app(self.shopify, self.faults)),
            "slack": self._counted("slack", slack_app(self.slack, self.faults, clock=self.clock)),
            "sms": self._counted("sms", sms.sms_app(self.sms, self.faults, clock=self.clock)),
        }

    def transports(self) -> dict[str, httpx.AsyncBaseTransport]:
        """Return what `httpx.AsyncClient(mounts=…)` takes to reach the services in process, at `Addresses()`."""
        places = Addresses()
        return {
            getattr(places, service): InProcessTransport(app, clock=self.clock) for service, app in self.apps().items()
        }

    def stock(self) -> dict[str, tuple[int | None, int | None]]:
        """Return for each good its quantity in Lightspeed and what is available in Shopify; None: not sold there."""
        return {
            good.sku: (
                _there(self.lightspeed.qoh, good.sku) if good.in_store else None,
                _there(self.shopify.available, good.sku) if good.online else None,
            )
            for good in self.goods
        }

    def sellable(self, sku: str) -> int:
        """Return what can still be sold online: the units on the shelf that no order has taken, booked or not.

        Those that are laid away for online reservations lie there, too: who holds them can still order them.
        """
        shelf = self.lightspeed.qoh(sku) + self.lightspeed.booked(sku) + self.lightspeed.laid_away(sku)
        return max(0, shelf - self.shopify.truth(sku).taken)

    def unbooked(self) -> dict[str, tuple[int, int]]:
        """Return what each order is worth and what the till has of it, in cents, where they differ; by order number."""
        booked: Counter[str] = Counter()
        for sale in self.lightspeed.online_sales():
            booked[sale.reference_number.split("-")[1]] += cents(sale.calc_total)
        worth = {str(order.sequence): order.current_cents - order.forgiven_cents for order in self.shopify.orders}
        return {number: (due, booked[number]) for number, due in worth.items() if due != booked[number]}

    def _counted(self, service: str, app: ASGIApp) -> ASGIApp:
        """Count what is asked; `send` is passed on as it is, because a fault may need the server's own."""

        async def count(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self.requests[service][f"{scope['method']} {_ID.sub('/{id}', scope['path'])}"] += 1
            await app(scope, receive, send)

        return count


def _there(quantity: Callable[[str], int], sku: str) -> int | None:
    """Return a quantity, None where somebody renamed the SKU."""
    try:
        return quantity(sku)
    except ValueError:
        return None


def _sold(goods: Sequence[Good], *, in_store: bool) -> list[str]:
    """Return the SKUs that people buy in one of the shops."""
    return [
        good.sku
        for good in goods
        if (good.in_store if in_store else good.online) and not good.archived and good.item_type != "non_inventory"
    ]
