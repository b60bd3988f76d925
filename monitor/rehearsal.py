"""Tries the ways to people: a test of one channel, and drills of an alert to everybody whom it would reach.

What is sent here is about no incident and goes past the outbox, straight through the channels: it is marked in every
form, is tried once, and neither waits behind real messages nor is ever taken for one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from monitor.alerts_file import lacking
from monitor.alerts_model import Alert, AlertsFile
from monitor.asked import DrillOrder, Rehearsed, Sent, TrialOrder
from monitor.audience import audiences
from monitor.channels.base import Ambiguous, Channel, DeliveryError, Malformed, Unreachable
from monitor.conditions import comparisons
from monitor.notice import Item, Kind, Notice, Parcel, Previous, Receipt, Severity
from monitor.signals import SIGNALS
from monitor.store import Place, Store
from monitor.store.people import Deed
from monitor.units import did_you_mean
from sync.clock import Clock
from sync.errors import Code, Permanent

log = structlog.get_logger()


class Rehearsal:
    """Sends tests and drills. `content` is what alerts.yaml says, `channels` are those that there are."""

    def __init__(
        self,
        content: Callable[[], AlertsFile],
        channels: Mapping[str, Channel],
        store: Store,
        clock: Clock,
        link: str = "",
    ) -> None:
        self._content = content
        self._channels = channels
        self._store = store
        self._clock = clock
        self._link = link

    async def test(self, order: TrialOrder) -> Rehearsed:
        """Send a test to everybody whom a channel writes to; raises Permanent (NT005) for one that there is not."""
        content = self._content()
        if order.channel not in content.channels:
            raise Permanent(Code.NT005, f"({order.channel}; {did_you_mean(order.channel, content.channels)})")
        channel = self._channels.get(order.channel)
        if channel is None:
            why = lacking(content, self._channels).get(
                order.channel, "its credentials are not set in the environment, or nobody stands under it"
            )
            raise Permanent(Code.NT005, f"({order.channel}: {why})")
        places = [Place(order.channel, each) for each in channel.recipients]
        notice = trial_notice(f"test-{secrets.token_hex(6)}", order.by, self._link, self._clock.now())
        sent = await self._send([(place, notice, Previous()) for place in places])
        waiting, error = await self._store.waiting_for(order.channel)
        came = Rehearsed(order.channel, [one for one, _ in sent], waiting=waiting, last_error=error)
        return await self._kept("test", order.by, came)

    async def drill(self, order: DrillOrder) -> Rehearsed:
        """Send the beginning and the end of a pretended incident; raises Permanent (NT003) for an unknown alert."""
        content = self._content()
        alert = content.alert(order.alert)
        if alert is None:
            names = [each.name for each in content.alerts]
            raise Permanent(Code.NT003, f"({order.alert}; {did_you_mean(order.alert, names)})")
        there = {name: channel.recipients for name, channel in self._channels.items()}
        places = list(dict.fromkeys(replace(each, step=None) for each in audiences(content, there)[alert.name].places))
        began = drill_notice(alert, f"drill-{secrets.token_hex(6)}", order.by, self._link, self._clock.now())
        first = await self._send([(place, began, Previous()) for place in places])
        ended = replace(began, kind=Kind.RESOLVED, at=self._clock.now(), until=self._clock.now())
        told = [(place, receipt) for place, (_, receipt) in zip(places, first, strict=True) if receipt is not None]
        second = await self._send([(place, ended, Previous((receipt,))) for place, receipt in told])
        routed = {*content.channels_for(alert), *(name for step in content.steps_for(alert) for name in step.to)}
        missing = {name: why for name, why in lacking(content, self._channels).items() if name in routed}
        return await self._kept(
            "drill", order.by, Rehearsed(alert.name, [one for one, _ in (*first, *second)], missing)
        )

    async def _kept(self, what: str, by: str, came: Rehearsed) -> Rehearsed:
        outcomes = {f"{each.place} {each.kind.value}": each.reason or each.proof for each in came.sent}
        await self._store.note(Deed(self._clock.now(), by, what, came.subject, outcomes))
        log.info("alert.rehearsed", what=what, subject=came.subject, by=by, well=came.well)
        return came

    # --- sending ---
    async def _send(self, messages: Sequence[tuple[Place, Notice, Previous]]) -> Sequence[tuple[Sent, Receipt | None]]:
        return await asyncio.gather(*(self._sent(*each) for each in messages))

    async def _sent(self, place: Place, notice: Notice, previous: Previous) -> tuple[Sent, Receipt | None]:
        """Send one message, in its plain form where the full one is not taken."""
        began = self._clock.monotonic()
        identity = f"{notice.identity}-{place.slug}-{notice.kind.value}"
        parcel = Parcel(identity, (Item(replace(notice, identity=identity), previous),), place.recipient)
        try:
            try:
                receipt = await self._tried(place, parcel)
            except Malformed:
                receipt = await self._tried(place, parcel, plain=True)
        except DeliveryError as error:
            seconds = self._clock.monotonic() - began
            failed = Sent(str(place), notice.kind, seconds, "", error.reason, error.detail, error.code.name)
            return failed, None
        proof = " ".join(filter(None, (receipt.channel, receipt.message)))
        return Sent(str(place), notice.kind, self._clock.monotonic() - began, proof), receipt

    async def _tried(self, place: Place, parcel: Parcel, *, plain: bool = False) -> Receipt:
        channel = self._channels.get(place.channel)
        if channel is None:
            raise Unreachable("alerts.yaml was changed meanwhile, and has no such channel any more")
        deadline = self._content().limits.delivery.deadline.total_seconds()
        try:
            async with asyncio.timeout(deadline):
                return await channel.send(parcel, plain=plain)
        except TimeoutError:
            raise Ambiguous("no answer within the deadline") from None


def trial_notice(identity: str, by: str, link: str, now: datetime) -> Notice:
    """Return a test as it is told."""
    return Notice(
        identity=identity,
        incident=identity,
        kind=Kind.TEST,
        alert="Test",
        severity=Severity.INFO,
        summary="This is a test. Alerts of lightspeed-sync arrive here.",
        signal="whether messages arrive",
        value="",
        limit="",
        since=now,
        at=now,
        remedy="Nothing to do.",
        link=link,
        remarks=(f"Asked for by {by}.",),
    )


def drill_notice(alert: Alert, identity: str, by: str, link: str, now: datetime) -> Notice:
    """Return the beginning of a pretended incident as it is told."""
    about = next(comparisons(alert.when))
    return replace(
        trial_notice(identity, by, link, now),
        kind=Kind.FIRING,
        alert=f"DRILL of {alert.name}",
        severity=alert.severity,
        summary=f"This is a drill: nothing is wrong. When {alert.name} fires, its message arrives like this one.",
        signal=SIGNALS[about.signal].title,
        limit=about.bound,
        remedy="Nothing to do: this is a drill, and its end is told at once.",
    )
