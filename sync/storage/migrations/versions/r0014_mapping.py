"""Links that people make or keep apart, links in doubt, items made in Lightspeed; corrections found by their time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.types import Moment, Whole

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add columns, tables and indexes."""
    op.add_column("links", sa.Column("mapped_by", sa.Text(), nullable=True))
    op.add_column("links", sa.Column("other_key", sa.Text(), server_default="", nullable=False))
    op.create_index("ix_links_other_key", "links", ["other_key"])
    op.create_table(
        "kept_apart",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "variant_id", name=op.f("pk_kept_apart")),
    )
    op.create_index("ix_kept_apart_variant_id", "kept_apart", ["variant_id"])
    op.create_table(
        "link_doubts",
        sa.Column("link_id", Whole, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.link_id"], name=op.f("fk_link_doubts_link_id")),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link_doubts")),
    )
    op.create_table(
        "item_makings",
        sa.Column("making_id", Whole, autoincrement=True, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("sku_key", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=True),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('intent', 'unknown', 'made', 'found', 'refused')", name=op.f("ck_item_makings_state")
        ),
        sa.PrimaryKeyConstraint("making_id", name=op.f("pk_item_makings")),
        sqlite_autoincrement=True,
    )
    undecided = sa.text("state IN ('intent', 'unknown')")
    op.create_index(
        "uq_item_makings_open",
        "item_makings",
        ["sku_key"],
        unique=True,
        sqlite_where=undecided,
        postgresql_where=undecided,
    )
    op.create_index("ix_item_makings_at", "item_makings", ["at"])
    corrected = sa.text("correction != 0")
    op.create_index(
        "ix_stock_intents_corrected", "stock_intents", ["at"], sqlite_where=corrected, postgresql_where=corrected
    )
    op.create_index("ix_corrections_at", "corrections", ["at"])
    op.create_index("ix_quarantine_opened_at", "quarantine", ["opened_at"])
