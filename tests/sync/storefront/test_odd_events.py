"""Events that API Gateway never sends for a route of ours are refused, and end no process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from mangum import Mangum

from sync.storefront.aws import Function
from tests.sync.storefront.listener import HOST, Listener, SetClock, signed


def event(path: str = "/inventory", method: str = "GET", **more: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": signed(),
        "headers": {"host": HOST},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}, "stage": "$default"},
        "isBase64Encoded": False,
        **more,
    }


ODD: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "a text": "requestContext",
    "no context": {"requestContext": None},
    "an empty context": {"requestContext": {}},
    "no method": event(requestContext={"http": None}),
    "no headers": {name: value for name, value in event().items() if name != "headers"},
    "a header that is a number": event(headers={"host": 5}),
    "a body that is no base64": event("/sync", "POST", body="%%%", isBase64Encoded=True),
    "half a character as a body": event("/sync", "POST", body="\ud800"),
    "half a character in a header": event(headers={"host": HOST, "x": "\ud800"}),
    "a websocket": {"requestContext": {"eventType": "CONNECT", "connectionId": "x", "routeKey": "$connect"}},
}


@pytest.fixture
def function() -> Iterator[Function]:
    """Return an opened function; AWS has a loop in its process, as here."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    opened = Function({}, SetClock())
    opened._adapter = Mangum(Listener().app, lifespan="off")
    yield opened
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_request_is_refused(function: Function, name: str) -> None:
    assert function(ODD[name], None)["statusCode"] == 400


def test_an_ordinary_event_beside_them_is_answered(function: Function) -> None:
    assert function(event(), None)["statusCode"] == 200
