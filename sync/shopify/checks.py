"""Trying the connection: what `check connections` tells a person about Shopify."""

from __future__ import annotations

from collections.abc import Iterable

from sync.errors import SyncError
from sync.model import Finding
from sync.shopify.answers import printable
from sync.shopify.api import AdminApi
from sync.shopify.documents import CHECK_CONNECTION, COUNT_LOCATIONS
from sync.shopify.shapes import CheckConnection, CountLocations
from sync.shopify.wire import shaped

SCOPES = ("read_products", "read_inventory", "write_inventory", "read_locations", "read_orders")
SEVERAL_SCOPE = "read_merchant_managed_fulfillment_orders"
OLD_ORDERS_SCOPE = "read_all_orders"
PRODUCTS_SCOPE = "write_products"
_OPTIONAL = {  # what there is not without each, and what to do if it is wanted
    OLD_ORDERS_SCOPE: (
        "orders older than 60 days cannot be seen",
        f"Ask Shopify for {OLD_ORDERS_SCOPE} if orders stay open that long.",
    ),
    PRODUCTS_SCOPE: (
        "titles, prices and other product fields are compared, but cannot be written",
        f"Grant {PRODUCTS_SCOPE} to the app and reinstall it if they are to be written.",
    ),
}


async def has_several_locations(api: AdminApi) -> bool:
    """Say whether the shop has more than one active location of its own."""
    return len((await api.read(COUNT_LOCATIONS, {}, shaped(CountLocations))).locations.nodes) > 1


async def check(api: AdminApi, location_id: str, shop_domain: str) -> tuple[list[Finding], bool | None]:
    """Return the findings, and whether there are several locations (None: not known)."""
    try:
        answer = await api.read(CHECK_CONNECTION, {"locationId": location_id}, shaped(CheckConnection))
    except SyncError as error:
        return [Finding(ok=False, name="shopify sign-in", detail=str(error), remedy=error.remedy)], None
    several = len(answer.locations.nodes) > 1
    granted = _implied(scope.handle for scope in answer.current_app_installation.access_scopes)
    needed = (*SCOPES, SEVERAL_SCOPE) if several else SCOPES
    findings = [
        _shop(answer, shop_domain),
        Finding(ok=True, name="shopify API version", detail=f"{api.version} answers as {api.version}"),
        *(_scope(scope, granted) for scope in needed),
        *(_optional(scope, granted, *told) for scope, told in _OPTIONAL.items()),
        _location(answer, location_id),
        _locations(several=several),
    ]
    return findings, several


def _implied(handles: Iterable[str]) -> frozenset[str]:
    """Return the scopes granted; who may write may also read."""
    granted = frozenset(handles)
    return granted | {f"read_{one.removeprefix('write_')}" for one in granted if one.startswith("write_")}


def _shop(answer: CheckConnection, shop_domain: str) -> Finding:
    found = answer.shop.myshopify_domain
    if found.casefold() == shop_domain.casefold():
        return Finding(ok=True, name="shopify sign-in", detail=f"signed in to {printable(found)}")
    return Finding(
        ok=False,
        name="shopify sign-in",
        detail=f"signed in to {printable(found)}, but the settings say {shop_domain}",
        remedy="Set SHOPIFY_STORE_DOMAIN to the shop's myshopify.com name, or use that shop's token.",
    )


def _scope(scope: str, granted: frozenset[str]) -> Finding:
    if scope in granted:
        return Finding(ok=True, name=f"shopify scope {scope}", detail="granted")
    return Finding(
        ok=False, name=f"shopify scope {scope}", detail="missing", remedy=f"Grant {scope} to the app and reinstall it."
    )


def _optional(scope: str, granted: frozenset[str], without: str, remedy: str) -> Finding:
    """Tell of a scope that is not needed, and what there is not `without` it."""
    name = f"shopify scope {scope}"
    if scope in granted:
        return Finding(ok=True, name=name, detail="granted")
    return Finding(ok=True, name=name, detail=f"missing: {without}", remedy=remedy)


def _location(answer: CheckConnection, location_id: str) -> Finding:
    location, remedy = answer.location, "Set SHOPIFY_LOCATION_ID to the location that the till sells from."
    if location is None:
        return Finding(ok=False, name="shopify location", detail=f"{location_id} does not exist", remedy=remedy)
    name = printable(location.name)
    if not location.is_active:
        return Finding(ok=False, name="shopify location", detail=f"{name} is not active", remedy=remedy)
    return Finding(ok=True, name="shopify location", detail=f"{name} is active")


def _locations(*, several: bool) -> Finding:
    text = "several: orders are counted by their fulfillment orders" if several else "one: every order is counted"
    return Finding(ok=True, name="shopify locations", detail=text)
