"""Runs, watermarks, pauses by hand, and call counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sync.errors import Code
from sync.records import ApiMinute, Feed, Pause, PauseKind, RunOutcome, RunRecord
from sync.storage.statements import upsert
from sync.storage.tables import api_minutes, pauses, runs, watermarks

# --- runs ---


def begin_run(connection: sa.Connection, job: str, now: datetime) -> int:
    """Open a run and return its id."""
    row = {"job": job, "started_at": now, "numbers": {}}
    return int(connection.execute(sa.insert(runs).values(row).returning(runs.c.run_id)).scalar_one())


def finish_run(connection: sa.Connection, run: RunRecord) -> None:
    """Keep how a run ended."""
    connection.execute(
        sa.update(runs)
        .where(runs.c.run_id == run.run_id)
        .values(
            finished_at=run.finished_at,
            outcome=run.outcome,
            code=run.code.name if run.code else None,
            detail=run.detail,
            numbers=dict(run.numbers),
        )
    )


def interrupt_runs(connection: sa.Connection, now: datetime) -> int:
    """Close the runs that the last process left open; return how many they were."""
    left = sa.update(runs).where(runs.c.outcome.is_(None))
    return connection.execute(left.values(finished_at=now, outcome=RunOutcome.INTERRUPTED.value)).rowcount


def latest_runs(connection: sa.Connection, job: str | None, limit: int) -> Sequence[RunRecord]:
    """Return the latest runs, newest first."""
    select = sa.select(runs).order_by(runs.c.run_id.desc()).limit(limit)
    rows = connection.execute(select if job is None else select.where(runs.c.job == job))
    return [_run(row) for row in rows.mappings()]


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


# Statements that every pass needs several times are made once: making one costs more than running it.
_WATERMARK = sa.select(watermarks.c.newest).where(watermarks.c.feed == sa.bindparam("wanted"))


def watermark(connection: sa.Connection, feed: Feed) -> datetime | None:
    """Return the server moment up to which a feed was read."""
    return connection.scalar(_WATERMARK, {"wanted": feed.value})


def advance(connection: sa.Connection, feed: Feed, newest: datetime, run_id: int) -> None:
    """Move a watermark forward; never backward."""
    known = watermark(connection, feed)
    if known is None or newest > known:
        upsert(connection, watermarks, [{"feed": feed.value, "newest": newest, "run_id": run_id}])


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
    insert = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(api_minutes)
    added = {name: api_minutes.c[name] + insert.excluded[name] for name in ("attempts", "failures")}
    statement = insert.on_conflict_do_update(index_elements=["minute", "api"], set_=added)
    rows = [
        {"minute": each.minute, "api": each.api, "attempts": each.attempts, "failures": each.failures}
        for each in minutes
    ]
    connection.execute(statement, rows)


def calls_since(connection: sa.Connection, moment: datetime) -> Sequence[ApiMinute]:
    """Return the per-minute counts from `moment` on, in time order."""
    select = sa.select(api_minutes).where(api_minutes.c.minute >= moment)
    rows = connection.execute(select.order_by(api_minutes.c.minute, api_minutes.c.api))
    return [ApiMinute(row.minute, row.api, row.attempts, row.failures) for row in rows]
