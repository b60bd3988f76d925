"""What may be forgotten in time: one table of what goes, after how long, and what of it stays all the same.

Links, snapshots, watermarks, the rules' states, orders with their lines, facts and documents are not among them:
they are the present, or their sums are part of every target.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sync.records import RunOutcome
from sync.storage.statements import BATCH
from sync.storage.tables import (
    api_minutes,
    asked_runs,
    audit,
    corrections,
    evaluations,
    held_links,
    holds,
    incidents,
    item_makings,
    layaways,
    links,
    outbox,
    product_writes,
    quarantine,
    rule_states,
    runs,
    silences,
    stock_calls,
    stock_intents,
    transitions,
    verdicts,
    watermarks,
    webhooks,
)

HISTORY = timedelta(days=400)
_WEBHOOKS = timedelta(days=7)
_HOLDS = timedelta(days=30)
_EVALUATIONS = timedelta(days=45)  # 1,440 rows a day; what a backtest looks back over


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Rows of one table that go once they are old: those older by `at`, for which every condition of `when` holds.

    `at_once` bounds the keys of one batch; `keep` is None for what is kept as long as history is.
    """

    table: sa.Table
    at: sa.Column[Any]
    when: tuple[sa.ColumnElement[bool], ...] = ()
    keep: timedelta | None = None
    at_once: int = BATCH

    def forget(self, connection: sa.Connection, now: datetime, history: timedelta) -> int:
        """Delete one batch; return how many rows went. 0: there are no more."""
        key = next(iter(self.table.primary_key))
        old = sa.and_(self.at < now - (self.keep or history), *self.when)
        chosen = key.in_(sa.select(key).where(old).distinct().limit(self.at_once))
        return connection.execute(sa.delete(self.table).where(old, chosen)).rowcount


_ANSWERED = sa.and_(stock_intents.c.outcome.is_not(None), stock_intents.c.outcome != "unanswered")
_OPEN_INTENTS = sa.select(stock_intents.c.run_id).where(
    sa.or_(stock_intents.c.outcome.is_(None), stock_intents.c.outcome == "unanswered")
)
_WRITTEN = sa.and_(product_writes.c.outcome.is_not(None), product_writes.c.outcome != "unanswered")
_SUCCESSES = sa.select(sa.func.max(runs.c.run_id)).where(runs.c.outcome == RunOutcome.OK.value).group_by(runs.c.job)
_PROOF = sa.select(sa.func.max(runs.c.run_id)).where(
    runs.c.job == "full", runs.c.outcome == RunOutcome.OK.value, runs.c.numbers["unequal"].as_integer() == 0
)
_NAMED = (  # by rows that stay
    _OPEN_INTENTS,
    sa.select(product_writes.c.run_id).where(sa.not_(_WRITTEN)),
    sa.select(quarantine.c.run_id),
    sa.select(watermarks.c.run_id),
    sa.select(links.c.evaluated_run).where(links.c.evaluated_run.is_not(None)),
)
_MESSAGES = sa.exists().where(outbox.c.incident_id == incidents.c.id)
_FIRING = sa.exists().where(incidents.c.id == outbox.c.incident_id, incidents.c.resolved_at.is_(None))
_DECIDED = sa.exists().where(verdicts.c.incident_id == incidents.c.id)
_OPEN = sa.select(incidents.c.id).where(incidents.c.resolved_at.is_(None))
_JUDGED = sa.exists().where(rule_states.c.incident_id == incidents.c.id)

# Children before parents, so that a pruning may end after any batch.
FORGOTTEN: tuple[Forgotten, ...] = (
    Forgotten(stock_intents, stock_intents.c.at, (_ANSWERED,)),
    Forgotten(
        stock_calls, stock_calls.c.at, (sa.not_(sa.exists().where(stock_intents.c.call_key == stock_calls.c.key)),)
    ),
    Forgotten(product_writes, product_writes.c.at, (_WRITTEN,)),
    Forgotten(corrections, corrections.c.at),
    Forgotten(quarantine, quarantine.c.closed_at),
    Forgotten(held_links, held_links.c.ended_at),
    Forgotten(asked_runs, asked_runs.c.at),
    Forgotten(
        runs,
        runs.c.finished_at,
        (
            runs.c.run_id.not_in(_SUCCESSES),
            runs.c.run_id != sa.func.coalesce(_PROOF.scalar_subquery(), -1),
            *(runs.c.run_id.not_in(named) for named in _NAMED),
        ),
    ),
    Forgotten(outbox, outbox.c.created_at, (outbox.c.state.in_(("done", "dead")), sa.not_(_FIRING))),
    Forgotten(verdicts, verdicts.c.at, (verdicts.c.incident_id.not_in(_OPEN),)),
    Forgotten(incidents, incidents.c.resolved_at, (sa.not_(_MESSAGES), sa.not_(_DECIDED), sa.not_(_JUDGED))),
    Forgotten(transitions, transitions.c.at),
    Forgotten(evaluations, evaluations.c.at, keep=_EVALUATIONS),
    Forgotten(held_links, held_links.c.ended_at),
    Forgotten(asked_runs, asked_runs.c.at),
    Forgotten(item_makings, item_makings.c.settled_at),
    Forgotten(silences, silences.c.ends_at),
    Forgotten(audit, audit.c.at),
    Forgotten(api_minutes, api_minutes.c.minute, at_once=BATCH // 4),  # a minute has a row for each service
    Forgotten(webhooks, webhooks.c.received_at, keep=_WEBHOOKS),
    Forgotten(layaways, layaways.c.changed_at, (layaways.c.state == "gone",), keep=_HOLDS),
    Forgotten(holds, holds.c.ended_at, (holds.c.counts == sa.false(),), keep=_HOLDS),
)
