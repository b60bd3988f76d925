"""The rows of the outbox: written with what they tell of, claimed by compare-and-set, closed by the holder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection, Row

from monitor.decide import Last, Progress
from monitor.facts import Backlog
from monitor.notice import FailureReason, Kind, Notice, Previous, Receipt
from sync.storage.tables import incidents, outbox

_NOTICE = TypeAdapter(Notice)
_WAITING = ("due", "sending", "ambiguous")
_PROGRESS = {
    "due": Progress.WAITING,
    "sending": Progress.UNDER_WAY,
    "ambiguous": Progress.UNDER_WAY,
    "done": Progress.DELIVERED,
    "dead": Progress.GIVEN_UP,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this process, and nobody else, is to send now. `attempt` counts from 1."""

    id: int
    attempt: int
    notice: Notice
    previous: Previous
    plain: bool  # the full form was not taken


def last(connection: Connection, incident_id: int, channel: str) -> Last | None:
    """Return the last message of an incident for a channel."""
    query = (
        sa.select(outbox)
        .where(outbox.c.incident_id == incident_id, outbox.c.channel == channel)
        .order_by(outbox.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    # a message that came to rest after an unanswered attempt may have arrived: it is not replaced
    progress = Progress.UNDER_WAY if row.state == "due" and row.maybe_repeated else _PROGRESS[row.state]
    return Last(Kind(row.kind), row.sent_at or row.created_at, progress)


def insert(connection: Connection, incident_id: int | None, channel: str, notice: Notice, now: datetime) -> None:
    """Write a message that is due at once."""
    values = {
        "incident_id": incident_id,
        "channel": channel,
        "kind": notice.kind.value,
        "body": _NOTICE.dump_python(notice, mode="json"),
        "identity": notice.identity,
        "state": "due",
        "created_at": now,
        "next_at": now,
    }
    connection.execute(sa.insert(outbox).values(values))


def replace(connection: Connection, incident_id: int, channel: str, notice: Notice) -> bool:
    """Put the end in place of the message that still waits; False where somebody is sending that by now."""
    last = sa.select(sa.func.max(outbox.c.id)).where(outbox.c.incident_id == incident_id, outbox.c.channel == channel)
    values = {
        "kind": notice.kind.value,
        "body": _NOTICE.dump_python(notice, mode="json"),
        "identity": notice.identity,
        "next_at": notice.at,
    }
    query = sa.update(outbox).where(outbox.c.id == last.scalar_subquery(), outbox.c.state == "due").values(values)
    return connection.execute(query).rowcount == 1


# --- delivering it ---


def recover(connection: Connection, channels: Collection[str], now: datetime) -> int:
    """Doubt what was being sent; give up what is for other channels than these. Return how many are in doubt."""
    doubtful = sa.update(outbox).where(outbox.c.state == "sending")
    values = {"state": "ambiguous", "maybe_repeated": True, "next_at": now, "lease_until": None}
    count = connection.execute(doubtful.values(values)).rowcount
    orphans = sa.update(outbox).where(outbox.c.state.in_(_WAITING), outbox.c.channel.not_in(sorted(channels)))
    connection.execute(orphans.values(state="dead", next_at=None, last_error="the channel no longer exists"))
    return count


def claim(connection: Connection, channel: str, lease: timedelta, now: datetime) -> Claim | None:
    """Take the next message that is due on a channel; None where there is none."""
    row = connection.execute(_next_claimable(channel, now)).one_or_none()
    if row is None:
        return None
    repeat = row.maybe_repeated or row.state != "due"
    query = (
        sa.update(outbox)
        .where(outbox.c.id == row.id, outbox.c.state == row.state, outbox.c.attempts == row.attempts)
        .values(state="sending", attempts=row.attempts + 1, maybe_repeated=repeat, lease_until=now + lease)
    )
    if connection.execute(query).rowcount != 1:
        return None
    notice = _NOTICE.validate_python({**row.body, "repeat": repeat})
    plain = (row.last_error or "").startswith(f"{FailureReason.MALFORMED.value}:")
    return Claim(row.id, row.attempts + 1, notice, _previous(connection, row), plain)


@cache
def _in_turn(channel: str) -> sa.ColumnElement[bool]:
    """Pick the waiting messages of a channel that wait for no earlier one of their incident."""
    earlier = outbox.alias("earlier")
    earlier_waits = sa.exists().where(
        earlier.c.incident_id == outbox.c.incident_id,
        earlier.c.channel == outbox.c.channel,
        earlier.c.id < outbox.c.id,
        earlier.c.state.in_(_WAITING),
    )
    return sa.and_(outbox.c.channel == channel, outbox.c.state.in_(_WAITING), sa.not_(earlier_waits))


_DUE_AT = sa.func.coalesce(outbox.c.lease_until, outbox.c.next_at, type_=outbox.c.next_at.type)


def _next_claimable(channel: str, now: datetime) -> sa.Select[Any]:
    return sa.select(outbox).where(_in_turn(channel), now >= _DUE_AT).order_by(outbox.c.id).limit(1)


@cache
def _next_due(channel: str) -> sa.Select[Any]:
    return sa.select(sa.func.min(_DUE_AT, type_=outbox.c.next_at.type)).where(_in_turn(channel))


def next_due(connection: Connection, channel: str) -> datetime | None:
    """Return when the next message of a channel is due, or its lease ends."""
    return connection.execute(_next_due(channel)).scalar()


def _previous(connection: Connection, row: Row[Any]) -> Previous:
    query = (
        sa.select(outbox.c.external)
        .where(outbox.c.incident_id == row.incident_id, outbox.c.channel == row.channel, outbox.c.state == "done")
        .order_by(outbox.c.id)
    )
    return Previous(tuple(Receipt(**external) for external in connection.scalars(query) if external))


def close(connection: Connection, claim: Claim, values: Mapping[str, Any]) -> bool:
    """End a claim with these values; False where it was no longer ours."""
    query = sa.update(outbox).where(
        outbox.c.id == claim.id, outbox.c.state == "sending", outbox.c.attempts == claim.attempt
    )
    return connection.execute(query.values(**values)).rowcount == 1


def expire(connection: Connection, before: datetime) -> int:
    """Give up what was written before a moment, but never the first message of an alert that still fires."""
    still_firing = sa.exists().where(
        incidents.c.id == outbox.c.incident_id, incidents.c.resolved_at.is_(None), outbox.c.kind == Kind.FIRING.value
    )
    query = (
        sa.update(outbox)
        .where(outbox.c.state.in_(("due", "ambiguous")), outbox.c.created_at < before, sa.not_(still_firing))
        .values(state="dead", next_at=None)
    )
    return connection.execute(query).rowcount


def backlog(connection: Connection) -> Backlog:
    """Count what waits, and what was given up."""
    waiting = sa.select(sa.func.count(), sa.func.min(outbox.c.created_at)).where(outbox.c.state.in_(_WAITING))
    depth, oldest = connection.execute(waiting).one()
    dead = connection.execute(sa.select(sa.func.count()).where(outbox.c.state == "dead")).scalar_one()
    return Backlog(depth, dead, oldest)
