"""Orders are found by their names without reading all of them."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_orders_name", "orders", ["name"])
