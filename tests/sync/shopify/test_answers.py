"""What each kind of answer means: a table of statuses, bodies and envelopes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sync.errors import Permanent, SyncError, Transient
from sync.http import Answer, Failure, Outcome, Trouble
from sync.shopify.answers import (
    DoneAnyway,
    OtherVersion,
    Spoilt,
    TokenRejected,
    TooDear,
    Unproven,
    data_of,
    printable,
    reading_of,
)
from tests.sync.shopify.support import cost, error

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RIGHT = {"x-shopify-api-version": "2026-10"}


def got(body: bytes | str | dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return Answer(status, httpx.Headers({**RIGHT, **(headers or {})}), raw)


REJECTED = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
WARNED = {"search": [{"path": ["orders"], "warnings": [{"field": "00", "message": "Invalid search field."}]}]}
NO_COST = {"data": None, "errors": error("THROTTLED")}
DENIED = error("ACCESS_DENIED", "No.", requiredAccess="`read_orders` access scope.")

CASES: dict[str, tuple[Outcome, type[SyncError], str, float | None]] = {
    "never sent": (Failure(Trouble.UNREACHABLE, sent=False), Transient, "SH004", None),
    "no answer in time": (Failure(Trouble.TIMEOUT), Unproven, "SH004", None),
    "connection cut": (Failure(Trouble.CUT), Unproven, "SH004", None),
    "too large": (Failure(Trouble.TOO_LARGE), Unproven, "SH007", None),
    "not whole": (Failure(Trouble.NOT_WHOLE), Unproven, "SH007", None),
    "401 with a text for errors": (got(REJECTED, 401), TokenRejected, "SH005", None),
    "402 frozen": (got("", 402), Permanent, "SH016", None),
    "403": (got("", 403), Permanent, "SH014", None),
    "404": (got("", 404), Permanent, "SH008", None),
    "408": (got("", 408), Unproven, "SH004", None),
    "418": (got("", 418), Permanent, "SH008", None),
    "423 locked": (got("", 423), Permanent, "SH016", None),
    "429 with a wait": (got("", 429, {"retry-after": "7"}), Transient, "SH001", 7.0),
    "429 without": (got("", 429), Transient, "SH001", 1.0),
    "430 security": (got("", 430), Transient, "SH001", 300.0),
    "500 with HTML": (got("<html>", 500), Unproven, "SH006", None),
    "503 with a wait": (got("", 503, {"retry-after": "3"}), Unproven, "SH006", 3.0),
    "504": (got("", 504), Unproven, "SH004", None),
    "a redirect": (got("", 301, {"location": "https://evil.example/"}), Permanent, "SH008", None),
    "HTML with 200": (got("<html>hello</html>"), Unproven, "SH007", None),
    "half a body": (got('{"data": {"shop"'), Unproven, "SH007", None),
    "a list": (got("[]"), Unproven, "SH007", None),
    "another version": (got({"data": {}}, 200, {"x-shopify-api-version": "2026-01"}), OtherVersion, "SH010", None),
    "no version": (Answer(200, httpx.Headers(), b'{"data": {}}'), OtherVersion, "SH010", None),
    "HTML without a version": (Answer(200, httpx.Headers(), b"<html>"), Unproven, "SH007", None),
    "another version's errors": (
        got({"errors": error("undefinedField")}, 200, {"x-shopify-api-version": "2026-01"}),
        OtherVersion,
        "SH010",
        None,
    ),
    "no data": (got({"extensions": {}}), Unproven, "SH007", None),
    "null data": (got({"data": None}), Unproven, "SH007", None),
    "errors as a text": (got({"errors": "Unavailable"}), Permanent, "SH008", None),
    "errors as texts": (got({"errors": ["Unavailable"]}), Permanent, "SH008", None),
    "throttled": (
        got({"data": None, "errors": error("THROTTLED"), "extensions": {"cost": cost(100, 700)}}),
        Transient,
        "SH001",
        6.0,
    ),
    "throttled by a hair": (
        got({"data": None, "errors": error("THROTTLED"), "extensions": {"cost": cost(699, 700)}}),
        Transient,
        "SH001",
        1.0,
    ),
    "throttled without figures": (got(NO_COST), Transient, "SH001", 1.0),
    "too dear": (got({"errors": error("MAX_COST_EXCEEDED", cost=1200, maxCost=1000)}), TooDear, "SH008", None),
    "internal error": (got({"errors": error("INTERNAL_SERVER_ERROR")}), Spoilt, "SH006", None),
    "query timeout": (got({"errors": error("TIMEOUT")}), Unproven, "SH004", None),
    "scope missing": (got({"data": {"orders": None}, "errors": DENIED}), Permanent, "SH014", None),
    "scope missing in a part": (got({"data": {"orders": {}}, "errors": DENIED}), DoneAnyway, "SH014", None),
    "shop inactive": (got({"errors": error("SHOP_INACTIVE")}), Permanent, "SH016", None),
    "bad document": (got({"errors": error("undefinedField", "Field 'x' doesn't exist")}), Permanent, "SH008", None),
    "bad variable": (got({"errors": error("INVALID_VARIABLE")}), Permanent, "SH008", None),
    "error without a code": (got({"data": None, "errors": [{"message": "No."}]}), Permanent, "SH008", None),
    "partial data": (got({"data": {"a": 1, "b": None}, "errors": [{"message": "b"}]}), Spoilt, "SH007", None),
    "search warning": (got({"data": {"orders": {}}, "extensions": WARNED}), Permanent, "SH009", None),
}


@pytest.mark.parametrize(("outcome", "kind", "code", "wait"), CASES.values(), ids=CASES.keys())
def test_every_failure_has_its_own_error(
    outcome: Outcome, kind: type[SyncError], code: str, wait: float | None
) -> None:
    with pytest.raises(SyncError) as caught:
        data_of(outcome, "2026-10", NOW)
    assert type(caught.value) is kind
    assert caught.value.code.name == code
    assert getattr(caught.value, "retry_after", None) == wait


def test_an_answer_with_data_and_nothing_else_is_a_success() -> None:
    assert data_of(got({"data": {"shop": None}, "errors": []}), "2026-10", NOW) == {"shop": None}


def test_a_search_without_warnings_is_a_success() -> None:
    search = {"search": [{"path": ["orders"], "query": "a:b", "parsed": {}, "warnings": []}]}
    assert data_of(got({"data": {"orders": 1}, "extensions": search}), "2026-10", NOW) == {"orders": 1}


def test_the_quota_is_read_even_from_a_throttled_answer() -> None:
    reading = reading_of(got({"data": None, "errors": error("THROTTLED"), "extensions": {"cost": cost(100, 700)}}))
    assert reading is not None
    assert (reading.size, reading.level, reading.drip, reading.cost) == (2000.0, 1900.0, 100.0, 700.0)


@pytest.mark.parametrize("outcome", [Failure(Trouble.CUT), got("", 500), got("<html>"), got("[]")])
def test_an_unreadable_answer_says_nothing_of_the_quota(outcome: Outcome) -> None:
    assert reading_of(outcome) is None


def test_foreign_text_becomes_one_short_line() -> None:
    assert printable("a\r\nb\x1b[31m\u202ec\u2028d") == "a b [31m c d"
    assert printable("x" * 300) == "x" * 199 + "…"
