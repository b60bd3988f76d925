"""Whoever asks under another host's name is told so, and so is whoever set PUBLIC_URL, once a minute."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from sync.storefront.hosts import OwnHost
from tests.sync.storefront.listener import HOST, Listener, SetClock, call

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/inventory", "/webhooks/shopify", "/nowhere"])
async def test_another_host_is_refused_in_words_of_its_own_and_the_log_names_ours(path: str) -> None:
    listener = Listener()
    with capture_logs() as logged:
        reply = await call(listener.app, "GET", path, host=b"elsewhere.example:8080")
    assert (reply.status, json.loads(reply.body)["error"]) == (400, "wrong_host")
    assert [(line["log_level"], line["event"], line["answered"]) for line in logged] == [
        ("warning", "storefront.wrong_host", HOST)
    ]
    assert "PUBLIC_URL" in logged[0]["remedy"]
    assert "elsewhere" not in str(logged)


@pytest.mark.parametrize("given", [[], [b"elsewhere.example"], [b"a.example", b"a.example"], [b"a.example:x"], [b""]])
def test_what_is_not_our_one_name_is_not_ours(given: list[bytes]) -> None:
    assert not OwnHost(b"a.example", SetClock()).admits(given)


@pytest.mark.parametrize("given", [b"a.example", b"A.Example", b"a.example:8080"])
def test_our_name_is_ours_at_any_port(given: bytes) -> None:
    with capture_logs() as logged:
        assert OwnHost(b"a.example", SetClock()).admits([given])
        assert OwnHost(None, SetClock()).admits([b"any.example"])
    assert logged == []


def test_a_flood_is_one_line_a_minute() -> None:
    clock = SetClock()
    host = OwnHost(b"a.example", clock)
    with capture_logs() as logged:
        for _ in range(121):
            host.admits([b"elsewhere.example"])
            clock.seconds += 1
    assert len(logged) == 3
