"""The links of products that were made, whatever is linked already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync.storage.catalogue import SqlCatalogue
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from tests.sync.storage.build import NOW, item, level, linked, open_inline, variant

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_inline(tmp_path)
    yield opened
    await opened.close()


async def test_a_variant_that_is_linked_elsewhere_keeps_no_other_from_being_linked(database: Database) -> None:
    ledger = SqlLedger(database)
    (taken,) = await linked(ledger)
    await ledger.keep_items([item(number) for number in (2, 3)], NOW)
    await ledger.keep_variants([variant(3, row=level(3))], NOW)
    made = {"2": variant(1), "3": variant(3)}
    assert await SqlCatalogue(database).link_made(made, NOW) == 1
    found = await ledger.link_ids_of(["SKU-1", "SKU-2", "SKU-3"])
    assert (found["SKU-1"], sorted(found)) == (taken, ["SKU-1", "SKU-3"])
