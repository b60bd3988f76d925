"""Each implementation of a port is held to the same suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.opening import open_database
from tests.sync.storage.build import NOW, SHOP


@pytest.fixture(params=[True, False], ids=["threads", "inline"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_database(tmp_path, SHOP, NOW, threads=request.param)
    yield opened
    await opened.close()


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)
