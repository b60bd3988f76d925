"""The engine's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.types import Moment, Whole

revision = "0001"
down_revision = None

_JSON = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Create the tables."""
    _journal()
    _lightspeed()
    _shopify()
    _links()
    _link_indexes()
    _people()
    _orders()
    _writes()


def _journal() -> None:
    op.create_table(
        "api_minutes",
        sa.Column("minute", Moment(), nullable=False),
        sa.Column("api", sa.Text(), nullable=False),
        sa.Column("attempts", Whole, nullable=False),
        sa.Column("failures", Whole, nullable=False),
        sa.PrimaryKeyConstraint("minute", "api", name=op.f("pk_api_minutes")),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "pauses",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_pauses")),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", Whole, autoincrement=True, nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("numbers", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runs_job", "runs", ["job", "run_id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("encrypted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tokens")),
    )
    op.create_table(
        "watermarks",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("newest", Moment(), nullable=False),
        sa.Column("run_id", Whole, nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_watermarks")),
    )


def _lightspeed() -> None:
    op.create_table(
        "item_stock",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("item_shop_id", sa.Text(), nullable=False),
        sa.Column("qoh", Whole, nullable=False),
        sa.Column("time_stamp", Moment(), nullable=False),
        sa.Column("read_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_stock")),
    )
    op.create_table(
        "items",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("custom_sku", sa.Text(), nullable=False),
        sa.Column("system_sku", sa.Text(), nullable=False),
        sa.Column("upc", sa.Text(), nullable=False),
        sa.Column("ean", sa.Text(), nullable=False),
        sa.Column("manufacturer_sku", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("item_type", sa.Text(), nullable=False),
        sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("time_stamp", Moment(), nullable=False),
        sa.Column("read_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_items")),
    )


def _shopify() -> None:
    op.create_table(
        "levels",
        sa.Column("inventory_item_id", sa.Text(), nullable=False),
        sa.Column("available", Whole, nullable=False),
        sa.Column("committed", Whole, nullable=False),
        sa.Column("reserved", Whole, nullable=False),
        sa.Column("safety_stock", Whole, nullable=False),
        sa.Column("damaged", Whole, nullable=False),
        sa.Column("quality_control", Whole, nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("level_updated_at", Moment(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("read_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("inventory_item_id", name=op.f("pk_levels")),
    )
    op.create_table(
        "variants",
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("inventory_item_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("barcode", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("product_title", sa.Text(), nullable=False),
        sa.Column("product_status", sa.Text(), nullable=False),
        sa.Column("tracked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("read_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("variant_id", name=op.f("pk_variants")),
    )
    op.create_index("ix_variants_inventory_item_id", "variants", ["inventory_item_id"], unique=False)


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("link_id", Whole, autoincrement=True, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("inventory_item_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("sku_key", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("buffer", Whole, server_default="0", nullable=False),
        sa.Column("dismissed_offset", Whole, server_default="0", nullable=False),
        sa.Column("due", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("marks", Whole, server_default="0", nullable=False),
        sa.Column("seq", Whole, server_default="0", nullable=False),
        sa.Column("parked", sa.Text(), nullable=True),
        sa.Column("parked_at", Moment(), nullable=True),
        sa.Column("approved_at", Moment(), nullable=True),
        sa.Column("base", Whole, nullable=True),
        sa.Column("write_before", Whole, nullable=True),
        sa.Column("write_after", Whole, nullable=True),
        sa.Column("write_base", Whole, nullable=True),
        sa.Column("write_drift_after", Whole, nullable=True),
        sa.Column("write_drift_before", Whole, nullable=True),
        sa.Column("upward_units", Whole, nullable=True),
        sa.Column("upward_since", Moment(), nullable=True),
        sa.Column("quarantine_units", Whole, nullable=True),
        sa.Column("quarantine_since", Moment(), nullable=True),
        sa.Column("shortfall", Whole, server_default="0", nullable=False),
        sa.Column("differs", Whole, server_default="0", nullable=False),
        sa.Column("unsettled", Whole, server_default="0", nullable=False),
        sa.Column("unsettled_since", Moment(), nullable=True),
        sa.Column("target", Whole, nullable=True),
        sa.Column("seen_available", Whole, nullable=True),
        sa.Column("seen_on_hand", Whole, nullable=True),
        sa.Column("unseen", Whole, nullable=True),
        sa.Column("drift", Whole, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("evaluated_at", Moment(), nullable=True),
        sa.Column("evaluated_run", Whole, nullable=True),
        sa.CheckConstraint(
            "state IN ('unmapped', 'suggested', 'confirmed', 'tombstoned')", name=op.f("ck_links_state")
        ),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_links")),
        sqlite_autoincrement=True,
    )


def _link_indexes() -> None:
    op.create_index(
        "ix_links_due",
        "links",
        ["link_id"],
        unique=False,
        sqlite_where=sa.text("due = 1"),
        postgresql_where=sa.text("due"),
    )
    op.create_index("ix_links_inventory_item_id", "links", ["inventory_item_id"], unique=False)
    op.create_index("ix_links_item_id", "links", ["item_id"], unique=False)
    op.create_index(
        "ix_links_parked",
        "links",
        ["parked_at"],
        unique=False,
        sqlite_where=sa.text("parked_at IS NOT NULL"),
        postgresql_where=sa.text("parked_at IS NOT NULL"),
    )
    op.create_index("ix_links_sku_key", "links", ["sku_key"], unique=False)
    op.create_index(
        "uq_links_confirmed_inventory_item",
        "links",
        ["inventory_item_id"],
        unique=True,
        sqlite_where=sa.text("state = 'confirmed'"),
        postgresql_where=sa.text("state = 'confirmed'"),
    )
    op.create_index(
        "uq_links_confirmed_item",
        "links",
        ["item_id"],
        unique=True,
        sqlite_where=sa.text("state = 'confirmed'"),
        postgresql_where=sa.text("state = 'confirmed'"),
    )
    op.create_index(
        "uq_links_live_pair",
        "links",
        ["item_id", "variant_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('suggested', 'confirmed')"),
        postgresql_where=sa.text("state IN ('suggested', 'confirmed')"),
    )


def _people() -> None:
    op.create_table(
        "sku_problems",
        sa.Column("problem_id", Whole, autoincrement=True, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("problem_id", name=op.f("pk_sku_problems")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "corrections",
        sa.Column("correction_id", Whole, autoincrement=True, nullable=False),
        sa.Column("link_id", Whole, nullable=False),
        sa.Column("run_id", Whole, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("units", Whole, nullable=False),
        sa.Column("oversold", Whole, nullable=False),
        sa.Column("available", Whole, nullable=False),
        sa.Column("target", Whole, nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.link_id"], name=op.f("fk_corrections_link_id")),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_corrections")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_corrections_link_id", "corrections", ["link_id"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", Whole, autoincrement=True, nullable=False),
        sa.Column("link_id", Whole, nullable=False),
        sa.Column("run_id", Whole, nullable=False),
        sa.Column("units", Whole, nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("approved_at", Moment(), nullable=True),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["link_id"], ["links.link_id"], name=op.f("fk_quarantine_link_id")),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_quarantine_link_id", "quarantine", ["link_id"], unique=False)
    op.create_index(
        "uq_quarantine_open",
        "quarantine",
        ["link_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _orders() -> None:
    op.create_table(
        "order_facts",
        sa.Column("fact_id", Whole, autoincrement=True, nullable=False),
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("n", sa.Text(), nullable=False),
        sa.Column("units", Whole, nullable=False),
        sa.Column("inventory_item_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.CheckConstraint("kind IN ('placed', 'restocked', 'closed')", name=op.f("ck_order_facts_kind")),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_order_facts")),
        sa.UniqueConstraint(
            "shop", "order_id", "line_id", "kind", "n", name=op.f("uq_order_facts_shop_order_id_line_id_kind_n")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_order_facts_inventory_item_id", "order_facts", ["inventory_item_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("cancelled_at", Moment(), nullable=True),
        sa.Column("test", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("booked_before", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("lost_at", Moment(), nullable=True),
        sa.Column("read_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("inventory_item_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("placed", Whole, nullable=False),
        sa.Column("restocked", Whole, nullable=False),
        sa.Column("closed", Whole, nullable=False),
        sa.Column("placed_n", Whole, server_default="0", nullable=False),
        sa.Column("closed_n", Whole, server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_order_lines_order_id")),
        sa.PrimaryKeyConstraint("order_id", "line_id", name=op.f("pk_order_lines")),
    )
    op.create_index("ix_order_lines_inventory_item_id", "order_lines", ["inventory_item_id"], unique=False)


def _writes() -> None:
    op.create_table(
        "stock_calls",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("run_id", Whole, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_stock_calls")),
    )
    op.create_table(
        "stock_intents",
        sa.Column("intent_id", Whole, autoincrement=True, nullable=False),
        sa.Column("call_key", sa.Text(), nullable=False),
        sa.Column("link_id", Whole, nullable=False),
        sa.Column("seq", Whole, nullable=False),
        sa.Column("run_id", Whole, nullable=False),
        sa.Column("inventory_item_id", sa.Text(), nullable=False),
        sa.Column("before", Whole, nullable=False),
        sa.Column("after", Whole, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("correction", Whole, nullable=False),
        sa.Column("oversold", Whole, nullable=False),
        sa.Column("equation", _JSON, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("outcome_at", Moment(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "outcome IN ('applied', 'stale', 'parked', 'refused', 'unanswered', 'found applied', 'found not applied', "
            "'superseded')",
            name=op.f("ck_stock_intents_outcome"),
        ),
        sa.ForeignKeyConstraint(["call_key"], ["stock_calls.key"], name=op.f("fk_stock_intents_call_key")),
        sa.ForeignKeyConstraint(["link_id"], ["links.link_id"], name=op.f("fk_stock_intents_link_id")),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_stock_intents")),
        sa.UniqueConstraint("link_id", "seq", name=op.f("uq_stock_intents_link_id_seq")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stock_intents_at", "stock_intents", ["at"], unique=False)
    op.create_index("ix_stock_intents_call_key", "stock_intents", ["call_key"], unique=False)
    op.create_index(
        "ix_stock_intents_open",
        "stock_intents",
        ["link_id"],
        unique=False,
        sqlite_where=sa.text("outcome IS NULL OR outcome = 'unanswered'"),
        postgresql_where=sa.text("outcome IS NULL OR outcome = 'unanswered'"),
    )
