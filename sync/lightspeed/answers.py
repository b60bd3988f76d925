"""Lightspeed's answers turned into JSON or into our errors, by status and headers first, by the body last."""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus
from typing import Any

from sync.errors import Code, Permanent, SyncError, Transient
from sync.http import Answer, Failure, Outcome, Trouble
from sync.http_values import NotJson, parse_json, retry_after_of

_BURST_WAIT = 1.0  # the burst limiter counts per second
_LONGEST_MESSAGE = 200
_LIKE_A_SECRET = re.compile(r"[A-Za-z0-9_.+/=-]{24,}")  # an echoed token must not reach a log
_TROUBLES = {
    Trouble.UNREACHABLE: Code.LS001,
    Trouble.TIMEOUT: Code.LS001,
    Trouble.CUT: Code.LS007,
    Trouble.TOO_LARGE: Code.LS007,
    Trouble.NOT_WHOLE: Code.LS007,
}


class AccessDenied(Permanent):
    """Status 401: the access token was not accepted; a fresh one may be."""


def json_of(outcome: Outcome, now: datetime) -> Any:
    """Return the JSON of a successful answer; raises AccessDenied, Transient or Permanent for all else."""
    if isinstance(outcome, Failure):
        raise Transient(_TROUBLES[outcome.trouble], outcome.trouble.value)
    if outcome.status != HTTPStatus.OK:
        raise refusal(outcome, now)
    try:
        return parse_json(outcome.body)
    except NotJson as error:
        raise Transient(Code.LS007, str(error)) from None


def refusal(answer: Answer, now: datetime) -> SyncError:
    """Return what an answer with another status than 200 means."""
    status, said = answer.status, said_by(answer.body)
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return AccessDenied(Code.LS005, said)
        case HTTPStatus.FORBIDDEN:
            return Permanent(Code.LS010, said)
        case HTTPStatus.CONFLICT:
            return Transient(Code.LS003, said, retry_after=retry_after_of(answer.headers, now))
        case HTTPStatus.REQUEST_TIMEOUT:
            return Transient(Code.LS001, said)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return _too_many(answer, now)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Transient(Code.LS006, f"(status {status})", retry_after=retry_after_of(answer.headers, now))
    if status >= HTTPStatus.BAD_REQUEST:
        if "try again later" in said.lower():  # seen as a 400 of the live API
            return Transient(Code.LS006, said)
        return Permanent(Code.LS009, f"(status {status}) {said}".strip())
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return Permanent(Code.LS008, f"(redirect, status {status}, not followed)")
    return Transient(Code.LS007, f"(status {status})")


def _too_many(answer: Answer, now: datetime) -> Transient:
    """Trust status and headers: the body of a 429 is not documented."""
    kind = answer.headers.get("x-ls-api-ratelimit-type", "").strip().lower()
    wait = retry_after_of(answer.headers, now)
    burst = kind == "api-burst-limiter"
    return Transient(
        Code.LS004, "(burst limit)" if burst else "", retry_after=_BURST_WAIT if burst and wait is None else wait
    )


def said_by(body: bytes) -> str:
    """Return the sentence of an error body in either of its shapes, printable and short; "" where there is none."""
    try:
        value = parse_json(body)
    except NotJson:
        return ""
    if not isinstance(value, dict):
        return ""
    texts = [value.get("message"), value.get("hint")]
    sentence = next((text for text in texts if isinstance(text, str) and text), "")
    printable = "".join(sign if sign.isprintable() else " " for sign in sentence)
    return _LIKE_A_SECRET.sub("…", printable)[:_LONGEST_MESSAGE].strip()
