"""What a place was told before, and how the incidents of a message are shown now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection, Row

from monitor.notice import Item, Notice, Previous, Receipt
from monitor.store.handling import handling
from monitor.store.judged import Place
from sync.storage.tables import incidents, outbox

NOTICE = TypeAdapter(Notice)
"""How a notice is kept in a row."""


def written_to(place: Place) -> sa.ColumnElement[bool]:
    """Pick what was written to a place."""
    return sa.and_(outbox.c.channel == place.channel, outbox.c.recipient == place.recipient)


def about(incident_id: int, place: Place) -> sa.ColumnElement[bool]:
    """Pick what was written to a place about an incident."""
    return sa.and_(outbox.c.incident_id == incident_id, written_to(place))


def notice_of(row: Row[Any]) -> Notice:
    """Return what a row tells."""
    return NOTICE.validate_python(row.body)


def item(connection: Connection, row: Row[Any], now: datetime) -> Item:
    """Return what a row tells, beside what was delivered before."""
    return Item(_as_handled(connection, row, now), _previous(connection, row, now))


def _as_handled(connection: Connection, row: Row[Any], now: datetime) -> Notice:
    """Return what a row tells, with what people have done about its incident by now."""
    notice = notice_of(row)
    if row.incident_id is None:
        return notice
    return replace(notice, handling=handling(connection, row.incident_id, now))


def shown(connection: Connection, channel: str, incident_id: int, now: datetime) -> Item | None:
    """Return what a channel was told last of an incident, beside what was delivered before; None: nothing so far.

    The message that tells of it shows that, and what people have done about it by now.
    """
    place = Place(channel)
    query = sa.select(outbox).where(about(incident_id, place), outbox.c.state == "done")
    row = connection.execute(query.order_by(outbox.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else item(connection, row, now)


def _previous(connection: Connection, row: Row[Any], now: datetime) -> Previous:
    if row.incident_id is None:
        return Previous()
    place = Place(row.channel, row.recipient)
    query = sa.select(outbox).where(about(row.incident_id, place), outbox.c.state == "done").order_by(outbox.c.id)
    before = connection.execute(query).all()
    receipts = tuple(Receipt(**earlier.external) for earlier in before if earlier.external)
    return Previous(receipts, _members(connection, place, before[0].batch, now) if before else ())


def standing(connection: Connection, channel: str) -> Sequence[Notice]:
    """Return what a channel was told last of each alert that fires."""
    firing = sa.select(incidents.c.id).where(incidents.c.resolved_at.is_(None))
    query = sa.select(outbox).where(outbox.c.channel == channel, outbox.c.state == "done")
    rows = connection.execute(query.where(outbox.c.incident_id.in_(firing)).order_by(outbox.c.id))
    return tuple({row.incident_id: notice_of(row) for row in rows}.values())


def _members(connection: Connection, place: Place, batch: str | None, now: datetime) -> Sequence[Notice]:
    """Return what was last delivered of each incident of a message about several."""
    about = sa.select(outbox.c.incident_id).where(outbox.c.batch == batch)
    query = sa.select(outbox).where(written_to(place), outbox.c.state == "done", outbox.c.incident_id.in_(about))
    latest = {row.incident_id: row for row in connection.execute(query.order_by(outbox.c.id))}
    return tuple(_as_handled(connection, row, now) for row in latest.values()) if len(latest) > 1 else ()
