"""Reading variants that changed: a closed window in time, walked by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from sync.errors import Code, Transient
from sync.model import LevelRow, VariantRow
from sync.pacing import Urgency
from sync.shopify.api import AdminApi
from sync.shopify.documents import VARIANTS_BY_ID, VARIANTS_CHANGED
from sync.shopify.pages import Page, Walk, changed
from sync.shopify.shapes import VariantsById, VariantsChanged
from sync.shopify.wire import parse

_PAGE = 250


def variants_walk(since: datetime, until: datetime | None) -> Walk[VariantsChanged, VariantRow]:
    """Return the walk over variants changed from `since` to before `until`, our present moment.

    Closed, because a variant that changes while the walk is under way may have been passed already: its change lies
    after the window, where no watermark taken from this walk can reach.
    """
    variables = {"query": changed(since, until)}
    return Walk("shopify.variants", VARIANTS_CHANGED, variables, _PAGE, VariantsChanged, _page, Urgency.BULK)


async def _page(answer: VariantsChanged) -> Page[VariantRow]:
    variants = answer.product_variants
    rows = [variant_row(node) for node in variants.nodes]
    return Page(rows, max((row.updated_at for row in rows), default=None), variants.page_info)


async def variants_of(api: AdminApi, variant_ids: Sequence[str]) -> dict[str, VariantRow]:
    """Return these variants as they are now, 250 a call; deleted ones are missing."""
    wanted = list(dict.fromkeys(variant_ids))
    found: dict[str, VariantRow] = {}
    for start in range(0, len(wanted), _PAGE):
        ids = wanted[start : start + _PAGE]
        answer = await api.read(VARIANTS_BY_ID, {"ids": ids}, partial(_by_id, len(ids)))
        found |= {node.id: variant_row(node) for node in answer.nodes if node is not None}
    return found


def _by_id(asked: int, data: Mapping[str, Any]) -> VariantsById:
    answer = parse(VariantsById, data)
    if len(answer.nodes) != asked:
        raise Transient(Code.SH013, f"Asked for {asked} variants, answered with {len(answer.nodes)}.")
    return answer


class _ProductLike(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def status(self) -> str: ...


class _ItemLike(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def tracked(self) -> bool: ...


class VariantLike(Protocol):
    """A variant, as pydantic or msgspec read it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def sku(self) -> str | None: ...  # noqa: D102
    @property
    def barcode(self) -> str | None: ...  # noqa: D102
    @property
    def price(self) -> int | None: ...  # noqa: D102
    @property
    def updated_at(self) -> datetime: ...  # noqa: D102
    @property
    def product(self) -> _ProductLike: ...  # noqa: D102
    @property
    def inventory_item(self) -> _ItemLike: ...  # noqa: D102


def variant_row(node: VariantLike, level: LevelRow | None = None) -> VariantRow:
    """Return the row of one variant."""
    return VariantRow(
        variant_id=node.id,
        product_id=node.product.id,
        inventory_item_id=node.inventory_item.id,
        sku=node.sku or "",
        barcode=node.barcode or "",
        title=node.title,
        product_title=node.product.title,
        product_status=node.product.status,
        tracked=node.inventory_item.tracked,
        updated_at=node.updated_at,
        price=node.price,
        level=level,
    )
