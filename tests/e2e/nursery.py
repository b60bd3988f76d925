"""Forks commands from a process that has loaded the product: to start each from nothing takes most of a second of CPU.

`python -m tests.e2e.nursery FD` serves on a socket that it inherits. What it forks is a process of its own, with its
own environment, folder, standard streams and signals; it goes on as `python -m monitor.cli` does, and ends as that
does. Only the start of the interpreter and the loading of what lies below the command line are not done again; the
modules of the command line itself, which look at the environment, are loaded by each process.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any

_LARGEST = 1 << 17  # bytes of a request, which holds an environment
_LIBRARIES = ("alembic.command", "rich.table", "typer", "uvicorn.lifespan.off", "uvicorn.protocols.http.auto")
_LEFT_OUT = ("monitor.cli", "sync.storage.migrations.")  # Alembic runs the migrations' modules by itself


@dataclass(frozen=True, slots=True)
class Request:
    """A command to run: its words and its surroundings, and the standard streams that it gets."""

    words: list[str]
    env: dict[str, str]
    folder: str
    streams: list[int]

    def become(self) -> None:
        """Let this process be the command's, as far as the outside can tell."""
        for number, stream in enumerate(self.streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(self.env)
        os.chdir(self.folder)
        sys.argv = ["lightspeed-sync", *self.words]


def main() -> None:
    """Serve until the other end is closed; in a forked process, run the command."""
    load()
    gc.collect()
    gc.freeze()  # otherwise each process copies all that its collector looks at
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    if request is not None:
        request.become()
        runpy.run_module("monitor.cli", run_name="__main__", alter_sys=True)


def load() -> None:
    """Import all of the product but its command line."""
    for name in ("monitor", "sync"):
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.startswith(_LEFT_OUT):
                importlib.import_module(found.name)
    for name in _LIBRARIES:
        importlib.import_module(name)


def serve(requests: socket.socket) -> Request | None:
    """Fork what is asked for, and tell how each process ended; return the request in each, None when all is over."""
    reports: dict[int, socket.socket] = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which close the socket
    listening = requests.fileno()
    while True:
        ready, _, _ = select.select([listening, woken], [], [])
        if woken in ready:
            os.read(woken, 1024)
            _reap(reports)
        if listening in ready:
            data, handles, _, _ = socket.recv_fds(requests, _LARGEST, 4)
            if not data:
                return None
            report, *streams = handles
            pid = os.fork()
            if not pid:
                _forget(woken, wake, report, requests.detach(), *(each.detach() for each in reports.values()))
                return Request(streams=streams, **json.loads(data))
            reports[pid] = socket.socket(fileno=report)
            reports[pid].send(str(pid).encode())
            for each in streams:
                os.close(each)


def _reap(reports: dict[int, socket.socket]) -> None:
    """Report the processes that have ended."""
    for pid in list(reports):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            report: Any = reports.pop(pid)
            with report:
                report.send(str(os.waitstatus_to_exitcode(status)).encode())


def _forget(*handles: int) -> None:
    """Let a forked process be free of what its parent does."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for handle in handles:
        os.close(handle)


if __name__ == "__main__":
    main()
