"""What is on record about one alert, for people who ask: judgings, its changes, and what became of each message."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from monitor.notice import Arrival, Kind
from monitor.rules import Phase, Reason
from monitor.store.judged import Place
from sync.storage.tables import evaluations, outbox, transitions

DELIVERED, GIVEN_UP = "done", "dead"


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the outbox and how far it came; `place` is a channel, with the number where it has several."""

    id: int
    place: str
    kind: Kind
    why: str
    state: str
    attempts: int
    repeated: bool  # an earlier attempt may have arrived
    created_at: datetime
    sent_at: datetime | None
    next_at: datetime | None
    error: str
    proof: str  # the service's own name of what it took
    arrival: Arrival = Arrival.TAKEN

    @property
    def delivered(self) -> bool:
        """Tell whether the channel took it."""
        return self.state == DELIVERED

    @property
    def waits(self) -> bool:
        """Tell whether it is still to be delivered."""
        return self.state not in (DELIVERED, GIVEN_UP)


def messages_about(connection: Connection, incident_id: int) -> Sequence[Message]:
    """Return every message about an incident, oldest first."""
    query = sa.select(outbox).where(outbox.c.incident_id == incident_id).order_by(outbox.c.id)
    return [_message(row) for row in connection.execute(query)]


def waiting_for(connection: Connection, channel: str) -> tuple[int, str]:
    """Return how many messages wait for a channel, and what the newest of them that was tried met with."""
    waits = sa.and_(outbox.c.channel == channel, outbox.c.state.not_in((DELIVERED, GIVEN_UP)))
    count: int = connection.execute(sa.select(sa.func.count()).where(waits)).scalar_one()
    query = sa.select(outbox.c.last_error).where(waits, outbox.c.last_error.is_not(None)).order_by(outbox.c.id.desc())
    return count, connection.execute(query.limit(1)).scalar() or ""


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        place=str(Place(row.channel, row.recipient)),
        kind=Kind(row.kind),
        why=row.why,
        state=row.state,
        attempts=row.attempts,
        repeated=row.maybe_repeated,
        created_at=row.created_at,
        sent_at=row.sent_at,
        next_at=row.next_at,
        error=row.last_error or "",
        arrival=Arrival((row.external or {}).get("arrival", Arrival.TAKEN)),
        proof=" ".join(filter(None, ((row.external or {}).get(part) for part in ("channel", "message")))),
    )


@dataclass(frozen=True, slots=True)
class Judging:
    """One judging of the rules: what each signal was; None: it had no number."""

    at: datetime
    values: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a rule's phase on record."""

    at: datetime
    before: Phase
    after: Phase
    reason: Reason
    value: float | None
    note: str
    condition: str
    signal: str = ""  # whose value it is; "" where that is not on record


def judging_at(connection: Connection, at: datetime) -> Judging | None:
    """Return the last judging at or before a moment."""
    query = sa.select(evaluations).where(evaluations.c.at <= at).order_by(evaluations.c.at.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Judging(row.at, row.samples)


def changes_of(connection: Connection, alert: str, until: datetime, limit: int) -> Sequence[Change]:
    """Return the last changes of a rule's phase up to a moment, oldest first."""
    query = sa.select(transitions).where(transitions.c.rule == alert, transitions.c.at <= until)
    rows = connection.execute(query.order_by(transitions.c.id.desc()).limit(limit)).all()
    return [_change(row) for row in reversed(rows)]


def _change(row: Row[Any]) -> Change:
    reason, detail = Reason[row.reason.upper()], row.detail
    before, after, note = Phase(row.before), Phase(row.after), detail.get("note", "")
    return Change(row.at, before, after, reason, row.value, note, detail["condition"], detail.get("signal", ""))


def judgings(connection: Connection, since: datetime, signals: Collection[str]) -> Sequence[Judging]:
    """Return the judgings from a moment on, oldest first, with these signals of each."""
    query = sa.select(evaluations.c.at, evaluations.c.samples).where(evaluations.c.at >= since)
    rows = connection.execute(query.order_by(evaluations.c.at, evaluations.c.id))
    return [Judging(at, {name: values[name] for name in signals if name in values}) for at, values in rows]
