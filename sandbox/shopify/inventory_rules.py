"""What the store refuses in a stock write, told as userErrors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from sandbox.shopify.model import Item, Location
from sandbox.shopify.state import ShopifyStore

REASONS = frozenset(
    {
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_created",
        "movement_updated",
        "movement_received",
        "movement_canceled",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_deleted",
        "reservation_updated",
        "restock",
        "safety_stock",
        "shrinkage",
    }
)
SET_NAMES = ("available", "on_hand")
ADJUST_NAMES = ("available", "damaged", "incoming", "quality_control", "reserved", "safety_stock")
SET_LIMIT = 1_000_000_000
ADJUST_LIMIT = 2_000_000_000
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//)?[^\s/]\S*")


class UserError(NamedTuple):
    """One refusal; `field` is the path to what is refused, with indexes as text."""

    code: str | None
    field: list[str] | None
    message: str


def is_uri(text: str) -> bool:
    """Tell whether a text has a scheme and something behind it."""
    return _URI.fullmatch(text) is not None


def set_errors(store: ShopifyStore, input_: dict[str, Any]) -> list[UserError]:
    """Return why a set is refused, stale compares aside."""
    errors = list(_head_errors(input_, SET_NAMES, "INVALID_NAME"))
    rows = input_["quantities"]
    pairs = Counter((row["inventoryItemId"], row["locationId"]) for row in rows)
    for place, row in enumerate(rows):
        path = ["input", "quantities", str(place)]
        errors += _row_errors(store, row, path)
        if pairs[row["inventoryItemId"], row["locationId"]] > 1:
            message = "The combination of inventoryItemId and locationId must be unique."
            errors.append(UserError("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", path, message))
        errors += _size_errors(row["quantity"], SET_LIMIT, [*path, "quantity"])
        if input_["name"] == "on_hand" and row["quantity"] < 0:
            message = "The quantity can't be negative."
            errors.append(UserError("INVALID_QUANTITY_NEGATIVE", [*path, "quantity"], message))
    return errors


def adjust_errors(store: ShopifyStore, input_: dict[str, Any]) -> list[UserError]:
    """Return why an adjustment is refused, stale compares aside."""
    errors = list(_head_errors(input_, ADJUST_NAMES, "INVALID_QUANTITY_NAME"))
    for place, row in enumerate(input_["changes"]):
        path = ["input", "changes", str(place)]
        errors += _row_errors(store, row, path)
        errors += _size_errors(row["delta"], ADJUST_LIMIT, [*path, "delta"])
        errors += _ledger_errors(input_["name"], row.get("ledgerDocumentUri"), [*path, "ledgerDocumentUri"])
    documents = {row.get("ledgerDocumentUri") for row in input_["changes"]} - {None}
    if len(documents) > 1:
        message = "Only one ledger document URI is accepted in a call."
        errors.append(UserError("MAX_ONE_LEDGER_DOCUMENT", ["input", "changes"], message))
    return errors


def stale_errors(store: ShopifyStore, name: str, list_name: str, rows: list[dict[str, Any]]) -> list[UserError]:
    """Return the rows whose quantity is no longer what the client believes; a null compare value always fits."""
    errors = []
    message = "The changeFromQuantity argument no longer matches the persisted quantity."
    for place, row in enumerate(rows):
        believed = row.get("changeFromQuantity")
        if believed is not None and believed != quantity_now(store, name, row):
            path = ["input", list_name, str(place), "changeFromQuantity"]
            errors.append(UserError("CHANGE_FROM_QUANTITY_STALE", path if store.stale_names_row else None, message))
    return errors


def quantity_now(store: ShopifyStore, name: str, row: dict[str, Any]) -> int:
    """Return the quantity a row speaks of; 0 where the item is not stocked yet."""
    item, location = owner(store, row)
    assert item is not None  # noqa: S101 - rows are checked first
    assert location is not None  # noqa: S101 - rows are checked first
    level = item.levels.get(location.id)
    return 0 if level is None else level.quantity(name)


def owner(store: ShopifyStore, row: dict[str, Any]) -> tuple[Item | None, Location | None]:
    """Return the item and the location that a row names."""
    return store.shelves.items.get(row["inventoryItemId"]), store.locations.get(row["locationId"])


def _head_errors(input_: dict[str, Any], names: tuple[str, ...], code: str) -> Iterator[UserError]:
    if input_["name"] not in names:
        yield UserError(code, ["input", "name"], f"The quantity name must be one of {', '.join(names)}.")
    if input_["reason"] not in REASONS:
        yield UserError("INVALID_REASON", ["input", "reason"], "The specified reason is invalid.")
    reference = input_.get("referenceDocumentUri")
    if reference is not None and not is_uri(reference):
        message = "The specified reference document is invalid."
        yield UserError("INVALID_REFERENCE_DOCUMENT", ["input", "referenceDocumentUri"], message)


def _row_errors(store: ShopifyStore, row: dict[str, Any], path: list[str]) -> Iterator[UserError]:
    item, location = owner(store, row)
    if item is None:
        message = "The specified inventory item could not be found."
        yield UserError("INVALID_INVENTORY_ITEM", [*path, "inventoryItemId"], message)
    elif item.bundle:
        message = "The quantity of this inventory item follows its components and can't be changed."
        yield UserError("NON_MUTABLE_INVENTORY_ITEM", [*path, "inventoryItemId"], message)
    if location is None or not location.is_active:
        message = "The specified location could not be found."
        yield UserError("INVALID_LOCATION", [*path, "locationId"], message)


def _size_errors(amount: int, limit: int, path: list[str]) -> Iterator[UserError]:
    if amount > limit:
        yield UserError("INVALID_QUANTITY_TOO_HIGH", path, f"The quantity can't be higher than {limit:,}.")
    if amount < -limit:
        yield UserError("INVALID_QUANTITY_TOO_LOW", path, f"The quantity can't be lower than -{limit:,}.")


def _ledger_errors(name: str, document: str | None, path: list[str]) -> Iterator[UserError]:
    if name not in ADJUST_NAMES:
        return
    if name == "available":
        if document is not None:
            message = "A ledger document URI is not allowed when adjusting available."
            yield UserError("INVALID_AVAILABLE_DOCUMENT", path, message)
    elif document is None:
        message = f"A ledger document URI is required when adjusting {name}."
        yield UserError("INVALID_QUANTITY_DOCUMENT", path, message)
    elif document.startswith("gid://shopify/"):
        message = "Internal (gid://shopify/) ledger documents are not allowed."
        yield UserError("INTERNAL_LEDGER_DOCUMENT", path, message)
    elif not is_uri(document):
        yield UserError("INVALID_LEDGER_DOCUMENT", path, "The specified ledger document is invalid.")
