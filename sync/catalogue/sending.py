"""Sends one write of products: its intents are on record before, and its outcome after, whatever happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from sync.catalogue.ports import CatalogueBook
from sync.clock import Clock
from sync.errors import OutcomeUnknown, SyncError
from sync.products import ProductChange, ProductOutcome, ProductRefusal, ProductResult

log = structlog.get_logger()

T = TypeVar("T")


class Sender:
    """Keeps the record of writes."""

    def __init__(self, book: CatalogueBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    async def send(
        self, changes: Sequence[ProductChange], run_id: int, call: Callable[[], Awaitable[T | ProductRefusal | None]]
    ) -> list[ProductResult]:
        """Record changes, make the call that carries them out together, and record how it ended.

        A text that the call returns is the gid of what was made. Raises what kept the call from being made; the
        changes are on record as refused for it, since surely none was carried out.
        """
        write_ids = await self._book.intend(changes, run_id, self._clock.now())
        try:
            answer = await call()
        except OutcomeUnknown as error:
            log.warning("catalogue.unanswered", code=error.code.name, changes=len(changes))
            return await self._end(changes, write_ids, ProductOutcome.UNANSWERED, error.code.name, error.detail)
        except SyncError as error:
            await self._end(changes, write_ids, ProductOutcome.REFUSED, error.code.name, error.detail)
            raise
        if isinstance(answer, ProductRefusal):
            return await self._end(changes, write_ids, ProductOutcome.REFUSED, answer.code, answer.message)
        made = answer if isinstance(answer, str) else ""
        return await self._end(changes, write_ids, ProductOutcome.APPLIED, made=made)

    async def _end(
        self,
        changes: Sequence[ProductChange],
        write_ids: Sequence[int],
        outcome: ProductOutcome,
        code: str = "",
        detail: str = "",
        *,
        made: str = "",
    ) -> list[ProductResult]:
        results = [ProductResult(change, outcome, code, detail, made=made) for change in changes]
        await self._book.conclude(dict(zip(write_ids, results, strict=True)), self._clock.now())
        return results
