"""Reading variants that changed: a closed window in time, walked by id."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from sync.cards import VariantCard
from sync.errors import Code, Transient
from sync.model import LevelRow, VariantRow
from sync.pacing import Urgency
from sync.shopify.api import AdminApi
from sync.shopify.cards import product_card, variant_card
from sync.shopify.documents import (
    VARIANT_CARDS_BY_ID,
    VARIANT_CARDS_CHANGED,
    VARIANTS_BY_ID,
    VARIANTS_CHANGED,
    Document,
)
from sync.shopify.pages import Page, Walk, changed
from sync.shopify.shapes import (
    VariantCardsById,
    VariantCardsChanged,
    VariantsById,
    VariantsChanged,
    VariantWithCard,
)
from sync.shopify.wire import Wire, parse

_PAGE = 250
_CARDS_BY_ID = 50  # 14 points each if every id counts

M = TypeVar("M", bound=Wire)


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


def variant_cards_walk(since: datetime, until: datetime | None) -> Walk[VariantCardsChanged, VariantRow]:
    """Return the same walk with cards."""
    variables = {"query": changed(since, until)}
    return Walk(
        "shopify.variants", VARIANT_CARDS_CHANGED, variables, _PAGE, VariantCardsChanged, _cards_page, Urgency.BULK
    )


async def _cards_page(answer: VariantCardsChanged) -> Page[VariantRow]:
    variants = answer.product_variants
    rows = [row_with_card(node) for node in variants.nodes]
    return Page(rows, max((row.updated_at for row in rows), default=None), variants.page_info)


async def variants_of(api: AdminApi, variant_ids: Sequence[str]) -> dict[str, VariantRow]:
    """Return these variants as they are now, 250 a call; deleted ones are missing."""
    answers = nodes_of(api, VARIANTS_BY_ID, VariantsById, variant_ids, _PAGE)
    return {node.id: variant_row(node) async for answer in answers for node in answer.nodes if node is not None}


async def variants_with_cards(api: AdminApi, variant_ids: Sequence[str]) -> dict[str, VariantRow]:
    """Return these variants with their cards as they are now, 50 a call; deleted ones are missing."""
    answers = nodes_of(api, VARIANT_CARDS_BY_ID, VariantCardsById, variant_ids, _CARDS_BY_ID)
    return {node.id: row_with_card(node) async for answer in answers for node in answer.nodes if node is not None}


async def nodes_of(
    api: AdminApi, document: Document, shape: type[M], ids: Sequence[str], at_once: int
) -> AsyncIterator[M]:
    """Yield the answers to a point read of these ids, so many of them a call."""
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), at_once):
        some = wanted[start : start + at_once]
        yield await api.read(document, {"ids": some}, partial(_by_id, shape, len(some)))


def _by_id(shape: type[M], asked: int, data: Mapping[str, Any]) -> M:
    answered = len(data.get("nodes") or ())
    answer = parse(shape, data)
    if answered != asked:
        raise Transient(Code.SH013, f"Asked for {asked} rows, answered with {answered}.")
    return answer


def row_with_card(node: VariantWithCard) -> VariantRow:
    """Return the row of one variant with its card."""
    collections = [each.title for each in node.product.collections.nodes]
    return variant_row(node, card=variant_card(node, product_card(node.product, collections)))


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


def variant_row(node: VariantLike, level: LevelRow | None = None, card: VariantCard | None = None) -> VariantRow:
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
        card=card,
    )
