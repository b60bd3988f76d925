"""The trace of a simulation: every step as one line, hashed on the go; two runs of one seed have the same hash."""

from __future__ import annotations

import hashlib
from collections import deque

from tests.simulation.loop import VirtualClock

_KEPT = 200  # last lines that a failure shows


class Trace:
    """Takes lines; `lines` are the last ones."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._hash = hashlib.sha256()
        self.lines: deque[str] = deque(maxlen=_KEPT)
        self.count = 0

    def note(self, *words: object) -> None:
        """Note one step, at the present moment."""
        line = f"{self._clock.monotonic():.6f} {' '.join(map(str, words))}"
        self._hash.update(line.encode())
        self.lines.append(line)
        self.count += 1

    @property
    def digest(self) -> str:
        """Return the hash of all lines so far."""
        return self._hash.hexdigest()
