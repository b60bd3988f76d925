"""Finds where a product in Shopify differs from its items in Lightspeed, whatever the policy says; pure.

Lightspeed is what is compared with: where it says nothing there is no difference. A field that all variants share
is told of once for a product, beside the first item that shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from sync.cards import ItemCard, ProductCard, VariantCard
from sync.catalogue.texts import excerpt, same_text, same_words
from sync.products import CardPair, Field, FieldDifference

Found = tuple[CardPair, FieldDifference]


def by_product(pairs: Iterable[CardPair]) -> Iterator[list[CardPair]]:
    """Yield the pairs product by product; they must come so."""
    for _, same in groupby(pairs, key=lambda pair: pair.variant.product_id):
        yield list(same)


def compare(pairs: Sequence[CardPair]) -> list[Found]:
    """Return the differences of one product, given the pairs of all its linked variants."""
    found = [*_titles(pairs), *((pair, each) for pair in pairs if (each := price(pair.item, pair.variant)))]
    for shared in (description, images, category):
        told = next(((pair, each) for pair in pairs if (each := shared(pair.item, pair.variant.product))), None)
        if told is not None and not (shared is description and _described(pairs)):
            found.append(told)
    return found


def _titles(pairs: Sequence[CardPair]) -> list[Found]:
    """Return what differs by title: one for all where all do, since then the product's own is meant."""
    found = [(pair, each) for pair in pairs if (each := title(pair.item, pair.variant))]
    return found[:1] if len(found) == len(pairs) else found


def _described(pairs: Sequence[CardPair]) -> bool:
    """Tell whether the product has the text of one of its items: it can have that of one only."""
    return any(pair.item.text and same_text(pair.item.text, pair.variant.product.html) for pair in pairs)


def title(item: ItemCard, variant: VariantCard) -> FieldDifference | None:
    """Compare titles: an item's is its product's, with or without what the variant has chosen."""
    product = variant.product
    chosen = " ".join((product.title, *(value for _, value in variant.options)))
    said = [text for text in (item.title, item.matrix_title) if text.strip()]
    if not said or any(same_words(text, told) for text in said for told in (product.title, chosen)):
        return None
    sentence = f"Lightspeed's title is “{excerpt(item.title)}”, Shopify's “{excerpt(chosen)}”."
    return FieldDifference(Field.TITLE, item.title, chosen, sentence)


def description(item: ItemCard, product: ProductCard) -> FieldDifference | None:
    """Compare descriptions as they are read."""
    if not item.text or same_text(item.text, product.html) or not excerpt(item.text):
        return None
    told = excerpt(product.html)
    sentence = (
        f"Lightspeed's description begins “{excerpt(item.text)}”, Shopify's “{told}”."
        if told
        else f"Shopify has no description; Lightspeed's begins “{excerpt(item.text)}”."
    )
    return FieldDifference(Field.DESCRIPTION, item.text, product.html, sentence)


def images(item: ItemCard, product: ProductCard) -> FieldDifference | None:
    """Compare whether there are any: Shopify keeps copies."""
    if not item.image_urls or product.images:
        return None
    count = len(item.image_urls)
    sentence = f"Lightspeed has {count} {'picture' if count == 1 else 'pictures'}, Shopify none."
    return FieldDifference(Field.IMAGES, item.image_urls, (), sentence)


def category(item: ItemCard, product: ProductCard) -> FieldDifference | None:
    """Look for an item's category, by its last name or its path, among tags, product type and collections."""
    leaf = leaf_of(item.category)
    if not leaf:
        return None
    names = (*product.tags, product.product_type, *product.collections)
    if any(same_words(name, wanted) for name in names if name for wanted in (leaf, item.category)):
        return None
    sentence = f"Shopify does not show Lightspeed's category “{item.category}” as tag, type or collection."
    return FieldDifference(Field.CATEGORY, item.category, tuple(name for name in names if name), sentence)


def price(item: ItemCard, variant: VariantCard) -> FieldDifference | None:
    """Compare prices; a variant that is on sale has its usual price crossed out beside it."""
    wanted = item.selling_price
    if wanted is None or wanted in (variant.price, variant.compare_at):
        return None
    sale = f" instead of {money(variant.compare_at)}" if variant.compare_at is not None else ""
    told = "none" if variant.price is None else f"{money(variant.price)}{sale}"
    return FieldDifference(
        Field.PRICE, wanted, variant.price, f"Lightspeed's price is {money(wanted)}, Shopify's {told}."
    )


def leaf_of(path: str) -> str:
    """Return the last name of a category's path."""
    return path.rsplit("/", 1)[-1].strip()


def money(cents: int) -> str:
    """Return cents as an amount: 1990 as 19.90."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"
