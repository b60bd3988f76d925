"""Lightspeed's JSON as models: everything is a string, one element is an object, empty is "" or missing.

Field names are the API's own. Unknown fields are ignored; what we need must be there and make sense, or NotWire is
raised, which names fields but never values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sync.cards import ItemCard
from sync.model import ItemRow, StockRow

_LARGEST = Decimal(10**12)  # no shop holds so many; beyond it a number is damage
_SURELY_SMALL = 12  # digits that stay below it
_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,30})?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)
_WORST_NAMED = 5


class NotWire(ValueError):
    """The body is JSON, but not what this resource looks like."""


def many(value: object) -> list[Any]:
    """Return a collection's elements: missing, null and "" are none, a single object is one."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _text(value: object) -> object:
    if value is None:
        return ""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _id(value: object) -> str:
    text = _text(value)
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise ValueError("not an id")
    return text


def _decimal(value: object) -> Decimal:
    text = _text(value)
    if not isinstance(text, str) or not _NUMBER.fullmatch(text.strip()):
        raise ValueError("not a number")
    number = Decimal(text.strip())
    if abs(number) > _LARGEST:
        raise ValueError("number out of range")
    return number


def _cents(value: object) -> int:
    """Return money in cents; what is no whole number of them is refused: no sale is worth such a sum."""
    cents = _decimal(value) * 100
    if cents != cents.to_integral_value():
        raise ValueError("a fraction of a cent")
    return int(cents)


def _units(value: object) -> int:
    """Return whole units: of a fraction only the whole part can be sold, so it is rounded down."""
    if isinstance(value, str) and len(value) <= _SURELY_SMALL and value.isascii() and value.isdecimal():
        return int(value)  # as almost all are
    return int(_decimal(value).to_integral_value(ROUND_FLOOR))


def _decimal_or_none(value: object) -> Decimal | None:
    return None if value is None or value == "" else _decimal(value)


def _flag(value: object) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False, "": False}
    text = str(_text(value)).strip().lower()
    if text not in known:
        raise ValueError("not a boolean")
    return known[text]


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value.strip()):
        raise ValueError("not a time with an offset")
    return datetime.fromisoformat(value.strip()).astimezone(UTC)


def _moment_or_none(value: object) -> datetime | None:
    return None if value is None or value == "" else _moment(value)


Text = Annotated[str, BeforeValidator(_text)]
Id = Annotated[str, BeforeValidator(_id)]
Cents = Annotated[int, BeforeValidator(_cents)]
MaybeNumber = Annotated[Decimal | None, BeforeValidator(_decimal_or_none)]
Units = Annotated[int, BeforeValidator(_units)]
MaybeUnits = Annotated[int | None, BeforeValidator(lambda value: None if value in (None, "") else _units(value))]
Flag = Annotated[bool, BeforeValidator(_flag)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
MaybeMoment = Annotated[datetime | None, BeforeValidator(_moment_or_none)]


class Wire(BaseModel):
    """One row of a resource."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    other_spellings: ClassVar[Mapping[str, str]] = {}  # as the docs print a name -> as the live server does

    @model_validator(mode="before")
    @classmethod
    def _respell(cls, raw: object) -> object:
        if not cls.other_spellings or not isinstance(raw, Mapping):
            return raw
        return {cls.other_spellings.get(name, name): value for name, value in raw.items()}


class Account(Wire):
    """`Account`; a single one is not wrapped and carries no id."""

    account_id: Text = Field("", validation_alias="accountID")
    name: Text = ""


class Shop(Wire):
    """`Shop`."""

    shop_id: Id = Field(validation_alias="shopID")
    name: Text = ""
    archived: Flag = False
    time_zone: Text = Field("", validation_alias="timeZone")


class Register(Wire):
    """`Register`."""

    register_id: Id = Field(validation_alias="registerID")
    name: Text = ""
    archived: Flag = False
    shop_id: Id = Field(validation_alias="shopID")


class Employee(Wire):
    """`Employee`; one who is locked out may do nothing."""

    first_name: Text = Field("", validation_alias="firstName")
    last_name: Text = Field("", validation_alias="lastName")
    locked: Flag = Field(default=False, validation_alias="lockOut")
    archived: Flag = False


class PaymentType(Wire):
    """`PaymentType`; `kind` is that of a reserved one: cash, credit card, gift card, credit account, ecom."""

    name: Text = ""
    kind: Text = Field("", validation_alias="type")
    archived: Flag = False
    needs_customer: Flag = Field(default=False, validation_alias="requireCustomer")


class Customer(Wire):
    """`Customer`."""

    first_name: Text = Field("", validation_alias="firstName")
    last_name: Text = Field("", validation_alias="lastName")
    company: Text = ""
    archived: Flag = False


class Session(Wire):
    """`Session`: who consented, and what that employee may do. Not wrapped."""

    employee_id: Text = Field("", validation_alias="employeeID")
    rights: Annotated[dict[str, Flag], BeforeValidator(lambda value: value or {})] = Field(
        default_factory=dict, validation_alias="Rights"
    )


class ItemShop(Wire):
    """`ItemShop`: stock of one item at one shop; shopID 0 is the sum of all shops."""

    other_spellings = {"onWorkOrder": "onWorkorder"}
    item_shop_id: Id = Field(validation_alias="itemShopID")
    item_id: Id = Field(validation_alias="itemID")
    shop_id: Id = Field(validation_alias="shopID")
    qoh: Units
    on_workorder: Units = Field(0, validation_alias="onWorkorder")
    on_layaway: MaybeUnits = Field(None, validation_alias="onLayaway")
    time_stamp: Moment = Field(validation_alias="timeStamp")

    def as_stock(self, item_id: str) -> StockRow:
        """Return our own view of an item's row."""
        return StockRow(item_id, self.item_shop_id, self.qoh, self.time_stamp, self.on_layaway)


def related(name: str) -> Callable[[object], object]:
    """Return what unwraps a relation of `name` rows; None stays None: it was not sent at all."""

    def unwrap(value: object) -> object:
        if value is None:
            return None
        return many(value.get(name) if isinstance(value, Mapping) else value)

    return unwrap


class Item(Wire):
    """`Item`; `item_shops` is None where the relation was not sent, empty where it was sent without rows."""

    item_id: Id = Field(validation_alias="itemID")
    system_sku: Text = Field("", validation_alias="systemSku")
    custom_sku: Text = Field("", validation_alias="customSku")
    manufacturer_sku: Text = Field("", validation_alias="manufacturerSku")
    upc: Text = ""
    ean: Text = ""
    description: Text = ""
    item_type: Text = Field("default", validation_alias="itemType")
    archived: Flag = False
    time_stamp: MaybeMoment = Field(None, validation_alias="timeStamp")
    item_shops: Annotated[tuple[ItemShop, ...] | None, BeforeValidator(related("ItemShop"))] = Field(
        None, validation_alias="ItemShops"
    )


def item_row(item: Item, *, stock: StockRow | None = None, card: ItemCard | None = None) -> ItemRow:
    """Return our own view of an item; raises NotWire where it does not say when it changed."""
    if item.time_stamp is None:
        raise NotWire("Item: timeStamp")
    return ItemRow(
        item_id=item.item_id,
        custom_sku=item.custom_sku,
        system_sku=item.system_sku,
        upc=item.upc,
        ean=item.ean,
        manufacturer_sku=item.manufacturer_sku,
        description=item.description,
        item_type=item.item_type,
        archived=item.archived,
        time_stamp=item.time_stamp,
        stock=stock,
        card=card,
    )


class SaleLine(Wire):
    """`SaleLine`; itemID 0 is a line that sells no item."""

    sale_line_id: Id = Field(validation_alias="saleLineID")
    item_id: Id = Field("0", validation_alias="itemID")
    units: Units = Field(validation_alias="unitQuantity")


class InventorySale(Wire):
    """`InventorySale`: units of one lot that a sale line takes, or keeps aside."""

    quantity: Units


class Layaway(Wire):
    """`SaleLine` that may be a layaway; `kept` is None where the relation was not sent."""

    line_id: Id = Field(validation_alias="saleLineID")
    sale_id: Id = Field("0", validation_alias="saleID")
    item_id: Id = Field("0", validation_alias="itemID")
    customer_id: Id = Field("0", validation_alias="customerID")
    units: Units = Field(validation_alias="unitQuantity")
    is_layaway: Flag = Field(default=False, validation_alias="isLayaway")
    time_stamp: Moment = Field(validation_alias="timeStamp")
    kept: Annotated[tuple[InventorySale, ...] | None, BeforeValidator(related("InventorySale"))] = Field(
        None, validation_alias="InventorySales"
    )


class Sale(Wire):
    """`Sale`; `lines` is None where the relation was not sent. While it is open there is no `complete_time`."""

    other_spellings = {"updatetime": "updateTime"}
    sale_id: Id = Field(validation_alias="saleID")
    completed: Flag = False
    voided: Flag = False
    archived: Flag = False
    reference_number: Text = Field("", validation_alias="referenceNumber")
    reference_source: Text = Field("", validation_alias="referenceNumberSource")
    subtotal: MaybeNumber = Field(None, validation_alias="calcSubtotal")
    total: Cents = Field(validation_alias="calcTotal")
    paid: Cents = Field(validation_alias="calcPayments")
    time_stamp: MaybeMoment = Field(None, validation_alias="timeStamp")
    update_time: MaybeMoment = Field(None, validation_alias="updateTime")
    complete_time: MaybeMoment = Field(None, validation_alias="completeTime")
    lines: Annotated[tuple[SaleLine, ...] | None, BeforeValidator(related("SaleLine"))] = Field(
        None, validation_alias="SaleLines"
    )


class SaleHead(Wire):
    """`Sale` as far as any sale must make sense to us, other people's too."""

    sale_id: Id = Field(validation_alias="saleID")
    completed: Flag = False
    voided: Flag = False
    archived: Flag = False
    total: MaybeNumber = Field(None, validation_alias="calcTotal")
    time_stamp: Moment = Field(validation_alias="timeStamp")


WireRow = TypeVar("WireRow", bound=Wire)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its raw rows, and the URL of the next one. "": the last; None: it did not say."""

    rows: list[Any]
    following: str | None


def parse_page(body: object, resource: str) -> Page:
    """Return a list answer's page; raises NotWire for anything that is not a list answer of `resource`."""
    attributes = body.get("@attributes") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(attributes, Mapping):
        raise NotWire(f"{resource}: not a list answer")
    if set(body) - {"@attributes", resource}:
        raise NotWire(f"{resource}: an answer of another resource")
    following = attributes.get("next")
    if following is not None and not isinstance(following, str):
        raise NotWire(f"{resource}: next is not text")
    return Page(many(body.get(resource)), following)


def parse_rows(model: type[WireRow], raw: list[Any]) -> list[WireRow]:
    """Return all rows as `model`, or raise NotWire: a page is whole or it is nothing."""
    return [parse_row(model, row) for row in raw]


def parse_row(model: type[WireRow], raw: object) -> WireRow:
    """Return one row as `model`; raises NotWire, naming the fields at fault."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in one["loc"]) or "row" for one in error.errors()})
        raise NotWire(f"{model.__name__}: {', '.join(fields[:_WORST_NAMED])}") from None
