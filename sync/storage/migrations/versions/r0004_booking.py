"""Booking orders into Lightspeed: what an order is worth, its documents and its story."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.migrations.versions.r0003_validation import VIEW
from sync.storage.types import Moment, Whole

revision = "0004"
down_revision = "0003"

_JSON = sa.JSON(none_as_null=True)
_ORDER_STATES = "'seen', 'valid', 'intent', 'unknown', 'posted', 'parked', 'cancelled', 'dead', 'exempt', 'closed'"
_UNFINISHED = "state IN ('intent', 'sent', 'open', 'completing')"
_BOOKED_BEFORE = "CASE WHEN orders.booked_before THEN order_lines.placed - order_lines.restocked ELSE 0 END"
_BOOKED = """CASE
                    WHEN NOT (orders.booked_before OR COALESCE(orders.booked_by, 'never') <> 'never')
                    THEN order_lines.booked
                    WHEN order_lines.placed - order_lines.restocked < order_lines.outside
                    THEN order_lines.placed - order_lines.restocked
                    ELSE order_lines.outside
                END"""


def upgrade() -> None:
    """Add the columns and tables; the validation view then counts what our documents booked."""
    op.execute("DROP VIEW sync_validation")
    _orders()
    _order_lines()
    _documents()
    _order_events()
    op.execute(view_of(VIEW))


def view_of(view: str) -> str:
    """Return the validation view, counting what our documents booked."""
    return view.replace(_BOOKED_BEFORE, _BOOKED)


def _orders() -> None:
    op.add_column("orders", sa.Column("early", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("orders", sa.Column("booked_by", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("number", sa.Text(), server_default="", nullable=False))
    op.add_column("orders", sa.Column("money", _JSON, nullable=True))
    op.add_column("orders", sa.Column("unreadable", sa.Text(), server_default="", nullable=False))
    # With its constraint: to add that later the table would have to be made anew, under the lines that refer to it.
    checked = f"CONSTRAINT ck_orders_state CHECK (state IN ({_ORDER_STATES}))"
    op.execute(f"ALTER TABLE orders ADD COLUMN state TEXT DEFAULT 'seen' NOT NULL {checked}")
    op.add_column("orders", sa.Column("code", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("detail", sa.Text(), server_default="", nullable=False))
    op.add_column("orders", sa.Column("waiting_since", Moment(), nullable=True))
    op.add_column("orders", sa.Column("post_at", Moment(), nullable=True))
    op.add_column("orders", sa.Column("tries", Whole, server_default="0", nullable=False))
    waiting = sa.text("post_at IS NOT NULL")
    op.create_index("ix_orders_post_at", "orders", ["post_at"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("ix_orders_state", "orders", ["state"])
    op.create_index("ix_orders_number", "orders", ["number"])


def _order_lines() -> None:
    for name in ("quantity", "cents", "booked", "outside"):
        op.add_column("order_lines", sa.Column(name, Whole, server_default="0", nullable=False))
    for name in ("taxed", "gift_card"):
        op.add_column("order_lines", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("document_id", Whole, autoincrement=True, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("n", Whole, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("untaxed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sale_id", sa.Text(), nullable=True),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("misses", Whole, server_default="0", nullable=False),
        sa.Column("doubtful", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sweep_at", Moment(), nullable=True),
        sa.Column("others", Whole, server_default="0", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("completed_at", Moment(), nullable=True),
        sa.Column("row_due_at", Moment(), nullable=True),
        sa.Column("confirmed_at", Moment(), nullable=True),
        sa.Column("confirmed_n", Whole, nullable=True),
        sa.CheckConstraint(
            "state IN ('intent', 'sent', 'open', 'completing', 'posted', 'abandoned', 'voided')",
            name=op.f("ck_documents_state"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_documents_order_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_documents")),
        sa.UniqueConstraint("order_id", "n", name=op.f("uq_documents_order_id_n")),
        sa.UniqueConstraint("reference", name=op.f("uq_documents_reference")),
        sqlite_autoincrement=True,
    )
    unfinished, swept = sa.text(_UNFINISHED), sa.text("sweep_at IS NOT NULL")
    op.create_index(
        "uq_documents_open",
        "documents",
        ["order_id"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_index("ix_documents_confirmed_n", "documents", ["confirmed_n"], unique=True)
    op.create_index("ix_documents_sweep_at", "documents", ["sweep_at"], sqlite_where=swept, postgresql_where=swept)
    op.create_table(
        "document_lines",
        sa.Column("document_line_id", Whole, autoincrement=True, nullable=False),
        sa.Column("document_id", Whole, nullable=False),
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("inventory_item_id", sa.Text(), server_default="", nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("units", Whole, nullable=False),
        sa.Column("cents", Whole, nullable=False),
        sa.Column("taxed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sale_line_id", sa.Text(), server_default="", nullable=False),
        sa.Column("parent_line_id", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.document_id"], name=op.f("fk_document_lines_document_id")),
        sa.PrimaryKeyConstraint("document_line_id", name=op.f("pk_document_lines")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_document_lines_document_id", "document_lines", ["document_id"])
    op.create_index("ix_document_lines_inventory_item_id", "document_lines", ["inventory_item_id"])


def _order_events() -> None:
    op.create_table(
        "order_events",
        sa.Column("event_id", Whole, autoincrement=True, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_order_events_order_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_order_events")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_order_events_order_id", "order_events", ["order_id"])
