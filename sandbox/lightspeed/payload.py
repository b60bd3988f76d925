"""Reading the fields of a request's body: the API takes numbers and booleans as such or as strings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sandbox.lightspeed.query import read_time
from sandbox.lightspeed.wire import ApiError

Body = Mapping[str, object]


def get_int(body: Body, name: str, default: int = 0) -> int:
    """Return a whole number; empty, null and missing give the default. Raises ApiError (400)."""
    value = get_decimal(body, name, Decimal(default))
    if value != value.to_integral_value():
        raise ApiError(400, f"Invalid value '{value}' for field '{name}'.")
    return int(value)


def get_decimal(body: Body, name: str, default: Decimal = Decimal(0)) -> Decimal:
    """Return a number; empty, null and missing give the default. Raises ApiError (400)."""
    value = body.get(name)
    if value in (None, ""):
        return default
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ApiError(400, f"Invalid value for field '{name}'.")
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ApiError(400, f"Invalid value '{value}' for field '{name}'.") from error
    if not number.is_finite():
        raise ApiError(400, f"Invalid value '{value}' for field '{name}'.")
    return number


def get_bool(body: Body, name: str, *, default: bool = False) -> bool:
    """Return a truth value; empty, null and missing give the default. Raises ApiError (400)."""
    value = body.get(name)
    if value in (None, ""):
        return default
    spelled = str(value).lower()
    if spelled not in ("true", "false", "1", "0"):
        raise ApiError(400, f"Invalid value '{value}' for field '{name}'.")
    return spelled in ("true", "1")


def get_text(body: Body, name: str, default: str = "") -> str:
    """Return a text; null clears, missing gives the default."""
    value = body.get(name, default)
    return "" if value is None else str(value)


def get_time(body: Body, name: str) -> datetime | None:
    """Return a time in UTC, None where missing. Raises ApiError (400)."""
    value = body.get(name)
    if value in (None, ""):
        return None
    try:
        return read_time(str(value))
    except ValueError as error:
        raise ApiError(400, f"Invalid value '{value}' for field '{name}'.") from error
