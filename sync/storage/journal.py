"""Runs, watermarks, pauses by hand, and call counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sync.errors import Code
from sync.records import ApiMinute, Feed, Pause, PauseKind, RunOutcome, RunRecord
from sync.storage.statements import upsert
from sync.storage.tables import api_minutes, pauses, runs, watermarks

# Statements that every pass needs, several times some of them, are made once: making one costs more than running it.

# --- runs ---

_BEGIN = sa.insert(runs).returning(runs.c.run_id)
_FINISH = sa.update(runs).where(runs.c.run_id == sa.bindparam("run"))


def begin_run(connection: sa.Connection, job: str, now: datetime) -> int:
    """Open a run and return its id."""
    row = {"job": job, "started_at": now, "numbers": {}}
    return int(connection.execute(_BEGIN, row).scalar_one())


def finish_run(connection: sa.Connection, run: RunRecord) -> None:
    """Keep how a run ended."""
    values = {
        "finished_at": run.finished_at,
        "outcome": run.outcome,
        "code": run.code.name if run.code else None,
        "detail": run.detail,
        "numbers": dict(run.numbers),
    }
    connection.execute(_FINISH, {"run": run.run_id} | values)


def interrupt_runs(connection: sa.Connection, now: datetime) -> int:
    """Close the runs that the last process left open; return how many they were."""
    left = sa.update(runs).where(runs.c.outcome.is_(None))
    return connection.execute(left.values(finished_at=now, outcome=RunOutcome.INTERRUPTED.value)).rowcount


def latest_runs(connection: sa.Connection, job: str | None, limit: int) -> Sequence[RunRecord]:
    """Return the latest runs, newest first."""
    select, asked = (_LATEST, {}) if job is None else (_LATEST_OF, {"wanted": job})
    return [_run(row) for row in connection.execute(select, {"most": limit} | asked).mappings()]


_LATEST = sa.select(runs).order_by(runs.c.run_id.desc()).limit(sa.bindparam("most", type_=sa.Integer))
_LATEST_OF = _LATEST.where(runs.c.job == sa.bindparam("wanted"))
_LAST_SUCCESS = (
    sa.select(runs)
    .where(runs.c.job == sa.bindparam("wanted"), runs.c.outcome == RunOutcome.OK.value)
    .order_by(runs.c.run_id.desc())
    .limit(1)
)


def last_success(connection: sa.Connection, job: str) -> RunRecord | None:
    """Return the latest run of `job` that ended OK."""
    row = connection.execute(_LAST_SUCCESS, {"wanted": job}).mappings().first()
    return None if row is None else _run(row)


def _run(row: Mapping[Any, Any]) -> RunRecord:
    return RunRecord(
        run_id=row["run_id"],
        job=row["job"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        outcome=None if row["outcome"] is None else RunOutcome(row["outcome"]),
        code=None if row["code"] is None else Code[row["code"]],
        detail=row["detail"],
        numbers=row["numbers"],
    )


# --- watermarks ---


_WATERMARK = sa.select(watermarks.c.newest).where(watermarks.c.feed == sa.bindparam("wanted"))


def watermark(connection: sa.Connection, feed: Feed) -> datetime | None:
    """Return the server moment up to which a feed was read."""
    return connection.scalar(_WATERMARK, {"wanted": feed.value})


def advance(connection: sa.Connection, feed: Feed, newest: datetime, run_id: int) -> None:
    """Move a watermark forward; never backward."""
    row = {"feed": feed.value, "newest": newest, "run_id": run_id}
    connection.execute(_advance(connection.dialect.name), row)


@cache
def _advance(dialect: str) -> sa.Executable:
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(watermarks)
    return insert.on_conflict_do_update(
        index_elements=["feed"],
        set_={name: insert.excluded[name] for name in ("newest", "run_id")},
        where=insert.excluded.newest > watermarks.c.newest,
    )


# --- pauses ---


def pause(connection: sa.Connection, kind: PauseKind, reason: str, now: datetime) -> Pause | None:
    """Pause; a second pause of the same kind replaces the reason alone. Return the first as it was."""
    before = next((each for each in current_pauses(connection) if each.kind is kind), None)
    upsert(connection, pauses, [{"kind": kind.value, "reason": reason, "since": before.since if before else now}])
    return before


def resume(connection: sa.Connection, kind: PauseKind | None) -> int:
    """Lift one pause or all; return how many there were."""
    lift = sa.delete(pauses)
    return connection.execute(lift if kind is None else lift.where(pauses.c.kind == kind.value)).rowcount


_PAUSES = sa.select(pauses).order_by(pauses.c.since, pauses.c.kind)


def current_pauses(connection: sa.Connection) -> Sequence[Pause]:
    """Return the pauses in force, oldest first."""
    rows = connection.execute(_PAUSES)
    return [Pause(PauseKind(row.kind), row.reason, row.since) for row in rows]


# --- call counts ---


def count_calls(connection: sa.Connection, minutes: Sequence[ApiMinute]) -> None:
    """Add to the counts of each minute."""
    if not minutes:
        return
    rows = [
        {"minute": each.minute, "api": each.api, "attempts": each.attempts, "failures": each.failures}
        for each in minutes
    ]
    connection.execute(_count_calls(connection.dialect.name), rows)


@cache
def _count_calls(dialect: str) -> sa.Executable:
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(api_minutes)
    added = {name: api_minutes.c[name] + insert.excluded[name] for name in ("attempts", "failures")}
    return insert.on_conflict_do_update(index_elements=["minute", "api"], set_=added)


_CALLS_SINCE = (
    sa.select(api_minutes)
    .where(api_minutes.c.minute >= sa.bindparam("moment", type_=api_minutes.c.minute.type))
    .order_by(api_minutes.c.minute, api_minutes.c.api)
)


def calls_since(connection: sa.Connection, moment: datetime) -> Sequence[ApiMinute]:
    """Return the per-minute counts from `moment` on, in time order."""
    rows = connection.execute(_CALLS_SINCE, {"moment": moment})
    return [ApiMinute(row.minute, row.api, row.attempts, row.failures) for row in rows]
