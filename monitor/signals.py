"""Numbers that alert rules are made of, read from the ledger and the outbox.

`read` asks once for everything; each signal is then a pure function of what was read, so that all rules of one
evaluation judge the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from monitor.rules import Sample
from monitor.units import Unit
from sync.errors import Code
from sync.records import ApiMinute, Differing, Pause, RunOutcome, RunRecord, Standing

STOCK_JOB = "stock"
FULL_JOB = "full"
UNEQUAL = "unequal"
"""The number of a full run that says how many links were not equal at its end; 0 makes it a proof of equality."""

DEFAULT_WINDOW = timedelta(minutes=15)
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

    @property
    def synced_at(self) -> datetime | None:
        """Return the end of the last complete success; a full pass is a stock pass too."""
        ends = [run.finished_at for run in (self.stock, self.full) if run is not None and run.finished_at is not None]
        return max(ends, default=None)


@dataclass(frozen=True, slots=True)
class Signal:
    """A number that rules may name: what it is, how it is read, and what a person can do about it."""

    unit: Unit
    title: str
    remedy: str
    read: Callable[[Facts, timedelta], Sample]
    windowed: bool = False


async def read(ledger: History, outbox: Outbox, *, window: timedelta, started_at: datetime, now: datetime) -> Facts:
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
    )


def proof_among(runs: Sequence[RunRecord]) -> RunRecord | None:
    """Return the newest full run that ended well and found every link equal."""
    proofs = (run for run in runs if run.outcome is RunOutcome.OK and run.numbers.get(UNEQUAL) == 0)
    return next(proofs, None)


def stopped_among(passes: Sequence[RunRecord]) -> RunRecord | None:
    """Return the newest finished pass if a brake held it or it failed; a pause by hand is told by itself."""
    newest = max((run for run in passes if run.finished_at), key=lambda run: run.run_id, default=None)
    return newest if newest and newest.code not in (None, Code.BR004) else None


# --- the signals ---


def _age(moment: datetime | None, facts: Facts) -> Sample:
    seconds = (facts.now - (moment or facts.started_at)).total_seconds()
    note = "" if moment is not None else "never yet; counted from the daemon's start"
    return Sample(max(0.0, seconds), note=note)


def _oldest(moments: Sequence[datetime], facts: Facts) -> Sample:
    return _age(min(moments), facts) if moments else Sample(0.0)


def _discrepant(facts: Facts, _: timedelta) -> Sample:
    standing = facts.standing
    return Sample(standing.oversell_skus + standing.undersell_skus, examples=standing.examples)


def _units(facts: Facts, _: timedelta) -> Sample:
    standing = facts.standing
    return Sample(standing.oversell_units + standing.undersell_units, examples=standing.examples)


def _oversell(facts: Facts, _: timedelta) -> Sample:
    return Sample(facts.standing.oversell_units, examples=facts.standing.examples)


def _error_rate(facts: Facts, over: timedelta) -> Sample:
    rows = [row for row in facts.calls if row.minute > facts.now - over]
    attempts = sum(row.attempts for row in rows)
    failures = sum(row.failures for row in rows)
    if attempts == 0:
        return Sample(None, 0, "no calls in the window")
    return Sample(failures / attempts, attempts)


def _proof_age(facts: Facts, _: timedelta) -> Sample:
    return _age(facts.proof.finished_at if facts.proof is not None else None, facts)


_LOOK = "Run `lightspeed-sync status`, then `lightspeed-sync why SKU` for one of the SKUs named here."
_READY = "Run `lightspeed-sync check connections`; the last runs and their codes stand on the status page."
_DECIDE = "Run `lightspeed-sync conflicts list`, then `conflicts approve SKU` or `conflicts dismiss SKU` for each."

SIGNALS: Mapping[str, Signal] = {
    "discrepant_skus": Signal(Unit.COUNT, "SKUs that differ between Lightspeed and Shopify", _LOOK, _discrepant),
    "discrepancy_units": Signal(Unit.COUNT, "units by which the two shops differ", _LOOK, _units),
    "oversell_units": Signal(
        Unit.COUNT,
        "units that Shopify offers and Lightspeed does not have",
        f"{_LOOK} Orders for them may have to be cancelled.",
        _oversell,
    ),
    "quarantined_skus": Signal(
        Unit.COUNT,
        "SKUs that changed more than can be explained and wait for a person",
        _DECIDE,
        lambda facts, _: Sample(facts.standing.quarantined_skus, examples=facts.standing.quarantined),
    ),
    "parked_skus": Signal(
        Unit.COUNT,
        "SKUs whose stock Shopify refuses to change",
        "Correct the item in Shopify (a bundle, an inactive location), or remove its link.",
        lambda facts, _: Sample(facts.standing.parked_skus, examples=facts.standing.parked),
    ),
    "unanswered_writes": Signal(
        Unit.COUNT,
        "stock writes that Shopify never answered",
        "Nothing to do: each is looked up before anything is raised. If it lasts, look at Shopify's status page.",
        lambda facts, _: Sample(facts.standing.unanswered_writes),
    ),
    "uningested_committed": Signal(
        Unit.COUNT,
        "SKUs with units committed to orders that we have not seen",
        "Look in Shopify for orders older than 60 days or from another app (scope read_all_orders).",
        lambda facts, _: Sample(facts.standing.uningested_skus),
    ),
    "sync_latency": Signal(
        Unit.DURATION,
        "time since stock was last synced completely",
        _READY,
        lambda facts, _: _age(facts.synced_at, facts),
    ),
    "equality_proof_age": Signal(
        Unit.DURATION,
        "time since a full reading proved both shops equal",
        "Run `lightspeed-sync sync --full --dry-run` and look at what it finds.",
        _proof_age,
    ),
    "error_rate": Signal(
        Unit.RATIO, "share of calls to Lightspeed and Shopify that failed", _READY, _error_rate, windowed=True
    ),
    "pause_age": Signal(
        Unit.DURATION,
        "time since somebody paused syncing",
        "Run `lightspeed-sync resume` when it may go on.",
        lambda facts, _: _oldest([pause.since for pause in facts.pauses], facts),
    ),
    "outbox_oldest_age": Signal(
        Unit.DURATION,
        "time that a message has been waiting to be delivered",
        "Run `lightspeed-sync check config`, and renew what a channel refuses.",
        lambda facts, _: _oldest([facts.backlog.oldest] if facts.backlog.oldest else [], facts),
    ),
}

UNITS: Mapping[str, Unit] = {name: signal.unit for name, signal in SIGNALS.items()}


def sample(name: str, over: timedelta | None, facts: Facts) -> Sample:
    """Return a signal's value at the moment of `facts`."""
    return SIGNALS[name].read(facts, over or DEFAULT_WINDOW)
