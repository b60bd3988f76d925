"""Decides what one channel is told about one incident, and why it is told that, or nothing.

    hidden by a silence, a window, hours, another alert ──> nothing, until that ends or the incident does
    not yet told      ──> FIRING, at once or when its step of the escalation has come
    told              ──> REMINDER at the repeat interval, unless somebody acknowledged it
    ended             ──> RESOLVED where it was told, SUMMARY where its beginning still waits or a silence hid it

The outbox is asked what the channel was last told, so that every decision is right again after a restart. Whatever
hides an alert hides its beginning and its reminders, never the end of what was told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from monitor.notice import Kind


class Why(Enum):
    """Why a message is, or is not, written."""

    FIRST = "the channel has not been told yet"
    ESCALATED = "nobody acknowledged it in time"
    FLAPS = "it begins again and again; from now on only what lasts is told"
    LASTS = "it flaps, and has lasted by now"
    REPEAT = "the repeat interval has passed"
    FALLBACK = "another channel did not take it"
    DIGEST = "its time has come"
    ENDED = "the channel was told of the beginning and is told of the end"
    COALESCED = "beginning and end go into one message"
    ENDED_HIDDEN = "it began and ended behind a silence; both are told now"
    NOT_YET = "the repeat interval has not passed"
    STEP_NOT_YET = "its step of the escalation has not come"
    WAITING = "an earlier message of this incident is still on its way"
    ACKNOWLEDGED = "somebody has acknowledged it"
    SILENCED = "a silence hides it"
    MAINTENANCE = "a maintenance window hides it; the digest at its end tells of it"
    OUTSIDE_HOURS = "it is told within its business hours only"
    DEPENDS_ON = "it may follow from another alert, which fires or is about to"
    DAMPED = "it flaps, and has not lasted yet"
    LOST = "the service took it, and said later that it did not arrive"
    BUDGET = "the number has had its share of text messages; by now this one is too old"
    NEVER_TOLD = "it ended before this channel was told"
    CHANNEL_GONE = "the channel, or its recipient, is not in the file any more"
    ALREADY_ENDED = "the channel was told of the end"
    ROUTED_ELSEWHERE = "this alert does not go to this channel"


class Progress(Enum):
    """How far the last message got."""

    WAITING = "surely not delivered, and nobody is sending it"
    UNDER_WAY = "being sent, or its fate is unknown"
    DELIVERED = "the channel took it"
    GIVEN_UP = "not delivered, and not tried any more"
    LOST = "the channel took it, and it did not arrive"


CLOCK_STEP = timedelta(minutes=5)
"""What lies further ahead than this was not to come: the clock was set back since, and nothing waits for it."""


@dataclass(frozen=True, slots=True)
class Last:
    """The last message of an incident for a channel; `at` is when it was written or, delivered, taken."""

    kind: Kind
    at: datetime
    progress: Progress


@dataclass(frozen=True, slots=True)
class Hidden:
    """What hides an alert at present: one of the reasons for it, and which silence, window, hours or alert it is."""

    why: Why
    by: str


@dataclass(frozen=True, slots=True)
class HiddenTime:
    """How long an incident was hidden: `before`, and from `since` on, None: nothing hides it now."""

    before: timedelta = timedelta(0)
    since: datetime | None = None

    def until(self, now: datetime) -> timedelta:
        """Return how long it was hidden in all."""
        return self.before + (max(now - self.since, timedelta(0)) if self.since is not None else timedelta(0))

    def at(self, now: datetime, hidden: Hidden | None) -> HiddenTime:
        """Return it from now on, with what hides the incident now."""
        if (hidden is None) is (self.since is None):
            return self
        return HiddenTime(self.until(now), None if hidden is None else now)


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of an incident that fires, whatever the channel."""

    since: datetime  # when it was opened
    told_at: datetime | None = None  # when anybody was told first
    acknowledged_at: datetime | None = None
    hidden: Hidden | None = None
    hidden_for: timedelta = timedelta(0)  # since anybody was told first, or since it was opened
    openings: int = 1  # of this alert within the window of flapping, this one included; none that something hid


@dataclass(frozen=True, slots=True)
class Damping:
    """When an alert flaps: more than `count` openings within `window`; it is told again once it lasts for `hold`."""

    count: int = 4
    window: timedelta = timedelta(hours=1)
    hold: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to tell (None: nothing) and why; `instead` means in place of what still waits."""

    kind: Kind | None
    why: Why
    instead: bool = False
    detail: str = ""


_ENDS = (Kind.RESOLVED, Kind.SUMMARY)


def firing(
    last: Last | None, case: Case, repeat: timedelta, now: datetime, *, step: timedelta | None = None, damping: Damping
) -> Verdict:
    """Return what to tell a channel of its route about an incident that fires.

    `step` is how long after the first message, unless somebody acknowledged it, the channel is told; None: at once.
    A channel whose step has not come has nothing hidden from it.
    """
    if last is not None and last.progress in (Progress.WAITING, Progress.UNDER_WAY):
        return Verdict(None, Why.WAITING)
    if case.hidden is not None:
        if last is None and step is not None and _known_for(case, now) < step:
            return Verdict(None, Why.STEP_NOT_YET)
        return Verdict(None, case.hidden.why, detail=case.hidden.by)
    if last is None or _untold(last):
        return _first(case, now, step, damping)
    if case.acknowledged_at is not None:
        return Verdict(None, Why.ACKNOWLEDGED)
    if now - last.at >= repeat or last.at - now > CLOCK_STEP:
        return Verdict(Kind.REMINDER, Why.REPEAT)
    return Verdict(None, Why.NOT_YET)


def _first(case: Case, now: datetime, step: timedelta | None, damping: Damping) -> Verdict:
    lasted = now - case.since
    if case.openings > damping.count + 1:
        if lasted < damping.hold:
            return Verdict(None, Why.DAMPED, detail=f"{case.openings} times")
        why = Why.LASTS
    else:
        why = Why.FLAPS if case.openings == damping.count + 1 else Why.FIRST
    if step is None:
        return Verdict(Kind.FIRING, why, detail="" if why is Why.FIRST else f"{case.openings} times")
    if case.acknowledged_at is not None:
        return Verdict(None, Why.ACKNOWLEDGED)
    if _known_for(case, now) < step:
        return Verdict(None, Why.STEP_NOT_YET)
    return Verdict(Kind.FIRING, Why.ESCALATED)


def _known_for(case: Case, now: datetime) -> timedelta:
    """Return for how long nobody has acknowledged what could be seen: time that hid it does not count."""
    return now - (case.told_at or case.since) - case.hidden_for


def _untold(last: Last) -> bool:
    """Tell whether the channel has not been told after all; what was lost on its way is tried with the reminder."""
    return last.kind is Kind.FIRING and last.progress is Progress.GIVEN_UP


def resolved(last: Last | None, hidden: Hidden | None = None) -> Verdict:
    """Return what to tell a channel about an incident that has ended; its route no longer matters.

    `hidden` is what kept it from the channel at last, where the channel was never told.
    """
    if last is None:
        if hidden is not None and hidden.why is Why.SILENCED:
            return Verdict(Kind.SUMMARY, Why.ENDED_HIDDEN, detail=hidden.by)
        return Verdict(None, Why.NEVER_TOLD) if hidden is None else Verdict(None, hidden.why, detail=hidden.by)
    if last.kind in _ENDS:
        return Verdict(None, Why.ALREADY_ENDED)
    if _untold(last) or last.progress is Progress.LOST:
        return Verdict(Kind.SUMMARY, Why.COALESCED)
    if last.progress is Progress.WAITING:
        if last.kind is Kind.FIRING:
            return Verdict(Kind.SUMMARY, Why.COALESCED, instead=True)
        return Verdict(Kind.RESOLVED, Why.ENDED, instead=True)
    return Verdict(Kind.RESOLVED, Why.ENDED)
