"""The full read: a bulk operation, its file spooled to disk, counted, and delivered in pages.

Nothing is delivered before the file is known to be whole, and no more than one page of it is in memory.
"""

from __future__ import annotations

import json
import tempfile
from typing import IO
from urllib.parse import urlsplit

from sync.errors import Code, Permanent, SyncError, Transient
from sync.http import Answer, Outcome, Request
from sync.model import Certificate, VariantRow
from sync.pacing import Urgency
from sync.ports import Deliver
from sync.shopify.answers import Unproven, printable, whole
from sync.shopify.api import AdminApi
from sync.shopify.documents import BULK_CANCEL, BULK_POLL, BULK_START, EXPORT_CARDS, EXPORT_VARIANTS, Document
from sync.shopify.export_rows import lines_of, pages_of, pages_with_cards
from sync.shopify.shapes import BulkOperation, BulkPoll, BulkStart
from sync.shopify.wire import shaped

_FIRST_POLL = 1.0
_POLL_GROWTH = 1.5
_LONGEST_POLL = 30.0
_UNDER_WAY = frozenset({"CREATED", "RUNNING", "CANCELING"})


async def read_everything(
    api: AdminApi, location_id: str, deliver: Deliver[VariantRow], *, cards: bool = False
) -> Certificate:
    """Deliver every variant with its level at `location_id`, and with its card where `cards` are wanted.

    The certificate's `newest` is the operation's start: what changed before is in it, what changed while it ran may be
    missing.
    """
    started_at = api.clock.now()
    operation = await _export(api, EXPORT_CARDS if cards else EXPORT_VARIANTS, location_id)
    rows, pages = 0, 0
    if operation.url is not None:
        with tempfile.TemporaryFile() as spool:
            await _download(api, operation, spool)
            _check_count(spool, operation)
            for page in (pages_with_cards if cards else pages_of)(spool):
                await deliver(page)
                rows, pages = rows + len(page), pages + 1
    elif operation.object_count != "0":
        raise Transient(Code.SH013, f"Shopify counted {printable(operation.object_count)} rows but names no file.")
    return Certificate("shopify.export", rows, pages, operation.created_at, started_at, api.clock.now())


async def _export(api: AdminApi, document: Document, location_id: str) -> BulkOperation:
    """Start the operation and wait for its end."""
    operation_id = await _start(api, document, location_id)
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


async def _start(api: AdminApi, document: Document, location_id: str) -> str:
    query = document.text.replace('"LOCATION"', json.dumps(location_id))
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
    lines = sum(1 for line in lines_of(spool))
    if operation.object_count != str(lines):
        counted = printable(operation.object_count, 20)
        raise Transient(Code.SH013, f"Shopify counted {counted} rows, the export's file has {lines}.")
