"""The table of reservations: which units are held for which cart, and how each hold ended."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Text

from sync.storage.columns import flag, maybe, partial_index, table, text, whole
from sync.storage.types import Moment

holds = table(
    "holds",
    Column("hold_id", Text, primary_key=True),
    whole("link_id"),
    text("inventory_item_id"),
    whole("units"),
    text("cart", ""),  # a hash; "": none was sent, or the hold has ended
    text("client", ""),  # the same
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    flag("renewed"),
    Column("ended_at", Moment),
    Column("ending", Text),
    Column("order_id", Text),  # that consumed it
    flag("counts", default=True),  # taken off what is promised: active, or consumed and not yet off the target
    maybe("marks"),  # consumed: `links.marks` by then; an evaluation of as many marks knows of the order
    sa.CheckConstraint("units > 0", name="units"),
    sa.CheckConstraint("ending IN ('consumed', 'released', 'expired')", name="ending"),
)
_ACTIVE = holds.c.ended_at.is_(None)
partial_index(
    "uq_holds_active",
    holds.c.cart,
    holds.c.inventory_item_id,
    where=sa.and_(_ACTIVE, holds.c.cart != sa.literal_column("''")),
    unique=True,
)
partial_index("ix_holds_client", holds.c.client, where=_ACTIVE, unique=False)
partial_index("ix_holds_expires_at", holds.c.expires_at, where=_ACTIVE, unique=False)
partial_index(
    "ix_holds_counts",
    holds.c.inventory_item_id,
    holds.c.expires_at,
    holds.c.ended_at,
    holds.c.units,
    where=holds.c.counts == sa.true(),
    unique=False,
)
partial_index(
    "ix_holds_uncovered",
    holds.c.link_id,
    where=sa.and_(holds.c.counts == sa.true(), holds.c.marks.is_not(None)),
    unique=False,
)
partial_index("ix_holds_ended_at", holds.c.ended_at, where=holds.c.ended_at.is_not(None), unique=False)
