"""Reservations, and by what the shelf is looked up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.types import Moment, Whole

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table and the index by which a variant's link is found."""
    op.create_index("ix_links_variant_id", "links", ["variant_id"])
    op.create_table(
        "holds",
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("link_id", Whole, nullable=False),
        sa.Column("inventory_item_id", sa.Text(), nullable=False),
        sa.Column("units", Whole, nullable=False),
        sa.Column("cart", sa.Text(), server_default="", nullable=False),
        sa.Column("client", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("renewed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("counts", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("marks", Whole, nullable=True),
        sa.CheckConstraint("units > 0", name=op.f("ck_holds_units")),
        sa.CheckConstraint("ending IN ('consumed', 'released', 'expired')", name=op.f("ck_holds_ending")),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_holds")),
    )
    _index("uq_holds_active", ["cart", "inventory_item_id"], "ended_at IS NULL AND cart != ''", unique=True)
    _index("ix_holds_client", ["client"], "ended_at IS NULL")
    _index("ix_holds_expires_at", ["expires_at"], "ended_at IS NULL")
    counting = ["inventory_item_id", "expires_at", "ended_at", "units"]
    op.create_index(
        "ix_holds_counts", "holds", counting, sqlite_where=sa.text("counts = 1"), postgresql_where=sa.text("counts")
    )
    op.create_index(
        "ix_holds_uncovered",
        "holds",
        ["link_id"],
        sqlite_where=sa.text("counts = 1 AND marks IS NOT NULL"),
        postgresql_where=sa.text("counts AND marks IS NOT NULL"),
    )
    _index("ix_holds_ended_at", ["ended_at"], "ended_at IS NOT NULL")


def _index(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, "holds", columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
