"""The end of the socket where systemd would listen to what it started."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path


class Manager:
    """Hears what is told at `address`."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(self.address)

    def heard(self) -> list[str]:
        """Return what was told since the last call."""
        told: list[str] = []
        with suppress(BlockingIOError):
            while True:
                told.append(self._socket.recv(4096).decode())
        return told

    def close(self) -> None:
        self._socket.close()
