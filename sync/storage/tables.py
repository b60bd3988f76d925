"""All tables of the state database, of the engine and of the monitor, for SQLite and PostgreSQL alike.

Ids of the services are their own text. Enums are kept by value, catalogue codes by name. A change here needs a
migration; a test compares both.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, Index, Integer, Text
from sqlalchemy.schema import SchemaItem

from sync.storage.types import Moment

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_JSON = sa.JSON(none_as_null=True)


def _text(name: str, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


def _int(name: str, default: str | None = None) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=default)


def _maybe(name: str) -> Column[int]:
    return Column(name, Integer)


def _bool(name: str, *, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def _table(name: str, *parts: SchemaItem) -> sa.Table:
    # AUTOINCREMENT on tables with a number of their own: an id that was used once is never used again.
    return sa.Table(name, metadata, *parts, sqlite_autoincrement=any(_numbered(part) for part in parts))


def _numbered(part: SchemaItem) -> bool:
    return isinstance(part, Column) and part.primary_key and part.autoincrement is True


def _id(name: str) -> Column[int]:
    return Column(name, Integer, primary_key=True, autoincrement=True)


def _partial_index(name: str, *columns: Column[int] | Column[str], where: sa.ColumnElement[bool], unique: bool) -> None:
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


# --- what there is, and who uses it ---

meta = _table("meta", Column("key", Text, primary_key=True), _text("value"))

runs = _table(
    "runs",
    _id("run_id"),
    _text("job"),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("outcome", Text),
    Column("code", Text),
    _text("detail", ""),
    Column("numbers", _JSON, nullable=False),
)
Index("ix_runs_job", runs.c.job, runs.c.run_id)

watermarks = _table(
    "watermarks",
    Column("feed", Text, primary_key=True),
    Column("newest", Moment, nullable=False),
    _int("run_id"),
)

# --- snapshots: what was last read on both sides ---

items = _table(
    "items",
    Column("item_id", Text, primary_key=True),
    _text("custom_sku"),
    _text("system_sku"),
    _text("upc"),
    _text("ean"),
    _text("manufacturer_sku"),
    _text("description"),
    _text("item_type"),
    _bool("archived"),
    Column("time_stamp", Moment, nullable=False),
    Column("read_at", Moment, nullable=False),
)

item_stock = _table(
    "item_stock",
    Column("item_id", Text, primary_key=True),
    _text("item_shop_id"),
    _int("qoh"),
    Column("time_stamp", Moment, nullable=False),
    Column("read_at", Moment, nullable=False),
)

variants = _table(
    "variants",
    Column("variant_id", Text, primary_key=True),
    _text("product_id"),
    _text("inventory_item_id"),
    _text("sku"),
    _text("barcode"),
    _text("title"),
    _text("product_title"),
    _text("product_status"),
    _bool("tracked"),
    Column("updated_at", Moment, nullable=False),
    Column("read_at", Moment, nullable=False),
)
Index("ix_variants_inventory_item_id", variants.c.inventory_item_id)

levels = _table(
    "levels",
    Column("inventory_item_id", Text, primary_key=True),
    _int("available"),
    _int("committed"),
    _int("reserved"),
    _int("safety_stock"),
    _int("damaged"),
    _int("quality_control"),
    Column("updated_at", Moment, nullable=False),
    Column("level_updated_at", Moment, nullable=False),
    _bool("active"),
    Column("read_at", Moment, nullable=False),
)

# --- links, with what each remembers (`stock.Memory`, one column for each of its values) ---

links = _table(
    "links",
    _id("link_id"),
    _text("state"),
    _text("item_id"),
    _text("variant_id"),
    _text("inventory_item_id"),
    _text("sku"),
    _text("sku_key"),  # matching.sku_key(sku)
    _text("reason", ""),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
    _int("buffer", "0"),
    _int("dismissed_offset", "0"),  # units added to the buffer since a person let a difference stand
    _bool("due", default=True),
    _int("marks", "0"),  # how often it became due: a mark set while a decision was made outlives the decision
    _int("seq", "0"),  # of its last stock write
    Column("parked", Text),  # the catalogue code Shopify refuses its writes with
    Column("parked_at", Moment),
    Column("approved_at", Moment),  # a person has taken Lightspeed's number for it
    # memory
    _maybe("base"),
    _maybe("write_before"),
    _maybe("write_after"),
    _maybe("write_base"),
    _maybe("write_drift_after"),
    _maybe("write_drift_before"),
    _maybe("upward_units"),
    Column("upward_since", Moment),
    _maybe("quarantine_units"),
    Column("quarantine_since", Moment),
    _int("shortfall", "0"),
    _int("differs", "0"),
    _int("unsettled", "0"),
    Column("unsettled_since", Moment),
    # the last evaluation
    _maybe("target"),
    _maybe("seen_available"),
    _maybe("seen_on_hand"),
    _maybe("unseen"),
    _maybe("drift"),
    Column("verdict", Text),
    Column("evaluated_at", Moment),
    _maybe("evaluated_run"),
    sa.CheckConstraint("state IN ('unmapped', 'suggested', 'confirmed', 'tombstoned')", name="state"),
)
_CONFIRMED = links.c.state == "confirmed"
_LIVE = links.c.state.in_(("suggested", "confirmed"))
_partial_index("uq_links_confirmed_item", links.c.item_id, where=_CONFIRMED, unique=True)
_partial_index("uq_links_confirmed_inventory_item", links.c.inventory_item_id, where=_CONFIRMED, unique=True)
_partial_index("uq_links_live_pair", links.c.item_id, links.c.variant_id, where=_LIVE, unique=True)
_partial_index("ix_links_parked", links.c.parked_at, where=links.c.parked_at.is_not(None), unique=False)
_partial_index("ix_links_due", links.c.link_id, where=links.c.due == sa.true(), unique=False)
Index("ix_links_item_id", links.c.item_id)
Index("ix_links_inventory_item_id", links.c.inventory_item_id)
Index("ix_links_sku_key", links.c.sku_key)

quarantine = _table(
    "quarantine",
    _id("quarantine_id"),
    Column("link_id", sa.ForeignKey(links.c.link_id), nullable=False),
    _int("run_id"),
    _int("units"),
    Column("opened_at", Moment, nullable=False),
    Column("approved_at", Moment),
    Column("closed_at", Moment),
    Column("resolution", Text),
)
_partial_index("uq_quarantine_open", quarantine.c.link_id, where=quarantine.c.closed_at.is_(None), unique=True)
Index("ix_quarantine_link_id", quarantine.c.link_id)

sku_problems = _table(
    "sku_problems",
    _id("problem_id"),
    _text("code"),
    _text("sku"),
    _text("detail"),
    Column("since", Moment, nullable=False),
)

# --- orders, as facts about their lines ---

orders = _table(
    "orders",
    Column("order_id", Text, primary_key=True),
    _text("name"),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("cancelled_at", Moment),
    _bool("test"),
    _bool("booked_before"),  # from before the cut-over: what it takes is off Lightspeed's stock already
    Column("lost_at", Moment),  # gone from Shopify while units were open; it counts until a person decides
    Column("read_at", Moment, nullable=False),
)

# The sums of the line's facts, kept beside them so that a link's demand is found without reading history.
order_lines = _table(
    "order_lines",
    Column("order_id", sa.ForeignKey(orders.c.order_id), primary_key=True),
    Column("line_id", Text, primary_key=True),
    _text("inventory_item_id"),
    _text("sku"),
    _int("placed"),
    _int("restocked"),
    _int("closed"),
    _int("placed_n", "0"),  # how many facts of each kind there are
    _int("closed_n", "0"),
)
Index("ix_order_lines_inventory_item_id", order_lines.c.inventory_item_id)

# Append-only, and never pruned: the sum over all of them is part of every target.
order_facts = _table(
    "order_facts",
    _id("fact_id"),
    _text("shop"),
    _text("order_id"),
    _text("line_id"),
    _text("kind"),
    _text("n"),  # a running number, or the refund line's id
    _int("units"),
    _text("inventory_item_id"),
    Column("at", Moment, nullable=False),  # the order's own `updated_at` when it was read
    Column("recorded_at", Moment, nullable=False),
    sa.UniqueConstraint("shop", "order_id", "line_id", "kind", "n"),
    sa.CheckConstraint("kind IN ('placed', 'restocked', 'closed')", name="kind"),
)
Index("ix_order_facts_inventory_item_id", order_facts.c.inventory_item_id)

# --- stock writes: intents before, outcomes after ---

stock_calls = _table(
    "stock_calls",
    Column("key", Text, primary_key=True),
    _text("reference"),
    _int("run_id"),
    Column("at", Moment, nullable=False),
    Column("closed_at", Moment),
)

stock_intents = _table(
    "stock_intents",
    _id("intent_id"),
    Column("call_key", sa.ForeignKey(stock_calls.c.key), nullable=False),
    Column("link_id", sa.ForeignKey(links.c.link_id), nullable=False),
    _int("seq"),
    _int("run_id"),
    _text("inventory_item_id"),
    _int("before"),
    _int("after"),
    _text("verdict"),
    _int("correction"),
    _int("oversold"),
    Column("equation", _JSON, nullable=False),
    Column("at", Moment, nullable=False),
    Column("outcome", Text),  # NULL: on its way
    Column("outcome_at", Moment),
    Column("code", Text),
    _text("detail", ""),
    sa.UniqueConstraint("link_id", "seq"),
    sa.CheckConstraint(
        "outcome IN ('applied', 'stale', 'parked', 'refused', 'unanswered', 'found applied', 'found not applied', "
        "'superseded')",
        name="outcome",
    ),
)
Index("ix_stock_intents_call_key", stock_intents.c.call_key)
Index("ix_stock_intents_at", stock_intents.c.at)
_partial_index(
    "ix_stock_intents_open",
    stock_intents.c.link_id,
    where=sa.or_(stock_intents.c.outcome.is_(None), stock_intents.c.outcome == "unanswered"),
    unique=False,
)

# Confirmed drift that needed no write: Shopify's number was right, the base was not.
corrections = _table(
    "corrections",
    _id("correction_id"),
    Column("link_id", sa.ForeignKey(links.c.link_id), nullable=False),
    _int("run_id"),
    Column("at", Moment, nullable=False),
    _int("units"),
    _int("oversold"),
    _int("available"),
    _int("target"),
)
Index("ix_corrections_link_id", corrections.c.link_id)

# --- brakes by hand, credentials, call counts ---

pauses = _table(
    "pauses", Column("kind", Text, primary_key=True), _text("reason"), Column("since", Moment, nullable=False)
)

# A token pair is one row, so that it is stored whole or not at all.
tokens = _table(
    "tokens",
    Column("name", Text, primary_key=True),
    Column("body", sa.LargeBinary, nullable=False),
    _bool("encrypted"),
)

api_minutes = _table(
    "api_minutes",
    Column("minute", Moment, primary_key=True),
    Column("api", Text, primary_key=True),
    _int("attempts"),
    _int("failures"),
)

# --- the monitor's: what its rules hold, incidents, messages to be delivered ---

rule_states = _table(
    "rule_states",
    Column("rule", Text, primary_key=True),
    _text("state"),
    Column("since", Moment),
    Column("value", Float),
    Column("samples", _JSON),
    Column("detail", _JSON),
    _maybe("incident_id"),
    Column("updated_at", Moment, nullable=False),
)

incidents = _table(
    "incidents",
    _id("id"),
    _text("rule"),
    _text("severity"),
    _text("summary"),
    Column("value", Float),
    Column("labels", _JSON),
    Column("detail", _JSON),
    Column("opened_at", Moment, nullable=False),
    Column("notified_at", Moment),
    Column("acknowledged_at", Moment),
    Column("resolved_at", Moment),
    Column("resolved_value", Float),
)
_partial_index("uq_incidents_open", incidents.c.rule, where=incidents.c.resolved_at.is_(None), unique=True)
Index("ix_incidents_opened_at", incidents.c.opened_at)

outbox = _table(
    "outbox",
    _id("id"),
    Column("incident_id", sa.ForeignKey(incidents.c.id)),  # NULL: a message about no incident, such as a test
    _text("channel"),
    _text("kind"),
    Column("body", _JSON, nullable=False),
    Column("identity", Text, unique=True),  # the same at every attempt; receivers may tell a repeat by it
    _text("state"),
    _int("attempts", "0"),
    _bool("maybe_repeated"),  # an earlier attempt may have arrived
    Column("created_at", Moment, nullable=False),
    Column("next_at", Moment),
    Column("lease_until", Moment),
    Column("sent_at", Moment),
    Column("external", _JSON),  # the channel's own ids: Slack channel and ts, Message-ID, SID
    Column("last_error", Text),
    sa.CheckConstraint("state IN ('due', 'sending', 'done', 'ambiguous', 'dead')", name="state"),
)
_partial_index(
    "ix_outbox_waiting", outbox.c.next_at, where=outbox.c.state.in_(("due", "sending", "ambiguous")), unique=False
)
Index("ix_outbox_incident_id", outbox.c.incident_id)
