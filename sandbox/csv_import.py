"""Reads a product export as Shopify writes it (CSV), so that anyone can rehearse with their own shop.

Both sets of column names are understood: the one with `Handle` and `Variant SKU`, and the newer one with
`URL handle` and `SKU`. A product takes one row per variant and one per further picture; what belongs to the
product stands in its first row only.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from io import StringIO
from pathlib import Path

from sandbox.goods import Good

_FIELD_LIMIT = 4 * 1024 * 1024  # characters in one cell; a description may be long, the csv module stops at 131,072

_NAMES: Mapping[str, tuple[str, ...]] = {
    "handle": ("Handle", "URL handle"),
    "title": ("Title",),
    "description": ("Body (HTML)", "Body HTML", "Description"),
    "vendor": ("Vendor",),
    "taxonomy": ("Product Category",),
    "type": ("Type", "Custom Product Type", "Product Type"),
    "tags": ("Tags",),
    "status": ("Status",),
    "sku": ("Variant SKU", "SKU"),
    "barcode": ("Variant Barcode", "Barcode"),
    "tracker": ("Variant Inventory Tracker", "Inventory tracker"),
    "quantity": ("Variant Inventory Qty", "Inventory quantity"),
    "price": ("Variant Price", "Price"),
    "compare": ("Variant Compare At Price", "Compare-at price"),
    "cost": ("Cost per item",),
    "image": ("Image Src", "Product image URL", "Image source"),
    "variant image": ("Variant Image", "Variant image URL"),
    "gift card": ("Gift Card",),
    "name 1": ("Option1 Name",),
    "value 1": ("Option1 Value",),
    "name 2": ("Option2 Name",),
    "value 2": ("Option2 Value",),
    "name 3": ("Option3 Name",),
    "value 3": ("Option3 Value",),
}
"""What we read, under every name Shopify has given the column; upper and lower case do not matter."""

_STATUSES = ("ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED")


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: its cells by our names, and where it stands in the file."""

    line: int
    cells: Mapping[str, str]
    columns: Mapping[str, str]  # our name -> the file's

    def text(self, name: str) -> str:
        return self.cells.get(name, "").strip()

    def wrong(self, name: str, problem: str) -> ValueError:
        return ValueError(f"line {self.line}, column '{self.columns.get(name, name)}': {problem}")


@dataclass(slots=True)
class _Product:
    """The rows of one handle."""

    head: _Row
    variants: list[_Row] = field(default_factory=list)
    images: list[str] = field(default_factory=list)


def read_export(path: Path, *, mend: bool = False) -> list[Good]:
    """Return the goods of a Shopify product export, product by product in the file's order.

    A variant without a SKU keeps `online_sku=""`, and Lightspeed's item gets one made from handle and options;
    a SKU that occurred before makes the later variant online only. With `mend=True` every variant is tracked and
    has a SKU of its own on both sides, so that an export that could never be synced can still be rehearsed with.
    A negative quantity (oversold) opens Shopify below zero and the store at 0. Raises ValueError naming line and
    column where the file is broken, OSError where it cannot be read.
    """
    products: dict[str, _Product] = {}
    for row in _rows(path):
        _sort_in(row, products)
    if not products:
        raise ValueError("line 2: no products under the header")
    goods = [good for product in products.values() for good in _goods(product)]
    return _with_unique_skus(goods, mend=mend)


def _rows(path: Path) -> Iterator[_Row]:
    """Yield the rows under the header."""
    before = csv.field_size_limit(_FIELD_LIMIT)
    try:
        yield from _parse(_text(path.read_bytes()))
    finally:
        csv.field_size_limit(before)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        lines = content[: error.start].split(b"\n")
        place = f"line {len(lines)}, character {len(lines[-1]) + 1}"
        raise ValueError(f"{place}: not UTF-8 text; save the file as 'CSV UTF-8'") from error


def _parse(text: str) -> Iterator[_Row]:
    """Yield rows; `line` is where a row begins, which counts when cells hold line ends."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    columns: dict[str, int] | None = None
    header: Sequence[str] = ()
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ValueError(f"line {line}: {error}; is a quote missing, or the file cut off?") from error
        if cells is None:
            break
        if columns is None:
            header, columns = cells, _columns(cells)
        elif any(cells):
            yield _row(line, cells, header, columns)
    if columns is None:
        raise ValueError("line 1: the file is empty")


def _row(line: int, cells: Sequence[str], header: Sequence[str], columns: Mapping[str, int]) -> _Row:
    if len(cells) != len(header):
        place = header[len(cells)] if len(cells) < len(header) else header[-1]
        raise ValueError(
            f"line {line}, column '{place}': the row has {len(cells)} cells, the header {len(header)};"
            " is the file cut off, or is a quote missing?"
        )
    return _Row(
        line,
        {name: cells[place] for name, place in columns.items()},
        {name: header[place] for name, place in columns.items()},
    )


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Return where each of our columns stands; columns that are not ours are passed over."""
    places = {name.strip().lower(): place for place, name in reversed(list(enumerate(header)))}
    found = {
        ours: next(places[alias.lower()] for alias in aliases if alias.lower() in places)
        for ours, aliases in _NAMES.items()
        if any(alias.lower() in places for alias in aliases)
    }
    for ours in ("handle", "title", "price"):
        if ours not in found:
            hint = "; columns must be separated by commas" if len(header) == 1 else ""
            raise ValueError(f"line 1: no column {' or '.join(map(repr, _NAMES[ours]))}{hint}")
    return found


def _sort_in(row: _Row, products: dict[str, _Product]) -> None:
    """Put a row where it belongs: a variant, a picture, or both."""
    handle = row.text("handle")
    if not handle:
        raise row.wrong("handle", "empty; every row names its product")
    product = products.setdefault(handle, _Product(row))
    first = product.head is row
    if first and not row.text("title"):
        raise row.wrong("title", f"empty in the first row of '{handle}'")
    if first or any(row.text(name) for name in ("value 1", "value 2", "value 3", "sku", "price")):
        product.variants.append(row)
    image = row.text("image")
    if image and image not in product.images:
        product.images.append(image)


def _goods(product: _Product) -> Iterator[Good]:
    """Yield the variants of one product."""
    head = product.head
    status = (head.text("status") or "active").upper()
    if status not in _STATUSES:
        raise head.wrong("status", f"'{head.text('status')}' is not one of active, draft, archived, unlisted")
    gift_card = head.text("gift card").lower() == "true"
    for row in product.variants:
        quantity = _quantity(row)
        yield Good(
            sku=row.text("sku").removeprefix("'"),
            online_sku=row.cells.get("sku", "").removeprefix("'"),
            title=head.text("title"),
            handle=head.text("handle"),
            options=_options(head, row),
            price=_money(row, "price"),
            compare_at=_money(row, "compare") if row.text("compare") else None,
            cost=_money(row, "cost"),
            barcode=row.text("barcode").removeprefix("'"),
            vendor=head.text("vendor"),
            category=_category(head),
            description_html=head.cells.get("description", ""),
            tags=tuple(tag.strip() for tag in head.text("tags").split(",") if tag.strip()),
            image_urls=tuple(product.images) or tuple(filter(None, [row.text("variant image")])),
            stock=max(0, quantity),
            online_stock=quantity if quantity < 0 else None,
            archived=status == "ARCHIVED",
            item_type="non_inventory" if gift_card else "default",
            tracked=row.text("tracker").lower() == "shopify",
            status=status,
        )


def _category(head: _Row) -> str:
    """Return the shop's own type, or the last step of Shopify's taxonomy (`Food > Drinks > Kava`)."""
    return head.text("type") or head.text("taxonomy").rpartition(">")[2].strip() or "Uncategorised"


def _options(head: _Row, row: _Row) -> tuple[tuple[str, str], ...]:
    """Return the variant's options; a product without variants is exported as Title = Default Title."""
    options = []
    for number in ("1", "2", "3"):
        value = row.text(f"value {number}")
        name = row.text(f"name {number}") or head.text(f"name {number}")
        if value and not name:
            raise row.wrong(f"value {number}", f"'{value}' without an option name")
        if value and (name, value) != ("Title", "Default Title"):
            options.append((name, value))
    return tuple(options)


def _money(row: _Row, name: str) -> Decimal:
    text = row.text(name).removeprefix("'") or "0.00"
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise row.wrong(name, f"'{text}' is not an amount such as 12.50") from error
    if not amount.is_finite() or amount < 0:
        raise row.wrong(name, f"'{text}' is not an amount such as 12.50")
    return amount.quantize(Decimal("0.01"))


def _quantity(row: _Row) -> int:
    text = row.text("quantity").removeprefix("'") or "0"
    try:
        return int(text)
    except ValueError as error:
        raise row.wrong("quantity", f"'{text}' is not a whole number") from error


def _with_unique_skus(goods: Sequence[Good], *, mend: bool) -> list[Good]:
    """Give each good a name of its own; where Shopify's SKU already is one, it is left as it was typed."""
    typed_somewhere = {good.sku for good in goods}
    taken: set[str] = set()
    named = []
    for good in goods:
        made_up = not good.sku or good.sku in taken
        name = _free_name(_made_up(good), taken, typed_somewhere) if made_up else good.sku
        taken.add(name)
        online_sku = None if good.online_sku == name or (mend and made_up) else good.online_sku
        in_store = mend or not (good.sku and made_up)
        named.append(replace(good, sku=name, online_sku=online_sku, in_store=in_store, tracked=mend or good.tracked))
    return named


def _made_up(good: Good) -> str:
    """Return a SKU for a variant that has none: `gardening-gloves` in Green is GARDENING-GLOVES-GREEN."""
    words = [good.handle, *(value for _, value in good.options)]
    return "-".join("-".join(word.upper().split()) for word in words)


def _free_name(wanted: str, *taken: Collection[str]) -> str:
    """Return the name, or the name with the first free number behind it."""
    name, number = wanted, 1
    while any(name in names for names in taken):
        number += 1
        name = f"{wanted}-{number}"
    return name
