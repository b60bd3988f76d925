"""What may be carried from Lightspeed to Shopify, field by field, as the `catalogue:` block of alerts.yaml says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FieldPolicy(StrEnum):
    """What becomes of one field that differs."""

    COPY = "copy"  # Shopify gets Lightspeed's
    FILL = "fill-if-empty"  # only where Shopify has nothing
    NEVER = "never"


class CategoriesAs(StrEnum):
    """What a Lightspeed category is in Shopify."""

    TAGS = "tags"
    COLLECTIONS = "collections"  # those that are there; none is made


class NewItems(StrEnum):
    """What becomes of an item that is new in Lightspeed."""

    DRAFT = "draft"
    NEVER = "never"


class Discontinued(StrEnum):
    """What becomes of a product whose items were archived in Lightspeed; its stock becomes 0."""

    DRAFT = "draft"
    ARCHIVED = "archived"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class CataloguePolicy:
    """The whole policy.

    Whatever it says, nothing that Shopify has is blanked, and no price beside a crossed-out one is written.
    """

    title: FieldPolicy = FieldPolicy.FILL
    description: FieldPolicy = FieldPolicy.FILL
    images: FieldPolicy = FieldPolicy.FILL
    price: FieldPolicy = FieldPolicy.COPY
    categories: FieldPolicy = FieldPolicy.FILL
    categories_as: CategoriesAs = CategoriesAs.TAGS
    new_items: NewItems = NewItems.DRAFT
    discontinued: Discontinued = Discontinued.DRAFT
