"""Serves ASGI applications inside the daemon's own event loop, on a socket that is bound before anything starts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from monitor.connections import GuardedConnection, watching

_GRACE = 3  # seconds a request may go on after the listener closed
_START_STEP = 0.005


class _Server(uvicorn.Server):
    """A server that leaves the signals to the daemon, which stops things in its own order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


@asynccontextmanager
async def serving(app: ASGIApp, bound: socket.socket, *, public: bool = False) -> AsyncIterator[None]:
    """Serve `app` on a bound socket while the block runs; then let requests under way end, and close it.

    A `public` listener's connections are few, short and small, whatever strangers make of them.
    """
    config = uvicorn.Config(
        app,
        http=GuardedConnection if public else "auto",
        log_config=None,
        access_log=False,
        interface="asgi3",
        lifespan="off",
        ws="none",  # nothing here speaks WebSocket; its library need not be loaded
        server_header=False,
        proxy_headers=False,  # who asks is told by the application's own rules
        date_header=True,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=5,
        h11_max_incomplete_event_size=16 * 1024,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[bound]), name="listener")
    watch = watching(server.server_state) if public else None
    try:
        yield
    finally:
        if watch is not None:
            watch.cancel()
        server.should_exit = True
        await task
        bound.close()


def bind_tcp(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises OSError where the place is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio leaves Nagle on: 40 ms
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound
