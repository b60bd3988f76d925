"""What is known of things for sale beside their stock, and what we wrote of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.types import Moment, Whole

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "item_cards",
        _text("item_id"),
        _text("title"),
        sa.Column("price", Whole, nullable=True),
        sa.Column("online_price", Whole, nullable=True),
        _text("text"),
        _text("category"),
        _json("tags"),
        _json("image_urls"),
        _text("matrix_id"),
        _text("matrix_title"),
        _json("attributes"),
        sa.Column("read_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_cards")),
    )
    op.create_table(
        "product_cards",
        _text("product_id"),
        _text("title"),
        _text("html"),
        _text("status"),
        _text("product_type"),
        _json("tags"),
        _json("collections"),
        sa.Column("images", Whole, nullable=False),
        _json("option_names"),
        sa.Column("read_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_cards")),
    )
    op.create_table(
        "variant_cards",
        _text("variant_id"),
        _text("product_id"),
        sa.Column("price", Whole, nullable=True),
        sa.Column("compare_at", Whole, nullable=True),
        _json("options"),
        sa.Column("read_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("variant_id", name=op.f("pk_variant_cards")),
    )
    op.create_index("ix_variant_cards_product_id", "variant_cards", ["product_id", "variant_id"])
    _writes()


def _writes() -> None:
    op.create_table(
        "product_writes",
        sa.Column("write_id", Whole, autoincrement=True, nullable=False),
        sa.Column("run_id", Whole, nullable=False),
        *(_text(name) for name in ("key", "kind", "sku", "sku_key", "subject", "field")),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        _text("reason"),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("outcome_at", Moment(), nullable=True),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in ("code", "detail", "made")),
        sa.CheckConstraint("kind IN ('field', 'create', 'retire')", name=op.f("ck_product_writes_kind")),
        sa.CheckConstraint(
            "outcome IN ('applied', 'moved', 'refused', 'unanswered', 'found applied', 'found not applied')",
            name=op.f("ck_product_writes_outcome"),
        ),
        sa.PrimaryKeyConstraint("write_id", name=op.f("pk_product_writes")),
        sqlite_autoincrement=True,
    )
    for name in ("sku_key", "run_id"):
        op.create_index(f"ix_product_writes_{name}", "product_writes", [name])
    still = sa.text("outcome IS NULL OR outcome = 'unanswered'")
    op.create_index("ix_product_writes_open", "product_writes", ["subject"], sqlite_where=still, postgresql_where=still)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(none_as_null=True), nullable=False)
