"""The rows of the outbox: written with what they tell of, claimed by compare-and-set, closed by the holder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from monitor.budget import Budget
from monitor.decide import Last, Progress
from monitor.facts import Backlog
from monitor.notice import FailureReason, Item, Kind, Notice, Parcel
from monitor.store import share
from monitor.store.earlier import NOTICE, about, item, written_to
from monitor.store.judged import Place
from sync.storage.tables import incidents, outbox

WAITING = ("due", "sending", "ambiguous")
_MOST_LOOKED_AT = 100  # rows that one claim chooses from
OF_INCIDENTS = frozenset({Kind.FIRING, Kind.REMINDER, Kind.RESOLVED, Kind.SUMMARY})  # what may go out together
_NOT_TAKEN = f"{FailureReason.MALFORMED.value}:"

_PROGRESS = {
    "due": Progress.WAITING,
    "sending": Progress.UNDER_WAY,
    "ambiguous": Progress.UNDER_WAY,
    "done": Progress.DELIVERED,
    "dead": Progress.GIVEN_UP,
}


@dataclass(frozen=True, slots=True)
class Terms:
    """How a channel is claimed for: what may go out as one message, how much to one recipient, for how long."""

    together: Callable[[Sequence[Item]], Sequence[Item]]
    lease: timedelta
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages that this process, and nobody else, is to send now as one. `attempt` counts from 1."""

    ids: tuple[int, ...]
    channel: str
    attempt: int
    parcel: Parcel
    plain: bool  # the full form was not taken


@cache
def _last(place: Place) -> sa.Select[Any]:
    """Return the statement for a place, made once: every judging runs it for each alert that fires."""
    about = sa.and_(outbox.c.incident_id == sa.bindparam("incident"), written_to(place))
    return sa.select(outbox).where(about).order_by(outbox.c.id.desc()).limit(1)


def last(connection: Connection, incident_id: int, place: Place) -> Last | None:
    """Return the last message of an incident to a place."""
    row = connection.execute(_last(place), {"incident": incident_id}).one_or_none()
    if row is None:
        return None
    return Last(Kind(row.kind), row.sent_at or row.created_at, _progress(row))


def _progress(row: Row[Any]) -> Progress:
    if row.state == "due" and row.maybe_repeated:  # it came to rest unanswered and may have arrived: not replaced
        return Progress.UNDER_WAY
    if row.state == "dead" and row.external:
        return Progress.LOST
    return _PROGRESS[row.state]


def kinds(connection: Connection, incident_id: int, place: Place) -> set[Kind]:
    """Return the kinds of all that was written to a place about an incident."""
    query = sa.select(outbox.c.kind).where(about(incident_id, place)).distinct()
    return {Kind(kind) for kind in connection.scalars(query)}


def insert(
    connection: Connection, incident_id: int | None, place: Place, notice: Notice, now: datetime, *, why: str = ""
) -> None:
    """Write a message that is due at once."""
    values = {
        "incident_id": incident_id,
        "channel": place.channel,
        "recipient": place.recipient,
        "kind": notice.kind.value,
        "why": why,
        "body": NOTICE.dump_python(notice, mode="json"),
        "identity": notice.identity,
        "state": "due",
        "created_at": now,
        "next_at": now,
    }
    connection.execute(sa.insert(outbox).values(values))


def replace(connection: Connection, incident_id: int, place: Place, notice: Notice) -> bool:
    """Put the end in place of the message that still waits; False where somebody is sending that by now."""
    last = sa.select(sa.func.max(outbox.c.id)).where(about(incident_id, place))
    values = {
        "kind": notice.kind.value,
        "body": NOTICE.dump_python(notice, mode="json"),
        "identity": notice.identity,
        "next_at": notice.at,
    }
    untried = sa.and_(outbox.c.state == "due", outbox.c.maybe_repeated.is_(False))
    query = sa.update(outbox).where(outbox.c.id == last.scalar_subquery(), untried).values(values)
    return connection.execute(query).rowcount == 1


# --- delivering it ---


def recover(connection: Connection, channels: Mapping[str, Collection[str]], now: datetime) -> int:
    """Doubt what was being sent, and return how much; give up what is for nobody of `channels`."""
    doubtful = sa.update(outbox).where(outbox.c.state == "sending")
    values = {"state": "ambiguous", "maybe_repeated": True, "next_at": now, "lease_until": None, "sent_at": now}
    count = connection.execute(doubtful.values(values)).rowcount
    give_up_strangers(connection, channels)
    return count


def give_up_strangers(connection: Connection, channels: Mapping[str, Collection[str]]) -> None:
    """Give up what waits for nobody of `channels`; what is being sent is its sender's."""
    orphans = sa.update(outbox).where(outbox.c.state.in_(("due", "ambiguous")))
    gone = outbox.c.channel.not_in(sorted(channels))
    connection.execute(
        orphans.where(gone).values(state="dead", next_at=None, last_error="the channel no longer exists")
    )
    for channel, recipients in channels.items():
        strangers = sa.and_(outbox.c.channel == channel, outbox.c.recipient.not_in(sorted(recipients)))
        reason = "the recipient is no longer among the channel's"
        connection.execute(orphans.where(strangers).values(state="dead", next_at=None, last_error=reason))


def claim(connection: Connection, channel: str, terms: Terms, now: datetime) -> Claim | None:
    """Take what is due to the first recipient in turn, as much of it as may go out as one message.

    What went out as one and is in doubt goes out again as the same one, with the same identity.
    """
    due = connection.execute(_claimable(channel, now)).all()
    if terms.budget is not None:
        due = share.affordable(connection, due, terms.budget, now)
    rows = _mates(connection, due)
    if not rows:
        return None
    items = [item(connection, row, now) for row in rows]
    in_doubt = rows[0].batch is not None
    taken = items if in_doubt else terms.together(items)
    rows = [row for row, item in zip(rows, items, strict=True) if any(item is one for one in taken)]
    identity = rows[0].batch or _batch_identity(rows, now)
    repeat = any(row.maybe_repeated or row.state != "due" for row in rows)
    ids, attempt = tuple(row.id for row in rows), max(row.attempts for row in rows) + 1
    values = {"state": "sending", "attempts": attempt, "maybe_repeated": repeat, "batch": identity}
    connection.execute(sa.update(outbox).where(outbox.c.id.in_(ids)).values(**values, lease_until=now + terms.lease))
    parcel = Parcel(identity, taken, rows[0].recipient, repeat)
    return Claim(ids, channel, attempt, parcel, plain=_not_taken(rows[0]))


def _mates(connection: Connection, due: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """Return what may go out as one with the first that is due."""
    if not due:
        return ()
    first = due[0]
    if first.batch is not None:
        query = sa.select(outbox).where(outbox.c.batch == first.batch, outbox.c.state.in_(WAITING))
        return connection.execute(query.order_by(outbox.c.id)).all()
    if _alone(first):
        return [first]
    return [row for row in due if row.recipient == first.recipient and row.batch is None and not _alone(row)]


def _alone(row: Row[Any]) -> bool:
    """Tell what goes out by itself: tests and digests, what was not taken before, and what is in doubt."""
    return row.kind not in OF_INCIDENTS or row.incident_id is None or _not_taken(row) or row.maybe_repeated


def _not_taken(row: Row[Any]) -> bool:
    return (row.last_error or "").startswith(_NOT_TAKEN)


def _batch_identity(rows: Sequence[Row[Any]], now: datetime) -> str:
    first = rows[0]
    if len(rows) == 1:
        return str(first.identity)
    return f"{first.id}-{Place(first.channel, first.recipient).slug}-group-{int(now.timestamp())}"


@cache
def _in_turn(channel: str) -> sa.ColumnElement[bool]:
    """Pick the waiting messages of a channel that wait for no earlier one of their incident."""
    earlier = outbox.alias("earlier")
    earlier_waits = sa.exists().where(
        earlier.c.incident_id == outbox.c.incident_id,
        earlier.c.channel == outbox.c.channel,
        earlier.c.recipient == outbox.c.recipient,
        earlier.c.id < outbox.c.id,
        earlier.c.state.in_(WAITING),
    )
    return sa.and_(outbox.c.channel == channel, outbox.c.state.in_(WAITING), sa.not_(earlier_waits))


_DUE_AT = sa.func.coalesce(outbox.c.lease_until, outbox.c.next_at, type_=outbox.c.next_at.type)


def _claimable(channel: str, now: datetime) -> sa.Select[Any]:
    query = sa.select(outbox).where(_in_turn(channel), now >= _DUE_AT)
    return query.order_by(outbox.c.id).limit(_MOST_LOOKED_AT)


@cache
def _next_due(channel: str) -> sa.Select[Any]:
    return sa.select(sa.func.min(_DUE_AT, type_=outbox.c.next_at.type)).where(_in_turn(channel))


def next_due(connection: Connection, channel: str) -> datetime | None:
    """Return when the next message of a channel is due, or its lease ends."""
    return connection.execute(_next_due(channel)).scalar()


def held(connection: Connection, channel: str, now: datetime) -> datetime | None:
    """Return until when the service of a channel asked to be left alone; None where that has passed."""
    asked = outbox.c.last_error.startswith(f"{FailureReason.THROTTLED.value}:")
    until = sa.func.max(outbox.c.next_at, type_=outbox.c.next_at.type)
    query = sa.select(until).where(outbox.c.channel == channel, outbox.c.state == "due", asked, outbox.c.next_at > now)
    return connection.execute(query).scalar()


def close(connection: Connection, claim: Claim, values: Mapping[str, Any]) -> bool:
    """End a claim with these values; False where it was no longer ours."""
    query = sa.update(outbox).where(
        outbox.c.id.in_(claim.ids),
        outbox.c.batch == claim.parcel.identity,
        outbox.c.state == "sending",
        outbox.c.attempts == claim.attempt,
    )
    return connection.execute(query.values(**values)).rowcount == len(claim.ids)


def disband(connection: Connection, claim: Claim) -> None:
    """Let messages that surely did not arrive, now or before, go out in other company."""
    query = sa.update(outbox).where(outbox.c.id.in_(claim.ids), outbox.c.maybe_repeated.is_(False))
    connection.execute(query.values(batch=None))


def release(connection: Connection, claim: Claim, now: datetime) -> None:
    """Let what waits for the same recipient go now, since the way to it works; not what was not taken."""
    waits = sa.and_(outbox.c.state.in_(("due", "ambiguous")), outbox.c.next_at > now)
    poisoned = sa.func.coalesce(outbox.c.last_error, "").startswith(_NOT_TAKEN, autoescape=True)
    place = Place(claim.channel, claim.parcel.recipient)
    connection.execute(sa.update(outbox).where(written_to(place), waits, sa.not_(poisoned)).values(next_at=now))


def hasten(connection: Connection, furthest: Mapping[str, timedelta], now: datetime) -> int:
    """Make due what would wait for longer than its channel ever lets wait: the clock was set back since."""
    waits = outbox.c.state.in_(WAITING)
    moved = 0
    for channel, longest in furthest.items():
        beyond = sa.and_(outbox.c.channel == channel, waits, now + longest < _DUE_AT)
        values = {"next_at": now, "lease_until": sa.case((outbox.c.lease_until.is_not(None), now))}
        moved += connection.execute(sa.update(outbox).where(beyond).values(values)).rowcount
    return moved


def expire(connection: Connection, before: datetime, ends_before: datetime) -> int:
    """Give up what was written before a moment, ends before another; never the first of an alert that still fires."""
    return connection.execute(_expire(), {"before": before, "ends_before": ends_before}).rowcount


@cache
def _expire() -> sa.Update:
    still_firing = sa.exists().where(
        incidents.c.id == outbox.c.incident_id, incidents.c.resolved_at.is_(None), outbox.c.kind == Kind.FIRING.value
    )
    moment = outbox.c.created_at.type
    is_end = outbox.c.kind.in_((Kind.RESOLVED.value, Kind.SUMMARY.value))
    before, ends_before = sa.bindparam("before", type_=moment), sa.bindparam("ends_before", type_=moment)
    too_old = outbox.c.created_at < sa.case((is_end, ends_before), else_=before)
    return (
        sa.update(outbox)
        .where(outbox.c.state.in_(("due", "ambiguous")), too_old, sa.not_(still_firing))
        .values(state="dead", next_at=None)
    )


def backlog(connection: Connection) -> Backlog:
    """Count what waits, and what was given up; what waits for its recipient's share makes nothing old."""
    depth, since, dead = connection.execute(_backlog()).one()
    return Backlog(depth, dead, since)


@cache
def _backlog() -> sa.Select[Any]:
    held = sa.func.coalesce(outbox.c.last_error, "").startswith(share.HELD, autoescape=True)
    oldest = sa.func.min(sa.case((sa.not_(held), outbox.c.created_at)), type_=outbox.c.created_at.type)
    given_up = outbox.alias("given_up")
    dead = sa.select(sa.func.count()).where(given_up.c.state == "dead").scalar_subquery()
    return sa.select(sa.func.count(), oldest, dead).where(outbox.c.state.in_(WAITING))
