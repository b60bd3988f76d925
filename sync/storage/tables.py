"""All tables of the state database, of the engine and of the monitor, for SQLite and PostgreSQL alike.

Ids of the services are their own text. Enums are kept by value, catalogue codes by name. A change here needs a
migration; a test compares both.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Text

from sync.storage.alert_tables import (
    audit,
    evaluations,
    incidents,
    outbox,
    rule_states,
    silences,
    transitions,
    verdicts,
    windows,
)
from sync.storage.card_tables import item_cards, product_cards, product_writes, variant_cards
from sync.storage.columns import JSON, flag, maybe, metadata, number, partial_index, table, text, whole
from sync.storage.finding_tables import findings, validations
from sync.storage.hold_tables import holds
from sync.storage.layaway_tables import layaways
from sync.storage.mapping_tables import item_makings, kept_apart, link_doubts
from sync.storage.order_tables import document_lines, documents, order_events, order_facts, order_lines, orders
from sync.storage.rollback_tables import asked_runs, held_links
from sync.storage.types import Moment

__all__ = [
    "asked_runs",
    "audit",
    "document_lines",
    "documents",
    "evaluations",
    "findings",
    "held_links",
    "holds",
    "incidents",
    "item_cards",
    "item_makings",
    "kept_apart",
    "layaways",
    "link_doubts",
    "metadata",
    "order_events",
    "order_facts",
    "order_lines",
    "orders",
    "outbox",
    "product_cards",
    "product_writes",
    "rule_states",
    "silences",
    "transitions",
    "validations",
    "variant_cards",
    "verdicts",
    "windows",
]

# --- what there is, and who uses it ---

meta = table("meta", Column("key", Text, primary_key=True), text("value"))

runs = table(
    "runs",
    number("run_id"),
    text("job"),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("outcome", Text),
    Column("code", Text),
    text("detail", ""),
    Column("numbers", JSON, nullable=False),
)
Index("ix_runs_job", runs.c.job, runs.c.run_id)

watermarks = table(
    "watermarks",
    Column("feed", Text, primary_key=True),
    Column("newest", Moment, nullable=False),
    whole("run_id"),
)

# --- snapshots: what was last read on both sides ---

items = table(
    "items",
    Column("item_id", Text, primary_key=True),
    text("custom_sku"),
    text("system_sku"),
    text("upc"),
    text("ean"),
    text("manufacturer_sku"),
    text("description"),
    text("item_type"),
    flag("archived"),
    Column("time_stamp", Moment, nullable=False),
    Column("read_at", Moment, nullable=False),
)

item_stock = table(
    "item_stock",
    Column("item_id", Text, primary_key=True),
    text("item_shop_id"),
    whole("qoh"),
    maybe("on_layaway"),  # units that layaways keep aside, anybody's; NULL: not told
    Column("time_stamp", Moment, nullable=False),
    Column("read_at", Moment, nullable=False),
)

variants = table(
    "variants",
    Column("variant_id", Text, primary_key=True),
    text("product_id"),
    text("inventory_item_id"),
    text("sku"),
    text("barcode"),
    text("title"),
    text("product_title"),
    text("product_status"),
    flag("tracked"),
    Column("updated_at", Moment, nullable=False),
    Column("read_at", Moment, nullable=False),
    maybe("price"),  # in hundredths of the shop's currency; NULL until it was read
)
Index("ix_variants_inventory_item_id", variants.c.inventory_item_id)
Index("ix_variants_product_id", variants.c.product_id, variants.c.variant_id)

levels = table(
    "levels",
    Column("inventory_item_id", Text, primary_key=True),
    whole("available"),
    whole("committed"),
    whole("reserved"),
    whole("safety_stock"),
    whole("damaged"),
    whole("quality_control"),
    Column("updated_at", Moment, nullable=False),
    Column("level_updated_at", Moment, nullable=False),
    flag("active"),
    Column("read_at", Moment, nullable=False),
)

# --- links, with what each remembers (`stock.Memory`, one column for each of its values) ---

links = table(
    "links",
    number("link_id"),
    text("state"),
    text("item_id"),
    text("variant_id"),
    text("inventory_item_id"),
    text("sku"),
    text("sku_key"),  # matching.sku_key(sku)
    text("reason", ""),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
    whole("buffer", "0"),
    whole("dismissed_offset", "0"),  # units added to the buffer since a person let a difference stand
    flag("due", default=True),
    whole("marks", "0"),  # how often it became due: a mark set while a decision was made outlives the decision
    whole("seq", "0"),  # of its last stock write
    Column("parked", Text),  # the catalogue code Shopify refuses its writes with
    Column("parked_at", Moment),
    Column("approved_at", Moment),  # a person has taken the target for it, a dismissed difference taken off
    Column("mapped_by", Text),  # the person who joined the two; NULL: matching did
    text("other_key", ""),  # of a person's link: matching.sku_key of Lightspeed's SKU as it was then
    # memory
    maybe("base"),
    maybe("write_before"),
    maybe("write_after"),
    maybe("write_base"),
    maybe("write_drift_after"),
    maybe("write_drift_before"),
    maybe("upward_units"),
    Column("upward_since", Moment),
    maybe("quarantine_units"),
    Column("quarantine_since", Moment),
    whole("shortfall", "0"),
    whole("differs", "0"),
    whole("unsettled", "0"),
    Column("unsettled_since", Moment),
    # the last evaluation
    maybe("target"),
    maybe("seen_available"),
    maybe("seen_on_hand"),
    maybe("unseen"),
    maybe("drift"),
    Column("verdict", Text),
    Column("evaluated_at", Moment),
    maybe("evaluated_run"),
    sa.CheckConstraint("state IN ('unmapped', 'suggested', 'confirmed', 'tombstoned')", name="state"),
)
_CONFIRMED = links.c.state == "confirmed"
_LIVE = links.c.state.in_(("suggested", "confirmed"))
partial_index("uq_links_confirmed_item", links.c.item_id, where=_CONFIRMED, unique=True)
partial_index("uq_links_confirmed_inventory_item", links.c.inventory_item_id, where=_CONFIRMED, unique=True)
partial_index("uq_links_live_pair", links.c.item_id, links.c.variant_id, where=_LIVE, unique=True)
partial_index("ix_links_parked", links.c.parked_at, where=links.c.parked_at.is_not(None), unique=False)
partial_index("ix_links_due", links.c.link_id, where=links.c.due == sa.true(), unique=False)
Index("ix_links_item_id", links.c.item_id)
Index("ix_links_inventory_item_id", links.c.inventory_item_id)
Index("ix_links_sku_key", links.c.sku_key)
Index("ix_links_other_key", links.c.other_key)
Index("ix_links_variant_id", links.c.variant_id)

quarantine = table(
    "quarantine",
    number("quarantine_id"),
    Column("link_id", sa.ForeignKey(links.c.link_id), nullable=False),
    whole("run_id"),
    whole("units"),
    Column("opened_at", Moment, nullable=False),
    Column("decided_at", Moment),
    Column("decided_by", Text),  # the person's name on the machine where it was decided
    Column("decision", Text),
    Column("closed_at", Moment),
    Column("resolution", Text),  # the decision, once it was carried out; or how it ended without one
)
partial_index("uq_quarantine_open", quarantine.c.link_id, where=quarantine.c.closed_at.is_(None), unique=True)
Index("ix_quarantine_link_id", quarantine.c.link_id)
Index("ix_quarantine_opened_at", quarantine.c.opened_at)

sku_problems = table(
    "sku_problems",
    number("problem_id"),
    text("code"),
    text("sku"),
    text("detail"),
    Column("since", Moment, nullable=False),
)

# --- stock writes: intents before, outcomes after ---

stock_calls = table(
    "stock_calls",
    Column("key", Text, primary_key=True),
    text("reference"),
    whole("run_id"),
    Column("at", Moment, nullable=False),
    Column("closed_at", Moment),
)

stock_intents = table(
    "stock_intents",
    number("intent_id"),
    Column("call_key", sa.ForeignKey(stock_calls.c.key), nullable=False),
    Column("link_id", sa.ForeignKey(links.c.link_id), nullable=False),
    whole("seq"),
    whole("run_id"),
    text("inventory_item_id"),
    whole("before"),
    whole("after"),
    text("verdict"),
    whole("correction"),
    whole("oversold"),
    Column("equation", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    Column("outcome", Text),  # NULL: on its way
    Column("outcome_at", Moment),
    Column("code", Text),
    text("detail", ""),
    sa.UniqueConstraint("link_id", "seq"),
    sa.CheckConstraint(
        "outcome IN ('applied', 'stale', 'parked', 'refused', 'unanswered', 'found applied', 'found not applied', "
        "'superseded')",
        name="outcome",
    ),
)
Index("ix_stock_intents_call_key", stock_intents.c.call_key)
Index("ix_stock_intents_at", stock_intents.c.at)
partial_index("ix_stock_intents_corrected", stock_intents.c.at, where=stock_intents.c.correction != 0, unique=False)
Index("ix_stock_intents_run_id", stock_intents.c.run_id)
partial_index(
    "ix_stock_intents_open",
    stock_intents.c.link_id,
    where=sa.or_(stock_intents.c.outcome.is_(None), stock_intents.c.outcome == "unanswered"),
    unique=False,
)

# Confirmed drift that needed no write: Shopify's number was right, the base was not.
corrections = table(
    "corrections",
    number("correction_id"),
    Column("link_id", sa.ForeignKey(links.c.link_id), nullable=False),
    whole("run_id"),
    Column("at", Moment, nullable=False),
    whole("units"),
    whole("oversold"),
    whole("available"),
    whole("target"),
)
Index("ix_corrections_link_id", corrections.c.link_id)
Index("ix_corrections_at", corrections.c.at)

# --- webhooks, stored before they are answered ---

webhooks = table(
    "webhooks",
    number("number"),
    Column("webhook_id", Text, nullable=False, unique=True),  # one delivery, the same when it is repeated
    text("event_id"),
    text("topic"),
    text("shop"),
    Column("triggered_at", Moment),
    Column("received_at", Moment, nullable=False),
    text("subject"),  # gid of what to read
    Column("body", JSON, nullable=False),  # what `webhooks.essence` leaves of it
    text("state"),
    whole("attempts", "0"),
    Column("next_at", Moment),
    Column("settled_at", Moment),
    Column("code", Text),
    text("detail", ""),
    sa.CheckConstraint("state IN ('due', 'done', 'unneeded', 'dead')", name="state"),
)
Index("ix_webhooks_received_at", webhooks.c.received_at)
partial_index("ix_webhooks_due", webhooks.c.next_at, where=webhooks.c.state == "due", unique=False)

# --- brakes by hand, credentials, call counts ---

pauses = table(
    "pauses", Column("kind", Text, primary_key=True), text("reason"), Column("since", Moment, nullable=False)
)

# A token pair is one row, so that it is stored whole or not at all.
tokens = table(
    "tokens",
    Column("name", Text, primary_key=True),
    Column("body", sa.LargeBinary, nullable=False),
    flag("encrypted"),
)

api_minutes = table(
    "api_minutes",
    Column("minute", Moment, primary_key=True),
    Column("api", Text, primary_key=True),
    whole("attempts"),
    whole("failures"),
)
