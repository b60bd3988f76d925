"""Where calls wait for quota: the asynchronous shell of `sync.pacing.Quota`."""

from __future__ import annotations

from collections.abc import Sequence

from sync.clock import Clock
from sync.pacing import Quota, Reading, Ticket, Urgency
from sync.ports import ApiMeter

_SHORTEST_SLEEP = 0.001  # below it a clock may not move at all


class Gate:
    """Lets calls of one vendor account through as its quota allows, urgent ones first."""

    def __init__(self, *, api: str, quota: Quota, clock: Clock, meter: ApiMeter) -> None:
        self._api = api
        self._quota = quota
        self._clock = clock
        self._meter = meter

    async def enter(self, operation: str, urgency: Urgency) -> Ticket:
        """Wait until the call may go; its ticket belongs into `leave`, whatever comes of the call."""
        while True:
            verdict = self._quota.ask(operation, urgency, self._clock.monotonic())
            if verdict.ticket is not None:
                return verdict.ticket
            await self._clock.sleep(max(verdict.seconds, _SHORTEST_SLEEP))

    async def room(self, operations: Sequence[str], urgency: Urgency) -> None:
        """Wait until calls of all these kinds would find room together; nothing is held for them."""
        while (seconds := self._quota.room(operations, urgency, self._clock.monotonic())) > 0:
            await self._clock.sleep(max(seconds, _SHORTEST_SLEEP))

    def leave(self, ticket: Ticket, reading: Reading | None) -> None:
        """Take note of what the answer said about the quota, None where there was none."""
        now = self._clock.monotonic()
        self._quota.answered(ticket, reading, now)
        ratio, bucket = self._quota.used_ratio(now), self._quota.bucket
        if ratio is not None and bucket is not None:
            self._meter.quota(self._api, ratio, bucket)
