"""One process for each state directory, held by a lock that dies with its holder."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync.errors import Code, Permanent

LOCK_FILE = "lightspeed-sync.lock"
_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600
_CODES = {errno.ENOSPC: Code.ST005, errno.EDQUOT: Code.ST005, errno.EIO: Code.ST006}


class StateLock:
    """The exclusive use of a directory, which is created (mode 0700) where it is missing.

    Raises Permanent: ST004 while another process holds it, ST003 where it cannot be written to, ST005 when the disk
    is full.
    """

    def __init__(self, directory: Path) -> None:
        self._fd = -1
        with refusing(directory):
            directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
            fd = _open(directory / LOCK_FILE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
            os.close(fd)
            raise Permanent(Code.ST004, f"{directory} is in use by process {holder or 'unknown'}.") from None
        self._fd = fd
        with refusing(directory):  # for people only: the lock itself is the kernel's
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process in; releasing twice is no error."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def create_private(path: Path) -> None:
    """Create an empty file that only its owner may read, unless it exists; SQLite's side files take its mode."""
    with refusing(path):
        os.close(_open(path))


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into ST003, ST005 or ST006, naming the path."""
    try:
        yield
    except OSError as error:
        raise Permanent(_CODES.get(error.errno or 0, Code.ST003), f"{path}: {error.strerror}.") from error


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)
