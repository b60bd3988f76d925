"""What was decided to tell each place of an incident: a row where that changed, so that every silence is explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from monitor.decide import Hidden, Verdict, Why
from monitor.notice import Kind
from sync.storage.tables import incidents, verdicts

# Every judging asks for this of each place of each alert that fires: made once, which takes longer than running it.
_LAST = (
    sa.select(verdicts)
    .where(verdicts.c.incident_id == sa.bindparam("incident"), verdicts.c.channel == sa.bindparam("place"))
    .order_by(verdicts.c.id.desc())
    .limit(1)
)
_HIDING = (Why.SILENCED, Why.MAINTENANCE, Why.OUTSIDE_HOURS, Why.DEPENDS_ON, Why.DAMPED)


@dataclass(frozen=True, slots=True)
class Decided:
    """One verdict on record; `place` is a channel, with the number where it has several."""

    at: datetime
    incident_id: int
    place: str
    kind: Kind | None
    why: Why
    detail: str = ""


def keep(connection: Connection, incident_id: int, place: str, verdict: Verdict, now: datetime) -> None:
    """Keep a verdict unless it is what was decided last."""
    before = last(connection, incident_id, place)
    if before is not None and (before.kind, before.why, before.detail) == (verdict.kind, verdict.why, verdict.detail):
        return
    values = {
        "at": now,
        "incident_id": incident_id,
        "channel": place,
        "kind": verdict.kind.value if verdict.kind is not None else None,
        "why": verdict.why.name.lower(),
        "detail": verdict.detail,
    }
    connection.execute(sa.insert(verdicts).values(values))


def last(connection: Connection, incident_id: int, place: str) -> Decided | None:
    """Return what was decided last for a place."""
    row = connection.execute(_LAST, {"incident": incident_id, "place": place}).one_or_none()
    return None if row is None else _decided(row)


def hid(decided: Decided | None) -> Hidden | None:
    """Return what kept an incident from a place, by the last that was decided."""
    return Hidden(decided.why, decided.detail) if decided is not None and decided.why in _HIDING else None


def places(connection: Connection, incident_id: int) -> Sequence[str]:
    """Return every place that anything was decided for."""
    query = sa.select(verdicts.c.channel).where(verdicts.c.incident_id == incident_id).distinct()
    return sorted(connection.scalars(query))


def stand_ins(connection: Connection, incident_id: int) -> Mapping[str, str]:
    """Return the places that were told of an incident instead of another channel, with that channel."""
    told_instead = verdicts.c.why == Why.FALLBACK.name.lower()
    query = sa.select(verdicts).where(verdicts.c.incident_id == incident_id, told_instead).order_by(verdicts.c.id)
    return {row.channel: row.detail for row in connection.execute(query)}


def of_incident(connection: Connection, incident_id: int) -> Sequence[Decided]:
    """Return all that was decided about an incident, oldest first."""
    query = sa.select(verdicts).where(verdicts.c.incident_id == incident_id).order_by(verdicts.c.id)
    return [_decided(row) for row in connection.execute(query)]


def hidden_in_window(connection: Connection, window: str, since: datetime) -> Mapping[int, Sequence[str]]:
    """Return the incidents that nobody had been told of when a window began to hide them, with the places concerned."""
    untold = sa.or_(incidents.c.notified_at.is_(None), incidents.c.notified_at >= since)
    query = (
        sa.select(verdicts.c.incident_id, verdicts.c.channel)
        .join(incidents, incidents.c.id == verdicts.c.incident_id)
        .where(verdicts.c.why == Why.MAINTENANCE.name.lower(), verdicts.c.detail == window)
        .where(verdicts.c.at >= since, untold)
    )
    found: dict[int, list[str]] = {}
    for incident_id, place in connection.execute(query.distinct()):
        found.setdefault(incident_id, []).append(place)
    return found


def _decided(row: Row[Any]) -> Decided:
    kind = None if row.kind is None else Kind(row.kind)
    return Decided(row.at, row.incident_id, row.channel, kind, Why[row.why.upper()], row.detail)
