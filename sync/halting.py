"""How a person stops a pass: what only reads is broken off at once, writing ends between two calls."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Halted(Exception):
    """A person has stopped the pass; nothing is under way."""


class Halt:
    """A person's wish that a pass ends as soon as that is clean."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Stop the pass; asking twice is asking once."""
        self._asked.set()

    @property
    def asked(self) -> bool:
        """Tell whether the pass is to end."""
        return self._asked.is_set()

    def check(self) -> None:
        """Raise Halted where the pass is to end."""
        if self.asked:
            raise Halted

    async def unless(self, work: Coroutine[Any, Any, T]) -> T:
        """Do some work that may be broken off anywhere; raises Halted where the pass is to end first."""
        doing = asyncio.ensure_future(work)
        waiting = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return doing.result()
            raise Halted
        finally:
            waiting.cancel()
            doing.cancel()
            await asyncio.gather(waiting, doing, return_exceptions=True)
