"""Each recipient's share of messages: what is beyond it waits, and is given up, on record, once it is too old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from monitor.budget import Budget
from monitor.decide import Verdict, Why
from monitor.notice import Kind
from monitor.store import verdicts
from monitor.store.judged import Place
from sync.storage.tables import outbox

HELD = "budget:"  # how the error of what waits for its recipient's share begins
_OVER = f"{HELD} the recipient has had its share of messages"
_PASSING = (Kind.SUMMARY, Kind.REMINDER)  # nobody misses them who is told of the rest


def affordable(connection: Connection, due: Sequence[Row[Any]], budget: Budget, now: datetime) -> Sequence[Row[Any]]:
    """Return those of the due messages whose recipients may get one now; let the others wait until they may.

    What a share held back for too long and matters no more is given up.
    """
    free: list[Row[Any]] = []
    for recipient in dict.fromkeys(row.recipient for row in due):
        rows = [row for row in due if row.recipient == recipient]
        at = budget.free_at(_sent(connection, rows[0], budget, now), now)
        for row in rows:
            if _stale(row, budget, now):
                _give_up(connection, row, now)
            elif at <= now:
                free.append(row)
            else:
                _hold(connection, row, min(at, row.created_at + budget.patience) if _passes(row) else at)
    return sorted(free, key=lambda row: row.id)


def _passes(row: Row[Any]) -> bool:
    return row.kind in _PASSING and not row.maybe_repeated


def _stale(row: Row[Any], budget: Budget, now: datetime) -> bool:
    held = (row.last_error or "").startswith(HELD)
    return held and _passes(row) and now - row.created_at >= budget.patience


def _give_up(connection: Connection, row: Row[Any], now: datetime) -> None:
    values = {"state": "dead", "next_at": None}
    connection.execute(sa.update(outbox).where(outbox.c.id == row.id).values(**values))
    place = Place(row.channel, row.recipient)
    verdicts.keep(connection, row.incident_id, str(place), Verdict(None, Why.BUDGET), now)


def _hold(connection: Connection, row: Row[Any], at: datetime) -> None:
    values = {"next_at": at} if row.maybe_repeated else {"next_at": at, "last_error": _OVER}
    connection.execute(sa.update(outbox).where(outbox.c.id == row.id).values(**values))


def _sent(connection: Connection, row: Row[Any], budget: Budget, now: datetime) -> Sequence[datetime]:
    """Return when messages went, or may have gone, to the same recipient."""
    moment = sa.func.max(outbox.c.sent_at, type_=outbox.c.sent_at.type)
    query = (
        sa.select(moment)
        .where(outbox.c.channel == row.channel, outbox.c.recipient == row.recipient)
        .where(outbox.c.sent_at > now - budget.longest, outbox.c.sent_at <= now)  # later: the clock was set back
        .group_by(outbox.c.batch)
    )
    return list(connection.scalars(query))
