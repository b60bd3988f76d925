"""Processes of the real program as tests see them: started from nothing, or forked by the nursery."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, TypeAlias

from tests.conftest import ROOT

_STARTING = 60.0  # seconds the nursery may take to load the product


class Forked:
    """A process of the nursery, with what tests need of asyncio's Process."""

    def __init__(self, pid: int, report: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._report = report
        self._ended = asyncio.create_task(self._end())

    async def _end(self) -> int:
        with self._report:
            code = int(await asyncio.get_running_loop().sock_recv(self._report, 16))
        self.returncode = code
        return code

    async def wait(self) -> int:
        """Wait until it is over; return its exit code, or less the signal that ended it."""
        return await asyncio.shield(self._ended)

    async def communicate(self, said: bytes = b"") -> tuple[bytes, bytes]:
        """Say something to it, and return all that it wrote when it is over."""
        assert self.stdout is not None
        assert self.stderr is not None
        if self.stdin is not None:
            self.stdin.write(said)
            self.stdin.close()
        out, err, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self.wait())
        return out, err

    def send_signal(self, number: int) -> None:
        """Send it a signal, as long as it is not over."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send_signal(signal.SIGKILL)


Process: TypeAlias = asyncio.subprocess.Process | Forked


async def started(
    words: Sequence[str], env: Mapping[str, str], folder: Path, *, stdin: bool = False, log: IO[bytes] | None = None
) -> asyncio.subprocess.Process:
    """Run `lightspeed-sync` from nothing, as people do; its output goes to `log`, or to pipes."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor.cli", *words, env=env, cwd=folder,
        stdin=pipe if stdin else asyncio.subprocess.DEVNULL, stdout=log or pipe, stderr=log or pipe,
    )  # fmt: skip


async def forked(
    words: Sequence[str], env: Mapping[str, str], folder: Path, *, stdin: bool = False, log: IO[bytes] | None = None
) -> Forked:
    """Run `lightspeed-sync` in a process of the nursery; its output goes to `log`, or to pipes."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    request = json.dumps({"words": words, "env": dict(env), "folder": str(folder)}).encode()
    to_it, from_it, complaints = os.pipe(), os.pipe(), os.pipe()
    outputs = (from_it[1], complaints[1]) if log is None else (log.fileno(), log.fileno())
    nursery = _nursery()
    socket.send_fds(nursery, [request], [its.fileno(), to_it[0], *outputs])
    for handle in (its.detach(), to_it[0], from_it[1], complaints[1]):
        os.close(handle)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_STARTING):
        process = Forked(int(await loop.sock_recv(ours, 16)), ours)
    if stdin:
        process.stdin = await _writer(to_it[1])
    else:
        os.close(to_it[1])
    if log is None:
        process.stdout, process.stderr = await _reader(from_it[0]), await _reader(complaints[0])
    else:
        os.close(from_it[0])
        os.close(complaints[0])
    return process


async def _reader(handle: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(handle, "rb", 0)
    )
    return reader


async def _writer(handle: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(handle, "wb", 0))
    return asyncio.StreamWriter(transport, protocol, None, loop)


@cache
def _nursery() -> socket.socket:
    """Return the socket of this process's nursery, started when first needed; it ends with this process."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program, null = [sys.executable, "-m", "tests.e2e.nursery", str(its.fileno())], subprocess.DEVNULL
    nursery = subprocess.Popen(program, cwd=ROOT, pass_fds=[its.fileno()], stdin=null, stdout=null)
    its.close()

    def end() -> None:
        ours.close()
        nursery.wait()

    atexit.register(end)
    return ours
