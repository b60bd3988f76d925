"""What happened, as frozen values: all that anybody outside learns from the engine while it runs.

Events tell, they do not ask: a listener returns at once, changes nothing in `sync` and never raises. What must
not be lost stands in the ledger; events may be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sync.errors import Code
from sync.pacing import Bucket
from sync.records import PauseKind, RunOutcome, WriteOutcome
from sync.reservations import Ending, Refusal, Taking
from sync.webhooks import Receipt, Topic


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run of `job` began."""

    run_id: int
    job: str
    at: datetime


class Step(StrEnum):
    """What a pass is at, in words."""

    ITEMS = "reading Lightspeed's items"
    EXPORT = "reading Shopify's variants"
    CHANGES = "reading what changed"
    ORDERS = "reading orders"
    DECIDE = "comparing"
    WRITE = "writing"


@dataclass(frozen=True, slots=True)
class PassMoved:
    """A pass has done `done` of a step, in rows; `of` is how many there will be, None where that is not known."""

    run_id: int
    step: Step
    done: int = 0
    of: int | None = None


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ended at `at` after `seconds`; `numbers` are its counts by name, `code` what it failed with."""

    run_id: int
    job: str
    at: datetime
    outcome: RunOutcome
    seconds: float
    code: Code | None = None
    detail: str = ""
    numbers: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StockWritten:
    """Rows of stock writes came to an outcome; `units` is the sum of their absolute differences."""

    outcome: WriteOutcome
    rows: int
    units: int


@dataclass(frozen=True, slots=True)
class Propagated:
    """A change in Lightspeed was acknowledged by Shopify `seconds` after Lightspeed's own timestamp of it."""

    seconds: float


@dataclass(frozen=True, slots=True)
class DocumentPosted:
    """A Lightspeed sale of an order was confirmed: signed units of goods, signed cents in all.

    `seconds` passed since the order was placed, for a later document since its change was seen.
    """

    units: int
    cents: int
    seconds: float


@dataclass(frozen=True, slots=True)
class EqualityProved:
    """A certified full reading of both sides found no unexplained difference."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ApiAttempt:
    """One attempt at a call, retries included; `code` is the catalogue code it failed with, None for success."""

    api: str
    operation: str
    seconds: float
    code: str | None = None


@dataclass(frozen=True, slots=True)
class QuotaSeen:
    """How full the vendor's bucket was, 0 to 1, by its own figures; `bucket` tells its size, too."""

    api: str
    used_ratio: float
    bucket: Bucket | None = None


@dataclass(frozen=True, slots=True)
class ServerClock:
    """A server's clock is `ahead` seconds of ours, below zero: behind; no better known than `within` seconds."""

    api: str
    ahead: float
    within: float


@dataclass(frozen=True, slots=True)
class SignInLasts:
    """Our sign-in ends at this moment, unless it is renewed before; one in the past: it was refused."""

    api: str
    until: datetime


@dataclass(frozen=True, slots=True)
class PauseChanged:
    """A person stopped (`reason`) or resumed (`reason` is None) a kind of work."""

    kind: PauseKind
    reason: str | None


@dataclass(frozen=True, slots=True)
class WebhookMet:
    """Something became of a webhook; `topic` is None where it is not one of ours, or not known to be signed."""

    topic: Topic | None
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class HoldMet:
    """Something became of `count` reservations, or of wishes for one."""

    outcome: Taking | Ending | Refusal
    count: int = 1


@dataclass(frozen=True, slots=True)
class RunWanted:
    """A run of `job` has new work and need not wait for its beat."""

    job: str


@dataclass(frozen=True, slots=True)
class NewsMissed:
    """Other processes may have changed the state without our hearing of it."""


Event = (
    RunStarted
    | PassMoved
    | RunFinished
    | StockWritten
    | Propagated
    | DocumentPosted
    | EqualityProved
    | ApiAttempt
    | QuotaSeen
    | ServerClock
    | SignInLasts
    | PauseChanged
    | WebhookMet
    | HoldMet
    | RunWanted
    | NewsMissed
)
Listener = Callable[[Event], None]
"""Takes one event; returns at once and never raises."""
Emit = Listener
"""The same from the engine's side: where it tells what happened."""


class Events:
    """Hands each event to every listener, at once and in the order in which they joined."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = list(listeners)

    def join(self, listener: Listener) -> None:
        """Let `listener` hear every event from now on."""
        self._listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        """Let `listener` hear nothing more."""
        self._listeners.remove(listener)

    def __call__(self, event: Event) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            listener(event)


class ApiEvents:
    """An `ApiMeter` that turns what the clients report into events."""

    def __init__(self, tell: Listener) -> None:
        self._tell = tell

    def attempt(self, api: str, operation: str, seconds: float, code: str | None) -> None:
        """Tell of one attempt at a call."""
        self._tell(ApiAttempt(api, operation, seconds, code))

    def quota(self, api: str, used_ratio: float, bucket: Bucket) -> None:
        """Tell how full the vendor's bucket is."""
        self._tell(QuotaSeen(api, used_ratio, bucket))

    def clock(self, api: str, ahead: float, within: float) -> None:
        """Tell how far the server's clock is from ours."""
        self._tell(ServerClock(api, ahead, within))

    def sign_in(self, api: str, until: datetime) -> None:
        """Tell how long our sign-in lasts."""
        self._tell(SignInLasts(api, until))
