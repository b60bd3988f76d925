"""What the database libraries' own failures mean to people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from sync.errors import Code, Permanent, SyncError, Transient

FATAL = (Code.ST002, Code.ST006)  # after these nothing more may be believed or written

_SQLITE = {
    5: Code.ST004,  # BUSY: another process writes, against our lock file
    6: Code.ST004,  # LOCKED
    8: Code.ST003,  # READONLY
    10: Code.ST006,  # IOERR
    11: Code.ST002,  # CORRUPT
    13: Code.ST005,  # FULL
    14: Code.ST003,  # CANTOPEN
    26: Code.ST002,  # NOTADB
}
# SQLSTATE, the longest beginning that is listed; https://www.postgresql.org/docs/15/errcodes-appendix.html
_POSTGRES = {
    "08": Code.ST010,  # connection exception
    "25006": Code.ST003,  # read-only transaction
    "25P03": Code.ST010,  # idle in transaction for too long
    "28": Code.ST011,  # wrong user or password
    "3D000": Code.ST011,  # no such database
    "40": Code.ST004,  # serialization failure, deadlock
    "42501": Code.ST003,  # insufficient privilege
    "53": Code.ST010,  # too many connections, out of memory
    "53100": Code.ST005,  # disk full
    "55P03": Code.ST004,  # waited too long for a lock
    "57014": Code.ST010,  # took longer than allowed
    "57P": Code.ST010,  # shutting down, crashed, starting
    "58": Code.ST006,  # input or output failed
    "XX001": Code.ST002,  # data corrupted
    "XX002": Code.ST002,  # index corrupted
}
_LONGEST = max(map(len, _POSTGRES))
_PASSING = (Code.ST005, Code.ST010)  # a full disk may be freed, a server comes back
# While a connection is made the library gives no SQLSTATE, only the server's words.
_REFUSALS = (
    (re.compile(r"FATAL: .*(authentication failed|no pg_hba\.conf entry)|no password supplied"), Code.ST011),
    (re.compile(r"FATAL: .*(role|database) .* (does not exist|is not permitted)"), Code.ST011),
    (re.compile(r"session is read-only|permission denied"), Code.ST003),
)


@contextmanager
def translating() -> Iterator[None]:
    """Turn the library's own failures into ours."""
    try:
        yield
    except DBAPIError as error:
        if (ours := translated(error)) is None:
            raise
        raise ours from error


def translated(error: DBAPIError) -> SyncError | None:
    """Return the error as one of ours; None for what the caller's own statements did wrong.

    What passes by itself is Transient; the others are Permanent.
    """
    if hasattr(error.orig, "sqlstate"):
        return _of_postgres(error)
    number = getattr(error.orig, "sqlite_errorcode", None)
    code = None if number is None else _SQLITE.get(number & 0xFF)
    return None if code is None else _ours(code, "SQLite", error)


def _of_postgres(error: DBAPIError) -> SyncError | None:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    codes = (_POSTGRES.get(state[:length]) for length in range(_LONGEST, 1, -1))
    code = next((code for code in codes if code is not None), None)
    if code is None and not state and type(error.orig).__name__ == "OperationalError":
        code = next((code for words, code in _REFUSALS if words.search(str(error.orig))), Code.ST010)
    if code is None and error.connection_invalidated:
        code = Code.ST010
    if code is None:
        return None
    waits_in_turn = code is Code.ST004
    return _ours(code, "PostgreSQL", error, passing=waits_in_turn)


def _ours(code: Code, who: str, error: DBAPIError, *, passing: bool = False) -> SyncError:
    words = " ".join(str(error.orig).split()).rstrip(".")
    kind = Transient if passing or code in _PASSING else Permanent
    return kind(code, f"{who} says: {words}.")
