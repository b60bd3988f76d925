"""How the daemon's memory is got from the system: from one arena for all threads, where the C library has arenas."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_ARENA_MAX = -8  # of glibc's mallopt


def share_one_arena() -> None:
    """Let all threads allocate from one arena; to be called before there are any.

    They hardly ever allocate at the same moment, and each arena of its own keeps what its thread has freed.
    """
    with suppress(OSError, AttributeError):  # another C library knows no arenas
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
