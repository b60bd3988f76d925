"""What a comparison of both shops can find: twelve classes, one finding for each fault, and the summary of it all.

Pure nouns. Every finding says in one sentence what is wrong and in another what a person can do about it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sync.matching import sku_key
from sync.records import SkuKey


class FindingClass(StrEnum):
    """What is wrong; the values are the names in JSON, CSV and signals."""

    STOCK_HIGHER = "stock_higher"
    STOCK_LOWER = "stock_lower"
    PRICE = "price"
    TITLE = "title"
    DESCRIPTION = "description"
    IMAGES = "images"
    CATEGORY = "category"
    ONLY_IN_LIGHTSPEED = "only_in_lightspeed"
    ONLY_IN_SHOPIFY = "only_in_shopify"
    SKU_ALMOST_EQUAL = "sku_almost_equal"
    SKU_DUPLICATE = "sku_duplicate"
    DISCONTINUED = "discontinued"

    @property
    def label(self) -> str:
        """Return what people call it."""
        return _LABELS[self]


_LABELS: Mapping[FindingClass, str] = {
    FindingClass.STOCK_HIGHER: "Shopify offers too many",
    FindingClass.STOCK_LOWER: "Shopify offers too few",
    FindingClass.PRICE: "Price differs",
    FindingClass.TITLE: "Title differs",
    FindingClass.DESCRIPTION: "Description differs",
    FindingClass.IMAGES: "Images missing",
    FindingClass.CATEGORY: "Category differs",
    FindingClass.ONLY_IN_LIGHTSPEED: "Only in Lightspeed",
    FindingClass.ONLY_IN_SHOPIFY: "Only in Shopify",
    FindingClass.SKU_ALMOST_EQUAL: "SKU almost the same",
    FindingClass.SKU_DUPLICATE: "SKU used twice",
    FindingClass.DISCONTINUED: "Discontinued, still sold",
}

STOCK = (FindingClass.STOCK_HIGHER, FindingClass.STOCK_LOWER)
FIELDS = (
    FindingClass.PRICE,
    FindingClass.TITLE,
    FindingClass.DESCRIPTION,
    FindingClass.IMAGES,
    FindingClass.CATEGORY,
)
ORPHANS = (
    FindingClass.ONLY_IN_LIGHTSPEED,
    FindingClass.ONLY_IN_SHOPIFY,
    FindingClass.SKU_ALMOST_EQUAL,
    FindingClass.SKU_DUPLICATE,
    FindingClass.DISCONTINUED,
)
EXPLAINED = "differ and are right"
"""Under which name a summary counts the SKUs whose raw numbers differ and should; the other names are reasons."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, with what each shop says about it; "" where it says nothing.

    `difference` is Shopify's number less the one that would be right: units of stock, cents of a price. `equation`
    has the terms of `stock.py` by their letters, for stock alone. `also` are the SKUs of other goods that it is about.
    """

    kind: FindingClass
    sku: str
    subject: str
    lightspeed: str
    shopify: str
    sentence: str
    remedy: str
    difference: int | None = None
    item_id: str = ""
    variant_id: str = ""
    product_id: str = ""
    equation: Mapping[str, int] = field(default_factory=dict)
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WholeReading:
    """The proof that one shop was read whole: how much, and between which moments of our clock."""

    source: str
    rows: int
    pages: int
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Seller:
    """One of the best-selling SKUs: `target` is what Shopify should show, `available` what it does; None: unknown."""

    place: int
    sku: str
    subject: str
    sold: int
    target: int | None
    available: int | None
    kinds: tuple[FindingClass, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """What one validation came to.

    `compared` counts what was looked at by name (links, products); `explained` the SKUs whose raw numbers differ and
    should, by the reason; `left_out` what could not or need not be compared, by the reason.
    """

    validation_id: int
    started_at: datetime
    finished_at: datetime
    classes: tuple[FindingClass, ...]
    counts: Mapping[FindingClass, int]
    compared: Mapping[str, int]
    explained: Mapping[str, int]
    left_out: Mapping[str, int]
    readings: tuple[WholeReading, ...]
    sellers: tuple[Seller, ...] = ()

    @property
    def found(self) -> int:
        """Return how many findings there are."""
        return sum(self.counts.values())

    def narrowed(self, classes: Collection[FindingClass]) -> Summary:
        """Return the same with some classes only; a part says nothing of whether best sellers are as they should be."""
        return replace(
            self,
            classes=tuple(each for each in self.classes if each in classes),
            counts={each: count for each, count in self.counts.items() if each in classes},
            sellers=self.sellers if set(self.classes) <= set(classes) else (),
        )

    @property
    def proves_equality(self) -> bool:
        """Tell whether this proves the shops equal: both read whole, everything compared, nothing to explain."""
        whole = set(FindingClass) <= set(self.classes)
        return whole and not self.found and bool(self.readings) and bool(self.compared.get("links"))


# --- what findings are made of ---


@dataclass(frozen=True, slots=True)
class Named:
    """What goods are called, and where they stand in Shopify."""

    subject: str
    variant_id: str
    product_id: str


@dataclass(frozen=True, slots=True)
class Loose:
    """One shop's goods as they may be found by; `product_id`, `sold` and `tracked` only of variants.

    `was` is the archived item that a variant was linked to, "" where there was none. `stock` None: not known.
    """

    key: SkuKey
    product_id: str = ""
    sold: bool = False
    tracked: bool = True
    was: str = ""
    stock: int | None = None

    @property
    def sku(self) -> str:
        """Return its SKU as typed."""
        return next((text.strip() for text in self.key.skus if text.strip()), "")

    @property
    def keys(self) -> tuple[str, ...]:
        """Return what its SKUs are compared by; blank ones say nothing."""
        return tuple(key for key in dict.fromkeys(map(sku_key, self.key.skus)) if key)

    @property
    def variant_id(self) -> str:
        """Return its id where it is a variant."""
        return self.key.id if self.key.inventory_item_id else ""

    @property
    def item_id(self) -> str:
        """Return its id where it is an item."""
        return "" if self.key.inventory_item_id else self.key.id


@dataclass(frozen=True, slots=True)
class Partner:
    """An item and a variant that may be the same goods, and why."""

    item_id: str
    variant_id: str
    reason: str


class LinkedSku(NamedTuple):
    """What is gone through of every linked pair: its place among the variants, and the SKUs of both sides as typed.

    `link_id` is None of a variant that no confirmed link joins.
    """

    product_id: str
    variant_id: str
    sku: str
    link_id: int | None
    by_hand: bool
    item_skus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A linked item and variant, with the SKU of each as it is now."""

    link_id: int
    item: Loose
    variant: Loose


@dataclass(frozen=True, slots=True)
class Sold:
    """Units of goods that were ordered online in some time."""

    inventory_item_id: str
    sku: str
    units: int
