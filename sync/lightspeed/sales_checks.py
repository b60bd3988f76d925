"""What `check connections` finds out about making sales: everything that a sale will name must be there and fit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from sync.lightspeed.answers import NotFound
from sync.lightspeed.calls import Calls
from sync.lightspeed.checks import Wrong, find, rights_of, single
from sync.lightspeed.layaways import LayawaySettings
from sync.lightspeed.paging import list_url
from sync.lightspeed.sales import SalesSettings
from sync.lightspeed.wire import Customer, Employee, Item, PaymentType, WireRow, parse_page
from sync.model import Finding
from sync.pacing import Urgency

_RIGHTS = ("register", "register_refund")
_OF_THEIR_OWN = ("credit card", "gift card", "credit account")  # payments of these kinds need more than an amount
_NO_STOCK = "non_inventory"
_NOBODYS = "lightspeed-sync-check"  # a reference that no sale has


async def check(calls: Calls, settings: SalesSettings, items: Mapping[str, str]) -> list[Finding]:
    """Return one finding for each thing that sales need; `items` are ids by the names of their settings."""
    findings = [
        await find("Lightspeed sales", lambda: _searchable(calls)),
        await find("Lightspeed sales: rights", lambda: _rights(calls)),
        await find("Lightspeed sales: employee", lambda: _employee(calls, settings.employee_id)),
        await find("Lightspeed sales: payment type", lambda: _payment_type(calls, settings)),
    ]
    if settings.customer_id:
        findings.append(await find("Lightspeed sales: customer", lambda: _customer(calls, settings.customer_id)))
    for setting, item_id in items.items():
        findings.append(await _item(calls, setting, item_id))
    return findings


async def check_layaways(
    calls: Calls, settings: LayawaySettings, read: Callable[[], Awaitable[object]]
) -> list[Finding]:
    """Return one finding for each thing that mirrored reservations need; `read` lists those there are."""

    async def readable() -> str:
        await read()
        return "readable"

    return [
        await find("Lightspeed layaways", readable),
        await find("Lightspeed layaways: rights", lambda: rights_of(calls, ("register_layaway",))),
        await find("Lightspeed layaways: employee", lambda: _employee(calls, settings.employee_id)),
        await find(
            "Lightspeed layaways: customer",
            lambda: _customer(calls, settings.customer_id, "LIGHTSPEED_HOLDS_CUSTOMER_ID"),
        ),
    ]


async def _searchable(calls: Calls) -> str:
    """Search for a sale, which needs the scope register."""
    url = list_url(calls.base, calls.account_id, "Sale", referenceNumber=_NOBODYS)
    await calls.get("Sale.check", url, Urgency.URGENT, lambda body, _: parse_page(body, "Sale"))
    return "searchable"


async def _rights(calls: Calls) -> str:
    return await rights_of(calls, _RIGHTS)


async def _employee(calls: Calls, key: str) -> str:
    remedy = "Set LIGHTSPEED_EMPLOYEE_ID to an employee at work in this account."
    row = await _there(calls, "Employee", key, Employee, remedy)
    name = f"{row.first_name} {row.last_name}".strip()
    if row.archived or row.locked:
        raise Wrong(f"Employee {key} ({name}) is {'archived' if row.archived else 'locked out'}.", remedy)
    return f"{name} ({key})"


async def _payment_type(calls: Calls, settings: SalesSettings) -> str:
    key = settings.payment_type_id
    remedy = "Set LIGHTSPEED_PAYMENT_TYPE_ID to a payment type in use; best make one for the online shop."
    row = await _there(calls, "PaymentType", key, PaymentType, remedy)
    if row.archived:
        raise Wrong(f"Payment type {key} ({row.name}) is archived.", remedy)
    if row.kind.lower() in _OF_THEIR_OWN:
        raise Wrong(f"Payment type {key} ({row.name}) is kept for Lightspeed's own {row.kind} payments.", remedy)
    if row.needs_customer and not settings.customer_id:
        raise Wrong(
            f"Payment type {key} ({row.name}) asks for a customer.",
            "Set LIGHTSPEED_CUSTOMER_ID, or choose a payment type that asks for none.",
        )
    return f"{row.name} ({key})"


async def _customer(calls: Calls, key: str, setting: str = "LIGHTSPEED_CUSTOMER_ID") -> str:
    remedy = f"Set {setting} to a customer in use, or remove it."
    row = await _there(calls, "Customer", key, Customer, remedy)
    name = f"{row.first_name} {row.last_name}".strip() or row.company
    if row.archived:
        raise Wrong(f"Customer {key} ({name}) is archived.", remedy)
    return f"{name} ({key})"


async def _item(calls: Calls, setting: str, key: str) -> Finding:
    remedy = f"Set {setting} to an item of the type non-inventory; make one in Lightspeed if there is none."

    async def look() -> str:
        row = await _there(calls, "Item", key, Item, remedy)
        if row.archived:
            raise Wrong(f"Item {key} ({row.description}) is archived.", remedy)
        if row.item_type != _NO_STOCK:
            raise Wrong(f"Item {key} ({row.description}) has stock, which each online sale would move.", remedy)
        return f"{row.description} ({key})"

    return await find(f"Lightspeed sales: {setting}", look)


async def _there(calls: Calls, resource: str, key: str, model: type[WireRow], remedy: str) -> WireRow:
    """Return one row; raises Wrong, which says what to do, where there is none."""
    try:
        return await single(calls, resource, key, model)
    except NotFound:
        raise Wrong(f"Lightspeed has nothing under {resource} {key}.", remedy) from None
