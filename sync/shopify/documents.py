"""The GraphQL documents we send, read once from `documents/*.graphql`.

Each document is its own file plus the files of the fragments it uses, so that every request carries exactly one
operation. Costs beside the names are the points a page requests by the model that fits recorded answers:
an object 1, a connection 2 + node * floor(2 ln first), scalars and page info 0; at most 1,000 are allowed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

_OPERATION = re.compile(r"^(?:query|mutation) (\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One request's text; `operation` is the name it has there, in the metrics and in the quota's memory."""

    operation: str
    text: str


def _load(name: str, *fragments: str) -> Document:
    folder = files("sync.shopify") / "documents"
    parts = [(folder / f"{part}.graphql").read_text(encoding="utf-8") for part in (name, *fragments)]
    found = _OPERATION.search(parts[0])
    if found is None:
        raise ValueError(f"{name}.graphql names no operation")
    return Document(found.group(1), "\n".join(parts))


_LINES = ("order_money_fields", "order_lines_fields", "shop_money", "refund_lines_fields")
_ASSIGNED = ("assignment_fields", "assigned_lines_fields")
_ONE = ("order_fields_one_location", *_LINES)
_SEVERAL = ("order_fields_several_locations", *_LINES, *_ASSIGNED)

LEVELS_CHANGED = _load("levels_changed", "level_fields")  # 36 at 250
LEVELS_OF_ITEMS = _load("levels_of_items", "level_fields")  # 3, or 750 if every id counts
ORDERS_CHANGED = {False: _load("orders_changed", *_ONE), True: _load("orders_changed", *_SEVERAL)}
"""By whether the shop has several locations: 506 at 100, 806 at 25."""
ORDERS_BY_ID = {False: _load("orders_by_id", *_ONE), True: _load("orders_by_id", *_SEVERAL)}
"""By whether the shop has several locations: 56 or 134 for each order, if every id counts."""
ORDER_HEADS_CHANGED = _load("order_heads_changed", "order_head_fields")  # 11 at 100
ORDER_HEADS_BY_ID = _load("order_heads_by_id", "order_head_fields")
ORDERS_NAMED = _load("orders_named")  # 8 at 25
MORE_ORDER_LINES = _load("more_order_lines", "order_lines_fields", "shop_money")
MORE_REFUND_LINES = _load("more_refund_lines", "refund_lines_fields")
MORE_ASSIGNMENTS = _load("more_assignments", *_ASSIGNED)
MORE_ASSIGNED_LINES = _load("more_assigned_lines", "assigned_lines_fields")
VARIANTS_CHANGED = _load("variants_changed", "variant_fields")  # 35 at 250
VARIANTS_BY_ID = _load("variants_by_id", "variant_fields")  # 3, or 750 if every id counts
_CARDS = ("variant_card_fields", "variant_fields", "product_card_fields")
VARIANT_CARDS_CHANGED = _load("variant_cards_changed", *_CARDS)  # 156 at 250
VARIANT_CARDS_BY_ID = _load("variant_cards_by_id", *_CARDS)  # 14, or 700 at 50 if every id counts
PRODUCTS_BY_ID = _load("products_by_id", "product_card_fields")  # 11, or 550 at 50 if every id counts
VARIANTS_OF_PRODUCT = _load("variants_of_product", *_CARDS)  # 157 at 250
PRODUCT_BY_HANDLE = _load("product_by_handle")  # 1
COLLECTIONS = _load("collections")  # 13 at 250
UPDATE_PRODUCT = _load("update_product")  # 10, whatever it changes
UPDATE_PRICES = _load("update_prices")  # 10, however many variants
CREATE_PRODUCT = _load("create_product")  # 10, and 0.2 a variant, 1.9 a picture
SUBSCRIPTIONS = _load("subscriptions")
SUBSCRIBE = _load("subscribe")  # 10
UNSUBSCRIBE = _load("unsubscribe")  # 10
EXPORT_VARIANTS = _load("export_variants")  # runs as a bulk operation: costs nothing itself
EXPORT_CARDS = _load("export_cards")
BULK_START = _load("bulk_start")  # 10
BULK_POLL = _load("bulk_poll")  # 1
BULK_CANCEL = _load("bulk_cancel")  # 10
SET_AVAILABLE = _load("set_available")  # 10, however many rows
CHECK_CONNECTION = _load("check_connection")
COUNT_LOCATIONS = _load("count_locations")
