"""The public listener's routes and its order of checks: host, path, method, size, signature, body.

What is refused is answered in fixed words: nothing of a request is echoed, and an unsigned one leaves no trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sync.clock import Clock, SystemClock
from sync.errors import SyncError
from sync.storefront.answers import FIXED_HEADERS, WORDS, WRONG_HOST
from sync.storefront.hosts import OwnHost
from sync.webhooks import PATH

log = structlog.get_logger()

Application = Starlette

_LARGEST_OTHER = 256 * 1024
_READ_SECONDS = 10.0  # that a body may take to arrive; Shopify itself gives up after 5


@dataclass(frozen=True, slots=True)
class Delivery:
    """What arrived under a route: its headers and its raw bytes."""

    headers: Headers
    body: bytes


Take = Callable[[Delivery], Awaitable[HTTPStatus]]
"""Takes one delivery whole and returns its status; raises SyncError where it could not be kept."""


def storefront_app(
    *,
    webhooks: Take,
    largest_webhook: int,
    host: str | None = None,
    others: Mapping[str, Take] | None = None,
    clock: Clock | None = None,
) -> Starlette:
    """Return the application. `largest_webhook` is in bytes; `host` is the only one served (None: any).

    `others` take what is posted to further paths, in bodies of up to 256 KiB.
    """

    async def take_webhook(request: Request) -> Response:
        body = await _whole_body(request, largest_webhook)
        return _answer(await webhooks(Delivery(request.headers, body)))

    def door(take: Take) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            body = await _whole_body(request, _LARGEST_OTHER)
            return _answer(await take(Delivery(request.headers, body)))

        return answer

    own = OwnHost(host.encode("ascii") if host is not None else None, clock or SystemClock())
    app = Starlette(
        routes=[
            Route(PATH, take_webhook, methods=["POST"]),
            *(Route(path, door(take), methods=["POST"]) for path, take in (others or {}).items()),
        ],
        middleware=[Middleware(_OneHost, own=own)],
        exception_handlers={
            HTTPException: _refused,
            SyncError: _failed,
            ClientDisconnect: _gone,
            Exception: _broke,
        },
    )
    app.router.redirect_slashes = False  # a redirect would repeat a signed address
    return app


class _OneHost:
    """Answers only under our own name."""

    def __init__(self, app: ASGIApp, own: OwnHost) -> None:
        self._app = app
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            if not self._own.admits(hosts):
                answer = Response(
                    WRONG_HOST.body, WRONG_HOST.status, headers=FIXED_HEADERS, media_type="application/json"
                )
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _whole_body(request: Request, largest: int) -> bytes:
    """Return the raw body; raises HTTPException 413 as soon as it is known to be larger than allowed."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and (len(declared) > len(str(largest)) or int(declared) > largest):
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    parts, size = list[bytes](), 0
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > largest:
                    raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                parts.append(part)
    except TimeoutError:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None
    return b"".join(parts)


def _answer(status: int) -> Response:
    if status == HTTPStatus.OK:
        return JSONResponse({"status": "ok"}, status, headers=FIXED_HEADERS)
    known = HTTPStatus(status) if status in WORDS else HTTPStatus.BAD_REQUEST
    error, message = WORDS[known]
    return JSONResponse({"error": error, "message": message}, known, headers=FIXED_HEADERS)


def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return _answer(HTTPStatus.BAD_REQUEST)
    answer = _answer(error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def _failed(_: Request, error: Exception) -> Response:
    code = error.code.name if isinstance(error, SyncError) else ""
    log.error("storefront.not_kept", code=code, detail=getattr(error, "detail", ""))
    return _answer(HTTPStatus.SERVICE_UNAVAILABLE)


def _gone(_: Request, __: Exception) -> Response:
    return _answer(HTTPStatus.BAD_REQUEST)  # nobody hears it


def _broke(_: Request, error: Exception) -> Response:
    log.error("storefront.broke", error=type(error).__name__)
    return _answer(HTTPStatus.SERVICE_UNAVAILABLE)
