"""What visitors may send: existing theme scripts write ids as numbers or texts, and fields that nobody here reads."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.json_schema import WithJsonSchema

MOST_UNITS = 100_000
MOST_ENTRIES = 1000  # of a list; 64 KiB hold fewer

_ID = re.compile(r"(?:gid://shopify/[A-Za-z]{1,40}/)?0*([1-9][0-9]{0,19})").fullmatch
_WHOLE = re.compile(r"[0-9]{1,6}").fullmatch


def decimal_id(value: Any) -> str | None:
    """Return a vendor's id in digits, from a number, a text or Shopify's gid; None where there is none.

    Raises ValueError for anything else.
    """
    if value is None or value == "":
        return None
    found = _ID(str(value)) if type(value) in (str, int) else None
    if found is None:
        raise ValueError("no id")
    return found[1]


def moment(value: Any) -> datetime | None:
    """Return a moment from ISO 8601, in UTC where it names no offset; raises ValueError for anything else."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.isascii():
        raise ValueError("no moment")
    found = datetime.fromisoformat(value)
    try:
        return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("no moment") from error


def _units(value: Any) -> int:
    """Return a number of units from a number or its digits."""
    if type(value) is int:
        return value
    if type(value) is str and _WHOLE(value):
        return int(value)
    raise ValueError("no number of units")


Id = Annotated[
    str | None,
    BeforeValidator(decimal_id),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 10**20 - 1},
                {"type": "string", "pattern": "^((gid://shopify/[A-Za-z]{1,40}/)?0*[1-9][0-9]{0,19})?$"},
                {"type": "null"},
            ]
        }
    ),
]
Units = Annotated[
    int,
    BeforeValidator(_units),
    Field(ge=1, le=MOST_UNITS),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MOST_UNITS},
                {"type": "string", "pattern": "^[1-9][0-9]{0,4}$"},
            ]
        }
    ),
]
Token = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")]
Blank = BeforeValidator(lambda value: None if value == "" else value)
HoldId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
OrderNumber = Annotated[
    Annotated[str, StringConstraints(pattern=r"^#?[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")] | None,
    BeforeValidator(lambda value: str(value) if type(value) is int else None if value == "" else value),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 10**20},
                {"type": "string", "pattern": "^(#?[A-Za-z0-9][A-Za-z0-9._-]{0,31})?$"},
                {"type": "null"},
            ]
        }
    ),
]
Moment = Annotated[
    AwareDatetime | None,
    BeforeValidator(moment),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
]


class Body(BaseModel):
    """An object of which only the fields below are read."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Named(Body):
    """Names one item: by its Lightspeed id, its variant id, or both."""

    lightspeed_id: Id = Field(default=None, alias="lightspeedId")
    variant_id: Id = Field(default=None, alias="variantId")


class ReserveBody(Named):
    """Asks to hold units of an item; with `reservationId`, to change what is held."""

    quantity: Units
    reservation_id: Annotated[HoldId | None, Blank] = Field(default=None, alias="reservationId")
    cart_token: Annotated[Token | None, Blank] = Field(default=None, alias="cartToken")
    expires_at: Moment = Field(default=None, alias="expiresAt")


class ChangeBody(Named):
    """Gives a reservation another quantity; an item that is named beside it must be the one that is held."""

    reservation_id: HoldId = Field(alias="reservationId")
    quantity: Units


class ReleaseBody(Body):
    """Gives up a reservation."""

    reservation_id: HoldId = Field(alias="reservationId")


class SyncBody(Body):
    """Names items whose stock is worth a look now; the quantities beside them are not read."""

    updates: list[Named] = Field(max_length=MOST_ENTRIES)


class OrdersBody(Body):
    """Says that an order was placed, and of what; none of it is believed."""

    order_number: OrderNumber = Field(default=None, alias="orderNumber")
    cart_token: Annotated[Token | None, Blank] = Field(default=None, alias="cartToken")
    line_items: list[Named] = Field(default=[], max_length=MOST_ENTRIES, alias="lineItems")
