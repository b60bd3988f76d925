"""Changes of Shopify's numbers that nothing explained, as they are on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from sync.records import WriteOutcome
from sync.second_writer import Tampering
from sync.storage.statements import CONFIRMED
from sync.storage.tables import corrections, links, quarantine, stock_intents

_NO_NUMBER = sa.cast(sa.null(), links.c.link_id.type).label("shown")  # nobody put one back that had been corrected
_APPLIED = (WriteOutcome.APPLIED.value, WriteOutcome.FOUND_APPLIED.value)


def tamperings(connection: sa.Connection, since: datetime, link_ids: Sequence[int] | None = None) -> list[Tampering]:
    """Return the changes since a moment of the links that stand, of some links or all, oldest first.

    Corrections that were written, corrections that needed no write, and what came into quarantine; units that were
    put down to an oversale are taken off.
    """
    found = [
        Tampering(row.link_id, row.sku, row.at, row.units, row.shown)
        for select in (_written(since), _unwritten(since), _held(since))
        for row in connection.execute(select if link_ids is None else select.where(links.c.link_id.in_(link_ids)))
    ]
    return sorted((each for each in found if each.units), key=lambda each: each.at)


def _written(since: datetime) -> sa.Select[tuple[int, str, datetime, int, int]]:
    intent = stock_intents.c
    units = (intent.correction - intent.oversold).label("units")
    select = sa.select(links.c.link_id, links.c.sku, intent.at, units, intent.before.label("shown"))
    joined = select.join_from(stock_intents, links)
    return joined.where(intent.at >= since, intent.correction != 0, intent.outcome.in_(_APPLIED), CONFIRMED)


def _unwritten(since: datetime) -> sa.Select[tuple[int, str, datetime, int, int]]:
    row = corrections.c
    units = (row.units - row.oversold).label("units")
    select = sa.select(links.c.link_id, links.c.sku, row.at, units, _NO_NUMBER)
    return select.join_from(corrections, links).where(row.at >= since, CONFIRMED)


def _held(since: datetime) -> sa.Select[tuple[int, str, datetime, int, int]]:
    row = quarantine.c
    select = sa.select(links.c.link_id, links.c.sku, row.opened_at.label("at"), row.units, _NO_NUMBER)
    return select.join_from(quarantine, links).where(row.opened_at >= since, CONFIRMED)
