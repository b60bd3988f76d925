"""Sales of ours that a person undid in Lightspeed, and orders that wait for a person's word because of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_BEFORE, _AFTER = "'posted', 'abandoned')", "'posted', 'abandoned', 'voided')"
_MADE_OF = "SELECT type, sql FROM sqlite_master WHERE tbl_name = 'documents' AND sql IS NOT NULL ORDER BY type DESC"


def upgrade() -> None:
    """Let documents be voided; add the columns, and the index by which a changed sale is found."""
    _let_documents_be_voided()
    op.add_column("documents", sa.Column("found_total", sa.Integer(), nullable=True))
    op.create_index("ix_documents_sale_id", "documents", ["sale_id"])
    op.add_column("orders", sa.Column("held", sa.Text(), server_default="", nullable=False))


def _let_documents_be_voided() -> None:
    """Make the table anew with the wider constraint.

    SQLite cannot change one. Its lines refer to its rows, and SQLite takes them for orphans until rows of the same
    ids are inserted into a table of the same name; so the rows are put aside, rather than a new table renamed.
    """
    connection = op.get_bind()
    table, *indexes = [sql for _, sql in connection.exec_driver_sql(_MADE_OF)]
    if _BEFORE not in table:
        raise RuntimeError("the table documents is not as revision 0006 leaves it")
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TABLE documents_before AS SELECT * FROM documents")
    op.execute("DROP TABLE documents")
    op.execute(table.replace(_BEFORE, _AFTER))
    op.execute("INSERT INTO documents SELECT * FROM documents_before")
    op.execute("DROP TABLE documents_before")
    for index in indexes:
        op.execute(index)
