"""The chapters of the runbook: every signal, what may be wrong where its alert fires, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from monitor.alerts_model import AlertsFile
from monitor.grafana.limits import limits_of
from monitor.signals import SIGNALS
from monitor.units import written_duration


class Topic(Enum):
    """What an operator asks about."""

    STOCK = "Stock"
    ORDERS = "Orders"
    SHOPPERS = "Shoppers"
    WORK = "The daemon's work"
    SERVICES = "Lightspeed and Shopify"
    MACHINE = "This machine, and telling people"

    @property
    def title(self) -> str:
        """Return the chapter's heading."""
        return self.value

    @property
    def signals(self) -> Sequence[str]:
        """Return what belongs to it."""
        return [name for name, topic in TOPICS.items() if topic is self]


_CHAPTERS = {
    Topic.STOCK: (
        "discrepant_skus", "discrepancy_units", "oversell_skus", "oversell_units", "undersell_skus", "undersell_units",
        "money_at_risk", "quarantined_skus", "parked_skus", "unanswered_writes", "unsettled_skus",
        "held_skus", "second_writer_skus", "mapping_accuracy",
    ),
    Topic.ORDERS: (
        "unposted_orders", "oldest_unposted_order_age", "parked_orders", "dead_orders", "duplicate_sales",
        "uningested_committed",
    ),
    Topic.SHOPPERS: ("active_holds", "held_units", "refused_holds", "ordered_holds_share"),
    Topic.WORK: ("sync_latency", "equality_proof_age", "propagation", "missed_runs", "failing_jobs", "pause_age"),
    Topic.SERVICES: (
        "error_rate", "lightspeed_error_rate", "shopify_error_rate", "lightspeed_down", "shopify_down", "quota_used",
        "token_expiry", "app_uninstalled", "clock_skew",
    ),
    Topic.MACHINE: ("outbox_depth", "outbox_oldest_age", "disk_free", "backup_age", "alerts_file_rejected"),
}  # fmt: skip

TOPICS = {signal: topic for topic, signals in _CHAPTERS.items() for signal in signals}
"""By signal."""


def chapter(topic: Topic, content: AlertsFile) -> str:
    """Return what the runbook says about a topic, as Markdown."""
    return "\n\n".join(_entry(signal, content) for signal in topic.signals) + "\n"


def _entry(name: str, content: AlertsFile) -> str:
    signal = SIGNALS[name]
    lines = [f"**{name}**: {signal.title}. Read from {signal.source}.", *_alerts(name, content), signal.remedy]
    return "  \n".join(lines)


def _alerts(signal: str, content: AlertsFile) -> Iterator[str]:
    for alert in {each.alert.name: each.alert for each in limits_of(signal, content)}.values():
        held = f", for {written_duration(alert.hold)}" if alert.hold else ""
        more = f" ([its own runbook]({alert.runbook}))" if alert.runbook else ""
        yield f"*{alert.name}* ({alert.severity.value}) fires where `{alert.when}`{held}.{more}"
