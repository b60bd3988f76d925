"""A channel that keeps what it is given and fails as it is told to."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from monitor.channels.base import Ambiguous
from monitor.notice import Notice, Previous, Receipt


class Killed(BaseException):
    """The process ends while it is sending; `arrived` tells whether the message went out before."""

    def __init__(self, *, arrived: bool) -> None:
        super().__init__()
        self.arrived = arrived


@dataclass(frozen=True)
class Sent:
    notice: Notice
    previous: Previous
    plain: bool


class FakeChannel:
    """Takes every message; before, it meets the next of `troubles`: an error, or something to wait for."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.tries = 0
        self.troubles: deque[BaseException | Callable[[], Awaitable[None]]] = deque()
        self.closed = False

    async def send(self, notice: Notice, previous: Previous, *, plain: bool = False) -> Receipt:
        self.tries += 1
        trouble = self.troubles.popleft() if self.troubles else None
        if isinstance(trouble, BaseException):
            if isinstance(trouble, Ambiguous) or (isinstance(trouble, Killed) and trouble.arrived):
                self.sent.append(Sent(notice, previous, plain))
            raise trouble
        if trouble is not None:
            await trouble()
        self.sent.append(Sent(notice, previous, plain))
        return Receipt("C1", str(len(self.sent)))

    async def close(self) -> None:
        self.closed = True

    @property
    def told(self) -> list[str]:
        """What arrived, in short: the kind, with `again` for a marked repeat."""
        return [sent.notice.kind.value + (" again" if sent.notice.repeat else "") for sent in self.sent]
