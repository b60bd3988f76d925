"""The tables of what people say about links: pairs kept apart, links in doubt, items made in Lightspeed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Text

from sync.storage.columns import JSON, number, partial_index, table, text
from sync.storage.types import Moment, Whole

kept_apart = table(  # pairs that a person took apart: matching and suggestions leave them alone
    "kept_apart",
    Column("item_id", Text, primary_key=True),
    Column("variant_id", Text, primary_key=True),
    text("by"),
    text("reason"),
    Column("at", Moment, nullable=False),
)
Index("ix_kept_apart_variant_id", kept_apart.c.variant_id)

link_doubts = table(  # links of which neither SKU nor barcode nor title agreed at the last check
    "link_doubts",
    Column("link_id", Whole, sa.ForeignKey("links.link_id"), primary_key=True, autoincrement=False),
    text("sku"),
    text("detail"),
    Column("since", Moment, nullable=False),
)

item_makings = table(  # items made in Lightspeed: intents before, outcomes after
    "item_makings",
    number("making_id"),
    text("sku"),
    text("sku_key"),
    text("variant_id"),
    Column("draft", JSON, nullable=False),
    text("by"),
    Column("at", Moment, nullable=False),
    text("state"),
    Column("item_id", Text),
    Column("settled_at", Moment),
    Column("code", Text),
    text("detail", ""),
    sa.CheckConstraint("state IN ('intent', 'unknown', 'made', 'found', 'refused')", name="state"),
)
MAKING_OPEN = item_makings.c.state.in_(("intent", "unknown"))  # nobody knows yet whether there is an item
partial_index("uq_item_makings_open", item_makings.c.sku_key, where=MAKING_OPEN, unique=True)
Index("ix_item_makings_at", item_makings.c.at)
