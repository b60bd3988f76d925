"""The sandbox's own API: what is true in the world, and means to steer it from another process.

JSON on loopback only. A request that makes no sense is answered 400 with a sentence that says why.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.faults import Fault, FaultKind
from sandbox.faults_http import ASGIApp
from sandbox.flaws import Flaw
from sandbox.messages.mail import Mail
from sandbox.messages.slack import Message
from sandbox.messages.sms import Sms
from sandbox.planting import plant
from sandbox.world import World

_LOOPBACK = ("127.0.0.1", "::1")
_SERVICES = ("lightspeed", "shopify", "slack", "smtp", "sms")

Body = Mapping[str, Any]
Wanted = TypeVar("Wanted")

_JSON_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array"}


def control_routes() -> Collection[str]:
    """Return the path of everything that can be asked for."""
    return {"/state", *_DEEDS}


def control_app(world: World) -> ASGIApp:
    """Return the ASGI app; docs/sandbox.md tells what each route takes.

    `GET /state[?sku=S&sku=T]`
    `POST /faults` {service, operation, kind, times, seconds, code}, `DELETE /faults[?service=S]`
    `POST /people` {cashiers_per_hour, shoppers_per_hour}
    `POST /plant` {count, seed, flaws}
    `POST /lightspeed/sell`, `/refund`, `/receive`, `/count` {sku, quantity}
    `POST /shopify/order` {units, test, discount_cents, shipping_cents, tip_cents}, `/fulfil` {order, units},
    `/cancel` {order, restock}, `/refund` {order, units, restock_type}, `/refund-money` {order, cents, shipping},
    `/edit` {order, sku, delta, restock}, `/adjust` {sku, delta}
    """

    def posting(act: Callable[[World, Body], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            _check_client(request)
            try:
                return JSONResponse(act(world, await _body(request)))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 400)

        return answer

    async def state(request: Request) -> Response:
        _check_client(request)
        try:
            return JSONResponse(_state(world, request.query_params.getlist("sku")))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)

    async def clear(request: Request) -> Response:
        _check_client(request)
        service = request.query_params.get("service", "*")
        if service not in (*_SERVICES, "*"):
            return JSONResponse({"error": f"no service {service!r}; there are {', '.join(_SERVICES)}"}, 400)
        world.faults.clear(service)
        return JSONResponse({"cleared": service})

    routes = [Route(path, posting(act), methods=["POST"]) for path, act in _DEEDS.items()]
    routes.append(Route("/state", state, methods=["GET"]))
    routes.append(Route("/faults", clear, methods=["DELETE"]))
    return Starlette(routes=routes, exception_handlers={HTTPException: _refuse})


async def _refuse(_request: Request, error: Exception) -> Response:
    status, text = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    return JSONResponse({"error": text}, status)


def _check_client(request: Request) -> None:
    """Answer nobody but this machine, and no web page in its browser either."""
    host = request.client.host if request.client is not None else ""
    if host not in _LOOPBACK:
        raise HTTPException(403, "the control API answers this machine only")
    if "origin" in request.headers:
        raise HTTPException(403, "the control API does not answer web pages")


async def _body(request: Request) -> Body:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    return _is(body, dict, "the body")


def _is(value: Any, kind: type[Wanted], what: str) -> Wanted:
    """Return `value`; raises ValueError with a sentence where it is of another type."""
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise ValueError(f"{what} must be of type {_JSON_NAMES[kind]}, not {value!r}")
    return value


def _take(body: Body, name: str, kind: type[Wanted], default: Wanted | None = None) -> Wanted:
    """Return a field of the body; raises ValueError with a sentence where it is missing or of another type."""
    value = body.get(name, default)
    if value is None:
        raise ValueError(f"the field {name!r} is missing")
    return _is(value, kind, f"the field {name!r}")


def _units(body: Body) -> dict[str, int]:
    units = _take(body, "units", dict)
    if not units:
        raise ValueError("the field 'units' names no SKU")
    return {sku: _take(units, sku, int) for sku in units}


def _state(world: World, skus: list[str]) -> dict[str, Any]:
    """Return everything worth knowing; with `skus`, the stock of those only."""
    stock = world.stock()
    unknown = [sku for sku in skus if sku not in stock]
    if unknown:
        raise ValueError(f"no good has the SKU {unknown[0]!r}")
    both = [(lightspeed, shopify) for lightspeed, shopify in stock.values() if None not in (lightspeed, shopify)]
    return {
        "now": world.clock.now().isoformat(),
        "stock": {sku: {"lightspeed": stock[sku][0], "shopify": stock[sku][1]} for sku in (skus or stock)},
        "counts": {
            "goods": len(stock),
            "in_both": len(both),
            "differing": sum(max(0, lightspeed or 0) != shopify for lightspeed, shopify in both),
            "orders": len(world.shopify.orders),
            "stock_writes": len(world.shopify.writes),
        },
        "people": {
            "cashiers_per_hour": world.cashiers.per_hour,
            "cashiers_done": world.cashiers.done,
            "shoppers_per_hour": world.shoppers.per_hour,
            "shoppers_done": world.shoppers.done,
        },
        "messages": {
            "slack": [_slack(message) for message in world.slack.messages],
            "mail": [_mail(mail) for mail in world.mail.messages],
            "sms": [_sms(world, text) for text in world.sms.messages],
        },
        "requests": {service: dict(counter) for service, counter in world.requests.items()}
        | {"shopify_fields": dict(world.shopify.request_log)},
    }


def _slack(message: Message) -> dict[str, Any]:
    return {
        "channel": message.channel,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "texts": [version.text for version in message.versions],
        "blocks": list(message.shown.blocks),
        "control_sequences": message.control_sequences,
    }


def _mail(mail: Mail) -> dict[str, Any]:
    return {
        "at": mail.at.isoformat(),
        "from": mail.sender,
        "to": list(mail.recipients),
        "subject": str(mail.message["Subject"] or ""),
        "message_id": str(mail.message["Message-ID"] or ""),
        "text": _text_of(mail),
    }


def _text_of(mail: Mail) -> str:
    """Return the body of a mail as text; "" where it has none."""
    try:
        return mail.text().replace("\r\n", "\n")
    except (ValueError, LookupError):
        return ""


def _sms(world: World, text: Sms) -> dict[str, Any]:
    status, code = world.sms.fate(text)
    shown = {name: value for name, value in asdict(text).items() if name != "fate"}
    return shown | {"at": text.at.isoformat(), "status": status, "error_code": code}


def _add_fault(world: World, body: Body) -> dict[str, Any]:
    service = _take(body, "service", str)
    if service not in _SERVICES:
        raise ValueError(f"no service {service!r}; there are {', '.join(_SERVICES)}")
    kind = _take(body, "kind", str)
    if kind not in set(FaultKind):
        raise ValueError(f"no fault {kind!r}; there are {', '.join(FaultKind)}")
    times, seconds = _take(body, "times", int, 1), _take(body, "seconds", float, 0.0)
    if times < 0 or not 0 <= seconds <= 86_400:
        raise ValueError("'times' is 0 (until cleared) or more, 'seconds' between 0 and 86,400")
    fault = Fault(FaultKind(kind), times, seconds, str(body.get("code", "")))
    operation = _take(body, "operation", str, "*")
    world.faults.add(service, operation, fault)
    return {"service": service, "operation": operation, **asdict(fault)}


def _plant(world: World, body: Body) -> dict[str, Any]:
    flaws = _take(body, "flaws", list, list(Flaw))
    unknown = [flaw for flaw in flaws if flaw not in list(Flaw)]
    if unknown:
        raise ValueError(f"no flaw {unknown[0]!r}; there are {', '.join(Flaw)}")
    chosen = tuple(Flaw(flaw) for flaw in flaws)
    planted = plant(world, _take(body, "count", int), seed=_take(body, "seed", int, 1), flaws=chosen)
    return {"planted": [asdict(each) for each in planted]}


def _set_pace(world: World, body: Body) -> dict[str, Any]:
    cashiers = _take(body, "cashiers_per_hour", float, world.cashiers.per_hour)
    shoppers = _take(body, "shoppers_per_hour", float, world.shoppers.per_hour)
    before = world.cashiers.per_hour
    world.cashiers.per_hour = cashiers
    try:
        world.shoppers.per_hour = shoppers
    except ValueError:
        world.cashiers.per_hour = before
        raise
    return {"cashiers_per_hour": cashiers, "shoppers_per_hour": shoppers}


def _at_the_till(deed: str) -> Callable[[World, Body], dict[str, Any]]:
    def act(world: World, body: Body) -> dict[str, Any]:
        sku, quantity = _take(body, "sku", str), _take(body, "quantity", int)
        getattr(world.lightspeed, deed)(sku, quantity)
        return {"sku": sku, "lightspeed": world.lightspeed.qoh(sku)}

    return act


def _order(world: World, body: Body) -> dict[str, Any]:
    discount, shipping, tip = (_take(body, f"{name}_cents", int, default=0) for name in ("discount", "shipping", "tip"))
    order = world.shopify.place_order(
        _units(body),
        _take(body, "test", bool, default=False),
        discount=Decimal(discount) / 100,
        shipping=Decimal(shipping) / 100,
        tip_cents=tip,
    )
    return {"order": order}


def _fulfil(world: World, body: Body) -> dict[str, Any]:
    order = _take(body, "order", str)
    world.shopify.fulfil(order, _units(body) if "units" in body else None)
    return {"order": order}


def _cancel(world: World, body: Body) -> dict[str, Any]:
    order = _take(body, "order", str)
    world.shopify.cancel(order, _take(body, "restock", bool, default=True))
    return {"order": order}


def _refund(world: World, body: Body) -> dict[str, Any]:
    order = _take(body, "order", str)
    world.shopify.refund(order, _units(body), _take(body, "restock_type", str, "RETURN"))
    return {"order": order}


def _refund_money(world: World, body: Body) -> dict[str, Any]:
    order, shipping = _take(body, "order", str), _take(body, "shipping", bool, default=False)
    world.shopify.refund_money(order, Decimal(_take(body, "cents", int)) / 100, shipping=shipping)
    return {"order": order}


def _edit(world: World, body: Body) -> dict[str, Any]:
    order = _take(body, "order", str)
    sku, delta = _take(body, "sku", str), _take(body, "delta", int)
    world.shopify.edit(order, sku, delta, _take(body, "restock", bool, default=True))
    return {"order": order}


def _adjust(world: World, body: Body) -> dict[str, Any]:
    sku = _take(body, "sku", str)
    world.shopify.adjust(sku, _take(body, "delta", int))
    return {"sku": sku, "shopify": world.shopify.available(sku)}


_DEEDS: Mapping[str, Callable[[World, Body], dict[str, Any]]] = {
    "/faults": _add_fault,
    "/people": _set_pace,
    "/plant": _plant,
    "/lightspeed/sell": _at_the_till("sell"),
    "/lightspeed/refund": _at_the_till("refund"),
    "/lightspeed/receive": _at_the_till("receive"),
    "/lightspeed/count": _at_the_till("count"),
    "/shopify/order": _order,
    "/shopify/fulfil": _fulfil,
    "/shopify/cancel": _cancel,
    "/shopify/refund": _refund,
    "/shopify/refund-money": _refund_money,
    "/shopify/edit": _edit,
    "/shopify/adjust": _adjust,
}
