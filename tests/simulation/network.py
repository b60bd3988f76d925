"""The pretend network between the product and the pretend services: travelling takes time, and every call is noted."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from sandbox.faults_http import ASGIApp, Receive, Scope, Send
from sandbox.transport import InProcessTransport
from sandbox.world import Addresses, World
from tests.simulation.loop import VirtualClock
from tests.simulation.trace import Trace

_FASTEST, _USUAL = 0.02, 0.15  # seconds one way, least and on average beyond it


@dataclass(frozen=True, slots=True)
class SentWrite:
    """When a stock call was sent, and when the pass that decided it began to read Lightspeed's stock."""

    sent: float
    read_from: float


class CallLog:
    """What the product asked for, as the network saw it."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.stock_read_at = 0.0  # when the newest reading of Lightspeed's stock was begun
        self.writes: dict[str, SentWrite] = {}  # by idempotency key
        self.calls: Counter[str] = Counter()
        self.held_until: dict[str, float] = {}  # by bucket, what a Retry-After asks for
        self.too_early: list[str] = []
        self.quarantine = 0.0  # seconds in which a sale without an answer must not be sent again
        self.sent_again: list[str] = []
        self._unanswered_sales: dict[str, float] = {}  # by reference, when each was last sent
        self.write_sent: Callable[[Sequence[str]], None] = lambda _: None  # told of a write's inventory items

    def forget_process(self) -> None:
        """Forget what a process was told: the next one cannot know it."""
        self.held_until.clear()

    def sent(self, request: httpx.Request) -> None:
        """Note a request at the moment it leaves."""
        now, host = self._clock.monotonic(), _bucket(request)
        self.calls[request.url.host.partition(".")[0]] += 1
        if now < self.held_until.get(host, 0.0) - 1e-3:
            self.too_early.append(f"{request.method} {request.url.path} {self.held_until[host] - now:.3f} s early")
        if request.url.path.endswith("/ItemShop.json") and "after" not in request.url.params:
            self.stock_read_at = now
        if (reference := _reference(request)) is not None:
            before = self._unanswered_sales.get(reference, -self.quarantine)
            if now - before < self.quarantine:
                self.sent_again.append(f"{reference} was sent again {now - before:.0f} s after it went unanswered")
            self._unanswered_sales[reference] = now
        if b"inventorySetQuantities" in request.content:
            variables = json.loads(request.content).get("variables") or {}
            for key in _keys(variables):
                self.writes.setdefault(key, SentWrite(now, self.stock_read_at))
            self.write_sent([row["inventoryItemId"] for row in variables["input"]["quantities"]])

    def heard(self, request: httpx.Request, response: httpx.Response) -> None:
        """Note what an answer asks of whoever heard it: the dead hear nothing."""
        wait = response.headers.get("retry-after", "")
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS and wait.isdecimal():
            self.held_until[_bucket(request)] = self._clock.monotonic() + float(wait)

    def answered(self, request: httpx.Request, response: httpx.Response) -> None:
        """Note what an answer settles, whoever hears it."""
        reference = _reference(request)
        if reference is not None and not response.is_server_error:
            self._unanswered_sales.pop(reference, None)


def _bucket(request: httpx.Request) -> str:
    """Return what a Retry-After holds for: a host, whose sign-in server is another one."""
    return request.url.host + (" sign-in" if "/oauth/" in request.url.path else "")


def _reference(request: httpx.Request) -> str | None:
    """Return the reference of the sale that a request makes; None for every other request."""
    if request.method != "POST" or not request.url.path.endswith("/Sale.json"):
        return None
    return str(json.loads(request.content)["referenceNumber"])


def _keys(variables: Mapping[str, Any]) -> list[str]:
    return [value for name, value in variables.items() if isinstance(value, str) and "key" in name.lower()]


class Network(httpx.AsyncBaseTransport):
    """Carries requests to the services of a world, chosen by host. `after` is called when one was served."""

    def __init__(
        self, world: World, *, clock: VirtualClock, rng: Random, log: CallLog, trace: Trace, after: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._after = after
        self._log = log
        self._trace = trace
        places = Addresses()
        self._by_host = {
            httpx.URL(getattr(places, service)).host: InProcessTransport(self._far(app), clock=clock)
            for service, app in world.apps().items()
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        self._log.sent(request)
        self._trace.note("sent", request.method, str(request.url), zlib.crc32(request.content))
        try:
            response = await self._by_host[host].handle_async_request(request)
        except httpx.TransportError as error:
            self._trace.note("cut", type(error).__name__)
            raise
        self._log.answered(request, response)
        self._trace.note("answer", response.status_code, zlib.crc32(await response.aread()))
        return response

    def heard(self, request: httpx.Request, response: httpx.Response) -> None:
        """Take note that whoever asked has heard an answer."""
        self._log.heard(request, response)

    def _far(self, app: ASGIApp) -> ASGIApp:
        """Put a service some way off: the request travels, and so does the answer."""

        async def travel(scope: Scope, receive: Receive, send: Send) -> None:
            await self._clock.sleep(self._delay())
            try:
                await app(scope, receive, send)
            finally:
                self._after()
            await self._clock.sleep(self._delay())

        return travel

    def _delay(self) -> float:
        return _FASTEST + self._rng.expovariate(1 / _USUAL)
