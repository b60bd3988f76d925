"""The real engine over the sandbox's world, in process and on one manual clock: nothing waits for real."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx

from monitor.alerts_model import AlertsFile
from monitor.asked import SyncOrder, SyncReply
from monitor.workshop import Workshop, engine_limits, workshop
from sandbox.catalogue import generate
from sandbox.clock import ManualClock
from sandbox.goods import Good
from sandbox.world import World
from sync.config import load_settings
from sync.feeds import Feeds
from sync.linking import Linking
from sync.ports import Ledger, PointOfSale, Storefront
from sync.posting import InFlight, Poster
from sync.stock_sync import PassReport, PassRequest, StockSync
from sync.storage.mirror_book import SqlMirrorBook
from tests.state import with_tables

START = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
INCREMENTAL = SyncOrder()
FULL = SyncOrder(full=True)


class OneClock:
    """The world's clock as the product asks for it; ours may be ahead of the shops', or behind (negative)."""

    def __init__(self, clock: ManualClock, ahead: timedelta = timedelta()) -> None:
        self._clock = clock
        self.ahead = ahead

    def now(self) -> datetime:
        """Return the time by our clock."""
        return self._clock.now() + self.ahead

    def monotonic(self) -> float:
        """Return the world's seconds since the start."""
        return (self._clock.now() - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Move the world's time forward."""
        await self._clock.sleep(max(0.0, seconds))


class ByHost(httpx.AsyncBaseTransport):
    """One transport for all services of a world, chosen by the address that is asked."""

    def __init__(self, transports: Mapping[str, httpx.AsyncBaseTransport]) -> None:
        self._by_host = {httpx.URL(address).host: transport for address, transport in transports.items()}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the service's answer; an unknown host cannot be reached."""
        transport = self._by_host.get(request.url.host)
        if transport is None:
            message = f"nothing is served at {request.url.host}"
            raise httpx.ConnectError(message, request=request)
        return await transport.handle_async_request(request)


class Killed(BaseException):
    """The process is gone, as by `kill -9`: nothing that handles errors may handle this."""


class Killer:
    """Kills the process at the k-th call to one host: at its arrival, after its effect, or after its answer."""

    MOMENTS = ("at arrival", "after the effect", "after the answer")

    def __init__(self, at: int, moment: str, *, host: str) -> None:
        self._left = at
        self._moment = moment
        self._host = host
        self._dead = False

    def around(self, inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """Return a transport that is cut off when the moment comes, and stays so."""
        killer = self

        class Doomed(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                return await killer.pass_on(inner, request)

        return Doomed()

    async def pass_on(self, inner: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
        """Answer a request, or die at it; the dead send nothing."""
        if self._dead:
            raise Killed
        self._left -= request.url.host == self._host
        dies = self._left == 0 and request.url.host == self._host
        if dies and self._moment == "at arrival":
            self._die()
        response = await inner.handle_async_request(request)
        if dies and self._moment == "after the effect":
            self._die()
        if dies:  # the answer is read to its end first: what becomes of it is lost with the process
            self._left = -1
            self._dead = True
        return response

    def _die(self) -> None:
        self._dead = True
        raise Killed


@dataclass(slots=True)
class Shop:
    """A world and the engine at work in it."""

    world: World
    clock: ManualClock
    work: Workshop
    seen_writes: int = 0

    async def sync(self, order: SyncOrder = INCREMENTAL) -> SyncReply:
        """Make one pass; whatever it raised in Shopify must be covered by the store."""
        reply = await self.work.actions.sync(order)
        self.no_raise_above_truth()
        return reply

    @property
    def poster(self) -> Poster:
        """Return the worker that books orders."""
        assert self.work.engine.poster is not None
        return self.work.engine.poster

    async def passes(self, count: int, *, every: float = 90.0) -> list[SyncReply]:
        """Make passes with time between them."""
        replies = []
        for _ in range(count):
            self.clock.advance(every)
            replies.append(await self.sync())
        return replies

    def no_raise_above_truth(self) -> None:
        """Fail if a stock write since the last call raised a number above what the store can deliver."""
        new = self.world.shopify.writes[self.seen_writes :]
        self.seen_writes += len(new)
        for write in new:
            assert write.after <= max(write.before, self.world.sellable(write.sku)), write

    def in_step(self, *, but: Sequence[str] = ()) -> bool:
        """Tell whether Shopify shows what the store can deliver, for every good but some."""
        return not self.apart(but=but)

    def apart(self, *, but: Sequence[str] = ()) -> dict[str, tuple[int, int]]:
        """Return what Shopify shows and what it should show, where they differ."""
        shop = self.world.shopify
        both = {good.sku: (shop.available(good.sku), self.world.sellable(good.sku)) for good in self.world.goods}
        return {sku: pair for sku, pair in both.items() if pair[0] != pair[1] and sku not in but}


def few(count: int = 8, stock: int = 20) -> list[Good]:
    """Return plain goods with the same stock in both shops."""
    return [replace(good, stock=stock, online_stock=None) for good in generate(count, 1, odd=False)]


def count_calls(world: World) -> int:
    """Return how many requests both shops were asked so far."""
    return world.requests["lightspeed"].total() + world.requests["shopify"].total()


@asynccontextmanager
async def open_shop(
    world: World,
    clock: ManualClock,
    state: Path,
    *,
    alerts: AlertsFile | None = None,
    ahead: timedelta = timedelta(),
    killer: Killer | None = None,
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[Shop]:
    """Open the engine over a world, as a process does at its start; `killer` ends it at a moment of its choice.

    `more` are further settings.
    """
    transport: httpx.AsyncBaseTransport = ByHost(world.transports())
    settings = load_settings(world.settings() | {"STATE_DIR": str(with_tables(state))} | dict(more or {}))
    opened = workshop(
        settings,
        alerts or AlertsFile(),
        clock=OneClock(clock, ahead),
        rng=random.Random(1),
        transport=killer.around(transport) if killer else transport,
        threads=False,
    )
    async with opened as work:
        yield Shop(world, clock, work, seen_writes=len(world.shopify.writes))


@asynccontextmanager
async def live_shop(
    goods: Sequence[Good], state: Path, *, index_lag_seconds: float = 0.0, ahead: timedelta = timedelta()
) -> AsyncIterator[Shop]:
    """Open a shop, bring it in step by a confirmed plan and let ten minutes pass."""
    clock = ManualClock(START)
    world = World(goods, clock=clock, index_lag_seconds=index_lag_seconds)
    async with open_shop(world, clock, state, ahead=ahead) as shop:
        await go_live(shop)
        clock.advance(600)
        await shop.sync()
        clock.advance(600)
        yield shop


async def go_live(shop: Shop) -> tuple[SyncReply, SyncReply]:
    """Make the first plan, confirm it, and return both answers."""
    plan = await shop.sync(SyncOrder(full=True, dry_run=True))
    return plan, await shop.sync(SyncOrder(full=True, plan=plan.plan))


class Fuse:
    """Ends the process, so to speak, at the k-th moment before or after an awaited call."""

    def __init__(self, at: int) -> None:
        self._left = at

    @property
    def blown(self) -> bool:
        """Tell whether the moment came."""
        return self._left <= 0

    def strike(self) -> None:
        """Let one moment pass; raises CancelledError from the k-th on, as the tasks of a killed process see it."""
        self._left -= 1
        if self.blown:
            raise asyncio.CancelledError


class Fused:
    """Something whose every awaited call is a moment before and a moment after it."""

    def __init__(self, inner: object, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._inner, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._fuse.strike()
            answer = await method(*args, **kwargs)
            self._fuse.strike()
            return answer

        return call


async def crash(shop: Shop, fuse: Fuse, request: PassRequest | None = None) -> PassReport | None:
    """Make one pass, an incremental one by default, that dies when the fuse blows; return None if it did."""
    engine = shop.work.engine
    limits = engine_limits(shop.work.alerts)
    pos = cast("PointOfSale", Fused(engine.pos, fuse))
    storefront = cast("Storefront", Fused(engine.storefront, fuse))
    ledger = cast("Ledger", Fused(engine.ledger, fuse))
    feeds = Feeds(ledger=ledger, clock=shop.work.clock, overlaps=limits.overlaps)
    stock = StockSync(
        pos=pos,
        storefront=storefront,
        ledger=ledger,
        feeds=feeds,
        linking=Linking(pos=pos, storefront=storefront, ledger=ledger, feeds=feeds, clock=shop.work.clock),
        in_flight=InFlight(
            bookings=engine.bookings,
            mirror=SqlMirrorBook(shop.work.database),
            till=None,
            clock=shop.work.clock,
            tell=shop.work.events,
        ),
        clock=shop.work.clock,
        tell=shop.work.events,
        turn=asyncio.Lock(),
        policy=limits.policy,
        brakes=limits.brakes,
        secure=engine.backups.before,
    )
    try:
        return await stock.run(request or PassRequest())
    except asyncio.CancelledError:
        return None
