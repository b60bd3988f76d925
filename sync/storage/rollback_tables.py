"""The tables of what people set back: which links are held since then, and who asked for which run."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Text

from sync.storage.columns import number, partial_index, table, text, whole
from sync.storage.types import Moment, Whole

# A link with a row that has not ended is written to by no pass.
held_links = table(
    "held_links",
    number("number"),
    whole("link_id"),
    whole("run_id"),  # that set it back
    Column("since", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("ended_by", Text),  # who let go of it; NULL: nobody, it was never set back
    Column("ending", Text),
    sa.CheckConstraint("ending IN ('released', 'approved', 'dismissed', 'not written')", name="ending"),
)
partial_index("uq_held_links_standing", held_links.c.link_id, where=held_links.c.ended_at.is_(None), unique=True)
Index("ix_held_links_link_id", held_links.c.link_id)

# Runs that a person asked for.
asked_runs = table(
    "asked_runs",
    Column("run_id", Whole, primary_key=True, autoincrement=False),
    text("asked_by"),
    text("what"),  # plan, restore or undo
    text("source"),  # the plan's hash, the file's path, or what was undone
    Column("at", Moment, nullable=False),
)
