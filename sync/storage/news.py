"""What a transaction tells other processes over the same PostgreSQL; the server sends it once it is committed."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from sync.storage.touched import Touched

CHANNEL = "lightspeed_sync"
_LONGEST = 7_000  # bytes of a notification; PostgreSQL takes 8,000
_TELL = sa.text("SELECT pg_notify(:channel, current_schema() || chr(10) || :news)")
_NAMES = ("link_ids", "item_ids", "inventory_item_ids", "hold_ids")


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one transaction of `sender` touched; `many`: more than a notification can name."""

    sender: str
    link_ids: list[int] = []
    item_ids: list[str] = []
    inventory_item_ids: list[str] = []
    hold_ids: list[str] = []
    hints: bool = False
    many: bool = False


class Announcer:
    """A watcher of commits that tells the other processes."""

    def __init__(self) -> None:
        self.sender = secrets.token_hex(8)

    def __call__(self, connection: sa.Connection, touched: Touched) -> Callable[[], None]:
        """Have the server tell of a transaction when it is committed."""
        if touched.news:
            written = _written(self.sender, touched.news)
            connection.execute(_TELL, {"channel": CHANNEL, "news": written})
        return _nothing


def _written(sender: str, touched: Touched) -> str:
    named: Any = {name: sorted(getattr(touched, name)) for name in _NAMES}
    whole = msgspec.json.encode(News(sender, hints=touched.hints, **named))
    if len(whole) > _LONGEST:
        whole = msgspec.json.encode(News(sender, hints=touched.hints, many=True))
    return whole.decode()


def read(text: str) -> tuple[str, News | None]:
    """Return the schema that a notification is about, and what it tells; None: it is none of ours."""
    schema, _, written = text.partition("\n")
    try:
        return schema, msgspec.json.decode(written, type=News)
    except msgspec.DecodeError:
        return schema, None


def touched_by(news: News) -> Touched:
    """Return what news name."""
    return Touched(set(news.link_ids), set(news.item_ids), set(news.inventory_item_ids), set(news.hold_ids), news.hints)


def _nothing() -> None:
    """Do nothing: the server tells."""
