"""The one place where a request leaves the product: deadlines, size limits, whole answers, retries of reads.

An adapter hands in a `Request` and a `translate` function that turns what came of it, an `Answer` or a `Failure`,
into a value or an error of `sync.errors`. Every attempt is reported to the `ApiMeter` with the code it failed with.
No error raised here names a URL, a header or a body: they hold secrets.
"""

from __future__ import annotations

import asyncio
import logging
import random
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Self, TypeVar

import httpx

from sync.clock import Clock
from sync.errors import OutcomeUnknown, SyncError, Transient
from sync.http_values import clock_ahead, server_time
from sync.pacing import backoff
from sync.ports import ApiMeter

T = TypeVar("T")

_CONNECT_SECONDS = 10.0  # a TCP and TLS handshake across an ocean takes about one
_SHORTEST_SLEEP = 0.001  # below it a clock may not move at all
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Trouble(Enum):
    """Why no whole answer came."""

    UNREACHABLE = "no connection could be opened"
    TIMEOUT = "no whole answer came in time"
    CUT = "the connection broke before the answer was whole"
    TOO_LARGE = "the answer is larger than we accept"
    NOT_WHOLE = "the answer's length or compression is wrong"


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a whole answer. `sent` is False only where the request surely never left: no effect."""

    trouble: Trouble
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of any status; `body` is decompressed, and empty where the request named a sink."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)


Outcome = Answer | Failure
Translate = Callable[[Outcome], T]
"""Returns the value of an outcome or raises an error of `sync.errors`."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `operation` names it for the meter and the log, without ids; `deadline` is in seconds, in all.

    `sink` takes the pieces of a 200's body as they come, for bodies that should not lie in memory.
    """

    method: str
    url: str = field(repr=False)
    operation: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    deadline: float = 30.0
    read_timeout: float = 20.0
    max_bytes: int = 16 * 1024 * 1024
    sink: Callable[[bytes], object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a read is tried, and how long it may wait. A longer Retry-After is left to the caller's next turn."""

    attempts: int = 5
    base: float = 0.5
    cap: float = 30.0
    longest_wait: float = 120.0


@dataclass(slots=True)
class RetryBudget:
    """Keeps retries to a share of the calls, so that an outage is not answered with a storm.

    A call adds `share`, a retry takes 1, at most `cap` is saved up. A wait the server asked for costs nothing.
    """

    share: float = 0.1
    cap: float = 10.0
    saved: float = 10.0

    def call(self) -> None:
        """Take note of a first attempt."""
        self.saved = min(self.cap, self.saved + self.share)

    def take(self) -> bool:
        """Spend one retry; False where none is left."""
        if self.saved < 1:
            return False
        self.saved -= 1
        return True


class _NoCookies(httpx.Cookies):
    """Takes none: no API of ours needs them, and to look for them takes longer than all else of an answer."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave the answer's cookies where they are."""


class _Client(httpx.AsyncClient):
    """A client without cookies."""

    _none = _NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """Return where none are kept."""
        return self._none

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        raise NotImplementedError


class HttpEdge:
    """Sends requests to one API.

    While a Retry-After of this API runs, nothing is sent: the call waits, or raises the same `Transient` at once
    where the rest of the wait is longer than the policy allows. Use as an async context manager, or `aclose`.
    """

    def __init__(
        self,
        *,
        api: str,
        clock: Clock,
        meter: ApiMeter,
        rng: random.Random,
        policy: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._api = api
        self._clock = clock
        self._meter = meter
        self._rng = rng
        self._policy = policy or RetryPolicy()
        self._budget = RetryBudget()
        self._held: tuple[float, SyncError] | None = None
        self.server_time: datetime | None = None  # of the latest answer, by the server's own clock
        silence_httpx()
        self._headers = _default_headers()
        self._client = _Client(transport=transport, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def signed_in(self, until: datetime) -> None:
        """Tell until when the sign-in at this API lasts."""
        self._meter.sign_in(self._api, until)

    async def call(self, request: Request, translate: Translate[T]) -> T:
        """Make one attempt and return what `translate` makes of it; raises what `translate` raises."""
        await self._wait_out_hold()
        return await self._attempt(request, translate)

    async def once(self, prepare: Callable[[], Awaitable[Request]], translate: Translate[T]) -> T:
        """Make one attempt at what `prepare` makes ready as in `read`; raises what `translate` raises."""
        await self._wait_out_hold()
        return await self.call(await prepare(), translate)

    async def read(self, prepare: Callable[[], Awaitable[Request]], translate: Translate[T]) -> T:
        """Try a request without effects until it succeeds, fails for good or the policy or budget is used up.

        `prepare` is awaited before each attempt, to wait for quota and take the present access token.
        Raises the last `Transient`, or any other error of `translate` at once.
        """
        self._budget.call()
        attempt = 0
        while True:
            attempt += 1
            await self._wait_out_hold()
            request = await prepare()
            await self._wait_out_hold()  # another task may have been told to wait meanwhile
            try:
                return await self._attempt(request, translate)
            except Transient as error:
                if not self._may_retry(attempt, error):
                    raise
                if error.retry_after is None:
                    draw = self._rng.random()
                    await self._clock.sleep(backoff(attempt, draw, base=self._policy.base, cap=self._policy.cap))

    def _may_retry(self, attempt: int, error: Transient) -> bool:
        if attempt >= self._policy.attempts:
            return False
        if error.retry_after is not None:
            return error.retry_after <= self._policy.longest_wait
        return self._budget.take()

    async def _attempt(self, request: Request, translate: Translate[T]) -> T:
        started = self._clock.monotonic()
        outcome = await self._send(request)
        seconds = self._clock.monotonic() - started
        self.server_time = server_time(outcome.headers) if isinstance(outcome, Answer) else None
        if self.server_time is not None:
            self._meter.clock(self._api, *clock_ahead(self.server_time, self._clock.now(), seconds))
        try:
            value = translate(outcome)
        except SyncError as error:
            self._meter.attempt(self._api, request.operation, seconds, error.code.name)
            self._hold_for(error)
            raise
        self._meter.attempt(self._api, request.operation, seconds, None)
        return value

    def _hold_for(self, error: SyncError) -> None:
        if not isinstance(error, Transient | OutcomeUnknown) or error.retry_after is None:
            return
        until = self._clock.monotonic() + error.retry_after
        if self._held is None or until > self._held[0]:
            self._held = (until, error)

    async def _wait_out_hold(self) -> None:
        while self._held is not None:
            until, error = self._held
            left = until - self._clock.monotonic()
            if left <= 0:
                self._held = None
                return
            if left > self._policy.longest_wait:
                raise Transient(error.code, error.detail, retry_after=left)
            await self._clock.sleep(max(left, _SHORTEST_SLEEP))

    async def _send(self, request: Request) -> Outcome:
        try:
            async with asyncio.timeout(request.deadline), self._open(request) as response:
                return await _whole(response, request)
        except (TimeoutError, httpx.TimeoutException) as error:
            return Failure(Trouble.TIMEOUT, sent=not isinstance(error, _NEVER_SENT))
        except (httpx.TransportError, httpx.InvalidURL) as error:
            if isinstance(error, (*_NEVER_SENT, httpx.UnsupportedProtocol, httpx.InvalidURL)):
                return Failure(Trouble.UNREACHABLE, sent=False)
            return Failure(Trouble.CUT)

    @asynccontextmanager
    async def _open(self, request: Request) -> AsyncIterator[httpx.Response]:
        # Built by ourselves: the client would merge addresses, headers and cookies of its own, of which it has none.
        built = httpx.Request(
            request.method,
            _address(request.url),
            headers={**self._headers, **request.headers},
            content=request.body,
            extensions={"timeout": httpx.Timeout(request.read_timeout, connect=_CONNECT_SECONDS).as_dict()},
        )
        response = await self._client.send(built, stream=True)
        try:
            yield response
        finally:
            await response.aclose()


_address = lru_cache(maxsize=32)(httpx.URL)
"""Reads an address; polls ask for the same one again and again."""


def silence_httpx() -> None:
    """Keep httpx and httpcore from logging whole URLs, which may hold secrets."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def user_agent() -> str:
    """Return what the product calls itself."""
    try:
        return f"lightspeed-sync/{version('lightspeed-sync')}"
    except PackageNotFoundError:
        return "lightspeed-sync"


def _default_headers() -> dict[str, str]:
    # identity: httpx takes a gzip stream that ends too early for a whole one
    return {
        "User-Agent": user_agent(),
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "keep-alive",
    }


async def _whole(response: httpx.Response, request: Request) -> Outcome:
    """Read the body to its end and prove that it is whole."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower() or "identity"
    sink = request.sink if response.status_code == HTTPStatus.OK and encoding == "identity" else None
    if request.sink is not None and sink is None and response.status_code == HTTPStatus.OK:
        return Failure(Trouble.NOT_WHOLE)
    raw, size = bytearray(), 0
    async for piece in _pieces(response):
        size += len(piece)
        if size > request.max_bytes:
            return Failure(Trouble.TOO_LARGE)
        if sink is None:
            raw += piece
        else:
            sink(piece)
    if not _length_fits(response.headers.get("content-length"), size, request.method):
        return Failure(Trouble.NOT_WHOLE)
    answer = Answer(response.status_code, response.headers, bytes(raw))
    return answer if encoding == "identity" else _decompressed(answer, encoding, request.max_bytes)


def _pieces(response: httpx.Response) -> AsyncIterable[bytes]:
    """Return the body's bytes as they were sent, also where a transport gives them all at once."""
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("an asynchronous transport gave a synchronous stream")
    return stream


def _length_fits(header: str | None, size: int, method: str) -> bool:
    if header is None or method == "HEAD":
        return True
    return header.strip().isascii() and header.strip().isdigit() and int(header) == size


def _decompressed(answer: Answer, encoding: str, max_bytes: int) -> Outcome:
    """Return a gzip answer that was sent although we asked for none; httpx would not see that its end is missing."""
    if encoding not in ("gzip", "x-gzip"):
        return Failure(Trouble.NOT_WHOLE)
    inflater = zlib.decompressobj(wbits=31)
    try:
        body = inflater.decompress(answer.body, max_bytes)
    except zlib.error:
        return Failure(Trouble.NOT_WHOLE)
    if inflater.unconsumed_tail:
        return Failure(Trouble.TOO_LARGE)
    if not inflater.eof or inflater.unused_data:
        return Failure(Trouble.NOT_WHOLE)
    return replace(answer, body=body)
