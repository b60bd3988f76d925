"""Whatever strangers do to the public listener, honest visitors are answered, memory stays and the sync goes on."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from sync.clock import SystemClock
from tests.e2e.play import Shop, shop

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CLOCK = SystemClock()
SECONDS = 12.0
MOST_GROWTH = 64 * 1024  # kB
SHOP, SECRET = "wtfswag.myshopify.com", b"sandbox-app-secret"
JSON = b"Content-Type: application/json\r\n"


def signed(**own: str) -> str:
    pairs = {"shop": SHOP, "logged_in_customer_id": "", "timestamp": str(int(CLOCK.now().timestamp())), **own}
    text = "".join(sorted(f"{name}={value}" for name, value in pairs.items()))
    return urlencode({**pairs, "signature": hmac.new(SECRET, text.encode(), hashlib.sha256).hexdigest()})


def head(path: str, *lines: bytes, method: str = "POST") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: shop.example\r\n".encode() + b"".join(lines)


@dataclass
class Street:
    """Where strangers meet the daemon: whoever is here until the time is over."""

    opened: Shop
    statuses: Counter[int] = field(default_factory=Counter)
    ended: int = 0

    @asynccontextmanager
    async def line(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a connection, and take note of all that was answered over it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.opened.public_port)
        try:
            with suppress(ConnectionError):
                yield reader, writer
        finally:
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(0.2):
                    said = await reader.read(65536)
                    self.statuses.update(int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3})", said))
            self.ended += reader.at_eof()
            writer.transport.abort()

    async def pause(self, seconds: float) -> None:
        await CLOCK.sleep(seconds)


async def slow_heads(street: Street) -> None:
    async with street.line() as (reader, writer):
        writer.write(head("/inventory", method="GET"))
        while not reader.at_eof():
            writer.write(b"X: 1\r\n")
            await writer.drain()
            await street.pause(0.5)


async def dripping_bodies(street: Street) -> None:
    async with street.line() as (reader, writer):
        writer.write(head(f"/reserve?{signed()}", JSON, b"Content-Length: 60000\r\n\r\n"))
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            await street.pause(0.5)


async def huge_bodies(street: Street) -> None:
    told = random.Random(street.statuses.total()).random() < 0.5
    length = b"Content-Length: 100000000\r\n\r\n" if told else b"Transfer-Encoding: chunked\r\n\r\n"
    async with street.line() as (_, writer):
        writer.write(head(f"/sync?{signed()}", JSON, length))
        for _ in range(1525):
            writer.write(b"x" * 65536 if told else b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()


async def ten_thousand_headers(street: Street) -> None:
    async with street.line() as (_, writer):
        lines = [b"X-%d: %s\r\n" % (number, b"1" * 20) for number in range(10_000)]
        writer.write(head(f"/inventory?{signed()}", *lines, b"\r\n", method="GET"))
        await writer.drain()
        await street.pause(0.1)


async def nested_json(street: Street) -> None:
    async with street.line() as (_, writer):
        for opening in (b"[", b'{"a":', b'{"updates":[', b'"\\'):
            body = (opening * 65536)[:65536]
            writer.write(head(f"/sync?{signed()}", JSON, b"Content-Length: 65536\r\n\r\n") + body)
            await writer.drain()
        await street.pause(0.1)


async def noise(street: Street) -> None:
    rng = random.Random(street.statuses.total())
    async with street.line() as (_, writer):
        writer.write(rng.randbytes(2000) if rng.random() < 0.5 else b"GET /\xff HTTP/9.9\r\n\r\n")
        await writer.drain()
        await street.pause(0.05)


async def deaf(street: Street) -> None:
    async with street.line() as (_, writer):
        for _ in range(500):
            writer.write(head(f"/inventory?{signed()}", b"\r\n", method="GET"))
            await writer.drain()
        await street.pause(2)


Stranger = Callable[[Street], Awaitable[None]]


async def crowd(street: Street, stranger: Stranger, size: int, until: float) -> None:
    """Let so many strangers come again and again."""

    async def one() -> None:
        while CLOCK.monotonic() < until:
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(until + 1 - CLOCK.monotonic()):
                    await stranger(street)

    await asyncio.gather(*(one() for _ in range(size)))


async def honest(opened: Shop, until: float) -> tuple[int, float]:
    """Ask as visitors do; return how often, and the longest wait."""
    asked, longest = 0, 0.0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{opened.public_port}", timeout=20) as client:
        while CLOCK.monotonic() < until:
            began = CLOCK.monotonic()
            answer = await client.get(f"/inventory?{signed(limit='5')}")
            assert (answer.status_code, len(answer.json()["items"])) == (200, 5)
            longest, asked = max(longest, CLOCK.monotonic() - began), asked + 1
            await CLOCK.sleep(0.2)
    return asked, longest


def memory(opened: Shop) -> int:
    """Return how much memory the daemon has at most used, in kB."""
    assert opened.daemon is not None
    status = Path(f"/proc/{opened.daemon.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0])


@pytest.mark.parametrize(
    ("stranger", "size"),
    [
        pytest.param(slow_heads, 600, id="slow heads, more than there is room for"),
        pytest.param(dripping_bodies, 200, id="dripping bodies"),
        pytest.param(huge_bodies, 8, id="bodies of 100 MB"),
        pytest.param(ten_thousand_headers, 8, id="10,000 headers"),
        pytest.param(nested_json, 8, id="nested JSON"),
        pytest.param(noise, 8, id="noise"),
        pytest.param(deaf, 20, id="answers that nobody reads"),
    ],
)
async def test_whatever_strangers_do(tmp_path: Path, stranger: Stranger, size: int) -> None:
    async with shop(tmp_path, goods=12) as opened:
        first = await opened.run("sync", "--full", "--confirm", "--json")
        assert first.code == 0, first.said
        await opened.start()
        await opened.until(opened.ready, "the daemon to be ready")
        before, street = memory(opened), Street(opened)
        until = CLOCK.monotonic() + SECONDS
        (asked, longest), *_ = await asyncio.gather(
            honest(opened, until), crowd(street, stranger, size, until), sell(opened, until)
        )
        assert asked >= SECONDS / 4, "an honest visitor is answered all the while"
        assert longest < 5
        assert {status for status in street.statuses if status >= 500} <= {503}, street.statuses
        assert memory(opened) - before < MOST_GROWTH
        await opened.until(lambda: not opened.out_of_step(), "both shops to be in step")
        assert await opened.stop() == 0, opened.log()
        log = (opened.folder / "daemon.log").read_text()
        assert "signature" not in log
        assert "storefront.broke" not in log


async def sell(opened: Shop, until: float) -> None:
    """Sell over the counter all the while: the sync may miss nothing of it."""
    sku = max(opened.skus, key=lambda each: opened.world.sellable(each) or 0)
    while CLOCK.monotonic() < until:
        opened.world.lightspeed.sell(sku, 1)
        await CLOCK.sleep(3)
