"""The lines of an export's file as rows, page by page: no more than one page of it is in memory.

With cards the collections are lines of their own, and may stand behind the variants they are told of. They are
gathered first: a tuple of titles for each variant, shared by all that lie in the same collections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Annotated, TypeVar

import msgspec

from sync.cards import ProductCard
from sync.errors import Code, Transient
from sync.model import LevelRow, VariantRow
from sync.shopify.cards import product_card, variant_card
from sync.shopify.levels import level_row
from sync.shopify.variants import variant_row
from sync.shopify.wire import price_of

_ROWS_A_PAGE = 500
_LONGEST_LINE = 2 * 1024 * 1024  # a description may have half a million characters; beyond this a line is no variant
_OF_A_PARENT = b'"__parentId":'  # within a text its quotes would be escaped

T = TypeVar("T")
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Quantity(msgspec.Struct, rename="camel"):
    name: str
    quantity: int
    updated_at: _Moment | None


class _Level(msgspec.Struct, rename="camel"):
    is_active: bool
    updated_at: _Moment
    quantities: list[_Quantity]


class _Product(msgspec.Struct, rename="camel"):
    id: str
    title: str
    status: str


class _Item(msgspec.Struct, rename="camel"):
    id: str
    tracked: bool
    inventory_level: _Level | None


class _Variant(msgspec.Struct, rename="camel"):
    id: str
    title: str
    sku: str | None
    barcode: str | None
    updated_at: _Moment
    product: _Product
    inventory_item: _Item
    price_text: str = msgspec.field(name="price")

    @property
    def price(self) -> int | None:
        return price_of(self.price_text)


class _Count(msgspec.Struct):
    count: int


class _Option(msgspec.Struct):
    name: str


class _Chosen(msgspec.Struct):
    name: str
    value: str


class _ProductWithCard(_Product, rename="camel"):
    description_html: str
    product_type: str
    tags: list[str]
    media_count: _Count | None
    options: list[_Option]


class _VariantWithCard(_Variant, rename="camel"):
    product: _ProductWithCard
    selected_options: list[_Chosen]
    compare_at_text: str | None = msgspec.field(name="compareAtPrice")

    @property
    def compare_at_price(self) -> int | None:
        return price_of(self.compare_at_text)


class _Collection(msgspec.Struct):
    title: str
    parent: str = msgspec.field(name="__parentId")


_VARIANT = msgspec.json.Decoder(_Variant)
_WITH_CARD = msgspec.json.Decoder(_VariantWithCard)
_COLLECTION = msgspec.json.Decoder(_Collection)


def lines_of(spool: IO[bytes]) -> Iterator[bytes]:
    """Yield the file's lines from its beginning, blank ones left out."""
    spool.seek(0)
    while line := spool.readline(_LONGEST_LINE):
        if line.strip():
            yield line


def pages_of(spool: IO[bytes]) -> Iterator[list[VariantRow]]:
    """Yield the rows of a file of variants; raises Transient (SH007) at a line that is none."""
    return _pages(lines_of(spool), _row)


def pages_with_cards(spool: IO[bytes]) -> Iterator[list[VariantRow]]:
    """Yield the rows of a file of variants and collections, with their cards; raises as `pages_of`."""
    reader = _CardReader(_collections_of(spool))
    return _pages((line for line in lines_of(spool) if _OF_A_PARENT not in line), reader.row)


def _pages(lines: Iterator[bytes], row: Callable[[bytes], VariantRow]) -> Iterator[list[VariantRow]]:
    while page := [row(line) for line in islice(lines, _ROWS_A_PAGE)]:
        yield page


def _row(line: bytes) -> VariantRow:
    variant = _decoded(_VARIANT, line)
    return variant_row(variant, _level_of(variant))


class _CardReader:
    """Makes rows with cards; variants of one product, which stand side by side, share its card."""

    def __init__(self, collections: dict[str, tuple[str, ...]]) -> None:
        self._collections = collections
        self._last: ProductCard | None = None

    def row(self, line: bytes) -> VariantRow:
        variant = _decoded(_WITH_CARD, line)
        card = variant_card(variant, self._product_of(variant))
        return variant_row(variant, _level_of(variant), card)

    def _product_of(self, variant: _VariantWithCard) -> ProductCard:
        product, known = variant.product, self._collections
        if self._last is None or self._last.product_id != product.id:
            # Told of the nearest object that has a line of its own, the variant; of the product it would be as true.
            self._last = product_card(product, known.get(variant.id) or known.get(product.id) or ())
        return self._last


def _collections_of(spool: IO[bytes]) -> dict[str, tuple[str, ...]]:
    """Return the titles of the collections by the id that they are told of."""
    found: dict[str, tuple[str, ...]] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    for line in lines_of(spool):
        if _OF_A_PARENT in line:
            each = _decoded(_COLLECTION, line)
            titles = (*found.get(each.parent, ()), each.title)
            found[each.parent] = shared.setdefault(titles, titles)
    return found


def _decoded(decoder: msgspec.json.Decoder[T], line: bytes) -> T:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):  # its text may quote the row
        raise Transient(Code.SH007, "A row of the export cannot be read.") from None


def _level_of(variant: _Variant) -> LevelRow | None:
    level, item = variant.inventory_item.inventory_level, variant.inventory_item
    if level is None:
        return None
    return level_row(item.id, level.quantities, level.updated_at, active=level.is_active)
