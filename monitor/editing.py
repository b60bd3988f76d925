"""Edits the messages that people have in front of them once somebody did something about their incidents."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog

from monitor.channels.base import ChannelRefused, DeliveryError, Editable, Malformed
from monitor.store import Store
from sync.clock import Clock

log = structlog.get_logger()

_WAIT = timedelta(seconds=30)  # before an edit that was not taken is tried again
_TRIES = 10


class Editing:
    """The incidents of one channel whose messages show less than is known.

    They are remembered while the process lives; the next one edits again whatever people have done anything about.
    """

    def __init__(self, name: str, channel: Editable, store: Store, *, clock: Clock) -> None:
        self._name = name
        self._channel = channel
        self._store = store
        self._clock = clock
        self._waiting: dict[int, int] = {}  # incident: how often it was tried
        self._again_at: datetime | None = None

    def add(self, incidents: Collection[int]) -> None:
        """Let the messages about these incidents be edited."""
        self._waiting.update(dict.fromkeys(incidents, 0))
        self._again_at = None

    @property
    def next_at(self) -> datetime | None:
        """Return when there is something to edit; None: nothing is."""
        return None if not self._waiting else self._again_at or self._clock.now()

    async def edit(self) -> None:
        """Edit what is to be edited by now."""
        now = self._clock.now()
        if self._again_at is not None and now < self._again_at <= now + _WAIT:
            return
        self._again_at = None
        for incident in list(self._waiting):
            if not await self._edited(incident):
                self._again_at = now + _WAIT
                return

    async def _edited(self, incident: int) -> bool:
        """Edit one message; False where the channel cannot take it at present."""
        item = await self._store.shown(self._name, incident, self._clock.now())
        try:
            if item is not None:
                await self._channel.edit(item)
        except (ChannelRefused, Malformed) as error:
            log.warning("notification.not_edited", channel=self._name, code=error.code.name, detail=error.detail)
        except DeliveryError as error:
            self._waiting[incident] += 1
            log.info("notification.not_edited", channel=self._name, detail=error.detail)
            if self._waiting[incident] < _TRIES:
                return False
        self._waiting.pop(incident, None)
        return True
