"""The table of layaways: which units of which hold Lightspeed keeps aside for us."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Text

from sync.storage.columns import flag, maybe, number, partial_index, table, text, whole
from sync.storage.types import Moment

layaways = table(
    "layaways",
    number("layaway_id"),
    text("hold_id"),
    text("item_id"),
    whole("asked"),
    whole("units", "0"),  # kept aside
    Column("line_id", Text),  # Lightspeed's saleLineID
    text("state"),
    Column("ending", Text),
    flag("lowers", default=True),  # it took its units off Lightspeed's quantity on hand
    whole("misses", "0"),
    Column("sent_at", Moment, nullable=False),  # when its last request left
    Column("changed_at", Moment, nullable=False),
    Column("row_due_at", Moment),  # a stock row with an older timestamp does not show its last change yet
    maybe("held_n"),  # running numbers over all that was confirmed: what was so before a reading has a lower one
    maybe("gone_n"),
    sa.CheckConstraint("asked > 0", name="asked"),
    sa.CheckConstraint("state IN ('asked', 'held', 'leaving', 'gone')", name="state"),
    sa.CheckConstraint("ending IN ('let go', 'nothing', 'taken', 'never')", name="ending"),
)
Index("ix_layaways_item_id", layaways.c.item_id)
Index("ix_layaways_hold_id", layaways.c.hold_id)
Index("ix_layaways_changed_at", layaways.c.changed_at)
Index("ix_layaways_held_n", layaways.c.held_n, unique=True)
Index("ix_layaways_gone_n", layaways.c.gone_n, unique=True)
partial_index("ix_layaways_standing", layaways.c.layaway_id, where=layaways.c.state != "gone", unique=False)
