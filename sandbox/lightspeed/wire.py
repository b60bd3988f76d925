"""What Lightspeed's answers look like: every value a string, one element an object, several an array."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

Value = str | int | bool | Decimal | datetime | None
Json = dict[str, Any]

_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class ApiError(Exception):
    """A refusal in the API's own shape: status, message, errorClass and what else the body carries."""

    def __init__(self, status: int, message: str, error_class: str = "Exception", **extra: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.error_class = error_class
        self.extra = extra

    def body(self) -> Json:
        """Return the error body as recorded from the live API."""
        return {
            "httpCode": str(self.status),
            "httpMessage": _REASONS.get(self.status, "Error"),
            "message": self.message,
            "errorClass": self.error_class,
            **self.extra,
        }


def not_found(kind: str, key: object) -> ApiError:
    """Return the refusal of an id that does not exist."""
    return ApiError(404, f"Object of type '{kind}' not found with primary ID '{key}'.")


def no_endpoint() -> ApiError:
    """Return the refusal of a path that does not exist."""
    return ApiError(404, "The requested endpoint does not exist.")


def text(value: Value) -> str:
    """Return a value as the API spells it: `true`, `20`, `0.0825`, `2016-02-13T00:49:37+00:00`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else str(value)


def number(value: Decimal) -> str:
    """Return a decimal without padding: 20.00 is `20`, 11.4860025 stays."""
    return format(value.normalize(), "f")


def collapse(rows: Sequence[Json]) -> Json | Sequence[Json]:
    """Return the only row as an object, several as they are."""
    return rows[0] if len(rows) == 1 else rows


def collection(name: str, rows: Sequence[Json]) -> Json | str:
    """Return a nested collection: `""` when empty."""
    return {name: collapse(rows)} if rows else ""


def single(name: str, row: Json) -> Json:
    """Return the envelope of one object."""
    return {"@attributes": {"count": "1"}, name: row}


def page(name: str, rows: Sequence[Json], following: str, previous: str) -> Json:
    """Return the envelope of a list; the key is missing when the list is empty."""
    envelope: Json = {"@attributes": {"next": following, "previous": previous}}
    if rows:
        envelope[name] = collapse(rows)
    return envelope


def dump(body: Json) -> bytes:
    """Return a body as bytes, as PHP's json_encode would write it: no spaces, ASCII only."""
    return json.dumps(body, separators=(",", ":")).encode()


def listed(value: object, name: str) -> list[Json]:
    """Return the rows of a nested collection in a request, in any of the forms the API takes.

    `{"SaleLine": {...}}`, `{"SaleLine": [...]}`, `[{"SaleLine": {...}}]` and `[{...}]`; raises ApiError.
    """
    if value in (None, "", [], {}):
        return []
    if isinstance(value, Mapping):
        inner = value.get(name)
        rows = inner if isinstance(inner, list) else [inner]
    elif isinstance(value, list):
        rows = [row[name] if isinstance(row, Mapping) and name in row else row for row in value]
    else:
        rows = [value]
    if not all(isinstance(row, dict) for row in rows):
        raise ApiError(400, f"{name} is malformed.")
    return [row for row in rows if isinstance(row, dict)]
