"""What is on record about one alert, for people who ask: what became of each message about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from monitor.notice import Kind
from monitor.store.judged import Place
from sync.storage.tables import outbox

DELIVERED, GIVEN_UP = "done", "dead"


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the outbox and how far it came; `place` is a channel, with the number where it has several."""

    id: int
    place: str
    kind: Kind
    why: str
    state: str
    attempts: int
    repeated: bool  # an earlier attempt may have arrived
    created_at: datetime
    sent_at: datetime | None
    next_at: datetime | None
    error: str
    proof: str  # the service's own name of what it took

    @property
    def delivered(self) -> bool:
        """Tell whether the channel took it."""
        return self.state == DELIVERED

    @property
    def waits(self) -> bool:
        """Tell whether it is still to be delivered."""
        return self.state not in (DELIVERED, GIVEN_UP)


def messages_about(connection: Connection, incident_id: int) -> Sequence[Message]:
    """Return every message about an incident, oldest first."""
    query = sa.select(outbox).where(outbox.c.incident_id == incident_id).order_by(outbox.c.id)
    return [_message(row) for row in connection.execute(query)]


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        place=str(Place(row.channel, row.recipient)),
        kind=Kind(row.kind),
        why=row.why,
        state=row.state,
        attempts=row.attempts,
        repeated=row.maybe_repeated,
        created_at=row.created_at,
        sent_at=row.sent_at,
        next_at=row.next_at,
        error=row.last_error or "",
        proof=" ".join(filter(None, ((row.external or {}).get(part) for part in ("channel", "message")))),
    )
