"""Puts the engine together: both clients, the ledger and the passes, from settings and limits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypedDict

import httpx

from sync.app_settings import (
    booking_items,
    layaway_settings,
    lightspeed_client,
    mirror_policy,
    named_items,
    revealed,
    sales_settings,
)
from sync.backup import FOLDER, KEPT, Backups
from sync.booking_ports import Bookings
from sync.catalogue.catalogue import Catalogue
from sync.catalogue.policy import CataloguePolicy
from sync.clock import Clock
from sync.events import ApiEvents, Listener
from sync.feeds import Feeds, Overlaps
from sync.http import HttpEdge, RetryPolicy
from sync.intake import Intake, Patience
from sync.item_desk import ItemDesk
from sync.lightspeed.calls import Limits as LightspeedLimits
from sync.lightspeed.client import Lightspeed, LightspeedSettings
from sync.lightspeed.sales import LightspeedTill, SalesSettings
from sync.lightspeed.tokens import StoredTokens
from sync.linking import Linking
from sync.mapping_desk import MappingDesk
from sync.mirror import Mirror
from sync.mirror_ports import MirrorBook
from sync.order_desk import OrderDesk
from sync.plan import Brakes
from sync.ports import Inbox, Ledger, PointOfSale, Storefront
from sync.posting import InFlight, Poster, PostingPolicy
from sync.reservations import HOLD_ID_BITS, AskLimits, HoldLimits
from sync.rollback import Rollback
from sync.rollback_fields import FieldsBack
from sync.rollback_links import LinksBack
from sync.sale_watch import SaleWatch
from sync.settings import Settings
from sync.shopify.api import Limits as ShopifyLimits
from sync.shopify.auth import ClientCredentials, StaticToken, TokenSource
from sync.shopify.client import API as SHOPIFY
from sync.shopify.client import ShopifyStorefront
from sync.stock import Policy
from sync.stock_sync import StockSync
from sync.storage.catalogue import SqlCatalogue
from sync.storage.database import Database
from sync.storage.finding_book import SqlFindingBook
from sync.storage.holds import SqlHolds
from sync.storage.ledger import SqlLedger
from sync.storage.makings import SqlMakingBook
from sync.storage.mapping import SqlMapBook
from sync.storage.mirror_book import SqlMirrorBook
from sync.storage.order_book import SqlBookings
from sync.storage.rollback import SqlRollbacks
from sync.storage.tokens import SqlTokens
from sync.storage.webhooks import SqlInbox
from sync.subscriptions import Subscriptions
from sync.validation.partners import likely_partners
from sync.validation.validating import Validation


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """The engine's limits, as alerts.yaml sets them."""

    policy: Policy = field(default_factory=Policy)
    brakes: Brakes = field(default_factory=Brakes)
    overlaps: Overlaps = field(default_factory=Overlaps)
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    webhooks: Patience = field(default_factory=Patience)
    deadline: float = 30.0  # seconds that one attempt at a call may take, in all
    book_before_cut_over: bool = True  # orders from before going live are in Lightspeed's stock already
    posting: PostingPolicy = field(default_factory=PostingPolicy)
    holds: HoldLimits = field(default_factory=HoldLimits)
    asks: AskLimits = field(default_factory=AskLimits)
    check_pace: timedelta = timedelta(seconds=15)  # least time between two passes that shoppers' pages ask for
    catalogue: CataloguePolicy = field(default_factory=CataloguePolicy)
    backups_kept: int = KEPT  # of each kind


@dataclass(frozen=True, slots=True)
class Engine:
    """What moves data between the two shops.

    `poster` and `sale_watch` are None while the settings name no way to make sales, `subscriptions` while they name
    no PUBLIC_URL.
    """

    pos: PointOfSale
    storefront: Storefront
    ledger: Ledger
    bookings: Bookings
    linking: Linking
    catalogue: Catalogue
    stock: StockSync
    validation: Validation
    inbox: Inbox
    intake: Intake
    subscriptions: Subscriptions | None
    poster: Poster | None
    sale_watch: SaleWatch | None
    mirror: Mirror
    desk: OrderDesk
    mapping: MappingDesk
    items: ItemDesk
    holds: SqlHolds
    rollback: Rollback
    rollbacks: SqlRollbacks
    backups: Backups
    redeem: Callable[[str, str], Awaitable[None]]  # a consent's code and verifier: sign in to Lightspeed anew


@dataclass(frozen=True, slots=True)
class _Ways:
    """What both clients are opened with; `transport` replaces the network."""

    clock: Clock
    meter: ApiEvents
    rng: random.Random
    retries: RetryPolicy
    deadline: float
    transport: httpx.AsyncBaseTransport | None


class _Passing(TypedDict):
    """What whoever reads both shops and writes stock needs."""

    pos: PointOfSale
    storefront: Storefront
    ledger: Ledger
    feeds: Feeds
    linking: Linking
    in_flight: InFlight
    clock: Clock
    tell: Listener
    turn: asyncio.Lock
    policy: Policy
    secure: Callable[[int], Awaitable[None]]


@asynccontextmanager
async def open_engine(
    *,
    settings: Settings,
    limits: EngineLimits,
    database: Database,
    clock: Clock,
    tell: Listener,
    rng: random.Random,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Engine]:
    """Open connections to both shops over an open database; `transport` replaces the network.

    Nobody may be able to guess what `rng` draws: reservations are known by it.
    """
    ways = _Ways(clock, ApiEvents(tell), rng, limits.retries, limits.deadline, transport)
    async with AsyncExitStack() as stack:
        pos = _lightspeed(settings, SqlTokens(database, revealed(settings.state_key), StoredTokens), ways)
        stack.push_async_callback(pos.aclose)
        edge = HttpEdge(api=SHOPIFY, clock=clock, meter=ways.meter, rng=rng, policy=limits.retries, transport=transport)
        stack.push_async_callback(edge.aclose)
        holds = SqlHolds(
            database, limits=limits.holds, tell=tell, new_id=lambda: f"{rng.getrandbits(HOLD_ID_BITS):032x}"
        )
        yield _assembled(settings, limits, pos, _shopify(settings, edge, ways), database, clock, tell, holds)


def _assembled(  # noqa: PLR0917 - what the parts have in common
    settings: Settings,
    limits: EngineLimits,
    pos: Lightspeed,
    storefront: ShopifyStorefront,
    database: Database,
    clock: Clock,
    tell: Listener,
    holds: SqlHolds,
) -> Engine:
    """Put the engine's parts together over both clients and the database."""
    ledger = SqlLedger(database, book_before_cut_over=limits.book_before_cut_over)
    bookings = SqlBookings(database)
    feeds = Feeds(ledger=ledger, clock=clock, overlaps=limits.overlaps)
    linking = Linking(pos=pos, storefront=storefront, ledger=ledger, feeds=feeds, clock=clock)
    turn, links = asyncio.Lock(), SqlMapBook(database)
    book = SqlMirrorBook(database)
    mirror = _mirror(settings, pos, book, ledger=ledger, bookings=bookings, clock=clock, turn=turn)
    till, poster, desk = _booking(
        settings, limits, pos, storefront, mirror, ledger=ledger, bookings=bookings, clock=clock, tell=tell, turn=turn
    )
    in_flight = InFlight(bookings=bookings, mirror=book, till=till, clock=clock, tell=tell)
    rollbacks = SqlRollbacks(database)
    backups = backups_of(settings, database, clock, limits)
    passing: _Passing = {
        "pos": pos,
        "storefront": storefront,
        "ledger": ledger,
        "feeds": feeds,
        "linking": linking,
        "in_flight": in_flight,
        "clock": clock,
        "tell": tell,
        "turn": turn,
        "policy": limits.policy,
        "secure": backups.before,
    }
    stock = StockSync(**passing, brakes=limits.brakes)
    watch = SaleWatch(bookings=bookings, till=till, feeds=feeds, clock=clock, tell=tell, turn=turn) if till else None
    inbox = SqlInbox(database)
    intake = _intake(settings, limits, storefront, inbox=inbox, ledger=ledger, clock=clock, tell=tell, turn=turn)
    catalogue = _catalogue(storefront, database, ledger, clock, limits.catalogue)
    links_back = LinksBack(rollbacks=rollbacks, book=links, linking=linking, clock=clock)
    rollback = Rollback(**passing, rollbacks=rollbacks, fields=FieldsBack(catalogue), links=links_back)
    url = settings.public_url
    return Engine(
        pos=pos,
        storefront=storefront,
        ledger=ledger,
        bookings=bookings,
        linking=linking,
        catalogue=catalogue,
        stock=stock,
        validation=_validation(stock, database, clock),
        inbox=inbox,
        intake=intake,
        subscriptions=Subscriptions(hooks=storefront, inbox=inbox, public_url=url) if url else None,
        poster=poster,
        sale_watch=watch,
        mirror=mirror,
        desk=desk,
        mapping=MappingDesk(book=links, linking=linking, clock=clock, tell=tell, turn=turn),
        items=_items(pos, database, links, passing, limits.posting.quarantine),
        holds=holds,
        rollback=rollback,
        rollbacks=rollbacks,
        backups=backups,
        redeem=pos.auth.redeem,
    )


def backups_of(settings: Settings, database: Database, clock: Clock, limits: EngineLimits) -> Backups:
    """Return what makes backups; alerts.yaml goes with them, credentials stand in the environment alone."""

    def texts() -> dict[str, str]:
        path = settings.alerts_file
        return {"alerts.yaml": path.read_text(encoding="utf-8", errors="replace")} if path.is_file() else {}

    return Backups(
        database,
        folder=settings.state_dir / FOLDER,
        shop=settings.shop_names,
        texts=texts,
        set_aside=limits.policy.set_aside,
        clock=clock,
        kept=limits.backups_kept,
    )


def _validation(stock: StockSync, database: Database, clock: Clock) -> Validation:
    book, catalogue = SqlFindingBook(database), SqlCatalogue(database)
    return Validation(stock=stock, book=book, catalogue=catalogue, clock=clock, suggest=likely_partners)


def _items(
    pos: Lightspeed, database: Database, links: SqlMapBook, passing: _Passing, quarantine: timedelta
) -> ItemDesk:
    return ItemDesk(
        maker=pos.items(),
        book=SqlMakingBook(database),
        links=links,
        ledger=passing["ledger"],
        linking=passing["linking"],
        clock=passing["clock"],
        turn=passing["turn"],
        quarantine=quarantine,
    )


def _intake(
    settings: Settings,
    limits: EngineLimits,
    storefront: ShopifyStorefront,
    *,
    inbox: Inbox,
    ledger: Ledger,
    clock: Clock,
    tell: Listener,
    turn: asyncio.Lock,
) -> Intake:
    return Intake(
        inbox=inbox,
        ledger=ledger,
        storefront=storefront,
        hooks=storefront,
        clock=clock,
        tell=tell,
        turn=turn,
        location_id=settings.shopify_location_id,
        patience=limits.webhooks,
    )


def _catalogue(
    storefront: ShopifyStorefront, database: Database, ledger: Ledger, clock: Clock, policy: CataloguePolicy
) -> Catalogue:
    return Catalogue(
        book=SqlCatalogue(database),
        products=storefront.products,
        shelves=storefront,
        ledger=ledger,
        clock=clock,
        policy=policy,
    )


def _mirror(
    settings: Settings,
    pos: Lightspeed,
    book: MirrorBook,
    *,
    ledger: Ledger,
    bookings: Bookings,
    clock: Clock,
    turn: asyncio.Lock,
) -> Mirror:
    """Return the worker that mirrors reservations; where the settings name no customer, it only lets go."""
    return Mirror(
        book=book,
        layaways=pos.layaways(layaway_settings(settings)),
        bookings=bookings,
        ledger=ledger,
        clock=clock,
        turn=turn,
        policy=mirror_policy(settings),
    )


def _booking(
    settings: Settings,
    limits: EngineLimits,
    pos: Lightspeed,
    storefront: Storefront,
    mirror: Mirror,
    *,
    ledger: Ledger,
    bookings: Bookings,
    clock: Clock,
    tell: Listener,
    turn: asyncio.Lock,
) -> tuple[LightspeedTill | None, Poster | None, OrderDesk]:
    """Return the till and the worker that books orders, None where nothing is to be booked, and the people's desk."""
    sales = sales_settings(settings)
    till = pos.till(sales) if sales else None
    looking = till or pos.till(SalesSettings(settings.lightspeed_shop_id, settings.lightspeed_register_id, "", ""))
    poster = None
    if till is not None:
        policy = replace(limits.posting, items=booking_items(settings))
        poster = Poster(
            bookings=bookings,
            till=till,
            ledger=ledger,
            clock=clock,
            tell=tell,
            turn=turn,
            policy=policy,
            let_go=mirror.let_go_of,
        )
    desk = OrderDesk(
        bookings=bookings,
        ledger=ledger,
        storefront=storefront,
        till=till,
        look_up=looking.sale,
        clock=clock,
        tell=tell,
        turn=turn,
    )
    return till, poster, desk


def _lightspeed(settings: Settings, tokens: SqlTokens[StoredTokens], ways: _Ways) -> Lightspeed:
    return Lightspeed.open(
        settings=LightspeedSettings(
            api_url=settings.lightspeed_api_url,
            shop_id=settings.lightspeed_shop_id,
            register_id=settings.lightspeed_register_id,
            sales=sales_settings(settings),
            sale_items=named_items(settings),
            mirror=layaway_settings(settings) if settings.lightspeed_holds_customer_id else None,
            limits=LightspeedLimits(deadline=ways.deadline),
        ),
        client=lightspeed_client(settings),
        store=tokens,
        clock=ways.clock,
        meter=ways.meter,
        rng=ways.rng,
        policy=ways.retries,
        transport=ways.transport,
    )


def _shopify(settings: Settings, edge: HttpEdge, ways: _Ways) -> ShopifyStorefront:
    return ShopifyStorefront(
        base_url=settings.shopify_admin_url,
        shop_domain=settings.shopify_store_domain,
        location_id=settings.shopify_location_id,
        tokens=_token_source(settings, edge, ways.clock),
        edge=edge,
        clock=ways.clock,
        meter=ways.meter,
        rng=ways.rng,
        api_version=settings.shopify_api_version,
        limits=ShopifyLimits(attempt_seconds=ways.deadline),
    )


def _token_source(settings: Settings, edge: HttpEdge, clock: Clock) -> TokenSource:
    if settings.shopify_client_id and settings.shopify_client_secret:
        return ClientCredentials(
            base_url=settings.shopify_admin_url,
            client_id=settings.shopify_client_id,
            client_secret=settings.shopify_client_secret.get_secret_value(),
            edge=edge,
            clock=clock,
        )
    token = settings.shopify_admin_api_access_token
    return StaticToken(revealed(token) or "")
