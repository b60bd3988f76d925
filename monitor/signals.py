"""Numbers that alert rules are made of: each signal is a pure function of what one evaluation knows.

All rules of one evaluation judge the same moment: `facts.read` has asked once for everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.facts import Facts
from monitor.rules import Sample
from monitor.units import Unit
from sync.errors import Code
from sync.records import OrderStanding, OrderState, PauseKind

DEFAULT_WINDOW = timedelta(minutes=15)

Read = Callable[[Facts, timedelta], Sample]
"""Returns a signal's value, given how far a rule looks back."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A number that rules may name: what it is, how it is read, and what a person can do about it.

    `named` is what its examples are.
    """

    unit: Unit
    title: str
    remedy: str
    read: Read
    windowed: bool = False
    named: str = "SKUs"


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


def _unbooked(value: float, facts: Facts) -> Sample:
    """Return a number about orders that wait to be booked, with what keeps all of them waiting, where that is known."""
    orders, paused = facts.orders, [pause for pause in facts.pauses if pause.kind is PauseKind.ORDERS]
    if not facts.books:
        code = Code.OR009
        return Sample(value, note=code.title, examples=orders.waiting, remedy=f"{code.sentence} {code.remedy}")
    if paused:
        remedy = f"Booking is paused ({paused[0].reason}). {Code.BR004.remedy}"
        return Sample(value, note="booking is paused", examples=orders.waiting, remedy=remedy)
    return Sample(value, examples=orders.waiting)


def _unbooked_age(facts: Facts, _: timedelta) -> Sample:
    oldest = facts.orders.oldest
    return _unbooked(0.0 if oldest is None else max(0.0, (facts.now - oldest).total_seconds()), facts)


def _waiting_for_a_person(state: OrderState, names: Callable[[OrderStanding], tuple[str, ...]]) -> Read:
    return lambda facts, _: Sample(facts.orders.counts.get(state, 0), examples=names(facts.orders))


_LOOK = "Run `lightspeed-sync status`, then `lightspeed-sync why SKU` for one of the SKUs named here."
_READY = "Run `lightspeed-sync check connections`; the last runs and their codes stand on the status page."
_ORDERS = "Run `lightspeed-sync orders list`; the last runs and their codes stand on the status page."
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
    "unsettled_skus": Signal(
        Unit.COUNT,
        "SKUs held back because a sale of ours may or may not be in their stock",
        "Nothing to do at first: it passes within a few readings. If it lasts, look with `lightspeed-sync orders list` "
        "whether Lightspeed answers.",
        lambda facts, _: Sample(facts.standing.unsettled_skus),
    ),
    "app_uninstalled": Signal(
        Unit.COUNT,
        "whether our app is gone from the shop: 1 or 0",
        Code.WH003.remedy,
        lambda facts, _: Sample(int(facts.standing.uninstalled_at is not None)),
    ),
    "unposted_orders": Signal(
        Unit.COUNT,
        "orders that wait to be booked into Lightspeed",
        _ORDERS,
        lambda facts, _: _unbooked(facts.orders.unbooked, facts),
        named="Orders",
    ),
    "oldest_unposted_order_age": Signal(
        Unit.DURATION,
        "time that the longest waiting order has not been booked into Lightspeed",
        _ORDERS,
        _unbooked_age,
        named="Orders",
    ),
    "parked_orders": Signal(
        Unit.COUNT,
        "orders that a person must look at before they are booked",
        "Run `lightspeed-sync orders list --state parked`; `lightspeed-sync orders show NAME` says what each needs.",
        _waiting_for_a_person(OrderState.PARKED, lambda orders: orders.parked),
        named="Orders",
    ),
    "dead_orders": Signal(
        Unit.COUNT,
        "orders that cannot be understood",
        "Run `lightspeed-sync orders dead`; book each by hand, then `lightspeed-sync orders close` it.",
        _waiting_for_a_person(OrderState.DEAD, lambda orders: orders.dead),
        named="Orders",
    ),
    "duplicate_sales": Signal(
        Unit.COUNT,
        "references under which Lightspeed has more than one sale",
        Code.OR007.remedy,
        lambda facts, _: Sample(facts.orders.duplicates, examples=facts.orders.doubled),
        named="References",
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


def values(facts: Facts) -> Mapping[str, float | None]:
    """Return what every signal is at the moment of `facts`, those with a window over the usual one."""
    return {name: sample(name, None, facts).value for name in SIGNALS}
