"""Geometry of the report's charts; the page draws them as SVG. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.channels.wording import clean
from monitor.reports.rows import group_of
from sync.findings import Finding, FindingClass

WIDTH = 640.0
LABELS = 200.0  # of it, for what stands left of the bars
_VALUES = 56.0  # and right of them
STEP = 28.0  # from one bar to the next
_THICK = 16.0
_LONGEST_LABEL = 24
_LEAST = 2.0  # a bar that stands for something can be seen


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it lies, what it is called, what it says."""

    label: str
    value: str
    group: str
    x: float
    y: float
    width: float
    height: float
    value_x: float
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars in a frame of WIDTH x `height`; `axis` is where zero lies."""

    bars: tuple[Bar, ...]
    height: float
    axis: float


def by_class(counts: Mapping[FindingClass, int]) -> Chart:
    """Return how many findings there are of each class."""
    room = WIDTH - LABELS - _VALUES
    most = max(counts.values(), default=0) or 1

    def bars() -> Iterator[Bar]:
        for place, (kind, count) in enumerate(counts.items()):
            width = max(_LEAST, room * count / most) if count else 0.0
            y = place * STEP + (STEP - _THICK) / 2
            yield Bar(kind.label, str(count), group_of(kind), LABELS, y, width, _THICK, LABELS + width + 8)

    return Chart(tuple(bars()), STEP * len(counts), LABELS)


def by_units(found: Sequence[Finding]) -> Chart:
    """Return by how many units Shopify's numbers are off, too few to the left, too many to the right."""
    half = (WIDTH - LABELS - 2 * _VALUES) / 2
    axis = LABELS + _VALUES + half
    most = max((abs(each.difference or 0) for each in found), default=0) or 1

    def bars() -> Iterator[Bar]:
        for place, each in enumerate(found):
            units = each.difference or 0
            width = max(_LEAST, half * abs(units) / most)
            y = place * STEP + (STEP - _THICK) / 2
            x, end, anchor = (axis, axis + width + 8, "start") if units > 0 else (axis - width, axis - width - 8, "end")
            value = f"+{units}" if units > 0 else f"−{-units}"  # noqa: RUF001 - a minus sign
            group = "over" if units > 0 else "under"
            yield Bar(clean(each.sku, _LONGEST_LABEL), value, group, x, y, width, _THICK, end, anchor)

    return Chart(tuple(bars()), STEP * len(found), axis)
