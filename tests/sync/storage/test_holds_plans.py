"""No statement about reservations looks through all there ever were, nor through all that are active."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sync.reservations import Change
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.shelf import SqlShelf
from tests.sync.storage.build import NOW, later, open_inline, stocked
from tests.sync.storage.test_consumption import evaluated, ordered
from tests.sync.storage.test_holds import asked, granted, holds_of
from tests.sync.storage.test_shelf import SetClock

pytestmark = pytest.mark.anyio


async def statements_of_a_life(database: Database) -> dict[str, Any]:
    """Return the statements about holds, with values, by which one is granted, changed, consumed and forgotten."""
    seen: dict[str, Any] = {}

    def see(_connection: Any, _cursor: Any, text: str, values: Any, _context: Any, many: bool) -> None:
        if "holds" in text and not text.startswith("INSERT"):
            seen[text] = values[0] if many else values

    engines = [await database.write(lambda c: c.engine), await database.read(lambda c: c.engine)]
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", see)
    holds, ledger, shelf = holds_of(database), SqlLedger(database), SqlShelf(database, SetClock())
    first = granted(await holds.reserve(asked(1, cart="one")))
    await holds.change(Change(first.hold_id, 2, NOW))
    await holds.release(granted(await holds.reserve(asked(1, cart="two"))).hold_id, NOW)
    await ordered(ledger, 2, cart="one")
    await evaluated(ledger)
    await holds.reserve(asked(1, cart="three"))
    await holds.expire(later(minutes=16))
    await holds.standing(later(minutes=16))
    await holds.of_sku("SKU-1", NOW)
    await shelf.find("1", None)
    await shelf.find(None, "101")
    await shelf.own("c", "201")
    for engine in engines:
        sa.event.remove(engine, "before_cursor_execute", see)
    return seen


async def test_every_statement_finds_its_holds_by_an_index(tmp_path: Path) -> None:
    database = open_inline(tmp_path)
    await stocked(database, {1: 9})
    seen = await statements_of_a_life(database)
    assert len(seen) >= 10
    for text, values in seen.items():
        plan = await database.read(
            lambda c, text=text, values=values: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()  # type: ignore[misc]
        )
        steps = [str(row[-1]) for row in plan]
        assert not [step for step in steps if step.endswith("SCAN holds")], text
        assert not [step for step in steps if "ended_at=?" in step], text
    await database.close()
