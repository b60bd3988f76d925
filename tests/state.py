"""State directories whose database has its tables already: made by the migrations once, and copied from then on."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sync.storage.engine import writing_engine
from sync.storage.library import load_driver
from sync.storage.lock import create_private
from sync.storage.migrations import upgrade
from sync.storage.opening import DATABASE_FILE


def with_tables(state_dir: Path) -> Path:
    """Give a state directory a database with all tables and no rows, unless it has one; return the directory.

    To open it is to find what an earlier process left: only migrations, which take a third of a second, are not run.
    """
    path = state_dir / DATABASE_FILE
    if not path.exists():
        state_dir.mkdir(parents=True, exist_ok=True)
        create_private(path)
        path.write_bytes(_migrated())
    return state_dir


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, DATABASE_FILE)
        create_private(path)
        engine = writing_engine(load_driver(), path)
        with engine.connect() as connection, connection.begin():
            upgrade(connection)
        engine.dispose()
        return path.read_bytes()
