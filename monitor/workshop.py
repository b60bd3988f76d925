"""Opens what works on the shops: the state directory, the engine over it, and its levers.

The daemon keeps a workshop open for its life; a command takes one for itself where no daemon runs.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx

from monitor.actions import Actions
from monitor.alerts_model import AlertsFile
from monitor.calls import Buckets
from sync.app import Engine, EngineLimits, open_engine
from sync.clock import Clock, SystemClock
from sync.events import Events
from sync.feeds import Overlaps
from sync.http import RetryPolicy
from sync.intake import Patience
from sync.plan import Brakes
from sync.ports import Ledger
from sync.posting import PostingPolicy
from sync.reservations import AskLimits, HoldLimits, Pace
from sync.sellers import Sellers
from sync.settings import Settings
from sync.stock import Policy
from sync.storage.database import Database
from sync.storage.opening import Shop, open_database


@dataclass(frozen=True, slots=True)
class Workshop:
    """What is open: everything that reads or changes the shops goes through it."""

    settings: Settings
    alerts: AlertsFile
    clock: Clock
    rng: random.Random
    database: Database
    events: Events
    engine: Engine
    actions: Actions

    @property
    def ledger(self) -> Ledger:
        """Return our own durable record."""
        return self.engine.ledger


@asynccontextmanager
async def workshop(
    settings: Settings,
    alerts: AlertsFile,
    *,
    clock: Clock | None = None,
    rng: random.Random | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    threads: bool = True,
    database: Database | None = None,
) -> AsyncIterator[Workshop]:
    """Take the state directory and open the engine; what an earlier process left open is closed first.

    `transport` replaces the network, `threads` False keeps everything in this loop, `database` is one that is open
    already; it is closed all the same. Raises Permanent (ST001 to ST009) where the state must not be used.
    """
    clock = clock or SystemClock()
    rng = rng or random.SystemRandom()  # unguessable: what shoppers hold is known by ids of it
    events, buckets = Events(), Buckets()
    events.join(buckets)
    database = database or open_state(settings, clock.now(), threads=threads)
    try:
        async with open_engine(
            settings=settings,
            limits=engine_limits(alerts),
            database=database,
            clock=clock,
            tell=events,
            rng=rng,
            transport=transport,
        ) as engine:
            await engine.ledger.interrupt_runs(clock.now())
            actions = Actions(
                stock=engine.stock,
                catalogue=engine.catalogue,
                sellers=Sellers(engine.storefront, engine.ledger),
                validation=engine.validation,
                desk=engine.desk,
                mapping=engine.mapping,
                items=engine.items,
                rollback=engine.rollback,
                rollbacks=engine.rollbacks,
                ledger=engine.ledger,
                clock=clock,
                tell=events,
                environment=settings.environment.value,
                buckets=buckets.known,
                redeem=engine.redeem,
            )
            yield Workshop(settings, alerts, clock, rng, database, events, engine, actions)
    finally:
        await database.close()


def open_state(settings: Settings, now: datetime, *, threads: bool = True) -> Database:
    """Open the database of the shop that the settings name."""
    shop, url = Shop(**settings.shop_names), settings.database_url.url
    return open_database(settings.state_dir, shop, now, url=url, threads=threads)


def engine_limits(alerts: AlertsFile) -> EngineLimits:
    """Return the engine's limits as alerts.yaml sets them."""
    stock, orders, api = alerts.limits.stock, alerts.limits.orders, alerts.limits.api
    visitors = alerts.limits.storefront
    return EngineLimits(
        policy=Policy(
            order_lag=stock.order_lag,
            drift_limit=stock.drift_limit,
            hot_item_lags=stock.hot_item_lags,
            unsettled_reads=stock.unsettled_reads,
            unsettled_lags=stock.unsettled_lags,
        ),
        brakes=Brakes(
            zero_share=stock.brakes.zero,
            change_share=stock.brakes.change,
            match_share=stock.brakes.match,
            at_least=stock.brakes.min_links,
        ),
        book_before_cut_over=stock.book_before_cut_over,
        posting=PostingPolicy(
            quarantine=orders.quarantine,
            look_again=orders.look_again,
            first_wait=orders.first_wait,
            longest_wait=orders.longest_wait,
        ),
        webhooks=Patience(
            attempts=alerts.limits.webhooks.attempts,
            backoff=alerts.limits.webhooks.backoff,
            longest=alerts.limits.webhooks.longest_backoff,
        ),
        holds=HoldLimits(
            ttl=visitors.hold_for,
            cart_units=visitors.cart_units,
            cart_holds=visitors.cart_holds,
            client_holds=visitors.client_holds,
            client_units=visitors.client_units,
            client_share=visitors.client_share,
        ),
        asks=AskLimits(
            client=Pace(visitors.client_rate, visitors.client_burst), everybody=Pace(visitors.rate, visitors.burst)
        ),
        check_pace=visitors.check_pace,
        backups_kept=alerts.limits.backups.keep,
        catalogue=alerts.catalogue.policy(),
        deadline=api.deadline.total_seconds(),
        overlaps=Overlaps(lightspeed=stock.lightspeed_overlap, shopify=stock.shopify_overlap),
        retries=RetryPolicy(
            attempts=api.attempts,
            base=api.backoff.total_seconds(),
            cap=api.longest_backoff.total_seconds(),
            longest_wait=api.longest_wait.total_seconds(),
        ),
    )
