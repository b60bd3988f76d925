"""All metrics and the ways to move them."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from monitor.decide import Why
from monitor.metrics.holds import HoldMetrics
from monitor.metrics.kinds import Definition, Kinds
from monitor.metrics.mapping import MappingMetrics
from monitor.metrics.storefront import StorefrontMetrics
from monitor.metrics.vitals import VitalsMetrics
from monitor.notice import FailureReason, Severity
from sync.events import (
    ApiAttempt,
    DocumentPosted,
    EqualityProved,
    Event,
    HoldMet,
    PauseChanged,
    Propagated,
    QuotaSeen,
    RunFinished,
    RunStarted,
    StockWritten,
    WebhookMet,
)
from sync.order_records import OrderStanding, OrderState
from sync.records import Pause, PauseKind, RunOutcome, Standing, WriteOutcome
from sync.webhooks import Receipt, Topic

JOBS = (
    *("stock", "full", "orders", "sales", "catalogue", "rules", "intake", "webhooks", "holds", "backup"),
    *("mapping", "prune"),
)
UNRECORDED = ("rules", "intake", "holds")  # jobs of which no run is kept: they have no series by run
CHANNELS = ("slack", "email", "sms")
ALERT_STATES = ("pending", "firing")
DIRECTIONS = ("oversell", "undersell")
OTHER_TOPIC = "other"  # not one of ours, or not known to be signed: what it says of itself becomes no label

_MET_BY_TOPIC = tuple(each for each in Receipt if each not in (Receipt.IGNORED, Receipt.REFUSED))

# A bucket stands at each limit that alerts.yaml ships with: a rule of 10 minutes needs one at 600.
_PASS_SECONDS = (0.5, 1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_PROPAGATION_SECONDS = (1, 5, 15, 30, 60, 90, 120, 180, 300, 600, 900, 1800, 3600)
_BOOKING_SECONDS = (5, 15, 30, 60, 90, 120, 180, 300, 600, 900, 1800, 3600, 14400, 86400)
_LATENCY_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 14400, 86400)
_CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)


@dataclass(frozen=True, slots=True)
class Build:
    """What is running: our version and the API versions it speaks."""

    version: str
    shopify_api_version: str


class Metrics:
    """All metrics and the ways to move them; hand the object itself to `sync.events.Events` as a listener."""

    def __init__(
        self,
        build: Build,
        *,
        jobs: Sequence[str] = JOBS,
        channels: Sequence[str] = CHANNELS,
        operations: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry(auto_describe=True)
        self._kinds = Kinds(self.registry)
        self._process()
        self._runs()
        self._stock()
        self._orders()
        self._api()
        self._alerts()
        self.vitals = VitalsMetrics(self._kinds)
        self.holds = HoldMetrics(self._kinds)
        self.mapping = MappingMetrics(self._kinds)
        self.storefront = StorefrontMetrics(self._kinds)
        self._start_at_zero(jobs, channels, operations or {})
        self._info(build)

    # --- definitions ---
    def _process(self) -> None:
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.database_bytes = self._kinds.gauge("database_size_bytes", "Size of the database file and its log.")
        self.event_loop_lag = self._kinds.gauge(
            "event_loop_lag_seconds", "How late the event loop ran its last heartbeat."
        )

    def _info(self, build: Build) -> None:
        words = {"python": platform.python_version(), "shopify_api_version": build.shopify_api_version}
        self._kinds.info("build", "What is running.", {"version": build.version, **words})

    def _runs(self) -> None:
        self.runs = self._kinds.counter(
            "runs", "Runs on record that ended, by any outcome; of orders only where some were due.", "job"
        )
        self.run_failures = self._kinds.counter("run_failures", "Runs that failed or were interrupted.", "job")
        self.job_failing = self._kinds.gauge("job_failing", "1 while the last run of a job is one that failed.", "job")
        self.run_brakes = self._kinds.counter("run_brakes", "Runs that stopped before writing, for a person.", "job")
        self.run_seconds = self._kinds.histogram("run_duration_seconds", "How long runs took.", _PASS_SECONDS, "job")
        self.running = self._kinds.gauge("running", "1 while a run is going on.", "job")
        self.last_success = self._kinds.moments(
            "last_success_timestamp_seconds", "End of the last successful run.", "job"
        )
        self.last_completion = self._kinds.moments("last_completion_timestamp_seconds", "End of the last run.", "job")
        self.last_proof = self._kinds.moments(
            "last_equality_proof_timestamp_seconds", "When a full reading last proved both shops equal."
        )
        self.expected = self._kinds.counter(
            "scheduler_runs_expected", "Times that a job was to begin, on its beat or sooner.", "job"
        )
        self.actual = self._kinds.counter(
            "scheduler_runs_actual", "Times that a job was begun, run on record or not.", "job"
        )
        self.missed = self._kinds.counter(
            "scheduler_runs_missed", "Times that a job was left out, or joined to another time.", "job"
        )

    def _stock(self) -> None:
        self.linked = self._kinds.gauge("linked_skus", "SKUs linked between the two shops.")
        self.discrepant = self._kinds.gauge(
            "discrepant_skus", "SKUs whose number differed in two evaluations or more.", "direction"
        )
        self.discrepancy = self._kinds.gauge("discrepancy_units", "Units by which discrepant SKUs differ.", "direction")
        self.quarantined = self._kinds.gauge("quarantined_skus", "SKUs that wait for a person.")
        self.parked = self._kinds.gauge("parked_skus", "SKUs whose stock Shopify refuses to change.")
        self.held = self._kinds.gauge("held_skus", "SKUs that a person set back, and that are held since.")
        self.unanswered = self._kinds.gauge("unanswered_writes", "Stock writes whose fate is unknown.")
        self.uningested = self._kinds.gauge("uningested_skus", "SKUs with committed units of orders not seen.")
        self.unsettled = self._kinds.gauge(
            "unsettled_skus", "SKUs held back by a sale that may or may not be in their stock."
        )
        self.money_at_risk = self._kinds.gauge(
            "money_at_risk", "What oversold units would cost, in the shop's currency."
        )
        self.uninstalled = self._kinds.gauge("app_uninstalled", "1 while our app is gone from the shop.")
        self.propagation = self._kinds.histogram(
            "propagation_seconds", "From a change in Lightspeed to Shopify's acknowledgement.", _PROPAGATION_SECONDS
        )
        self.writes = self._kinds.counter("stock_writes", "Rows of stock writes, by outcome.", "outcome")
        self.written_units = self._kinds.counter("stock_written_units", "Units changed by applied stock writes.")
        self.paused = self._kinds.gauge("paused", "1 while a person has paused this kind of work.", "kind")
        self.paused_since = self._kinds.moments(
            "paused_since_timestamp_seconds", "Since when a person has paused this kind of work.", "kind"
        )

    def _orders(self) -> None:
        self.orders = self._kinds.gauge("orders", "Orders in the ledger, by state.", "state")
        self.oldest_unposted_order = self._kinds.moments(
            "oldest_unposted_order_timestamp_seconds",
            "Since when the longest waiting order waits to be booked; no sample while none does.",
        )
        self.duplicates = self._kinds.gauge(
            "duplicate_sales", "References under which Lightspeed has more than one sale."
        )
        self.booking = self._kinds.histogram(
            "order_booking_seconds",
            "From an order, or its change, to its completed sale in Lightspeed.",
            _BOOKING_SECONDS,
        )

    def _api(self) -> None:
        self.api_requests = self._kinds.counter(
            "api_requests", "Attempts at API calls, retries too.", "api", "operation"
        )
        self.api_failures = self._kinds.counter(
            "api_failures", "Attempts at API calls that failed, by catalogue code.", "api", "operation", "code"
        )
        self.api_seconds = self._kinds.histogram(
            "api_request_duration_seconds", "How long attempts took.", _CALL_SECONDS, "api", "operation"
        )
        self.api_quota = self._kinds.gauge("api_quota_used_ratio", "How full the vendor's bucket is.", "api")

        self.webhooks = self._kinds.counter("webhooks", "Webhooks, by what became of them.", "topic", "outcome")

    def _alerts(self) -> None:
        self.alerts = self._kinds.gauge("alerts", "Alerts, by severity and state.", "severity", "state")
        self.rule_evaluations = self._kinds.counter("rule_evaluations", "Evaluations of alert rules.")
        self.rule_failures = self._kinds.counter(
            "rule_evaluation_failures", "Evaluations that had to go without a number."
        )
        self.last_evaluation = self._kinds.moments(
            "rules_last_evaluation_timestamp_seconds", "When the alert rules were last evaluated."
        )
        self.reload_taken = self._kinds.gauge(
            "alerts_file_last_reload_successful", "Whether alerts.yaml was taken when it was last read."
        )
        self.reload_taken_at = self._kinds.moments(
            "alerts_file_last_reload_success_timestamp_seconds", "When alerts.yaml was last taken."
        )
        self.notifications = self._kinds.counter(
            "notifications", "Messages handed to a channel, retries too.", "channel"
        )
        self.notification_failures = self._kinds.counter(
            "notification_failures", "Messages that a channel did not take.", "channel", "reason"
        )
        self.suppressed = self._kinds.counter("notifications_suppressed", "Transitions not told, by reason.", "reason")
        self.latency = self._kinds.histogram(
            "notification_latency_seconds", "From a message's writing to its delivery.", _LATENCY_SECONDS, "channel"
        )
        self.outbox_depth = self._kinds.gauge("notification_outbox_depth", "Messages that wait to be delivered.")
        self.outbox_dead = self._kinds.gauge("notification_outbox_dead", "Messages given up on.")
        self.outbox_oldest = self._kinds.moments(
            "notification_outbox_oldest_timestamp_seconds", "When the oldest undelivered message was due."
        )

    # --- every series with a known name exists before it first moves: `rate()` needs its zero ---
    def _start_at_zero(
        self, jobs: Sequence[str], channels: Sequence[str], operations: Mapping[str, Sequence[str]]
    ) -> None:
        self._start_runs(jobs)
        for api, operation in ((api, name) for api, names in operations.items() for name in names):
            self.api_requests.labels(api, operation)
            self.api_seconds.labels(api, operation)
        for channel in channels:
            self.notifications.labels(channel)
            self.latency.labels(channel)
        for why in Why:
            self.suppressed.labels(why.name.lower())
        for channel, reason in product(channels, FailureReason):
            self.notification_failures.labels(channel, reason.value)
        for severity, state in product(Severity, ALERT_STATES):
            self.alerts.labels(severity.value, state)

    def _start_runs(self, jobs: Sequence[str]) -> None:
        by_job = (self.runs, self.run_failures, self.job_failing, self.run_brakes, self.run_seconds, self.running)
        for metric, job in product(by_job, [job for job in jobs if job not in UNRECORDED]):
            metric.labels(job)
        for counter, job in product((self.expected, self.actual, self.missed), jobs):
            counter.labels(job)
        for gauge, direction in product((self.discrepant, self.discrepancy), DIRECTIONS):
            gauge.labels(direction)
        for outcome in WriteOutcome:
            self.writes.labels(_label(outcome))
        for kind in PauseKind:
            self.paused.labels(kind.value)
        for state in OrderState:
            self.orders.labels(state.value)
        for topic, receipt in product(Topic, _MET_BY_TOPIC):
            self.webhooks.labels(topic.value, receipt.value)
        for at_the_door in (Receipt.IGNORED, Receipt.REFUSED):
            self.webhooks.labels(OTHER_TOPIC, at_the_door.value)

    def catalogue(self) -> list[tuple[str, str, str]]:
        """Return name, type and meaning of every metric of ours, by the names they are exposed under."""
        return sorted((each.name, each.kind, each.text) for each in self.definitions())

    def definitions(self) -> Sequence[Definition]:
        """Return what every metric of ours is."""
        return tuple(self._kinds.made)

    # --- the engine's events ---
    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case RunStarted():
                self.running.labels(event.job).set(1)
            case RunFinished():
                self._finished(event)
            case StockWritten():
                self._written(event)
            case Propagated() | DocumentPosted():
                histogram = self.propagation if isinstance(event, Propagated) else self.booking
                histogram.observe(max(0.0, event.seconds))
            case EqualityProved():
                self.last_proof.set(event.at)
            case ApiAttempt():
                self._attempted(event)
            case QuotaSeen():
                self.api_quota.labels(event.api).set(event.used_ratio)
            case PauseChanged():
                self.paused.labels(event.kind.value).set(0 if event.reason is None else 1)
            case HoldMet() | WebhookMet():
                self._met(event)

    def _met(self, event: HoldMet | WebhookMet) -> None:
        if isinstance(event, HoldMet):
            self.holds.met(event)
            return
        topic = OTHER_TOPIC if event.topic is None else event.topic.value
        self.webhooks.labels(topic, event.receipt.value).inc()

    def _finished(self, event: RunFinished) -> None:
        self.running.labels(event.job).set(0)
        self.runs.labels(event.job).inc()
        self.run_seconds.labels(event.job).observe(event.seconds)
        self.last_completion.set(event.at, event.job)
        self.job_failing.labels(event.job).set(event.outcome is RunOutcome.FAILED)
        match event.outcome:
            case RunOutcome.OK:
                self.last_success.set(event.at, event.job)
            case RunOutcome.BRAKED:
                self.run_brakes.labels(event.job).inc()
            case RunOutcome.FAILED | RunOutcome.INTERRUPTED:
                self.run_failures.labels(event.job).inc()

    def _written(self, event: StockWritten) -> None:
        self.writes.labels(_label(event.outcome)).inc(event.rows)
        if event.outcome in (WriteOutcome.APPLIED, WriteOutcome.FOUND_APPLIED):
            self.written_units.inc(event.units)

    def _attempted(self, event: ApiAttempt) -> None:
        self.api_requests.labels(event.api, event.operation).inc()
        self.api_seconds.labels(event.api, event.operation).observe(max(0.0, event.seconds))
        if event.code is not None:
            self.api_failures.labels(event.api, event.operation, event.code).inc()

    # --- set after each evaluation ---
    def stand(self, standing: Standing) -> None:
        """Show how the shops stand to each other."""
        self.linked.set(standing.links)
        self.discrepant.labels("oversell").set(standing.oversell_skus)
        self.discrepant.labels("undersell").set(standing.undersell_skus)
        self.discrepancy.labels("oversell").set(standing.oversell_units)
        self.discrepancy.labels("undersell").set(standing.undersell_units)
        self.quarantined.set(standing.quarantined_skus)
        self.parked.set(standing.parked_skus)
        self.held.set(standing.held_skus)
        self.unanswered.set(standing.unanswered_writes)
        self.uningested.set(standing.uningested_skus)
        self.unsettled.set(standing.unsettled_skus)
        self.money_at_risk.set(standing.oversell_cents / 100)
        self.uninstalled.set(standing.uninstalled_at is not None)

    def count_orders(self, standing: OrderStanding) -> None:
        """Show how far orders have come on their way into Lightspeed."""
        for state in OrderState:
            self.orders.labels(state.value).set(standing.counts.get(state, 0))
        self.oldest_unposted_order.set(standing.oldest)
        self.duplicates.set(standing.duplicates)

    def pause(self, pauses: Iterable[Pause]) -> None:
        """Show what is paused, and since when."""
        since = {pause.kind: pause.since for pause in pauses}
        for kind in PauseKind:
            self.paused.labels(kind.value).set(1 if kind in since else 0)
            self.paused_since.set(since.get(kind), kind.value)

    def reloaded(self, now: datetime, *, taken: bool) -> None:
        """Show how the last reading of alerts.yaml went."""
        self.reload_taken.set(taken)
        if taken:
            self.reload_taken_at.set(now)

    def count_alerts(self, states: Mapping[tuple[Severity, str], int]) -> None:
        """Show how many alerts are pending and firing, by severity."""
        for severity in Severity:
            for state in ALERT_STATES:
                self.alerts.labels(severity.value, state).set(states.get((severity, state), 0))

    # --- the schedule, told by its one owner ---
    def due(self, job: str, expected: int = 1, missed: int = 0) -> None:
        """Count runs that the schedule asked for, and those of them that were left out."""
        self.expected.labels(job).inc(expected)
        self.missed.labels(job).inc(missed)

    def begun(self, job: str) -> None:
        """Count a run that was begun on schedule."""
        self.actual.labels(job).inc()

    # --- deliveries, told by the outbox ---
    def sent(self, channel: str) -> None:
        """Count a message handed to a channel."""
        self.notifications.labels(channel).inc()

    def delivered(self, channel: str, seconds: float) -> None:
        """Take note of how long a message took from its writing to its delivery."""
        self.latency.labels(channel).observe(max(0.0, seconds))

    def failed(self, channel: str, reason: FailureReason) -> None:
        """Count a message that a channel did not take."""
        self.notification_failures.labels(channel, reason.value).inc()

    def backlog(self, depth: int, dead: int, oldest: datetime | None) -> None:
        """Show what waits in the outbox."""
        self.outbox_depth.set(depth)
        self.outbox_dead.set(dead)
        self.outbox_oldest.set(oldest)


def _label(outcome: WriteOutcome) -> str:
    return outcome.value.replace(" ", "_")
