"""Findings as rows of a report: their texts made safe and short, their numbers written for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.channels.wording import clean
from sync.findings import FIELDS, STOCK, Finding, FindingClass

_LONGEST = 400  # characters of a foreign text that is shown
_LONGEST_VALUE = 160
_NUMBER = re.compile(r"gid://shopify/Product/(\d+)")
_TERMS = ("L", "M", "Bk", "B", "Tk", "u", "U")
_SIGNS = ("", " + ", " + ", " − ", " − ", " − ", " − ")  # noqa: RUF001 - a minus sign, as people read it


@dataclass(frozen=True, slots=True)
class Row:
    """One finding as a page shows it. `group` is stock, fields or links; `address` "" where it has none in Shopify."""

    kind: FindingClass
    group: str
    sku: str
    subject: str
    lightspeed: str
    shopify: str
    difference: str
    sentence: str
    remedy: str
    equation: str
    also: str
    address: str
    amount: int | None


def group_of(kind: FindingClass) -> str:
    """Return to which of three groups a class belongs."""
    if kind in STOCK:
        return "stock"
    return "fields" if kind in FIELDS else "links"


def row_of(finding: Finding, store: str) -> Row:
    """Return a finding as a row; `store` is the domain of the Shopify store."""
    return Row(
        kind=finding.kind,
        group=group_of(finding.kind),
        sku=clean(finding.sku, _LONGEST_VALUE),
        subject=clean(finding.subject, _LONGEST_VALUE),
        lightspeed=clean(finding.lightspeed, _LONGEST_VALUE),
        shopify=clean(finding.shopify, _LONGEST_VALUE),
        difference=written_difference(finding),
        sentence=clean(finding.sentence, _LONGEST),
        remedy=clean(finding.remedy, _LONGEST),
        equation=equation_of(finding.equation),
        also=clean(", ".join(finding.also), _LONGEST_VALUE),
        address=address_of(finding.product_id, store),
        amount=finding.difference,
    )


def written_difference(finding: Finding) -> str:
    """Return a difference with its sign: units of stock, or money; "" where there is none."""
    if finding.difference is None:
        return ""
    sign = "+" if finding.difference > 0 else "−" if finding.difference < 0 else ""  # noqa: RUF001
    size = abs(finding.difference)
    return f"{sign}{size}" if finding.kind in STOCK else f"{sign}{size // 100}.{size % 100:02d}"


def equation_of(numbers: Mapping[str, int]) -> str:
    """Return the equation of a stock finding as a line, "" for another; its letters are those of `why`."""
    if not numbers:
        return ""
    terms = "".join(f"{sign}{term} {numbers.get(term, 0)}" for sign, term in zip(_SIGNS, _TERMS, strict=True))
    return f"{terms} → {numbers.get('target', 0)}"


def address_of(product_id: str, store: str) -> str:
    """Return where a product is edited in Shopify's admin; "" for anything that is no product's id."""
    found = _NUMBER.fullmatch(product_id)
    return f"https://{store}/admin/products/{found[1]}" if found else ""
