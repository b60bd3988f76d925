"""Differences and changes of products, as frozen values: what was found, what is to be written, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sync.cards import ItemCard, VariantCard


class Field(StrEnum):
    """What of a product is compared or changed."""

    TITLE = "title"
    DESCRIPTION = "description"
    IMAGES = "images"
    PRICE = "price"
    CATEGORY = "category"  # compared as such, changed as one of the two below
    TAGS = "tags"
    COLLECTIONS = "collections"
    PRODUCT = "product"  # the whole of one that is made
    STATUS = "status"  # of one that is no longer sold


class ChangeKind(StrEnum):
    """The three kinds of changes."""

    FIELD = "field"  # one field of one product or variant
    CREATE = "create"  # a draft product, with all variants of a matrix
    RETIRE = "retire"  # taken off sale, with stock to 0


@dataclass(frozen=True, slots=True)
class CardPair:
    """Both cards of one confirmed link."""

    link_id: int
    sku: str
    inventory_item_id: str
    item: ItemCard
    variant: VariantCard


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item that Shopify does not have yet. `linked_matrix`: other items of its matrix are sold there already."""

    sku: str
    barcode: str
    card: ItemCard
    linked_matrix: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """A variant whose item is archived in Lightspeed. `available` is None where it is not stocked at our location."""

    item_id: str
    sku: str
    variant_id: str
    inventory_item_id: str
    available: int | None


@dataclass(frozen=True, slots=True)
class Retiring:
    """A product with variants whose items are archived; `others` counts its other variants."""

    product_id: str
    title: str
    status: str
    gone: tuple[Gone, ...]
    others: int


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field in which both shops differ; `sentence` says so to a person. Money is in cents."""

    field: Field
    lightspeed: str | int | tuple[str, ...]
    shopify: str | int | tuple[str, ...] | None
    sentence: str


@dataclass(frozen=True, slots=True)
class ProductChange:
    """One change that may be written, as a person reviews it. All values are such that JSON gives them back equal.

    `key` names it within a plan: the same change has the same key in each. `subject` is the gid of the product or
    variant; of one that is made, the Lightspeed item or matrix it is made of ("item/4"). `before` is what Shopify has,
    `after` what it will have: a text, cents, a list of texts, or of CREATE and RETIRE a mapping. `points` is what it
    costs at Shopify, at most. With a `refusal`, a catalogue code's name, it cannot be written: `reason` says why.
    """

    key: str
    kind: ChangeKind
    sku: str
    subject: str
    field: Field
    before: Any
    after: Any
    reason: str
    points: int
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class ProductUpdate:
    """What is to be written of one product: None or () where a field stays as it is. `tags` replace those it has."""

    product_id: str
    title: str | None = None
    html: str | None = None
    tags: tuple[str, ...] | None = None
    join: tuple[str, ...] = ()  # collections, by gid
    image_urls: tuple[str, ...] = ()  # added to what it has
    status: str | None = None


@dataclass(frozen=True, slots=True)
class ProductRefusal:
    """Why Shopify refused a product's write: the catalogue code's name, and its own words."""

    code: str
    message: str


class ProductOutcome(StrEnum):
    """What became of one change."""

    APPLIED = "applied"
    MOVED = "moved"  # what is there is no longer `before`: not written
    REFUSED = "refused"  # by Shopify, or found to be impossible before it was sent
    UNANSWERED = "unanswered"  # it was sent, now or a moment ago, and nobody answered; a later reading tells
    FOUND_APPLIED = "found applied"
    FOUND_NOT_APPLIED = "found not applied"


@dataclass(frozen=True, slots=True)
class ProductResult:
    """How one change ended. `now` is what was there instead of `before`; `made` the gid of a product that was made."""

    change: ProductChange
    outcome: ProductOutcome
    code: str = ""  # the catalogue code's name
    detail: str = ""
    now: Any = None
    made: str = ""


@dataclass(frozen=True, slots=True)
class ProductWrite:
    """One change on record. `outcome` is None while it is on its way."""

    write_id: int
    run_id: int
    at: datetime
    change: ProductChange
    outcome: ProductOutcome | None
    outcome_at: datetime | None
    code: str
    detail: str
    made: str
