"""What the public listener answers with: bytes made beforehand where the words are fixed, which all refusals are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec

Header = tuple[bytes, bytes]

WORDS = {
    HTTPStatus.BAD_REQUEST: ("bad_request", "The request cannot be understood."),
    HTTPStatus.UNAUTHORIZED: ("unauthorized", "The request is not signed as it must be."),
    HTTPStatus.NOT_FOUND: ("not_found", "There is nothing here."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method_not_allowed", "This address takes another method."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too_large", "The request is too large."),
    HTTPStatus.TOO_MANY_REQUESTS: ("too_many_requests", "Too many requests. Try again a little later."),
    HTTPStatus.SERVICE_UNAVAILABLE: ("unavailable", "Try again later."),
}
"""Error and message of every refusal that does not depend on what was asked."""

WRONG_HOST_WORDS = ("wrong_host", "Nothing is answered under this host name.")
"""Those of status 400 for a request under another name than ours: who sets things up must tell it from a bad body."""

FIXED_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_ALWAYS: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    *((name.lower().encode(), value.encode()) for name, value in FIXED_HEADERS.items()),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, its headers and its body, ready to be sent."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


def answer(body: bytes, status: int = HTTPStatus.OK, *more: Header) -> Answer:
    """Return an answer of these bytes, which are JSON."""
    return Answer(status, (*_ALWAYS, (b"content-length", b"%d" % len(body)), *more), body)


def told(value: Mapping[str, Any] | msgspec.Struct, status: int = HTTPStatus.OK) -> Answer:
    """Return an answer that tells a value."""
    return answer(msgspec.json.encode(value), status)


def unchanged(etag: bytes) -> Answer:
    """Return the answer to somebody who has the page already."""
    return Answer(HTTPStatus.NOT_MODIFIED, (*_ALWAYS, (b"etag", etag)), b"")


def refusal(status: HTTPStatus, *more: Header) -> Answer:
    """Return a refusal in its fixed words."""
    return _worded(status, WORDS[status], *more)


def _worded(status: HTTPStatus, words: tuple[str, str], *more: Header) -> Answer:
    error, message = words
    return answer(msgspec.json.encode({"error": error, "message": message}), status, *more)


BAD_REQUEST = refusal(HTTPStatus.BAD_REQUEST)
WRONG_HOST = _worded(HTTPStatus.BAD_REQUEST, WRONG_HOST_WORDS)
UNAUTHORIZED = refusal(HTTPStatus.UNAUTHORIZED)
NOT_FOUND = refusal(HTTPStatus.NOT_FOUND)
TOO_LARGE = refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
UNAVAILABLE = refusal(HTTPStatus.SERVICE_UNAVAILABLE, (b"retry-after", b"5"))


def throttled(wait: float) -> Answer:
    """Return the refusal of a request that comes too early by `wait` seconds."""
    return refusal(HTTPStatus.TOO_MANY_REQUESTS, (b"retry-after", b"%d" % ceil(wait)))
