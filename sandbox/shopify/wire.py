"""How values are written in answers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema


def datetime_text(moment: datetime) -> str:
    """Write a moment: whole seconds, UTC, "2026-11-22T06:00:00Z"."""
    return moment.astimezone(UTC).isoformat()[:19] + "Z"


def _read_decimal(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise GraphQLError(f"invalid decimal '{value}'") from None


def teach_scalars(schema: GraphQLSchema) -> None:
    """Let the schema's own scalars write and read values."""
    moment = schema.type_map["DateTime"]
    decimal = schema.type_map["Decimal"]
    money = schema.type_map["Money"]
    assert isinstance(money, GraphQLScalarType)  # noqa: S101 - our own schema says so
    money.coerce_input_value = _read_decimal
    assert isinstance(moment, GraphQLScalarType)  # noqa: S101 - our own schema says so
    assert isinstance(decimal, GraphQLScalarType)  # noqa: S101 - our own schema says so
    moment.coerce_output_value = datetime_text
    decimal.coerce_input_value = _read_decimal
