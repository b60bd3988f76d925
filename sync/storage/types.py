"""Column types that mean the same on every engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_WIDTH = 27  # 2026-11-22T10:00:00.000000Z: of one width, so that text order is time order

Whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A whole number of up to 64 bits, on every engine; SQLite counts up only what it knows as INTEGER."""


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime to the microsecond: PostgreSQL's own type there, ISO 8601 text elsewhere.

    Text rather than a number, because people read these columns (`lightspeed-sync sql`).
    """

    impl = sa.String(_WIDTH)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the engine's own type for a moment."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.String(_WIDTH))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return what is stored; a naive datetime is a mistake of the caller's."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment needs a time zone: {value!r}")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else to_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the aware UTC datetime."""
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else datetime.fromisoformat(value)


def to_text(moment: datetime) -> str:
    """Return an aware datetime as the text that SQLite keeps for it."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
