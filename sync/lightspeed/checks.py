"""What `check connections` finds out about Lightspeed, one finding for each thing that must be right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

from sync.errors import SyncError
from sync.lightspeed.calls import Calls
from sync.lightspeed.paging import list_url
from sync.lightspeed.wire import Account, NotWire, Register, Session, Shop, WireRow, many, parse_page, parse_row
from sync.model import Finding
from sync.pacing import Urgency

_RIGHTS = ("inventory_read", "register")


async def check(calls: Calls, shop_id: str, register_id: str) -> list[Finding]:
    """Return the findings in the order a person would look; without sign-in there is only that one."""
    signed_in = await find("Lightspeed sign-in", lambda: _sign_in(calls))
    if not signed_in.ok:
        return [signed_in]
    findings = [
        signed_in,
        await find("Lightspeed account", lambda: _account(calls)),
        await find("Lightspeed shop", lambda: _shop(calls, shop_id)),
        await find("Lightspeed stock", lambda: _stock(calls, shop_id)),
        await find("Lightspeed rights", lambda: rights_of(calls, _RIGHTS)),
    ]
    if register_id:
        findings.append(await find("Lightspeed register", lambda: _register(calls, register_id, shop_id)))
    return findings


class Wrong(Exception):
    """Something is not as it should be: what, and what to do."""

    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy


async def find(name: str, look: Callable[[], Awaitable[str]]) -> Finding:
    """Return what `look` says, or why it failed."""
    try:
        return Finding(ok=True, name=name, detail=await look())
    except SyncError as error:
        return Finding(ok=False, name=name, detail=str(error), remedy=error.remedy)
    except Wrong as wrong:
        return Finding(ok=False, name=name, detail=wrong.detail, remedy=wrong.remedy)


async def _sign_in(calls: Calls) -> str:
    await calls.sign_in()
    return "signed in"


async def _account(calls: Calls) -> str:
    url = f"{calls.base}".rstrip("/") + "/API/V3/Account.json"
    accounts = await calls.get("Account.list", url, Urgency.URGENT, lambda body, _: _rows(body, "Account", Account))
    for account in accounts:
        if account.account_id == calls.account_id:
            return f"{account.name} ({account.account_id})"
    others = ", ".join(account.account_id for account in accounts)
    raise Wrong(
        f"Account {calls.account_id} is not the one that gave consent" + (f" ({others})." if others else "."),
        "Correct LIGHTSPEED_ACCOUNT_ID, or connect again as an employee of that account.",
    )


async def _shop(calls: Calls, shop_id: str) -> str:
    shops = await single(calls, "Shop", shop_id, Shop)
    if shops.archived:
        raise Wrong(f"Shop {shop_id} ({shops.name}) is archived.", "Set LIGHTSPEED_SHOP_ID to a shop in use.")
    return f"{shops.name} ({shop_id})"


async def _register(calls: Calls, register_id: str, shop_id: str) -> str:
    register = await single(calls, "Register", register_id, Register)
    remedy = f"Set LIGHTSPEED_REGISTER_ID to a register in use at shop {shop_id}."
    if register.archived:
        raise Wrong(f"Register {register_id} ({register.name}) is archived.", remedy)
    if register.shop_id != shop_id:
        raise Wrong(f"Register {register_id} ({register.name}) stands in shop {register.shop_id}.", remedy)
    return f"{register.name} ({register_id})"


async def _stock(calls: Calls, shop_id: str) -> str:
    """Read one page of stock rows, which needs the scope inventory_read."""
    url = list_url(calls.base, calls.account_id, "ItemShop", shopID=shop_id, sort="itemShopID")
    page = await calls.get("ItemShop.check", url, Urgency.URGENT, lambda body, _: parse_page(body, "ItemShop"))
    if not page.rows:
        raise Wrong(f"Shop {shop_id} has no stock rows.", "Check LIGHTSPEED_SHOP_ID.")
    return "readable"


async def rights_of(calls: Calls, needed: Sequence[str]) -> str:
    """Look at the rights of the employee who gave consent; an answer that does not show them proves nothing.

    Raises Wrong where one of the rights needed is missing.
    """
    url = f"{calls.base}".rstrip("/") + "/API/Session.json"
    session = await calls.get("Session.get", url, Urgency.URGENT, lambda body, _: parse_row(Session, body))
    if not session.rights:
        return "not visible"
    missing = [right for right in needed if not session.rights.get(right, False)]
    if missing and not session.rights.get("admin", False):
        raise Wrong(
            f"Employee {session.employee_id} lacks: {', '.join(missing)}.",
            "Give the employee these rights in Lightspeed, or connect again as another.",
        )
    return f"employee {session.employee_id} has what is needed"


async def single(calls: Calls, resource: str, key: str, model: type[WireRow]) -> WireRow:
    """Return one row by its id; raises errors of `sync.errors`."""
    url = f"{calls.account}/{resource}/{quote(key, safe='')}.json"

    def parse(body: Any, _: object) -> WireRow:
        rows = _rows(body, resource, model)
        if len(rows) != 1:
            raise NotWire(f"{resource}: not one row")
        return rows[0]

    return await calls.get(f"{resource}.get", url, Urgency.URGENT, parse)


def _rows(body: Any, resource: str, model: type[WireRow]) -> list[WireRow]:
    return [parse_row(model, row) for row in many(parse_page(body, resource).rows)]
