"""How each signal is read from what one evaluation knows: pure functions that return a number with its reasons.

A signal without a number says why; a number that is known to be incomplete says so too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from monitor.facts import STOCK_JOB, Facts, failing_since
from monitor.rules import Sample
from monitor.units import counted
from sync.errors import Code
from sync.order_records import OrderStanding, OrderState
from sync.records import PauseKind, Standing
from sync.second_writer import sentence

Read = Callable[[Facts, timedelta], Sample]
"""Returns a signal's value, given how far a rule looks back."""

_SLOW = 0.95  # the share of changes that were no slower than what is told: one straggler is no news
_CENTS = 100
_NAMED = 5  # examples of one sample


def _age(moment: datetime | None, facts: Facts) -> Sample:
    seconds = (facts.now - (moment or facts.started_at)).total_seconds()
    note = "" if moment is not None else "never yet; counted from the daemon's start"
    return Sample(max(0.0, seconds), note=note)


def _oldest(moments: Sequence[datetime], facts: Facts) -> Sample:
    return _age(min(moments), facts) if moments else Sample(0.0)


# --- how the shops stand to each other ---


def stands(number: Callable[[Standing], float], names: Callable[[Standing], tuple[str, ...]] = lambda _: ()) -> Read:
    """Read one of a standing's numbers, with the SKUs that it is about, where they are known."""
    return lambda facts, _: Sample(number(facts.standing), examples=names(facts.standing))


def money_at_risk(facts: Facts, _: timedelta) -> Sample:
    """Read what oversold units cost, in whole units of the shop's currency, rounded up."""
    standing, unpriced = facts.standing, facts.standing.unpriced_skus
    note = f"without {counted(unpriced, 'SKU')} of unknown price" if unpriced else ""
    return Sample(math.ceil(standing.oversell_cents / _CENTS), note=note, examples=standing.oversold)


def mapping_accuracy(facts: Facts, _: timedelta) -> Sample:
    """Read which share of the links still agreed in something at the last check."""
    check = facts.mapping
    if check is None or not check.numbers.get("links"):
        return Sample(None, note="nothing is linked" if check else "not checked yet")
    links = int(check.numbers["links"])
    return Sample(check.numbers["agreeing"] / links, links, examples=tuple(facts.doubted))


def second_writer_skus(facts: Facts, _: timedelta) -> Sample:
    """Read how many links somebody else keeps writing to."""
    named = tuple(f"{each.sku}: {sentence(each)}" for each in facts.writers)
    return Sample(len(facts.writers), examples=named[:_NAMED])


# --- orders ---


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


def unbooked_orders(facts: Facts, _: timedelta) -> Sample:
    """Read how many orders wait to be booked."""
    return _unbooked(facts.orders.unbooked, facts)


def unbooked_age(facts: Facts, _: timedelta) -> Sample:
    """Read how long the longest of them has waited."""
    oldest = facts.orders.oldest
    return _unbooked(0.0 if oldest is None else max(0.0, (facts.now - oldest).total_seconds()), facts)


def for_a_person(state: OrderState, names: Callable[[OrderStanding], tuple[str, ...]]) -> Read:
    """Read how many orders are in a state that waits for a person."""
    return lambda facts, _: Sample(facts.orders.counts.get(state, 0), examples=names(facts.orders))


# --- runs and calls ---


def sync_latency(facts: Facts, _: timedelta) -> Sample:
    """Read how long ago stock was last synced completely."""
    return _age(facts.synced_at, facts)


def proof_age(facts: Facts, _: timedelta) -> Sample:
    """Read how long ago both shops were last proved equal."""
    return _age(facts.proof.finished_at if facts.proof is not None else None, facts)


def backup_age(facts: Facts, _: timedelta) -> Sample:
    """Read how long ago the last daily backup was made."""
    return _age(facts.backup.finished_at if facts.backup is not None else None, facts)


def error_rate(api: str | None = None) -> Read:
    """Read which share of the calls to an API, or to all, failed."""

    def read(facts: Facts, over: timedelta) -> Sample:
        rows = [row for row in facts.calls if row.minute > facts.now - over and api in (None, row.api)]
        attempts = sum(row.attempts for row in rows)
        failures = sum(row.failures for row in rows)
        if attempts == 0:
            return Sample(None, 0, "no calls in the window")
        return Sample(failures / attempts, attempts)

    return read


def down(api: str) -> Read:
    """Read for how long every call to an API has failed; 0 while the last one succeeded."""

    def read(facts: Facts, _: timedelta) -> Sample:
        since = failing_since(facts, api)
        return _oldest([since] if since is not None else [], facts)

    return read


def propagation(facts: Facts, over: timedelta) -> Sample:
    """Read in which time nearly all changes in Lightspeed were carried on to Shopify."""
    seconds = sorted(seconds for at, seconds in facts.vitals.propagated if at > facts.now - over)
    if not seconds:
        return Sample(None, 0, "no change in the window")
    return Sample(seconds[math.ceil(len(seconds) * _SLOW) - 1], len(seconds))


def missed_runs(facts: Facts, over: timedelta) -> Sample:
    """Read how many runs the schedule asked for and had to leave out, or to join to others."""
    return Sample(sum(missed for at, missed in facts.vitals.missed if at > facts.now - over))


def failing_jobs(facts: Facts, _: timedelta) -> Sample:
    """Read how many jobs failed when they last ran; of stock passes `sync_latency` tells."""
    failed = {job: code for job, code in facts.vitals.failed_jobs.items() if job != STOCK_JOB}
    named = tuple(f"{job}: {code.name} {code.title}" for job, code in sorted(failed.items()))
    remedies = dict.fromkeys(code.remedy for _, code in sorted(failed.items()))
    return Sample(len(failed), examples=named, remedy=" ".join(remedies))


# --- reservations ---


def refused_holds(facts: Facts, over: timedelta) -> Sample:
    """Read how many reservations were refused for what one visitor may have."""
    return Sample(sum(count for at, count in facts.vitals.refused if at > facts.now - over))


def ordered_holds_share(facts: Facts, _: timedelta) -> Sample:
    """Read which share of the reservations of the last hour were ordered by now."""
    holds = facts.holds
    if not holds.made:
        return Sample(None, note="nothing was reserved in the last hour")
    return Sample(holds.ordered / holds.made, holds.made)


def quota_used(facts: Facts, _: timedelta) -> Sample:
    """Read how full the fuller of the vendors' buckets is."""
    used = facts.vitals.quota
    if not used:
        return Sample(None, note="no vendor has told it yet")
    fullest = max(used, key=used.__getitem__)
    return Sample(used[fullest], note=f"at {fullest}")


def token_expiry(facts: Facts, _: timedelta) -> Sample:
    """Read how long our sign-in lasts from now."""
    ends = facts.vitals.signed_in_until.values()
    if not ends:
        return Sample(None, note="not signed in yet")
    return Sample(max(0.0, (min(ends) - facts.now).total_seconds()))


# --- this machine ---


def outbox_depth(facts: Facts, _: timedelta) -> Sample:
    """Read how many messages wait to be delivered."""
    return Sample(facts.backlog.depth)


def outbox_age(facts: Facts, _: timedelta) -> Sample:
    """Read how long the oldest of them has waited."""
    return _oldest([facts.backlog.oldest] if facts.backlog.oldest else [], facts)


def pause_age(facts: Facts, _: timedelta) -> Sample:
    """Read how long ago the longest pause in force began."""
    return _oldest([pause.since for pause in facts.pauses], facts)


def disk_free(facts: Facts, _: timedelta) -> Sample:
    """Read which share of the state directory's file system is free."""
    disk = facts.vitals.disk
    if disk is None or disk.size <= 0:
        return Sample(None, note="the file system cannot be asked")
    return Sample(disk.free / disk.size)


def clock_skew(facts: Facts, _: timedelta) -> Sample:
    """Read by how much our clock is off the servers': by the least of them, since one server's may be wrong itself."""
    off = [abs(seconds) for seconds in facts.vitals.clocks.values()]
    return Sample(min(off)) if off else Sample(None, note="no server has told its time yet")


def alerts_file_rejected(facts: Facts, _: timedelta) -> Sample:
    """Read whether the alerts file on disk has mistakes and is therefore not in force."""
    return Sample(int(facts.vitals.alerts_file_rejected), examples=facts.vitals.alerts_file_mistakes)
