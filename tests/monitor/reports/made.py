"""Findings and summaries as tests of reports need them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sync.findings import Finding, FindingClass, Seller, Summary, WholeReading

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    '=HYPERLINK("http://x")',
    "a\u202eb\u0000c\r\nd",
    "<!-- --> ]]> &amp; '",
)


def finding(kind: FindingClass = FindingClass.STOCK_HIGHER, sku: str = "KAVA-1", **values: object) -> Finding:
    """Return a finding."""
    made = {
        "subject": "Noble Kava, 8 oz",
        "lightspeed": "7",
        "shopify": "12",
        "sentence": "Shopify offers 12 and should offer 7: 5 units too many.",
        "remedy": "The next sync corrects it; `lightspeed-sync why KAVA-1` tells how it came about.",
    }
    return Finding(kind=kind, sku=sku, **(made | values))  # type: ignore[arg-type]


def summary(found: Sequence[Finding] = (), **values: object) -> Summary:
    """Return the summary of a validation that found these."""
    counts = Counter(each.kind for each in found)
    made = {
        "validation_id": 7,
        "started_at": NOON - timedelta(seconds=83),
        "finished_at": NOON,
        "classes": tuple(FindingClass),
        "counts": {kind: counts[kind] for kind in FindingClass},
        "compared": {"links": 120, "products": 40},
        "explained": {"differ and are right": 3, "online orders": 2, "set aside in Shopify": 1},
        "left_out": {"kits, boxes and services": 2},
        "readings": (
            WholeReading("lightspeed.Item.all", 130, 2, NOON - timedelta(seconds=80), NOON - timedelta(seconds=20)),
            WholeReading("shopify.export", 125, 1, NOON - timedelta(seconds=80), NOON - timedelta(seconds=60)),
        ),
        "sellers": (Seller(1, "KAVA-1", "Noble Kava, 8 oz", 31, 7, 12, (FindingClass.STOCK_HIGHER,)),),
    }
    return Summary(**(made | values))  # type: ignore[arg-type]


def hostile() -> list[Finding]:
    """Return findings of every class whose texts try to be markup, script or a formula."""
    texts = [HOSTILE[place % len(HOSTILE)] for place in range(len(FindingClass))]
    return [
        finding(
            kind,
            text,
            subject=text,
            lightspeed=text,
            shopify=text,
            sentence=text,
            remedy=f"`{text}`",
            product_id=text,
            also=(text,),
            difference=-5,
        )
        for kind, text in zip(FindingClass, texts, strict=True)
    ]
