"""Counts the attempts at API calls by minute, for the error rate, and remembers what the vendors' quotas are like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sync.clock import Clock
from sync.events import ApiAttempt, Event, QuotaSeen
from sync.pacing import Bucket
from sync.ports import Ledger
from sync.records import ApiMinute


class CallCounter:
    """A listener that sums attempts up; what is not flushed when the process dies is lost, as it is only a rate."""

    def __init__(self, *, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._attempts: Counter[tuple[datetime, str]] = Counter()
        self._failures: Counter[tuple[datetime, str]] = Counter()

    def __call__(self, event: Event) -> None:
        """Count an attempt."""
        if isinstance(event, ApiAttempt):
            key = (self._clock.now().replace(second=0, microsecond=0), event.api)
            self._attempts[key] += 1
            self._failures[key] += event.code is not None

    async def flush(self) -> None:
        """Add what was counted to the ledger's minutes."""
        attempts, failures = self._attempts, self._failures
        self._attempts, self._failures = Counter(), Counter()
        await self._ledger.count_calls(
            [ApiMinute(*key, attempts=count, failures=failures[key]) for key, count in sorted(attempts.items())]
        )


class Buckets:
    """A listener that remembers what each vendor's bucket is like, as its last answer told."""

    def __init__(self) -> None:
        self._known: dict[str, Bucket] = {}

    def __call__(self, event: Event) -> None:
        """Take note of a bucket."""
        if isinstance(event, QuotaSeen) and event.bucket is not None:
            self._known[event.api] = event.bucket

    def known(self) -> Mapping[str, Bucket]:
        """Return the buckets that were told of so far, by API."""
        return self._known
