"""What Lightspeed's own faults look like: its 429s, 401s, refusals, short pages, foreign links, lost relations."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from sandbox.faults import Fault, FaultKind
from sandbox.faults_http import Answer, Call, Proceed
from sandbox.lightspeed.limits import BURST, LEAKY
from sandbox.lightspeed.oauth import OAuthError
from sandbox.lightspeed.resources import RESOURCES
from sandbox.lightspeed.state import LightspeedShop
from sandbox.lightspeed.wire import ApiError, Json, dump

FOREIGN_HOST = "api.elsewhere.invalid"
_HTML = (("content-type", "text/html; charset=UTF-8"),)
_JSON = (("content-type", "application/json"),)
_TEXT = (("content-type", "text/plain"),)
_OLD_401 = ApiError(401, "Invalid username/password or API key.", "BadAuthenticationRequestError")
_DENIED = "The resource owner or authorization server denied the request."


class Troubles:
    """Renders the faults that the middleware leaves to the service.

    `Fault.code` refines them: THROTTLED `burst` (the burst limiter's 429) or `text` (a body that is no JSON),
    `seconds` is Retry-After;
    UNAUTHORIZED `old` (the API's old shape; else OAuth's, and the token has really run out);
    SERVER_ERROR and REFUSED the status (`503`, `409`, `422`; else 500 and 400);
    DROPPED_RELATIONS needs none.
    """

    def __init__(self, shop: LightspeedShop) -> None:
        self._shop = shop

    async def render(self, fault: Fault, call: Call, proceed: Proceed) -> Answer:
        """Answer a call that meets a fault; only SHORT_PAGE, FOREIGN_NEXT and DROPPED_RELATIONS have an effect."""
        match fault.kind:
            case FaultKind.THROTTLED:
                return self._throttled(fault)
            case FaultKind.UNAUTHORIZED:
                return self._unauthorized(fault, call)
            case FaultKind.SHORT_PAGE:
                return _changed(await proceed(), _short)
            case FaultKind.FOREIGN_NEXT:
                return _changed(await proceed(), _foreign)
            case FaultKind.DROPPED_RELATIONS:
                return _changed(await proceed(), _without_relations)
            case FaultKind.REFUSED:
                return _refused(int(fault.code or 400), "Please try again later.")
            case _:
                return _refused(int(fault.code or 500), "Internal server error.")

    def _throttled(self, fault: Fault) -> Answer:
        kind = BURST if fault.code == "burst" else LEAKY
        ruling = self._shop.limiter.refuse(kind, 1.0, self._shop.clock.now(), max(1, round(fault.seconds)))
        about = (("X-LS-Acct-Id", self._shop.account_id), ("X-LS-OAuth-Client-Id", self._shop.oauth.client_id))
        if fault.code == "text":
            return Answer(429, (*_TEXT, *about, *ruling.headers), b"Too many requests")
        return Answer(429, (*_JSON, *about, *ruling.headers), dump(too_many(kind)))

    def _unauthorized(self, fault: Fault, call: Call) -> Answer:
        self._shop.oauth.expire(call.headers.get("authorization", "").partition(" ")[2])
        if fault.code == "old":
            return Answer(401, (*_JSON, ("WWW-Authenticate", 'Basic realm="MerchantOS API"')), dump(_OLD_401.body()))
        denied = OAuthError(401, "access_denied", _DENIED, "Access token could not be verified")
        return Answer(401, _JSON, dump(denied.body()))


def too_many(kind: str) -> Json:
    """Return the body of a 429; its shape is not published, this is the API's usual one."""
    message = "burst rate limit exceeded" if kind == BURST else "Rate limit exceeded"
    return ApiError(429, message, "RateLimitError").body()


def _refused(status: int, message: str) -> Answer:
    return Answer(status, _HTML, dump(ApiError(status, message).body()))


def _changed(answer: Answer, change: Callable[[Json], Json]) -> Answer:
    body = json.loads(answer.body)
    return replace(answer, body=dump(change(body)))


def _short(body: Json) -> Json:
    """Lose the last rows of a page; the cursors stay as they were."""
    for name, rows in body.items():
        if isinstance(rows, list):
            kept = rows[: len(rows) // 2]
            return {**body, name: kept[0] if len(kept) == 1 else kept}
    return body


def _foreign(body: Json) -> Json:
    attributes = body.get("@attributes", {})
    following = attributes.get("next") or "https://api.lightspeedapp.com/API/V3/Account.json"
    link = urlunsplit(urlsplit(following)._replace(scheme="https", netloc=FOREIGN_HOST))
    return {**body, "@attributes": {**attributes, "next": link}}


def _without_relations(body: Json) -> Json:
    shown = dict(body)
    for name in RESOURCES.keys() & body.keys():
        rows = body[name] if isinstance(body[name], list) else [body[name]]
        relations = RESOURCES[name].relations
        kept = [{field: value for field, value in row.items() if field not in relations} for row in rows]
        shown[name] = kept if isinstance(body[name], list) else kept[0]
    return shown
