"""The app proxy: signs a visitor's request and passes it on to the app, without cookies in either direction."""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlencode

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox.clock import Clock
from sandbox.faults_http import web_page
from sandbox.shopify.access import CLIENT_SECRET

PREFIX = "/apps/wtf/lightspeed"
"""Where the proxy stands in the shop, and what its address at the app ends with."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_ANSWER_SECONDS = 10.0

_NOT_ASKED = frozenset({"cookie", "host", "content-length", "accept-encoding", "x-forwarded-for", "x-forwarded-host"})
_NOT_TOLD = frozenset(
    {"accept-patch", "accept-ranges", "connection", "date", "delta-base", "im", "p3p", "pragma", "preference-applied"}
    | {"proxy-authenticate", "public-key-pins", "server", "service-worker-allowed", "set-cookie", "trailer", "tk"}
    | {"warning", "x-powered-by"}
)
_ONE_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"})


def signature(parameters: Iterable[tuple[str, str]], secret: str) -> str:
    """Return the hex signature of a query: `name=value` sorted, one name's values joined by commas, nothing between."""
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in parameters:
        values[name].append(value)
    text = "".join(sorted(f"{name}={','.join(each)}" for name, each in values.items()))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class AppProxy:
    """Passes requests on to the app at `https://HOST`; `hosts` says where such an address really is.

    Close it with `aclose`.
    """

    def __init__(self, *, shop: str, clock: Clock, hosts: Mapping[str, str], secret: str = CLIENT_SECRET) -> None:
        self._shop = shop
        self._clock = clock
        self._hosts = hosts
        self._secret = secret
        self._client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """Close the connections to the app."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def __call__(self, request: Request, visitor: str) -> Response:
        """Answer what the visitor at an address asks of the app."""
        public, place = next(iter(self._hosts.items()), ("", ""))
        if not place:
            return _page(404, "Not Found")
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False, follow_redirects=True)
        headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_ASKED | _ONE_HOP]
        headers += [
            ("host", httpx.URL(public).host),
            ("accept-encoding", "identity"),
            ("x-forwarded-for", visitor),
            ("x-forwarded-host", self._shop),
        ]
        url = httpx.URL(f"{place}{request.url.path}", query=self.signed(request.url.query).encode())
        try:
            answer = await self._client.request(
                request.method, url, headers=headers, content=await request.body() or None
            )
        except httpx.TransportError:
            return _page(502, "Bad Gateway")
        told = Response(answer.content, answer.status_code)
        for name, value in answer.headers.multi_items():
            if name not in _NOT_TOLD | _ONE_HOP:
                told.headers.append(name, value)
        return told

    def signed(self, query: str) -> str:
        """Return a visitor's query with what the proxy adds to it."""
        added = [
            ("shop", self._shop),
            ("logged_in_customer_id", ""),
            ("path_prefix", PREFIX),
            ("timestamp", str(int(self._clock.now().timestamp()))),
        ]
        asked = parse_qsl(query, keep_blank_values=True)
        added.append(("signature", signature([*asked, *added], self._secret)))
        return "&".join(filter(None, (query, urlencode(added))))


def _page(status: int, title: str) -> Response:
    return HTMLResponse(web_page(status, title).body, status)
