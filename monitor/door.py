"""Where a running daemon takes commands: a unix socket in the state directory."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET = "control.sock"


@contextmanager
def short_name(state_dir: Path) -> Iterator[str]:
    """Name a directory in few characters: a socket's path may have 107 at most. Raises OSError where there is none."""
    handle = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def daemon_runs(state_dir: Path) -> bool:
    """Tell whether a daemon answers; one that was killed leaves its socket's file behind."""
    if not state_dir.is_dir():
        return False
    with short_name(state_dir) as directory, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        try:
            end.connect(f"{directory}/{SOCKET}")
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True  # it is there, but busy, or not for this user
    return True
