"""How the faults of `sandbox.faults` meet an HTTP call: one ASGI middleware for every pretend HTTP service.

It stands outermost, so that it holds the server's own `send`, and buffers the request's body, because some
services name the operation there. What differs per service (the body of a 429, a page without its last rows)
is left to the service's renderer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sandbox.clock import Clock
from sandbox.faults import ConnectionCut, Fault, FaultKind, Faults

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr></body></html>\r\n"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, read to its end. Header names are lower case; `path` is decoded, `query` is not."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response, whole. `content-length` is not among the headers: it is added when sending."""

    status: int
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    body: bytes = b""


Proceed = Callable[[], Awaitable[Answer]]
Render = Callable[[Fault, Call, Proceed], Awaitable[Answer]]
"""Answers a call that meets THROTTLED, SERVER_ERROR, UNAUTHORIZED, SHORT_PAGE, FOREIGN_NEXT, DROPPED_RELATIONS or
REFUSED.

Awaiting `Proceed` runs the service (the effect is applied) and returns its answer, to be changed with
`dataclasses.replace`; not awaiting it means the call had no effect.
"""


def web_page(status: int, title: str) -> Answer:
    """Return what a gateway in front of the service says: a web page."""
    return Answer(status, (("content-type", "text/html"),), _PAGE.format(title).encode())


async def run_app(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    """Let `app` answer a buffered request and return its whole response."""
    status = 500
    headers: tuple[tuple[str, str], ...] = ()
    parts: list[bytes] = []

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
            headers = tuple((name, value) for name, value in pairs if name.lower() != "content-length")
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, _replay(body), send)
    return Answer(status, headers, b"".join(parts))


class FaultMiddleware:
    """Lets each call meet the fault waiting for its operation, if there is one.

    Whether the effect is applied: yes for RESET_AFTER, GATEWAY_TIMEOUT, TRUNCATED, EMPTY and SLOW; later for
    LATE; no for RESET_BEFORE, HTML and BAD_GATEWAY; for the rest the renderer decides. A cut connection raises
    ConnectionCut in process and really drops the socket under uvicorn.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        faults: Faults,
        clock: Clock,
        operations_of: Callable[[Call], Sequence[str]],
        render: Render,
    ) -> None:
        self._app = app
        self._service = service
        self._faults = faults
        self._clock = clock
        self._operations_of = operations_of
        self._render = render
        self._late: set[asyncio.Task[Answer]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, or cut it off."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            return
        call = _call(scope, body)
        fault = self._take(call)
        if fault is None:
            await self._app(scope, _replay(body), send)
            return
        try:
            answer = await self._meet(fault, call, scope)
        except ConnectionCut:
            if not await _cut_socket(receive, send):
                raise
            return
        await _send_answer(send, answer)

    def _take(self, call: Call) -> Fault | None:
        for operation in self._operations_of(call):
            fault = self._faults.take(self._service, operation)
            if fault is not None:
                return fault
        return None

    async def _meet(self, fault: Fault, call: Call, scope: Scope) -> Answer:
        """Return the answer of a call that meets `fault`; raises ConnectionCut."""

        async def proceed() -> Answer:
            return await run_app(self._app, scope, call.body)

        match fault.kind:
            case FaultKind.RESET_BEFORE:
                raise ConnectionCut("the connection was cut before the request arrived")
            case FaultKind.HTML:
                return web_page(200, "We will be right back")
            case FaultKind.BAD_GATEWAY:
                return web_page(502, "502 Bad Gateway")
            case FaultKind.LATE:
                self._land_later(fault.seconds, proceed)
                return web_page(504, "504 Gateway Time-out")
            case FaultKind.RESET_AFTER | FaultKind.GATEWAY_TIMEOUT | FaultKind.TRUNCATED | FaultKind.EMPTY:
                return _spoil(fault.kind, await proceed())
            case FaultKind.SLOW:
                answer = await proceed()
                await self._clock.sleep(fault.seconds)
                return answer
            case _:
                return await self._render(fault, call, proceed)

    def _land_later(self, seconds: float, proceed: Proceed) -> None:
        moment = self._clock.now() + timedelta(seconds=seconds)

        async def land() -> Answer:
            await self._clock.until(moment)
            return await proceed()

        task = asyncio.ensure_future(land())
        self._late.add(task)
        task.add_done_callback(self._late.discard)


def _spoil(kind: FaultKind, answer: Answer) -> Answer:
    """Lose the answer of an effect that was applied."""
    match kind:
        case FaultKind.RESET_AFTER:
            raise ConnectionCut("the connection was cut before the answer left")
        case FaultKind.GATEWAY_TIMEOUT:
            return web_page(504, "504 Gateway Time-out")
        case FaultKind.TRUNCATED:
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case _:
            return replace(answer, status=200, body=b"")


async def _cut_socket(receive: Receive, send: Send) -> bool:
    """Drop the TCP connection below uvicorn's `send`; False where there is no socket.

    Waiting for the disconnect keeps uvicorn from answering 500 in our place.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        return False
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
    return True


async def _read(receive: Receive) -> bytes | None:
    """Return the request's body, None where the client hung up before its end."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes) -> Receive:
    """Return a `receive` that gives `body` once and then waits, as on a connection that stays open."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _call(scope: Scope, body: bytes) -> Call:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Call(scope["method"], scope["path"], scope.get("query_string", b"").decode("latin-1"), headers, body)


async def _send_answer(send: Send, answer: Answer) -> None:
    headers = [*answer.headers, ("content-length", str(len(answer.body)))]
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
