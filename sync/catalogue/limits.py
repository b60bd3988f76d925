"""What Shopify takes of a product, looked at before anything is sent; pure.

Each returns what is wrong as a sentence with its remedy, "" for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_VARIANTS = 2_048
MOST_OPTIONS = 3
_LONGEST_NAME = 255  # of a title, SKU, tag, option and its values
_LONGEST_TEXT = 512 * 1024  # bytes of a description
_MOST_TAGS = 250
_DEAREST = 10**11  # cents: a billion of any currency; no goods cost more


def wrong_title(title: str) -> str:
    """Look at a title."""
    if not title.strip():
        return "The title is blank: give the item a description in Lightspeed."
    return _too_long(title, "title")


def wrong_sku(sku: str) -> str:
    """Look at a SKU."""
    if not sku.strip():
        return "It has no SKU: give it a custom SKU in Lightspeed."
    return _too_long(sku, "SKU")


def wrong_price(cents: int | None) -> str:
    """Look at a price."""
    if cents is None:
        return "It has no price: set its price Default or Online in Lightspeed."
    if not 0 <= cents <= _DEAREST:
        return f"A price of {cents} cents cannot be: correct it in Lightspeed."
    return ""


def wrong_text(markup: str) -> str:
    """Look at a description."""
    if len(markup.encode()) > _LONGEST_TEXT:
        return f"The description is longer than {_LONGEST_TEXT // 1024} KB: shorten it in Lightspeed."
    return ""


def wrong_tags(tags: Sequence[str]) -> str:
    """Look at the tags that a product is to have."""
    if len(tags) > _MOST_TAGS:
        return f"A product takes {_MOST_TAGS} tags at most: remove some in Shopify."
    return next((wrong for tag in tags if (wrong := _too_long(tag, "tag"))), "")


def wrong_option(name: str, value: str) -> str:
    """Look at an option of a variant."""
    if not value.strip():
        return "One of its attributes is blank: fill it in in Lightspeed."
    return _too_long(name, "option") or _too_long(value, "option's value")


def _too_long(text: str, what: str) -> str:
    if len(text) <= _LONGEST_NAME:
        return ""
    return f"The {what} has {len(text)} characters, and Shopify takes {_LONGEST_NAME}: shorten it in Lightspeed."
