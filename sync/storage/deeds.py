"""The trail of what people did, one row a deed; written in the transaction that does it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sync.storage.tables import audit


def record(  # noqa: PLR0917 - the columns of a deed
    connection: sa.Connection, at: datetime, who: str, what: str, subject: str, detail: Mapping[str, Any]
) -> None:
    """Add what somebody did: `what` in a word or two, `subject` what it was done to."""
    values = {"at": at, "who": who, "what": what, "subject": subject, "detail": dict(detail)}
    connection.execute(sa.insert(audit).values(values))
