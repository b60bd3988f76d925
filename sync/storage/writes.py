"""Decisions and stock writes on record: what was seen, what was to be sent, and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from sync.errors import Code
from sync.matching import sku_key
from sync.model import LevelRow, StockChange
from sync.records import Change, Evaluation, Intent, RowOutcome, StockCall, WriteOutcome, by_letter
from sync.stock import HOLDING, Decision, Memory, Settled
from sync.storage import held
from sync.storage.hold_rows import cover
from sync.storage.memory import to_columns
from sync.storage.snapshots import store_levels
from sync.storage.statements import batches, insert_all, one_of
from sync.storage.tables import corrections, levels, links, meta, quarantine, runs, stock_calls, stock_intents
from sync.storage.touched import touch

_OPEN = sa.or_(stock_intents.c.outcome.is_(None), stock_intents.c.outcome == WriteOutcome.UNANSWERED.value)
_GENERATION = ("store_domain", "location_id", "generation")
_FOUND = {Settled.APPLIED: WriteOutcome.FOUND_APPLIED, Settled.NOT_APPLIED: WriteOutcome.FOUND_NOT_APPLIED}

Marks = Mapping[int, int]
"""How often each link had become due when it was handed out to be decided on."""


def settle(
    connection: sa.Connection, evaluations: Sequence[Evaluation], run_id: int, now: datetime, marks: Marks
) -> None:
    """Keep decisions that write nothing now. Raises ValueError for one that does."""
    if any(each.decision.after is not None for each in evaluations):
        raise ValueError("a decision that writes belongs into open_call")
    store_levels(connection, [each.level for each in evaluations], now)
    rows = [
        _remembered(each.link_id, each.decision.memory, due=each.due, marks=marks)
        | _seen(each.decision, each.level, each.on_hand, run_id, now)
        for each in evaluations
    ]
    _update_links(connection, rows)
    _close_found(connection, [(each.link_id, each.decision.settled) for each in evaluations], now)
    kept = {each.link_id: each.decision.memory for each in evaluations}
    _keep_quarantines(connection, kept, run_id, now)
    _forget_approvals(connection, kept)
    cover(connection, {link_id: marks[link_id] for link_id in kept if link_id in marks})
    insert_all(connection, corrections, [_correction(each, run_id, now) for each in evaluations if _corrects(each)])


def open_call(
    connection: sa.Connection, intents: Sequence[Intent], run_id: int, now: datetime, marks: Marks
) -> StockCall:
    """Record a call and its rows before it is sent; each link stays due until the call is closed."""
    ids = [intent.link_id for intent in intents]
    _close_found(connection, [(intent.link_id, intent.decision.settled) for intent in intents], now)
    _supersede(connection, ids, now)
    last = dict(connection.execute(sa.select(links.c.link_id, links.c.seq).where(links.c.link_id.in_(ids))).all())
    seqs = {intent.link_id: last[intent.link_id] + 1 for intent in intents}
    key = call_key(_namespace(connection), seqs)
    reference = f"gid://lightspeed-sync/Run/{run_id}/Call/{key[:8]}"
    store_levels(connection, [intent.level for intent in intents], now)
    rows = [
        _remembered(intent.link_id, intent.decision.memory, due=True, marks={})
        | _seen(intent.decision, intent.level, intent.on_hand, run_id, now)
        | {"seq": seqs[intent.link_id]}
        for intent in intents
    ]
    _update_links(connection, rows)
    _keep_quarantines(connection, {each.link_id: each.decision.memory for each in intents}, run_id, now)
    held.hold(connection, [each.link_id for each in intents if each.decision.verdict in HOLDING], run_id, now)
    cover(connection, {link_id: marks[link_id] for link_id in ids if link_id in marks})
    insert_all(connection, stock_calls, [{"key": key, "reference": reference, "run_id": run_id, "at": now}])
    shared = {"call_key": key, "run_id": run_id, "at": now}
    insert_all(connection, stock_intents, [_intent(each, seqs[each.link_id]) | shared for each in intents])
    return StockCall(key, reference, tuple(_change(intent, seqs[intent.link_id]) for intent in intents))


def close_call(
    connection: sa.Connection, key: str, outcomes: Sequence[RowOutcome], now: datetime, marks: Marks
) -> None:
    """Record what became of a call's rows, and what their links remember; rows already closed stay as they are."""
    select = sa.select(stock_intents).where(stock_intents.c.call_key == key, stock_intents.c.outcome.is_(None))
    open_rows = {row["link_id"]: row for row in connection.execute(select).mappings()}
    if not open_rows:
        return
    told = [each for each in outcomes if each.link_id in open_rows]
    _close_intents(connection, [(open_rows[each.link_id]["intent_id"], each) for each in told], now)
    _update_links(connection, [_outcome_values(each, open_rows[each.link_id], now, marks) for each in told])
    applied = [each for each in told if each.outcome is WriteOutcome.APPLIED]
    _apply_to_levels(connection, [open_rows[each.link_id] for each in applied])
    held.never_written(connection, [each.link_id for each in told if _came_to_nothing(each, open_rows)], now)
    kept = {each.link_id: each.memory for each in applied}
    _keep_quarantines(connection, kept, next(iter(open_rows.values()))["run_id"], now)
    _forget_approvals(connection, kept)
    still = sa.exists().where(stock_intents.c.call_key == key, stock_intents.c.outcome.is_(None))
    closed = sa.update(stock_calls).values(closed_at=now).where(stock_calls.c.key == key, sa.not_(still))
    connection.execute(closed)


def _came_to_nothing(each: RowOutcome, intents: Mapping[int, Mapping[Any, Any]]) -> bool:
    """Tell whether a row that should have set a link back surely did not."""
    surely = each.outcome not in (WriteOutcome.APPLIED, WriteOutcome.UNANSWERED)
    return surely and intents[each.link_id]["verdict"] in HOLDING


def interrupt(connection: sa.Connection, now: datetime) -> None:
    """Mark rows whose call was never closed as unanswered; their links must be looked at again."""
    lost = connection.scalars(
        sa.update(stock_intents)
        .values(outcome=WriteOutcome.UNANSWERED.value, outcome_at=now)
        .where(stock_intents.c.outcome.is_(None))
        .returning(stock_intents.c.link_id)
    ).all()
    for batch in batches(lost):
        due = {"due": sa.true(), "marks": links.c.marks + 1}
        connection.execute(sa.update(links).values(**due).where(links.c.link_id.in_(batch)))
    connection.execute(sa.update(stock_calls).values(closed_at=now).where(stock_calls.c.closed_at.is_(None)))


def changes_of(connection: sa.Connection, sku: str, limit: int, until: datetime | None = None) -> Sequence[Change]:
    """Return the stock writes of one SKU, ended links included, newest first; `until`: those recorded by then."""
    intent = stock_intents.c
    select = (
        sa.select(stock_intents, stock_calls.c.reference, runs.c.job)
        .join_from(stock_intents, links, links.c.link_id == intent.link_id)
        .join(stock_calls, stock_calls.c.key == intent.call_key)
        .outerjoin(runs, runs.c.run_id == intent.run_id)
        .where(sa.or_(links.c.sku_key == sku_key(sku), links.c.other_key == sku_key(sku)))
        .order_by(intent.intent_id.desc())
        .limit(limit)
    )
    if until is not None:
        select = select.where(intent.at <= until)
    return [_as_change(row) for row in connection.execute(select).mappings()]


def call_key(namespace: uuid.UUID, seqs: Mapping[int, int]) -> str:
    """Return a call's idempotency key: from its rows' numbers, never from their values, so 5 to 4 to 5 is three."""
    return str(uuid.uuid5(namespace, ";".join(f"{link_id}:{seq}" for link_id, seq in sorted(seqs.items()))))


# --- links ---


def _remembered(link_id: int, memory: Memory, *, due: bool, marks: Marks) -> dict[str, Any]:
    return {"link_id": link_id, "due": due, "marks": marks.get(link_id)} | to_columns(memory)


def _seen(decision: Decision, level: LevelRow, on_hand: int, run_id: int, now: datetime) -> dict[str, Any]:
    return {
        "target": decision.target,
        "seen_available": level.available,
        "seen_on_hand": on_hand,
        "unseen": decision.equation.unseen,
        "drift": decision.drift,
        "verdict": decision.verdict.value,
        "evaluated_at": now,
        "evaluated_run": run_id,
    }


def _update_links(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update links by id. One that became due again after its `marks` were handed out stays due."""
    if not rows:
        return
    change = _update(tuple(rows[0]))
    touch(connection, link_ids=[row["link_id"] for row in rows])
    connection.execute(change, [{f"new_{name}": value for name, value in row.items()} for row in rows])


@cache
def _update(names: tuple[str, ...]) -> sa.Update:
    """Return the statement for rows of these columns, made once: making one takes longer than running it."""
    own = [name for name in names if name not in ("link_id", "due", "marks")]
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}", type_=links.c[name].type) for name in own}
    marks = sa.bindparam("new_marks", type_=sa.Integer)
    untouched = sa.or_(marks.is_(None), links.c.marks == marks)
    values["due"] = sa.case((untouched, sa.bindparam("new_due", type_=sa.Boolean)), else_=sa.true())
    return sa.update(links).where(links.c.link_id == sa.bindparam("new_link_id")).values(values)


def _outcome_values(each: RowOutcome, intent: Mapping[Any, Any], now: datetime, marks: Marks) -> dict[str, Any]:
    parked = each.outcome is WriteOutcome.PARKED
    seen = intent["after"] if each.outcome is WriteOutcome.APPLIED else intent["before"]
    values = _remembered(each.link_id, each.memory, due=each.due, marks=marks) | {"seen_available": seen}
    code = (each.code or Code.SH012).name if parked else None
    return values | {"parked": code, "parked_at": now if parked else None}


def _forget_approvals(connection: sa.Connection, memories: Mapping[int, Memory]) -> None:
    """Drop a person's word where it was carried out: nothing is held back and nothing is on its way."""
    done = [link_id for link_id, kept in memories.items() if _free(kept) and kept.base is not None]
    for batch in batches(done):
        connection.execute(_FORGET_APPROVALS, {"ids": batch})


_FORGET_APPROVALS = (
    sa.update(links).values(approved_at=None).where(one_of(links.c.link_id), links.c.approved_at.is_not(None))
)


def _free(memory: Memory) -> bool:
    return memory.quarantine is None and memory.open_write is None


# --- quarantine ---

_QUARANTINED = sa.select(quarantine.c.link_id).where(quarantine.c.closed_at.is_(None), one_of(quarantine.c.link_id))


def _keep_quarantines(connection: sa.Connection, memories: Mapping[int, Memory], run_id: int, now: datetime) -> None:
    """Open a row for each link that came into quarantine, and close those of links that left it for good."""
    known: set[int] = set()
    for batch in batches(list(memories)):
        known.update(connection.scalars(_QUARANTINED, {"ids": batch}))
    held = {link_id: memory.quarantine for link_id, memory in memories.items() if memory.quarantine is not None}
    opened = [
        {"link_id": link_id, "run_id": run_id, "units": each.units, "opened_at": each.since}
        for link_id, each in held.items()
        if link_id not in known
    ]
    insert_all(connection, quarantine, opened)
    left = [link_id for link_id, memory in memories.items() if link_id in known and _free(memory)]
    if left:
        _close_quarantines(connection, left, now)


def _close_quarantines(connection: sa.Connection, link_ids: Sequence[int], now: datetime) -> None:
    row = quarantine.c
    resolution = sa.func.coalesce(row.decision, "resolved")
    change = sa.update(quarantine).where(row.link_id.in_(link_ids), row.closed_at.is_(None))
    connection.execute(change.values(closed_at=now, resolution=resolution))


def _corrects(each: Evaluation) -> bool:
    return each.decision.correction != 0


def _correction(each: Evaluation, run_id: int, now: datetime) -> dict[str, Any]:
    return {
        "link_id": each.link_id,
        "run_id": run_id,
        "at": now,
        "units": each.decision.correction,
        "oversold": each.decision.oversold,
        "available": each.level.available,
        "target": each.decision.target,
    }


# --- intents ---


def _namespace(connection: sa.Connection) -> uuid.UUID:
    """Return the namespace of this database's keys: another generation of it numbers its rows anew."""
    rows = connection.execute(sa.select(meta.c.key, meta.c.value).where(meta.c.key.in_(_GENERATION)))
    stored = dict(rows.all())
    return uuid.uuid5(uuid.NAMESPACE_URL, "lightspeed-sync:" + "/".join(stored.get(key, "") for key in _GENERATION))


def _intent(intent: Intent, seq: int) -> dict[str, Any]:
    decision = intent.decision
    return {
        "link_id": intent.link_id,
        "seq": seq,
        "inventory_item_id": intent.inventory_item_id,
        "before": intent.level.available,
        "after": intent.after,
        "verdict": decision.verdict.value,
        "correction": decision.correction,
        "oversold": decision.oversold,
        "equation": by_letter(
            intent.decision, intent.level, intent.demand, on_hand=intent.on_hand, buffer=intent.buffer
        ),
    }


def _change(intent: Intent, seq: int) -> StockChange:
    return StockChange(seq, intent.link_id, intent.inventory_item_id, intent.level.available, intent.after)


def _close_found(connection: sa.Connection, found: Sequence[tuple[int, Settled | None]], now: datetime) -> None:
    """Tell of unanswered writes what a later reading has shown of them."""
    link = stock_intents.c.link_id
    for settled, outcome in _FOUND.items():
        for batch in batches([link_id for link_id, what in found if what is settled]):
            change = sa.update(stock_intents).where(link.in_(batch), _OPEN)
            connection.execute(change.values(outcome=outcome.value, outcome_at=now))
            if settled is Settled.NOT_APPLIED:
                held.never_written(connection, batch, now)


def _supersede(connection: sa.Connection, link_ids: Sequence[int], now: datetime) -> None:
    change = sa.update(stock_intents).where(stock_intents.c.link_id.in_(link_ids), _OPEN)
    connection.execute(change.values(outcome=WriteOutcome.SUPERSEDED.value, outcome_at=now))


def _close_intents(connection: sa.Connection, rows: Sequence[tuple[int, RowOutcome]], now: datetime) -> None:
    if not rows:
        return
    names = ("outcome", "outcome_at", "code", "detail")
    values = {name: sa.bindparam(f"new_{name}", type_=stock_intents.c[name].type) for name in names}
    change = sa.update(stock_intents).where(stock_intents.c.intent_id == sa.bindparam("row_id")).values(values)
    told = [
        {
            "row_id": intent_id,
            "new_outcome": each.outcome.value,
            "new_outcome_at": now,
            "new_code": each.code.name if each.code else None,
            "new_detail": each.detail,
        }
        for intent_id, each in rows
    ]
    connection.execute(change, told)


def _apply_to_levels(connection: sa.Connection, intents: Sequence[Mapping[Any, Any]]) -> None:
    """Take applied numbers into the snapshot, unless a newer reading is there already."""
    if not intents:
        return
    level = levels.c
    same = sa.and_(level.inventory_item_id == sa.bindparam("item"), level.available == sa.bindparam("was"))
    change = sa.update(levels).where(same).values(available=sa.bindparam("now_is"))
    rows = [{"item": row["inventory_item_id"], "was": row["before"], "now_is": row["after"]} for row in intents]
    connection.execute(change, rows)
    touch(connection, inventory_item_ids=[row["item"] for row in rows])


def _as_change(row: Mapping[Any, Any]) -> Change:
    return Change(
        seq=row["seq"],
        at=row["at"],
        run_id=row["run_id"],
        job=row["job"] or "",
        before=row["before"],
        after=row["after"],
        verdict=row["verdict"],
        outcome=None if row["outcome"] is None else WriteOutcome(row["outcome"]),
        equation=row["equation"],
        key=row["call_key"],
        reference=row["reference"],
    )
