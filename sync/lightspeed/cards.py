"""What Lightspeed tells of items beside their stock, as the cards that are compared; pure.

Relations that hold what is wanted cost most of a reading, so only those are loaded; the paths of categories come from
one list. What hangs on a matrix itself (pictures, texts) is not read: only its items are sold.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from sync.cards import ItemCard, Named, matrix_title_of
from sync.lightspeed.card_wire import ItemAttributes, ItemWithCard

RELATIONS = ("Images", "ItemECommerce", "TagRelations.Tag", "ItemAttributes.ItemAttributeSet")
COMPARED = ("Images", "ItemECommerce", "ItemAttributes")  # no more than is compared: a quarter cheaper
_DEFAULT, _ONLINE = "1", "3"  # levels of price
_NONE = "0"  # a foreign key that is not set


def card_of(item: ItemWithCard, categories: Mapping[str, str], *, whole: bool = True) -> ItemCard:
    """Return the card of one item; `categories` are their paths by id, one that is unknown counts as none.

    `whole` says that all RELATIONS were read, and not COMPARED only.
    """
    attributes = _attributes_of(item.attributes)
    in_matrix = item.matrix_id != _NONE
    return ItemCard(
        item_id=item.item_id,
        title=item.description,
        price=_price(item, _DEFAULT),
        online_price=_price(item, _ONLINE),
        text=_text_of(item),
        category=categories.get(item.category_id, ""),
        tags=tuple(each.tag.name for each in item.tags or () if each.tag is not None and each.tag.name),
        image_urls=tuple(image.url for image in sorted(item.images or (), key=lambda each: each.ordering) if image.url),
        matrix_id=item.matrix_id if in_matrix else "",
        matrix_title=matrix_title_of(item.description, tuple(value for _, value in attributes)) if in_matrix else "",
        attributes=attributes,
        whole=whole,
    )


def _price(item: ItemWithCard, level: str) -> int | None:
    """Return a level's price in cents, rounded; None where it is missing, zero or below."""
    amounts = [each.amount for each in item.prices or () if each.level == level and each.amount is not None]
    cents = int((amounts[0] * 100).quantize(Decimal(1), ROUND_HALF_UP)) if amounts else 0
    return cents if cents > 0 else None


def _text_of(item: ItemWithCard) -> str:
    commerce = item.commerce
    return "" if commerce is None else commerce.long.strip() or commerce.short.strip()


def _attributes_of(found: ItemAttributes | None) -> Named:
    """Return what an item has of its matrix's attributes, with their names as far as those were told."""
    if found is None:
        return ()
    names = ("", "", "") if found.names is None else (found.names.first, found.names.second, found.names.third)
    pairs = zip(names, (found.first, found.second, found.third), strict=True)
    return tuple((name.strip(), value.strip()) for name, value in pairs if value.strip())
