"""What every listener's sockets are like."""

from __future__ import annotations

import asyncio
import socket

import pytest

from monitor.serving import bind_tcp

pytestmark = pytest.mark.anyio


async def test_an_answer_in_two_parts_does_not_wait_for_the_peer_to_confirm_the_first() -> None:
    met: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        met.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    bound = bind_tcp("127.0.0.1", 0)
    async with await asyncio.start_server(connected, sock=bound):
        _, writer = await asyncio.open_connection(*bound.getsockname())
        assert await met != 0
        writer.close()
