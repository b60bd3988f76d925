"""Lightspeed's answers turned into JSON or into our errors, by status and headers first, by the body last."""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus
from typing import Any

from sync.errors import Code, OutcomeUnknown, Permanent, SyncError, Transient
from sync.http import Answer, Failure, Outcome, Trouble
from sync.http_values import NotJson, parse_json, retry_after_of

_BURST_WAIT = 1.0  # the burst limiter counts per second
_LONGEST_MESSAGE = 200
_LIKE_A_SECRET = re.compile(r"[A-Za-z0-9_.+/=-]{24,}")  # an echoed token must not reach a log
_DONE = (HTTPStatus.OK, HTTPStatus.CREATED)
_UNKNOWN_SETTING = re.compile(
    r"foreign keys for (Employee|Register|PaymentType|Shop|Customer|TaxCategory)\b", re.IGNORECASE
)
_TROUBLES = {
    Trouble.UNREACHABLE: Code.LS001,
    Trouble.TIMEOUT: Code.LS001,
    Trouble.CUT: Code.LS007,
    Trouble.TOO_LARGE: Code.LS007,
    Trouble.NOT_WHOLE: Code.LS007,
}


class AccessDenied(Permanent):
    """Status 401: the access token was not accepted; a fresh one may be."""


class NotFound(Permanent):
    """Status 404 in Lightspeed's own words: there is no such row. A gateway's 404 says nothing of rows."""


def json_of(outcome: Outcome, now: datetime) -> Any:
    """Return the JSON of a successful answer; raises AccessDenied, NotFound, Transient or Permanent for all else."""
    if isinstance(outcome, Failure):
        raise Transient(_TROUBLES[outcome.trouble], outcome.trouble.value)
    if outcome.status not in _DONE:
        raise refusal(outcome, now)
    try:
        return parse_json(outcome.body)
    except NotJson as error:
        raise Transient(Code.LS007, str(error)) from None


def written(outcome: Outcome, now: datetime) -> Any:
    """Return the JSON of a write that was carried out; raises OutcomeUnknown where it may have been.

    Raises as `json_of` where it surely was not: never sent, or refused by a status from 400 to 499.
    """
    try:
        return json_of(outcome, now)
    except Transient as error:
        if _surely_not_done(outcome):
            raise
        raise unconfirmed(error) from error


def unconfirmed(error: Transient | Permanent) -> OutcomeUnknown:
    """Return what a failure to learn a write's outcome means: nobody knows."""
    about = " ".join(f"({error.code.name} {error.detail.strip('()')}".split()) + ")"
    return OutcomeUnknown(Code.LS012, about, retry_after=error.retry_after if isinstance(error, Transient) else None)


def _surely_not_done(outcome: Outcome) -> bool:
    if isinstance(outcome, Failure):
        return not outcome.sent
    refused = HTTPStatus.BAD_REQUEST <= outcome.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return refused and outcome.status != HTTPStatus.REQUEST_TIMEOUT  # a gateway's: the server may be at work still


def refusal(answer: Answer, now: datetime) -> SyncError:
    """Return what an answer with another status than success means."""
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
        return _refused(status, said)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return Permanent(Code.LS008, f"(redirect, status {status}, not followed)")
    return Transient(Code.LS007, f"(status {status})")


def _refused(status: int, said: str) -> SyncError:
    if "try again later" in said.lower():  # seen as a 400 of the live API
        return Transient(Code.LS006, said)
    if _UNKNOWN_SETTING.search(said):
        return Permanent(Code.LS013, said)
    kind = NotFound if status == HTTPStatus.NOT_FOUND and said else Permanent
    return kind(Code.LS009, f"(status {status}) {said}".strip())


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
