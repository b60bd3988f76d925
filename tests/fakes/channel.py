"""A channel that keeps what it is given and fails as it is told to."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from monitor.channels.base import Ambiguous
from monitor.notice import Item, Notice, Parcel, Previous, Receipt


class Killed(BaseException):
    """The process ends while it is sending; `arrived` tells whether the message went out before."""

    def __init__(self, *, arrived: bool) -> None:
        super().__init__()
        self.arrived = arrived


class Lost(Ambiguous):
    """The message did not arrive, and nobody can know."""


@dataclass(frozen=True)
class Sent:
    parcel: Parcel
    plain: bool

    @property
    def notice(self) -> Notice:
        """The one notice of a message about one incident."""
        (notice,) = self.parcel.notices
        return notice

    @property
    def previous(self) -> Previous:
        (item,) = self.parcel.items
        return item.previous


class FakeChannel:
    """Takes every message; before, it meets the next of `troubles`: an error, or something to wait for.

    `most` incidents go out as one message.
    """

    def __init__(self, *recipients: str, most: int = 20) -> None:
        self.recipients = recipients or ("",)
        self.most = most
        self.sent: list[Sent] = []
        self.tries = 0
        self.troubles: deque[BaseException | Callable[[], Awaitable[None]]] = deque()
        self.closed = False

    def together(self, items: Sequence[Item]) -> Sequence[Item]:
        return items[: self.most]

    async def send(self, parcel: Parcel, *, plain: bool = False) -> Receipt:
        self.tries += 1
        trouble = self.troubles.popleft() if self.troubles else None
        if isinstance(trouble, BaseException):
            doubtful = isinstance(trouble, Ambiguous) and not isinstance(trouble, Lost)
            if doubtful or (isinstance(trouble, Killed) and trouble.arrived):
                self.sent.append(Sent(parcel, plain))
            raise trouble
        if trouble is not None:
            await trouble()
        self.sent.append(Sent(parcel, plain))
        return Receipt("C1", str(len(self.sent)))

    async def close(self) -> None:
        self.closed = True

    @property
    def told(self) -> list[str]:
        """What arrived, in short: the kinds in each message, with `again` for a marked repeat."""
        return [
            "+".join(notice.kind.value for notice in sent.parcel.notices) + (" again" if sent.parcel.repeat else "")
            for sent in self.sent
        ]
