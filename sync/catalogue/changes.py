"""What of the differences becomes a change, under the policy; pure.

What Shopify would refuse is found here, before anything is written: such a change carries the refusal's code and says
what to correct.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sync.cards import ItemCard, matrix_title_of
from sync.catalogue.compare import compare, leaf_of
from sync.catalogue.limits import wrong_price, wrong_tags, wrong_text, wrong_title
from sync.catalogue.policy import CataloguePolicy, CategoriesAs, FieldPolicy
from sync.catalogue.texts import as_html, visible
from sync.products import CardPair, ChangeKind, Field, FieldDifference, ProductChange

POINTS = 10  # of one mutation, whatever it changes


def field_changes(pairs: Sequence[CardPair], policy: CataloguePolicy) -> list[ProductChange]:
    """Return the changes of one product's fields, given the pairs of all its linked variants."""
    made = {
        Field.TITLE: _title,
        Field.DESCRIPTION: _description,
        Field.IMAGES: _images,
        Field.PRICE: _price,
        Field.CATEGORY: _category,
    }
    found: dict[tuple[str, Field], ProductChange] = {}
    for pair, difference in compare(pairs):
        change = made[difference.field](pair, difference, policy)
        if change is not None and not (difference.field is Field.TITLE and _nameless(pairs)):
            found.setdefault((change.subject, change.field), change)
    return list(found.values())


def _nameless(pairs: Sequence[CardPair]) -> bool:
    """Tell whether Lightspeed has no one name for a product: one of a matrix may have been renamed."""
    return "" in (names := {_product_title(pair) for pair in pairs}) or len(names) > 1


def _product_title(pair: CardPair) -> str:
    """Return what an item calls its product, "" where that cannot be told from its options."""
    if pair.item.matrix_id or not pair.variant.options:
        return title_of(pair.item)
    bare = matrix_title_of(pair.item.title, tuple(value for _, value in pair.variant.options))
    return "" if bare == pair.item.title.strip() else bare


def _title(pair: CardPair, difference: FieldDifference, policy: CataloguePolicy) -> ProductChange | None:
    product, wanted = pair.variant.product, _product_title(pair)
    if not _wanted(policy.title, empty=not product.title.strip()):
        return None
    return _refused(_of_product(pair, difference, product.title, wanted), wrong_title(wanted))


def title_of(item: ItemCard) -> str:
    """Return what an item's product is called: what its matrix is, if it has one."""
    return (item.matrix_title or item.title).strip()


def _description(pair: CardPair, difference: FieldDifference, policy: CataloguePolicy) -> ProductChange | None:
    product, wanted = pair.variant.product, as_html(pair.item.text)
    if not _wanted(policy.description, empty=not visible(product.html)):
        return None
    return _refused(_of_product(pair, difference, product.html, wanted), wrong_text(wanted))


def _images(pair: CardPair, difference: FieldDifference, policy: CataloguePolicy) -> ProductChange | None:
    if policy.images is FieldPolicy.NEVER:
        return None
    return _of_product(pair, difference, [], list(pair.item.image_urls))


def _category(pair: CardPair, difference: FieldDifference, policy: CataloguePolicy) -> ProductChange | None:
    product, as_tags = pair.variant.product, policy.categories_as is CategoriesAs.TAGS
    has = list(product.tags if as_tags else product.collections)
    if not _wanted(policy.categories, empty=not has):
        return None
    wanted = [*has, leaf_of(pair.item.category)]
    meant = replace(difference, field=Field.TAGS if as_tags else Field.COLLECTIONS)
    return _refused(_of_product(pair, meant, has, wanted), wrong_tags(wanted) if as_tags else "")


def _price(pair: CardPair, difference: FieldDifference, policy: CataloguePolicy) -> ProductChange | None:
    variant, wanted = pair.variant, pair.item.selling_price
    if wanted is None or variant.compare_at is not None or not _wanted(policy.price, empty=not variant.price):
        return None
    change = ProductChange(
        key=f"{Field.PRICE}/{variant.variant_id}",
        kind=ChangeKind.FIELD,
        sku=pair.sku,
        subject=variant.variant_id,
        field=Field.PRICE,
        before=variant.price,
        after=wanted,
        reason=difference.sentence,
        points=POINTS,
    )
    return _refused(change, wrong_price(wanted))


def _of_product(pair: CardPair, difference: FieldDifference, before: object, after: object) -> ProductChange:
    product_id = pair.variant.product_id
    return ProductChange(
        key=f"{difference.field}/{product_id}",
        kind=ChangeKind.FIELD,
        sku=pair.sku,
        subject=product_id,
        field=difference.field,
        before=before,
        after=after,
        reason=difference.sentence,
        points=POINTS,
    )


def _refused(change: ProductChange, wrong: str) -> ProductChange:
    return replace(change, reason=f"{change.reason} {wrong}", refusal="SH003") if wrong else change


def _wanted(policy: FieldPolicy, *, empty: bool) -> bool:
    return policy is FieldPolicy.COPY or (policy is FieldPolicy.FILL and empty)
