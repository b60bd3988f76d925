"""Whether a change still fits what is there: compared with a reading made right before it is written; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from sync.cards import ProductCard, VariantCard
from sync.catalogue.texts import same_text
from sync.products import ChangeKind, Field, ProductChange, ProductOutcome, ProductResult, ProductUpdate


@dataclass(frozen=True, slots=True)
class Present:
    """What was just read: products and variants by their gids."""

    products: Mapping[str, ProductCard] = field(default_factory=dict)
    variants: Mapping[str, VariantCard] = field(default_factory=dict)


def groups(changes: Sequence[ProductChange], products: Mapping[str, str]) -> list[list[ProductChange]]:
    """Return the changes product by product, in the order of their first; `products` tells those of variants."""
    order: dict[str, list[ProductChange]] = {}
    for change in changes:
        order.setdefault(products.get(change.subject, change.subject), []).append(change)
    return list(order.values())


def stands_in_the_way(change: ProductChange, present: Present) -> ProductResult | None:
    """Return why a field's change is not to be written, None: it is."""
    if change.field is Field.PRICE:
        return _price(change, present.variants.get(change.subject))
    product = present.products.get(change.subject)
    if product is None:
        return ProductResult(change, ProductOutcome.MOVED, detail="The product is gone.")
    return _value(change, value_of(change.field, product))


def is_so(change: ProductChange, now: Any) -> bool:
    """Tell whether a field is as a change makes it. Of many collections a reading shows only some, so its own count."""
    if change.field is Field.COLLECTIONS:
        return set(added(change)) <= set(now)
    return same(change.field, now, change.after)


def _has_moved(change: ProductChange, now: Any) -> bool:
    if change.field is Field.COLLECTIONS:  # adding to others takes nothing away; where there was none, none may be
        return bool(now) and not change.before
    return not same(change.field, now, change.before)


def _price(change: ProductChange, variant: VariantCard | None) -> ProductResult | None:
    if variant is None:
        return ProductResult(change, ProductOutcome.MOVED, detail="The variant is gone.")
    if variant.compare_at is not None:
        return ProductResult(change, ProductOutcome.MOVED, detail="It is on sale now.", now=variant.price)
    return _value(change, variant.price)


def _value(change: ProductChange, now: Any) -> ProductResult | None:
    if is_so(change, now):
        return ProductResult(change, ProductOutcome.FOUND_APPLIED, detail="It was so already.", now=now)
    if _has_moved(change, now):
        return ProductResult(change, ProductOutcome.MOVED, detail="It was changed meanwhile.", now=now)
    return None


def value_of(asked: Field, product: ProductCard) -> Any:
    """Return a product's field as changes tell it; of its pictures only whether there are any."""
    match asked:
        case Field.TITLE:
            return product.title
        case Field.DESCRIPTION:
            return product.html
        case Field.TAGS:
            return list(product.tags)
        case Field.COLLECTIONS:
            return list(product.collections)
        case Field.IMAGES:
            return ["there"] * product.images
        case _:
            return product.status


def same(asked: Field, one: Any, other: Any) -> bool:
    """Tell whether two values of a field mean the same: Shopify keeps markup and lists in its own way."""
    if asked is Field.DESCRIPTION:
        return same_text(one or "", other or "")
    if asked is Field.IMAGES:
        return bool(one) == bool(other)
    if asked in (Field.TAGS, Field.COLLECTIONS):
        return sorted(one) == sorted(other)
    return bool(one == other)


def update_of(product_id: str, changes: Iterable[ProductChange], collections: Mapping[str, str]) -> ProductUpdate:
    """Return what one call writes of a product; `collections` are gids by title."""
    update = ProductUpdate(product_id)
    for change in changes:
        match change.field:
            case Field.TITLE:
                update = replace(update, title=change.after)
            case Field.DESCRIPTION:
                update = replace(update, html=change.after)
            case Field.TAGS:
                update = replace(update, tags=tuple(change.after))
            case Field.COLLECTIONS:
                update = replace(update, join=tuple(collections[each] for each in added(change)))
            case Field.IMAGES:
                update = replace(update, image_urls=tuple(change.after))
            case Field.STATUS:
                update = replace(update, status=change.after)
            case _:
                raise ValueError(f"{change.field} is no field of a product")
    return update


def added(change: ProductChange) -> list[str]:
    """Return what a list has after a change and had not before."""
    return [each for each in change.after if each not in change.before]


def become(product: ProductCard, changes: Iterable[ProductChange]) -> ProductCard:
    """Return what a product is once its changes are written."""
    for change in changes:
        match change.field:
            case Field.TITLE:
                product = replace(product, title=change.after)
            case Field.DESCRIPTION:
                product = replace(product, html=change.after)
            case Field.TAGS:
                product = replace(product, tags=tuple(change.after))
            case Field.COLLECTIONS:
                product = replace(product, collections=tuple(dict.fromkeys((*product.collections, *change.after))))
            case Field.STATUS:
                product = replace(product, status=change.after)
            case _:
                product = replace(product, images=product.images + len(change.after))
    return product


def by_kind(changes: Sequence[ProductChange]) -> Mapping[ChangeKind, Sequence[ProductChange]]:
    """Return the changes of each kind."""
    ordered = sorted(changes, key=lambda change: change.kind)
    return {kind: list(found) for kind, found in groupby(ordered, key=lambda change: change.kind)}
