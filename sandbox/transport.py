"""An httpx transport that calls a pretend service in process, with its clock and without a socket."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from sandbox.clock import Clock
from sandbox.faults import ConnectionCut
from sandbox.faults_http import Answer, ASGIApp, Scope, run_app


class InProcessTransport(httpx.AsyncBaseTransport):
    """Answers httpx requests by calling `app`.

    A cut connection becomes httpx.ReadError (httpx.RemoteProtocolError is what a server's orderly close gives:
    pass `protocol_error=True` for that). `request.extensions["timeout"]` is enforced on `clock` and on the event
    loop's time: an answer that took longer than the read timeout raises httpx.ReadTimeout. The service is not
    interrupted by its client's giving up: its effect lands as it would in another process.
    """

    def __init__(self, app: ASGIApp, *, clock: Clock, protocol_error: bool = False) -> None:
        self._app = app
        self._clock = clock
        self._protocol_error = protocol_error
        self._running: set[asyncio.Task[tuple[Answer, timedelta]]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the service's answer; raises httpx.ReadError or httpx.ReadTimeout."""
        body = await request.aread()
        seconds: float | None = request.extensions.get("timeout", {}).get("read")
        task = asyncio.ensure_future(self._serve(request, body))
        self._running.add(task)
        task.add_done_callback(self._forget)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        answer, took = self._result(task, request)
        if seconds is not None and took > timedelta(seconds=seconds):
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        response = httpx.Response(answer.status, headers=list(answer.headers), content=answer.body, request=request)
        response.headers["Date"] = format_datetime(self._clock.now().astimezone(UTC), usegmt=True)  # as any server does
        return response

    async def _serve(self, request: httpx.Request, body: bytes) -> tuple[Answer, timedelta]:
        """Return the answer and how long the service took, by its own clock."""
        asked = self._clock.now()
        answer = await run_app(self._app, _scope(request), body)
        return answer, self._clock.now() - asked

    def _forget(self, task: asyncio.Task[tuple[Answer, timedelta]]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # an abandoned call's cut connection concerns nobody: mark it as seen

    def _result(self, task: asyncio.Task[tuple[Answer, timedelta]], request: httpx.Request) -> tuple[Answer, timedelta]:
        try:
            return task.result()
        except ConnectionCut as cut:
            if self._protocol_error:
                text = "Server disconnected without sending a response."
                raise httpx.RemoteProtocolError(text, request=request) from cut
            raise httpx.ReadError(str(cut), request=request) from cut


def _scope(request: httpx.Request) -> Scope:
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
        "extensions": {},
    }
    return scope
