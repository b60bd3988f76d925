"""The report as one page of HTML that needs nothing else: it is read, sorted, filtered and printed as it is.

Whatever comes from the shops is escaped where it is filled in, and the page's policy lets no other script run than
its own, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from markupsafe import Markup

from monitor.channels.wording import TEMPLATES, clean, templates
from monitor.reports.charts import LABELS, STEP, WIDTH, Chart, by_class, by_units
from monitor.reports.rows import Row, address_of, row_of
from monitor.units import counted, written_duration, written_minute, written_second
from sync.findings import EXPLAINED, STOCK, Finding, FindingClass, Summary

SHOWN = 5_000  # findings on a page: a browser still sorts them at once; the other files have all
_IN_CHART = 10


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the page shows; `rows` may be gone through once."""

    summary: Summary
    store: str
    version: str
    headline: str
    classes: Chart
    units: Chart | None
    over: int
    under: int
    rows: Iterator[Row]

    @property
    def hidden(self) -> int:
        """Return how many findings the page leaves to the other files."""
        return max(0, self.summary.found - SHOWN)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report says of where it comes from."""

    store: str
    version: str


def page_of(
    summary: Summary, findings: Iterator[Finding], worst: Sequence[Finding], units: tuple[int, int], facts: Facts
) -> Page:
    """Return the page of a validation: `findings`, `worst` and `units` as `Shown` has them."""
    return Page(
        summary=summary,
        store=facts.store,
        version=facts.version,
        headline=headline(summary),
        classes=by_class(summary.counts),
        units=by_units(worst[:_IN_CHART]) if worst else None,
        over=units[0],
        under=units[1],
        rows=(row_of(each, facts.store) for each in islice(findings, SHOWN)),
    )


def headline(summary: Summary) -> str:
    """Return in one line what came of it."""
    if summary.found:
        return f"{counted(summary.found, 'difference')} between Lightspeed and Shopify"
    if summary.proves_equality:
        return "Lightspeed and Shopify agree"
    return "Nothing found"


def pieces(page: Page) -> Iterator[str]:
    """Yield the page's text a piece at a time."""
    stream = templates().get_template("report.html").stream(page=page, script=script(), **_WORDS)
    stream.enable_buffering(50)
    yield from stream


@cache
def script() -> Markup:
    """Return the page's own script."""
    return Markup((TEMPLATES / "report.js").read_text(encoding="utf-8"))  # noqa: S704 - a file of ours


@cache
def policy() -> str:
    """Return what a page may load and run: its own style, its own script, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )


def _between(began: datetime, ended: datetime) -> str:
    return written_duration(ended - began)


_WORDS: Mapping[str, Any] = {
    "policy": policy,
    "minute": written_minute,
    "second": written_second,
    "between": _between,
    "counted": counted,
    "clean": clean,
    "address": address_of,
    "stock": STOCK,
    "every": tuple(FindingClass),
    "explained": EXPLAINED,
    "chart_width": WIDTH,
    "chart_labels": LABELS,
    "chart_step": STEP,
}
