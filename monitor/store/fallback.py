"""Tells another channel what the one it was for has not taken in time, and says which that was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from monitor.decide import CLOCK_STEP, Verdict, Why
from monitor.notice import FailureReason, Kind, Notice
from monitor.store import earlier, messages, verdicts
from monitor.store.judged import Place
from sync.storage.tables import incidents, outbox

_BEGINNINGS = (Kind.FIRING, Kind.REMINDER, Kind.SUMMARY)
_ENDS = (Kind.RESOLVED, Kind.SUMMARY)
_REFUSED = f"{FailureReason.REFUSED.value}:"


def fall_back(connection: Connection, channel: str, to: Sequence[Place], after: timedelta, now: datetime) -> int:
    """Write to `to` what waits on a channel for longer than `after`, or was refused; return how many messages.

    It has waited since it was written, whether or not it was tried: that is how long people have known nothing.
    A place that was told the same anyway is not told twice.
    """
    query = sa.select(outbox).where(_waiting(channel), _late(after, now)).order_by(outbox.c.id)
    return sum(pass_on(connection, row, place, now) for row in connection.execute(query).all() for place in to)


def wanted(connection: Connection, channel: str, after: timedelta, now: datetime) -> bool:
    """Tell whether anything on a channel has waited for longer than `after`, or was refused."""
    query = sa.select(sa.exists().where(_waiting(channel), _late(after, now)))
    return bool(connection.execute(query).scalar())


def next_fallback(connection: Connection, channel: str, after: timedelta, now: datetime) -> datetime | None:
    """Return when the next message that waits on a channel will have waited for too long."""
    young = outbox.c.created_at > now - after
    oldest = sa.func.min(outbox.c.created_at, type_=outbox.c.created_at.type)
    written: datetime | None = connection.execute(sa.select(oldest).where(_waiting(channel), young)).scalar()
    return None if written is None else written + after


def _waiting(channel: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        outbox.c.channel == channel,
        outbox.c.state.in_(messages.WAITING),
        outbox.c.incident_id.is_not(None),
        outbox.c.kind.in_(messages.OF_INCIDENTS),
    )


def _late(after: timedelta, now: datetime) -> sa.ColumnElement[bool]:
    refused = sa.func.coalesce(outbox.c.last_error, "").startswith(_REFUSED, autoescape=True)
    return sa.or_(outbox.c.created_at <= now - after, outbox.c.created_at > now + CLOCK_STEP, refused)


def pass_on(connection: Connection, row: Row[Any], place: Place, now: datetime) -> bool:
    """Write what a row of the outbox says to another place, unless that was told the same anyway."""
    known = messages.kinds(connection, row.incident_id, place)
    kind, notice = _as_of_now(connection, row)
    if kind is Kind.REMINDER and row.state == "dead":  # it was lost: the place had none in its turn, or a newer one
        latest = messages.last(connection, row.incident_id, place)
        if latest is not None and (latest.kind in _ENDS or latest.at >= row.created_at):
            return False
    elif known & set(_ENDS if kind in _ENDS else _BEGINNINGS):
        return False
    if kind is Kind.RESOLVED and not known:
        kind = Kind.SUMMARY  # it was never told of the beginning
    messages.insert(
        connection, row.incident_id, place, _instead(notice, row, kind, place), now, why=Why.FALLBACK.name.lower()
    )
    verdict = Verdict(kind, Why.FALLBACK, detail=row.channel)
    verdicts.keep(connection, row.incident_id, str(place), verdict, now)
    return True


def _as_of_now(connection: Connection, row: Row[Any]) -> tuple[Kind, Notice]:
    """Return what a row says, and of which kind that is by now: a beginning may have ended since it was written."""
    kind, notice = Kind(row.kind), earlier.notice_of(row)
    query = sa.select(incidents.c.resolved_at).where(incidents.c.id == row.incident_id)
    ended = connection.execute(query).scalar_one()
    if ended is None or kind in _ENDS:
        return kind, notice
    return Kind.SUMMARY, replace(notice, until=ended)


def remark(channel: str, reason: str = "") -> str:
    """Say why it comes this way."""
    return f"It comes this way because the channel {channel} did not take it{reason}."


def _instead(notice: Notice, row: Row[Any], kind: Kind, place: Place) -> Notice:
    reason = row.last_error or "no answer yet"
    identity = f"{row.identity}-by-{place.slug}"
    return replace(notice, identity=identity, kind=kind, remarks=(*notice.remarks, remark(row.channel, f" ({reason})")))
