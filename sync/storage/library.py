"""Which SQLite library is used."""

from __future__ import annotations

import importlib
from types import ModuleType

from sync.errors import Code, Permanent

# 3.7.0 to 3.51.2 can corrupt a write-ahead log when two connections write or checkpoint at the same moment.
OLDEST = (3, 51, 3)
_MODULES = ("pysqlite3.dbapi2", "sqlite3")


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
