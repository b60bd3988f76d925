"""Sales of ours that a person undid in Lightspeed, and orders that wait for a person's word because of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.types import Whole

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns, and the index by which a changed sale is found."""
    op.add_column("documents", sa.Column("found_total", Whole, nullable=True))
    op.create_index("ix_documents_sale_id", "documents", ["sale_id"])
    op.add_column("orders", sa.Column("held", sa.Text(), server_default="", nullable=False))
