"""Decides what one channel is told about one incident, and why it is told that, or nothing.

The outbox is asked what the channel was last told, so that every decision is right again after a restart:
a firing message comes first, reminders follow at the repeat interval, an end is told only where the beginning was,
and a beginning that nobody has read yet becomes one message with its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from monitor.notice import Kind


class Why(Enum):
    """Why a message is, or is not, written."""

    FIRST = "the channel has not been told yet"
    REPEAT = "the repeat interval has passed"
    ENDED = "the channel was told of the beginning and is told of the end"
    COALESCED = "beginning and end go into one message"
    NOT_YET = "the repeat interval has not passed"
    WAITING = "an earlier message of this incident is still on its way"
    NEVER_TOLD = "it ended before this channel was told"
    ALREADY_ENDED = "the channel was told of the end"
    ROUTED_ELSEWHERE = "alerts of this severity do not go to this channel"


class Progress(Enum):
    """How far the last message got."""

    WAITING = "surely not delivered, and nobody is sending it"
    UNDER_WAY = "being sent, or its fate is unknown"
    DELIVERED = "the channel took it"
    GIVEN_UP = "not delivered, and not tried any more"


@dataclass(frozen=True, slots=True)
class Last:
    """The last message of an incident for a channel; `at` is when it was written or, delivered, taken."""

    kind: Kind
    at: datetime
    progress: Progress


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to tell (None: nothing) and why; `instead` means in place of what still waits."""

    kind: Kind | None
    why: Why
    instead: bool = False


_ENDS = (Kind.RESOLVED, Kind.SUMMARY)


def firing(last: Last | None, repeat: timedelta, now: datetime, *, routed: bool = True) -> Verdict:
    """Return what to tell a channel about an incident that is firing."""
    if not routed:
        return Verdict(None, Why.ROUTED_ELSEWHERE)
    if last is None:
        return Verdict(Kind.FIRING, Why.FIRST)
    if last.progress in (Progress.WAITING, Progress.UNDER_WAY):
        return Verdict(None, Why.WAITING)
    if now - last.at >= repeat:
        return Verdict(Kind.REMINDER, Why.REPEAT)
    return Verdict(None, Why.NOT_YET)


def resolved(last: Last | None) -> Verdict:
    """Return what to tell a channel about an incident that has ended; its route no longer matters."""
    if last is None:
        return Verdict(None, Why.NEVER_TOLD)
    if last.kind in _ENDS:
        return Verdict(None, Why.ALREADY_ENDED)
    if last.progress is Progress.WAITING:
        if last.kind is Kind.FIRING:
            return Verdict(Kind.SUMMARY, Why.COALESCED, instead=True)
        return Verdict(Kind.RESOLVED, Why.ENDED, instead=True)
    return Verdict(Kind.RESOLVED, Why.ENDED)
