"""Asks services what became of the messages that they took: until it is known, or for as long as it can matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from monitor.channels.base import DeliveryError, Throttled, Tracked
from monitor.notice import Arrival, FailureReason, Fate
from monitor.store import Place, Store
from monitor.store.arrivals import FIRST_ASKED, Question
from sync.clock import Clock

log = structlog.get_logger()

_ASKED_EVERY = timedelta(minutes=1)  # at least
_LOOKED_BACK = timedelta(days=2)  # for what is open; a process that was down for longer asks for nothing older
_ASKED_FOR = timedelta(minutes=15)  # a text is valid for ten: what is not known by then is never told


class Failures(Protocol):
    """Counts what was lost."""

    def failed(self, channel: str, reason: FailureReason) -> None:
        """Count it."""


class Arrivals:
    """Follows up what one channel took; `stand_ins` are the places that are told what was lost."""

    def __init__(
        self,
        name: str,
        channel: Tracked,
        recipients: Sequence[str],
        store: Store,
        stand_ins: Callable[[], Sequence[Place]],
        *,
        clock: Clock,
        meter: Failures,
    ) -> None:
        self._name = name
        self._channel = channel
        self._recipients = recipients
        self._store = store
        self._stand_ins = stand_ins
        self._clock = clock
        self._meter = meter

    async def follow_up(self) -> bool:
        """Ask for all that it is time to ask for; tell whether something is to be told by other channels now.

        Raises Throttled where the service asks to wait; what was not asked for by then is asked for later.
        """
        wrote = 0
        for question in await self._questions():
            now = self._clock.now()
            if _due_at(question, now) <= now:
                wrote += await self._ask(question)
        return wrote > 0

    async def next_at(self) -> datetime | None:
        """Return when there is something to ask for next."""
        now = self._clock.now()
        return min((_due_at(question, now) for question in await self._questions()), default=None)

    async def _questions(self) -> Sequence[Question]:
        return await self._store.questions(self._name, self._recipients, self._clock.now() - _LOOKED_BACK)

    async def _ask(self, question: Question) -> int:
        try:
            fate = await self._channel.fate(question.receipt)
        except Throttled:
            raise
        except DeliveryError as error:
            log.info("notification.fate_unanswered", channel=self._name, detail=error.detail)
            fate = Fate(Arrival.OPEN)
        now = self._clock.now()
        if fate.arrival is Arrival.LOST:
            return await self._lost(question, fate, now)
        age = now - question.sent_at
        if fate.arrival is Arrival.OPEN and age < _ASKED_FOR:
            await self._store.ask_again(question, now + min(max(age, FIRST_ASKED), _ASKED_EVERY))
        else:
            arrival = Arrival.UNKNOWN if fate.arrival is Arrival.OPEN else fate.arrival
            await self._store.settle(question, arrival)
            log.info("notification.fate_known", channel=self._name, arrival=arrival.value)
        return 0

    async def _lost(self, question: Question, fate: Fate, now: datetime) -> int:
        self._meter.failed(self._name, FailureReason.LOST)
        to = self._stand_ins()
        wrote = await self._store.lose(question, fate.detail, to, now)
        log.warning("notification.lost", channel=self._name, detail=fate.detail, told_instead=wrote)
        return wrote


def _due_at(question: Question, now: datetime) -> datetime:
    """Return when a message is to be asked for; at once where only a clock that was set back puts it off."""
    return question.ask_at if question.ask_at <= now + _ASKED_EVERY else now
