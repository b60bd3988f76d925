"""What an answer of Shopify's means: its data, or an error of our own tree. Pure.

A status of 200 proves nothing here: an answer is a success only if it is whole JSON from the version we are pinned
to, without `errors`, without search warnings, and with data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, NoReturn

from sync.errors import Code, Permanent, Transient
from sync.http import Answer, Failure, Outcome, Trouble
from sync.http_values import NotJson, parse_json, retry_after_of
from sync.pacing import Reading, shopify_reading

VERSION_HEADER = "x-shopify-api-version"
_SHORTEST_THROTTLE = 1.0  # Shopify's own advice
_SECURITY_PAUSE = 300.0  # status 430 rejects odd traffic: stop for a while instead of knocking on
_LONGEST_TEXT = 200
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_TROUBLES = {
    Trouble.UNREACHABLE: Code.SH004,
    Trouble.TIMEOUT: Code.SH004,
    Trouble.CUT: Code.SH004,
    Trouble.TOO_LARGE: Code.SH007,
    Trouble.NOT_WHOLE: Code.SH007,
}
_REFUSING_STATUS = {
    HTTPStatus.PAYMENT_REQUIRED: (Code.SH016, "the shop is frozen (402)"),
    HTTPStatus.FORBIDDEN: (Code.SH014, "access is forbidden (403)"),
    HTTPStatus.NOT_FOUND: (Code.SH008, "nothing is there (404): check SHOPIFY_STORE_DOMAIN"),
    HTTPStatus.LOCKED: (Code.SH016, "the shop is locked (423)"),
}
_SECURITY_REJECTION = 430  # Shopify's own


class Unproven(Transient):
    """The answer does not tell whether a write happened; a read may simply be repeated."""


class Misshapen(Unproven):
    """A whole answer of which `field`, a path of names, is not what it should be; asking again will not help much."""

    def __init__(self, code: Code, detail: str, *, field: str) -> None:
        super().__init__(code, detail)
        self.field = field


class Spoilt(Unproven):
    """Shopify failed at something within what was asked; less of it may be told."""


class TokenRejected(Permanent):
    """The access token is not accepted; another one may be."""


class TooDear(Permanent):
    """The query asks for more than 1,000 points; a smaller page may pass."""


class DoneAnyway(Permanent):
    """The answer is useless for good, but what was asked may have been done."""


class OtherVersion(DoneAnyway):
    """Another API version answered than the one we are pinned to."""


def printable(text: object, longest: int = _LONGEST_TEXT) -> str:
    """Return foreign text fit for a message: one line, no control or direction characters, cut."""
    line = _UNPRINTABLE.sub(" ", str(text)).strip()
    return line if len(line) <= longest else line[: longest - 1] + "…"


def reading_of(outcome: Outcome) -> Reading | None:
    """Return what an answer says about the quota; None where it says nothing."""
    if isinstance(outcome, Failure) or outcome.status != HTTPStatus.OK:
        return None
    try:
        answer = parse_json(outcome.body)
    except NotJson:
        return None
    return shopify_reading(answer.get("extensions")) if isinstance(answer, Mapping) else None


def data_of(outcome: Outcome, version: str, now: datetime) -> Mapping[str, Any]:
    """Return the data of a GraphQL answer.

    Raises `TokenRejected`, `TooDear`, `OtherVersion` or another Permanent; `Transient` for what was surely not
    executed; `Unproven` for what may have been.
    """
    answer = whole(outcome, now)
    served = answer.headers.get(VERSION_HEADER)
    if served is not None and served != version:
        raise OtherVersion(Code.SH010, f"Asked for {version}, answered by {printable(served, 20)}.")
    envelope = _envelope(answer)
    data, extensions = envelope.get("data"), envelope.get("extensions")
    if envelope.get("errors"):
        _raise_for_errors(envelope["errors"], extensions, executed=_has_value(data))
    _check_search(extensions)
    if not isinstance(data, Mapping):
        raise Unproven(Code.SH007, "The answer has no data.")
    if served is None:  # asked last: what no version is said of may be no answer of Shopify's at all
        raise OtherVersion(Code.SH010, f"Asked for {version}, the answer names none.")
    return data


def whole(outcome: Outcome, now: datetime) -> Answer:
    """Return the answer if its status is 200; raises what any other status, or no answer, means."""
    if isinstance(outcome, Failure):
        error = Unproven if outcome.sent else Transient
        raise error(_TROUBLES[outcome.trouble], f"({outcome.trouble.value})")
    status = outcome.status
    if status == HTTPStatus.OK:
        return outcome
    if status == HTTPStatus.UNAUTHORIZED:
        raise TokenRejected(Code.SH005, "The access token was rejected (401).")
    if status in _REFUSING_STATUS:
        code, text = _REFUSING_STATUS[HTTPStatus(status)]
        raise Permanent(code, f"Shopify says: {text}.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = retry_after_of(outcome.headers, now)
        raise Transient(Code.SH001, "(429)", retry_after=wait or _SHORTEST_THROTTLE)
    if status == _SECURITY_REJECTION:
        raise Transient(Code.SH001, "Shopify's security rejected our traffic (430).", retry_after=_SECURITY_PAUSE)
    if status == HTTPStatus.REQUEST_TIMEOUT:
        raise Unproven(Code.SH004, "(408)")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        code = Code.SH004 if status == HTTPStatus.GATEWAY_TIMEOUT else Code.SH006
        raise Unproven(code, f"({status})", retry_after=retry_after_of(outcome.headers, now))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise Permanent(Code.SH008, f"Shopify redirects ({status}), which is not followed: check SHOPIFY_STORE_DOMAIN.")
    raise Permanent(Code.SH008, f"(status {status})")


def _envelope(answer: Answer) -> Mapping[str, Any]:
    try:
        envelope = parse_json(answer.body)
    except NotJson:
        raise Unproven(Code.SH007, "The answer is not JSON.") from None
    if not isinstance(envelope, Mapping):
        raise Unproven(Code.SH007, "The answer is not a JSON object.")
    return envelope


def _has_value(data: object) -> bool:
    return isinstance(data, Mapping) and any(value is not None for value in data.values())


def _raise_for_errors(errors: object, extensions: object, *, executed: bool) -> NoReturn:
    """Raise what the first of the errors means; `executed`: there is data beside them."""
    if not isinstance(errors, Sequence) or isinstance(errors, str):
        raise Permanent(Code.SH008, printable(errors))
    first = errors[0] if isinstance(errors[0], Mapping) else {"message": errors[0]}
    details = first.get("extensions")
    details = details if isinstance(details, Mapping) else {}
    message = printable(first.get("message", ""))
    match details.get("code"):
        case "THROTTLED":
            raise Transient(Code.SH001, retry_after=_throttled_for(extensions))
        case "MAX_COST_EXCEEDED":
            raise TooDear(Code.SH008, message)
        case "INTERNAL_SERVER_ERROR":
            raise Spoilt(Code.SH006, message)
        case "TIMEOUT":
            raise Unproven(Code.SH004, message)
        case "ACCESS_DENIED":
            needed = printable(details.get("requiredAccess") or message)
            raise (DoneAnyway if executed else Permanent)(Code.SH014, needed)
        case "SHOP_INACTIVE":
            raise Permanent(Code.SH016, message)
        case code if executed:
            raise Spoilt(Code.SH007, printable(f"The answer is only a part: {code or 'no code'}: {message}"))
        case code:
            raise Permanent(Code.SH008, printable(f"{code}: {message}" if code else message))


def _throttled_for(extensions: object) -> float:
    """Return the seconds until the bucket holds what the refused query asked for, at least 1."""
    reading = shopify_reading(extensions)
    if reading is None or reading.cost is None or reading.drip is None:
        return _SHORTEST_THROTTLE
    available = reading.size - reading.level
    return max(_SHORTEST_THROTTLE, (reading.cost - available) / reading.drip)


def _check_search(extensions: object) -> None:
    """Refuse an answer to a question that Shopify did not understand: it would be an answer to another one."""
    searches = extensions.get("search") if isinstance(extensions, Mapping) else None
    for search in searches if isinstance(searches, Sequence) else ():
        warnings = search.get("warnings") if isinstance(search, Mapping) else None
        if warnings:
            first = warnings[0] if isinstance(warnings, Sequence) and isinstance(warnings[0], Mapping) else {}
            raise Permanent(Code.SH009, printable(f"{first.get('field', '')}: {first.get('message', '')}"))
