"""How texts of two catalogues are compared: SKUs as typed and as misread, barcodes, titles; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

SHORTEST = 4  # characters from which on one edit counts as near ...
_LONG = 8  # ... and two
_BLANKS = re.compile(r"\s+")
_ODD = re.compile(r"[^0-9a-z]+")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
# What people read as the same: o and 0; i, l and 1; Cyrillic and Greek letters that look Latin.
_LOOKALIKES = str.maketrans(
    "oil\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0455\u043a\u043c\u0442\u0432\u043d\u0131\u03bf\u03b1\u03c1",
    "011ae0pcxy1skmtbh10ap",
)


def sku_key(text: str) -> str:
    """Return the form in which SKUs are compared: NFKC, trimmed, without case, blanks within as one."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", folded)).strip()


def blurred(sku: str) -> str:
    """Return a SKU as a hurried reader sees it: look-alikes as one, no punctuation, no leading zeros."""
    return _ZEROS.sub("", _ODD.sub("", sku_key(sku).translate(_LOOKALIKES)))


def within_two_edits(key: str, texts: Sequence[str], most: int) -> Sequence[tuple[int, int]]:
    """Return up to `most` of the texts that an edit or two would make equal to `key`: places and edits, nearest first.

    Of a short text only one edit counts, and of one shorter than `SHORTEST` none.
    """
    if len(key) < SHORTEST or not texts:
        return []
    edits = 2 if len(key) >= _LONG else 1
    found = process.extract(key, texts, scorer=OSA.distance, score_cutoff=edits, limit=most)
    return [(place, int(distance)) for _, distance, place in found]


class Slip(StrEnum):
    """How two SKUs that are not the same differ, in the words of a person's reason."""

    NONE = "the same SKU but for case, blanks, punctuation, leading zeros or look-alikes"
    SWAPPED = "two neighbouring signs of the SKU are exchanged"
    LOST = "one sign of the SKU is missing or too many"
    MISTYPED = "one sign of the SKU differs"
    NUMBER = "a number in the SKU differs by one digit"  # as the next article of a series does
    TWO = "two signs of the SKU differ"


def slip(one: str, other: str) -> Slip | None:
    """Return how two blurred SKUs differ; None: by more than a slip, or one is too short to tell."""
    if not one or not other:
        return None
    if one == other:
        return Slip.NONE
    if min(len(one), len(other)) < SHORTEST:
        return None
    distance = OSA.distance(one, other, score_cutoff=2)
    if distance == 1:
        return _single(one, other)
    return Slip.TWO if distance == 2 and min(len(one), len(other)) >= _LONG else None  # noqa: PLR2004 - the two


def _single(one: str, other: str) -> Slip:
    """Tell which of the single edits makes two texts equal."""
    at = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    if len(one) != len(other):
        longer = max(one, other, key=len)
        return Slip.NUMBER if longer[at].isdigit() else Slip.LOST
    if one[at + 1 :] != other[at + 1 :]:
        return Slip.SWAPPED
    return Slip.NUMBER if one[at].isdigit() and other[at].isdigit() else Slip.MISTYPED


# --- barcodes ---

_GTIN = 14  # digits of the longest kind; the shorter ones are the same number with zeros before it
_LENGTHS = (8, 11, 12, 13, 14)  # EAN-8, UPC-A without its first zero, UPC-A, EAN-13, GTIN-14
_UNCHECKED = 11  # digits of a UPC-A whose check digit was left out
_BETWEEN = re.compile(r"[\s\-]+")


def check_digit(digits: str) -> str:
    """Return the check digit of a barcode whose other digits are these."""
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-weighted % 10)


def barcode(text: str) -> str:
    """Return the number of a UPC or EAN, "" for anything else: UPC-A and EAN-13 of the same goods have the same one.

    Only a right check digit makes digits a barcode; where it was left out of a UPC-A, it is put there.
    """
    digits = _BETWEEN.sub("", unicodedata.normalize("NFKC", text))
    if not (digits.isascii() and digits.isdigit() and len(digits) in _LENGTHS):
        return ""
    whole = digits.rjust(_GTIN, "0")
    if check_digit(whole[:-1]) == whole[-1]:
        return digits.lstrip("0")
    return (digits + check_digit(digits)).lstrip("0") if len(digits) == _UNCHECKED else ""


# --- titles ---

_WORD = re.compile(r"[0-9]+(?:[.,][0-9]+)?|[a-z]+")
_UNITS = frozenset(
    [
        "mg",
        "g",
        "kg",
        "oz",
        "lb",
        "lbs",
        "ml",
        "l",
        "cl",
        "ct",
        "pk",
        "pack",
        "pcs",
        "count",
        "mm",
        "cm",
        "in",
        "xl",
        "x",
    ]
)
_SIZES = frozenset(["xxs", "xs", "s", "m", "l", "xl", "xxl", "2xl", "3xl", "4xl", "small", "medium", "large", "single"])


def words(text: str) -> tuple[str, ...]:
    """Return a title's words, without case, accents and punctuation; a number and its unit are one word."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    found: list[str] = []
    for word in _WORD.findall(plain):
        number = word[0].isdigit()
        if not number and word in _UNITS and found and found[-1][0].isdigit() and found[-1][-1].isdigit():
            found[-1] += word
        else:
            found.append(word.replace(",", ".") if number else word)
    return tuple(found)


def in_order(title: Sequence[str]) -> str:
    """Return a title's words as one text, in alphabetical order: their order says nothing."""
    return " ".join(sorted(title))


def title_likeness(one: str, other: str) -> float:
    """Return from 0 to 1 how alike two titles are, each as `in_order` has it; 0 where either has no words."""
    return fuzz.ratio(one, other) / 100 if one and other else 0.0


def measures(title: Sequence[str]) -> frozenset[str]:
    """Return the words of a title that tell one size from another: numbers with or without a unit, clothing sizes."""
    return frozenset(word for word in title if word[0].isdigit() or word in _SIZES)


def sizes_differ(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether each side's `measures` name a size that the other's do not."""
    return bool(one - other and other - one)
