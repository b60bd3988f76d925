"""What the tests of the Shopify client share: a clock that jumps, a meter, and a scripted Shopify."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

import httpx

from sync.http import HttpEdge, RetryPolicy
from sync.pacing import Bucket
from sync.shopify.api import Limits
from sync.shopify.auth import StaticToken, TokenSource
from sync.shopify.client import ShopifyStorefront

T = TypeVar("T")

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BASE = "https://wtfswag.myshopify.com"
URL = f"{BASE}/admin/api/2026-10/graphql.json"
HERE = "gid://shopify/Location/1001"
ELSEWHERE = "gid://shopify/Location/1002"
TOKEN = "shpat_canary_0123456789abcdef"
VERSION = {"X-Shopify-API-Version": "2026-10"}


class JumpingClock:
    """Moves only when somebody sleeps or a test advances it."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += max(0.0, seconds)


class Meter:
    """Keeps every attempt as (operation, code)."""

    def __init__(self) -> None:
        self.attempts: list[tuple[str, str | None]] = []
        self.ratios: list[float] = []

    def attempt(self, api: str, operation: str, seconds: float, code: str | None) -> None:
        assert api == "shopify"
        self.attempts.append((operation, code))

    def quota(self, api: str, used_ratio: float, bucket: Bucket) -> None:
        self.ratios.append(used_ratio)

    def clock(self, api: str, ahead: float, within: float) -> None:
        assert within > 0

    def sign_in(self, api: str, until: datetime) -> None:
        raise AssertionError("Shopify's token does not end by itself")


Reply = httpx.Response | Exception


def answer(data: Any = None, *, available: float = 2000.0, requested: float = 36.0, **envelope: Any) -> httpx.Response:
    """Return a whole GraphQL answer; other parts of the envelope (errors, extensions) by name."""
    body = {"data": data, "extensions": {"cost": cost(available, requested)}, **envelope}
    return httpx.Response(200, headers=VERSION, json={k: v for k, v in body.items() if v is not None or k == "data"})


def cost(available: float, requested: float, restore: float = 100.0) -> dict[str, Any]:
    """Return the cost part of an answer's extensions."""
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": restore}
    return {"requestedQueryCost": requested, "actualQueryCost": requested, "throttleStatus": status}


def error(code: str, message: str = "No.", **extensions: Any) -> list[dict[str, Any]]:
    """Return an `errors` list with one error."""
    return [{"message": message, "extensions": {"code": code, **extensions}}]


def throttled(available: float, requested: float) -> httpx.Response:
    """Return a THROTTLED answer."""
    return answer(None, available=available, requested=requested, errors=error("THROTTLED", "Throttled"))


@dataclass
class Script:
    """Shopify's answers in order, and what it was asked."""

    replies: list[Reply] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    before: Callable[[], None] | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.before is not None:
            self.before()
        assert self.replies, f"an unexpected request: {operation(request)}"
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def variables(self) -> list[dict[str, Any]]:
        return [json.loads(request.content)["variables"] for request in self.requests]

    @property
    def operations(self) -> list[str]:
        return [operation(request) for request in self.requests]


def operation(request: httpx.Request) -> str:
    """Return which document a request carries."""
    return str(json.loads(request.content)["operationName"]) if request.method == "POST" else request.method


@dataclass
class Stage:
    """A client of ours and what stands around it."""

    shop: ShopifyStorefront
    script: Script
    clock: JumpingClock
    meter: Meter
    edge: HttpEdge

    def says(self, *replies: Reply) -> None:
        """Add answers to the script."""
        self.script.replies.extend(replies)


def build(
    script: Script,
    *,
    tokens: TokenSource | None = None,
    limits: Limits | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    make_tokens: Callable[[HttpEdge, JumpingClock], TokenSource] | None = None,
) -> Stage:
    """Return a client on a jumping clock."""
    clock, meter, rng = JumpingClock(), Meter(), random.Random(7)
    policy = RetryPolicy(attempts=4)
    edge = HttpEdge(api="shopify", clock=clock, meter=meter, rng=rng, policy=policy, transport=transport)
    shop = ShopifyStorefront(
        base_url=BASE,
        shop_domain="wtfswag.myshopify.com",
        location_id=HERE,
        tokens=make_tokens(edge, clock) if make_tokens else tokens or StaticToken(TOKEN),
        edge=edge,
        clock=clock,
        meter=meter,
        rng=rng,
        limits=limits,
    )
    return Stage(shop, script, clock, meter, edge)


class Basket(Generic[T]):
    """Takes pages, as the engine would."""

    def __init__(self) -> None:
        self.pages: list[list[T]] = []

    async def __call__(self, rows: Sequence[T]) -> None:
        self.pages.append(list(rows))

    @property
    def rows(self) -> list[T]:
        return [row for page in self.pages for row in page]


# --- pieces of answers


def page(nodes: Sequence[Any], after: str | None = None) -> dict[str, Any]:
    """Return a connection's page; `after`: where it goes on."""
    edges = [{"cursor": f"row {place}", "node": node} for place, node in enumerate(nodes)]
    end = after if after is not None else edges[-1]["cursor"] if edges else None
    if edges:
        edges[-1]["cursor"] = end
    return {"edges": edges, "pageInfo": {"hasNextPage": after is not None, "endCursor": end}}


def level(available: int = 5, *, touched: str | None = "2026-11-22T11:00:00Z", **units: int) -> dict[str, Any]:
    """Return a level's fields, 0 in every state that is not named."""
    states = {"available": available, "committed": 0, "reserved": 0, "damaged": 0, "quality_control": 0}
    states |= {"safety_stock": 0} | units
    quantities = [
        {"name": name, "quantity": number, "updatedAt": touched if name == "available" else None}
        for name, number in states.items()
    ]
    return {"isActive": True, "updatedAt": "2026-11-22T11:30:00Z", "quantities": quantities}


def item(number: int) -> str:
    """Return an inventory item's gid."""
    return f"gid://shopify/InventoryItem/{number}"


def levels_answer(*numbers: int, after: str | None = None) -> httpx.Response:
    """Return a page of the level feed."""
    nodes = [{"item": {"id": item(number)}, **level(number)} for number in numbers]
    return answer({"location": {"inventoryLevels": page(nodes, after)}})


def money(amount: str) -> dict[str, Any]:
    """Return an amount of shop money as Shopify writes it."""
    return {"shopMoney": {"amount": amount}}


def order_money(total: str = "10.0", **more: Any) -> dict[str, Any]:
    """Return the money fields of an order that is paid, with `total` for its goods and nothing else."""
    nothing = {name: money("0.0") for name in ("currentShippingPriceSet", "currentTotalTaxSet", "totalTipReceivedSet")}
    same = ("currentTotalPriceSet", "currentSubtotalPriceSet", "totalReceivedSet", "netPaymentSet")
    return {
        "number": 1001,
        "currencyCode": "USD",
        "taxesIncluded": False,
        "dutiesIncluded": False,
        "edited": False,
        "cartToken": None,
        "displayFinancialStatus": "PAID",
        "currentTotalDutiesSet": None,
        "currentTotalAdditionalFeesSet": None,
        "totalOutstandingSet": money("0.0"),
        **nothing,
        **{name: money(total) for name in same},
        **more,
    }


def line_money(unit: str = "10.0", quantity: int = 1, *discounts: str, tax: str | None = None) -> dict[str, Any]:
    """Return the money fields of an order line."""
    return {
        "isGiftCard": False,
        "originalUnitPriceSet": money(unit),
        "originalTotalSet": money(str(Decimal(unit) * quantity)),
        "discountAllocations": [{"allocatedAmountSet": money(one)} for one in discounts],
        "taxLines": [] if tax is None else [{"priceSet": money(tax)}],
    }
