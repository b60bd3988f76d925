"""What a channel promises, and the ways in which a delivery can fail.

DeliveryError                   carries a `FailureReason`, and a detail without secrets
├── Throttled                   the service asks to wait, `retry_after` seconds where it says so
├── Unreachable                 surely not delivered; worth another try
├── ChannelRefused              a setting, a permission or an address is wrong; a person must act
├── Malformed                   the service does not take the message's form; the plain one may pass
└── Ambiguous                   it may have been delivered

What a `Tracked` channel took is OPEN until it says what became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

from monitor.notice import FailureReason, Fate, Item, Parcel, Receipt
from sync.errors import Code


class DeliveryError(Exception):
    """A message was not, or perhaps not, delivered."""

    reason: ClassVar[FailureReason] = FailureReason.UNREACHABLE
    code: ClassVar[Code] = Code.NT001

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        self.detail = detail
        self.retry_after = retry_after
        super().__init__(f"{self.code.name} {self.reason.value}: {detail}")


class Throttled(DeliveryError):
    """The service asks to wait; nothing was delivered."""

    reason = FailureReason.THROTTLED


class Unreachable(DeliveryError):
    """The message surely did not arrive; another try may pass."""

    reason = FailureReason.UNREACHABLE


class ChannelRefused(DeliveryError):
    """The service declines for a reason that a person must mend."""

    reason = FailureReason.REFUSED
    code = Code.NT002


class Malformed(DeliveryError):
    """The service does not take this form of the message."""

    reason = FailureReason.MALFORMED


class Ambiguous(DeliveryError):
    """The message was handed over and nobody said that it arrived."""

    reason = FailureReason.AMBIGUOUS


class Channel(Protocol):
    """One way to tell people."""

    @property
    def recipients(self) -> Sequence[str]:
        """Return whom to write a message to each: `("",)` where one message reaches everybody."""

    def together(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return those of `items` that one message can hold, in their order; the first is always among them."""

    async def send(self, parcel: Parcel, *, plain: bool = False) -> Receipt:
        """Deliver `parcel` to its recipient; return the proof.

        `plain` asks for the simplest form. Raises DeliveryError; what it says holds no secret.
        """

    async def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class Tracked(Protocol):
    """A channel whose service tells later whether a message arrived."""

    async def fate(self, receipt: Receipt) -> Fate:
        """Ask what became of a message that was taken as OPEN: that, PROVED or LOST.

        Raises DeliveryError where the service does not answer.
        """


@runtime_checkable
class Editable(Protocol):
    """A channel whose messages can be changed where people have them."""

    async def edit(self, item: Item) -> None:
        """Show in the message that told of an incident how it stands; nothing where it is gone or has no address.

        Raises DeliveryError.
        """
