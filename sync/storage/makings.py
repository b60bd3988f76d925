"""Items that were asked for in Lightspeed, on record: intents before, outcomes after."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sync.errors import Code
from sync.item_making import ItemDraft, Making
from sync.matching import sku_key
from sync.storage.database import Database
from sync.storage.deeds import record
from sync.storage.mapping import keep_apart
from sync.storage.mapping_tables import MAKING_OPEN
from sync.storage.statements import CONFIRMED
from sync.storage.tables import item_makings, links

_NO_STOCK = "made in Lightspeed, without stock yet"


class SqlMakingBook:
    """`MakingBook` over the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, sku: str) -> Making | None:
        """Return what was asked for under a SKU and is not known to exist, or not to."""
        return await self._database.read(lambda c: _pending(c, sku))

    async def intend(self, draft: ItemDraft, variant_id: str, by: str, now: datetime) -> Making:
        """Record an item before it is asked for."""
        return await self._database.write(lambda c: _intend(c, draft, variant_id, by, now))

    async def unanswered(self, making: Making, now: datetime) -> None:
        """Record that nobody answered; how long it may still come counts from now."""
        await self._database.write(lambda c: _change(c, making, state="unknown", at=now, code=Code.LS015.name))

    async def refused(self, making: Making, code: Code, detail: str, now: datetime) -> None:
        """Record that the item was surely not made."""
        values = {"state": "refused", "code": code.name, "detail": detail, "settled_at": now}
        await self._database.write(lambda c: _change(c, making, **values))

    async def made(self, making: Making, item_id: str, now: datetime, *, found: bool = False) -> None:
        """Record that there is an item, and keep it apart from its variant unless a person has mapped them."""
        await self._database.write(lambda c: _made(c, making, item_id, now, found=found))


def _pending(connection: sa.Connection, sku: str) -> Making | None:
    select = sa.select(item_makings.c.making_id, item_makings.c.at)
    row = connection.execute(select.where(MAKING_OPEN, item_makings.c.sku_key == sku_key(sku))).one_or_none()
    return None if row is None else Making(row.making_id, row.at)


def _intend(connection: sa.Connection, draft: ItemDraft, variant_id: str, by: str, now: datetime) -> Making:
    values = {"variant_id": variant_id, "draft": asdict(draft), "by": by, "at": now, "state": "intent", "code": None}
    before = _pending(connection, draft.sku)
    if before is not None:
        _change(connection, before, **values)
        return Making(before.making_id, now)
    named = {"sku": draft.sku, "sku_key": sku_key(draft.sku)}
    made = sa.insert(item_makings).values(named | values).returning(item_makings.c.making_id)
    return Making(connection.execute(made).scalar_one(), now)


def _made(connection: sa.Connection, making: Making, item_id: str, now: datetime, *, found: bool) -> None:
    state = "found" if found else "made"
    _change(connection, making, state=state, item_id=item_id, settled_at=now, code=None)
    row = connection.execute(sa.select(item_makings).where(item_makings.c.making_id == making.making_id)).one()
    joined = sa.exists().where(CONFIRMED, links.c.item_id == item_id, links.c.variant_id == row.variant_id)
    if not connection.scalar(sa.select(joined)):  # else a person has mapped them meanwhile
        keep_apart(connection, item_id, row.variant_id, row.by, _NO_STOCK, now)
    detail = {"item": item_id, "variant": row.variant_id, "title": row.draft["title"], "found": found}
    record(connection, now, row.by, "create item", row.sku, detail)


def _change(connection: sa.Connection, making: Making, **values: Any) -> None:
    connection.execute(sa.update(item_makings).where(item_makings.c.making_id == making.making_id).values(values))
