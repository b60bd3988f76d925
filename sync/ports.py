"""What the engine needs from the outside, as Protocols named for the need.

Adapters translate every foreign error into the tree of `errors.py`. Every reading either returns a
`Certificate` or raises; rows already delivered by then are true but prove nothing about the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from sync.model import Certificate, Finding, ItemRow, LevelRow, OrderRow, StockChange, StockRow, VariantRow, WriteResult

Row = TypeVar("Row")
Deliver = Callable[[Sequence[Row]], Awaitable[None]]
"""Takes one page of rows, parsed whole; called in page order, awaited before the next page is asked for."""


class PointOfSale(Protocol):
    """Lightspeed, as the engine sees it."""

    async def read_stock(self, since: datetime | None, deliver: Deliver[StockRow]) -> Certificate:
        """Deliver the stock rows of our shop changed at or after `since` (None: all), oldest change first."""

    async def read_items(self, since: datetime | None, deliver: Deliver[ItemRow]) -> Certificate:
        """Deliver catalogue items, archived ones too, changed at or after `since`; None: all, with their stock rows."""

    async def check(self) -> Sequence[Finding]:
        """Try sign-in, account, shop, register and rights; never raises for what it finds."""


class Storefront(Protocol):
    """Shopify, as the engine sees it."""

    async def read_levels(self, since: datetime, deliver: Deliver[LevelRow]) -> Certificate:
        """Deliver the level rows of our location changed at or after `since`, from the search index."""

    async def levels_of(self, inventory_item_ids: Sequence[str]) -> Mapping[str, LevelRow]:
        """Return the present level rows of these items (250 a call); an item not stocked here is missing."""

    async def read_orders(self, since: datetime | None, deliver: Deliver[OrderRow]) -> Certificate:
        """Deliver orders changed at or after `since`; None: all that are still open."""

    async def orders_of(self, order_ids: Sequence[str]) -> Mapping[str, OrderRow]:
        """Return these orders as they are now; a deleted one is missing."""

    async def read_variants(self, since: datetime, deliver: Deliver[VariantRow]) -> Certificate:
        """Deliver the variants changed at or after `since`, without levels."""

    async def read_everything(self, deliver: Deliver[VariantRow]) -> Certificate:
        """Deliver every variant with its level at our location, by a bulk operation."""

    async def set_available(self, key: str, reference: str, changes: Sequence[StockChange]) -> WriteResult:
        """Set `available` of at most 250 items, all or none, comparing with `before`.

        `key` is the idempotency key, `reference` a URI naming run and operation for Shopify's own history.
        Raises `OutcomeUnknown` when it may have been applied, `Transient` when it surely was not.
        """

    async def check(self) -> Sequence[Finding]:
        """Try sign-in, version, scopes and location; never raises for what it finds."""


class ApiMeter(Protocol):
    """Told of every attempt at a call, retries included, by both clients."""

    def attempt(self, api: str, operation: str, seconds: float, code: str | None) -> None:
        """Count one attempt; `code` is the catalogue code it failed with, None for success."""

    def quota(self, api: str, used_ratio: float) -> None:
        """Take note of how full the vendor's bucket is, 0 to 1."""
