"""What the tests of the Lightspeed client share: one clock for both sides, a store, a meter, and the pretend shop."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from sandbox.clock import ManualClock
from sandbox.faults import Faults
from sandbox.goods import Good
from sandbox.lightspeed.app import lightspeed_app
from sandbox.lightspeed.state import LightspeedShop
from sandbox.transport import InProcessTransport
from sync.http import RetryPolicy
from sync.lightspeed.auth import Client
from sync.lightspeed.client import Lightspeed, LightspeedSettings
from sync.lightspeed.layaways import LayawaySettings, LightspeedLayaways
from sync.lightspeed.sales import LightspeedTill, SalesSettings
from sync.lightspeed.tokens import StoredTokens
from sync.pacing import Bucket

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
API_URL = "https://api.lightspeed.test"


class VirtualClock:
    """The product's clock over the sandbox's: sleeping moves both at once."""

    def __init__(self, manual: ManualClock) -> None:
        self.manual = manual
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.manual.now()

    def monotonic(self) -> float:
        return (self.manual.now() - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.manual.sleep(max(0.0, seconds))


class Meter:
    """Keeps every attempt as (operation, code)."""

    def __init__(self) -> None:
        self.attempts: list[tuple[str, str | None]] = []
        self.ratios: list[float] = []
        self.sign_ins: list[datetime] = []

    def attempt(self, api: str, operation: str, seconds: float, code: str | None) -> None:
        assert api == "lightspeed"
        assert seconds >= 0
        self.attempts.append((operation, code))

    def quota(self, api: str, used_ratio: float, bucket: Bucket) -> None:
        self.ratios.append(used_ratio)

    def clock(self, api: str, ahead: float, within: float) -> None:
        assert within > 0

    def sign_in(self, api: str, until: datetime) -> None:
        self.sign_ins.append(until)

    def codes(self, operation: str) -> list[str | None]:
        return [code for name, code in self.attempts if name == operation]


class MemoryStore:
    """A token store that writes down what it was asked to do, in order."""

    def __init__(self, **pairs: StoredTokens) -> None:
        self.pairs = dict(pairs)
        self.saves: list[tuple[str, str]] = []
        self.broken = False

    async def load(self, name: str) -> StoredTokens | None:
        return self.pairs.get(name)

    async def save(self, name: str, tokens: StoredTokens) -> None:
        if self.broken:
            raise OSError("disk full")
        self.pairs[name] = tokens
        self.saves.append((name, tokens.access_token))


class SlowLink(httpx.AsyncBaseTransport):
    """Passes requests on, writes them down, and lets half of `latency` pass each way."""

    def __init__(self, inner: httpx.AsyncBaseTransport, clock: ManualClock, latency: float) -> None:
        self._inner = inner
        self._clock = clock
        self.latency = latency
        self.requests: list[httpx.Request] = []
        self.sent_at: list[datetime] = []
        self.statuses: list[int] = []
        self.costs: list[tuple[httpx.Request, float]] = []  # what each answer says it cost, in units of the quota

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.sent_at.append(self._clock.now())
        self._clock.advance(self.latency / 2)
        response = await self._inner.handle_async_request(request)
        self._clock.advance(self.latency / 2)
        self.statuses.append(response.status_code)
        self.costs.append((request, float(response.headers.get("X-LS-Api-Request-Cost", 0))))
        return response


def goods(count: int) -> list[Good]:
    """Return `count` plain goods, number n with n units in stock."""
    return [Good(sku=f"SKU-{n:05}", title=f"Good {n}", handle=f"good-{n}", stock=n) for n in range(1, count + 1)]


@dataclass
class Stage:
    """The pretend shop, its faults, and a client of ours talking to it."""

    shop: LightspeedShop
    faults: Faults
    clock: VirtualClock
    link: SlowLink
    store: MemoryStore
    meter: Meter
    lightspeed: Lightspeed
    delivered: list[object] = field(default_factory=list)

    @property
    def till(self) -> LightspeedTill:
        return self.lightspeed.till(SALES)

    @property
    def layaways(self) -> LightspeedLayaways:
        return self.lightspeed.layaways(LAYAWAYS)

    async def deliver(self, rows: Sequence[object]) -> None:
        self.delivered.extend(rows)

    def paths(self, part: str = "") -> list[str]:
        """Return the paths and queries of the requests that were sent, those with `part` in them."""
        found = [request.url.raw_path.decode() for request in self.link.requests]
        return [path for path in found if part in path]


LAYAWAYS = LayawaySettings(shop_id="1", employee_id="1", customer_id="2")
SALES = SalesSettings(shop_id="1", register_id="1", employee_id="1", payment_type_id="7")


def stage(
    stock: Sequence[Good],
    *,
    latency: float = 0.1,
    store: MemoryStore | None = None,
    environment_token: str = "sandbox-refresh-token",
    account_id: str = "123456",
    shop_id: str = "1",
    register_id: str = "1",
    policy: RetryPolicy | None = None,
    max_pages: int = 20_000,
    sales: SalesSettings | None = None,
    sale_items: Mapping[str, str] | None = None,
    mirror: LayawaySettings | None = None,
    **about_shop: object,
) -> Stage:
    """Open a pretend shop and put our client before it, everything on one virtual clock."""
    manual = ManualClock(START)
    clock, faults = VirtualClock(manual), Faults()
    shop = LightspeedShop(stock, clock=manual, seed=1, **about_shop)  # type: ignore[arg-type]
    link = SlowLink(InProcessTransport(lightspeed_app(shop, faults), clock=manual), manual, latency)
    store, meter = store or MemoryStore(), Meter()
    client = Client(
        client_id=shop.oauth.client_id,
        client_secret=shop.oauth.client_secret,
        account_id=account_id,
        auth_url="https://cloud.lightspeed.test",
        refresh_token=environment_token,
    )
    lightspeed = Lightspeed.open(
        settings=LightspeedSettings(
            api_url=API_URL,
            shop_id=shop_id,
            register_id=register_id,
            sales=sales,
            sale_items=sale_items or {},
            mirror=mirror,
            max_pages=max_pages,
        ),
        client=client,
        store=store,
        clock=clock,
        meter=meter,
        rng=random.Random(1),
        policy=policy,
        transport=link,
    )
    return Stage(shop, faults, clock, link, store, meter, lightspeed)
