"""The rules' states and incidents, and what an evaluation writes about them in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from monitor import decide
from monitor.decide import Verdict
from monitor.notice import Kind, Notice, Severity
from monitor.rules import Phase, Reason, Rule, Sample, State, Transition
from monitor.signals import SIGNALS
from monitor.store import messages
from monitor.units import UNKNOWN, Unit, written, written_duration
from sync.storage.tables import incidents, outbox, rule_states

_MOST_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """What an evaluation made of one rule; `rule` is None where it is no longer in the file."""

    name: str
    rule: Rule | None
    sample: Sample
    transition: Transition


@dataclass(frozen=True, slots=True)
class Routing:
    """Who is told what, how often, and the address of the status page for the messages."""

    routes: Mapping[Severity, Sequence[str]]
    repeat: timedelta
    link: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What was decided for one channel about one alert."""

    alert: str
    channel: str
    verdict: Verdict


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


def matters(judged: Judged) -> bool:
    """Tell whether there is anything to keep or to tell: quiet rules leave no trace."""
    quiet = (Reason.QUIET, Reason.NO_DATA, Reason.TOO_FEW)
    return judged.transition.reason not in quiet or judged.transition.before.phase is Phase.FIRING


def states(connection: Connection) -> Mapping[str, State]:
    """Return the kept state of every rule that has one."""
    rows = connection.execute(sa.select(rule_states))
    return {row.rule: State(Phase(row.state), row.since, row.value) for row in rows}


def record(connection: Connection, judged: Sequence[Judged], routing: Routing, now: datetime) -> Sequence[Told]:
    """Keep states, open and close incidents, and write the messages they cause; return what was decided."""
    told: list[Told] = []
    for each in judged:
        row = connection.execute(
            sa.select(incidents).where(incidents.c.rule == each.name, incidents.c.resolved_at.is_(None))
        ).one_or_none()
        if each.transition.fired and row is None and each.rule is not None:
            row = _open(connection, each, each.rule, now)
        if row is not None and each.transition.resolved:
            told += _tell_end(connection, row, each, routing, now)
        elif row is not None and each.transition.after.phase is Phase.FIRING:
            told += _tell_firing(connection, row, each, routing, now)
        _keep_state(connection, each, row, now)
    return told


def _keep_state(connection: Connection, judged: Judged, incident: Row[Any] | None, now: datetime) -> None:
    connection.execute(sa.delete(rule_states).where(rule_states.c.rule == judged.name))
    after = judged.transition.after
    if after.phase is Phase.OK:
        return
    values = {
        "rule": judged.name,
        "state": after.phase.value,
        "since": after.since,
        "value": after.value,
        "detail": {"reason": judged.transition.reason.name.lower(), "note": judged.sample.note},
        "incident_id": incident.id if incident is not None else None,
        "updated_at": now,
    }
    connection.execute(sa.insert(rule_states).values(values))


def _open(connection: Connection, judged: Judged, rule: Rule, now: datetime) -> Row[Any]:
    condition, since = rule.condition, judged.transition.after.since or now
    detail = {
        "signal": condition.signal,
        "unit": condition.unit.value,
        "limit": f"{condition.op} {written(condition.limit, condition.unit)}",
        "since": since.isoformat(),
        "template": rule.summary,
        "description": rule.description,
        "remedy": _remedy(condition.signal, judged.sample),
        "examples": list(judged.sample.examples[:_MOST_EXAMPLES]),
    }
    values = {
        "rule": rule.name,
        "severity": rule.severity.value,
        "summary": _summary(rule.name, detail, judged.transition.after.value, now),
        "value": judged.transition.after.value,
        "detail": detail,
        "opened_at": now,
    }
    return connection.execute(sa.insert(incidents).values(values).returning(*incidents.c)).one()


def _remedy(signal: str, sample: Sample) -> str:
    return sample.remedy or SIGNALS[signal].remedy


def _summary(alert: str, detail: Mapping[str, Any], value: float | None, now: datetime) -> str:
    """Fill in a summary's placeholders."""
    words = {
        "value": _written(value, detail),
        "limit": str(detail["limit"]),
        "alert": alert,
        "examples": ", ".join(detail["examples"]),
        "since": written_duration(now - datetime.fromisoformat(detail["since"])),
    }
    text = str(detail["template"])
    for name, word in words.items():
        for spelling in ("{{ " + name + " }}", "{{" + name + "}}"):
            text = text.replace(spelling, word)
    return text


def _written(value: float | None, detail: Mapping[str, Any]) -> str:
    return UNKNOWN if value is None else written(value, Unit(detail["unit"]))


def firing(connection: Connection) -> Sequence[Incident]:
    """Return the alerts that are firing, oldest first."""
    query = sa.select(incidents).where(incidents.c.resolved_at.is_(None)).order_by(incidents.c.id)
    return [_incident(row) for row in connection.execute(query)]


def latest(connection: Connection, limit: int) -> Sequence[Incident]:
    """Return the latest incidents, newest first."""
    query = sa.select(incidents).order_by(incidents.c.id.desc()).limit(limit)
    return [_incident(row) for row in connection.execute(query)]


def _incident(row: Row[Any]) -> Incident:
    return Incident(
        id=row.id,
        alert=row.rule,
        severity=Severity(row.severity),
        summary=row.summary,
        value=_written(row.value, row.detail),
        limit=row.detail["limit"],
        since=datetime.fromisoformat(row.detail["since"]),
        opened_at=row.opened_at,
        resolved_at=row.resolved_at,
        examples=tuple(row.detail["examples"]),
    )


# --- what is told about them ---


def _tell_firing(
    connection: Connection, row: Row[Any], judged: Judged, routing: Routing, now: datetime
) -> Sequence[Told]:
    row = _refresh(connection, row, judged)
    routed = routing.routes.get(judged.rule.severity if judged.rule else Severity(row.severity), ())
    told = []
    for channel in routed:
        verdict = decide.firing(messages.last(connection, row.id, channel), routing.repeat, now)
        told.append(Told(row.rule, channel, verdict))
        if verdict.kind is not None:
            summary = _summary(row.rule, row.detail, row.value, now)
            messages.insert(
                connection,
                row.id,
                channel,
                _notice(row, verdict.kind, channel, summary, link=routing.link, now=now),
                now,
            )
    return told


def _refresh(connection: Connection, row: Row[Any], judged: Judged) -> Row[Any]:
    """Keep the newest number of a firing alert, with the SKUs it is about."""
    value = judged.transition.after.value
    examples = list(judged.sample.examples[:_MOST_EXAMPLES])
    detail = {**row.detail, "examples": examples or row.detail["examples"]}
    if row.detail["signal"] in SIGNALS:
        detail["remedy"] = _remedy(row.detail["signal"], judged.sample)
    if value == row.value and detail == row.detail:
        return row
    values = {"value": value, "detail": detail}
    query = sa.update(incidents).where(incidents.c.id == row.id).values(values).returning(*incidents.c)
    return connection.execute(query).one()


def _tell_end(connection: Connection, row: Row[Any], judged: Judged, routing: Routing, now: datetime) -> Sequence[Told]:
    value = judged.transition.after.value
    query = sa.update(incidents).where(incidents.c.id == row.id).values(resolved_at=now, resolved_value=value)
    row = connection.execute(query.returning(*incidents.c)).one()
    query_channels = sa.select(outbox.c.channel).where(outbox.c.incident_id == row.id).distinct()
    told = []
    for channel in sorted(connection.scalars(query_channels)):
        verdict = decide.resolved(messages.last(connection, row.id, channel))
        told.append(Told(row.rule, channel, verdict))
        if verdict.kind is not None:
            notice = _notice(row, verdict.kind, channel, row.summary, link=routing.link, now=now)
            if not (verdict.instead and messages.replace(connection, row.id, channel, notice)):
                messages.insert(connection, row.id, channel, notice, now)
    return told


def _notice(row: Row[Any], kind: Kind, channel: str, summary: str, *, link: str, now: datetime) -> Notice:
    ended = row.resolved_at is not None
    signal = SIGNALS.get(row.detail["signal"])
    return Notice(
        identity=f"{row.id}-{channel}-{kind.value}-{int(now.timestamp())}",
        incident=str(row.id),
        kind=kind,
        alert=row.rule,
        severity=Severity(row.severity),
        summary=summary,
        signal=signal.title if signal is not None else row.detail["signal"],
        value=_written(row.resolved_value if kind is Kind.RESOLVED else row.value, row.detail),
        limit=row.detail["limit"],
        since=datetime.fromisoformat(row.detail["since"]),
        at=now,
        until=row.resolved_at if ended else None,
        description=row.detail["description"],
        remedy=row.detail["remedy"],
        examples=tuple(row.detail["examples"]),
        named=signal.named if signal is not None else "Examples",
        link=link,
    )
