"""What people did about an incident, as its messages show it: read anew whenever one is written or edited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from monitor.hiding import Matcher, Silence, Subject
from monitor.notice import Handling, Severity
from monitor.store import people
from monitor.units import written_minute
from sync.storage.tables import incidents, silences

_MOST_SILENCES = 3  # shown of one incident, the latest


def handling(connection: Connection, incident_id: int, now: datetime) -> Handling:
    """Return what people have done about an incident up to now."""
    row = connection.execute(sa.select(incidents).where(incidents.c.id == incident_id)).one()
    hiding = [each for each in _silences(connection, row, now) if each.matcher.fits(_subject(row))]
    lines = [("Silenced", _silenced(each)) for each in hiding[-_MOST_SILENCES:]]
    if row.acknowledged_at is not None:
        lines.insert(0, ("Acknowledged", f"by {row.acknowledged_by}, {written_minute(row.acknowledged_at)}"))
    return Handling(tuple(lines), row.acknowledged_at is not None, any(each.active(now) for each in hiding))


def handled(connection: Connection, now: datetime) -> Sequence[int]:
    """Return the incidents that have not ended and that people have done anything about."""
    query = sa.select(incidents.c.id).where(incidents.c.resolved_at.is_(None)).order_by(incidents.c.id)
    return [each for each in connection.scalars(query) if handling(connection, each, now).lines]


def concerned(connection: Connection, matcher: Matcher) -> Sequence[int]:
    """Return the incidents that have not ended and that a silence is about."""
    query = sa.select(incidents).where(incidents.c.resolved_at.is_(None))
    return [row.id for row in connection.execute(query) if matcher.fits(_subject(row))]


def _subject(row: Row[Any]) -> Subject:
    return Subject(row.rule, Severity(row.severity), row.labels or {})


def _silences(connection: Connection, row: Row[Any], now: datetime) -> Sequence[Silence]:
    """Return the silences that stood at any time while an incident lasted, oldest first."""
    began, ended = row.opened_at, row.resolved_at or now
    stood = sa.and_(silences.c.starts_at <= ended, silences.c.ends_at > began)
    lifted_before = sa.and_(silences.c.lifted_at.is_not(None), silences.c.lifted_at <= began)
    query = sa.select(silences).where(stood, sa.not_(lifted_before)).order_by(silences.c.id)
    return [people.silence_of(each) for each in connection.execute(query)]


def _silenced(silence: Silence) -> str:
    until, lifted = silence.ends_at, ""
    if silence.lifted_at is not None:
        until, lifted = silence.lifted_at, f" (lifted by {silence.lifted_by})"
    return f"by {silence.author} until {written_minute(until)}{lifted}: {silence.reason}"
