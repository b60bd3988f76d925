"""Product writes are found by the product they are of, or have made, without reading all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_product_writes_subject", "product_writes", ["subject"])
    made = sa.text("made != ''")
    op.create_index("ix_product_writes_made", "product_writes", ["made"], sqlite_where=made, postgresql_where=made)
