"""The SQLite library: which one is used, and what its errors mean to people."""

from __future__ import annotations

import importlib
from types import ModuleType

from sqlalchemy.exc import DBAPIError

from sync.errors import Code, Permanent, SyncError, Transient

# 3.7.0 to 3.51.2 can corrupt a write-ahead log when two connections write or checkpoint at the same moment.
OLDEST = (3, 51, 3)
_MODULES = ("pysqlite3.dbapi2", "sqlite3")

_CODES = {
    5: Code.ST004,  # BUSY: another process writes, against our lock file
    6: Code.ST004,  # LOCKED
    8: Code.ST003,  # READONLY
    10: Code.ST006,  # IOERR
    11: Code.ST002,  # CORRUPT
    13: Code.ST005,  # FULL
    14: Code.ST003,  # CANTOPEN
    26: Code.ST002,  # NOTADB
}
FATAL = (Code.ST002, Code.ST006)  # after these nothing more may be believed or written


def load_driver() -> ModuleType:
    """Return the DB-API module of a SQLite that is safe with a write-ahead log.

    Raises Permanent (ST008) where neither the bundled nor Python's own library is new enough.
    """
    seen = []
    for name in _MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            seen.append(f"{name.partition('.')[0]} is not installed")
            continue
        if module.sqlite_version_info >= OLDEST:
            return module
        seen.append(f"{name.partition('.')[0]} brings SQLite {module.sqlite_version}")
    oldest = ".".join(map(str, OLDEST))
    raise Permanent(
        Code.ST008,
        f"{oldest} or newer is needed, but {' and '.join(seen)}.",
    )


def code_of(error: DBAPIError) -> Code | None:
    """Return the catalogue code of a library error; None: a mistake in a statement or a broken constraint."""
    number = getattr(error.orig, "sqlite_errorcode", None)
    return None if number is None else _CODES.get(number & 0xFF)


def translated(error: DBAPIError) -> SyncError | None:
    """Return the error as one of ours; None for what the caller's own statements did wrong.

    A full disk may be freed, so it is Transient; the others are Permanent.
    """
    code = code_of(error)
    if code is None:
        return None
    kind = Transient if code is Code.ST005 else Permanent
    return kind(code, f"SQLite says: {error.orig}.")
