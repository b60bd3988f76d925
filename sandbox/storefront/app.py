"""The pretend shop for its visitors: pages, cart, checkout, and the theme's part as the real shop would serve it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.clock import Clock
from sandbox.shopify.model import SoldOut
from sandbox.shopify.state import ShopifyStore
from sandbox.storefront import pages, proxy
from sandbox.storefront.carts import Cart, CartError, Carts
from sandbox.storefront.liquid import render
from sandbox.storefront.proxy import AppProxy

THEME = Path(__file__).resolve().parents[2] / "theme"
"""Where the theme's part lies in the repository; an installed program may have none."""

_OWN_ASSETS = Path(__file__).with_name("assets")
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_CART, _VISITOR = "cart", "_shopify_y"
_MOST_BYTES = 64 * 1024


class Front:
    """The shop's web side. `settings` are the theme's; `scripts` further ones by name, loaded on each page.

    Each browser is a visitor with an address of its own, as on the real way through Shopify.
    """

    def __init__(
        self,
        store: ShopifyStore,
        *,
        clock: Clock,
        hosts: Mapping[str, str],
        seed: int = 1,
        theme: Path | None = THEME,
        account: str = "123456",
    ) -> None:
        self.store = store
        self.carts = Carts(store, seed=seed)
        self.proxy = AppProxy(shop=store.domain, clock=clock, hosts=hosts)
        self.scripts: dict[str, str] = {}
        self.theme = theme if theme is not None and theme.is_dir() else None
        self.settings = self._defaults() | {"wtf_lightspeed_enabled": True, "wtf_lightspeed_account_id": account}
        self._visitors: dict[str, str] = {}
        self._random = random.Random(f"visitors {seed}")

    def _defaults(self) -> dict[str, Any]:
        if self.theme is None:
            return {}
        described = json.loads((self.theme / "config" / "wtf-lightspeed-settings.json").read_text(encoding="utf-8"))
        return {each["id"]: each.get("default") for each in described["settings"]}

    def visitor(self) -> str:
        """Return the id of a new visitor."""
        return f"{self._random.getrandbits(128):032x}"

    def address(self, visitor: str) -> str:
        """Return the address of a visitor, made up from those set aside for documentation."""
        if visitor not in self._visitors:
            number = len(self._visitors)
            self._visitors[visitor] = f"203.0.113.{1 + number % 254}" if number < 254 else f"198.51.100.{number % 255}"
        return self._visitors[visitor]

    def head(self, first: str = "") -> str:
        """Return what the theme puts into each page's head; `first` is a script that runs before the others."""
        snippet = ""
        if self.theme is not None:
            template = (self.theme / "snippets" / "wtf-lightspeed-integration.liquid").read_text(encoding="utf-8")
            snippet = render(template, self.settings)
        names = [*([first] if first else []), *(f"/assets/{name}" for name in self.scripts)]
        return "".join(f'<script src="{name}" defer></script>' for name in names) + snippet

    def asset(self, name: str) -> str | None:
        """Return the text of an asset, None where there is none."""
        if name in self.scripts:
            return self.scripts[name]
        places = [_OWN_ASSETS, *([self.theme / "assets"] if self.theme is not None else [])]
        files = {file.name: file for place in places for file in place.iterdir()}
        return files[name].read_text(encoding="utf-8") if name in files else None


def front_app(front: Front) -> Starlette:
    """Return the ASGI app of the shop's web side."""
    return _App(front).app()


class _App:
    """Routes requests; everything it knows is the front's."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def app(self) -> Starlette:
        cart = {"add": self._add, "change": self._change, "update": self._update, "clear": self._clear}
        routes = [
            Route("/", self._home),
            Route("/products/{handle}", self._product),
            Route("/assets/{name}", self._asset),
            Route("/favicon.ico", self._no_icon),
            Route("/cart.js", self._read),
            *(Route(f"/cart/{name}.js", act, methods=["POST"]) for name, act in cart.items()),
            Route("/cart/add", self._add_by_form, methods=["POST"]),
            Route("/checkout", self._check_out, methods=["POST"]),
            Route("/checkouts/{number:int}/thank_you", self._thank_you),
            Route("/checkouts/{number:int}/shopify.js", self._checkout_script),
            Route(proxy.PREFIX + "/{rest:path}", self._proxied, methods=list(proxy.METHODS)),
        ]
        app = Starlette(routes=routes, exception_handlers={CartError: _refused})
        app.router.redirect_slashes = False
        return app

    # --- pages

    async def _home(self, request: Request) -> Response:
        active = [each for each in self._front.store.shelves.products.values() if each.status == "ACTIVE"]
        return self._page(request, "Everything we sell", pages.product_list(active))

    async def _product(self, request: Request) -> Response:
        found = [
            each for each in self._front.store.shelves.products.values() if each.handle == request.path_params["handle"]
        ]
        if not found or found[0].status != "ACTIVE":
            return self._page(request, "Page not found", "", status=404)
        return self._page(request, found[0].title, pages.product(found[0].variants))

    async def _thank_you(self, request: Request) -> Response:
        number = request.path_params["number"]
        return self._page(request, "Thank you for your order", "", first=f"/checkouts/{number}/shopify.js")

    def _page(self, request: Request, title: str, main: str, *, first: str = "", status: int = 200) -> Response:
        headers = {"Content-Security-Policy": pages.POLICY, "Cache-Control": "no-store"}
        page = HTMLResponse(pages.page(title, main, self._front.head(first)), status, headers=headers)
        if _VISITOR not in request.cookies:
            page.set_cookie(_VISITOR, self._front.visitor(), httponly=True, samesite="lax")
        return page

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        text = self._front.asset(name)
        if text is None:
            return Response(status_code=404)
        return Response(text, media_type=_TYPES.get(Path(name).suffix, "text/plain"))

    async def _no_icon(self, _request: Request) -> Response:
        return Response(status_code=204)

    async def _checkout_script(self, request: Request) -> Response:
        """Set what a thank-you page knows of the order, the shopper's data among it."""
        order = self._front.store.order(f"gid://shopify/Order/{request.path_params['number']}")
        known = {
            "order_id": order.number,
            "token": f"{order.number:x}",
            "email": "shopper@example.com",
            "shipping_address": {"name": "A. Shopper", "address1": "1 Main Street", "city": "Austin"},
            "line_items": [
                {"id": line.number, "variant_id": line.variant.number, "quantity": line.quantity}
                for line in order.lines
            ],
        }
        return Response(f"window.Shopify = {{checkout: {json.dumps(known)}}};", media_type="text/javascript")

    # --- the cart

    def _cart(self, request: Request) -> Cart:
        return self._front.carts.of(request.cookies.get(_CART, ""))

    def _told(self, cart: Cart, body: Mapping[str, Any]) -> Response:
        answer = JSONResponse(body, headers={"Cache-Control": "no-store"})
        answer.set_cookie(_CART, cart.token, httponly=True, samesite="lax")
        return answer

    async def _read(self, request: Request) -> Response:
        cart = self._cart(request)
        return self._told(cart, cart.body())

    async def _add(self, request: Request) -> Response:
        cart = self._cart(request)
        return self._told(cart, self._front.carts.add(cart, await _body(request)))

    async def _add_by_form(self, request: Request) -> Response:
        cart = self._cart(request)
        self._front.carts.add(cart, await _body(request))
        answer = RedirectResponse("/", 303)
        answer.set_cookie(_CART, cart.token, httponly=True, samesite="lax")
        return answer

    async def _change(self, request: Request) -> Response:
        cart = self._cart(request)
        self._front.carts.change(cart, await _body(request))
        return self._told(cart, cart.body())

    async def _update(self, request: Request) -> Response:
        cart = self._cart(request)
        self._front.carts.update(cart, await _body(request))
        return self._told(cart, cart.body())

    async def _clear(self, request: Request) -> Response:
        cart = self._cart(request)
        cart.lines.clear()
        return self._told(cart, cart.body())

    async def _check_out(self, request: Request) -> Response:
        try:
            gid = self._front.carts.check_out(self._cart(request))
        except SoldOut:
            return self._page(request, "Some items are no longer available", "", status=409)
        return RedirectResponse(f"/checkouts/{gid.rpartition('/')[2]}/thank_you", 303)

    async def _proxied(self, request: Request) -> Response:
        return await self._front.proxy(request, self._front.address(request.cookies.get(_VISITOR, "")))


async def _body(request: Request) -> dict[str, Any]:
    """Return a body of JSON or of a form; raises CartError."""
    raw = await request.body()
    if len(raw) > _MOST_BYTES:
        raise CartError("the body is too large", 413)
    if "json" in request.headers.get("content-type", "json"):
        try:
            found = json.loads(raw or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise CartError("the body is not a JSON object", 400)
        return found
    return dict(parse_qsl(raw.decode("utf-8", "replace")))


async def _refused(_request: Request, error: Exception) -> Response:
    told = error if isinstance(error, CartError) else CartError("", 500)
    return JSONResponse(told.body(), told.status)
