"""The HTTP edge over a real socket: what broken servers do to bytes on the wire."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from sync.clock import SystemClock
from sync.http import Answer, Failure, HttpEdge, Outcome, Request, Trouble
from tests.sync.test_http import Meter

pytestmark = pytest.mark.anyio

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def server(speak: Speak) -> AsyncIterator[str]:
    """Serve one connection at a time with `speak`, after the request's head has been read."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await speak(reader, writer)
        finally:
            writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"


def says(*pieces: bytes) -> Speak:
    """Send the pieces and close the connection."""

    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.writelines(pieces)
        await writer.drain()

    return speak


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte again and again, always in time for the read timeout, until the client hangs up."""
    writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while not reader.at_eof():
        writer.write(b"x")
        try:
            await asyncio.wait_for(reader.read(1), 0.01)
        except TimeoutError:
            continue


async def resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Length: 10\r\n\r\n[1")
    await writer.drain()
    writer.transport.abort()


async def ask(url: str, deadline: float = 5.0) -> Outcome:
    request = Request(method="GET", url=url, operation="things", deadline=deadline, read_timeout=deadline)
    async with HttpEdge(api="vendor", clock=SystemClock(), meter=Meter(), rng=random.Random(1)) as edge:
        return await edge.call(request, lambda outcome: outcome)


@pytest.mark.parametrize(
    ("speak", "trouble"),
    [
        pytest.param(says(), Trouble.CUT, id="hangs up at once"),
        pytest.param(says(b"SSH-2.0-OpenSSH\r\n"), Trouble.CUT, id="speaks another protocol"),
        pytest.param(says(HEAD, b"Content-Length: 10\r\n\r\n[1"), Trouble.CUT, id="fewer bytes than announced"),
        pytest.param(says(HEAD, b"Transfer-Encoding: chunked\r\n\r\n2\r\n[1"), Trouble.CUT, id="chunks without end"),
        pytest.param(resets, Trouble.CUT, id="resets within the body"),
        pytest.param(
            says(HEAD, b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"[]" * 500)[:-12]),
            Trouble.NOT_WHOLE,
            id="gzip cut short, ended by closing",
        ),
    ],
)
async def test_a_broken_answer_is_a_failure(speak: Speak, trouble: Trouble) -> None:
    async with server(speak) as url:
        assert await ask(url) == Failure(trouble)


async def test_a_dripping_answer_ends_at_the_deadline_though_no_single_read_is_late() -> None:
    async with server(drips) as url:
        assert await ask(url, deadline=0.2) == Failure(Trouble.TIMEOUT)


async def test_a_refused_connection_surely_had_no_effect() -> None:
    async with server(says()) as url:
        pass
    assert await ask(url) == Failure(Trouble.UNREACHABLE, sent=False)


async def test_an_answer_ended_by_closing_is_taken_as_it_came() -> None:
    """HTTP/1.0 has no other end; that the JSON is whole must be seen by parsing it."""
    async with server(says(b"HTTP/1.0 200 OK\r\n\r\n[1,2]")) as url:
        answer = await ask(url)
    assert isinstance(answer, Answer)
    assert answer.body == b"[1,2]"
