"""The monitor's tables: what its rules hold, incidents, what is told of them and to whom, and why."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Float, Index, Text

from sync.storage.columns import JSON, flag, maybe, number, partial_index, table, text, whole
from sync.storage.types import Moment

rule_states = table(
    "rule_states",
    Column("rule", Text, primary_key=True),
    text("state"),
    Column("since", Moment),  # when the condition began to hold
    Column("value", Float),
    Column("samples", JSON),  # what the last evaluations said, for rules of "X of Y"
    Column("detail", JSON),
    maybe("incident_id"),
    Column("updated_at", Moment, nullable=False),
    text("fingerprint", ""),  # what the rule meant when this was kept
    Column("quiet_since", Moment),  # when the condition of a firing rule ended that keeps firing
)

incidents = table(
    "incidents",
    number("id"),
    text("rule"),
    text("severity"),
    text("summary"),
    Column("value", Float),
    Column("labels", JSON),
    Column("detail", JSON),
    Column("opened_at", Moment, nullable=False),
    Column("notified_at", Moment),
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", Text),
    Column("resolved_at", Moment),
    Column("resolved_value", Float),
)
partial_index("uq_incidents_open", incidents.c.rule, where=incidents.c.resolved_at.is_(None), unique=True)
Index("ix_incidents_opened_at", incidents.c.opened_at)

outbox = table(
    "outbox",
    number("id"),
    Column("incident_id", sa.ForeignKey(incidents.c.id)),  # NULL: a message about no incident, such as a test
    text("channel"),
    text("recipient", ""),  # one telephone number; "": everybody whom the channel reaches with one message
    text("kind"),
    text("why", ""),  # why it was written
    Column("body", JSON, nullable=False),
    Column("identity", Text, unique=True),  # the same at every attempt; receivers may tell a repeat by it
    Column("batch", Text),  # the identity under which it goes out together with others
    text("state"),
    whole("attempts", "0"),
    flag("maybe_repeated"),  # an earlier attempt may have arrived
    Column("created_at", Moment, nullable=False),
    Column("next_at", Moment),
    Column("lease_until", Moment),
    Column("sent_at", Moment),
    Column("external", JSON),  # the channel's own ids: Slack channel and ts, Message-ID, SID
    Column("last_error", Text),
    sa.CheckConstraint("state IN ('due', 'sending', 'done', 'ambiguous', 'dead')", name="state"),
)
partial_index(
    "ix_outbox_waiting", outbox.c.next_at, where=outbox.c.state.in_(("due", "sending", "ambiguous")), unique=False
)
Index("ix_outbox_incident_id", outbox.c.incident_id)
Index("ix_outbox_batch", outbox.c.batch)
Index("ix_outbox_recipient", outbox.c.recipient, outbox.c.sent_at)

verdicts = table(  # what was decided to tell a channel of an incident, or not to; a row where that changed
    "verdicts",
    number("id"),
    Column("at", Moment, nullable=False),
    Column("incident_id", sa.ForeignKey(incidents.c.id), nullable=False),
    text("channel"),
    Column("kind", Text),  # NULL: nothing was told
    text("why"),
    text("detail", ""),  # the silence, the window, the alert it depends on
)
Index("ix_verdicts_incident_id", verdicts.c.incident_id, verdicts.c.channel)
Index("ix_verdicts_at", verdicts.c.at)

transitions = table(  # the rules' changes of phase
    "transitions",
    number("id"),
    Column("at", Moment, nullable=False),
    text("rule"),
    text("before"),
    text("after"),
    text("reason"),
    Column("value", Float),
    Column("detail", JSON, nullable=False),
)
Index("ix_transitions_rule", transitions.c.rule, transitions.c.at)
Index("ix_transitions_at", transitions.c.at)

evaluations = table(  # every signal's value at each judging of the rules
    "evaluations",
    number("id"),
    Column("at", Moment, nullable=False),
    Column("samples", JSON, nullable=False),  # by signal: a number, or null where there was none
)
Index("ix_evaluations_at", evaluations.c.at)

silences = table(
    "silences",
    number("id"),
    Column("matcher", JSON, nullable=False),
    text("author"),
    text("reason"),
    Column("created_at", Moment, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    flag("until_resolved"),  # ends with the incidents that it hides
    Column("lifted_at", Moment),
    Column("lifted_by", Text),
)

windows = table(  # maintenance windows that are open, with the moment of their beginning
    "windows",
    Column("name", Text, primary_key=True),
    Column("began_at", Moment, nullable=False),
)

audit = table(
    "audit",
    number("id"),
    Column("at", Moment, nullable=False),
    text("who"),
    text("what"),
    text("subject"),
    Column("detail", JSON, nullable=False),
)
Index("ix_audit_at", audit.c.at)
