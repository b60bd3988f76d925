"""`sku map`, `unmap`, `export` and `import`: links by a person's word, through the running daemon or here."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monitor import mapping_file
from monitor.asked import MapOrder, UnmapOrder
from monitor.asking import ask
from monitor.cli.common import Exit, complain, here, person, run, say, say_folded, say_json, show_table, telling
from monitor.cli.files import read_text, write_text
from monitor.cli.reading import opened_state
from monitor.mapped import MAPPED
from monitor.mapping_file import MappingFile
from monitor.units import counted
from sync.errors import Code
from sync.mapping import CARRIED_OUT, WELL, Catalogue, MapOutcome, Mapped, Pair, Wanted, plan_mapping
from sync.records import SkuKey
from sync.settings import Settings
from sync.storage.mapping import SqlMapBook

_SHOWN = 40  # rows of an import that are listed
_FIRST_SIGHT = (
    "At the next sync Shopify takes Lightspeed's number; a difference above the drift limit waits for a person "
    "(lightspeed-sync conflicts list)."
)

Things = tuple[Sequence[SkuKey], Sequence[SkuKey]]


async def things(settings: Settings) -> Things:
    """Read both catalogues as they are known, linked things too."""
    async with opened_state(settings) as database:
        return await SqlMapBook(database).things()


async def carry_out(settings: Settings, order: MapOrder) -> Sequence[Mapped]:
    """Link pairs through the running daemon, or here where none runs."""
    answer = await ask(settings.state_dir, "map_skus", order)
    if answer is not None:
        return MAPPED.validate_python(answer)
    async with here(settings) as shop:
        return await shop.actions.map_skus(order)


# --- one pair ---


def map_one(settings: Settings, pair: tuple[str, str], *, replace: bool, dry_run: bool, json: bool) -> Exit:
    """Link one pair, or show what that would do."""
    if dry_run:
        (mapped,) = plan_mapping([Wanted(*pair)], *run(lambda: things(settings)), replace=replace)
    else:
        order = MapOrder(pairs=(pair,), by=person(), replace=replace, pin=True)
        (mapped,) = run(lambda: carry_out(settings, order))
    if json:
        say_json(plain(mapped) | {"dry_run": dry_run})
    else:
        _tell_one(mapped, dry_run=dry_run)
        if mapped.outcome in CARRIED_OUT and mapped.pair is not None:
            _tell_numbers(settings, mapped.pair)
    return Exit.DONE if mapped.outcome in WELL else Exit.WRONG


def _tell_numbers(settings: Settings, pair: Pair) -> None:
    """Say what linking two things will do to Shopify's number."""

    async def read() -> tuple[int | None, int | None]:
        async with opened_state(settings) as database:
            return await SqlMapBook(database).numbers(pair)

    on_hand, available = run(read)
    if on_hand is not None and available is not None:
        say_folded(f"Lightspeed has {on_hand} on hand, Shopify offers {available}.")
    say_folded(_FIRST_SIGHT)


def _tell_one(mapped: Mapped, *, dry_run: bool) -> None:
    line = f"{mapped.wanted.item} and {mapped.wanted.variant}: {mapped.outcome.value}"
    if mapped.outcome not in WELL:
        complain(f"{line}{f' ({mapped.detail})' if mapped.detail else ''}.")
        if (code := _CODES.get(mapped.outcome)) is not None:
            complain(code.remedy)
        return
    would = "would be done: " if dry_run and mapped.outcome in CARRIED_OUT else ""
    say_folded(f"{would}{line}.", *(f"  ends: {end}" for end in mapped.ends))


_CODES = {
    MapOutcome.TAKEN: Code.SK007,
    MapOutcome.NO_ITEM: Code.LS002,
    MapOutcome.SEVERAL_ITEMS: Code.SK001,
    MapOutcome.SEVERAL_VARIANTS: Code.SK001,
    MapOutcome.WRONG_KIND: Code.SK003,
    MapOutcome.BUSY: Code.SK005,
}


def unmap(settings: Settings, skus: Sequence[str], reason: str, *, json: bool) -> Exit:
    """End links; their two sides are kept apart."""
    order = UnmapOrder(skus=tuple(skus), by=person(), reason=reason)

    async def act() -> int:
        answer = await ask(settings.state_dir, "unmap_skus", order)
        if answer is not None:
            return int(answer["ended"])
        async with here(settings) as shop:
            return await shop.actions.unmap_skus(order)

    ended = run(act)
    if json:
        say_json({"ended": ended, **order.model_dump(mode="json")})
    else:
        say_folded(
            f"{', '.join(skus)}: {counted(ended, 'link')} ended. Shopify's number is not touched any more, and "
            "`lightspeed-sync sku map` joins them again."
        )
    return Exit.DONE


# --- files ---


def export(settings: Settings, file: Path | None, *, as_csv: bool, overwrite: bool) -> Exit:
    """Write the mapping as it stands."""
    items, variants = run(lambda: things(settings))
    mapping = mapping_file.mapping_of(items, variants)
    titles = mapping_file.titles_of(items, variants) if as_csv else {}
    text = mapping_file.to_csv(mapping, titles) if as_csv else mapping_file.to_json(mapping)
    if file is None:
        sys.stdout.write(text)
        return Exit.DONE
    write_text(file, text, overwrite=overwrite)
    say(f"{counted(len(mapping.pairs), 'link')} written to {file}.", *_left_over(mapping))
    return Exit.DONE


def _left_over(mapping: MappingFile) -> Sequence[str]:
    there, here_ = len(mapping.unmapped_lightspeed), len(mapping.unmapped_shopify)
    return [f"Without another side: {counted(there, 'item')} in Lightspeed, {counted(here_, 'variant')} in Shopify."]


def import_file(settings: Settings, file: Path, *, confirm: bool, replace: bool, json: bool) -> Exit:
    """Link what a file says, or show what that would change."""
    with telling():
        mapping = mapping_file.parse(read_text(file, mapping_file.LARGEST))
    known = run(lambda: things(settings))
    planned = plan_mapping([Wanted(*pair) for pair in mapping.pairs], *known, replace=replace)
    rows = planned
    if confirm and any(each.outcome in CARRIED_OUT for each in planned):
        order = MapOrder(pairs=mapping.pairs, by=person(), replace=replace)
        rows = run(lambda: carry_out(settings, order))
    doubtful = _doubtful(mapping, Catalogue(*known))
    if json:
        told = {"confirmed": confirm, "rows": [plain(each) for each in rows], "doubtful": doubtful}
        say_json(told | {"counts": Counter(each.outcome.name.lower() for each in rows)})
    else:
        _tell_import(rows, doubtful, confirm=confirm)
    return Exit.DONE if all(each.outcome in WELL for each in rows) else Exit.WRONG


def _doubtful(mapping: MappingFile, catalogue: Catalogue) -> list[str]:
    """Return what a file calls unmapped and is linked: it stays so, since only `sku unmap` ends a link."""
    named = [(sku, catalogue.items_named(sku)) for sku in mapping.unmapped_lightspeed]
    named += [(sku, catalogue.variants_named(sku)) for sku in mapping.unmapped_shopify]
    return [sku for sku, found in named if any(each.linked_to for each in found)]


def _tell_import(rows: Sequence[Mapped], doubtful: Sequence[str], *, confirm: bool) -> None:
    news = [each for each in rows if each.outcome is not MapOutcome.SAME]
    if news:
        lines = [(each.wanted.item, each.wanted.variant, each.outcome.value, _more(each)) for each in news[:_SHOWN]]
        show_table(("Lightspeed", "Shopify", "what", "more"), lines)
    if len(news) > _SHOWN:
        say(f"… and {len(news) - _SHOWN} more; --json shows all.")
    changes = sum(each.outcome in CARRIED_OUT for each in rows)
    same, wrong = len(rows) - len(news), len(news) - changes
    done = "made" if confirm else "would be made"
    say(f"{counted(changes, 'link')} {done}, {same} there already, {wrong} not possible.")
    if doubtful:
        say(f"Called unmapped in the file, and linked: {', '.join(doubtful[:_SHOWN])}. They stay linked.")
    if any(each.outcome is MapOutcome.TAKEN for each in rows):
        complain("What is linked to another stays so without --replace.")
    if changes and not confirm:
        say("Make them with: the same command and --confirm")
    elif changes:
        say_folded(_FIRST_SIGHT)


def _more(each: Mapped) -> str:
    return "; ".join((*([each.detail] if each.detail else []), *(f"ends: {end}" for end in each.ends)))


def plain(mapped: Mapped) -> dict[str, Any]:
    """Return what became of a pair, for programs."""
    told = asdict(mapped)
    return {"lightspeed_sku": mapped.wanted.item, "shopify_sku": mapped.wanted.variant} | {
        "outcome": mapped.outcome.name.lower(),
        "sentence": mapped.outcome.value,
        "detail": mapped.detail,
        "ends": list(mapped.ends),
        "pair": told["pair"],
    }
