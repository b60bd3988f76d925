"""The messages that a service took and has yet to tell the fate of; their rows are done, and due to be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.decide import Verdict, Why
from monitor.notice import Arrival, FailureReason, Receipt
from monitor.store import fallback, verdicts
from monitor.store.judged import Place
from sync.storage.tables import outbox

FIRST_ASKED = timedelta(seconds=5)  # after it was taken


@dataclass(frozen=True, slots=True)
class Question:
    """One message, of one incident or several, whose fate is open."""

    ids: tuple[int, ...]
    receipt: Receipt
    sent_at: datetime
    ask_at: datetime


def questions(connection: Connection, channel: str, recipients: Sequence[str], since: datetime) -> Sequence[Question]:
    """Return what a channel took for these recipients since then and has yet to tell the fate of, the oldest first."""
    taken = sa.and_(outbox.c.channel == channel, outbox.c.recipient.in_(recipients), outbox.c.sent_at >= since)
    query = sa.select(outbox).where(taken, outbox.c.state == "done", outbox.c.next_at.is_not(None))
    found: dict[str, list[Any]] = {}
    for row in connection.execute(query.order_by(outbox.c.id)):
        found.setdefault(row.external["message"], []).append(row)
    return [
        Question(tuple(row.id for row in rows), Receipt(**rows[0].external), rows[0].sent_at, rows[0].next_at)
        for rows in found.values()
    ]


def ask_again(connection: Connection, question: Question, at: datetime) -> None:
    """Let a message be asked for later."""
    connection.execute(_rows(question).values(next_at=at))


def settle(connection: Connection, question: Question, arrival: Arrival) -> None:
    """Ask for a message no more."""
    connection.execute(_rows(question).values(next_at=None, external=_external(question, arrival)))


def lose(connection: Connection, question: Question, why: str, to: Sequence[Place], now: datetime) -> int:
    """Keep that a message did not arrive, and write to `to` what it said; return how many messages that made."""
    values = {
        "state": "dead",
        "next_at": None,
        "last_error": f"{FailureReason.LOST.value}: {why}",
        "external": _external(question, Arrival.LOST),
    }
    rows = connection.execute(_rows(question).values(**values).returning(*outbox.c)).all()
    about = [row for row in sorted(rows, key=lambda row: row.id) if row.incident_id is not None]
    for row in about:
        place = Place(row.channel, row.recipient)
        verdicts.keep(connection, row.incident_id, str(place), Verdict(None, Why.LOST, detail=why), now)
    return sum(fallback.pass_on(connection, row, place, now) for row in about for place in to)


def _rows(question: Question) -> sa.Update:
    """Pick the rows of a message, as long as its fate is open."""
    still_open = sa.and_(outbox.c.state == "done", outbox.c.next_at.is_not(None))
    return sa.update(outbox).where(outbox.c.id.in_(question.ids), still_open)


def _external(question: Question, arrival: Arrival) -> dict[str, Any]:
    return asdict(replace(question.receipt, arrival=arrival))
