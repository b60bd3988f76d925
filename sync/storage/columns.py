"""The kinds of columns, tables and indexes that `tables.py` is made of."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Index, Text
from sqlalchemy.schema import SchemaItem

from sync.storage.types import Whole

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

JSON = sa.JSON(none_as_null=True)


def text(name: str, default: str | None = None) -> Column[str]:
    """Return a text that is always there."""
    return Column(name, Text, nullable=False, server_default=default)


def whole(name: str, default: str | None = None) -> Column[int]:
    """Return a whole number that is always there."""
    return Column(name, Whole, nullable=False, server_default=default)


def maybe(name: str) -> Column[int]:
    """Return a whole number that may be unknown."""
    return Column(name, Whole)


def flag(name: str, *, default: bool = False) -> Column[bool]:
    """Return a truth value, by default false."""
    return Column(name, Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def table(name: str, *parts: SchemaItem) -> sa.Table:
    """Return a table; where it counts rows itself, an id that was used once is never used again."""
    return sa.Table(name, metadata, *parts, sqlite_autoincrement=any(_numbered(part) for part in parts))


def _numbered(part: SchemaItem) -> bool:
    return isinstance(part, Column) and part.primary_key and part.autoincrement is True


def number(name: str) -> Column[int]:
    """Return a primary key that the database counts up."""
    return Column(name, Whole, primary_key=True, autoincrement=True)


def partial_index(name: str, *columns: Column[int] | Column[str], where: sa.ColumnElement[bool], unique: bool) -> None:
    """Add an index over the rows where a condition holds."""
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)
