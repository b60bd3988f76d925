"""The ops listener's routes: /metrics, /healthz, /readyz, /openapi.json, the status page, reports and /api/status."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

from markupsafe import Markup, escape
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from monitor.channels.wording import templates
from monitor.reports.page import policy
from monitor.units import counted, written_duration, written_second
from monitor.web.status import Probe, Report
from sync.config_values import is_loopback
from sync.errors import Code, SyncError

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_OK, _UNAUTHORIZED, _UNAVAILABLE = 200, 401, 503


Application = Starlette


class View(Protocol):
    """What the listener shows."""

    async def health(self) -> Sequence[Probe]: ...  # noqa: D102 - told by the routes

    async def readiness(self) -> Sequence[Probe]: ...  # noqa: D102

    async def report(self) -> Report: ...  # noqa: D102

    async def validation(self) -> str | None: ...  # noqa: D102


def allowed_hosts(listen_host: str, ops_url: str | None = None) -> tuple[str, ...]:
    """Return the Host headers to take: on loopback only local ones, so that no web page reaches us by rebinding."""
    if not is_loopback(listen_host):
        return ("*",)
    named = urlsplit(ops_url).hostname if ops_url else None
    return ("localhost", "127.0.0.1", "[::1]", *((named,) if named else ()))


def ops_app(
    view: View,
    registry: CollectorRegistry,
    *,
    hosts: Sequence[str],
    description: Mapping[str, Any],
    token: str | None = None,
) -> Starlette:
    """Return the application; without a `token` there is no /api. `description` is /openapi.json."""
    page = templates().get_template("status.html")

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(await run_in_threadpool(encode, registry), media_type=content_type, headers=_HEADERS)

    async def healthz(_: Request) -> Response:
        return _probed(await view.health())

    async def readyz(_: Request) -> Response:
        return _probed(await view.readiness())

    async def status(_: Request) -> Response:
        report = await view.report()
        return HTMLResponse(page.render(report=report, **_WORDS), headers=_HEADERS)

    async def described(_: Request) -> Response:
        return JSONResponse(description, headers=_HEADERS)

    async def api_status(request: Request) -> Response:
        if token is None:
            return _error(404, "not_found", "There is no API without OPS_TOKEN.")
        if not _authorised(request, token):
            return _error(_UNAUTHORIZED, "unauthorized", "Send OPS_TOKEN as a bearer token.")
        report = await view.report()
        data = {**asdict(report), "firing": [each.data for each in report.firing]}
        return JSONResponse(_plain(data), headers=_HEADERS)

    routes = [
        Route("/metrics", metrics, methods=["GET"]),
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/openapi.json", described, methods=["GET"]),
        Route("/api/status", api_status, methods=["GET"]),
        Route("/validation", partial(_validation, view), methods=["GET"]),
        Route("/", status, methods=["GET"]),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)],
        exception_handlers={SyncError: _failed},
    )
    app.router.redirect_slashes = False
    return app


async def _validation(view: View, _: Request) -> Response:
    """Show the newest comparison's report, which brings a script of its own."""
    page = await view.validation()
    if page is None:
        return _error(404, "not_found", "Nothing was compared yet: run lightspeed-sync validate.")
    return HTMLResponse(page, headers=_HEADERS | {"Content-Security-Policy": f"{policy()}; frame-ancestors 'none'"})


def _authorised(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return same and scheme.lower() == "bearer"


def _probed(probes: Sequence[Probe]) -> Response:
    well = all(probe.ok for probe in probes)
    body = {"status": "ok" if well else "unavailable", "checks": [asdict(probe) for probe in probes]}
    return JSONResponse(body, _OK if well else _UNAVAILABLE, headers=_HEADERS)


def _failed(_: Request, error: Exception) -> Response:
    code = error.code if isinstance(error, SyncError) else Code.IN001
    return PlainTextResponse(f"{code.name} {code.sentence}\n", _UNAVAILABLE, headers=_HEADERS)


def _error(status: int, error: str, message: str) -> Response:
    headers = _HEADERS | ({"WWW-Authenticate": "Bearer"} if status == _UNAUTHORIZED else {})
    return JSONResponse({"error": error, "message": message}, status, headers=headers)


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it; catalogue codes by name, moments in ISO 8601."""
    match value:
        case Code():
            return value.name
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else written_second(moment)


def _ago(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{written_duration(max(timedelta(0), now - moment))} ago"


def _ticked(text: str) -> Markup:
    """Return text as HTML: escaped, what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one without its other half
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


_WORDS: Mapping[str, Any] = {
    "moment": _moment,
    "ago": _ago,
    "length": written_duration,
    "counted": counted,
    "ticked": _ticked,
    "booking_is_off": f"{Code.OR009.title}. {Code.OR009.remedy}",
    "remedy_of_pause": Code.BR004.remedy,
}
