"""Which changes matter most: goods that sell well, and of these first what is nearly sold out; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from sync.plan import PlannedChange

SELLING_DAYS = timedelta(days=30)
"""How far back sales make a best seller."""
_FEW = 5  # units: nearly sold out, however slowly
_SOON = 7  # days for which stock lasts: nearly sold out, however much there is


class Rank(IntEnum):
    """What comes first."""

    SELLING_OUT = 0  # it sells, and will soon be gone, by the number that is shown or that is right
    SELLING = 1
    LOW = 2  # little is left, and nothing was sold
    REST = 3


@dataclass(frozen=True, slots=True)
class Ranking:
    """Puts changes in order, by the units sold of each link in `SELLING_DAYS`."""

    sold: Mapping[int, int]

    def __call__(self, change: PlannedChange) -> tuple[int, int, int, str]:
        """Return what a change is sorted by, least first."""
        sold, left = self.sold.get(change.link_id, 0), min(change.before, change.after)
        return rank(sold, left), -sold, left, change.sku


def rank(sold: int, left: int) -> Rank:
    """Return how much goods matter of which so many units were `sold` in 30 days, and so many are left."""
    low = left <= _FEW or left * SELLING_DAYS.days <= sold * _SOON
    if sold > 0:
        return Rank.SELLING_OUT if low else Rank.SELLING
    return Rank.LOW if low else Rank.REST
