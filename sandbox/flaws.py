"""What can be wrong with one good of two shops that should agree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Flaw(StrEnum):
    """What can be wrong with one good."""

    STOCK_HIGHER = "stock_higher"  # Shopify offers more than there is
    STOCK_LOWER = "stock_lower"  # ... and less
    PRICE = "price"
    TITLE = "title"
    DESCRIPTION = "description"
    IMAGES = "images"  # the till has a picture, Shopify has none
    CATEGORY = "category"  # Shopify has it neither as type nor as tag nor as collection
    ONLY_IN_LIGHTSPEED = "only_in_lightspeed"
    ONLY_IN_SHOPIFY = "only_in_shopify"
    SKU_ALMOST_EQUAL = "sku_almost_equal"
    SKU_DUPLICATE = "sku_duplicate"
    DISCONTINUED = "discontinued"  # archived in Lightspeed, still sold in Shopify


WHOLE_PRODUCT = frozenset({Flaw.TITLE, Flaw.DESCRIPTION, Flaw.IMAGES, Flaw.CATEGORY})
"""What belongs to a product in Shopify: planted where the good is its only variant."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One fault: the good's SKU in the till (of an online-only good, in Shopify), and what was done to it."""

    flaw: Flaw
    sku: str
    done: str
