"""`sku`: the SKUs that are sold online and linked to nothing in Lightspeed, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from monitor.cli.common import Exit, run, say, say_json, show_table
from monitor.cli.reading import opened_state
from monitor.units import counted
from sync.records import SkuProblem
from sync.settings import Settings
from sync.storage.ledger import SqlLedger

HOW = "lightspeed-sync sku mismatches"


def mismatches(settings: Settings, *, json: bool) -> Exit:
    """List them."""
    found = run(lambda: unlinked(settings))
    if json:
        say_json([asdict(each) for each in found])
    elif not found:
        say("Every SKU that is sold online is linked.")
    else:
        show_table(("SKU", "code", "reason", "which"), [_row(each) for each in found])
    return Exit.DONE


async def unlinked(settings: Settings) -> Sequence[SkuProblem]:
    """Read the SKUs that could not be linked."""
    async with opened_state(settings) as database:
        return await SqlLedger(database).sku_problems()


def told(number: int) -> str:
    """Return in words how many are not linked, with the way to see them; "" where all are."""
    return f"{counted(number, 'SKU')} sold online and not linked, so not synced ({HOW})" if number else ""


def _row(each: SkuProblem) -> tuple[object, ...]:
    return each.sku, each.code.name, each.code.title, each.detail
