"""`sku`: the SKUs that are sold online and linked to nothing in Lightspeed, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from monitor.cli.common import Exit, run, say, say_folded, say_json, show_table
from monitor.cli.reading import opened_state
from monitor.units import counted
from sync.accuracy import Accuracy, Agreement
from sync.errors import Code
from sync.records import SkuProblem
from sync.settings import Settings
from sync.storage.ledger import SqlLedger
from sync.storage.mapping import SqlMapBook

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
        say("", "What they may be:   lightspeed-sync sku suggest")
    return Exit.DONE


def check(settings: Settings, *, json: bool) -> Exit:
    """Look whether both sides of every link still agree, as both shops were last read."""

    async def look() -> Accuracy:
        async with opened_state(settings) as database:
            return await SqlMapBook(database).accuracy()

    found = run(look)
    if json:
        doubts = [asdict(each) for each in found.doubts]
        say_json({"share": found.share, **found.numbers, "code": Code.SK008.name, "doubts": doubts})
    else:
        _tell_check(found)
    return Exit.WRONG if found.doubts else Exit.DONE


def _tell_check(found: Accuracy) -> None:
    if not found.links:
        say("Nothing is linked.")
        return
    by = ", ".join(f"{found.counts[each]} {_BY[each]}" for each in _BY if found.counts.get(each))
    say_folded(f"{found.agreeing} of {counted(found.links, 'link')} agree ({found.share:.1%}): {by or 'none'}.")
    for each in found.doubts:
        say_folded(f"{each.sku}  {each.detail}")
    if found.doubts:
        say_folded(f"{Code.SK008.name} {Code.SK008.sentence} {Code.SK008.remedy}")


_BY = {
    Agreement.SKU: "by SKU",
    Agreement.BARCODE: "by barcode",
    Agreement.TITLE: "by title",
    Agreement.PERSON: "as a person linked them",
}


async def unlinked(settings: Settings) -> Sequence[SkuProblem]:
    """Read the SKUs that could not be linked."""
    async with opened_state(settings) as database:
        return await SqlLedger(database).sku_problems()


def told(number: int) -> str:
    """Return in words how many are not linked, with the way to see them; "" where all are."""
    return f"{counted(number, 'SKU')} sold online and not linked, so not synced ({HOW})" if number else ""


def _row(each: SkuProblem) -> tuple[object, ...]:
    return each.sku, each.code.name, each.code.title, each.detail
