"""Connections that strangers leave open, drip into or never read from are ended; those that ask make their way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
import uvicorn
from uvicorn.server import ServerState

from monitor.connections import LARGEST_HEAD, MOST_CONNECTIONS, GuardedConnection
from monitor.metrics.storefront import STATUSES
from sync.storefront.answers import WORDS

pytestmark = pytest.mark.anyio

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


@dataclass
class FakeTransport(asyncio.Transport):
    written: bytes = b""
    ended: list[str] = field(default_factory=list)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.written += data

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        self.ended.append("closed")

    def abort(self) -> None:
        self.ended.append("aborted")

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Server:
    """A listener whose application answers when it is let."""

    def __init__(self) -> None:
        self.answering = asyncio.Event()
        self.config = uvicorn.Config(self.answer, interface="asgi3", log_config=None, lifespan="off", ws="none")
        self.state = ServerState()

    async def answer(self, scope: object, receive: object, send: object) -> None:
        await self.answering.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    def connect(self) -> tuple[GuardedConnection, FakeTransport]:
        connection, transport = GuardedConnection(self.config, self.state, {}), FakeTransport()
        connection.connection_made(transport)
        return connection, transport

    async def let(self) -> None:
        """Let the requests under way be answered."""
        self.answering.set()
        while self.state.tasks:
            await asyncio.gather(*self.state.tasks)


def looks(connection: GuardedConnection, times: int) -> None:
    for _ in range(times):
        connection.look()


async def test_a_connection_that_sends_nothing_is_ended_after_ten_seconds() -> None:
    connection, transport = Server().connect()
    looks(connection, 10)
    assert transport.ended == []
    connection.look()
    assert transport.ended == ["aborted"]


async def test_a_head_that_drips_is_ended_as_if_nothing_came() -> None:
    connection, transport = Server().connect()
    connection.data_received(HEAD)
    for _ in range(11):
        connection.data_received(b"X-A: 1\r\n")
        connection.look()
    assert transport.ended == ["aborted"]


async def test_a_request_under_way_has_half_a_minute() -> None:
    server = Server()
    connection, transport = server.connect()
    connection.data_received(HEAD + b"\r\n")
    looks(connection, 30)
    assert transport.ended == []
    connection.look()
    assert transport.ended == ["aborted"]
    await server.let()


async def test_a_connection_that_goes_on_asking_lives_on() -> None:
    server = Server()
    server.answering.set()
    connection, transport = server.connect()
    for _ in range(50):
        connection.data_received(HEAD + b"\r\n")
        await server.let()
        looks(connection, 3)
    assert (transport.ended, transport.written.count(b"200 OK")) == ([], 50)
    connection.connection_lost(None)


async def test_a_body_that_nobody_waits_for_any_more_does_not_keep_a_connection() -> None:
    server = Server()
    server.answering.set()
    connection, transport = server.connect()
    connection.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
    await server.let()
    for _ in range(12):
        connection.data_received(b"x" * 1000)
        connection.look()
    assert "aborted" in transport.ended
    connection.connection_lost(None)


async def test_a_head_without_end_is_refused() -> None:
    connection, transport = Server().connect()
    connection.data_received(HEAD)
    for _ in range(LARGEST_HEAD // 4096):
        connection.data_received(b"X-A: " + b"1" * 4089 + b"\r\n")
    assert transport.ended == ["closed"]
    assert transport.written.startswith(b"HTTP/1.1 400 ")


async def test_noise_is_refused_without_a_word_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    connection, transport = Server().connect()
    connection.data_received(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
    assert transport.written.startswith(b"HTTP/1.1 400 ")
    assert caplog.records == []


async def test_large_bodies_are_no_heads() -> None:
    server = Server()
    connection, transport = server.connect()
    connection.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
    for _ in range(60):
        connection.data_received(b"x" * 1000)
    assert transport.ended == []
    await server.let()
    connection.data_received(HEAD + b"\r\n")
    await server.let()
    assert transport.written.count(b"200 OK") == 2
    connection.connection_lost(None)


async def test_whoever_has_waited_longest_makes_room() -> None:
    server = Server()
    crowd = [server.connect() for _ in range(MOST_CONNECTIONS)]
    looks(crowd[7][0], 3)
    newcomer, transport = server.connect()
    assert [at for at, (_, other) in enumerate(crowd) if other.ended] == [7]
    assert transport.ended == []
    assert newcomer in server.state.connections


async def test_where_all_are_busy_a_newcomer_is_told_to_come_again() -> None:
    server = Server()
    crowd = [server.connect() for _ in range(MOST_CONNECTIONS)]
    for connection, _ in crowd:
        connection.data_received(HEAD + b"\r\n")
    _, transport = server.connect()
    assert transport.ended == ["closed"]
    assert transport.written.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"retry-after: 5" in transport.written
    assert not [other for _, other in crowd if other.ended]
    await server.let()
    for connection, _ in crowd:
        connection.connection_lost(None)


def test_every_status_that_the_routes_answer_with_is_counted() -> None:
    assert set(STATUSES) == {200, 202, 304, 409} | {int(status) for status in WORDS} - {404}
