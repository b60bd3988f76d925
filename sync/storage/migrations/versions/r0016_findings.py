"""Validations and what they found; variants in the order of their products."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.types import Moment, Whole

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the tables and the index."""
    op.create_table(
        "validations",
        sa.Column("validation_id", Whole, autoincrement=True, nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.Column("summary", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("validation_id", name=op.f("pk_validations")),
        sqlite_autoincrement=True,
    )
    texts = ("kind", "sku", "subject", "lightspeed", "shopify", "sentence", "remedy")
    op.create_table(
        "findings",
        sa.Column("validation_id", Whole, nullable=False),
        sa.Column("n", Whole, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.Column("difference", Whole, nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("item_id", "variant_id", "product_id")),
        sa.Column("equation", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("also", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["validation_id"], ["validations.validation_id"], name=op.f("fk_findings_validation_id")
        ),
        sa.PrimaryKeyConstraint("validation_id", "n", name=op.f("pk_findings")),
    )
    op.create_index("ix_variants_product_id", "variants", ["product_id", "variant_id"])
