"""Decides which Lightspeed document a Shopify order still needs, and why it needs none; pure.

An order is booked when two sums agree. Per line, the units in our confirmed documents equal the units *taken*:
placed less what Shopify put back. And over all documents, the money equals what the order is worth now. Whatever
is missing becomes the next document, whoever came first: an order that is booked and then cancelled ends with the
same sums as one that is cancelled and then booked.

Goods move stock and are priced in whole cents. Everything else is money only, on a Lightspeed item of its own that
keeps no stock: shipping, tax, tips, and what was given back for goods that did not come back (`ADJUSTMENT`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sync.errors import Code
from sync.model import OrderMoney, SaleDraft, SaleLineDraft, SaleRow


class Charge(StrEnum):
    """What a document's line is for. Only goods move stock."""

    GOODS = "goods"
    UNLINKED = "goods without a link"
    ELSEWHERE = "goods of another location"
    GIFT_CARD = "gift card"
    SHIPPING = "shipping"
    TAX = "tax"
    TIP = "tip"
    FEES = "fees"
    ADJUSTMENT = "money given back"


@dataclass(frozen=True, slots=True)
class BookingItems:
    """The Lightspeed items that carry money without goods, by id; "" where none is set.

    Without one for tax, Lightspeed computes the tax of the goods itself.
    """

    shipping: str = ""
    tax: str = ""
    other: str = ""
    unlinked: str = ""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line of a document: signed units and the signed cents of all of them, tax left out.

    `item_id` is "" for tax that Lightspeed computes itself: it is expected, not sent.
    """

    charge: Charge
    line_id: str
    item_id: str
    units: int
    cents: int
    inventory_item_id: str = ""
    taxed: bool = False
    sale_line_id: str = ""  # of a posted line
    parent_line_id: str = ""  # the sale line whose goods this one takes back


@dataclass(frozen=True, slots=True)
class Document:
    """One Lightspeed sale that an order needs, the `n`-th of it."""

    n: int
    reference: str
    lines: tuple[DocumentLine, ...]
    untaxed: bool

    @property
    def total(self) -> int:
        """Return what the sale has to come to, in cents, tax included."""
        return sum(line.cents for line in self.lines)

    @property
    def summary(self) -> str:
        """Return in a few words what it books."""
        units = sum(line.units for line in self.lines if line.charge is Charge.GOODS)
        return f"{units} unit{'' if abs(units) == 1 else 's'} of goods, {amount(self.total)} in all"

    def draft(self) -> SaleDraft:
        """Return the sale to be made, each line at a price of whole cents."""
        lines = [draft for line in self.lines if line.item_id for draft in _drafts(line)]
        return SaleDraft(self.reference, tuple(lines), untaxed=self.untaxed)

    def fits(self, sale: SaleRow) -> bool:
        """Tell whether a sale found under our reference has just the lines of this document."""
        drafted: dict[str, int] = {}
        for line in self.draft().lines:
            drafted[line.item_id] = drafted.get(line.item_id, 0) + line.units
        found: dict[str, int] = {}
        for row in sale.lines:
            found[row.item_id] = found.get(row.item_id, 0) + row.units
        return drafted == found

    def is_booked_by(self, sale: SaleRow) -> bool:
        """Tell whether a completed sale has just the lines and the total of this document."""
        return self.fits(sale) and sale.total == self.total and sale.reference == self.reference


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One order line as the ledger knows it. `item_id` is the linked Lightspeed item, "" without a confirmed link."""

    line_id: str
    inventory_item_id: str
    sku: str
    quantity: int
    placed: int
    restocked: int
    cents: int
    item_id: str
    taxed: bool = False
    gift_card: bool = False
    outside: int = 0  # units that are in Lightspeed without a document of ours

    @property
    def taken(self) -> int:
        """Return the units that must leave Lightspeed's stock."""
        return self.placed - self.restocked

    def worth(self, units: int) -> int:
        """Return the price of some of the line's units in cents, half a cent rounded up; exact for all of them."""
        return (2 * self.cents * units + self.quantity) // (2 * self.quantity) if self.quantity else 0


@dataclass(frozen=True, slots=True)
class OrderStory:
    """What the ledger knows of one order; `booked` are the lines of its posted documents, `made` how many it has."""

    order_id: str
    name: str
    number: str
    money: OrderMoney | None
    lines: tuple[StoryLine, ...]
    booked: tuple[DocumentLine, ...] = ()
    made: int = 0
    test: bool = False
    booked_outside: bool = False  # from before the cut-over, or closed by a person who named its sale
    cancelled: bool = False
    lost: bool = False  # gone from Shopify
    unreadable: str = ""
    held: str = ""  # why nothing more is booked until a person says so


class Need(StrEnum):
    """What an order needs next."""

    DOCUMENT = "a document"
    NOTHING = "booked"
    CANCELLED = "cancelled before anything was booked"
    EXEMPT = "never booked: a test order, or from before the cut-over"
    PERSON = "a person must look"
    REPAIR = "it cannot be read"


@dataclass(frozen=True, slots=True)
class Step:
    """The decision on one order; `document` is there for DOCUMENT, a code and its detail for PERSON and REPAIR."""

    need: Need
    document: Document | None = None
    code: Code | None = None
    detail: str = ""


def next_step(order: OrderStory, items: BookingItems) -> Step:
    """Return what an order needs next; see the module's own text."""
    if order.test or order.booked_outside:
        return Step(Need.EXEMPT)
    if order.held:
        return Step(Need.PERSON, code=Code.OR008, detail=order.held)
    if order.unreadable or order.money is None:
        return Step(Need.REPAIR, code=Code.OR006, detail=order.unreadable or "Its money was never read.")
    unlinked = [line for line in order.lines if _unlinked(line) and line.taken]
    if unlinked and not items.unlinked:
        return Step(Need.PERSON, code=Code.OR003, detail=f"Not linked: {', '.join(_names(unlinked))}.")
    books = _Books.of(order.booked)
    lines = list(_missing(order.lines, order.money, books))
    rest = order.money.net - books.total - sum(line.cents for line in lines)
    if rest and not (order.money.touched or order.booked):
        return Step(Need.PERSON, code=Code.OR004, detail=f"{order.name}: its parts miss its total by {amount(rest)}.")
    lines += [_money(Charge.ADJUSTMENT, rest)] if rest else []
    if not lines:
        return Step(Need.CANCELLED if order.cancelled and not order.made else Need.NOTHING)
    if order.lost:
        return Step(Need.PERSON, code=Code.OR001, detail=f"{order.name} was not booked before it was deleted.")
    return _document(order, lines, items)


def amount(cents: int) -> str:
    """Return cents as people write them: 12.30, -0.05."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


# --- what is missing ---


@dataclass(slots=True)
class _Booked:
    """What posted documents say of one charge of one line."""

    units: int = 0
    cents: int = 0
    item_id: str = ""
    sale_line_id: str = ""


@dataclass(slots=True)
class _Books:
    """The sums over an order's posted documents."""

    total: int = 0
    by_charge: dict[tuple[Charge, str], _Booked] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[DocumentLine]) -> _Books:
        books = cls()
        for line in lines:
            books.total += line.cents
            sums = books.by_charge.setdefault((line.charge, line.line_id), _Booked())
            sums.units += line.units
            sums.cents += line.cents
            sums.item_id = line.item_id or sums.item_id
            sums.sale_line_id = sums.sale_line_id or line.sale_line_id
        return books

    def of_line(self, charge: Charge, line_id: str = "") -> _Booked:
        return self.by_charge.get((charge, line_id), _Booked())


def _missing(lines: Sequence[StoryLine], money: OrderMoney, books: _Books) -> Iterator[DocumentLine]:
    """Yield what is wanted and not yet booked, except for money that no part of the order tells of."""
    for line in lines:
        if goods := _goods(line, books.of_line(Charge.GOODS, line.line_id)):
            yield goods
        for charge, wanted in _without_stock(line, books).items():
            if difference := wanted - books.of_line(charge, line.line_id).cents:
                yield _money(charge, difference, line)
    parts = {Charge.SHIPPING: money.shipping, Charge.TAX: money.tax, Charge.TIP: money.tip, Charge.FEES: money.fees}
    for charge, wanted in parts.items():
        if difference := wanted - books.of_line(charge).cents:
            yield _money(charge, difference)


def _goods(line: StoryLine, booked: _Booked) -> DocumentLine | None:
    """Return the units that must still leave stock or come back, at what they cost; None where all are booked."""
    item_id = booked.item_id or line.item_id
    units = line.taken - booked.units
    if not units or not item_id or line.gift_card:
        return None
    cents = line.worth(line.taken) - booked.cents
    if cents * units < 0:  # its price was changed since: the difference is money, not goods
        cents = line.worth(abs(units)) * (1 if units > 0 else -1)
    return DocumentLine(
        charge=Charge.GOODS,
        line_id=line.line_id,
        item_id=item_id,
        units=units,
        cents=cents,
        inventory_item_id=line.inventory_item_id,
        taxed=line.taxed,
        parent_line_id=booked.sale_line_id if units < 0 else "",
    )


def _without_stock(line: StoryLine, books: _Books) -> Mapping[Charge, int]:
    """Return what a line's units that move no stock of ours cost, by charge."""
    if line.gift_card:
        return {Charge.GIFT_CARD: line.cents}
    elsewhere = {Charge.ELSEWHERE: line.cents - line.worth(line.placed)}
    if _unlinked(line) and not books.of_line(Charge.GOODS, line.line_id).item_id:
        return elsewhere | {Charge.UNLINKED: line.worth(line.taken)}
    return elsewhere


def _unlinked(line: StoryLine) -> bool:
    return not line.item_id and not line.gift_card


def _names(lines: Sequence[StoryLine]) -> Iterator[str]:
    return (line.sku or "a line without a SKU" for line in lines)


def _money(charge: Charge, cents: int, line: StoryLine | None = None) -> DocumentLine:
    line_id, taxed = (line.line_id, line.taxed) if line is not None else ("", False)
    return DocumentLine(charge, line_id, item_id="", units=1 if cents > 0 else -1, cents=cents, taxed=taxed)


# --- the document ---


def _document(order: OrderStory, lines: Sequence[DocumentLine], items: BookingItems) -> Step:
    """Give money its items; an order that needs one that is not set waits for a person."""
    computed = not items.tax and any(line.taxed and line.charge is Charge.GOODS for line in lines)
    carriers = {
        Charge.SHIPPING: (items.shipping or items.other, "LIGHTSPEED_SHIPPING_ITEM_ID"),
        Charge.UNLINKED: (items.unlinked, "LIGHTSPEED_UNLINKED_ITEM_ID"),
        Charge.TAX: (items.tax or items.other, "LIGHTSPEED_TAX_ITEM_ID"),
    }
    placed: list[DocumentLine] = []
    for line in lines:
        item_id, setting = carriers.get(line.charge, (items.other, "LIGHTSPEED_OTHER_ITEM_ID"))
        if line.charge is Charge.GOODS or (computed and line.charge is Charge.TAX):
            placed.append(line)
        elif item_id:
            placed.append(replace(line, item_id=item_id, taxed=False))
        else:
            detail = f"{order.name} has {amount(line.cents)} of {line.charge.value}, and {setting} is not set."
            return Step(Need.PERSON, code=Code.OR005, detail=detail)
    n = order.made + 1
    return Step(Need.DOCUMENT, Document(n, f"SH-{order.number}-{n}", tuple(placed), untaxed=not computed))


def _drafts(line: DocumentLine) -> Iterator[SaleLineDraft]:
    """Yield a line at one or two prices of whole cents that come to exactly its money."""
    sign = 1 if line.units > 0 else -1
    units, cents = abs(line.units), abs(line.cents)
    price, dearer = divmod(cents, units)
    for count, each in ((units - dearer, price), (dearer, price + 1)):
        if count:
            yield SaleLineDraft(line.item_id, sign * count, each, taxed=line.taxed, parent_line_id=line.parent_line_id)
