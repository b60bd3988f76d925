"""The `Holds` of `sync/ports.py` over the database: what is wished for at the same moment is one transaction.

Reading what a decision needs costs much the same for one wish as for many, and so does making it durable.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from sync.events import HoldMet, Listener
from sync.hold_book import Answer, Wish
from sync.reservations import (
    HOLD_ID_BITS,
    Asked,
    Change,
    Granted,
    Hold,
    HoldLimits,
    HoldStanding,
    Refused,
    Release,
    Taking,
)
from sync.storage.database import Database
from sync.storage.hold_rows import active_of, anything_over, carry_out, expire, standing

_TOGETHER = 100  # wishes in one transaction: bounds how long the first of them waits


class SqlHolds:
    """Reservations in the database."""

    def __init__(
        self,
        database: Database,
        *,
        limits: HoldLimits,
        tell: Listener,
        new_id: Callable[[], str] = lambda: secrets.token_hex(HOLD_ID_BITS // 8),
    ) -> None:
        self._database = database
        self._limits = limits
        self._tell = tell
        self._new_id = new_id
        self._waiting: list[tuple[Wish, asyncio.Future[Answer]]] = []
        self._serving: asyncio.Task[None] | None = None

    async def reserve(self, asked: Asked) -> Granted | Refused:
        """Hold units, or say why not; raises ValueError for less than one."""
        _refuse_nothing(asked.units)
        return self._told(await self._wish(asked), Taking.GRANTED)

    async def change(self, wish: Change) -> Granted | Refused:
        """Give a hold another quantity, or the same for longer; raises ValueError for less than one unit."""
        _refuse_nothing(wish.units)
        return self._told(await self._wish(wish), Taking.CHANGED)

    async def release(self, hold_id: str, now: datetime) -> bool:
        """End a hold; tell whether it was active."""
        return bool(await self._wish(Release(hold_id, now)))

    async def expire(self, now: datetime) -> int:
        """Write down which holds have expired, which decides nothing any more; return how many they are."""
        if not await self._database.read(lambda c: anything_over(c, now)):
            return 0  # to write takes the disk's time
        return await self._database.write(lambda c: expire(c, now))

    async def standing(self, now: datetime) -> HoldStanding:
        """Return how reservations stand."""
        return await self._database.read(lambda c: standing(c, now))

    async def of_sku(self, sku: str, now: datetime) -> Sequence[Hold]:
        """Return the active holds of a SKU, the oldest first."""
        return await self._database.read(lambda c: active_of(c, sku, now))

    def _told(self, answer: Answer, granted: Taking) -> Granted | Refused:
        match answer:
            case Granted():
                self._tell(HoldMet(Taking.REPEATED if answer.repeated else granted))
            case Refused():
                self._tell(HoldMet(answer.reason))
            case _:
                raise TypeError("a release is not answered with a hold")
        return answer

    async def _wish(self, wish: Wish) -> Answer:
        """Wait until a wish was carried out, with all that wait by then; giving up takes back only what has not begun.

        Nobody's giving up ends the work for the others, so it is a task of its own.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((wish, answer))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="holds")
        return await answer

    async def _serve(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
                await self._serve_batch([each for each in batch if not each[1].cancelled()])
        finally:
            self._serving = None
            left, self._waiting = self._waiting, []
            for _, answer in left:  # nobody serves any more: the process ends
                answer.cancel()

    async def _serve_batch(self, batch: Sequence[tuple[Wish, asyncio.Future[Answer]]]) -> None:
        wishes = [wish for wish, _ in batch]
        try:
            answers = await self._database.write(lambda c: carry_out(c, wishes, self._limits, self._new_id))
        except Exception as error:  # noqa: BLE001 - it is theirs who wait
            for _, waiting in batch:
                if not waiting.done():
                    waiting.set_exception(error)
            return
        except BaseException:
            for _, waiting in batch:
                waiting.cancel()
            raise
        for (_, waiting), answer in zip(batch, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)


def _refuse_nothing(units: int) -> None:
    if units < 1:
        raise ValueError(f"{units} units cannot be held")
