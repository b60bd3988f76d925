"""What a variant costs, so that oversold units can be told in money."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.types import Whole

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column; the next full reading fills it."""
    op.add_column("variants", sa.Column("price", Whole, nullable=True))
