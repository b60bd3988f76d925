"""What alerting remembers: signals over time, verdicts, silences, windows, who did what, and messages sent as one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.storage.types import Moment, Whole

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add columns, then tables."""
    op.add_column("rule_states", sa.Column("fingerprint", sa.Text(), server_default="", nullable=False))
    op.add_column("rule_states", sa.Column("quiet_since", Moment(), nullable=True))
    op.add_column("incidents", sa.Column("acknowledged_by", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("recipient", sa.Text(), server_default="", nullable=False))
    op.add_column("outbox", sa.Column("why", sa.Text(), server_default="", nullable=False))
    op.add_column("outbox", sa.Column("batch", sa.Text(), nullable=True))
    op.create_index("ix_outbox_batch", "outbox", ["batch"])
    op.create_index("ix_outbox_recipient", "outbox", ["recipient", "sent_at"])
    _create_told()
    _create_history()
    _create_people()


def _create_told() -> None:
    op.create_table(
        "verdicts",
        sa.Column("id", Whole, autoincrement=True, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("incident_id", Whole, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_verdicts_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_verdicts_incident_id", "verdicts", ["incident_id", "channel"])
    op.create_index("ix_verdicts_at", "verdicts", ["at"])


def _create_history() -> None:
    op.create_table(
        "transitions",
        sa.Column("id", Whole, autoincrement=True, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_transitions_rule", "transitions", ["rule", "at"])
    op.create_index("ix_transitions_at", "transitions", ["at"])
    op.create_table(
        "evaluations",
        sa.Column("id", Whole, autoincrement=True, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("samples", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_evaluations_at", "evaluations", ["at"])


def _create_people() -> None:
    op.create_table(
        "silences",
        sa.Column("id", Whole, autoincrement=True, nullable=False),
        sa.Column("matcher", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("starts_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("until_resolved", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("lifted_at", Moment(), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silences")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "windows",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_windows")),
    )
    op.create_table(
        "audit",
        sa.Column("id", Whole, autoincrement=True, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at"])
