"""Differences that wait for a person or that one has kept, and the person's word on them.

A word is kept on the link and carried out by its next evaluation, so that it holds whatever a pass under way decides.
Dismissing moves the difference into the buffer and then takes the target, which is Shopify's own number by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sync.errors import Code
from sync.records import Conflict, ConflictDecision, HeldEnding
from sync.stock import agree
from sync.storage import held
from sync.storage.deeds import record
from sync.storage.statements import CONFIRMED, insert_all
from sync.storage.tables import held_links, links, quarantine

_REMOVED = "kept no more"
_DEEDS = {ConflictDecision.APPROVED: "approve conflict", ConflictDecision.DISMISSED: "dismiss conflict"}
_LINK = (
    *("link_id", "sku", "target", "seen_available", "evaluated_run"),
    *("quarantine_since", "quarantine_units", "dismissed_offset", "approved_at", "write_after"),
)


_HELD = sa.and_(held_links.c.link_id == links.c.link_id, held.STANDING)


def conflicts(connection: sa.Connection) -> Sequence[Conflict]:
    """Return the links in quarantine, those waiting longest first, then those whose difference was kept, or held."""
    link, row, each = links.c, quarantine.c, quarantine.alias().c
    newest = sa.select(sa.func.max(each.quarantine_id)).where(each.link_id == link.link_id).scalar_subquery()
    told = (row.decision, row.decided_by, row.decided_at, held_links.c.since, held_links.c.run_id)
    joined = links.outerjoin(quarantine, row.quarantine_id == newest).outerjoin(held_links, _HELD)
    some = sa.or_(link.quarantine_units.is_not(None), link.dismissed_offset != 0, held_links.c.number.is_not(None))
    select = (
        sa.select(*(link[name] for name in _LINK), *told)
        .select_from(joined)
        .where(CONFIRMED, some)
        .order_by(link.quarantine_since.is_(None), link.quarantine_since, link.sku)
    )
    return [_conflict(found) for found in connection.execute(select).mappings()]


def decide(
    connection: sa.Connection, link_ids: Sequence[int], decision: ConflictDecision, by: str, now: datetime
) -> Mapping[int, Code]:
    """Keep a person's word on these links; return why it cannot be taken, by link. Then it is taken for none."""
    select = sa.select(*(links.c[name] for name in _LINK), held_links.c.number.label("held"))
    select = select.select_from(links.outerjoin(held_links, _HELD)).where(links.c.link_id.in_(link_ids), CONFIRMED)
    found = {each["link_id"]: each for each in connection.execute(select).mappings()}
    refused = {link_id: code for link_id in link_ids if (code := _objection(found.get(link_id), decision)) is not None}
    if not refused:
        for link in found.values():
            _take(connection, link, decision, by, now)
    return refused


def _objection(link: Mapping[Any, Any] | None, decision: ConflictDecision) -> Code | None:
    """Return why a word cannot be taken: there is nothing to decide, or what it is about is still moving."""
    waits = link is not None and (link["quarantine_units"] is not None or link["held"] is not None)
    if link is None or not (waits or link["dismissed_offset"]):
        return Code.SK004
    if decision is ConflictDecision.APPROVED:
        return None
    if not waits:
        return Code.SK004
    moving = link["approved_at"] is not None or link["write_after"] is not None
    return Code.SK005 if moving else None


def _take(
    connection: sa.Connection, link: Mapping[Any, Any], decision: ConflictDecision, by: str, now: datetime
) -> None:
    """Keep one word: on the link for its next evaluation, and on record. A held link is let go of."""
    kept = link["dismissed_offset"]
    offset = kept + _difference(link) if decision is ConflictDecision.DISMISSED else 0
    chosen = {"dismissed_offset": offset, "approved_at": now, "due": sa.true(), "marks": links.c.marks + 1}
    connection.execute(sa.update(links).where(links.c.link_id == link["link_id"]).values(**chosen))
    told = {"shopify": link["seen_available"], "should_be": link["target"], "kept_before": kept}
    record(connection, now, by, _DEEDS[decision], link["sku"], told)
    was_held = held.let_go(connection, [link["link_id"]], HeldEnding(decision.value), by, now)
    if was_held and link["quarantine_units"] is None:
        return
    word = {"decided_at": now, "decided_by": by, "decision": decision.value}
    if link["quarantine_units"] is not None:
        waiting = sa.update(quarantine).where(quarantine.c.link_id == link["link_id"], quarantine.c.closed_at.is_(None))
        connection.execute(waiting.values(**word))
        return
    row = {"link_id": link["link_id"], "run_id": link["evaluated_run"], "units": kept}
    insert_all(connection, quarantine, [row | word | {"opened_at": now, "closed_at": now, "resolution": _REMOVED}])


def _difference(link: Mapping[Any, Any]) -> int:
    """Return by how much Shopify shows less than it should; 0 where both have nothing to sell."""
    target, available = link["target"], link["seen_available"]
    return 0 if agree(available, target) else int(target - available)


def _conflict(row: Mapping[Any, Any]) -> Conflict:
    pending = row["quarantine_since"] is None or row["approved_at"] is not None
    decided = pending and row["decision"] is not None and row["since"] is None
    return Conflict(
        link_id=row["link_id"],
        sku=row["sku"],
        available=row["seen_available"],
        target=row["target"],
        quarantined_since=row["quarantine_since"],
        kept=row["dismissed_offset"],
        decision=ConflictDecision(row["decision"]) if decided else None,
        decided_by=row["decided_by"] if decided else None,
        decided_at=row["decided_at"] if decided else None,
        held_since=row["since"],
        held_by_run=row["run_id"],
    )
