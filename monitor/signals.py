"""Numbers that alert rules are made of: each signal is a pure function of what one evaluation knows.

All rules of one evaluation judge the same moment: `facts.read` has asked once for everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from monitor import readings
from monitor.facts import Facts
from monitor.readings import Read, for_a_person, stands
from monitor.rules import Sample
from monitor.units import Unit
from sync.errors import Code
from sync.order_records import OrderState

DEFAULT_WINDOW = timedelta(minutes=15)


class Need(Enum):
    """What must be set up for a signal ever to be more than 0; how to say so."""

    BOOKING = "the booking of online orders is not set up (LIGHTSPEED_EMPLOYEE_ID and LIGHTSPEED_PAYMENT_TYPE_ID)"
    WEBHOOKS = "only a webhook tells of it, and PUBLIC_URL is not set"


@dataclass(frozen=True, slots=True)
class Signal:
    """A number that rules may name: what it is, where it comes from, what a person can do about it, how it is read.

    `windowed`: it is made of what happened within the window of a rule. `named` is what its examples are.
    Without what it `needs` it stays 0.
    """

    unit: Unit
    title: str
    source: str
    remedy: str
    read: Read
    windowed: bool = False
    named: str = "SKUs"
    needs: Need | None = None


# --- where they come from: what is on record outlives the process, what is heard does not ---

_LINKS = "the last evaluation of each link, on record; a difference counts once seen in two evaluations running"
_ORDERS = "the orders on record"
_HELD = "the reservations on record"
_RUNS = "the runs on record"
_CALLS = "calls counted by the minute, on record"
_SHOPIFY = "what Shopify said, on record"
_MESSAGES = "the messages on record"
_PROCESS = "heard while the process runs"

# --- what can be done ---

_LOOK = "Run `lightspeed-sync status`, then `lightspeed-sync why SKU` for one of the SKUs named here."
_OVERSOLD = f"{_LOOK} Orders for them may have to be cancelled."
_READY = "Run `lightspeed-sync check connections`; the last runs and their codes stand on the status page."
_BOOK = "Run `lightspeed-sync orders list`; the last runs and their codes stand on the status page."
_DECIDE = "Run `lightspeed-sync conflicts list`, then `conflicts approve SKU` or `conflicts dismiss SKU` for each."
_CHANNEL = "Run `lightspeed-sync check config`, and renew what a channel refuses."
_OUTAGE = (
    "Look at {}'s status page; `lightspeed-sync check connections` says what fails. Nothing is lost meanwhile: work "
    "goes on where it stopped."
)

_STOCK: Mapping[str, Signal] = {
    "discrepant_skus": Signal(
        Unit.COUNT,
        "SKUs that differ between Lightspeed and Shopify",
        _LINKS,
        _LOOK,
        stands(lambda it: it.oversell_skus + it.undersell_skus, lambda it: it.examples),
    ),
    "discrepancy_units": Signal(
        Unit.COUNT,
        "units by which the two shops differ",
        _LINKS,
        _LOOK,
        stands(lambda it: it.oversell_units + it.undersell_units, lambda it: it.examples),
    ),
    "oversell_skus": Signal(
        Unit.COUNT,
        "SKUs of which Shopify offers more than Lightspeed has",
        _LINKS,
        _OVERSOLD,
        stands(lambda it: it.oversell_skus, lambda it: it.oversold),
    ),
    "oversell_units": Signal(
        Unit.COUNT,
        "units that Shopify offers and Lightspeed does not have",
        _LINKS,
        _OVERSOLD,
        stands(lambda it: it.oversell_units, lambda it: it.oversold),
    ),
    "undersell_skus": Signal(
        Unit.COUNT,
        "SKUs of which Shopify offers less than Lightspeed has",
        _LINKS,
        _LOOK,
        stands(lambda it: it.undersell_skus, lambda it: it.undersold),
    ),
    "undersell_units": Signal(
        Unit.COUNT,
        "units that Lightspeed has and Shopify does not offer",
        _LINKS,
        _LOOK,
        stands(lambda it: it.undersell_units, lambda it: it.undersold),
    ),
    "money_at_risk": Signal(
        Unit.COUNT,
        "what the units that Shopify offers and Lightspeed does not have would cost, in the shop's currency",
        f"{_LINKS}, with Shopify's prices as last read",
        _OVERSOLD,
        readings.money_at_risk,
    ),
    "quarantined_skus": Signal(
        Unit.COUNT,
        "SKUs that changed more than can be explained and wait for a person",
        _LINKS,
        _DECIDE,
        stands(lambda it: it.quarantined_skus, lambda it: it.quarantined),
    ),
    "second_writer_skus": Signal(
        Unit.COUNT,
        "SKUs whose number in Shopify somebody else keeps changing back",
        "the corrections and unexplained changes of the last day, on record",
        f"{Code.SK009.sentence} {Code.SK009.remedy}",
        readings.second_writer_skus,
    ),
    "mapping_accuracy": Signal(
        Unit.RATIO,
        "share of links whose two sides still agree in SKU, barcode or title",
        "the weekly check of all links, on record",
        "Run `lightspeed-sync sku check`, then `lightspeed-sync sku map` or `sku unmap` for each link that it names.",
        readings.mapping_accuracy,
    ),
    "parked_skus": Signal(
        Unit.COUNT,
        "SKUs whose stock Shopify refuses to change",
        _LINKS,
        "Correct the item in Shopify (a bundle, an inactive location), or remove its link.",
        stands(lambda it: it.parked_skus, lambda it: it.parked),
    ),
    "held_skus": Signal(
        Unit.COUNT,
        "SKUs that a person set back and that no sync writes to since",
        "the held links on record",
        "Run `lightspeed-sync conflicts list`; once they may follow Lightspeed again, let go of them with "
        "`lightspeed-sync resume --held`.",
        stands(lambda it: it.held_skus, lambda it: it.held),
    ),
    "unanswered_writes": Signal(
        Unit.COUNT,
        "stock writes that Shopify never answered",
        "the stock writes on record",
        "Nothing to do: each is looked up before anything is raised. If it lasts, look at Shopify's status page.",
        stands(lambda it: it.unanswered_writes),
    ),
    "uningested_committed": Signal(
        Unit.COUNT,
        "SKUs with units committed to orders that we have not seen",
        _LINKS,
        "Look in Shopify for orders older than 60 days or from another app (scope read_all_orders).",
        stands(lambda it: it.uningested_skus),
    ),
    "unsettled_skus": Signal(
        Unit.COUNT,
        "SKUs held back because a sale of ours may or may not be in their stock",
        _LINKS,
        "Nothing to do at first: it passes within a few readings. If it lasts, look with `lightspeed-sync orders list` "
        "whether Lightspeed answers.",
        stands(lambda it: it.unsettled_skus),
    ),
    "app_uninstalled": Signal(
        Unit.COUNT,
        "whether our app is gone from the shop: 1 or 0",
        _SHOPIFY,
        Code.WH003.remedy,
        stands(lambda it: int(it.uninstalled_at is not None)),
        needs=Need.WEBHOOKS,
    ),
}

_BOOKING: Mapping[str, Signal] = {
    "unposted_orders": Signal(
        Unit.COUNT,
        "orders that wait to be booked into Lightspeed",
        _ORDERS,
        _BOOK,
        readings.unbooked_orders,
        named="Orders",
    ),
    "oldest_unposted_order_age": Signal(
        Unit.DURATION,
        "time that the longest waiting order has not been booked into Lightspeed",
        _ORDERS,
        _BOOK,
        readings.unbooked_age,
        named="Orders",
    ),
    "parked_orders": Signal(
        Unit.COUNT,
        "orders that a person must look at before they are booked",
        _ORDERS,
        "Run `lightspeed-sync orders list --state parked`; `lightspeed-sync orders show NAME` says what each needs.",
        for_a_person(OrderState.PARKED, lambda orders: orders.parked),
        named="Orders",
        needs=Need.BOOKING,
    ),
    "dead_orders": Signal(
        Unit.COUNT,
        "orders that cannot be understood",
        _ORDERS,
        "Run `lightspeed-sync orders dead`; book each by hand, then `lightspeed-sync orders close` it.",
        for_a_person(OrderState.DEAD, lambda orders: orders.dead),
        named="Orders",
    ),
    "duplicate_sales": Signal(
        Unit.COUNT,
        "references under which Lightspeed has more than one sale",
        _ORDERS,
        Code.OR007.remedy,
        lambda facts, _: Sample(facts.orders.duplicates, examples=facts.orders.doubled),
        named="References",
        needs=Need.BOOKING,
    ),
}

_HOARDED = (
    "Look at the counters of refused reservations by their reason. One visitor's caps stand in alerts.yaml, "
    "limits.storefront; `lightspeed-sync why SKU` shows what is held of a SKU. Stock and orders are not touched by it."
)

_HOLDS: Mapping[str, Signal] = {
    "active_holds": Signal(
        Unit.COUNT,
        "reservations of shoppers that are active",
        _HELD,
        _HOARDED,
        lambda facts, _: Sample(facts.holds.active),
    ),
    "held_units": Signal(
        Unit.COUNT,
        "units that active reservations keep for a cart",
        _HELD,
        _HOARDED,
        lambda facts, _: Sample(facts.holds.units),
    ),
    "refused_holds": Signal(
        Unit.COUNT,
        "reservations of the window that were refused because one visitor wanted too many, or too many at once",
        _PROCESS,
        _HOARDED,
        readings.refused_holds,
        windowed=True,
    ),
    "ordered_holds_share": Signal(
        Unit.RATIO,
        "share of the reservations made in the last hour that were ordered by now",
        _HELD,
        _HOARDED,
        readings.ordered_holds_share,
    ),
}

_WORK: Mapping[str, Signal] = {
    "sync_latency": Signal(
        Unit.DURATION, "time since stock was last synced completely", _RUNS, _READY, readings.sync_latency
    ),
    "equality_proof_age": Signal(
        Unit.DURATION,
        "time since a full reading proved both shops equal",
        _RUNS,
        "Run `lightspeed-sync sync --full --dry-run` and look at what it finds.",
        readings.proof_age,
    ),
    "propagation": Signal(
        Unit.DURATION,
        "time in which 95% of the window's changes in Lightspeed were carried on to Shopify",
        _PROCESS,
        "Run `lightspeed-sync status`: a pause, a brake or a slow service holds changes back.",
        readings.propagation,
        windowed=True,
    ),
    "missed_runs": Signal(
        Unit.COUNT,
        "runs of the window that were left out, since the one before had not ended",
        _PROCESS,
        "Look at the last runs on the status page: what takes longer than its interval needs a longer one.",
        readings.missed_runs,
        windowed=True,
    ),
    "failing_jobs": Signal(
        Unit.COUNT,
        "jobs other than stock passes that failed when they last ran",
        _PROCESS,
        _READY,
        readings.failing_jobs,
        named="Jobs",
    ),
    "backup_age": Signal(
        Unit.DURATION,
        "time since the last daily backup was made",
        _RUNS,
        "Look at the last runs of `backup` on the status page; `lightspeed-sync backup` makes one at once.",
        readings.backup_age,
    ),
    "pause_age": Signal(
        Unit.DURATION,
        "time since somebody paused syncing",
        "the pauses on record",
        "Run `lightspeed-sync resume` when it may go on.",
        readings.pause_age,
    ),
}

_SERVICES: Mapping[str, Signal] = {
    "error_rate": Signal(
        Unit.RATIO,
        "share of calls to Lightspeed and Shopify that failed",
        _CALLS,
        _READY,
        readings.error_rate(),
        windowed=True,
    ),
    "lightspeed_error_rate": Signal(
        Unit.RATIO,
        "share of calls to Lightspeed that failed",
        _CALLS,
        _READY,
        readings.error_rate("lightspeed"),
        windowed=True,
    ),
    "shopify_error_rate": Signal(
        Unit.RATIO,
        "share of calls to Shopify that failed",
        _CALLS,
        _READY,
        readings.error_rate("shopify"),
        windowed=True,
    ),
    "lightspeed_down": Signal(
        Unit.DURATION,
        "time that every call to Lightspeed has failed",
        f"{_PROCESS}; before that {_CALLS}",
        _OUTAGE.format("Lightspeed"),
        readings.down("lightspeed"),
    ),
    "shopify_down": Signal(
        Unit.DURATION,
        "time that every call to Shopify has failed",
        f"{_PROCESS}; before that {_CALLS}",
        _OUTAGE.format("Shopify"),
        readings.down("shopify"),
    ),
    "quota_used": Signal(
        Unit.RATIO,
        "how full the fuller of the two services' buckets is, by their own figures",
        _PROCESS,
        "See which other app uses the same API client. If there is none, set a longer sync_interval.",
        readings.quota_used,
    ),
    "token_expiry": Signal(
        Unit.DURATION,
        "time until our Lightspeed sign-in ends, which is renewed by itself; 0 once it is refused",
        _PROCESS,
        Code.LS005.remedy,
        readings.token_expiry,
    ),
}

_MACHINE: Mapping[str, Signal] = {
    "outbox_depth": Signal(
        Unit.COUNT, "messages that wait to be delivered", _MESSAGES, _CHANNEL, readings.outbox_depth
    ),
    "outbox_oldest_age": Signal(
        Unit.DURATION,
        "time that a message has been waiting to be delivered",
        _MESSAGES,
        _CHANNEL,
        readings.outbox_age,
    ),
    "disk_free": Signal(
        Unit.RATIO,
        "share of the disk with STATE_DIR that is free",
        "the operating system",
        "Make room where STATE_DIR lies: what cannot be written down is not done.",
        readings.disk_free,
    ),
    "clock_skew": Signal(
        Unit.DURATION,
        "how far this machine's clock is off the services'",
        f"the Date of their answers, {_PROCESS}",
        "Let the machine set its clock by NTP; `timedatectl` says whether it does.",
        readings.clock_skew,
    ),
    "alerts_file_rejected": Signal(
        Unit.COUNT,
        "whether alerts.yaml was edited and has mistakes, so that the rules before are in force: 1 or 0",
        _PROCESS,
        "Run `lightspeed-sync check alerts` and correct what it names.",
        readings.alerts_file_rejected,
        named="Mistakes",
    ),
}

SIGNALS: Mapping[str, Signal] = {**_STOCK, **_BOOKING, **_HOLDS, **_WORK, **_SERVICES, **_MACHINE}

UNITS: Mapping[str, Unit] = {name: signal.unit for name, signal in SIGNALS.items()}


def sample(name: str, over: timedelta | None, facts: Facts) -> Sample:
    """Return a signal's value at the moment of `facts`."""
    return SIGNALS[name].read(facts, over or DEFAULT_WINDOW)


def values(facts: Facts) -> Mapping[str, float | None]:
    """Return what every signal is at the moment of `facts`, those with a window over the usual one."""
    return {name: sample(name, None, facts).value for name in SIGNALS}
