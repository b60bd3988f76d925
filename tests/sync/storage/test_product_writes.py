"""Product writes on record: how they are found among hundreds of thousands."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.storage.product_writes import either_way
from tests.sync.storage.build import open_inline, plan_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_database")]


async def test_the_writes_of_a_sku_are_looked_up_in_indexes(tmp_path: Path) -> None:
    database = open_inline(tmp_path)
    plan = await database.write(lambda c: plan_of(c, either_way("kava-1", ["product-1", "product-2"])))
    await database.close()
    assert not [step for step in plan if step.startswith("SCAN product_writes") or "Seq Scan" in step], plan
