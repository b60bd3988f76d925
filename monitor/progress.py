"""How far a pass has come: what a person who waits for it is shown, made of the engine's events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sync.events import ApiAttempt, Event, PassMoved, QuotaSeen, Step
from sync.pacing import Bucket

_ROWS_A_UNIT = {Step.ITEMS: 100 / 1.4}  # Lightspeed's rows that one unit of its quota buys
_LIGHTSPEED = "lightspeed"
_EARLY = 2.0  # seconds in which too little has happened to tell how long it will take


@dataclass(frozen=True, slots=True)
class Moved:
    """How far one step has come, in rows; `of` None: not known."""

    step: Step
    done: int = 0
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pass has come: its steps, the calls made and the share of each quota used, by API, the time left."""

    steps: tuple[Moved, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)
    quota: Mapping[str, float] = field(default_factory=dict)
    seconds_left: float | None = None  # of the steps under way


class Watch:
    """A listener that follows the passes of one process from its making on, and tells `told` of every change."""

    def __init__(self, monotonic: Callable[[], float], told: Callable[[Progress], None]) -> None:
        self._monotonic = monotonic
        self._told = told
        self._run_id: int | None = None
        self._steps: dict[Step, Moved] = {}
        self._since: dict[Step, float] = {}
        self._calls: dict[str, int] = {}
        self._quota: dict[str, float] = {}
        self._buckets: dict[str, Bucket] = {}

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case PassMoved():
                self._follow(event.run_id)
                self._since.setdefault(event.step, self._monotonic())
                self._steps[event.step] = Moved(event.step, event.done, event.of)
            case ApiAttempt():
                self._calls[event.api] = self._calls.get(event.api, 0) + 1
            case QuotaSeen():
                self._quota[event.api] = event.used_ratio
                if event.bucket is not None:
                    self._buckets[event.api] = event.bucket
            case _:
                return
        self._told(self.progress())

    def _follow(self, run_id: int) -> None:
        """Begin anew with another pass. Passes take turns; the runs of other jobs beside them move no step."""
        if run_id != self._run_id:
            self._run_id = run_id
            self._steps.clear()
            self._since.clear()

    def progress(self) -> Progress:
        """Return how far it has come."""
        left = [seconds for moved in self._steps.values() if (seconds := self._left(moved)) is not None]
        steps = tuple(self._steps.values())
        return Progress(steps, dict(self._calls), dict(self._quota), max(left, default=None))

    def _left(self, moved: Moved) -> float | None:
        """Return how long a step will still take, by how fast it went and by what the quota allows."""
        if moved.of is None or moved.done >= moved.of:
            return None
        passed, rest = self._monotonic() - self._since[moved.step], moved.of - moved.done
        by_pace = rest * passed / moved.done if moved.done and passed >= _EARLY else None
        by_quota = self._by_quota(moved.step, rest)
        return max((each for each in (by_pace, by_quota) if each is not None), default=None)

    def _by_quota(self, step: Step, rest: int) -> float | None:
        rows, bucket = _ROWS_A_UNIT.get(step), self._buckets.get(_LIGHTSPEED)
        if rows is None or bucket is None or not bucket.drip:
            return None
        free = bucket.size * (1 - self._quota.get(_LIGHTSPEED, 0.0))
        return max(0.0, rest / rows - free) / bucket.drip
