"""Shopify as the engine sees it: the port `Storefront` over the Admin GraphQL API."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from sync.clock import Clock
from sync.gate import Gate
from sync.http import HttpEdge
from sync.model import Certificate, Finding, LevelRow, OrderRow, StockChange, VariantRow, WriteResult
from sync.pacing import Quota
from sync.ports import ApiMeter, Deliver
from sync.shopify import checks, export, subscriptions, writes
from sync.shopify.answers import Spoilt
from sync.shopify.api import AdminApi, Limits
from sync.shopify.auth import TokenSource
from sync.shopify.documents import SET_AVAILABLE
from sync.shopify.levels import levels_of, levels_walk
from sync.shopify.orders import OrderReader, Patience, orders_named
from sync.shopify.pages import walk_changes
from sync.shopify.products import ShopifyProducts
from sync.shopify.variants import variant_cards_walk, variants_of, variants_walk, variants_with_cards
from sync.webhooks import Subscription, Topic

API = "shopify"
NEWEST_VERIFIED = "2026-10"
_BEFORE_ALL_ORDERS = datetime(2004, 1, 1, tzinfo=UTC)  # Shopify opened in 2006


class ShopifyStorefront:
    """One shop's stock and orders at one location.

    `base_url` has no path and no slash at its end. `edge` is not closed here: who opened it closes it.
    """

    def __init__(
        self,
        *,
        base_url: str,
        shop_domain: str,
        location_id: str,
        tokens: TokenSource,
        edge: HttpEdge,
        clock: Clock,
        meter: ApiMeter,
        rng: random.Random,
        api_version: str = NEWEST_VERIFIED,
        limits: Limits | None = None,
        quota: Quota | None = None,
    ) -> None:
        self._shop_domain = shop_domain
        self._location_id = location_id
        self._clock = clock
        self._api = AdminApi(
            base_url=base_url,
            api_version=api_version,
            tokens=tokens,
            edge=edge,
            gate=Gate(api=API, quota=quota or Quota(), clock=clock, meter=meter),
            clock=clock,
            rng=rng,
            limits=limits or Limits(),
        )
        self._several: bool | None = None
        self._patience = Patience()
        self._asking = asyncio.Lock()

    async def read_levels(self, since: datetime, deliver: Deliver[LevelRow]) -> Certificate:
        """Deliver the level rows changed at or after `since`, inactive ones too; see `Storefront`."""
        window = partial(levels_walk, self._location_id)
        return await walk_changes(self._api, window, since, deliver, self._clock)

    async def levels_of(self, inventory_item_ids: Sequence[str]) -> Mapping[str, LevelRow]:
        """Return the present level rows of these items, 250 a call; see `Storefront`."""
        return await levels_of(self._api, self._location_id, inventory_item_ids)

    async def read_orders(self, since: datetime | None, deliver: Deliver[OrderRow]) -> Certificate:
        """Deliver orders changed at or after `since`, None: all with units to send; see `Storefront`."""
        reader = await self._order_reader()
        try:
            return await self._read_orders(reader, since, deliver)
        except Spoilt:
            return await self._read_orders(reader.careful(), since, deliver)

    async def _read_orders(
        self, reader: OrderReader, since: datetime | None, deliver: Deliver[OrderRow]
    ) -> Certificate:
        window = reader.open_window if since is None else reader.window
        return await walk_changes(self._api, window, since or _BEFORE_ALL_ORDERS, deliver, self._clock)

    async def orders_of(self, order_ids: Sequence[str]) -> Mapping[str, OrderRow]:
        """Return these orders as they are now; see `Storefront`."""
        reader = await self._order_reader()
        return await reader.by_id(order_ids)

    async def orders_named(self, names: Sequence[str], since: datetime) -> Sequence[str]:
        """Return the ids of the orders with these names or numbers; see `Storefront`."""
        return await orders_named(self._api, names, since)

    async def read_variants(self, since: datetime, deliver: Deliver[VariantRow], *, cards: bool = False) -> Certificate:
        """Deliver the variants changed at or after `since`, without levels; see `Storefront`."""
        until = self._clock.now()
        if cards:
            certificate = await walk_changes(self._api, variant_cards_walk, since, deliver, self._clock, until=until)
        else:
            certificate = await walk_changes(self._api, variants_walk, since, deliver, self._clock, until=until)
        # The window was closed by our clock: where it is slow, the server's time lies beyond what was asked for.
        newest = certificate.newest and min(certificate.newest, until)
        return replace(certificate, newest=newest)

    async def variants_of(self, variant_ids: Sequence[str], *, cards: bool = False) -> Mapping[str, VariantRow]:
        """Return these variants as they are now, without levels; see `Storefront`."""
        return await (variants_with_cards if cards else variants_of)(self._api, variant_ids)

    async def read_everything(self, deliver: Deliver[VariantRow], *, cards: bool = False) -> Certificate:
        """Deliver every variant with its level by a bulk operation, and look anew whether there are more locations."""
        self._several = await checks.has_several_locations(self._api)
        return await export.read_everything(self._api, self._location_id, deliver, cards=cards)

    async def set_available(self, key: str, reference: str, changes: Sequence[StockChange]) -> WriteResult:
        """Set `available`, all or none; see `Storefront`.

        Repeats the call with the same key and bytes while nobody answers, for as long as `Limits` allow.
        """
        variables = writes.variables(key, reference, self._location_id, changes)
        return await self._api.write(SET_AVAILABLE, variables, writes.interpreter(changes))

    @property
    def products(self) -> ShopifyProducts:
        """Return the products of the same shop: one sign-in and one quota serve both."""
        return ShopifyProducts(self._api, self._location_id)

    async def subscriptions(self) -> Sequence[Subscription]:
        """Return our app's webhook subscriptions; see `Hooks`."""
        return await subscriptions.subscriptions(self._api)

    async def subscribe(self, topic: Topic, uri: str) -> str:
        """Subscribe to a topic; see `Hooks`."""
        return await subscriptions.subscribe(self._api, topic, uri)

    async def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription; see `Hooks`."""
        await subscriptions.unsubscribe(self._api, subscription_id)

    async def check(self) -> Sequence[Finding]:
        """Try sign-in, version, scopes and location; see `Storefront`."""
        findings, several = await checks.check(self._api, self._location_id, self._shop_domain)
        self._several = several if several is not None else self._several
        return findings

    async def _order_reader(self) -> OrderReader:
        async with self._asking:
            if self._several is None:
                self._several = await checks.has_several_locations(self._api)
        return OrderReader(self._api, self._location_id, self._patience, several=self._several)
