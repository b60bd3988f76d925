"""The full read: a bulk operation, its file spooled to disk, counted, and delivered in pages.

Nothing is delivered before the file is known to be whole, and no more than one page of it is in memory.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Annotated
from urllib.parse import urlsplit

import msgspec

from sync.errors import Code, Permanent, SyncError, Transient
from sync.http import Answer, Outcome, Request
from sync.model import Certificate, VariantRow
from sync.pacing import Urgency
from sync.ports import Deliver
from sync.shopify.answers import Unproven, printable, whole
from sync.shopify.api import AdminApi
from sync.shopify.documents import BULK_CANCEL, BULK_POLL, BULK_START, EXPORT_VARIANTS
from sync.shopify.levels import level_row
from sync.shopify.shapes import BulkOperation, BulkPoll, BulkStart
from sync.shopify.variants import variant_row
from sync.shopify.wire import price_of, shaped

_ROWS_A_PAGE = 500
_FIRST_POLL = 1.0
_POLL_GROWTH = 1.5
_LONGEST_POLL = 30.0
_LONGEST_LINE = 1024 * 1024  # a variant is about 700 bytes; a line beyond this is no variant
_UNDER_WAY = frozenset({"CREATED", "RUNNING", "CANCELING"})


_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Quantity(msgspec.Struct, rename="camel"):
    name: str
    quantity: int
    updated_at: _Moment | None


class _Level(msgspec.Struct, rename="camel"):
    is_active: bool
    updated_at: _Moment
    quantities: list[_Quantity]


class _Product(msgspec.Struct):
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


_DECODER = msgspec.json.Decoder(_Variant)


async def read_everything(api: AdminApi, location_id: str, deliver: Deliver[VariantRow]) -> Certificate:
    """Deliver every variant with its level at `location_id`.

    The certificate's `newest` is the operation's start: what changed before is in it, what changed while it ran may be
    missing.
    """
    started_at = api.clock.now()
    operation = await _export(api, location_id)
    rows, pages = 0, 0
    if operation.url is not None:
        with tempfile.TemporaryFile() as spool:
            await _download(api, operation, spool)
            _check_count(spool, operation)
            for page in _pages(spool):
                await deliver(page)
                rows, pages = rows + len(page), pages + 1
    elif operation.object_count != "0":
        raise Transient(Code.SH013, f"Shopify counted {printable(operation.object_count)} rows but names no file.")
    return Certificate("shopify.export", rows, pages, operation.created_at, started_at, api.clock.now())


async def _export(api: AdminApi, location_id: str) -> BulkOperation:
    """Start the operation and wait for its end."""
    operation_id = await _start(api, location_id)
    until, wait = api.clock.monotonic() + api.limits.export_seconds, _FIRST_POLL
    while True:
        await api.clock.sleep(wait)
        poll = await api.read(BULK_POLL, {"id": operation_id}, shaped(BulkPoll), Urgency.BULK)
        operation = poll.bulk_operation
        if operation is None:
            raise Transient(Code.SH015, "The export vanished.")
        if operation.status == "COMPLETED":
            return operation
        if operation.status not in _UNDER_WAY:
            error = Permanent if operation.error_code == "ACCESS_DENIED" else Transient
            code = Code.SH014 if operation.error_code == "ACCESS_DENIED" else Code.SH015
            raise error(code, printable(f"{operation.status} {operation.error_code or ''}"))
        if api.clock.monotonic() >= until:
            await _give_up(api, operation_id)
            raise Transient(Code.SH015, f"It was not finished within {api.limits.export_seconds:.0f} seconds.")
        wait = min(_LONGEST_POLL, wait * _POLL_GROWTH)


async def _start(api: AdminApi, location_id: str) -> str:
    query = EXPORT_VARIANTS.text.replace('"LOCATION"', json.dumps(location_id))
    # Sent like a read: an answer lost costs one of five slots until that export ends, nothing else.
    answer = await api.read(BULK_START, {"query": query}, shaped(BulkStart), Urgency.BULK)
    payload = answer.bulk_operation_run_query
    if payload is None:
        raise Unproven(Code.SH007, "The export's start has no answer.")
    if payload.user_errors:
        first = payload.user_errors[0]
        busy = first.code in ("OPERATION_IN_PROGRESS", "LIMIT_REACHED")
        error, code = (Transient, Code.SH015) if busy else (Permanent, Code.SH008)
        raise error(code, printable(f"{first.code}: {first.message}"))
    if payload.bulk_operation is None:
        raise Unproven(Code.SH007, "The export's start names no operation.")
    return payload.bulk_operation.id


async def _give_up(api: AdminApi, operation_id: str) -> None:
    """Free the slot; that it cannot be freed is no news beside the failure it is freed for."""
    try:
        await api.read(BULK_CANCEL, {"id": operation_id}, bool, Urgency.BULK)
    except SyncError:
        return


async def _download(api: AdminApi, operation: BulkOperation, spool: IO[bytes]) -> None:
    """Fetch the file without our token: it lies at a storage service that must not see it."""
    url = operation.url or ""
    _check_place(url, api.url)

    async def prepare() -> Request:
        spool.seek(0)
        spool.truncate()
        limits = api.limits
        return Request(
            "GET",
            url,
            "bulk.download",
            deadline=limits.download_seconds,
            read_timeout=limits.attempt_seconds,
            max_bytes=limits.export_bytes,
            sink=spool.write,
        )

    def translate(outcome: Outcome) -> None:
        if isinstance(outcome, Answer) and outcome.status in (403, 404, 410):
            raise Transient(Code.SH015, f"Its file cannot be fetched ({outcome.status}).", retry_after=None)
        whole(outcome, api.clock.now())
        size = spool.tell()
        if operation.file_size is not None and operation.file_size != str(size):
            raise Transient(Code.SH013, f"The export's file should have {operation.file_size} bytes, it has {size}.")

    await api.edge.read(prepare, translate)


def _check_place(url: str, api_url: str) -> None:
    """Go only where a storage service can be: anywhere by https, or to the very server that we talk to."""
    place, home = urlsplit(url), urlsplit(api_url)
    if place.scheme != "https" and (place.scheme, place.netloc) != (home.scheme, home.netloc):
        raise Permanent(Code.SH015, "Its file lies where no file of Shopify's can lie.")


def _check_count(spool: IO[bytes], operation: BulkOperation) -> None:
    spool.seek(0)
    lines = sum(1 for line in _lines(spool))
    if operation.object_count != str(lines):
        counted = printable(operation.object_count, 20)
        raise Transient(Code.SH013, f"Shopify counted {counted} rows, the export's file has {lines}.")


def _pages(spool: IO[bytes]) -> Iterator[list[VariantRow]]:
    spool.seek(0)
    lines = _lines(spool)
    while page := [_row(line) for line in islice(lines, _ROWS_A_PAGE)]:
        yield page


def _lines(spool: IO[bytes]) -> Iterator[bytes]:
    while line := spool.readline(_LONGEST_LINE):
        if line.strip():
            yield line


def _row(line: bytes) -> VariantRow:
    try:
        variant = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):  # its text may quote the row
        raise Transient(Code.SH007, "A row of the export cannot be read.") from None
    level = variant.inventory_item.inventory_level
    row = None
    if level is not None:
        row = level_row(variant.inventory_item.id, level.quantities, level.updated_at, active=level.is_active)
    return variant_row(variant, row)
