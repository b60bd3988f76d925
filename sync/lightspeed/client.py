"""The engine's point of sale over Lightspeed's API V3."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Self, TypeVar

import httpx

from sync.clock import Clock
from sync.errors import Code, Transient
from sync.gate import Gate
from sync.http import HttpEdge, RetryPolicy
from sync.lightspeed import cards as item_cards
from sync.lightspeed import checks, sales_checks, wire
from sync.lightspeed.auth import Client, LightspeedAuth
from sync.lightspeed.calls import Calls, Limits
from sync.lightspeed.card_wire import Category, ItemWithCard
from sync.lightspeed.items import LightspeedItems
from sync.lightspeed.layaways import LayawaySettings, LightspeedLayaways
from sync.lightspeed.paging import MAX_PAGES, Sighting, Walk, at_or_after, behind, list_url
from sync.lightspeed.sales import LightspeedTill, SalesSettings
from sync.lightspeed.tokens import TokenStore
from sync.lightspeed.walks import API, Read, walk_list
from sync.model import Certificate, Finding, ItemRow, StockRow
from sync.pacing import Quota, Urgency
from sync.ports import ApiMeter, Deliver

_NO_STOCK = "non_inventory"  # such items need no ItemShop rows
T = TypeVar("T")
Categories = Mapping[str, str]
"""The full path of each category by its id."""


@dataclass(frozen=True, slots=True)
class LightspeedSettings:
    """Which shop to read, where, and within which limits. `register_id` may be "" until sales are made.

    `sales`, `sale_items` (the id of each item without stock by its setting's name) and `mirror` are what `check` looks
    at.
    `reserve` is the share of the quota that long walks leave to polling.
    """

    api_url: str
    shop_id: str
    register_id: str = ""
    sales: SalesSettings | None = None
    sale_items: Mapping[str, str] = field(default_factory=dict)
    mirror: LayawaySettings | None = None
    limits: Limits = field(default_factory=Limits)
    max_pages: int = MAX_PAGES
    reserve: float = 0.016  # of the smallest bucket one call, the dearest; a unit more makes a walk a second longer


class Lightspeed:
    """`PointOfSale` over httpx. Rows of other shops and the sum of all shops (shopID 0) are left out."""

    def __init__(
        self,
        *,
        settings: LightspeedSettings,
        auth: LightspeedAuth,
        calls: Calls,
        clock: Clock,
        edges: Sequence[HttpEdge],
    ) -> None:
        self.auth = auth
        self._settings = settings
        self._calls = calls
        self._clock = clock
        self._edges = edges

    @classmethod
    def open(
        cls,
        *,
        settings: LightspeedSettings,
        client: Client,
        store: TokenStore,
        clock: Clock,
        meter: ApiMeter,
        rng: random.Random,
        policy: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> Self:
        """Put a client together. To be closed with `aclose`; `transport` replaces the network."""

        def edge() -> HttpEdge:
            return HttpEdge(api=API, clock=clock, meter=meter, rng=rng, policy=policy, transport=transport)

        api_edge, auth_edge = edge(), edge()
        auth = LightspeedAuth(client=client, edge=auth_edge, store=store, clock=clock)
        calls = Calls(
            base=httpx.URL(settings.api_url),
            account_id=client.account_id,
            auth=auth,
            edge=api_edge,
            gate=Gate(api=API, quota=Quota(reserve=settings.reserve), clock=clock, meter=meter),
            clock=clock,
            limits=settings.limits,
        )
        return cls(settings=settings, auth=auth, calls=calls, clock=clock, edges=(api_edge, auth_edge))

    async def aclose(self) -> None:
        """Close the connections."""
        for edge in self._edges:
            await edge.aclose()

    def till(self, settings: SalesSettings) -> LightspeedTill:
        """Return the till of the same shop: one sign-in and one quota serve both."""
        return LightspeedTill(calls=self._calls, clock=self._clock, settings=settings)

    def items(self) -> LightspeedItems:
        """Return what makes items in the same account."""
        return LightspeedItems(calls=self._calls, clock=self._clock)

    def layaways(self, settings: LayawaySettings) -> LightspeedLayaways:
        """Return the layaways of one customer in the same shop."""
        return LightspeedLayaways(calls=self._calls, clock=self._clock, settings=settings)

    async def read_stock(self, since: datetime | None, deliver: Deliver[StockRow]) -> Certificate:
        """Deliver the stock rows of our shop changed at or after `since` (None: all), oldest change first.

        Raises Transient or Permanent; LS011 where the end was not proven to be reached.
        """
        changed = {} if since is None else {"timeStamp": at_or_after(since)}
        return await self._walk(
            Read(
                operation="ItemShop.changes" if since else "ItemShop.all",
                resource="ItemShop",
                url=self._url("ItemShop", shopID=self._settings.shop_id, sort="timeStamp", **changed),
                urgency=Urgency.URGENT if since else Urgency.BULK,
                by_id=False,
                parse=self._stock_rows,
                tail=None if since else self._stock_tail,
            ),
            deliver,
        )

    async def read_items(
        self, since: datetime | None, deliver: Deliver[ItemRow], *, cards: bool = False, whole: bool = True
    ) -> Certificate:
        """Deliver items, archived ones too, changed at or after `since`; None: all by id, with their stock rows.

        With `cards` the list of categories is read before, which is what those of the items come from.
        Raises as `read_stock`; also LS011 where Lightspeed left the stock rows out.
        """
        categories = await self._categories() if cards else None
        return await self._walk(
            self._all_items(categories, whole=whole) if since is None else self._changed_items(since, categories),
            deliver,
        )

    async def check(self) -> Sequence[Finding]:
        """Try sign-in, account, shop, register and rights; never raises for what it finds."""
        findings = await checks.check(self._calls, self._settings.shop_id, self._settings.register_id)
        if findings[0].ok and self._settings.sales is not None:
            findings += await sales_checks.check(self._calls, self._settings.sales, self._settings.sale_items)
        mirror = self._settings.mirror
        if findings[0].ok and mirror is not None:
            findings += await sales_checks.check_layaways(self._calls, mirror, self.layaways(mirror).lines)
        return findings

    def _all_items(self, categories: Categories | None, *, whole: bool) -> Read[ItemRow]:
        beside = item_cards.RELATIONS if whole else item_cards.COMPARED
        relations = ["ItemShops", *(() if categories is None else beside)]
        asked = {"archived": "true", "sort": "itemID", "load_relations": json.dumps(relations, separators=(",", ":"))}
        return Read(
            operation="Item.all" if categories is None else "Item.cards",
            resource="Item",
            url=self._url("Item", **asked),
            urgency=Urgency.BULK,
            by_id=True,
            parse=partial(self._items_with_stock, categories=categories, whole=whole),
            tail=lambda walk: self._url("Item", **asked, itemID=behind(walk.highest_id)),
        )

    def _changed_items(self, since: datetime, categories: Categories | None) -> Read[ItemRow]:
        asked = {"archived": "true", "sort": "timeStamp", "timeStamp": at_or_after(since)}
        if categories is not None:
            asked["load_relations"] = json.dumps(item_cards.RELATIONS, separators=(",", ":"))
        operation = "Item.changes" if categories is None else "Item.changed_cards"
        parse = partial(_items, categories=categories)
        return Read(operation, "Item", self._url("Item", **asked), Urgency.URGENT, by_id=False, parse=parse)

    async def _categories(self) -> Categories:
        """Return the full paths of all categories by id."""
        paths: dict[str, str] = {}

        async def keep(rows: Sequence[Category]) -> None:
            paths.update((row.category_id, row.path or row.name) for row in rows)

        url = self._url("Category", sort="categoryID")
        read = Read("Category.all", "Category", url, Urgency.BULK, by_id=True, parse=_category_rows)
        await self._walk(read, keep)
        return paths

    def _stock_tail(self, walk: Walk) -> str:
        newest = at_or_after(walk.newest) if walk.newest else ""
        return self._url("ItemShop", shopID=self._settings.shop_id, sort="timeStamp", timeStamp=newest)

    def _url(self, resource: str, **asked: str) -> str:
        return list_url(self._calls.base, self._calls.account_id, resource, **asked)

    async def _walk(self, read: Read[T], deliver: Deliver[T]) -> Certificate:
        return await walk_list(self._calls, self._clock, read, deliver, self._settings.max_pages)

    def _stock_rows(self, raw: list[Any]) -> list[tuple[Sighting, StockRow]]:
        rows = wire.parse_rows(wire.ItemShop, raw)
        return [
            (Sighting(row.item_shop_id, row.time_stamp, (row.time_stamp, row.qoh)), row.as_stock(row.item_id))
            for row in rows
            if row.shop_id == self._settings.shop_id
        ]

    def _items_with_stock(
        self, raw: list[Any], categories: Categories | None, *, whole: bool
    ) -> list[tuple[Sighting, ItemRow]]:
        """Return a full walk's rows; raises Transient (LS011) where Lightspeed dropped the relation, as it may."""
        items = _parsed(raw, categories)
        needing = [item for item in items if item.item_type != _NO_STOCK]
        if needing and all(item.item_shops is None for item in needing):
            raise Transient(Code.LS011, "(Item: the stock rows were left out)")
        rows = [_item(item, self._our_stock(item), categories, whole=whole) for item in items]
        return [(Sighting(row.item_id, _newest(row), None), row) for row in rows]  # by id: each is taken once

    def _our_stock(self, item: wire.Item) -> StockRow | None:
        """Return an item's row at our shop; None where there is none, or more than one: then it is not known."""
        ours = [row for row in item.item_shops or () if row.shop_id == self._settings.shop_id]
        return ours[0].as_stock(item.item_id) if len(ours) == 1 else None


def _category_rows(raw: list[Any]) -> list[tuple[Sighting, Category]]:
    rows = wire.parse_rows(Category, raw)
    return [(Sighting(row.category_id, row.time_stamp, row.time_stamp), row) for row in rows]


def _parsed(raw: list[Any], categories: Categories | None) -> Sequence[wire.Item]:
    return wire.parse_rows(wire.Item, raw) if categories is None else wire.parse_rows(ItemWithCard, raw)


def _items(raw: list[Any], categories: Categories | None) -> list[tuple[Sighting, ItemRow]]:
    rows = [_item(item, None, categories) for item in _parsed(raw, categories)]
    return [(Sighting(row.item_id, row.time_stamp, row), row) for row in rows]


def _newest(row: ItemRow) -> datetime:
    return max(row.time_stamp, row.stock.time_stamp) if row.stock else row.time_stamp


def _item(item: wire.Item, stock: StockRow | None, categories: Categories | None, *, whole: bool = True) -> ItemRow:
    card = item_cards.card_of(item, categories or {}, whole=whole) if isinstance(item, ItemWithCard) else None
    return wire.item_row(item, stock=stock, card=card)
