"""What visitors may do, as the daemon last knew it: kept for a storefront that runs apart from alerts.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
import sqlalchemy as sa

from sync.reservations import AskLimits, HoldLimits
from sync.storage.database import Database
from sync.storage.statements import upsert
from sync.storage.tables import meta

_KEY = "visitor_limits"


@dataclass(frozen=True, slots=True)
class VisitorLimits:
    """How much may be held, how often may be asked, and how soon stock is checked again for anybody."""

    holds: HoldLimits = field(default_factory=HoldLimits)
    asks: AskLimits = field(default_factory=AskLimits)
    check_pace: timedelta = timedelta(seconds=15)


async def keep_limits(database: Database, limits: VisitorLimits) -> None:
    """Keep the limits in force, in place of those before."""
    row = {"key": _KEY, "value": msgspec.json.encode(limits).decode()}
    await database.write(lambda c: upsert(c, meta, [row]))


async def limits_kept(database: Database) -> VisitorLimits:
    """Return the limits that were kept; the usual ones where none were, or where they are another version's."""
    select = sa.select(meta.c.value).where(meta.c.key == _KEY)
    kept = await database.read(lambda c: c.scalar(select))
    try:
        return VisitorLimits() if kept is None else msgspec.json.decode(kept, type=VisitorLimits)
    except msgspec.ValidationError:
        return VisitorLimits()
