"""What only the running process knows of itself and of the shops' servers, heard from the engine and the schedule.

None of it outlives the process: until an event told of something, it is not known.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sync.clock import Clock
from sync.errors import Code
from sync.events import ApiAttempt, Event, HoldMet, Propagated, QuotaSeen, RunFinished, ServerClock, SignInLasts
from sync.records import RunOutcome
from sync.reservations import CAPS

_MOST_CHANGES = 5_000  # remembered; more of them move no percentile
_MOST_MINUTES = 24 * 60  # of which refused reservations are remembered
_MOST_BEATS = 10_000  # two weeks of a missed beat every two minutes
_ASKED_FOR = ("plan", "part", "validate", "restore", "undo")  # runs that a person asked for, and was told of


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that holds the state directory, in bytes."""

    free: int
    size: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is known at one moment. Mappings are by API; what was never told of is missing.

    `propagated` are seconds from a change in Lightspeed to its write, `missed` numbers of runs left out, `refused`
    numbers of reservations refused by a cap or as too many at once, each with its moment, oldest first.
    """

    quota: Mapping[str, float] = field(default_factory=dict)  # how full the server's bucket was, 0 to 1
    clocks: Mapping[str, float] = field(default_factory=dict)  # seconds that a server's clock is surely off ours
    signed_in_until: Mapping[str, datetime] = field(default_factory=dict)
    succeeded_at: Mapping[str, datetime] = field(default_factory=dict)  # the last call
    failing_since: Mapping[str, datetime] = field(default_factory=dict)  # the first failure since; none: missing
    failed_jobs: Mapping[str, Code] = field(default_factory=dict)  # by job: what its last run failed with
    propagated: Sequence[tuple[datetime, float]] = ()
    missed: Sequence[tuple[datetime, int]] = ()
    refused: Sequence[tuple[datetime, int]] = ()  # minute by minute
    disk: Disk | None = None
    alerts_file_rejected: bool = False  # the file on disk is not the one in force, since it has mistakes
    alerts_file_mistakes: tuple[str, ...] = ()


class VitalsWatch:
    """A listener that keeps the newest of what it hears; a tally of the schedule as well.

    `disk` is asked when the vitals are taken.
    """

    def __init__(self, clock: Clock, disk: Callable[[], Disk | None]) -> None:
        self._clock = clock
        self._disk = disk
        self._quota: dict[str, float] = {}
        self._clocks: dict[str, float] = {}
        self._signed_in_until: dict[str, datetime] = {}
        self._succeeded_at: dict[str, datetime] = {}
        self._failing_since: dict[str, datetime] = {}
        self._failed_jobs: dict[str, Code] = {}
        self._propagated: deque[tuple[datetime, float]] = deque(maxlen=_MOST_CHANGES)
        self._missed: deque[tuple[datetime, int]] = deque(maxlen=_MOST_BEATS)
        self._refused: deque[tuple[datetime, int]] = deque(maxlen=_MOST_MINUTES)
        self.alerts_file_rejected = False
        self._mistakes: tuple[str, ...] = ()

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case ApiAttempt():
                self._attempted(event)
            case RunFinished() if event.job not in _ASKED_FOR:
                self._ended(event)
            case QuotaSeen():
                self._quota[event.api] = event.used_ratio
            case ServerClock():
                off = max(0.0, abs(event.ahead) - event.within)
                self._clocks[event.api] = off if event.ahead > 0 else -off
            case SignInLasts():
                self._signed_in_until[event.api] = event.until
            case Propagated():
                self._propagated.append((self._clock.now(), event.seconds))
            case HoldMet() if event.outcome in CAPS:
                self._refuse(event.count)

    def _ended(self, event: RunFinished) -> None:
        if event.outcome is RunOutcome.FAILED:
            self._failed_jobs[event.job] = event.code or Code.IN001
        else:
            self._failed_jobs.pop(event.job, None)

    def _refuse(self, count: int) -> None:
        minute = self._clock.now().replace(second=0, microsecond=0)
        if self._refused and self._refused[-1][0] == minute:
            count += self._refused.pop()[1]
        self._refused.append((minute, count))

    def _attempted(self, event: ApiAttempt) -> None:
        if event.code is None:
            self._succeeded_at[event.api] = self._clock.now()
            self._failing_since.pop(event.api, None)
        else:
            self._failing_since.setdefault(event.api, self._clock.now())

    def due(self, job: str, expected: int = 1, missed: int = 0) -> None:  # noqa: ARG002 - what a tally is told
        """Remember runs that were left out."""
        if missed:
            self._missed.append((self._clock.now(), missed))

    def begun(self, job: str) -> None:
        """Let a run begin: that is no news."""

    def reloaded(self, *, taken: bool, mistakes: Sequence[str] = ()) -> None:
        """Remember whether the alerts file on disk is the one in force."""
        self.alerts_file_rejected = not taken
        self._mistakes = tuple(mistakes)

    def taken(self) -> Vitals:
        """Return what is known now."""
        return Vitals(
            quota=dict(self._quota),
            clocks=dict(self._clocks),
            signed_in_until=dict(self._signed_in_until),
            succeeded_at=dict(self._succeeded_at),
            failing_since=dict(self._failing_since),
            failed_jobs=dict(self._failed_jobs),
            propagated=tuple(self._propagated),
            missed=tuple(self._missed),
            refused=tuple(self._refused),
            disk=self._disk(),
            alerts_file_rejected=self.alerts_file_rejected,
            alerts_file_mistakes=self._mistakes,
        )


def disk_of(folder: Path) -> Disk | None:
    """Return the file system that holds a folder; None where it cannot be asked."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return Disk(usage.free, usage.total)
