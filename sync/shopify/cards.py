"""What Shopify tells of products and variants beside their stock, as the cards that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sync.cards import ProductCard, VariantCard

_ONLY_OPTION = (("Title", "Default Title"),)  # what a product without options says it has


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class _Chosen(_Named, Protocol):
    @property
    def value(self) -> str: ...


class _Counted(Protocol):
    @property
    def count(self) -> int: ...


class ProductLike(Protocol):
    """A product, as pydantic or msgspec read it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def description_html(self) -> str: ...  # noqa: D102
    @property
    def product_type(self) -> str: ...  # noqa: D102
    @property
    def tags(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def media_count(self) -> _Counted | None: ...  # noqa: D102
    @property
    def options(self) -> Sequence[_Named]: ...  # noqa: D102


class VariantLike(Protocol):
    """A variant, as pydantic or msgspec read it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def price(self) -> int | None: ...  # noqa: D102
    @property
    def compare_at_price(self) -> int | None: ...  # noqa: D102
    @property
    def selected_options(self) -> Sequence[_Chosen]: ...  # noqa: D102


def product_card(node: ProductLike, collections: Sequence[str]) -> ProductCard:
    """Return the card of one product that lies in these collections."""
    return ProductCard(
        product_id=node.id,
        title=node.title,
        html=node.description_html,
        status=node.status,
        product_type=node.product_type,
        tags=tuple(node.tags),
        collections=tuple(collections),
        images=node.media_count.count if node.media_count is not None else 0,
        option_names=tuple(option.name for option in node.options),
    )


def variant_card(node: VariantLike, product: ProductCard) -> VariantCard:
    """Return the card of one variant; one without options has none, whatever Shopify calls them."""
    options = tuple((option.name, option.value) for option in node.selected_options)
    return VariantCard(
        variant_id=node.id,
        product_id=product.product_id,
        price=node.price,
        compare_at=node.compare_at_price,
        options=() if options == _ONLY_OPTION else options,
        product=product,
    )
