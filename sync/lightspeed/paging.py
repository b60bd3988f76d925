"""One walk over a list, page by page, and the proof that it reached the end; pure."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import httpx

from sync.errors import Code, Permanent, Transient
from sync.lightspeed.wire import Page
from sync.model import Certificate

MAX_PAGES = 20_000  # two million rows; more is a server that never ends
_MAX_BARREN = 10  # pages in a row without one new row
_PAGE_ROWS = 100  # the most Lightspeed gives

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a walk remembers of a row: `version` tells whether a repeated row says anything new."""

    row_id: str
    stamp: datetime
    version: Hashable


@dataclass(slots=True)
class Walk:
    """Keeps the books of one walk over the resource whose id field is `key`.

    With `by_id` the rows come in ascending order of their ids.

    A walk by id is no snapshot: a row may change behind it while a later row carries a newer time. What it saw is
    complete only up to the server's time at its first page, so `newest` never goes beyond that.
    """

    source: str
    started_at: datetime
    key: str
    by_id: bool
    max_pages: int = MAX_PAGES
    pages: int = 0
    newest: datetime | None = None
    gained: bool = False  # whether the last page said anything new
    _barren: int = 0
    highest_id: int = -1
    _ceiling: datetime | None = None
    _visited: set[str] = field(default_factory=set)
    _seen: dict[str, Hashable] = field(default_factory=dict)

    def take(self, rows: Sequence[tuple[Sighting, T]], server_time: datetime | None) -> list[T]:
        """Count one page and return its rows that say something new; raises Transient (LS011)."""
        self.pages += 1
        fresh = [row for sighting, row in rows if self._note(sighting)]
        if self.pages == 1:
            self._ceiling = server_time or self.newest
        self.gained = bool(fresh)
        self._barren = 0 if fresh else self._barren + 1
        if self._barren > _MAX_BARREN:
            raise self._incomplete("the pages do not advance")
        return fresh

    def follow(self, page: Page, base: httpx.URL) -> str | None:
        """Return the URL of the next page, None at the end; raises Transient (LS011) or Permanent (LS008)."""
        if page.following is None and page.rows:
            raise self._incomplete("a page does not say whether it is the last")
        if not page.following:
            return None
        url = pinned(page.following, base)
        if not _continues(url, page, self.key):
            raise self._incomplete("a page lacks its last rows")
        if url in self._visited:
            raise self._incomplete("the pages lead in a circle")
        if self.pages >= self.max_pages:
            raise self._incomplete(f"more than {self.max_pages} pages")
        self._visited.add(url)
        return url

    def certificate(self, finished_at: datetime) -> Certificate:
        """Return the proof; to be asked for only after `follow` said that the end is reached."""
        newest = self.newest
        if self.by_id and newest is not None and self._ceiling is not None:
            newest = min(newest, self._ceiling)
        elif not self.by_id and self._ceiling is not None:
            newest = max(newest or self._ceiling, self._ceiling)  # what changed before its first page is in it
        return Certificate(self.source, len(self._seen), self.pages, newest, self.started_at, finished_at)

    def _note(self, sighting: Sighting) -> bool:
        self.newest = sighting.stamp if self.newest is None else max(self.newest, sighting.stamp)
        known = sighting.row_id in self._seen
        if known and (self.by_id or self._seen[sighting.row_id] == sighting.version):
            return False
        if self.by_id and int(sighting.row_id) < self.highest_id:
            raise self._incomplete("the rows are not in order")
        self.highest_id = max(self.highest_id, int(sighting.row_id))
        self._seen[sighting.row_id] = sighting.version
        return True

    def _incomplete(self, why: str) -> Transient:
        return Transient(Code.LS011, f"({self.source}: {why})")


def _continues(url: str, page: Page, key: str) -> bool:
    """Say whether a next link goes on behind the page's last row, as far as its cursor can be read.

    The cursor is the base64 of a JSON array of the last row's sort keys, its id last.
    """
    cursor = httpx.URL(url).params.get("after", "")
    try:
        keys = json.loads(urlsafe_b64decode(cursor.replace("+", "-").replace("/", "_") + "=" * (-len(cursor) % 4)))
    except ValueError:
        return True
    if not isinstance(keys, list) or not keys:
        return True
    last = page.rows[-1] if page.rows else None
    return isinstance(last, dict) and str(last.get(key)) == str(keys[-1])


def pinned(url: str, base: httpx.URL) -> str:
    """Return `url` as it is if it leads to the server of `base`; raises Permanent (LS008) otherwise.

    A relative URL is completed. The foreign host is not named: it is the server's text, not ours.
    """
    try:
        target = httpx.URL(url)
        if target.is_relative_url:
            target = base.join(url)
            url = str(target)
    except (httpx.InvalidURL, ValueError):
        raise Permanent(Code.LS008, "(not a URL)") from None
    if _origin(target) != _origin(base) or target.userinfo:
        raise Permanent(Code.LS008)
    return url


def list_url(base: httpx.URL, account_id: str, resource: str, **asked: str) -> str:
    """Return a list's first URL; values are percent-encoded whole, `+`, quotes and brackets included."""
    parameters = {**asked, "limit": str(_PAGE_ROWS)}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    return f"{account_url(base, account_id)}/{resource}.json?{query}"


def account_url(base: httpx.URL, account_id: str) -> str:
    """Return the URL below which an account's resources lie."""
    return f"{str(base).rstrip('/')}/API/V3/Account/{quote(account_id, safe='')}"


def behind(row_id: int) -> str:
    """Return the filter value for ids above this one."""
    return f">,{row_id}"


def at_or_after(since: datetime) -> str:
    """Return the filter value for times at or after `since`, which is cut to whole seconds as Lightspeed keeps them."""
    return f">=,{since.replace(microsecond=0).isoformat()}"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)
