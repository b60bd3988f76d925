"""How Shopify writes things down: moments, pages, refusals; and parsing that says what does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from sync.errors import Code
from sync.shopify.answers import Misshapen, Unproven

M = TypeVar("M", bound="Wire")
N = TypeVar("N", bound="Wire")

_CUT_OFF = "cut_off"
_MOST_UNITS = 1_000_000  # of one line; whatever says more is no order of goods
_AMOUNT = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,10})?")  # at most 20 digits: Decimal is exact up to 28
_PAGING = frozenset({"edges", "node"})


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("not a moment")  # noqa: TRY004 - pydantic turns ValueError into its own
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment.astimezone(UTC)


def _cents(value: object) -> int:
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise ValueError("not an amount")
    cents = Decimal(value) * 100
    if cents != int(cents):
        raise ValueError("no whole cent")
    return int(cents)


def price_of(value: object) -> int | None:
    """Return a price in hundredths of its currency, rounded; None where it is none: stock is read all the same."""
    return round(Decimal(value) * 100) if isinstance(value, str) and _AMOUNT.fullmatch(value) else None


Moment = Annotated[datetime, BeforeValidator(_moment)]
Units = Annotated[int, Field(ge=0, le=_MOST_UNITS)]
Cents = Annotated[int, BeforeValidator(_cents)]
"""A decimal text in hundredths of the currency's unit, whatever its own smallest coin; never rounded."""
Price = Annotated[int | None, BeforeValidator(price_of)]


class Wire(BaseModel):
    """Base of all shapes: strict types, camelCase names, and no input in error texts."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )


class PageInfo(Wire):
    """Whether a connection goes on, and where."""

    has_next_page: bool
    end_cursor: str | None


class Edge(Wire, Generic[N]):
    """One row and the cursor behind it."""

    cursor: str
    node: N


class Connection(Wire, Generic[N]):
    """One page of a connection. `end_cursor` is its last row's cursor: a page that lost its last rows shows it."""

    edges: list[Edge[N]]
    page_info: PageInfo

    @property
    def nodes(self) -> list[N]:
        """The rows."""
        return [edge.node for edge in self.edges]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        last = self.edges[-1].cursor if self.edges else None
        if last != self.page_info.end_cursor:
            raise PydanticCustomError(_CUT_OFF, "the page does not end with its last row")
        return self


class Ref(Wire):
    """Something of which only the id was asked for."""

    id: str


class UserError(Wire):
    """A refusal inside a payload; not every mutation's has a code."""

    message: str
    field: list[str] | None = None
    code: str | None = None


def parse(shape: type[M], data: Any) -> M:
    """Return `data` as `shape`; raises `Unproven` naming the place that does not fit, never what stood there.

    A page without its last rows is an incomplete read; anything else that does not fit is unreadable.
    """
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        told = f"Unexpected shape at {place}: {first['type']}."
        if first["type"] == _CUT_OFF:
            raise Unproven(Code.SH013, told) from None
        raise Misshapen(Code.SH007, told, field=field_of(error)) from None


def is_cut_off(error: ValidationError) -> bool:
    """Tell whether a page lacked its last rows: another answer may have them."""
    return any(one["type"] == _CUT_OFF for one in error.errors(include_input=False, include_url=False))


def field_of(error: ValidationError) -> str:
    """Return the first field that does not fit, as a path of names: "lineItems.quantity"."""
    place = error.errors(include_input=False, include_url=False)[0]["loc"]
    return ".".join(part for part in place if isinstance(part, str) and part not in _PAGING)


def shaped(shape: type[M]) -> Callable[[Mapping[str, Any]], M]:
    """Return what parses an answer's data as `shape`."""
    return partial(parse, shape)
