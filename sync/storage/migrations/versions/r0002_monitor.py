"""The monitor's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.types import Moment, Whole

revision = "0002"
down_revision = "0001"

_JSON = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Create the tables."""
    _rules()
    _outbox()


def _rules() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", Whole, autoincrement=True, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("labels", _JSON, nullable=True),
        sa.Column("detail", _JSON, nullable=True),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("notified_at", Moment(), nullable=True),
        sa.Column("acknowledged_at", Moment(), nullable=True),
        sa.Column("resolved_at", Moment(), nullable=True),
        sa.Column("resolved_value", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_incidents_opened_at", "incidents", ["opened_at"], unique=False)
    op.create_index(
        "uq_incidents_open",
        "incidents",
        ["rule"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "rule_states",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", Moment(), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("samples", _JSON, nullable=True),
        sa.Column("detail", _JSON, nullable=True),
        sa.Column("incident_id", Whole, nullable=True),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("rule", name=op.f("pk_rule_states")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", Whole, autoincrement=True, nullable=False),
        sa.Column("incident_id", Whole, nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", _JSON, nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", Whole, server_default="0", nullable=False),
        sa.Column("maybe_repeated", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("next_at", Moment(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("external", _JSON, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('due', 'sending', 'done', 'ambiguous', 'dead')", name=op.f("ck_outbox_state")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_outbox_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("identity", name=op.f("uq_outbox_identity")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_incident_id", "outbox", ["incident_id"], unique=False)
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('due', 'sending', 'ambiguous')"),
        postgresql_where=sa.text("state IN ('due', 'sending', 'ambiguous')"),
    )
