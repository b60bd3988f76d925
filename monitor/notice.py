"""What is told to people, and what becomes of telling it: frozen values without any I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is; `critical` alone may reach a telephone."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Kind(StrEnum):
    """What a message says about its incident."""

    FIRING = "firing"
    REMINDER = "reminder"  # it is still firing
    RESOLVED = "resolved"
    SUMMARY = "summary"  # fired and resolved before anybody was told
    DIGEST = "digest"  # about no incident, or about many
    TEST = "test"


class FailureReason(StrEnum):
    """Why a message could not be delivered; a label of the metrics."""

    THROTTLED = "throttled"  # the service asked us to wait
    UNREACHABLE = "unreachable"  # surely not delivered, worth another try
    REFUSED = "refused"  # a setting, a permission or an address is wrong
    MALFORMED = "malformed"  # the service does not take our message; a plain one may pass
    AMBIGUOUS = "ambiguous"  # it may have been delivered
    LOST = "lost"  # the service took it, and said later that it did not arrive


class Arrival(StrEnum):
    """What is known of a message's arrival, once its service has taken it."""

    TAKEN = "taken"  # there is nothing more to know
    OPEN = "open"  # the service will tell, and is asked
    PROVED = "proved"
    LOST = "lost"
    UNKNOWN = "unknown"  # the service never told


@dataclass(frozen=True, slots=True)
class Fate:
    """What a service says became of a message that it took; `detail` says why it was lost."""

    arrival: Arrival
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Handling:
    """What people have done about an incident so far: `lines` (label, text) say who and when."""

    lines: tuple[tuple[str, str], ...] = ()
    acknowledged: bool = False
    silenced: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """One message about one incident for one channel, as kept in the outbox.

    `value` and `limit` are written as people write them ("7", "12m"), `examples` are what `named` says.
    `remarks` say what is unusual about being told, `facts` (label, text) stand in place of the incident's own in a
    digest. `handling` is filled in when it is shown.
    """

    identity: str
    incident: str
    kind: Kind
    alert: str
    severity: Severity
    summary: str
    signal: str
    value: str
    limit: str
    since: datetime
    at: datetime
    until: datetime | None = None
    description: str = ""
    remedy: str = ""
    examples: tuple[str, ...] = ()
    named: str = "SKUs"
    link: str = ""
    remarks: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    runbook: str = ""  # a link
    opened_as: Severity | None = None  # where an edit changed it since: by which machines know the incident
    handling: Handling = Handling()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a channel gave as proof: the address of what it sent (a Slack channel and ts, a Message-ID, an SMS id)."""

    channel: str  # the service's own id of the place, "" where there is none
    message: str
    thread: str = ""  # the first message of the thread that it was put into; "": it is a first one itself
    arrival: Arrival = Arrival.TAKEN


@dataclass(frozen=True, slots=True)
class Previous:
    """What a channel was told before about the same incident and took, the oldest first.

    Where the first message told of several incidents, `members` are what was last delivered of each.
    """

    receipts: Sequence[Receipt] = ()
    members: Sequence[Notice] = ()

    @property
    def root(self) -> Receipt | None:
        """Return the first message of the incident's latest thread; one with an address goes before one without."""
        known = [receipt for receipt in self.receipts if receipt.channel] or self.receipts
        if not known:
            return None
        return Receipt(known[-1].channel, known[-1].thread or known[-1].message)


@dataclass(frozen=True, slots=True)
class Item:
    """One notice of a message, beside what was delivered of its incident before."""

    notice: Notice
    previous: Previous = Previous()


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message about one incident or several, for one recipient.

    `identity` is the same at every attempt; `repeat` marks one after an attempt whose fate is unknown. A channel that
    reaches everybody with one message knows a single recipient, "".
    """

    identity: str
    items: Sequence[Item]
    recipient: str = ""
    repeat: bool = False

    @property
    def notices(self) -> Sequence[Notice]:
        """Return what is told."""
        return [item.notice for item in self.items]
