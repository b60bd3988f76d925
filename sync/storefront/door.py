"""The front of the public listener: host, path, method, size, signature, pace, body, in this order.

Plain ASGI, because every open page of the shop asks here every few seconds. What is not one of the seven routes goes
to the application behind. Nothing of a request is echoed or logged, and a refusal changes nothing but counters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from sync.clock import Clock
from sync.errors import SyncError
from sync.events import HoldMet, Listener
from sync.reservations import Refusal
from sync.storefront.answers import (
    BAD_REQUEST,
    TOO_LARGE,
    UNAUTHORIZED,
    UNAVAILABLE,
    WRONG_HOST,
    Answer,
    refusal,
    throttled,
)
from sync.storefront.hosts import OwnHost
from sync.storefront.limits import Buckets, Clients, Origin
from sync.storefront.ports import Meter
from sync.storefront.routes import RESERVE, Ask, Route, Unfit
from sync.storefront.signature import Proven, signed_hint, verify_proxy

log = structlog.get_logger()

LARGEST_BODY = 64 * 1024
_DIGITS = len(str(LARGEST_BODY))
_MOST_HEADERS = 100
_MOST_BODIES = 256  # being read at once, in each form of proof: some 16 MB
_LOG_EVERY = 60.0  # seconds
_SECONDS = 10.0  # that a request may take, its body's arrival included; Shopify itself gives up sooner


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the door believes: secrets of the app, present and last; shops that may ask; hosts that are ours."""

    secrets: tuple[str, ...]
    shops: frozenset[str]
    host: bytes | None = None  # None: any
    clients: Clients = field(default_factory=Clients)


@dataclass(slots=True)
class _Heads:
    """Those headers that matter; of those that must stand once, all that stand there."""

    hosts: list[bytes] = field(default_factory=list)
    forwarded: list[bytes] = field(default_factory=list)
    length: bytes | None = None
    known: bytes = b""
    too_many: bool = False
    signatures: list[bytes] = field(default_factory=list)
    shops: list[bytes] = field(default_factory=list)


class _Refused(Exception):
    """A request that gets no further; `answer` is what it is told."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__()


class Door:
    """An ASGI application: the seven routes, and `behind` it whatever else the listener serves."""

    def __init__(
        self,
        routes: Mapping[str, Mapping[str, Route]],
        *,
        trust: Trust,
        buckets: Buckets,
        clock: Clock,
        tell: Listener,
        behind: ASGIApp,
        meter: Meter | None = None,
    ) -> None:
        self._routes = {path.encode(): methods for path, methods in routes.items()}
        self._wrong_method = {path: _not_allowed(methods) for path, methods in self._routes.items()}
        self._trust = trust
        self._host = OwnHost(trust.host, clock)
        self._secrets = tuple(secret.encode() for secret in trust.secrets)
        self._buckets = buckets
        self._clock = clock
        self._tell = tell
        self._behind = behind
        self._meter = meter
        self._logged_until: dict[tuple[str, str], float] = {}
        self._reading = {False: 0, True: 0}  # bodies being read, by form of proof

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: bytes = (scope.get("raw_path") or scope["path"].encode()) if scope["type"] == "http" else b""
        methods = self._routes.get(path)
        if methods is None:
            await self._behind(scope, receive, send)
            return
        began = self._clock.monotonic()
        route = methods.get(scope["method"])
        answer = await self._answer(path, route, scope, receive)
        if self._meter is not None:
            name = next(iter(methods.values())).name
            self._meter.answered(name, answer.status, self._clock.monotonic() - began)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, path: bytes, route: Route | None, scope: Scope, receive: Receive) -> Answer:
        try:
            heads = _heads(scope["headers"])
            self._check_host(heads)
            if route is None:
                return self._wrong_method[path]
            _check_size(heads)
            now = self._clock.now()
            proven = verify_proxy(scope["query_string"], self._secrets, now, self._trust.shops)
            if not route.reads:
                return UNAUTHORIZED if proven is None else await route.handle(self._ask(proven, heads, scope, now))
            proven, body = await self._read(route, proven, heads, scope, receive)
            ask = self._ask(proven, heads, scope, self._clock.now(), body)
            self._check_pace(route, ask)
            async with asyncio.timeout(_SECONDS):
                return await route.handle(ask)
        except _Refused as refused:
            return refused.answer
        except Unfit:
            return BAD_REQUEST
        except TimeoutError:
            return UNAVAILABLE
        except Exception as error:  # noqa: BLE001 - the last resort: a visitor learns nothing of it
            self._log(route, error)
            return UNAVAILABLE

    def _log(self, route: Route | None, error: Exception) -> None:
        """Log a failure, each kind once a minute at most: during an outage every request has one."""
        name, kind = route.name if route is not None else "", type(error).__name__
        now = self._clock.monotonic()
        if now < self._logged_until.get((name, kind), now):
            return
        self._logged_until[name, kind] = now + _LOG_EVERY
        if isinstance(error, SyncError):
            log.error("storefront.failed", route=name, code=error.code.name, detail=error.detail)
        else:
            log.error("storefront.broke", route=name, error=kind)

    def _check_host(self, heads: _Heads) -> None:
        if heads.too_many:
            raise _Refused(BAD_REQUEST)
        if not self._host.admits(heads.hosts):
            raise _Refused(WRONG_HOST)

    def _check_pace(self, route: Route, ask: Ask) -> None:
        wait = self._buckets.take(ask.client, self._clock.monotonic()) if route.limited else 0.0
        if wait > 0:
            if route.name == RESERVE:
                self._tell(HoldMet(Refusal.THROTTLED))
            raise _Refused(throttled(wait))

    def _ask(self, proven: Proven, heads: _Heads, scope: Scope, now: datetime, body: bytes = b"") -> Ask:
        """Return what a proven request asks, unless it came from a network that may not."""
        peer = scope.get("client")
        origin = Origin(heads.forwarded, peer[0] if peer else "")
        clients = self._trust.clients
        if not clients.admits(origin):
            raise _Refused(UNAUTHORIZED)
        return Ask(clients.key(proven.customer, origin), now, proven.own, body, heads.known)

    async def _read(
        self, route: Route, proven: Proven | None, heads: _Heads, scope: Scope, receive: Receive
    ) -> tuple[Proven, bytes]:
        """Return what is proven and the body, where either of the two proofs holds."""
        second = proven is None and route.hints and not scope["query_string"] and bool(heads.signatures)
        if proven is None and not second:
            await self._skim(heads, receive)
            raise _Refused(UNAUTHORIZED)
        if self._reading[second] >= _MOST_BODIES:
            raise _Refused(UNAVAILABLE)
        self._reading[second] += 1
        try:
            body = await _whole(receive)
        finally:
            self._reading[second] -= 1
        if proven is None:
            proven = self._proven_by(body, heads)
        if proven is None:
            raise _Refused(UNAUTHORIZED)
        return proven, body

    def _proven_by(self, body: bytes, heads: _Heads) -> Proven | None:
        """Return what a body's own signature proves: as it covers no header, the shop is only said."""
        if len(heads.signatures) != 1 or len(heads.shops) != 1:
            return None
        signed = signed_hint(body, heads.signatures[0].decode("latin-1"), self._trust.secrets)
        shop = heads.shops[0].decode("latin-1")
        return Proven(shop, "", {}) if signed and shop in self._trust.shops else None

    async def _skim(self, heads: _Heads, receive: Receive) -> None:
        """Let a body pass that proves nothing, where only its end can tell whether it is too large; keep none of it."""
        if heads.length is None:
            await _whole(receive, keep=False)


def _not_allowed(methods: Mapping[str, Route]) -> Answer:
    return refusal(HTTPStatus.METHOD_NOT_ALLOWED, (b"allow", ", ".join(sorted(methods)).encode()))


def _heads(headers: Sequence[tuple[bytes, bytes]]) -> _Heads:
    heads = _Heads(too_many=len(headers) > _MOST_HEADERS)
    for name, value in headers:
        match name:
            case b"host":
                heads.hosts.append(value)
            case b"x-forwarded-for":
                heads.forwarded.append(value)
            case b"content-length":
                heads.length = value
            case b"if-none-match":
                heads.known = value
            case b"x-shopify-hmac-sha256":
                heads.signatures.append(value)
            case b"x-shopify-shop-domain":
                heads.shops.append(value)
    return heads


def _check_size(heads: _Heads) -> None:
    """Refuse a body that says itself that it is too large."""
    length = heads.length
    if length is not None and not (length.isdigit() and len(length) <= _DIGITS and int(length) <= LARGEST_BODY):
        raise _Refused(TOO_LARGE if length.isdigit() else BAD_REQUEST)


async def _whole(receive: Receive, *, keep: bool = True) -> bytes:
    """Return a whole body (b"" unless it is to be kept), which arrives in time and is no larger than allowed."""
    parts, size = list[bytes](), 0
    try:
        async with asyncio.timeout(_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _Refused(BAD_REQUEST)  # the client is gone
                part = message.get("body", b"")
                size += len(part)
                if size > LARGEST_BODY:
                    raise _Refused(TOO_LARGE)
                if keep:
                    parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise _Refused(BAD_REQUEST) from None
