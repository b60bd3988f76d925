"""What each method and path of the API does: a pure dispatch from a request to a body."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.lightspeed import fixtures, layaways, lists, sales
from sandbox.lightspeed.books import Books, found
from sandbox.lightspeed.limits import base_cost, payload_cost, query_cost
from sandbox.lightspeed.payload import Body, get_int, get_text
from sandbox.lightspeed.query import Query, parse
from sandbox.lightspeed.resources import ENDPOINTS, RESOURCES, Resource, many_of, render
from sandbox.lightspeed.rows import Sale
from sandbox.lightspeed.state import LightspeedShop
from sandbox.lightspeed.wire import ApiError, Json, no_endpoint, single

_SALE_SHOWS = ("Shop", "TaxCategory", "SaleLines", "SalePayments")  # an answered sale carries these unasked
_CUSTOMER_FIELDS = ("firstName", "lastName", "title", "company")


@dataclass(frozen=True, slots=True)
class Path:
    """A path split up: `/API/V3/Account/1/Sale/5/refund.json` is resource Sale, key 5, action refund."""

    account: str
    resource: str
    key: str = ""
    action: str = ""

    @property
    def costed_as(self) -> str:
        """Return the name under which the cost table knows the request."""
        return f"{self.resource}/{self.action}" if self.action else self.resource


def split(path: str) -> Path:
    """Split a path; raises ApiError (404) for one that does not exist."""
    parts = [part for part in path.removesuffix(".json").split("/") if part]
    if parts[:1] != ["API"]:
        raise no_endpoint()
    parts = parts[2:] if parts[1:2] == ["V3"] else parts[1:]
    if parts == ["Session"]:
        return Path("", "Session")
    if parts[:1] != ["Account"] or len(parts) > 5:
        raise no_endpoint()
    if len(parts) <= 2:
        return Path(parts[1] if len(parts) == 2 else "", "Account")
    return Path(*parts[1:])


@dataclass(frozen=True, slots=True)
class Asked:
    """One authenticated API request, ready to be priced and answered."""

    method: str
    path: Path
    query: Query
    body: Body
    link: Callable[[str], str]

    @property
    def cost(self) -> float:
        """Return what the request costs, by its text alone."""
        resource = RESOURCES.get(self.path.resource)
        cost = base_cost(self.method, self.path.costed_as) + payload_cost(self.path.resource, self.body)
        if resource is not None:
            cost += query_cost(self.query, many=many_of(resource), is_list=self.method == "GET" and not self.path.key)
        return cost


def asked(method: str, path: str, query: str, body: bytes, link: Callable[[str], str]) -> Asked:
    """Read a request; raises ApiError (400, 404)."""
    return Asked(method, split(path), parse(query), read_body(body) if method in ("POST", "PUT") else {}, link)


def read_body(body: bytes) -> Body:
    """Read a JSON body, numbers exactly; raises ApiError (400)."""
    if not body.strip():
        return {}
    try:
        value = json.loads(body, parse_float=Decimal)
    except ValueError as error:
        raise ApiError(400, "The request body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise ApiError(400, "The request body must be an object.")
    return value


def perform(shop: LightspeedShop, request: Asked) -> Json:
    """Do what a request asks and return the body of its answer; raises ApiError."""
    path = request.path
    if path.resource == "Session":
        return _session(shop)
    if path.account and path.account != shop.account_id:
        raise ApiError(403, "You do not have permission to access this account.")
    if path.resource == "Account":
        return _account(shop) if path.account else _accounts(shop)
    if path.resource not in ENDPOINTS:
        raise no_endpoint()
    if path.action:
        return _act(shop, request)
    if request.method == "GET":
        return _get(shop.books, request)
    change = _CHANGES.get((request.method, path.resource))
    if change is None or (request.method == "POST") is bool(path.key):
        raise _not_allowed(request)
    return change(shop, request)


def _get(books: Books, request: Asked) -> Json:
    resource, key = RESOURCES[request.path.resource], request.path.key
    if not key:
        return lists.answer(books, resource, request.query, request.link)
    row = found(resource.table(books), key, resource.name)
    return single(resource.name, lists.one(books, resource, row, request.query))


def _act(shop: LightspeedShop, request: Asked) -> Json:
    """Answer `Sale/{id}/refund` and `Sale/{id}/SaleLine`."""
    path, books = request.path, shop.books
    if path.resource != "Sale" or path.action not in ("refund", "SaleLine"):
        raise no_endpoint()
    sale = sales.by_ticket(books, path.key)
    if request.method == "POST" and path.action == "refund":
        return _sale(books, sales.refund(books, sale, request.body))
    if request.method == "POST":
        return _shown(books, RESOURCES["SaleLine"], sales.add_line(books, sale, request.body), request.query)
    raise _not_allowed(request)


def _not_allowed(request: Asked) -> ApiError:
    return ApiError(405, f"The method {request.method} is not allowed for {request.path.resource}.")


def _shown(books: Books, resource: Resource, row: Any, query: Query) -> Json:
    return single(resource.name, lists.one(books, resource, row, query))


def _sale(books: Books, sale: Sale) -> Json:
    """Return a changed sale with what the API shows unasked; empty collections are left out."""
    row = render(books, RESOURCES["Sale"], sale, _SALE_SHOWS)
    return single("Sale", {name: value for name, value in row.items() if name not in _SALE_SHOWS or value})


def _post_sale(shop: LightspeedShop, request: Asked) -> Json:
    return _sale(shop.books, sales.create(shop.books, request.body))


def _put_sale(shop: LightspeedShop, request: Asked) -> Json:
    sale = sales.by_ticket(shop.books, request.path.key)
    return _sale(shop.books, sales.update(shop.books, sale, request.body))


def _delete_sale(shop: LightspeedShop, request: Asked) -> Json:
    return _sale(shop.books, sales.archive(shop.books, sales.by_ticket(shop.books, request.path.key)))


def _post_sale_line(shop: LightspeedShop, request: Asked) -> Json:
    return _shown(shop.books, RESOURCES["SaleLine"], layaways.create(shop.books, request.body), request.query)


def _put_sale_line(shop: LightspeedShop, request: Asked) -> Json:
    books, line = shop.books, layaways.line_of(shop.books, request.path.key)
    if key := get_int(request.body, "saleID"):
        sales.take_layaway(books, sales.by_ticket(books, str(key)), line)
    else:
        layaways.update(books, line, request.body)
    return _shown(books, RESOURCES["SaleLine"], line, request.query)


def _delete_sale_line(shop: LightspeedShop, request: Asked) -> Json:
    line = layaways.cancel(shop.books, layaways.line_of(shop.books, request.path.key))
    return _shown(shop.books, RESOURCES["SaleLine"], line, request.query)


def _post_item(shop: LightspeedShop, request: Asked) -> Json:
    item = shop.catalogue.create(request.body)
    return single("Item", render(shop.books, RESOURCES["Item"], item, ("ItemShops",)))


def _put_item(shop: LightspeedShop, request: Asked) -> Json:
    item = shop.catalogue.update(found(shop.books.items, request.path.key, "Item"), request.body)
    return _shown(shop.books, RESOURCES["Item"], item, request.query)


def _delete_item(shop: LightspeedShop, request: Asked) -> Json:
    item = found(shop.books.items, request.path.key, "Item")
    if not item.archived:
        shop.books.archive(item)
    return _shown(shop.books, RESOURCES["Item"], item, request.query)


def _put_item_shop(shop: LightspeedShop, request: Asked) -> Json:
    """Change reorder fields; `qoh` is not among what this endpoint changes."""
    row = found(shop.books.item_shops, request.path.key, "ItemShop")
    row.reorder_point = get_int(request.body, "reorderPoint", row.reorder_point)
    row.reorder_level = get_int(request.body, "reorderLevel", row.reorder_level)
    row.time_stamp = shop.books.now()
    shop.books.item_shops.changed(row.item_shop_id)
    return _shown(shop.books, RESOURCES["ItemShop"], row, request.query)


def _post_category(shop: LightspeedShop, request: Asked) -> Json:
    return _shown(shop.books, RESOURCES["Category"], shop.catalogue.create_category(request.body), request.query)


def _post_customer(shop: LightspeedShop, request: Asked) -> Json:
    if not get_text(request.body, "firstName") and not get_text(request.body, "company"):
        raise ApiError(400, "Customer not created. A Customer must have a name.")
    now = shop.books.now()
    key = shop.books.records["Customer"].next_id()
    shop.books.keep("Contact", fixtures.contact(key, now))
    row = shop.books.keep("Customer", fixtures.customer(key, "", "", now))
    row.fields.update({name: get_text(request.body, name) for name in _CUSTOMER_FIELDS})
    return _shown(shop.books, RESOURCES["Customer"], row, request.query)


def _account_row(shop: LightspeedShop) -> Json:
    link = {"@attributes": {"href": f"/API/Account/{shop.account_id}"}}
    return {"accountID": shop.account_id, "name": shop.name, "link": link}


def _accounts(shop: LightspeedShop) -> Json:
    return single("Account", _account_row(shop))


def _account(shop: LightspeedShop) -> Json:
    """Return one account; unlike everything else it is not wrapped in its name."""
    return {
        "@attributes": {"systemCustomerID": shop.account_id},
        "status": "customer",
        "name": shop.name,
        "employeeCount": str(len(shop.books.records["Employee"])),
        "employeeLimit": "30",
        "uniqueSubscriptionIdentifier": "SANDBOX",
        "defaultCurrency": {"code": "USD", "symbol": "$"},
        "purchasingCurrencies": "",
    }


def _session(shop: LightspeedShop) -> Json:
    employee = shop.books.records["Employee"][1].fields
    return {
        "sessionID": "",
        "sessionCookie": "PHPSESSID=; path=/",
        "employeeID": "1",
        "systemCustomerID": shop.account_id,
        "systemUserID": "1",
        "systemAPIClientID": "1",
        "systemAPIKeyID": "1",
        "ecomUrl": "",
        "shopCount": str(len(shop.books.shop_ids)),
        "Employee": {
            "employeeID": "1",
            "firstName": str(employee["firstName"]),
            "lastName": str(employee["lastName"]),
            "singleShop": "false",
            "hasPin": "false",
            "isCheckedIn": "false",
        },
        "Rights": dict.fromkeys(fixtures.RIGHTS, "true"),
    }


_CHANGES: Mapping[tuple[str, str], Callable[[LightspeedShop, Asked], Json]] = {
    ("POST", "Sale"): _post_sale,
    ("PUT", "Sale"): _put_sale,
    ("DELETE", "Sale"): _delete_sale,
    ("POST", "SaleLine"): _post_sale_line,
    ("PUT", "SaleLine"): _put_sale_line,
    ("DELETE", "SaleLine"): _delete_sale_line,
    ("POST", "Item"): _post_item,
    ("PUT", "Item"): _put_item,
    ("DELETE", "Item"): _delete_item,
    ("PUT", "ItemShop"): _put_item_shop,
    ("POST", "Category"): _post_category,
    ("POST", "Customer"): _post_customer,
}
