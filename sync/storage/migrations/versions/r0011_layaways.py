"""Reservations that are mirrored into Lightspeed as layaways, and what stock rows tell of layaways."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.migrations.versions import r0004_booking
from sync.storage.migrations.versions.r0003_validation import VIEW
from sync.storage.types import Moment, Whole

revision = "0011"
down_revision = "0010"

_SAID = "on_hand + booked - buffer AS said"
_TOLD = "on_hand, buffer, booked, said"
_ON_HAND = "item_stock.qoh AS on_hand,"
_STOCK = "LEFT JOIN item_stock ON item_stock.item_id = links.item_id"
_MIRRORED = """CASE
                WHEN kept.units IS NULL THEN 0
                WHEN item_stock.on_layaway < kept.units THEN item_stock.on_layaway
                ELSE kept.units
            END AS mirrored,"""
_KEPT = """LEFT JOIN (
            SELECT item_id, SUM(units) AS units FROM layaways
            WHERE lowers AND held_n IS NOT NULL AND gone_n IS NULL
            GROUP BY item_id
        ) AS kept ON kept.item_id = links.item_id"""


def upgrade() -> None:
    """Add the table and the column; the validation view then counts what layaways took off the stock."""
    op.execute("DROP VIEW sync_validation")
    op.add_column("item_stock", sa.Column("on_layaway", Whole, nullable=True))
    op.create_table(
        "layaways",
        sa.Column("layaway_id", Whole, autoincrement=True, nullable=False),
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("asked", Whole, nullable=False),
        sa.Column("units", Whole, server_default="0", nullable=False),
        sa.Column("line_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("lowers", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("misses", Whole, server_default="0", nullable=False),
        sa.Column("sent_at", Moment(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("row_due_at", Moment(), nullable=True),
        sa.Column("held_n", Whole, nullable=True),
        sa.Column("gone_n", Whole, nullable=True),
        sa.CheckConstraint("asked > 0", name=op.f("ck_layaways_asked")),
        sa.CheckConstraint("state IN ('asked', 'held', 'leaving', 'gone')", name=op.f("ck_layaways_state")),
        sa.CheckConstraint("ending IN ('let go', 'nothing', 'taken', 'never')", name=op.f("ck_layaways_ending")),
        sa.PrimaryKeyConstraint("layaway_id", name=op.f("pk_layaways")),
        sqlite_autoincrement=True,
    )
    for name in ("item_id", "hold_id", "changed_at"):
        op.create_index(f"ix_layaways_{name}", "layaways", [name])
    for name in ("held_n", "gone_n"):
        op.create_index(f"ix_layaways_{name}", "layaways", [name], unique=True)
    standing = sa.text("state != 'gone'")
    op.create_index(
        "ix_layaways_standing", "layaways", ["layaway_id"], sqlite_where=standing, postgresql_where=standing
    )
    op.execute(_view())


def _view() -> str:
    view = r0004_booking.view_of(VIEW)
    view = view.replace(_SAID, "on_hand + mirrored + booked - buffer AS said")
    view = view.replace(_TOLD, "on_hand, mirrored, buffer, booked, said")
    view = view.replace(_ON_HAND, f"{_ON_HAND}\n            {_MIRRORED}")
    return view.replace(_STOCK, f"{_STOCK}\n        {_KEPT}")
