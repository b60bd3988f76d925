"""Links that a person set back and that are held since then, and who asked for which run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.types import Moment, Whole

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create both tables, and the index by which a run's writes are found."""
    op.create_index("ix_stock_intents_run_id", "stock_intents", ["run_id"])
    op.create_table(
        "held_links",
        sa.Column("number", Whole, autoincrement=True, nullable=False),
        sa.Column("link_id", Whole, nullable=False),
        sa.Column("run_id", Whole, nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "ending IN ('released', 'approved', 'dismissed', 'not written')", name=op.f("ck_held_links_ending")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_held_links")),
        sqlite_autoincrement=True,
    )
    standing = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_held_links_standing",
        "held_links",
        ["link_id"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_index("ix_held_links_link_id", "held_links", ["link_id"])
    op.create_table(
        "asked_runs",
        sa.Column("run_id", Whole, autoincrement=False, nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_asked_runs")),
    )
