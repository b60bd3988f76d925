"""Each implementation of a port is held to the same suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from tests.sync.storage.build import open_migrated


@pytest.fixture(params=["threads", "inline", pytest.param("postgresql", marks=pytest.mark.peer)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    opened = open_migrated(tmp_path, threads=request.param != "inline", url=url)
    yield opened
    await opened.close()


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)
