"""A shop page and its app proxy, answered inside the test: every request is seen, and any can be made to fail."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
from playwright.async_api import Browser, BrowserContext, Page, Route

from tests.conftest import ROOT
from tests.theme.chromium import until

ORIGIN = "https://wtfswag.example"
ASSETS = ROOT / "theme" / "assets"
BASE = "/apps/wtf/lightspeed"
_PATIENCE = 20.0  # seconds of real time
_SOON = 100  # milliseconds
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Kava</title>
<script type="application/json" id="wtf-lightspeed-config">{config}</script>{scripts}</head>
<body><main><h1>Kava</h1></main></body></html>"""

_COUNT_OPEN = """{ const asked = window.fetch; window.open_requests = 0; window.fetch = (...given) => {
    window.open_requests += 1; return asked(...given).finally(() => { window.open_requests -= 1; }); }; }
"""


@dataclass(slots=True)
class Asked:
    """One request that the page made."""

    method: str
    route: str
    query: dict[str, str]
    body: Any
    headers: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


@dataclass(slots=True)
class Fails:
    """How the middleware answers instead; status 0 is no answer at all."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": "unavailable"}'
    kind: str = "application/json"


class PretendShop:
    """A cart, and a middleware that promises `stock` (units by variant id) less what others hold."""

    def __init__(self, config: dict[str, Any] | None = None, scripts: tuple[str, ...] = ()) -> None:
        self.config: dict[str, Any] = {"enabled": True, "accountId": "123456", "cartEvents": True} | (config or {})
        self.scripts = scripts or ("wtf-lightspeed-integration.js", "wtf-lightspeed-cart-events.js")
        self.extra: dict[str, str] = {}  # further scripts by name
        self.stock: dict[str, int] = {}
        self.lines: list[dict[str, Any]] = []
        self.asked: list[Asked] = []
        self.fails: dict[str, Fails] = {}  # by route below BASE; "*" for all
        self.caps: dict[str, int] = {}  # units that one may hold, by variant id
        self.root = ""  # in front of the cart's paths: that of a language
        self.cart_fails: int | None = None  # status with which the cart refuses to be changed
        self.moved = False  # to another address, where /availability no longer knows whose the holds are
        self.taken_first: set[str] = set()  # variants that somebody else takes just before they are held
        self.items: list[dict[str, Any]] = []  # what /inventory lists
        self.holds: dict[str, dict[str, Any]] = {}
        self.now = START
        self._news = anyio.Event()

    # --- what tests look at

    def calls(self, start: str = "") -> list[str]:
        """Return what the middleware was asked, as `POST /reserve`."""
        return [str(each) for each in self.asked if each.route.startswith("/") and str(each).startswith(start)]

    def bodies(self, route: str) -> list[Any]:
        return [each.body for each in self.asked if each.route == route and each.body is not None]

    @property
    def cart(self) -> dict[str, int]:
        return {line["key"]: line["quantity"] for line in self.lines}

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait until `seen`, looked at after each answer, is true."""
        with anyio.fail_after(_PATIENCE):
            while not seen():
                await self._news.wait()

    # --- the network

    async def answer(self, route: Route) -> None:
        """Answer one request of the page."""
        await self._answer(route)
        self._news.set()
        self._news = anyio.Event()

    async def _answer(self, route: Route) -> None:
        request = route.request
        parts = urlsplit(request.url)
        body = json.loads(request.post_data) if request.post_data else None
        if f"{parts.scheme}://{parts.netloc}" != ORIGIN:
            await route.abort()
            raise AssertionError(f"the page asked somebody else: {request.url}")
        if parts.path.startswith(BASE):
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked = Asked(request.method, parts.path.removeprefix(BASE), query, body, await request.all_headers())
            self.asked.append(asked)
            await self._middleware(route, asked)
        elif parts.path.startswith(f"{self.root}/cart"):
            path = parts.path.removeprefix(self.root)
            self.asked.append(Asked(request.method, f"cart:{path}", {}, body, {}))
            status, told = self._cart(path.removesuffix(".js"), body)
            await route.fulfill(status=status, json=told)
        elif parts.path.startswith("/assets/"):
            name = parts.path.removeprefix("/assets/")
            text = self.extra.get(name) or (ASSETS / name).read_text(encoding="utf-8")
            await route.fulfill(body=text, content_type="text/javascript")
        else:
            await route.fulfill(
                body=self._page(), content_type="text/html", headers={"Content-Security-Policy": POLICY}
            )

    def _page(self) -> str:
        tags = "".join(f'<script src="/assets/{name}" defer></script>' for name in (*self.extra, *self.scripts))
        return _PAGE.replace("{config}", json.dumps(self.config)).replace("{scripts}", tags)

    async def _middleware(self, route: Route, asked: Asked) -> None:
        fails = self.fails.get(asked.route) or self.fails.get("*")
        if fails is not None and fails.status == 0:
            await route.abort()
        elif fails is not None:
            await route.fulfill(
                status=fails.status, headers={**fails.headers, "Content-Type": fails.kind}, body=fails.body
            )
        elif asked.route == "/inventory":
            await self._inventory(route, asked)
        else:
            status, told = self._act(asked)
            await route.fulfill(status=status, json=told)

    async def _inventory(self, route: Route, asked: Asked) -> None:
        limit, offset = int(asked.query["limit"]), int(asked.query.get("offset", 0))
        items = self.items[offset : offset + limit]
        tag = f'"{abs(hash(json.dumps(items)))}"'
        if asked.headers.get("if-none-match") == tag:
            await route.fulfill(status=304, headers={"ETag": tag})
            return
        page = {"count": len(items), "limit": limit, "offset": offset}
        await route.fulfill(json={"items": items, "pagination": page}, headers={"ETag": tag})

    def _act(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        if asked.route == "/availability":
            variant = asked.query["variant_id"]
            left, known = self.stock.get(variant, 0), variant in self.stock
            if self.moved:
                left -= sum(hold["units"] for hold in self.holds.values() if hold["variant"] == variant)
            return 200, {"variantId": variant, "quantity": left, "available": left > 0, "known": known}
        if asked.route == "/release":
            self.holds.pop(asked.body["reservationId"], None)
            return 200, {"reservationId": asked.body["reservationId"], "status": "released"}
        if asked.route == "/orders":
            return 202, {"status": "accepted"}
        return self._reserve(asked.body)

    def _reserve(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        variant, units = body["variantId"], body["quantity"]
        if variant in self.taken_first:
            self.stock[variant] = 0
        if variant not in self.stock:
            return 409, {"error": "unknown_item", "quantity": 0}
        cap = self.caps.get(variant, units)
        if units > self.stock[variant]:
            return 409, {"error": "not_enough", "quantity": min(self.stock[variant], cap)}
        if units > cap:
            return 409, {"error": "client_share", "quantity": cap}
        carts = (hold for hold, of in self.holds.items() if of["variant"] == variant)  # it has one of an item
        hold = body.get("reservationId") or next(carts, f"hold{len(self.holds) + 1}")
        self.holds[hold] = {"variant": variant, "units": units}
        ends = (self.now + timedelta(minutes=15)).isoformat()
        return 200, {"reservationId": hold, "status": "reserved", "quantity": units, "expiresAt": ends}

    def _cart(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        if path == "/cart/add":
            self.put(str(body["id"]), body.get("quantity", 1))
            return 200, next(line for line in self.lines if str(line["variant_id"]) == str(body["id"]))
        if body is not None and self.cart_fails is not None:
            return self.cart_fails, {"status": self.cart_fails, "message": "Cart Error"}
        if path == "/cart/change":
            for line in self.lines:
                if line["key"] == body["id"]:
                    line["quantity"] = body["quantity"]
            self.lines = [line for line in self.lines if line["quantity"]]
        return 200, {"token": "c1-token?key=secret", "note": "for Ann", "items": self.lines}

    def put(self, variant: str, units: int = 1) -> None:
        """Put something into the cart, as the shop itself does."""
        for line in self.lines:
            if str(line["variant_id"]) == variant:
                line["quantity"] += units
                return
        title = f"Kava <b>{variant}</b>"
        self.lines.append({"key": f"{variant}:k", "variant_id": int(variant), "quantity": units, "title": title})


@asynccontextmanager
async def visit(browser: Browser, shop: PretendShop, *, before: str = "") -> AsyncIterator[Page]:
    """Open the shop's page in a browser of its own, at START of a time that only tests move.

    `before` is run in the page before anything else. Fails if anything was reported as an error in the page.
    """
    context = await browser.new_context(locale="en-US")
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    try:
        yield await open_page(context, shop, before=before)
    finally:
        await context.close()
    assert errors == []


async def open_page(context: BrowserContext, shop: PretendShop, *, before: str = "") -> Page:
    page = await context.new_page()
    await page.clock.install(time=shop.now)
    await page.route("**/*", shop.answer)
    await page.add_init_script(_COUNT_OPEN + before)
    await page.goto(f"{ORIGIN}/products/kava")
    return page


async def active(page: Page, shop: PretendShop) -> None:
    """Wait until the script has begun and looked into the cart, then stop the page's clock."""
    await until(page, "WTFLightspeed.isActive()")
    await shop.until(lambda: any(each.route == "cart:/cart.js" for each in shop.asked))
    now = await page.evaluate("Date.now()")
    await page.clock.pause_at((now + _SOON) / 1_000)  # not later: what is under way would be given up


async def advance(page: Page, seconds: float, *, step: float = 1.0) -> None:
    """Let time pass for the page in steps, each of which waits for the answers to what it asked."""
    while seconds > 0:
        await page.clock.fast_forward(int(min(seconds, step) * 1_000))
        await until(page, "window.open_requests === 0")
        seconds -= step


async def add(page: Page, shop: PretendShop, variant: str, units: int = 1) -> None:
    """Put something into the cart and tell the page of it, as a theme does."""
    shop.put(variant, units)
    line = next(line for line in shop.lines if str(line["variant_id"]) == variant)
    await page.evaluate("item => document.dispatchEvent(new CustomEvent('cart:added', {detail: {item}}))", line)


async def change(page: Page, shop: PretendShop, variant: str, units: int) -> None:
    """Change a quantity in the cart (0: take it out) and tell the page of it, as a theme does."""
    shop.lines = [line for line in shop.lines if str(line["variant_id"]) != variant]
    if units:
        shop.put(variant, units)
    await tell(page, {"token": "c1-token?key=secret", "items": shop.lines})


async def tell(page: Page, cart: dict[str, Any]) -> None:
    """Tell the page of a cart, whatever the shop has."""
    await page.evaluate("cart => document.dispatchEvent(new CustomEvent('cart:updated', {detail: {cart}}))", cart)


async def held(page: Page, variant: str, units: int) -> None:
    """Wait until the script says that it holds so many units."""
    seen = "([variant, units]) => WTFLightspeed.getSyncStatus().holds.some((hold) => hold.variantId === variant && "
    await until(page, seen + "hold.quantity === units && hold.state === 'held')", [variant, units])
