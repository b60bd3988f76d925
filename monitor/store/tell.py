"""Writes what is told of an incident: every verdict on record, every message into the outbox, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection, Row

from monitor import decide, phrases
from monitor.decide import Case, Damping, Hidden, HiddenTime, Verdict, Why
from monitor.notice import Kind, Notice, Severity
from monitor.signals import SIGNALS
from monitor.store import fallback, messages, verdicts
from monitor.store.judged import Judged, Place
from monitor.units import Unit, written_as, written_duration
from sync.storage.tables import incidents, outbox
from sync.storage.tables import verdicts as decisions

_HIDDEN_TIME = "hidden_time"  # in an incident's detail
_HIDDEN_TIMES = TypeAdapter(HiddenTime)


@dataclass(frozen=True, slots=True)
class Telling:
    """How alerts are told: when they flap, by which channels to whom, and the address of the status page."""

    link: str = ""
    damping: Damping = field(default_factory=Damping)
    there: Mapping[str, Collection[str]] = field(default_factory=dict)

    def reaches(self, place: Place) -> bool:
        """Tell whether there is anybody at a place: a channel or a number may have left the file since."""
        return place.recipient in self.there.get(place.channel, ())


@dataclass(frozen=True, slots=True)
class Told:
    """What was decided for one channel, and one recipient of it, about one alert."""

    alert: str
    channel: str
    verdict: Verdict
    recipient: str = ""


def firing(connection: Connection, row: Row[Any], judged: Judged, telling: Telling, now: datetime) -> Sequence[Told]:
    """Decide for each place of the route what it is told of an incident that fires."""
    case = Case(
        since=row.opened_at,
        told_at=row.notified_at,
        acknowledged_at=row.acknowledged_at,
        hidden=judged.hidden,
        hidden_for=_hidden_time(connection, row, judged.hidden, now).until(now),
        openings=_openings(connection, row, telling.damping.window, now),
    )
    told: list[Told] = []

    def tell(place: Place, *remarks: str) -> Verdict:
        last = messages.last(connection, row.id, place)
        verdict = decide.firing(last, case, judged.repeat, now, step=place.step, damping=telling.damping)
        verdicts.keep(connection, row.id, str(place), verdict, now)
        told.append(Told(row.rule, place.channel, verdict, place.recipient))
        if verdict.kind is not None:
            remarks = (*_remarks(verdict, place, telling.damping), *remarks)
            notice = _notice(row, verdict.kind, place, summary(row, now), remarks, link=telling.link, now=now)
            messages.insert(connection, row.id, place, notice, now, why=verdict.why.name.lower())
        return verdict

    for place in judged.places:
        if tell(place).kind is not None and case.told_at is None:
            case = replace(case, told_at=now, hidden_for=timedelta(0))
            told_first = {"notified_at": now, "detail": {**row.detail, _HIDDEN_TIME: None}}
            connection.execute(sa.update(incidents).where(incidents.c.id == row.id).values(told_first))
    for place, channel in _stand_ins(connection, row, told, telling):
        tell(place, fallback.remark(channel))
    return told


def _stand_ins(
    connection: Connection, row: Row[Any], told: Sequence[Told], telling: Telling
) -> Sequence[tuple[Place, str]]:
    """Return the places that were told instead of a channel which has not taken it yet, with that channel."""
    waiting = {one.channel for one in told if one.verdict.why is Why.WAITING}
    if not waiting:
        return ()
    asked = {(one.channel, one.recipient) for one in told}
    found = [(Place.named(name), channel) for name, channel in verdicts.stand_ins(connection, row.id).items()]
    return [
        (place, channel)
        for place, channel in found
        if channel in waiting and telling.reaches(place) and (place.channel, place.recipient) not in asked
    ]


def _hidden_time(connection: Connection, row: Row[Any], hidden: Hidden | None, now: datetime) -> HiddenTime:
    """Return how long an incident was hidden since it was told first, or opened; keep it where that begins or ends."""
    kept = row.detail.get(_HIDDEN_TIME)
    before = HiddenTime() if kept is None else _HIDDEN_TIMES.validate_python(kept)
    after = before.at(now, hidden)
    if after != before:
        detail = {**row.detail, _HIDDEN_TIME: _HIDDEN_TIMES.dump_python(after, mode="json")}
        connection.execute(sa.update(incidents).where(incidents.c.id == row.id).values(detail=detail))
    return after


def end(
    connection: Connection, row: Row[Any], telling: Telling, now: datetime, because: tuple[str, ...] = ()
) -> Sequence[Told]:
    """Decide for each place that was told, or that something hid the incident from, what it is told of its end.

    `because` says why it ended, where that is not that its condition did.
    """
    told = []
    for place in _places(connection, row.id):
        last = messages.last(connection, row.id, place)
        hidden = verdicts.hid(verdicts.last(connection, row.id, str(place)))
        verdict = decide.resolved(last, hidden)
        if verdict.kind is not None and not telling.reaches(place):
            verdict = Verdict(None, Why.CHANNEL_GONE)
        verdicts.keep(connection, row.id, str(place), verdict, now)
        told.append(Told(row.rule, place.channel, verdict, place.recipient))
        if verdict.kind is None:
            continue
        hiding = (f"Hidden meanwhile by {verdict.detail}",) if verdict.why is Why.ENDED_HIDDEN else ()
        remarks = (*hiding, *because)
        notice = _notice(row, verdict.kind, place, row.summary, remarks, link=telling.link, now=now)
        if not (verdict.instead and messages.replace(connection, row.id, place, notice)):
            messages.insert(connection, row.id, place, notice, now, why=verdict.why.name.lower())
    return told


def _places(connection: Connection, incident_id: int) -> Sequence[Place]:
    query = sa.select(outbox.c.channel, outbox.c.recipient).where(outbox.c.incident_id == incident_id).distinct()
    written_to = {Place(row.channel, row.recipient) for row in connection.execute(query)}
    decided = {Place.named(name) for name in verdicts.places(connection, incident_id)}
    return sorted(written_to | decided, key=str)


def _openings(connection: Connection, row: Row[Any], window: timedelta, now: datetime) -> int:
    """Count how often an alert began, this time included: what was told or damped, nothing that something hid."""
    asked = {"name": row.rule, "begin": now - window, "this": row.id}
    return 1 + int(connection.execute(_openings_before(), asked).scalar_one())


@cache
def _openings_before() -> sa.Select[Any]:
    """Return the statement, made once: every judging runs it for each alert that fires."""
    damped = sa.exists().where(decisions.c.incident_id == incidents.c.id, decisions.c.why == Why.DAMPED.name.lower())
    begin = sa.bindparam("begin", type_=incidents.c.opened_at.type)
    return (
        sa.select(sa.func.count())
        .where(incidents.c.rule == sa.bindparam("name"), incidents.c.opened_at > begin)
        .where(incidents.c.id != sa.bindparam("this"), sa.or_(incidents.c.notified_at.is_not(None), damped))
    )


def _remarks(verdict: Verdict, place: Place, damping: Damping) -> tuple[str, ...]:
    """Say what is unusual about being told."""
    span, hold = written_duration(damping.window), written_duration(damping.hold)
    match verdict.why:
        case Why.ESCALATED if place.step is not None:
            return (f"Nobody acknowledged it for {written_duration(place.step)}.",)
        case Why.FLAPS:
            return (f"It began {verdict.detail} within {span}. From now on only what lasts {hold} is told.",)
        case Why.LASTS:
            return (f"It began {verdict.detail} within {span}; this time it has lasted {hold}.",)
        case _:
            return ()


# --- its words ---


def summary(row: Row[Any], now: datetime) -> str:
    """Fill in the summary of an incident; one that fires for want of a number says that."""
    if row.detail.get("nodata"):
        signal, note = SIGNALS.get(row.detail["signal"]), row.detail.get("note")
        what = signal.title if signal is not None else row.detail["signal"]
        return f"There is no number: {what}{f' ({note})' if note else ''}"
    return phrases.fill(str(row.detail["template"]), _words(row, now))


def _words(row: Row[Any], now: datetime) -> Mapping[str, Any]:
    """Return what the sentences of an incident may name."""
    detail = row.detail
    return {
        **detail.get("signals", {}),
        "value": amount(row.value, detail),
        "limit": str(detail["limit"]),
        "alert": row.rule,
        "severity": row.severity,
        "labels": row.labels or {},
        "examples": ", ".join(detail["examples"]),
        "since": written_duration(now - datetime.fromisoformat(detail["since"])),
    }


def amount(value: float | None, detail: Mapping[str, Any]) -> str:
    """Write an incident's number for people."""
    return written_as(value, Unit(detail["unit"]))


def _notice(
    row: Row[Any], kind: Kind, place: Place, text: str, remarks: tuple[str, ...], *, link: str, now: datetime
) -> Notice:
    ended = row.resolved_at is not None
    signal = SIGNALS.get(row.detail["signal"])
    return Notice(
        identity=f"{row.id}-{place.slug}-{kind.value}-{int(now.timestamp())}",
        incident=str(row.id),
        kind=kind,
        alert=row.rule,
        severity=Severity(row.severity),
        summary=text,
        signal=signal.title if signal is not None else row.detail["signal"],
        value=amount(row.resolved_value if kind is Kind.RESOLVED else row.value, row.detail),
        limit=row.detail["limit"],
        since=datetime.fromisoformat(row.detail["since"]),
        at=now,
        until=row.resolved_at if ended else None,
        description=phrases.fill(row.detail["description"], _words(row, now)),
        remedy=row.detail["remedy"],
        examples=tuple(row.detail["examples"]),
        named=signal.named if signal is not None else "Examples",
        link=link,
        remarks=remarks,
        labels=row.labels or {},
        runbook=row.detail.get("runbook", ""),
        opened_as=Severity(row.detail["opened_as"]) if "opened_as" in row.detail else None,
    )
