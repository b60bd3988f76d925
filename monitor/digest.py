"""The messages that tell of many things at once: how the day was, and what a maintenance window has hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.facts import Facts
from monitor.hiding import Silence
from monitor.notice import Kind, Notice, Severity
from monitor.units import counted, written_duration, written_minute
from sync.order_records import OrderState

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Ended:
    """An incident as a digest names it; `resolved_at` None: it still fires."""

    alert: str
    since: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Day:
    """What a daily digest is made of: the present, and what happened within the last day."""

    facts: Facts
    booked: int
    incidents: Sequence[Ended] = ()
    silences: Sequence[Silence] = ()
    sent: Mapping[str, int] = field(default_factory=dict)  # messages taken, by channel


def daily(day: Day, link: str) -> Notice:
    """Return the digest of a day: all quiet, or what is not."""
    facts = day.facts
    told = [
        ("Stock", _stock(facts)),
        ("Orders", _orders(day)),
        ("Alerts in the last day", _named(day.incidents, facts.now) or "none"),
        ("Silences", "; ".join(f"{each} (until {written_minute(each.ends_at)})" for each in day.silences) or "none"),
        ("Messages in the last day", _messages(day)),
    ]
    firing = [each for each in day.incidents if each.resolved_at is None]
    summary = f"{counted(len(firing), 'alert')} firing" if firing else "All quiet: no alert fires"
    return _digest("daily", f"daily-{facts.now:%Y%m%dT%H%M%S}", summary, told, link=link, now=facts.now)


def window_over(window: str, since: datetime, hidden: Sequence[Ended], link: str, now: datetime) -> Notice:
    """Return the digest at the end of a maintenance window: what it has hidden, and what of it still fires."""
    over = [each for each in hidden if each.resolved_at is not None]
    still = [each for each in hidden if each.resolved_at is None]
    told = [
        ("Window", f"{written_minute(since)} to {written_minute(now)} ({written_duration(now - since)})"),
        ("Began and ended meanwhile", _named(over, now) or "nothing"),
        ("Still firing, told by itself", _named(still, now) or "nothing"),
    ]
    summary = f"Maintenance is over; it has hidden {counted(len(hidden), 'alert')}"
    return _digest(f"maintenance {window}", f"window-{window}-{since:%Y%m%dT%H%M%S}", summary, told, link=link, now=now)


def addressed(notice: Notice, channel: str) -> Notice:
    """Return the digest with an identity of its own for a channel."""
    return replace(notice, identity=f"{notice.identity}-{channel}")


def _stock(facts: Facts) -> str:
    standing = facts.standing
    differing = standing.oversell_skus + standing.undersell_skus
    found = f"{counted(differing, 'SKU')} of {standing.links} differ" if differing else f"{standing.links} SKUs in step"
    if standing.quarantined_skus:
        found += f", {standing.quarantined_skus} wait for a person"
    proof = facts.proof.finished_at if facts.proof is not None else None
    return f"{found}; {f'proved equal {written_minute(proof)}' if proof else 'never proved equal'}"


def _orders(day: Day) -> str:
    if not day.facts.books:
        return "booking is not set up"
    counts = day.facts.orders.counts
    person = counts.get(OrderState.PARKED, 0) + counts.get(OrderState.DEAD, 0)
    return f"{day.booked} booked, {day.facts.orders.unbooked} waiting, {person} for a person"


def _messages(day: Day) -> str:
    sent = ", ".join(f"{name} {number}" for name, number in sorted(day.sent.items())) or "none"
    waiting = day.facts.backlog.depth
    return f"{sent}; {waiting} waiting" if waiting else sent


def _named(incidents: Sequence[Ended], now: datetime) -> str:
    shown = [_one(each, now) for each in incidents[:_MOST_NAMED]]
    more = len(incidents) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _one(incident: Ended, now: datetime) -> str:
    length = written_duration((incident.resolved_at or now) - incident.since)
    return f"{incident.alert} ({length}{'' if incident.resolved_at else ', firing'})"


def _digest(
    name: str, identity: str, summary: str, told: Sequence[tuple[str, str]], *, link: str, now: datetime
) -> Notice:
    return Notice(
        identity=identity,
        incident="digest",
        kind=Kind.DIGEST,
        alert=name,
        severity=Severity.INFO,
        summary=summary,
        signal="",
        value="",
        limit="",
        since=now,
        at=now,
        link=link,
        facts=tuple(told),
    )
