"""The `Inbox` of `sync/ports.py` over the database: webhooks stored before they are answered, once each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sync.errors import Code
from sync.storage.database import Database
from sync.storage.statements import upsert
from sync.storage.tables import meta, webhooks
from sync.storage.touched import touch
from sync.storage.types import to_text
from sync.webhooks import DueWebhook, Receipt, Webhook, WebhookState, reason_of

_UNINSTALLED = "app_uninstalled"


class SqlInbox:
    """Webhooks as they arrived and what became of each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, webhook: Webhook) -> Receipt:
        """Store a delivery unless it was stored before."""
        return await self._database.write(lambda c: keep(c, webhook))

    async def due(self, now: datetime, limit: int = 500) -> Sequence[DueWebhook]:
        """Return the webhooks to look at now, in the order in which they arrived."""
        return await self._database.read(lambda c: due(c, now, limit))

    async def settle(
        self, numbers: Sequence[int], state: WebhookState, now: datetime, *, code: Code | None = None, detail: str = ""
    ) -> None:
        """Close webhooks."""
        values = {"state": state.value, "settled_at": now, "code": code.name if code else None, "detail": detail}
        await self._database.write(lambda c: c.execute(_chosen(numbers).values(**values)))

    async def postpone(self, numbers: Sequence[int], until: datetime, code: Code, detail: str) -> None:
        """Leave webhooks for later, one attempt older."""
        values = {"attempts": webhooks.c.attempts + 1, "next_at": until, "code": code.name, "detail": detail}
        await self._database.write(lambda c: c.execute(_chosen(numbers).values(**values)))

    async def note_uninstalled(self, at: datetime | None) -> None:
        """Remember since when our app is gone from the shop; None: it is there."""
        await self._database.write(lambda c: _note_uninstalled(c, at))

    async def uninstalled_at(self) -> datetime | None:
        """Return since when our app is gone from the shop, None while it is there."""
        return await self._database.read(uninstalled_at)


_ASK_UNINSTALLED = sa.select(meta.c.value).where(meta.c.key == _UNINSTALLED)


def uninstalled_at(connection: sa.Connection) -> datetime | None:
    """Return since when our app is gone from the shop, None while it is there."""
    text = connection.scalar(_ASK_UNINSTALLED)
    return None if text is None else datetime.fromisoformat(text)


def keep(connection: sa.Connection, webhook: Webhook) -> Receipt:
    """Store a delivery; one whose body does not say what it is about is kept as dead."""
    understood = bool(webhook.subject)
    state = WebhookState.DUE if understood else WebhookState.DEAD
    row: Mapping[str, Any] = {
        "webhook_id": webhook.webhook_id,
        "event_id": webhook.event_id,
        "topic": webhook.topic.value,
        "shop": webhook.shop,
        "triggered_at": webhook.triggered_at,
        "received_at": webhook.received_at,
        "body": dict(webhook.body),
        "subject": webhook.subject,
        "state": state.value,
        "next_at": webhook.received_at if understood else None,
        "settled_at": None if understood else webhook.received_at,
        "code": None if understood else Code.WH001.name,
    }
    insert = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(webhooks)
    once = insert.on_conflict_do_nothing(index_elements=["webhook_id"])
    if not connection.execute(once.values(row)).rowcount:
        return Receipt.REPEATED
    touch(connection, hints=True)
    return Receipt.STORED if understood else Receipt.DEAD


_DUE = (  # made once: making it takes longer than running it
    sa.select(*(webhooks.c[name] for name in ("number", "topic", "subject", "body", "attempts")))
    .where(
        webhooks.c.state == WebhookState.DUE.value,
        webhooks.c.next_at <= sa.bindparam("now", type_=webhooks.c.next_at.type),
    )
    .order_by(webhooks.c.number)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def due(connection: sa.Connection, now: datetime, limit: int) -> Sequence[DueWebhook]:
    """Return the webhooks to look at now, in the order in which they arrived."""
    found = connection.execute(_DUE, {"now": now, "most": limit})
    return [DueWebhook(each[0], reason_of(each[1]), each[2], each[3], each[4]) for each in found]


def _chosen(numbers: Sequence[int]) -> sa.Update:
    return sa.update(webhooks).where(webhooks.c.number.in_(numbers), webhooks.c.state == WebhookState.DUE.value)


def _note_uninstalled(connection: sa.Connection, at: datetime | None) -> None:
    if at is None:
        connection.execute(sa.delete(meta).where(meta.c.key == _UNINSTALLED))
    else:
        upsert(connection, meta, [{"key": _UNINSTALLED, "value": to_text(at)}])
