"""What is known of things for sale beside their stock, as last read, and what we wrote of it.

Lists are kept as JSON, in the shop's order.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Text

from sync.storage.columns import JSON, maybe, number, partial_index, table, text, whole
from sync.storage.types import Moment

item_cards = table(
    "item_cards",
    Column("item_id", Text, primary_key=True),
    text("title"),
    maybe("price"),  # money in hundredths of the shop's currency; NULL: not set
    maybe("online_price"),
    text("text"),
    text("category"),
    Column("tags", JSON, nullable=False),
    Column("image_urls", JSON, nullable=False),
    text("matrix_id"),
    text("matrix_title"),
    Column("attributes", JSON, nullable=False),  # [[name, value], ...]
    Column("read_at", Moment, nullable=False),
)

product_cards = table(
    "product_cards",
    Column("product_id", Text, primary_key=True),
    text("title"),
    text("html"),
    text("status"),
    text("product_type"),
    Column("tags", JSON, nullable=False),
    Column("collections", JSON, nullable=False),  # titles
    whole("images"),
    Column("option_names", JSON, nullable=False),
    Column("read_at", Moment, nullable=False),
)

variant_cards = table(
    "variant_cards",
    Column("variant_id", Text, primary_key=True),
    text("product_id"),
    maybe("price"),
    maybe("compare_at"),
    Column("options", JSON, nullable=False),  # [[name, value], ...]
    Column("read_at", Moment, nullable=False),
)
Index("ix_variant_cards_product_id", variant_cards.c.product_id, variant_cards.c.variant_id)

# Intents before, outcomes after: what becomes of one that nobody answered is told by the next reading of its subject.
product_writes = table(
    "product_writes",
    number("write_id"),
    whole("run_id"),
    text("key"),  # of the change; the same change has the same key in each plan
    text("kind"),
    text("sku"),
    text("sku_key"),  # matching.sku_key(sku)
    text("subject"),
    text("field"),
    Column("before", JSON),
    Column("after", JSON),
    text("reason"),
    Column("at", Moment, nullable=False),
    Column("outcome", Text),  # NULL: on its way
    Column("outcome_at", Moment),
    text("code", ""),
    text("detail", ""),
    text("made", ""),  # gid of a product that was made
    sa.CheckConstraint("kind IN ('field', 'create', 'retire')", name="kind"),
    sa.CheckConstraint(
        "outcome IN ('applied', 'moved', 'refused', 'unanswered', 'found applied', 'found not applied')",
        name="outcome",
    ),
)
Index("ix_product_writes_sku_key", product_writes.c.sku_key)
Index("ix_product_writes_run_id", product_writes.c.run_id)
Index("ix_product_writes_subject", product_writes.c.subject)
partial_index("ix_product_writes_made", product_writes.c.made, where=product_writes.c.made != "", unique=False)
partial_index(
    "ix_product_writes_open",
    product_writes.c.subject,
    where=sa.or_(product_writes.c.outcome.is_(None), product_writes.c.outcome == "unanswered"),
    unique=False,
)
