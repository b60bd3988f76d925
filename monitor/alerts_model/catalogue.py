"""The `catalogue` block of alerts.yaml: what may be carried from Lightspeed to Shopify."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from monitor.alerts_model.fields import Parsed, Part, word
from sync.catalogue.policy import CataloguePolicy, CategoriesAs, Discontinued, FieldPolicy, NewItems

FieldWord = Annotated[
    FieldPolicy, Parsed(lambda text: FieldPolicy(word(tuple(FieldPolicy), "policy of a field")(text)))
]
CategoriesWord = Annotated[
    CategoriesAs, Parsed(lambda text: CategoriesAs(word(tuple(CategoriesAs), "way to show categories")(text)))
]
NewWord = Annotated[NewItems, Parsed(lambda text: NewItems(word(tuple(NewItems), "way with new items")(text)))]
GoneWord = Annotated[
    Discontinued, Parsed(lambda text: Discontinued(word(tuple(Discontinued), "way with discontinued items")(text)))
]
_USUAL = CataloguePolicy()


class CatalogueSettings(Part):
    """What a plan may propose of product fields; nothing is written without a person's confirmation."""

    title: FieldWord = Field(
        default=_USUAL.title,
        description="What becomes of titles that differ: copy (Shopify gets Lightspeed's), fill-if-empty or never.",
    )
    description: FieldWord = Field(default=_USUAL.description, description="The same for descriptions.")
    images: FieldWord = Field(
        default=_USUAL.images, description="The same for pictures; those that Shopify has always stay."
    )
    price: FieldWord = Field(
        default=_USUAL.price,
        description="The same for prices: Lightspeed's level Online where it is set, else Default. A variant with a "
        "compare-at price keeps its price.",
    )
    categories: FieldWord = Field(
        default=_USUAL.categories, description="The same for categories; copy adds to what is there."
    )
    categories_as: CategoriesWord = Field(
        default=_USUAL.categories_as,
        description="What a category is in Shopify: tags, or collections, of which none is made.",
    )
    new_items: NewWord = Field(
        default=_USUAL.new_items,
        description="What becomes of an item that is new in Lightspeed: a draft product, or never anything.",
    )
    discontinued: GoneWord = Field(
        default=_USUAL.discontinued,
        description="What becomes of a product whose items were archived in Lightspeed: draft, archived (both with "
        "stock 0) or never anything.",
    )

    def policy(self) -> CataloguePolicy:
        """Return it as the engine takes it."""
        return CataloguePolicy(**dict(self))
