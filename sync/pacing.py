"""Quota arithmetic and back-off, pure: how long to wait before a call, from what the servers' own headers say."""

from __future__ import annotations


def backoff(attempt: int, draw: float, *, base: float = 0.5, cap: float = 30.0) -> float:
    """Return the seconds to wait after failed attempt number `attempt` (from 1): full jitter, exponential, capped.

    `draw` is a random number in [0, 1). The wait lies between 0 and min(cap, base * 2 ** (attempt - 1)).
    """
    ceiling = min(cap, base * 2.0 ** min(attempt - 1, 60))
    return draw * ceiling
