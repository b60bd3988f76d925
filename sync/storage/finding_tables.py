"""The tables of validations: what each came to, and what it found."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column

from sync.storage.columns import JSON, maybe, number, table, text
from sync.storage.types import Moment, Whole

validations = table(
    "validations",
    number("validation_id"),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),  # NULL: under way, or ended without an end
    Column("summary", JSON),  # findings.Summary, without its moments
)

findings = table(
    "findings",
    Column("validation_id", sa.ForeignKey(validations.c.validation_id), primary_key=True),
    Column("n", Whole, primary_key=True, autoincrement=False),
    text("kind"),
    text("sku"),
    text("subject"),
    text("lightspeed"),
    text("shopify"),
    text("sentence"),
    text("remedy"),
    maybe("difference"),
    text("item_id"),
    text("variant_id"),
    text("product_id"),
    Column("equation", JSON, nullable=False),
    Column("also", JSON, nullable=False),
)
