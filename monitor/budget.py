"""How many messages one recipient may get: pure arithmetic over the moments of the earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Share:
    """At most `most` messages in any span of length `within`."""

    most: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Budget:
    """All of these shares hold at once. What could not go within `patience` is too old to be worth a message."""

    shares: tuple[Share, ...]
    patience: timedelta

    @property
    def longest(self) -> timedelta:
        """Return how far back earlier messages matter."""
        return max((share.within for share in self.shares), default=timedelta(0))

    def free_at(self, sent: Sequence[datetime], now: datetime) -> datetime:
        """Return when the next message may go, `now` or later, given when the earlier ones went."""
        latest = sorted(sent, reverse=True)
        full = [share for share in self.shares if len(latest) >= share.most]
        return max([now, *(latest[share.most - 1] + share.within for share in full)])
