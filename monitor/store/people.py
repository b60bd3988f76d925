"""What people do about alerts: silences, acknowledgements, and the trail of who did what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from monitor.hiding import Matcher, Silence, Subject
from monitor.notice import Severity
from sync.storage import deeds
from sync.storage.tables import audit, incidents, silences


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did: `what` in a word, `subject` the alert or silence it was done to."""

    at: datetime
    who: str
    what: str
    subject: str
    detail: Mapping[str, Any]


def silence(connection: Connection, wanted: Silence) -> Silence:
    """Keep a new silence, whose id is given here."""
    values = {
        "matcher": {
            "alerts": list(wanted.matcher.alerts),
            "labels": dict(wanted.matcher.labels),
            "severity": wanted.matcher.severity,
        },
        "author": wanted.author,
        "reason": wanted.reason,
        "created_at": wanted.created_at,
        "starts_at": wanted.starts_at,
        "ends_at": wanted.ends_at,
        "until_resolved": wanted.until_resolved,
    }
    kept = silence_of(connection.execute(sa.insert(silences).values(values).returning(*silences.c)).one())
    detail = {"until": kept.ends_at.isoformat(), "reason": kept.reason, "silence": kept.id}
    record(connection, Deed(kept.created_at, kept.author, "silence", str(kept.matcher), detail))
    return kept


def lift(connection: Connection, silence_id: int, who: str, now: datetime) -> Silence | None:
    """End a silence that has not ended yet; None where there is none."""
    query = (
        sa.update(silences)
        .where(silences.c.id == silence_id, silences.c.lifted_at.is_(None), silences.c.ends_at > now)
        .values(lifted_at=now, lifted_by=who)
        .returning(*silences.c)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    lifted = silence_of(row)
    record(connection, Deed(now, who, "lift silence", str(lifted.matcher), {"silence": silence_id}))
    return lifted


def lift_ended(connection: Connection, over: Sequence[Subject], firing: Sequence[Subject], now: datetime) -> None:
    """End the silences that were to last until their alerts are over, once one is over and none of them fires."""
    for silence in standing_silences(connection, now):
        fits = silence.matcher.fits
        if silence.until_resolved and any(map(fits, over)) and not any(map(fits, firing)):
            lift(connection, silence.id, "the end of its alerts", now)


def standing_silences(connection: Connection, now: datetime) -> Sequence[Silence]:
    """Return the silences that hide something now or will, oldest first."""
    return [silence_of(row) for row in connection.execute(_STANDING, {"now": now})]


_STANDING = (
    sa.select(silences)
    .where(silences.c.lifted_at.is_(None), silences.c.ends_at > sa.bindparam("now", type_=silences.c.ends_at.type))
    .order_by(silences.c.id)
)


def latest_silences(connection: Connection, limit: int) -> Sequence[Silence]:
    """Return the latest silences, ended ones too, newest first."""
    return [
        silence_of(row) for row in connection.execute(sa.select(silences).order_by(silences.c.id.desc()).limit(limit))
    ]


def acknowledge(connection: Connection, alert: str, who: str, now: datetime) -> int | None:
    """Acknowledge an alert that fires; return its incident, None where nothing fires or somebody did before."""
    query = (
        sa.update(incidents)
        .where(incidents.c.rule == alert, incidents.c.resolved_at.is_(None), incidents.c.acknowledged_at.is_(None))
        .values(acknowledged_at=now, acknowledged_by=who)
        .returning(incidents.c.id)
    )
    found: int | None = connection.execute(query).scalar_one_or_none()
    if found is not None:
        record(connection, Deed(now, who, "acknowledge", alert, {"incident": found}))
    return found


def record(connection: Connection, deed: Deed) -> None:
    """Add to the trail."""
    deeds.record(connection, deed.at, deed.who, deed.what, deed.subject, deed.detail)


def trail(connection: Connection, limit: int) -> Sequence[Deed]:
    """Return what was done last, newest first."""
    rows = connection.execute(sa.select(audit).order_by(audit.c.id.desc()).limit(limit))
    return [Deed(row.at, row.who, row.what, row.subject, row.detail) for row in rows]


def silence_of(row: Row[Any]) -> Silence:
    """Return the silence that a row keeps."""
    matcher, severity = row.matcher, row.matcher["severity"]
    return Silence(
        id=row.id,
        matcher=Matcher(tuple(matcher["alerts"]), matcher["labels"], None if severity is None else Severity(severity)),
        author=row.author,
        reason=row.reason,
        created_at=row.created_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        until_resolved=row.until_resolved,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
    )
