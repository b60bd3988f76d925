"""Everything that one evaluation of the alert rules knows, read at once from the ledger and the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from monitor.vitals import Vitals
from sync.accuracy import JOB as MAPPING_JOB
from sync.errors import Code
from sync.order_records import OrderStanding
from sync.records import ApiMinute, Differing, Pause, RunOutcome, RunRecord, Standing
from sync.reservations import HoldStanding
from sync.second_writer import WINDOW, SecondWriter, Tampering, second_writers

CONNECT_JOB = "connect"
STOCK_JOB = "stock"
FULL_JOB = "full"
BACKUP_JOB = "backup"
APIS = ("lightspeed", "shopify")
DAY = timedelta(days=1)
"""Within which booked orders are counted for people."""
UNEQUAL = "unequal"
"""The number of a full run that says how many links were not equal at its end; 0 makes it a proof of equality."""

_LATEST_FULL_RUNS = 50  # a proof older than this many full passes is as good as none


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the outbox; `oldest` is when the oldest undelivered message was written."""

    depth: int = 0
    dead: int = 0
    oldest: datetime | None = None


class History(Protocol):
    """The part of the engine's ledger that is watched; `sync.ports.Ledger` says what each returns."""

    async def standing(self) -> Standing: ...  # noqa: D102

    async def differing(self) -> Differing: ...  # noqa: D102

    async def last_success(self, job: str) -> RunRecord | None: ...  # noqa: D102

    async def runs(self, job: str | None = None, limit: int = 20) -> Sequence[RunRecord]: ...  # noqa: D102

    async def calls_since(self, moment: datetime) -> Sequence[ApiMinute]: ...  # noqa: D102

    async def pauses(self) -> Sequence[Pause]: ...  # noqa: D102

    async def doubted_links(self, limit: int = 5) -> Sequence[str]: ...  # noqa: D102

    async def tamperings(self, since: datetime) -> Sequence[Tampering]: ...  # noqa: D102


class OrderBook(Protocol):
    """The part of the engine's orders that is watched; `sync.booking_ports.Bookings` says what it returns."""

    async def order_standing(self) -> OrderStanding: ...  # noqa: D102

    async def booked_since(self, moment: datetime) -> int: ...  # noqa: D102


class Reservations(Protocol):
    """The part of the engine's reservations that is watched."""

    async def standing(self, now: datetime) -> HoldStanding: ...  # noqa: D102 - told by its type


class Outbox(Protocol):
    """Where undelivered messages are counted."""

    async def backlog(self) -> Backlog: ...  # noqa: D102 - told by its type


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything one evaluation knows. `started_at` is when the daemon started."""

    now: datetime
    started_at: datetime
    standing: Standing
    stock: RunRecord | None  # the last success of a stock pass
    full: RunRecord | None  # the last success of a full pass
    proof: RunRecord | None  # the last full pass that found both shops equal
    calls: Sequence[ApiMinute]
    pauses: Sequence[Pause]
    backlog: Backlog
    orders: OrderStanding
    books: bool  # whether booking is set up at all
    vitals: Vitals = field(default_factory=Vitals)
    holds: HoldStanding = field(default_factory=HoldStanding)
    backup: RunRecord | None = None  # the last daily backup
    mapping: RunRecord | None = None  # the last check of all links
    doubted: Sequence[str] = ()  # SKUs of links that were in doubt then
    writers: Sequence[SecondWriter] = ()  # links that somebody else keeps writing to

    @property
    def synced_at(self) -> datetime | None:
        """Return the end of the last complete success; a full pass is a stock pass too."""
        ends = [run.finished_at for run in (self.stock, self.full) if run is not None and run.finished_at is not None]
        return max(ends, default=None)


async def read(
    ledger: History,
    orders: OrderBook,
    outbox: Outbox,
    *,
    holds: Reservations | None = None,
    books: bool,
    vitals: Vitals,
    window: timedelta,
    started_at: datetime,
    now: datetime,
) -> Facts:
    """Read everything the signals need; `window` is the longest that a rule looks back."""
    return Facts(
        now=now,
        started_at=started_at,
        standing=await ledger.standing(),
        stock=await ledger.last_success(STOCK_JOB),
        full=await ledger.last_success(FULL_JOB),
        proof=proof_among(await ledger.runs(FULL_JOB, _LATEST_FULL_RUNS)),
        calls=await ledger.calls_since(now - window),
        pauses=await ledger.pauses(),
        backlog=await outbox.backlog(),
        orders=await orders.order_standing(),
        books=books,
        vitals=vitals,
        holds=HoldStanding() if holds is None else await holds.standing(now),
        backup=await ledger.last_success(BACKUP_JOB),
        mapping=await ledger.last_success(MAPPING_JOB),
        doubted=await ledger.doubted_links(),
        writers=second_writers(await ledger.tamperings(now - WINDOW)),
    )


def failing_since(facts: Facts, api: str) -> datetime | None:
    """Return since when every call to an API has failed, None while the last one succeeded.

    What the process does not know, since it began later, is taken from the minutes on record.
    """
    since = facts.vitals.failing_since.get(api)
    if since is None or api in facts.vitals.succeeded_at:
        return since
    for row in reversed([row for row in facts.calls if row.api == api]):
        if row.failures < row.attempts:
            break
        since = min(since, row.minute)
    return since


def proof_among(runs: Sequence[RunRecord]) -> RunRecord | None:
    """Return the newest full run that ended well and found every link equal."""
    proofs = (run for run in runs if run.outcome is RunOutcome.OK and run.numbers.get(UNEQUAL) == 0)
    return next(proofs, None)


def stopped_among(passes: Sequence[RunRecord], consents: Sequence[RunRecord] = ()) -> RunRecord | None:
    """Return the newest finished pass if a brake held it or it failed; a pause by hand is told by itself.

    One whose sign-in was refused counts no more once a person has given consent anew.
    """
    newest = max((run for run in passes if run.finished_at), key=lambda run: run.run_id, default=None)
    if (
        newest
        and newest.code is Code.LS005
        and any(each.run_id > newest.run_id and each.outcome is RunOutcome.OK for each in consents)
    ):
        return None
    return newest if newest and newest.code not in (None, Code.BR004) else None
