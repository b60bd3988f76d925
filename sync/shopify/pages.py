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

_CUT_OFF = timedelta(seconds=1)  # Shopify's times are whole seconds: what moved at 5 may have moved just before 6
_MOST_PAGES = 2_000  # more than any walk of at most 25,000 rows needs; a server could go on for ever
_MOST_WINDOWS = 1_000  # 12 million rows at the least
_SHORTEST_WINDOW = 2  # seconds that can still be halved


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


def changed(since: datetime, until: datetime | None) -> str:
    """Return the search for what changed at or after `since` and, where it is given, before `until`."""
    found = f"updated_at:>={search_moment(since)}"
    return found if until is None else f"{found} updated_at:<{search_moment(until)}"


class TooMany(Permanent):
    """A walk came to where paging ends; `reached` is the latest server time it knows of, at the walk's beginning."""

    def __init__(self, rows: int, reached: datetime | None) -> None:
        super().__init__(Code.SH018, f"There are {rows} rows and more.")
        self.reached = reached


async def walk(api: AdminApi, plan: Walk[M, R], deliver: Deliver[R], clock: Clock) -> Certificate:
    """Deliver page after page until the last; only then is there a certificate.

    It reaches to the server's own time of its first answer: what changed before is among its rows.
    Raises `TooMany` where there is more than paging can reach; what was delivered until then is no less true.
    """
    started_at, began, rows, pages = clock.now(), clock.monotonic(), 0, 0
    newest: datetime | None = None
    reached: datetime | None = None
    served_at: datetime | None = None
    cursor: str | None = None
    while True:
        answer, first = await _affordable(api, plan, cursor)
        plan = replace(plan, first=first)
        if pages == 0 and (reached := api.edge.server_time) is not None:
            served_at = reached - timedelta(seconds=clock.monotonic() - began) - _CUT_OFF
        page = await plan.page(answer)
        cursor = next_cursor(page.info, cursor)
        if page.rows:
            await deliver(page.rows)
        rows, pages = rows + len(page.rows), pages + 1
        newest = max((one for one in (newest, page.newest, reached) if one is not None), default=None)
        if rows >= api.limits.longest_walk:
            raise TooMany(rows, reached or newest)
        if cursor is None:
            return Certificate(plan.source, rows, pages, newest, started_at, clock.now(), served_at)
        if pages >= _MOST_PAGES:
            raise Permanent(Code.SH013, f"A list of {rows} rows has no end.")


Window = Callable[[datetime, datetime | None], Walk[M, R]]
"""Makes the walk over what changed since a moment and, where it is given, before another."""


async def walk_changes(
    api: AdminApi,
    window: Window[M, R],
    since: datetime,
    deliver: Deliver[R],
    clock: Clock,
    *,
    until: datetime | None = None,
) -> Certificate:
    """Deliver what changed at or after `since`, before `until` where it is given, however much that is.

    Where it is more than paging can reach, its time is halved until each part fits. The last part stays open, so that
    a row that changes once more meanwhile is met there, and the certificate reaches to the first walk's beginning.
    Raises `TooMany` where a single second holds too much.
    """
    waiting: list[tuple[datetime, datetime | None]] = [(since, until)]
    parts: list[Certificate] = []
    reached: datetime | None = None
    for _ in range(_MOST_WINDOWS):
        begin, end = waiting.pop()
        try:
            parts.append(await walk(api, window(begin, end), deliver, clock))
        except TooMany as error:
            reached = reached or error.reached
            middle = _middle(begin, end or error.reached)
            if middle is None:
                raise
            waiting += [(middle, end), (begin, middle)]
        if not waiting:
            return _joined(parts, reached)
    raise Permanent(Code.SH018, f"It does not fit into {_MOST_WINDOWS} windows.")


def _middle(begin: datetime, end: datetime | None) -> datetime | None:
    """Return a window's middle in whole seconds, as searches take it; None where it is too short to be halved."""
    begin = begin.replace(microsecond=0)
    seconds = 0 if end is None else int((end - begin).total_seconds())
    return begin + timedelta(seconds=seconds // 2) if seconds >= _SHORTEST_WINDOW else None


def _joined(parts: Sequence[Certificate], reached: datetime | None) -> Certificate:
    """Return the certificate of the whole; of several parts it reaches only to where the first walk began."""
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        return first
    return replace(
        first,
        rows=sum(part.rows for part in parts),
        pages=sum(part.pages for part in parts),
        newest=reached,
        finished_at=last.finished_at,
    )


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
