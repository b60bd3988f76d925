"""The pretend store over HTTP: the Admin API, the token endpoint and the storage that bulk results lie in."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from sandbox.faults import Fault, FaultKind, Faults
from sandbox.faults_http import Answer, ASGIApp, Call, FaultMiddleware, Message, Proceed, Receive, Scope, Send
from sandbox.shopify.access import TOKEN_SECONDS, serve_version
from sandbox.shopify.context import Context
from sandbox.shopify.engine import answer, fault_cost, read, root_fields, throttled_body
from sandbox.shopify.short_page import shorten, shorten_lines
from sandbox.shopify.state import ShopifyStore

_GRAPHQL = re.compile(r"/admin/api/(?:(?P<version>[^/]+)/)?graphql\.json")
_TOKEN_PATH = "/admin/oauth/access_token"
_BULK = re.compile(r"/bulk/(?P<name>[\w.-]+)")
_JSON = "application/json; charset=utf-8"
_BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"
OVERLOADED = "SERVICE_UNAVAILABLE"


def shopify_app(store: ShopifyStore, faults: Faults) -> ASGIApp:
    """Return the ASGI application of one store.

    It serves POST /admin/api/{version}/graphql.json, POST /admin/oauth/access_token and GET /bulk/{name}. Faults
    wait under service `shopify` and the GraphQL root field, `oauth.token`, or `bulk.file`.
    """
    shop = _Shop(store)
    return FaultMiddleware(
        shop,
        service="shopify",
        faults=faults,
        clock=store.clock,
        operations_of=operations_of,
        render=shop.render,
    )


def operations_of(call: Call) -> Sequence[str]:
    """Return the names under which faults may wait for a call."""
    if call.path == _TOKEN_PATH:
        return ("oauth.token",)
    if _BULK.fullmatch(call.path):
        return ("bulk.file",)
    route = _GRAPHQL.fullmatch(call.path)
    version = serve_version(route["version"]) if route else None
    return root_fields(read(version, call.body)) if version else ()


class _Shop:
    """Routes calls; everything it knows is the store's."""

    def __init__(self, store: ShopifyStore) -> None:
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        call = await _read(scope, receive)
        told = self._answer(call, base_url=_base_url(scope, call))
        raw = [(name.encode(), value.encode()) for name, value in told.headers]
        raw.append((b"content-length", str(len(told.body)).encode()))
        await send({"type": "http.response.start", "status": told.status, "headers": raw})
        await send({"type": "http.response.body", "body": told.body})

    def _answer(self, call: Call, base_url: str, refusal: str | None = None) -> Answer:
        bulk = _BULK.fullmatch(call.path)
        if bulk:
            return self._file(call, bulk["name"])
        if call.path == _TOKEN_PATH:
            return self._token(call)
        route = _GRAPHQL.fullmatch(call.path)
        if route is None:
            return self._json(404, {"errors": "Not Found"})
        if call.method != "POST":
            return self._json(405, {"errors": "Method Not Allowed"})
        return self._graphql(call, serve_version(route["version"]), base_url, refusal)

    def _graphql(self, call: Call, version: str | None, base_url: str, refusal: str | None) -> Answer:
        grant = self._store.access.grant(call.headers.get("x-shopify-access-token", ""))
        if grant is None:
            return self._json(401, {"errors": _BAD_TOKEN})
        if version is None:
            return self._json(404, {"errors": "Not Found"})
        asked = read(version, call.body)
        if asked is None:
            return self._json(400, {"errors": {"query": "Required parameter missing or invalid"}}, version)
        context = Context(self._store, grant, version, base_url, refusal=refusal)
        return self._json(200, answer(context, asked), version)

    def _token(self, call: Call) -> Answer:
        given = _form(call)
        if given.get("grant_type") != "client_credentials":
            return self._json(400, {"error": "unsupported_grant_type"})
        token = self._store.access.issue(given.get("client_id", ""), given.get("client_secret", ""))
        if token is None:
            return self._json(400, {"error": "application_cannot_be_found"})
        scope = ",".join(sorted(self._store.access.scopes))
        return self._json(200, {"access_token": token, "scope": scope, "expires_in": TOKEN_SECONDS})

    def _file(self, call: Call, name: str) -> Answer:
        """Plain storage: whoever knows the name may read. A token sent here is a token given away."""
        if "x-shopify-access-token" in call.headers:
            self._store.token_leaks += 1
        body = self._store.bulk.file(name)
        if body is None:
            page = b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code></Error>"
            return Answer(404, (("content-type", "application/xml"),), page)
        return Answer(200, (("content-type", "application/jsonl"),), body)

    def _json(self, status: int, body: object, version: str | None = None) -> Answer:
        made_up = f"{self._store.random.getrandbits(64):016x}"
        headers = [("content-type", _JSON), ("x-request-id", made_up)]
        if version is not None:
            headers.append(("x-shopify-api-version", version))
        return Answer(status, tuple(headers), json.dumps(body, separators=(",", ":")).encode())

    async def render(self, fault: Fault, call: Call, proceed: Proceed) -> Answer:
        """Answer a call that meets a fault of the service's own making."""
        route = _GRAPHQL.fullmatch(call.path)
        version = serve_version(route["version"]) if route else None
        match fault.kind:
            case FaultKind.THROTTLED if version is not None:
                return self._throttled(call, version)
            case FaultKind.THROTTLED:
                return replace(self._json(429, {"errors": "Too Many Requests"}), headers=(("retry-after", "2.0"),))
            case FaultKind.UNAUTHORIZED:
                return self._json(401, {"errors": _BAD_TOKEN})
            case FaultKind.SHORT_PAGE if version is None:
                whole = await proceed()
                return replace(whole, body=shorten_lines(whole.body))
            case FaultKind.SHORT_PAGE:
                whole = await proceed()
                return replace(whole, body=json.dumps(shorten(json.loads(whole.body))).encode())
            case FaultKind.REFUSED if version is not None:
                return self._answer(call, f"http://{call.headers.get('host', '')}", refusal=fault.code or OVERLOADED)
            case FaultKind.REFUSED:
                return self._json(400, {"error": fault.code or "shop_not_permitted"})
            case FaultKind.SERVER_ERROR:
                return self._internal_error(version)
            case _:  # a fault of other services: no link of ours leads anywhere by itself
                return await proceed()

    def _throttled(self, call: Call, version: str) -> Answer:
        grant = self._store.access.grant(call.headers.get("x-shopify-access-token", ""))
        if grant is None:
            return self._json(401, {"errors": _BAD_TOKEN})
        self._store.throttled += 1
        cost = fault_cost(read(version, call.body))
        bucket = self._store.bucket(grant.app)
        bucket.drain()
        return self._json(200, throttled_body(bucket, cost), version)

    def _internal_error(self, version: str | None) -> Answer:
        made_up = f"{self._store.random.getrandbits(64):016x}"
        message = f"Internal error. Looks like something went wrong on our end.\nRequest ID: {made_up}"
        error = {"message": message, "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": made_up}}
        return self._json(500, {"errors": [error]}, version)


def _object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a body, None for anything else."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _form(call: Call) -> dict[str, Any]:
    if "json" in call.headers.get("content-type", ""):
        return _object(call.body) or {}
    return {name: values[0] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}


async def _read(scope: Scope, receive: Receive) -> Call:
    parts = []
    more = True
    while more:
        message: Message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Call(
        scope["method"], scope["path"], scope.get("query_string", b"").decode("latin-1"), headers, b"".join(parts)
    )


def _base_url(scope: Scope, call: Call) -> str:
    """Return the address that the client itself used: results are downloaded from the same place."""
    return f"{scope.get('scheme', 'http')}://{call.headers.get('host', 'localhost')}"
