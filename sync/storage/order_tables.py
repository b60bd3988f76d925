"""The tables of orders: facts about their lines, and the Lightspeed sales that they become."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Text

from sync.storage.columns import JSON, flag, maybe, number, partial_index, table, text, whole
from sync.storage.types import Moment

# --- orders, as facts about their lines ---

orders = table(
    "orders",
    Column("order_id", Text, primary_key=True),
    text("name"),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("cancelled_at", Moment),
    flag("test"),
    flag("booked_before"),  # from before the cut-over: what it takes is off Lightspeed's stock already
    flag("early"),  # from before the cut-over: never booked by us
    Column("booked_by", Text),  # closed by a person: the sale that booked it, or "never"
    Column("lost_at", Moment),  # gone from Shopify while units were open; it counts until a person decides
    Column("read_at", Moment, nullable=False),
    text("number", ""),  # the middle of the references it is booked under
    Column("money", JSON),  # model.OrderMoney
    text("unreadable", ""),
    # booking: how far it came, and when it is next looked at
    text("state", "seen"),
    Column("code", Text),
    text("detail", ""),
    Column("waiting_since", Moment),  # since when something of it is to be booked
    Column("post_at", Moment),  # NULL: nothing to do
    whole("tries", "0"),
    text("held", ""),  # why nothing more is booked until a person retries; "": nothing holds it
    sa.CheckConstraint(
        "state IN ('seen', 'valid', 'intent', 'unknown', 'posted', 'parked', 'cancelled', 'dead', 'exempt', 'closed')",
        name="state",
    ),
)
partial_index("ix_orders_post_at", orders.c.post_at, where=orders.c.post_at.is_not(None), unique=False)
Index("ix_orders_state", orders.c.state)
Index("ix_orders_number", orders.c.number)
Index("ix_orders_name", orders.c.name)

# The sums of the line's facts, kept beside them so that a link's demand is found without reading history.
order_lines = table(
    "order_lines",
    Column("order_id", sa.ForeignKey(orders.c.order_id), primary_key=True),
    Column("line_id", Text, primary_key=True),
    text("inventory_item_id"),
    text("sku"),
    whole("placed"),
    whole("restocked"),
    whole("closed"),
    whole("placed_n", "0"),  # how many facts of each kind there are
    whole("closed_n", "0"),
    whole("quantity", "0"),
    whole("cents", "0"),
    flag("taxed"),
    flag("gift_card"),
    whole("booked", "0"),  # units in confirmed documents, reversals taken off
    whole("outside", "0"),  # units that are in Lightspeed's stock without a document of ours, as far as still taken
)
Index("ix_order_lines_inventory_item_id", order_lines.c.inventory_item_id)

# Append-only, and never pruned: the sum over all of them is part of every target.
order_facts = table(
    "order_facts",
    number("fact_id"),
    text("shop"),
    text("order_id"),
    text("line_id"),
    text("kind"),
    text("n"),  # a running number, or the refund line's id
    whole("units"),
    text("inventory_item_id"),
    Column("at", Moment, nullable=False),  # the order's own `updated_at` when it was read
    Column("recorded_at", Moment, nullable=False),
    sa.UniqueConstraint("shop", "order_id", "line_id", "kind", "n"),
    sa.CheckConstraint("kind IN ('placed', 'restocked', 'closed')", name="kind"),
)
Index("ix_order_facts_inventory_item_id", order_facts.c.inventory_item_id)

# --- orders in Lightspeed: one document is one sale ---

documents = table(
    "documents",
    number("document_id"),
    Column("order_id", sa.ForeignKey(orders.c.order_id), nullable=False),
    whole("n"),
    Column("reference", Text, nullable=False, unique=True),
    text("state"),
    flag("untaxed"),
    Column("sale_id", Text),
    Column("sent_at", Moment),  # when the request that makes the sale last left
    whole("misses", "0"),  # how often it was searched for in vain since the quarantine
    flag("doubtful"),  # a request of its was never answered: look for a second sale later
    Column("sweep_at", Moment),
    whole("others", "0"),  # completed sales under the same reference, at the last search
    Column("created_at", Moment, nullable=False),
    Column("completed_at", Moment),  # by Lightspeed's clock
    Column("row_due_at", Moment),  # a stock row of its goods with an older timestamp does not show it yet
    Column("confirmed_at", Moment),
    maybe("found_total"),  # what the sale came to when it was last seen to have changed, in cents
    maybe("confirmed_n"),  # a running number over all documents: what was confirmed before a reading has a lower one
    sa.UniqueConstraint("order_id", "n"),
    sa.CheckConstraint(
        "state IN ('intent', 'sent', 'open', 'completing', 'posted', 'abandoned', 'voided')", name="state"
    ),
)
partial_index(
    "uq_documents_open",
    documents.c.order_id,
    where=documents.c.state.in_(("intent", "sent", "open", "completing")),
    unique=True,
)
Index("ix_documents_sale_id", documents.c.sale_id)
Index("ix_documents_confirmed_n", documents.c.confirmed_n, unique=True)
partial_index("ix_documents_sweep_at", documents.c.sweep_at, where=documents.c.sweep_at.is_not(None), unique=False)

document_lines = table(
    "document_lines",
    number("document_line_id"),
    Column("document_id", sa.ForeignKey(documents.c.document_id), nullable=False),
    text("charge"),
    text("line_id"),
    text("inventory_item_id", ""),
    text("item_id"),
    whole("units"),
    whole("cents"),
    flag("taxed"),
    text("sale_line_id", ""),
    text("parent_line_id", ""),
)
Index("ix_document_lines_document_id", document_lines.c.document_id)
Index("ix_document_lines_inventory_item_id", document_lines.c.inventory_item_id)

order_events = table(
    "order_events",
    number("event_id"),
    Column("order_id", sa.ForeignKey(orders.c.order_id), nullable=False),
    Column("at", Moment, nullable=False),
    text("event"),
    text("detail", ""),
)
Index("ix_order_events_order_id", order_events.c.order_id)
