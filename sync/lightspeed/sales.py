"""Lightspeed's till for sales made elsewhere: look for one, open one, complete it, throw it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sync.clock import Clock
from sync.errors import Code, OutcomeUnknown, Permanent, Transient
from sync.lightspeed.answers import AccessDenied, NotFound, unconfirmed
from sync.lightspeed.calls import Calls
from sync.lightspeed.paging import MAX_PAGES, Sighting, at_or_after, list_url
from sync.lightspeed.walks import Read, walk_list
from sync.lightspeed.wire import NotWire, Sale, SaleHead, parse_page, parse_row, parse_rows
from sync.model import Certificate, ChangedSale, SaleDraft, SaleLineDraft, SaleLineRow, SaleRow
from sync.pacing import Urgency
from sync.ports import Deliver

SOURCE = "Shopify"
_LONGEST_REFERENCE = 40  # how long one may be is not documented; so much surely
_MAX_PAGES = 20  # two thousand sales of one reference are no answer to the question
_RELATIONS = '["SaleLines"]'


@dataclass(frozen=True, slots=True)
class SalesSettings:
    """Where sales are rung up, by whom, and how they are paid: Lightspeed's ids. Without `customer_id`, by nobody."""

    shop_id: str
    register_id: str
    employee_id: str
    payment_type_id: str
    customer_id: str = ""


class LightspeedTill:
    """`Till` over Lightspeed's API. Reads are tried again as all reads are; a write is sent once."""

    def __init__(self, *, calls: Calls, clock: Clock, settings: SalesSettings) -> None:
        self._calls = calls
        self._clock = clock
        self._settings = settings

    async def room(self) -> None:
        """Wait until the quota has room for one sale from its search to its completion."""
        await self._calls.room("Sale.find", "Sale.open", "Sale.complete")

    async def find_sales(self, reference: str) -> Sequence[SaleRow]:
        """Return every sale with exactly this reference, oldest first, voided and archived ones too.

        Sales that name another source than ours are left out. Raises Transient or Permanent, ValueError for what is
        no reference: an empty one would find them all.
        """
        check_reference(reference)
        found: list[SaleRow] = []

        async def keep(rows: Sequence[SaleRow]) -> None:
            found.extend(rows)

        asked = {"referenceNumber": reference, "archived": "true", "sort": "saleID", "load_relations": _RELATIONS}
        read = Read(
            operation="Sale.find",
            resource="Sale",
            url=list_url(self._calls.base, self._calls.account_id, "Sale", **asked),
            urgency=Urgency.BULK,
            by_id=True,
            parse=lambda raw: _sightings(raw, reference),
        )
        await walk_list(self._calls, self._clock, read, keep, _MAX_PAGES)
        return found

    async def sale(self, sale_id: str) -> SaleRow | None:
        """Return a sale as it stands now; None: there is none. Raises Transient or Permanent."""
        url = f"{self._url(sale_id)}?load_relations={quote(_RELATIONS, safe='')}"
        try:
            return await self._calls.get("Sale.get", url, Urgency.BULK, lambda body, _: _read_sale(body, sale_id))
        except NotFound:
            return None

    async def changed_sales(self, since: datetime, deliver: Deliver[ChangedSale]) -> Certificate:
        """Deliver our shop's sales changed at or after `since`, oldest change first; voided and archived ones too.

        One unit of quota a page of 100. Raises Transient or Permanent; LS011 where the end was not proven.
        """
        asked = {"shopID": self._settings.shop_id, "archived": "true", "sort": "timeStamp"}
        read = Read(
            operation="Sale.changes",
            resource="Sale",
            url=list_url(self._calls.base, self._calls.account_id, "Sale", **asked, timeStamp=at_or_after(since)),
            urgency=Urgency.URGENT,
            by_id=False,
            parse=_changes,
        )
        return await walk_list(self._calls, self._clock, read, deliver, MAX_PAGES)

    async def open_sale(self, draft: SaleDraft) -> SaleRow:
        """Make an open sale; raises OutcomeUnknown, Transient or Permanent, ValueError for what is no sale."""
        body = opening(draft, self._settings)
        url = f"{self._calls.account}/Sale.json"
        return await self._whole(await self._calls.send("Sale.open", "POST", url, body, lambda answer, _: _one(answer)))

    async def complete_sale(self, sale_id: str, payment: int | None) -> SaleRow:
        """Complete an open sale, paid by one payment of so many cents (None or 0: by none); raises as `open_sale`."""
        body = completion(payment, self._settings)
        url = self._url(sale_id)
        done = await self._calls.send("Sale.complete", "PUT", url, body, lambda answer, _: _one(answer, sale_id))
        return await self._whole(done)

    async def archive_sale(self, sale_id: str) -> None:
        """Throw an open sale away; one that is archived already is no mistake. Raises as `open_sale`."""
        try:
            await self._calls.send("Sale.archive", "DELETE", self._url(sale_id), None, lambda _body, _at: None)
        except AccessDenied:
            raise
        except Permanent:
            sale = await self.sale(sale_id)
            if sale is None or not sale.archived:
                raise

    async def _whole(self, sale: Sale) -> SaleRow:
        """Return the sale that a write's answer shows; its lines come unasked, and are read where they did not."""
        if sale.lines is not None:
            return _row(sale)
        try:
            row = await self.sale(sale.sale_id)
        except (Transient, Permanent) as error:
            raise unconfirmed(error) from error
        if row is None:
            raise OutcomeUnknown(Code.LS012, f"(sale {sale.sale_id} was answered, and is not there)")
        return row

    def _url(self, sale_id: str) -> str:
        return f"{self._calls.account}/Sale/{quote(sale_id, safe='')}.json"


def opening(draft: SaleDraft, settings: SalesSettings) -> dict[str, Any]:
    """Return the body that opens a sale; raises ValueError for what must never be sent."""
    check_reference(draft.reference)
    if not draft.lines or not all(line.units for line in draft.lines):
        raise ValueError("a sale has lines, and each of them moves something")
    body: dict[str, Any] = {
        "employeeID": int(settings.employee_id),
        "registerID": int(settings.register_id),
        "shopID": int(settings.shop_id),
        "completed": False,
        "referenceNumber": draft.reference,
        "referenceNumberSource": SOURCE,
        "SaleLines": {"SaleLine": [_line(line) for line in draft.lines]},
    }
    if draft.untaxed:
        body["taxCategoryID"] = 0
    if settings.customer_id:
        body["customerID"] = int(settings.customer_id)
    return body


def completion(payment: int | None, settings: SalesSettings) -> dict[str, Any]:
    """Return the body that completes a sale."""
    if not payment:
        return {"completed": True}
    paid = {"amount": decimal_text(payment), "paymentTypeID": int(settings.payment_type_id)}
    return {"completed": True, "SalePayments": {"SalePayment": paid}}


def decimal_text(cents: int) -> str:
    """Return cents as Lightspeed takes money: `-5` as `-0.05`."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02}"


def check_reference(reference: str) -> None:
    """Raise ValueError for what cannot be looked for exactly."""
    if not (reference.isascii() and reference.isprintable() and 0 < len(reference) <= _LONGEST_REFERENCE):
        raise ValueError(f"a reference is 1 to {_LONGEST_REFERENCE} printable ASCII characters, not {reference!r}")


def _line(line: SaleLineDraft) -> dict[str, Any]:
    row: dict[str, Any] = {
        "itemID": int(line.item_id),
        "unitQuantity": line.units,
        "unitPrice": decimal_text(line.cents),
        "tax": line.taxed,
    }
    if line.parent_line_id:
        row["parentSaleLineID"] = int(line.parent_line_id)
    return row


def _sightings(raw: list[Any], reference: str) -> list[tuple[Sighting, SaleRow]]:
    """Return a page's sales of this reference and our source; the search may be more generous than we are."""
    ours = [
        sale
        for sale in parse_rows(Sale, raw)
        if sale.reference_number == reference and sale.reference_source in ("", SOURCE)
    ]
    return [(_sighting(sale), _row(_with_lines(sale))) for sale in ours]


def _sighting(sale: Sale) -> Sighting:
    if sale.time_stamp is None:
        raise NotWire("Sale: timeStamp")
    return Sighting(sale.sale_id, sale.time_stamp, sale.time_stamp)


def _changes(raw: list[Any]) -> list[tuple[Sighting, ChangedSale]]:
    """Return a page's sales, other people's too: the walk goes on by all of them."""
    heads = parse_rows(SaleHead, raw)
    return [(Sighting(head.sale_id, head.time_stamp, head.time_stamp), _changed(head)) for head in heads]


def _changed(head: SaleHead) -> ChangedSale:
    cents = None if head.total is None else head.total * 100
    total = None if cents is None or cents != int(cents) else int(cents)
    return ChangedSale(head.sale_id, head.completed, head.voided, head.archived, total)


def _read_sale(body: Any, sale_id: str) -> SaleRow:
    return _row(_with_lines(_one(body, sale_id)))


def _one(body: Any, sale_id: str = "") -> Sale:
    """Return the one sale of an answer; raises NotWire, also for another one than `sale_id`."""
    rows = parse_page(body, "Sale").rows
    if len(rows) != 1:
        raise NotWire("Sale: not one row")
    sale = parse_row(Sale, rows[0])
    if sale_id not in ("", sale.sale_id):
        raise NotWire("Sale: another saleID")
    return sale


def _with_lines(sale: Sale) -> Sale:
    """Return a sale that was read with its lines; raises Transient (LS011) where Lightspeed left them out, as it may.

    Of a sale without lines the relation is left out too: it is worth nothing.
    """
    if sale.lines is None and (sale.total or sale.paid or sale.subtotal):
        raise Transient(Code.LS011, "(Sale: the lines were left out)")
    return sale


def _row(sale: Sale) -> SaleRow:
    """Return our own view; a completed sale that does not say when it was completed was so at its time stamp."""
    return SaleRow(
        sale_id=sale.sale_id,
        reference=sale.reference_number,
        completed=sale.completed,
        voided=sale.voided,
        archived=sale.archived,
        total=sale.total,
        paid=sale.paid,
        completed_at=(sale.complete_time or sale.time_stamp) if sale.completed else None,
        lines=tuple(SaleLineRow(line.sale_line_id, line.item_id, line.units) for line in sale.lines or ()),
    )
