"""What a pass costs at the least, by the vendors' price lists; pure.

Lightspeed charges 1 unit a page, 0.4 more where each row brings a list. Shopify charges 1 point an object, and for a
list of n rows 2 points plus one row's price times the whole part of 2 ln n, by what was answered; 10 a mutation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sync.pacing import Bucket
from sync.plan import PlanCost
from sync.products import ProductChange

_ROWS_A_PAGE = 100  # Lightspeed's
_FEED_UNITS = 1.0
_ITEM_PAGE_UNITS = 1.4  # items with their stock
_ROWS_A_CALL = 250  # Shopify's
_LEVEL_POINTS = 3  # item, level, quantities
_WRITE_POINTS = 10
_EMPTY_FEED_POINTS = 2
_EXPORT = (4, 14)  # calls and points: to count locations, start it, look once whether it is finished, fetch its file
_ORDERS = (1, _EMPTY_FEED_POINTS)
_LEVELS = (1, 1 + _EMPTY_FEED_POINTS)  # the location, its list


def least_cost(
    items: int | None, rows: int, products: Sequence[ProductChange], buckets: Mapping[str, Bucket]
) -> PlanCost:
    """Return what it costs to carry out a plan of `rows` changes that reads `items` items whole; None: what changed.

    `products` are changes of product fields, each with its price. `buckets` are the vendors' quotas, by API, as far as
    they are known.
    """
    spent = [_ORDERS, *_again(rows), *_writes(rows), *((1, each.points) for each in products if not each.refusal)]
    pages, units = 1, _FEED_UNITS
    if items is None:
        spent += [_LEVELS, *_again(rows)]
    else:
        walked = max(1, math.ceil(items / _ROWS_A_PAGE)) + 1  # an empty page proves the end
        pages, units = walked + 2, walked * _ITEM_PAGE_UNITS + 2 * _FEED_UNITS  # the feed before and after it
        spent.append(_EXPORT)
    calls, points = (sum(figures) for figures in zip(*spent, strict=True))
    seconds = max(_imposed(units, buckets.get("lightspeed")), _imposed(points, buckets.get("shopify")))
    return PlanCost(pages + calls, round(units, 1), points, round(seconds, 1))


def _again(rows: int) -> list[tuple[int, int]]:
    """Return the calls that read level rows by their ids, with their points."""
    return [(1, 2 + _LEVEL_POINTS * max(1, math.floor(2 * math.log(size)))) for size in _calls(rows)]


def _writes(rows: int) -> list[tuple[int, int]]:
    return [(1, _WRITE_POINTS) for _ in _calls(rows)]


def _calls(rows: int) -> list[int]:
    """Return how many rows each call has."""
    return [min(_ROWS_A_CALL, rows - start) for start in range(0, rows, _ROWS_A_CALL)]


def _imposed(cost: float, bucket: Bucket | None) -> float:
    """Return for how many seconds a quota that is unused at first makes us wait."""
    return max(0.0, cost - bucket.size) / bucket.drip if bucket is not None and bucket.drip else 0.0
