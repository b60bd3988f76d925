"""What digests are made of, and the maintenance windows that were open at the last judging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor import digest
from monitor.decide import Verdict, Why
from monitor.digest import Ended
from monitor.hiding import Window
from monitor.notice import Kind, Notice
from monitor.store import messages, verdicts
from monitor.store.judged import Place
from monitor.store.tell import Telling, Told
from sync.storage.tables import incidents, meta, outbox, windows

_TOLD = "digest_told_at"
_WINDOWS = sa.select(windows)  # every judging asks for them: made once


def of_day(connection: Connection, since: datetime) -> Sequence[Ended]:
    """Return the incidents that fired at any time since a moment, oldest first."""
    ended = sa.or_(incidents.c.resolved_at.is_(None), incidents.c.resolved_at >= since)
    return _ended(connection, ended)


def sent_since(connection: Connection, since: datetime) -> Mapping[str, int]:
    """Return how many messages each channel has taken since a moment; those sent as one are one."""
    one = sa.func.coalesce(outbox.c.batch, outbox.c.identity)
    query = (
        sa.select(outbox.c.channel, sa.func.count(one.distinct()).label("messages"))
        .where(outbox.c.state == "done", outbox.c.sent_at >= since)
        .group_by(outbox.c.channel)
    )
    return {row.channel: row.messages for row in connection.execute(query)}


def last_told(connection: Connection) -> datetime | None:
    """Return the moment of the last daily digest, or that from which on they are told."""
    found = connection.execute(sa.select(meta.c.value).where(meta.c.key == _TOLD)).scalar_one_or_none()
    return None if found is None else datetime.fromisoformat(found)


def mark(connection: Connection, moment: datetime) -> None:
    """Keep the moment of the last daily digest."""
    connection.execute(sa.delete(meta).where(meta.c.key == _TOLD))
    connection.execute(sa.insert(meta).values(key=_TOLD, value=moment.isoformat()))


def turn_windows(connection: Connection, open_now: Sequence[Window], telling: Telling, now: datetime) -> Sequence[Told]:
    """Keep which windows are open; tell what those have hidden that ended."""
    known = {row.name: row.began_at for row in connection.execute(_WINDOWS)}
    names = {window.name for window in open_now}
    for name in sorted(names - known.keys()):
        connection.execute(sa.insert(windows).values(name=name, began_at=now))
    told: list[Told] = []
    for name in sorted(known.keys() - names):
        told += _tell_end(connection, name, known[name], telling, now)
        connection.execute(sa.delete(windows).where(windows.c.name == name))
    return told


def _tell_end(connection: Connection, name: str, began: datetime, telling: Telling, now: datetime) -> Sequence[Told]:
    hidden = verdicts.hidden_in_window(connection, name, began)
    if not hidden:
        return ()
    notice = digest.window_over(name, began, _ended(connection, incidents.c.id.in_(sorted(hidden))), telling.link, now)
    places = {Place.named(place) for found in hidden.values() for place in found}
    reached = [place.channel for place in places if not place.recipient and telling.reaches(place)]
    return tell(connection, sorted(reached), notice, now)


def tell(connection: Connection, channels: Sequence[str], notice: Notice, now: datetime) -> Sequence[Told]:
    """Write a digest to channels that tell all with one message."""
    for channel in channels:
        addressed = digest.addressed(notice, channel)
        messages.insert(connection, None, Place(channel), addressed, now, why=Why.DIGEST.name.lower())
    return [Told(notice.alert, channel, Verdict(Kind.DIGEST, Why.DIGEST)) for channel in channels]


def _ended(connection: Connection, which: sa.ColumnElement[bool]) -> Sequence[Ended]:
    query = sa.select(incidents).where(which).order_by(incidents.c.id)
    return [Ended(row.rule, row.opened_at, row.resolved_at) for row in connection.execute(query)]
