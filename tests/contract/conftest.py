"""Each implementation of a port is held to the same suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from tests.sync.storage.build import open_migrated


@pytest.fixture(params=[True, False], ids=["threads", "inline"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_migrated(tmp_path, threads=request.param)
    yield opened
    await opened.close()


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)
