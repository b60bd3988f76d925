"""Walking a connection to its end, and the certificate that says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from sync.clock import Clock
from sync.errors import Code, Permanent, Transient
from sync.model import Certificate
from sync.pacing import Urgency
from sync.ports import Deliver
from sync.shopify.answers import TooDear
from sync.shopify.api import AdminApi
from sync.shopify.documents import Document
from sync.shopify.wire import Connection, PageInfo, Wire, shaped

R = TypeVar("R")
M = TypeVar("M", bound=Wire)
N = TypeVar("N", bound=Wire)

# Shopify's paging is capped at this many objects: a walk that reaches it cannot tell an end from the cap.
LONGEST_WALK = 25_000
_CUT_OFF = timedelta(seconds=1)  # Shopify's times are whole seconds: what moved at 5 may have moved just before 6
_MOST_PAGES = 2_000  # more than any walk of at most 25,000 rows needs; a server could go on for ever


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows as we keep them; `newest` is the largest server timestamp among them."""

    rows: Sequence[R]
    newest: datetime | None
    info: PageInfo


@dataclass(frozen=True, slots=True)
class Walk(Generic[M, R]):
    """What to read: `variables` are completed by `first` and `after`; `page` turns an answer of `shape` into rows."""

    source: str
    document: Document
    variables: Mapping[str, Any]
    first: int
    shape: type[M]
    page: Callable[[M], Awaitable[Page[R]]]
    urgency: Urgency = Urgency.URGENT


def next_cursor(info: PageInfo, cursor: str | None) -> str | None:
    """Return where the connection goes on, None at its end; raises where it says both, or would turn in circles."""
    if not info.has_next_page:
        return None
    if not info.end_cursor or info.end_cursor == cursor:
        raise Transient(Code.SH013, "A page names no next one although there should be more.")
    return info.end_cursor


def search_moment(moment: datetime) -> str:
    """Return a moment as the search syntax needs it: quoted (or its time is lost), UTC, cut to whole seconds."""
    return f"'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"


async def walk(api: AdminApi, plan: Walk[M, R], deliver: Deliver[R], clock: Clock) -> Certificate:
    """Deliver page after page until the last; only then is there a certificate.

    It reaches to the server's own time of its first answer: what changed before is among its rows.
    """
    started_at, began, rows, pages = clock.now(), clock.monotonic(), 0, 0
    newest: datetime | None = None
    served_at: datetime | None = None
    cursor: str | None = None
    while True:
        answer, first = await _affordable(api, plan, cursor)
        plan = replace(plan, first=first)
        reached = api.edge.server_time if pages == 0 else None
        if reached is not None:
            served_at = reached - timedelta(seconds=clock.monotonic() - began) - _CUT_OFF
        page = await plan.page(answer)
        cursor = next_cursor(page.info, cursor)
        if page.rows:
            await deliver(page.rows)
        rows, pages = rows + len(page.rows), pages + 1
        newest = max((one for one in (newest, page.newest, reached) if one is not None), default=None)
        if cursor is None and rows < LONGEST_WALK:
            return Certificate(plan.source, rows, pages, newest, started_at, clock.now(), served_at)
        if rows >= LONGEST_WALK or pages >= _MOST_PAGES:
            raise Permanent(Code.SH013, f"More rows ({rows} and on) than paging can reach: a full reading is needed.")


async def _affordable(api: AdminApi, plan: Walk[M, R], cursor: str | None) -> tuple[M, int]:
    """Return a page and its size, halved until Shopify finds it affordable."""
    first = plan.first
    while True:
        try:
            variables = {**plan.variables, "first": first, "after": cursor}
            return await api.read(plan.document, variables, shaped(plan.shape), plan.urgency), first
        except TooDear:
            if first == 1:
                raise
            first //= 2


async def rest_of(connection: Connection[N], more: Callable[[str], Awaitable[Connection[N]]]) -> list[N]:
    """Return all nodes of a nested connection: those at hand, then every further page that `more` fetches."""
    nodes, cursor = list(connection.nodes), next_cursor(connection.page_info, None)
    for _ in range(_MOST_PAGES):
        if cursor is None:
            return nodes
        page = await more(cursor)
        nodes.extend(page.nodes)
        cursor = next_cursor(page.page_info, cursor)
    raise Permanent(Code.SH013, "A nested list has no end.")
