"""The rules' states and incidents, and what an evaluation writes about them in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from monitor.notice import Severity
from monitor.rules import Phase, Reason, Result, Rule, State, Transition
from monitor.signals import SIGNALS
from monitor.store import people, tell
from monitor.store.judged import Judged
from monitor.store.tell import Telling, Told
from monitor.units import encodable, written_as
from sync.storage.statements import upsert
from sync.storage.tables import incidents, rule_states, transitions

# Every judging needs these: they are made once, which takes longer than running them.
_STATES = sa.select(rule_states)
_OPEN = sa.select(incidents).where(incidents.c.rule == sa.bindparam("name"), incidents.c.resolved_at.is_(None))
_FORGET_STATE = sa.delete(rule_states).where(rule_states.c.rule == sa.bindparam("name"))

_MOST_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Incident:
    """A time during which an alert was firing."""

    id: int
    alert: str
    severity: Severity
    summary: str
    value: str
    limit: str
    since: datetime
    opened_at: datetime
    resolved_at: datetime | None = None
    examples: tuple[str, ...] = ()
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None


def states(connection: Connection) -> Mapping[str, State]:
    """Return the kept state of every rule that has one."""
    rows = connection.execute(_STATES)
    return {row.rule: _state(row) for row in rows}


def _state(row: Row[Any]) -> State:
    return State(
        phase=Phase(row.state),
        since=row.since,
        value=row.value,
        quiet_since=row.quiet_since,
        results=tuple(Result(datetime.fromisoformat(at), held) for at, held in row.samples or ()),
        fingerprint=row.fingerprint,
        nodata=bool((row.detail or {}).get("nodata", False)),
    )


def record(connection: Connection, judged: Sequence[Judged], telling: Telling, now: datetime) -> Sequence[Told]:
    """Keep states, open and close incidents, and write the messages they cause; return what was decided."""
    told: list[Told] = []
    for each in judged:
        if not each.matters:
            continue
        row = connection.execute(_OPEN, {"name": each.name}).one_or_none()
        if each.transition.fired and row is None and each.rule is not None:
            row = _open(connection, each, each.rule, now)
        elif row is not None and each.rule is not None:
            row = _reworded(connection, row, each.rule, now)
        if row is not None and each.transition.resolved:
            told += tell.end(connection, _close(connection, row, each, now), telling, now, _because(each.transition))
        elif row is not None and each.transition.after.phase is Phase.FIRING:
            told += tell.firing(connection, _refresh(connection, row, each), each, telling, now)
        _keep_state(connection, each, row, now)
        _keep_transition(connection, each, now)
    _lift_silences(connection, judged, now)
    return told


def _lift_silences(connection: Connection, judged: Sequence[Judged], now: datetime) -> None:
    over = [each.subject for each in judged if each.transition.resolved and each.subject is not None]
    if over:
        still = [each for each in judged if each.transition.after.phase is Phase.FIRING]
        people.lift_ended(connection, over, [each.subject for each in still if each.subject is not None], now)


def _keep_transition(connection: Connection, judged: Judged, now: datetime) -> None:
    before, after = judged.transition.before.phase, judged.transition.after.phase
    if before is after:
        return
    values = {
        "at": now,
        "rule": judged.name,
        "before": before.value,
        "after": after.value,
        "reason": judged.transition.reason.name.lower(),
        "value": judged.sample.value,
        "detail": {
            "note": judged.sample.note,
            "condition": str(judged.rule.condition) if judged.rule else "",
            "signal": judged.transition.telling.signal if judged.transition.telling is not None else "",
        },
    }
    connection.execute(sa.insert(transitions).values(values))


def _keep_state(connection: Connection, judged: Judged, incident: Row[Any] | None, now: datetime) -> None:
    after = judged.transition.after
    if after.phase is Phase.OK:
        connection.execute(_FORGET_STATE, {"name": judged.name})
        return
    values = {
        "rule": judged.name,
        "state": after.phase.value,
        "since": after.since,
        "value": after.value,
        "samples": [[result.at.isoformat(), result.held] for result in after.results],
        "fingerprint": after.fingerprint,
        "quiet_since": after.quiet_since,
        "detail": {
            "reason": judged.transition.reason.name.lower(),
            "note": judged.sample.note,
            "nodata": after.nodata,
        },
        "incident_id": incident.id if incident is not None else None,
        "updated_at": now,
    }
    upsert(connection, rule_states, [values])


def _open(connection: Connection, judged: Judged, rule: Rule, now: datetime) -> Row[Any]:
    since = judged.transition.after.since or now
    detail = {
        "since": since.isoformat(),
        **_words(rule),
        "examples": [],
        **_about(judged.transition),
    }
    values = {
        "rule": rule.name,
        "severity": rule.severity.value,
        "summary": "",
        "value": judged.transition.after.value,
        "labels": dict(rule.labels),
        "detail": detail,
        "opened_at": now,
    }
    row = connection.execute(sa.insert(incidents).values(values).returning(*incidents.c)).one()
    return _changed(connection, row, summary=tell.summary(row, now))


def _words(rule: Rule) -> dict[str, Any]:
    """Return what an incident keeps of its rule's texts."""
    return {"template": rule.summary, "description": rule.description, "runbook": rule.runbook}


def _reworded(connection: Connection, row: Row[Any], rule: Rule, now: datetime) -> Row[Any]:
    """Let an open incident say what its rule says by now, and be as bad; its labels stay, as others know it by them."""
    detail = {**row.detail, **_words(rule)}
    if (row.severity, row.detail) == (rule.severity.value, detail):
        return row
    if row.severity != rule.severity.value:
        detail = {"opened_as": row.severity, **detail}
    row = _changed(connection, row, severity=rule.severity.value, detail=detail)
    return _changed(connection, row, summary=tell.summary(row, now))


def _changed(connection: Connection, row: Row[Any], **values: Any) -> Row[Any]:
    """Keep other values of an incident, and return it with them."""
    query = sa.update(incidents).where(incidents.c.id == row.id).values(values).returning(*incidents.c)
    return connection.execute(query).one()


def _about(transition: Transition) -> dict[str, Any]:
    """Return what an incident keeps of the comparison that it is about at this moment."""
    about, sample = transition.telling, transition.sample
    if about is None:
        return {}
    examples = {"examples": [encodable(each) for each in sample.examples[:_MOST_EXAMPLES]]} if sample.examples else {}
    values = {name: each.value for name, each in transition.samples.items()}
    return {
        "signal": about.signal,
        "unit": about.unit.value,
        "limit": about.bound,
        "remedy": sample.remedy or SIGNALS[about.signal].remedy,
        "signals": {name: written_as(value, SIGNALS[name].unit) for name, value in values.items()},
        "nodata": transition.after.nodata,
        "note": sample.note,
        **examples,
    }


def firing(connection: Connection) -> Sequence[Incident]:
    """Return the alerts that are firing, oldest first."""
    query = sa.select(incidents).where(incidents.c.resolved_at.is_(None)).order_by(incidents.c.id)
    return [_incident(row) for row in connection.execute(query)]


def latest(connection: Connection, limit: int) -> Sequence[Incident]:
    """Return the latest incidents, newest first."""
    query = sa.select(incidents).order_by(incidents.c.id.desc()).limit(limit)
    return [_incident(row) for row in connection.execute(query)]


def of_alert(connection: Connection, alert: str, until: datetime) -> Incident | None:
    """Return the newest incident of an alert that had begun at a moment."""
    query = sa.select(incidents).where(incidents.c.rule == alert, incidents.c.opened_at <= until)
    row = connection.execute(query.order_by(incidents.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _incident(row)


def _incident(row: Row[Any]) -> Incident:
    return Incident(
        id=row.id,
        alert=row.rule,
        severity=Severity(row.severity),
        summary=row.summary,
        value=tell.amount(row.value, row.detail),
        limit=row.detail["limit"],
        since=datetime.fromisoformat(row.detail["since"]),
        opened_at=row.opened_at,
        resolved_at=row.resolved_at,
        examples=tuple(row.detail["examples"]),
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
    )


def _refresh(connection: Connection, row: Row[Any], judged: Judged) -> Row[Any]:
    """Keep the newest number of a firing alert, with the SKUs it is about, as long as its condition holds."""
    if not judged.transition.holds:
        return row
    value = judged.transition.after.value
    detail = {**row.detail, **_about(judged.transition)}
    if value == row.value and detail == row.detail:
        return row
    return _changed(connection, row, value=value, detail=detail)


def _because(transition: Transition) -> tuple[str, ...]:
    """Say why an alert ended, where that is not that its condition was seen to end."""
    if transition.reason in (Reason.EDITED, Reason.REMOVED):
        return (f"{transition.reason.value[0].upper()}{transition.reason.value[1:]}.",)
    return ("There is no number any more, which this rule takes for quiet.",) if transition.lacking else ()


def _close(connection: Connection, row: Row[Any], judged: Judged, now: datetime) -> Row[Any]:
    value = judged.transition.sample_of(row.detail["signal"]).value
    return _changed(connection, row, resolved_at=now, resolved_value=value)
