"""What the running process knows of itself and of the shops' servers, as metrics."""

from __future__ import annotations

from monitor.facts import APIS, Facts, failing_since
from monitor.metrics.kinds import Kinds


class VitalsMetrics:
    """Gauges set after each evaluation."""

    def __init__(self, kinds: Kinds) -> None:
        self._started = kinds.moments("start_timestamp_seconds", "When this process began to watch.")
        self._failing = kinds.moments(
            "api_failing_since_timestamp_seconds",
            "Since when every call has failed; no sample while they succeed.",
            "api",
        )
        self._succeeded = kinds.moments(
            "api_last_success_timestamp_seconds", "When a call last succeeded, since the process began.", "api"
        )
        self._ahead = kinds.gauge(
            "server_clock_ahead_seconds", "How far a server's clock is surely ahead of ours, below zero: behind.", "api"
        )
        self._sign_in = kinds.moments(
            "sign_in_expiry_timestamp_seconds", "When our sign-in ends unless it is renewed.", "api"
        )
        self._disk_free = kinds.gauge("state_disk_free_bytes", "Free space where the state directory lies.")
        self._disk_size = kinds.gauge("state_disk_size_bytes", "Size of the file system with the state directory.")

    def show(self, facts: Facts) -> None:
        """Show what is known at this evaluation."""
        vitals = facts.vitals
        self._started.set(facts.started_at)
        for api in APIS:
            self._failing.set(failing_since(facts, api), api)
            self._succeeded.set(vitals.succeeded_at.get(api), api)
        for api, ahead in vitals.clocks.items():
            self._ahead.labels(api).set(ahead)
        for api, until in vitals.signed_in_until.items():
            self._sign_in.set(until, api)
        if vitals.disk is not None:
            self._disk_free.set(vitals.disk.free)
            self._disk_size.set(vitals.disk.size)
