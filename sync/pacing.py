"""Quota arithmetic and back-off, pure: how long to wait before a call, from what the servers' own answers say.

Both vendors keep a leaky bucket: each call fills it by its cost, time drains it at a fixed rate, a full one refuses.
Size, drain and costs are read from every answer and never assumed; what is unknown is found out by one call at a time.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

_CHEAPEST = 1.0  # no vendor charges less for a call; stands for a price until the first answer names it
_FORGOTTEN_AFTER = 60.0  # a call unanswered for so long was cancelled: deadlines are shorter
_PROBE_POLL = 0.1  # how often to look whether the answer that tells the quota has come
_BLIND_WAIT = 5.0  # between tries at a full bucket whose drain is not told
_BURST_WINDOW = 1.05  # Lightspeed counts per second of its own clock; the rest covers uneven travel
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,30})?", re.ASCII)


def backoff(attempt: int, draw: float, *, base: float = 0.5, cap: float = 30.0) -> float:
    """Return the seconds to wait after failed attempt number `attempt` (from 1): full jitter, exponential, capped.

    `draw` is a random number in [0, 1). The wait lies between 0 and min(cap, base * 2 ** (attempt - 1)).
    """
    return draw * min(cap, base * 2.0 ** min(attempt - 1, 60))


class Urgency(Enum):
    """Whose call may use the last of the quota."""

    URGENT = "polling that stock depends on"
    BULK = "long walks; leaves the reserve alone"


class Pace(Enum):
    """Why a call may go, or must wait."""

    GO = "there is room"
    PROBING = "the quota is unknown and another call is finding it out"
    QUOTA = "the bucket has no room yet"
    BURST = "too many calls in this second"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that may go, counted until it is answered."""

    number: int
    operation: str
    cost: float
    at: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """May the call go? If not, ask again after `seconds`; `ticket` is there exactly when the pace is GO."""

    pace: Pace
    seconds: float = 0.0
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer said about the quota, in the vendor's units; None: it did not say.

    `level` is how full the bucket is, this call included. `cost` is what this call is charged before it runs.
    """

    size: float
    level: float
    drip: float | None = None
    cost: float | None = None
    burst_used: int | None = None
    burst_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A vendor's bucket as its answers tell it: its size, and what drains off in a second (None: not told)."""

    size: float
    drip: float | None = None


class Quota:
    """Keeps a vendor's bucket from running over, and uses nearly all of it.

    `reserve` is the share of the size that bulk calls leave to urgent ones. `now` is a monotonic clock's seconds.
    """

    def __init__(self, *, reserve: float = 0.025) -> None:
        self._reserve = reserve
        self._last: Reading | None = None
        self._level = 0.0
        self._at = 0.0
        self._drip: float | None = None
        self._costs: dict[str, float] = {}
        self._open: dict[int, Ticket] = {}
        self._number = 0
        self._sent: deque[float] = deque(maxlen=1000)
        self._burst_limit: int | None = None
        self._burst_closed_until = -math.inf

    def cost_of(self, operation: str) -> float:
        """Return what a call is expected to be charged: as it last was, else as the dearest known.

        Once that guess was too low and the bucket ran over, the next unknown call may find it empty only.
        """
        known = self._costs.get(operation)
        if known is not None:
            return known
        if self._last is not None and self._last.level > self._last.size:
            return self._last.size
        return max(self._costs.values(), default=_CHEAPEST)

    def ask(self, operation: str, urgency: Urgency, now: float) -> Verdict:
        """Say whether a call may go now. A GO counts the call as under way: `answered` must be told of its end."""
        self._forget_lost(now)
        verdict = self._probe() if self._last is None else self._room(self._last, operation, urgency, now)
        if verdict.pace is Pace.GO:
            verdict = self._burst(now)
        if verdict.pace is not Pace.GO:
            return verdict
        self._number += 1
        ticket = Ticket(self._number, operation, self.cost_of(operation), now)
        self._open[ticket.number] = ticket
        self._sent.append(now)
        return Verdict(Pace.GO, ticket=ticket)

    def room(self, operations: Iterable[str], urgency: Urgency, now: float) -> float:
        """Return in how many seconds calls of all these kinds will find room together, 0 if they do now.

        Nothing is held for them. What is unknown is found out by the first of them.
        """
        if self._last is None:
            return 0.0
        spare = self._spare(self._last, urgency)
        target = max(0.0, self._last.size - spare - sum(map(self.cost_of, operations)))
        over = self._expected(now) - target
        return 0.0 if over <= 0 else over / self._drip if self._drip else _BLIND_WAIT

    def answered(self, ticket: Ticket, reading: Reading | None, now: float) -> None:
        """Take note of the end of a call; `reading` is None where no answer came or it said nothing of the quota."""
        mine = self._open.pop(ticket.number, None)
        if reading is None:
            if mine is not None:
                self._level, self._at = self._drained(now) + ticket.cost, now  # it may have been charged
            return
        overlapped = self._at > ticket.at  # another answer came meanwhile: answers may have overtaken each other
        self._level = max(reading.level, self._drained(now)) if overlapped else reading.level
        self._at, self._last = now, reading
        self._drip = reading.drip if reading.drip is not None else self._drip
        if reading.cost is not None:
            self._costs[ticket.operation] = reading.cost
        self._note_burst(reading, now)

    def used_ratio(self, now: float) -> float | None:
        """Return how full the bucket is thought to be, 0 to 1; None while unknown."""
        if self._last is None:
            return None
        return min(1.0, self._expected(now) / self._last.size)

    @property
    def bucket(self) -> Bucket | None:
        """Return what the bucket is like; None while unknown."""
        return None if self._last is None else Bucket(self._last.size, self._drip)

    def _probe(self) -> Verdict:
        return Verdict(Pace.PROBING, _PROBE_POLL) if self._open else Verdict(Pace.GO)

    def _room(self, last: Reading, operation: str, urgency: Urgency, now: float) -> Verdict:
        target = max(0.0, last.size - self._spare(last, urgency) - self.cost_of(operation))
        over = self._expected(now) - target
        if over <= 0:
            return Verdict(Pace.GO)
        if self._drip:
            return Verdict(Pace.QUOTA, over / self._drip)
        blind = self._at + _BLIND_WAIT - now
        return Verdict(Pace.QUOTA, blind) if blind > 0 else self._probe()

    def _spare(self, last: Reading, urgency: Urgency) -> float:
        """Return what a call has to leave to more urgent ones."""
        return self._reserve * last.size if urgency is Urgency.BULK else 0.0

    def _burst(self, now: float) -> Verdict:
        if now < self._burst_closed_until:
            return Verdict(Pace.BURST, self._burst_closed_until - now)
        if self._burst_limit is None or len(self._sent) < self._burst_limit:
            return Verdict(Pace.GO)
        left = self._sent[-self._burst_limit] + _BURST_WINDOW - now
        return Verdict(Pace.BURST, left) if left > 0 else Verdict(Pace.GO)

    def _note_burst(self, reading: Reading, now: float) -> None:
        if reading.burst_limit is None:
            return
        self._burst_limit = min(reading.burst_limit, 1000)
        if reading.burst_used is not None and reading.burst_used >= reading.burst_limit:
            self._burst_closed_until = now + _BURST_WINDOW

    def _drained(self, now: float) -> float:
        return max(0.0, self._level - (self._drip or 0.0) * max(0.0, now - self._at))

    def _expected(self, now: float) -> float:
        return self._drained(now) + sum(ticket.cost for ticket in self._open.values())

    def _forget_lost(self, now: float) -> None:
        for ticket in [one for one in self._open.values() if now - one.at > _FORGOTTEN_AFTER]:
            del self._open[ticket.number]


def lightspeed_reading(headers: Mapping[str, str]) -> Reading | None:
    """Return what an answer's X-LS headers say, in any case of letters; None where the bucket is not told.

    Of the level's digits the last may have been rounded down, so it counts as one more: `89` as 90, `0.57` as 0.58.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    bucket = _fraction(lower.get("x-ls-api-bucket-level"))
    if bucket is None:
        return None
    decimals = lower["x-ls-api-bucket-level"].partition("/")[0].strip().partition(".")[2]
    burst = _fraction(lower.get("x-ls-api-burst-level"))
    return Reading(
        size=bucket[1],
        level=bucket[0] + 10.0 ** -len(decimals),
        drip=_positive(lower.get("x-ls-api-drip-rate")),
        cost=_positive(lower.get("x-ls-api-request-cost")),
        burst_used=int(burst[0]) if burst and burst[1] >= 1 else None,
        burst_limit=int(burst[1]) if burst and burst[1] >= 1 else None,
    )


def shopify_reading(extensions: object) -> Reading | None:
    """Return what the `extensions` of a GraphQL answer say about its cost; None where they do not.

    Shopify charges requestedQueryCost first and gives back what was not used, so that is what must fit.
    """
    cost = _member(extensions, "cost")
    status = _member(cost, "throttleStatus")
    size = _positive(_member(status, "maximumAvailable"))
    available = _number(_member(status, "currentlyAvailable"))
    if size is None or available is None:
        return None
    return Reading(
        size=size,
        level=max(0.0, size - available),
        drip=_positive(_member(status, "restoreRate")),
        cost=_positive(_member(cost, "requestedQueryCost")),
    )


def _member(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, Mapping) else None


def _fraction(text: str | None) -> tuple[float, float] | None:
    """Return both numbers of `x/y`, None where it is anything else or y is not above zero."""
    left, slash, right = (text or "").partition("/")
    level, size = _number(left), _positive(right)
    return (level, size) if slash and level is not None and size is not None else None


def _number(value: object) -> float | None:
    """Return a finite number that is not negative, from a number or its text; None for anything else."""
    if isinstance(value, str):
        text = value.strip()
        return float(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < math.inf else None


def _positive(value: object) -> float | None:
    number = _number(value)
    return number or None
