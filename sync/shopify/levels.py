"""Reading stock levels: the feed of what changed, and the point read of known items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from sync.errors import Code, Permanent, Transient
from sync.model import LevelRow
from sync.shopify.answers import Unproven
from sync.shopify.api import AdminApi
from sync.shopify.documents import LEVELS_CHANGED, LEVELS_OF_ITEMS
from sync.shopify.pages import Page, Walk, changed
from sync.shopify.shapes import LevelsChanged, LevelsOfItems
from sync.shopify.wire import parse

MOST_IDS = 250  # of any list argument


class QuantityLike(Protocol):
    """A quantity, as pydantic or msgspec read it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def quantity(self) -> int: ...  # noqa: D102
    @property
    def updated_at(self) -> datetime | None: ...  # noqa: D102


_STATES = ("available", "committed", "reserved", "safety_stock", "damaged", "quality_control")


def level_row(item_id: str, quantities: Iterable[QuantityLike], updated_at: datetime, *, active: bool) -> LevelRow:
    """Return the row of one level; a state that is missing makes the answer unreadable, it is never taken for 0."""
    by_name = {one.name: one for one in quantities}
    missing = [name for name in _STATES if name not in by_name]
    if missing:
        raise Unproven(Code.SH007, f"A stock level lacks {', '.join(missing)}.")
    touched = by_name["available"].updated_at
    return LevelRow(
        inventory_item_id=item_id,
        **{name: by_name[name].quantity for name in _STATES},
        updated_at=touched if touched is not None else updated_at,
        level_updated_at=updated_at,
        active=active,
    )


def levels_walk(location_id: str, since: datetime, until: datetime | None) -> Walk[LevelsChanged, LevelRow]:
    """Return the walk over our location's levels that changed at or after `since` and before `until`, if any.

    The feed is a search index without an order by time; the caller's overlap covers its lag and the walk's length.
    """
    variables = {"locationId": location_id, "query": changed(since, until)}
    return Walk("shopify.levels", LEVELS_CHANGED, variables, MOST_IDS, LevelsChanged, _page)


async def _page(answer: LevelsChanged) -> Page[LevelRow]:
    location = answer.location
    if location is None:
        raise Permanent(Code.SH008, "The location does not exist: check SHOPIFY_LOCATION_ID.")
    nodes = location.inventory_levels.nodes
    rows = [level_row(node.item.id, node.quantities, node.updated_at, active=node.is_active) for node in nodes]
    newest = max((row.level_updated_at for row in rows), default=None)
    return Page(rows, newest, location.inventory_levels.page_info)


async def levels_of(api: AdminApi, location_id: str, item_ids: Sequence[str]) -> dict[str, LevelRow]:
    """Return the present levels of these items by item id; items that are gone or not stocked here are missing."""
    wanted = list(dict.fromkeys(item_ids))
    found: dict[str, LevelRow] = {}
    for start in range(0, len(wanted), MOST_IDS):
        ids = wanted[start : start + MOST_IDS]
        variables = {"ids": ids, "locationId": location_id}
        found |= await api.read(LEVELS_OF_ITEMS, variables, partial(_levels, len(ids)))
    return found


def _levels(asked: int, data: Mapping[str, Any]) -> dict[str, LevelRow]:
    nodes = parse(LevelsOfItems, data).nodes
    if len(nodes) != asked:
        raise Transient(Code.SH013, f"Asked for {asked} items, answered with {len(nodes)}.")
    return {
        node.id: level_row(node.id, level.quantities, level.updated_at, active=level.is_active)
        for node in nodes
        if node is not None and (level := node.inventory_level) is not None
    }
