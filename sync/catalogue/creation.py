"""What a new Lightspeed item becomes in Shopify: a draft product, a matrix with all its items as one; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from sync.catalogue.changes import POINTS, title_of
from sync.catalogue.compare import leaf_of, money
from sync.catalogue.limits import (
    MOST_OPTIONS,
    MOST_VARIANTS,
    wrong_option,
    wrong_price,
    wrong_sku,
    wrong_tags,
    wrong_text,
    wrong_title,
)
from sync.catalogue.policy import CataloguePolicy, CategoriesAs, FieldPolicy
from sync.catalogue.texts import as_html
from sync.products import ChangeKind, Field, NewItem, ProductChange

_ODD = re.compile(r"[^a-z0-9]+")
_LONGEST_HANDLE = 200


def creation(items: Sequence[NewItem], policy: CataloguePolicy) -> ProductChange:
    """Return the change that makes one product of an item, or of all new items of one matrix.

    It is refused, and says why, where Shopify would not take it.
    """
    first = items[0]
    after = _product(items, policy)
    subject = _subject(items)
    code, wrong = _wrong(items, after)
    count = len(items)
    told = f" with {count} variants" if count > 1 else ""
    return ProductChange(
        key=f"{Field.PRODUCT}/{subject}",
        kind=ChangeKind.CREATE,
        sku=first.sku,
        subject=subject,
        field=Field.PRODUCT,
        before=None,
        after=after,
        reason=wrong or f"New in Lightspeed: a draft product “{after['title']}”{told}{_prices(items)}.",
        points=POINTS + ceil(0.2 * count + 1.9 * len(after["images"])),
        refusal=code,
    )


def handle_of(title: str, subject: str) -> str:
    """Return the name of a product in addresses, which nothing else has: made twice, the second is refused."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = _ODD.sub("-", plain).strip("-")[:_LONGEST_HANDLE].strip("-")
    return "-".join(part for part in (slug, "ls", subject.replace("/", "-")) if part)


def _subject(items: Sequence[NewItem]) -> str:
    """Return what a product is made of: a matrix, or an item alone."""
    first = items[0]
    alone = not first.card.matrix_id or first.linked_matrix
    return f"item/{first.card.item_id}" if alone else f"matrix/{first.card.matrix_id}"


def _product(items: Sequence[NewItem], policy: CataloguePolicy) -> dict[str, Any]:
    first = items[0].card
    title = title_of(first)
    leaf = "" if policy.categories is FieldPolicy.NEVER else leaf_of(first.category)
    as_tags = policy.categories_as is CategoriesAs.TAGS
    named = (*(tag for each in items for tag in each.card.tags), *([leaf] if leaf and as_tags else []))
    tags = {tag.casefold(): tag for tag in reversed(named)}  # of those that Shopify takes for the same the first
    images = dict.fromkeys(url for each in items for url in each.card.image_urls)
    text = next((each.card.text for each in items if each.card.text), "")
    options = _option_names(items)
    return {
        "title": title,
        "handle": handle_of(title, _subject(items)),
        "html": "" if policy.description is FieldPolicy.NEVER else as_html(text),
        "tags": list(reversed(tags.values())),
        "collections": [leaf] if leaf and not as_tags else [],
        "images": [] if policy.images is FieldPolicy.NEVER else list(images),
        "options": options,
        "variants": [_variant(each, len(options)) for each in items],
    }


def _variant(item: NewItem, options: int) -> dict[str, Any]:
    values = [value for _, value in item.card.attributes]
    return {
        "item_id": item.card.item_id,
        "sku": item.sku,
        "barcode": item.barcode,
        "price": item.card.selling_price,
        "options": [*values, *[""] * options][:options],
    }


def _option_names(items: Sequence[NewItem]) -> list[str]:
    """Return what the options are called: as the attributes are, or by their place where they have no name."""
    if len(items) == 1 and not items[0].card.attributes:
        return []
    longest = max((each.card.attributes for each in items), key=len)
    return [name or f"Option {place}" for place, (name, _) in enumerate(longest, start=1)]


def _wrong(items: Sequence[NewItem], after: Mapping[str, Any]) -> tuple[str, str]:
    """Return the code and the reason why Shopify would not take it; two empty texts: it would."""
    if len(items) > MOST_VARIANTS:
        return "SH002", f"It has {len(items)} variants, and a product takes {MOST_VARIANTS}: split the matrix."
    if len(after["options"]) > MOST_OPTIONS:
        return "SH002", f"It has {len(after['options'])} options, and a product takes {MOST_OPTIONS}."
    linked = next((each for each in items if each.linked_matrix), None)
    if linked is not None:
        title = title_of(linked.card)
        return "SH003", f"“{title}” is sold in Shopify already: add this variant there, under the SKU {linked.sku}."
    wrong = wrong_title(after["title"]) or wrong_text(after["html"]) or wrong_tags(after["tags"])
    wrong = wrong or next((told for each in items if (told := _wrong_variant(each))), "")
    return ("SH003", wrong) if wrong else _twice(items, after)


def _wrong_variant(item: NewItem) -> str:
    wrong = wrong_sku(item.sku) or wrong_price(item.card.selling_price)
    wrong = wrong or next((told for pair in item.card.attributes if (told := wrong_option(*pair))), "")
    return f"{item.sku or item.card.title}: {wrong}" if wrong else ""


def _twice(items: Sequence[NewItem], after: Mapping[str, Any]) -> tuple[str, str]:
    """Look for variants that Shopify could not tell from each other, or that lack an option."""
    seen: dict[tuple[str, ...], str] = {}
    for item, variant in zip(items, after["variants"], strict=True):
        values = tuple(value.casefold() for value in variant["options"])
        if "" in values:
            return "SH003", f"{item.sku}: it lacks an attribute that others of its matrix have."
        if values in seen:
            return "SH003", f"{item.sku} and {seen[values]} have the same attributes: correct one in Lightspeed."
        seen[values] = item.sku
    return "", ""


def _prices(items: Sequence[NewItem]) -> str:
    asked = sorted({each.card.selling_price for each in items if each.card.selling_price is not None})
    if not asked:
        return ""
    return f" at {money(asked[0])}" + (f" to {money(asked[-1])}" if len(asked) > 1 else "")
