"""The page: everything is on it, and nothing that comes from the shops is more than text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from monitor.reports.page import SHOWN, Facts, headline, page_of, pieces
from sync.findings import Finding, FindingClass, Summary
from tests.monitor.reports.made import finding, hostile, summary

FACTS = Facts(store="wtfswag.myshopify.com", version="0.1.0")


def rendered(found: Sequence[Finding], told: Summary | None = None) -> str:
    stock = [each for each in found if each.difference and each.kind is FindingClass.STOCK_HIGHER]
    return "".join(pieces(page_of(told or summary(found), iter(found), stock, (5, 0), FACTS)))


class Seen(HTMLParser):
    """The tags and attributes of a page, and its texts outside of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_a_page_needs_nothing_else() -> None:
    page = rendered([finding(difference=5)])
    seen = Seen(page)
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & set(seen.tags)
    assert not {name for name, _ in seen.attributes} & {"src", "srcset", "style", "action", "formaction"}
    assert "url(" not in page
    assert "@import" not in page


def test_every_finding_stands_on_it_with_what_to_do() -> None:
    page = rendered(
        [finding(difference=5, product_id="gid://shopify/Product/42", equation={"L": 10, "Tk": 3, "target": 7})]
    )
    assert "1 difference between Lightspeed and Shopify" in page
    assert 'href="https://wtfswag.myshopify.com/admin/products/42"' in page
    assert "<code>lightspeed-sync why KAVA-1</code>" in page
    assert "L 10 + M 0 + Bk 0" in page
    assert "Proof of equality" not in page


def test_without_findings_it_is_a_proof_of_equality() -> None:
    page = rendered([])
    assert "Lightspeed and Shopify agree" in page
    assert "Proof of equality" in page
    assert 'id="findings"' not in page


def test_a_part_of_the_classes_proves_nothing() -> None:
    part = summary().narrowed((FindingClass.PRICE,))
    assert headline(part) == "Nothing found"
    assert "Proof of equality" not in rendered([], part)


def test_texts_from_the_shops_are_never_markup() -> None:
    clean, dirty = Seen(rendered([finding(kind) for kind in FindingClass])), Seen(rendered(hostile()))
    assert set(dirty.tags) <= set(clean.tags)
    assert dirty.tags.count("script") == 1
    assert "img" not in dirty.tags
    assert not [name for name, _ in dirty.attributes if name.startswith("on")]
    assert not [
        value for name, value in dirty.attributes if name == "href" and not str(value).startswith(("#", "https:"))
    ]


def test_texts_from_the_shops_lose_what_cannot_be_seen() -> None:
    page = rendered(hostile())
    assert not set(page) & {"\u202e", "\u0000", "\r"}
    assert "7*7" in page, "braces are text"


def test_a_page_holds_no_more_than_a_browser_can_sort() -> None:
    told = summary([finding()] * 3)
    counts = dict(told.counts) | {FindingClass.STOCK_HIGHER: SHOWN + 3}
    page = page_of(summary(counts=counts), iter([finding()] * (SHOWN + 3)), [], (0, 0), FACTS)
    assert page.hidden == 3
    assert sum(1 for _ in page.rows) == SHOWN


def test_no_text_of_the_page_is_left_untranslated() -> None:
    assert not re.search(r"\{\{|\{%|Undefined", rendered([finding()]))
