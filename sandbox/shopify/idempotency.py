"""The store's memory of idempotency keys: what each was used for in the last 24 hours, and how that ended."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.clock import Clock

KEPT = timedelta(hours=24)


@dataclass(slots=True)
class _Use:
    at: datetime
    digest: str
    outcome: Any  # the payload once the write succeeded; None when it failed


def digest(arguments: dict[str, Any]) -> str:
    """Return a hash of a mutation's arguments that does not depend on the order of their fields."""
    return hashlib.sha256(json.dumps(arguments, sort_keys=True, default=str).encode()).hexdigest()


class IdempotencyKeys:
    """Keys by app, mutation and text; the shop is the store's own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._uses: dict[tuple[str, str, str], _Use] = {}

    def look_up(self, app: str, mutation: str, key: str, hashed: str) -> tuple[str | None, Any]:
        """Return (None, None) for a fresh key, (None, payload) for one that succeeded, or (error code, None)."""
        use = self._uses.get((app, mutation, key))
        if use is None or self._clock.now() - use.at >= KEPT:
            return None, None
        if use.digest != hashed:
            return "IDEMPOTENCY_KEY_PARAMETER_MISMATCH", None
        if use.outcome is None:
            return "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", None
        return None, use.outcome

    def remember(self, app: str, mutation: str, key: str, hashed: str, outcome: Any) -> None:
        """Note how the write under a key ended; `outcome` None means it was refused."""
        now = self._clock.now()
        self._uses = (
            {known: use for known, use in self._uses.items() if now - use.at < KEPT} if self._full() else self._uses
        )
        self._uses[app, mutation, key] = _Use(now, hashed, outcome)

    def _full(self) -> bool:
        """Sweep only now and then: at every power of two from 1,024 on."""
        size = len(self._uses)
        return size >= 1024 and size & (size - 1) == 0
