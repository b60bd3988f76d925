"""Keeps the public listener's connections few, short and small, whatever strangers make of them.

What a request may hold and how long it may take is the application's to say. Here is what it never gets to see:
connections that send nothing, heads that never end, answers that nobody takes.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import TimerHandle
from dataclasses import dataclass

from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

MOST_CONNECTIONS = 512
"""At a time; beyond it those that wait for a request make room, the longest first."""
LARGEST_HEAD = 32 * 1024
"""Bytes of a request line and its headers, while they are not complete."""
_LOOK = 1.0
_IDLE_LOOKS = 10  # seconds without a complete head, or in which an answer is not taken
_BUSY_LOOKS = 30  # seconds that one request may take; the application ends it much sooner

_BODY = b'{"error":"unavailable","message":"Try again later."}'
_LOG = logging.getLogger("uvicorn.error.public")  # what strangers send is counted, where it is anything, not logged
_LOG.setLevel(logging.ERROR)
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
    b"retry-after: 5\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


class GuardedConnection(HttpToolsProtocol):
    """One connection of the public listener."""

    _head = 0  # bytes that came while no head was complete
    _seen: tuple[RequestResponseCycle | None, bool] = (None, True)
    looks = 0  # seconds for which nothing has moved on

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; where there are too many, one that waits makes room for it, or it is refused."""
        super().connection_made(transport)
        self.logger = _LOG
        if len(self.connections) <= MOST_CONNECTIONS:
            return
        waiting = [each for each in self.connections if isinstance(each, GuardedConnection) and each.waits]
        if len(waiting) > 1:
            max(waiting, key=lambda each: (each is not self, each.looks)).transport.abort()
        else:
            transport.write(_FULL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Take what arrived; a head that is too large ends the connection."""
        super().data_received(data)
        scope: HTTPScope | None = self.scope  # none before the first request
        if scope is None or "path" in scope:  # the head is complete: the rest is the application's
            self._head = 0
            return
        self._head += len(data)
        if self._head > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The request cannot be understood.")

    @property
    def waits(self) -> bool:
        """Tell whether it has no request under way."""
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request
        return cycle is None or cycle.response_complete

    def look(self) -> None:
        """End the connection where nothing has moved on for too long; called each second."""
        now = (self.cycle, self.waits)
        if now[0] is not self._seen[0] or now[1] is not self._seen[1]:
            self._seen, self.looks = now, 0
        self.looks += 1
        if self.looks > (_IDLE_LOOKS if self.waits else _BUSY_LOOKS):
            self.transport.abort()


@dataclass
class Watch:
    """Looks at all connections each second until it is cancelled."""

    state: ServerState
    timer: TimerHandle | None = None

    def look(self) -> None:
        """Look at each connection, and come again."""
        for connection in list(self.state.connections):
            if isinstance(connection, GuardedConnection):
                connection.look()
        self.timer = asyncio.get_running_loop().call_later(_LOOK, self.look)

    def cancel(self) -> None:
        """Look no more."""
        if self.timer is not None:
            self.timer.cancel()


def watching(state: ServerState) -> Watch:
    """Return a watch over a server's connections that has begun."""
    watch = Watch(state)
    watch.look()
    return watch
