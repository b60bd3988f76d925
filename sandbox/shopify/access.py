"""Who may call which version: access tokens, scopes and the routing of API versions."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.clock import Clock

STATIC_TOKEN = "shpat_sandbox"
CLIENT_ID, CLIENT_SECRET = "sandbox-app", "sandbox-app-secret"
TOKEN_SECONDS = 86_399

SERVED = ("2026-01", "2026-04", "2026-07", "2026-10")
FIRST_VERSION = "2019-04"

ALL_SCOPES = (
    "read_all_orders",
    "read_inventory",
    "read_locations",
    "read_merchant_managed_fulfillment_orders",
    "read_orders",
    "read_products",
    "write_inventory",
    "write_orders",
    "write_products",
)

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "InventoryItem": ("read_inventory", "read_products"),
    "InventoryLevel": ("read_inventory",),
    "InventoryQuantity": ("read_inventory",),
    "InventoryProperties": ("read_inventory",),
    "Location": ("read_locations", "read_inventory"),
    "Product": ("read_products",),
    "ProductVariant": ("read_products",),
    "Order": ("read_orders",),
    "LineItem": ("read_orders",),
    "Refund": ("read_orders",),
    "RefundLineItem": ("read_orders",),
    "Fulfillment": ("read_orders", "read_merchant_managed_fulfillment_orders"),
    "FulfillmentOrder": ("read_merchant_managed_fulfillment_orders",),
    "Mutation.inventorySetQuantities": ("write_inventory",),
    "Mutation.inventoryAdjustQuantities": ("write_inventory",),
    "Mutation.inventoryActivate": ("write_inventory",),
    "Mutation.inventoryDeactivate": ("write_inventory",),
    "Mutation.inventoryItemUpdate": ("write_inventory",),
    "Collection": ("read_products",),
    **{
        f"Mutation.{name}": ("write_products",)
        for name in (
            "productCreate",
            "productSet",
            "productUpdate",
            "productVariantsBulkUpdate",
            "tagsAdd",
            "tagsRemove",
        )
    },
    "InventoryItem.inventoryLevel": ("read_inventory",),
    "InventoryItem.inventoryLevels": ("read_inventory",),
    **{
        f"Location.{name}": ("read_locations",)
        for name in ("address", "inventoryLevel", "inventoryLevels", "isActive", "name", "shipsInventory")
    },
}
"""What a type, a field or a mutation asks of the token: any one of these scopes."""


def serve_version(asked: str | None, *, oldest: str = SERVED[0]) -> str | None:
    """Return the version that answers: the asked one, the oldest for an expired one or none, None for no such one."""
    if asked is None:
        return oldest
    if asked in SERVED:
        return asked
    year, _, month = asked.partition("-")
    known = year.isdigit() and month in ("01", "04", "07", "10")
    return oldest if known and FIRST_VERSION <= asked < oldest else None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for; `expires_at` None means never."""

    app: str
    scopes: frozenset[str]
    expires_at: datetime | None

    def may(self, coordinate: str) -> bool:
        """Tell whether the token suffices for a type or a `Type.field`."""
        needed = REQUIRED.get(coordinate)
        return needed is None or any(scope in self.scopes for scope in needed)


class Access:
    """The tokens of one shop: a static one of an old custom app, and those got with client credentials."""

    def __init__(self, clock: Clock, made_up: random.Random) -> None:
        self._clock = clock
        self._random = made_up
        self.scopes: tuple[str, ...] = ALL_SCOPES
        self._tokens: dict[str, tuple[str, datetime | None]] = {STATIC_TOKEN: ("sandbox-custom-app", None)}

    def grant(self, token: str) -> Grant | None:
        """Return what `token` stands for, None when it is unknown or has expired."""
        known = self._tokens.get(token)
        if known is None:
            return None
        app, expires_at = known
        if expires_at is not None and self._clock.now() >= expires_at:
            del self._tokens[token]
            return None
        return Grant(app, frozenset(self.scopes), expires_at)

    def issue(self, client_id: str, client_secret: str) -> str | None:
        """Return a new token for an app's credentials, None when they are wrong. Older ones live on to their end."""
        if (client_id, client_secret) != (CLIENT_ID, CLIENT_SECRET):
            return None
        token = f"shpat_{self._random.getrandbits(128):032x}"
        self._tokens[token] = (client_id, self._clock.now() + timedelta(seconds=TOKEN_SECONDS))
        return token

    def revoke(self, token: str) -> None:
        """Make a token unknown, as when the app is removed from the shop."""
        self._tokens.pop(token, None)
