"""Puts the watching parts together: metrics, rules, the outbox with its channels, the ops listener's application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version

import structlog

from monitor.alerts_file import unreachable
from monitor.alerts_model import AlertsFile, SmsSettings
from monitor.budget import Budget, Share
from monitor.channels.alertmanager import Alertmanager
from monitor.channels.base import Channel, DeliveryError
from monitor.channels.opening import open_channels
from monitor.channels.sms import VALID
from monitor.judging import Judge
from monitor.metrics import Build, Metrics
from monitor.outbox import Outbox
from monitor.reports.page import Facts
from monitor.store import Store, Told
from monitor.units import show_moments_in
from monitor.vitals import VitalsWatch, disk_of
from monitor.web.app import Application, allowed_hosts, ops_app
from monitor.web.status import Beat, HealthLimits, Status
from monitor.web.validated import Validated
from monitor.worker import DeliveryPolicy, Fallback
from monitor.workshop import Workshop
from sync.clock import Clock
from sync.settings import Settings
from sync.storage.database import Database
from sync.storage.opening import database_size
from sync.storefront.openapi import openapi

log = structlog.get_logger()

_LONGEST_BEAT = 5.0  # seconds between two beats
_BEATS = 3  # at least, within what the health check allows
_LOOK_SECONDS = 5.0  # how often it is asked whether an Alertmanager is to be told again
_NOBODY_SECONDS = 60.0  # and whether there is one by now
_PATIENCE = 3.0  # seconds that a message being sent may take when we stop; then it is in doubt, and sent again


@dataclass(frozen=True, slots=True)
class Monitor:
    """What watches a workshop: hand it the moment after each pass."""

    metrics: Metrics
    outbox: Outbox
    judge: Judge
    store: Store
    vitals: VitalsWatch
    status: Status
    settings: Settings
    database: Database
    clock: Clock

    async def evaluate(self, now: datetime) -> Sequence[Told]:
        """Read the signals, judge the rules, and write what is to be told."""
        size = await database_size(self.database, self.settings.state_dir, self.settings.database_url.url)
        self.metrics.database_bytes.set(size)
        return await self.judge.evaluate(now)

    async def take(self, content: AlertsFile) -> None:
        """Watch and deliver by what alerts.yaml says now; raises OSError where SMTP_CA_FILE cannot be read."""
        channels = open_channels(self.settings, content, self.clock)
        _warn(content, channels)
        show_moments_in(content.timezone)
        await self.outbox.take(channels, delivery_policy(content))
        self.judge.take(content)

    def reloaded(self, now: datetime, *, taken: bool, mistakes: Sequence[str] = ()) -> None:
        """Take note of how a reading of alerts.yaml went."""
        self.metrics.reloaded(now, taken=taken)
        self.vitals.reloaded(taken=taken, mistakes=mistakes)

    def ops_app(self) -> Application:
        """Return the ops listener's application."""
        token = self.settings.ops_token
        return ops_app(
            self.status,
            self.metrics.registry,
            hosts=allowed_hosts(self.settings.ops_listen.host, self.settings.ops_url),
            description=openapi(version("lightspeed-sync")),
            token=token.get_secret_value() if token is not None else None,
        )


@asynccontextmanager
async def open_monitor(shop: Workshop, channels: Mapping[str, Channel] | None = None) -> AsyncIterator[Monitor]:
    """Watch a workshop while the block runs: deliver messages, beat, hear the engine's events.

    `channels` replace those that settings and alerts name. When it ends, the messages being sent are finished first,
    for a moment. A worker that fails ends the block.
    """
    async with AsyncExitStack() as stack:
        if channels is None:
            channels = open_channels(shop.settings, shop.alerts, shop.clock)
        _warn(shop.alerts, channels)
        show_moments_in(shop.alerts.timezone)
        monitor, beat = _assembled(shop, channels)
        stack.push_async_callback(monitor.outbox.close)
        shop.events.join(monitor.metrics)
        shop.events.join(monitor.vitals)
        await monitor.outbox.recover()
        await monitor.judge.refresh(shop.clock.now())
        async with asyncio.TaskGroup() as tasks:
            delivering = tasks.create_task(monitor.outbox.run(), name="outbox")
            within = shop.alerts.limits.health.beat_within
            beating = tasks.create_task(_keep_beating(beat, within, monitor.metrics, shop.clock), name="beat")
            pushing = tasks.create_task(_keep_pushing(monitor.outbox.ways, monitor.store, shop.clock), name="push")
            try:
                yield monitor
            finally:
                beating.cancel()
                pushing.cancel()
                monitor.outbox.stop()
                await asyncio.wait({delivering}, timeout=_PATIENCE)
                delivering.cancel()


def _warn(alerts: AlertsFile, channels: Mapping[str, Channel]) -> None:
    for sentence in unreachable(alerts, frozenset(channels)):
        log.warning("channel.unreachable", detail=sentence)


def _assembled(shop: Workshop, channels: Mapping[str, Channel]) -> tuple[Monitor, Beat]:
    settings, alerts, clock = shop.settings, shop.alerts, shop.clock
    release = version("lightspeed-sync")
    metrics = Metrics(Build(release, settings.shopify_api_version))
    vitals = VitalsWatch(clock, partial(disk_of, settings.state_dir))
    store = Store(shop.database)
    outbox = Outbox(store, channels, delivery_policy(alerts), clock=clock, rng=shop.rng, meter=metrics)
    judge = Judge(
        alerts,
        ledger=shop.ledger,
        orders=shop.engine.bookings,
        books=shop.engine.poster is not None,
        holds=shop.engine.holds,
        store=store,
        outbox=outbox,
        metrics=metrics,
        vitals=vitals,
        clock=clock,
        link=settings.ops_url or "",
    )
    beat = Beat(clock)
    status = Status(
        ledger=shop.ledger,
        orders=shop.engine.bookings,
        books=shop.engine.poster is not None,
        store=store,
        beat=beat,
        limits=HealthLimits(alerts.limits.health.ready_within, alerts.limits.health.beat_within),
        clock=clock,
        version=release,
        facts=lambda: judge.facts,
        validated=Validated(shop.database, Facts(settings.shopify_store_domain, release)),
    )
    return Monitor(metrics, outbox, judge, store, vitals, status, settings, shop.database, clock), beat


def delivery_policy(alerts: AlertsFile) -> DeliveryPolicy:
    """Return how messages are delivered, as alerts.yaml says."""
    limits = alerts.limits.delivery
    return DeliveryPolicy(
        backoff=limits.backoff,
        longest_backoff=limits.longest_backoff,
        deadline=limits.deadline,
        expire=limits.expire,
        pace={name: each.pace for name, each in alerts.channels.items() if not isinstance(each, SmsSettings)},
        budgets={name: _budget(each) for name, each in alerts.channels.items() if isinstance(each, SmsSettings)},
        fallbacks={
            name: Fallback(each.fallback, each.fallback_after)
            for name, each in alerts.channels.items()
            if each.fallback is not None
        },
    )


def _budget(channel: SmsSettings) -> Budget:
    """Return each number's share of text messages; `pace` is per number too."""
    most = channel.budget
    shares = (
        Share(1, channel.pace),
        Share(most.minute, timedelta(minutes=1)),
        Share(most.quarter, timedelta(minutes=15)),
        Share(most.hour, timedelta(hours=1)),
    )
    return Budget(shares, VALID)


async def _keep_beating(beat: Beat, within: timedelta, metrics: Metrics, clock: Clock) -> None:
    seconds = min(_LONGEST_BEAT, within.total_seconds() / _BEATS)
    while True:
        await clock.sleep(seconds)
        metrics.event_loop_lag.set(max(0.0, beat.beat() - seconds))


async def _keep_pushing(ways: Mapping[str, Channel], store: Store, clock: Clock) -> None:
    """Tell each Alertmanager again and again what fires: it forgets what it hears nothing of, and all at a restart."""
    pushed: dict[str, float] = {}
    while True:
        known = [(name, channel) for name, channel in ways.items() if isinstance(channel, Alertmanager)]
        await clock.sleep(_LOOK_SECONDS if known else _NOBODY_SECONDS)
        for name, channel in known:
            now, length = clock.monotonic(), channel.repeat.total_seconds()
            if now - pushed.setdefault(name, now) >= length:
                pushed[name] = now
                await _push(name, channel, store, length)


async def _push(name: str, channel: Alertmanager, store: Store, seconds: float) -> None:
    standing = await store.standing(name)
    if not standing:
        return
    try:
        async with asyncio.timeout(seconds):
            await channel.push(standing)
    except (DeliveryError, TimeoutError) as error:
        log.info("channel.push_failed", channel=name, error=str(error))
