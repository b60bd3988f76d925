"""Setting stock: the one mutation of this product, its variables, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sync.errors import Code, Permanent
from sync.model import RowProblem, RowRefusal, StockChange, WriteResult
from sync.shopify.answers import Unproven, printable
from sync.shopify.shapes import SetAvailable
from sync.shopify.wire import UserError, parse

MOST_ROWS = 250
_REASON = "correction"
_INDEX_AT = 2  # of the field path: input, quantities, index, name

PROBLEMS: Mapping[str, RowProblem] = {
    "CHANGE_FROM_QUANTITY_STALE": RowProblem.STALE,
    "COMPARE_QUANTITY_STALE": RowProblem.STALE,
    "INVALID_INVENTORY_ITEM": RowProblem.PARKED,
    "INVALID_LOCATION": RowProblem.PARKED,
    "NON_MUTABLE_INVENTORY_ITEM": RowProblem.PARKED,
    "ITEM_NOT_STOCKED_AT_LOCATION": RowProblem.PARKED,
    "INVALID_QUANTITY_NEGATIVE": RowProblem.PARKED,
    "INVALID_QUANTITY_TOO_HIGH": RowProblem.PARKED,
    "INVALID_QUANTITY_TOO_LOW": RowProblem.PARKED,
    "SERVICE_UNAVAILABLE": RowProblem.RETRY,
    "ADJUST_QUANTITIES_FAILED": RowProblem.RETRY,
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED": RowProblem.RETRY,
}
_UNDER_WAY = "IDEMPOTENCY_CONCURRENT_REQUEST"
# What only a mistake of ours can cause; another try would cause it again.
_OUR_MISTAKE = frozenset(
    {
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
        "COMPARE_QUANTITY_REQUIRED",
        "INVALID_NAME",
        "INVALID_REASON",
        "INVALID_REFERENCE_DOCUMENT",
        "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
    }
)


def variables(key: str, reference: str, location_id: str, changes: Sequence[StockChange]) -> dict[str, Any]:
    """Return the variables of one call; raises ValueError for what must never be sent."""
    if not key or not 0 < len(changes) <= MOST_ROWS:
        raise ValueError(f"a stock write takes a key and 1 to {MOST_ROWS} rows, not {len(changes)}")
    if len({change.inventory_item_id for change in changes}) < len(changes):
        raise ValueError("a stock write names each item once")
    quantities = [
        {
            "inventoryItemId": change.inventory_item_id,
            "locationId": location_id,
            "quantity": change.after,
            "changeFromQuantity": change.before,
        }
        for change in changes
    ]
    settings = {"name": "available", "reason": _REASON, "referenceDocumentUri": reference}
    return {"input": {**settings, "quantities": quantities}, "key": key}


def interpreter(changes: Sequence[StockChange]) -> Callable[[Mapping[str, Any]], WriteResult]:
    """Return what turns the answer's data into the result for these rows."""

    def interpret(data: Mapping[str, Any]) -> WriteResult:
        payload = parse(SetAvailable, data).inventory_set_quantities
        if payload is None:
            raise Unproven(Code.SH007, "The stock write has no answer.")
        if not payload.user_errors:
            return WriteResult(applied=True)
        return WriteResult(applied=False, refusals=tuple(_refusal(one, changes) for one in payload.user_errors))

    return interpret


def _refusal(error: UserError, changes: Sequence[StockChange]) -> RowRefusal:
    """Return what a user error says about which row: by its code only, texts change."""
    code = printable(error.code or "no code")
    message = printable(error.message)
    if code == _UNDER_WAY:
        raise Unproven(Code.SH006, "The same write is still under way.")
    item_id = _item_id(error, changes)
    problem = PROBLEMS.get(code)
    if problem is None and (code in _OUR_MISTAKE or item_id is None):
        raise Permanent(Code.SH008, f"{code}: {message}")
    # a code we do not know that names a row concerns this row: the others must not wait for it
    return RowRefusal(item_id, problem or RowProblem.PARKED, code, message)


def _item_id(error: UserError, changes: Sequence[StockChange]) -> str | None:
    """Return the item at the index that the field path names; Shopify writes indexes as text."""
    path = error.field or ()
    index = path[_INDEX_AT] if len(path) > _INDEX_AT else ""
    if not (index.isascii() and index.isdigit()) or int(index) >= len(changes):
        return None
    return changes[int(index)].inventory_item_id
