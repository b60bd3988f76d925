"""Who decided on a difference in quarantine, when, and how."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; what was the time of an approval is now that of either decision."""
    op.execute("ALTER TABLE quarantine RENAME COLUMN approved_at TO decided_at")
    op.add_column("quarantine", sa.Column("decided_by", sa.Text(), nullable=True))
    op.add_column("quarantine", sa.Column("decision", sa.Text(), nullable=True))
    op.execute("UPDATE quarantine SET decision = 'approved' WHERE decided_at IS NOT NULL")
