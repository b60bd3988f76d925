"""Walking a list of Lightspeed's to its end: page by page, each delivered before the next is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import structlog

from sync.clock import Clock
from sync.lightspeed.calls import Calls
from sync.lightspeed.paging import Sighting, Walk
from sync.lightspeed.wire import Page, parse_page
from sync.model import Certificate
from sync.pacing import Urgency
from sync.ports import Deliver

API = "lightspeed"
T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """One kind of reading: where it begins, what a page's rows become, and where to look for lost last rows.

    Nothing in the last page says that it is whole. A reading of changes makes up for rows lost there with the next
    one, which begins at the newest it saw; a reading of everything looks once more behind what it saw.
    """

    operation: str
    resource: str
    url: str
    urgency: Urgency
    by_id: bool
    parse: Callable[[list[Any]], list[tuple[Sighting, T]]]
    tail: Callable[[Walk], str] | None = None


async def walk_list(calls: Calls, clock: Clock, read: Read[T], deliver: Deliver[T], max_pages: int) -> Certificate:
    """Follow a list to its end and return the proof; raises Transient or Permanent."""
    source = f"{API}.{read.operation}"
    key = read.resource[0].lower() + read.resource[1:] + "ID"
    walk = Walk(source, clock.now(), key, by_id=read.by_id, max_pages=max_pages)
    url: str | None = read.url
    while url is not None:
        page, rows, served_at = await _page(calls, read, url)
        fresh = walk.take(rows, served_at)
        url = walk.follow(page, calls.base)
        if fresh:
            await deliver(fresh)
        if url is None and read.tail is not None and walk.gained:
            url = read.tail(walk)
    certificate = walk.certificate(clock.now())
    log.debug("lightspeed.read_finished", source=source, rows=certificate.rows, pages=certificate.pages)
    return certificate


async def _page(calls: Calls, read: Read[T], url: str) -> tuple[Page, list[tuple[Sighting, T]], datetime | None]:
    def parse(body: Any, served_at: datetime | None) -> tuple[Page, list[tuple[Sighting, T]], datetime | None]:
        page = parse_page(body, read.resource)
        return page, read.parse(page.rows), served_at

    return await calls.get(read.operation, url, read.urgency, parse)
