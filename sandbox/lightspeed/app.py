"""The pretend Lightspeed over HTTP: the API under /API/, OAuth under /auth/oauth/, one ASGI app for both hosts."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.faults import Faults
from sandbox.faults_http import ASGIApp, Call, FaultMiddleware, Receive, Scope, Send
from sandbox.lightspeed.api import asked, perform, split
from sandbox.lightspeed.oauth import OAuthError
from sandbox.lightspeed.state import LightspeedShop
from sandbox.lightspeed.troubles import Troubles, too_many
from sandbox.lightspeed.wire import ApiError, Json, dump

_HTML = "text/html; charset=UTF-8"  # the live API labels the JSON of its errors so
_JSON = "application/json"
_OAUTH = "/auth/oauth/"


def lightspeed_app(shop: LightspeedShop, faults: Faults) -> ASGIApp:
    """Return the ASGI app of one account. The operations of `faults` are path resources and `oauth.token`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.url.path.startswith(_OAUTH):
            response = await _answer_oauth(shop, request)
        else:
            response = answer_api(shop, request, await request.body())
        await response(scope, receive, send)

    return FaultMiddleware(
        app,
        service="lightspeed",
        faults=faults,
        clock=shop.clock,
        operations_of=operations_of,
        render=Troubles(shop).render,
    )


def operations_of(call: Call) -> tuple[str, ...]:
    """Name a call, the narrowest name first: `POST Sale/refund`, `Sale/refund`, `POST Sale`, `Sale`; `oauth.token`."""
    if call.path.startswith(_OAUTH):
        return (f"oauth.{call.path.removeprefix(_OAUTH)}",)
    try:
        path = split(call.path)
    except ApiError:
        return ("unknown",)
    names = dict.fromkeys((path.costed_as, path.resource))
    return tuple(name for each in names for name in (f"{call.method} {each}", each))


def answer_api(shop: LightspeedShop, request: Request, body: bytes) -> Response:
    """Authenticate, price, limit and perform one API call."""
    refusal = _authenticate(shop, request)
    if refusal is not None:
        return refusal
    about = [("X-LS-Acct-Id", shop.account_id), ("X-LS-OAuth-Client-Id", shop.oauth.client_id)]
    now = shop.clock.now()
    try:
        wanted = asked(request.method, request.url.path, request.url.query, body, _linker(shop, request))
    except ApiError as error:
        return _response(error.status, error.body(), [*about, *shop.limiter.admit(1.0, now).headers], _HTML)
    ruling = shop.limiter.admit(wanted.cost, now)
    headers = [*about, *ruling.headers]
    if ruling.refused_by:
        return _response(429, too_many(ruling.refused_by), headers)
    try:
        return _response(200, perform(shop, wanted), headers)
    except ApiError as error:
        return _response(error.status, error.body(), headers, _HTML)


def _authenticate(shop: LightspeedShop, request: Request) -> Response | None:
    """Return the refusal of a call without a valid token, None for a valid one: the old shape or OAuth's."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        message = "Invalid username/password or API key."
        error = ApiError(401, message, "BadAuthenticationRequestError")
        return _response(401, error.body(), [("WWW-Authenticate", 'Basic realm="MerchantOS API"')])
    try:
        shop.oauth.authenticate(token)
    except OAuthError as refused:
        return _response(refused.status, refused.body(), [])
    return None


def _linker(shop: LightspeedShop, request: Request) -> Callable[[str], str]:
    base = shop.base_url or f"{request.url.scheme}://{request.url.netloc}"
    return lambda query: f"{base}{request.url.path}?{query}"


async def _answer_oauth(shop: LightspeedShop, request: Request) -> Response:
    try:
        match request.url.path.removeprefix(_OAUTH):
            case "token":
                return _response(200, await _token(shop, request), [("Cache-Control", "no-store")])
            case "authorize":
                return RedirectResponse(shop.oauth.authorize(dict(request.query_params)), status_code=302)
            case "revoke":
                shop.oauth.revoke((await _fields(request))[0].get("token", ""))
                return _response(200, {}, [])
            case _:
                return _response(404, {"error": "not_found"}, [])
    except OAuthError as refused:
        wait = [("Retry-After", "60")] if refused.status == 429 else []
        return _response(refused.status, refused.body(), wait)


async def _token(shop: LightspeedShop, request: Request) -> Json:
    if request.method != "POST":
        raise OAuthError(405, "invalid_request", "The method is not allowed.")
    fields, as_json = await _fields(request)
    return shop.oauth.token(fields, as_json=as_json)


async def _fields(request: Request) -> tuple[dict[str, str], bool]:
    """Read a token request: a form, a multipart form or JSON (then the second value is True)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _JSON:
        return _json_fields(await request.body()), True
    if kind == "multipart/form-data":
        form: FormData = await request.form()
        return {name: value for name, value in form.items() if isinstance(value, str)}, False
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)), False


def _json_fields(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise OAuthError(400, "invalid_request", "The request is malformed.", "Check the JSON body")
    return {name: str(field) for name, field in value.items() if field is not None}


def _response(status: int, body: Json, headers: list[tuple[str, str]], kind: str = _JSON) -> Response:
    return Response(dump(body), status_code=status, headers=dict(headers), media_type=kind)
