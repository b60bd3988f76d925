"""`sku suggest`: which items the SKUs that could not be linked may be; what is sure can be linked in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.asked import MapOrder
from monitor.cli.common import Exit, complain, person, run, say, say_folded, say_json
from monitor.cli.mapping import carry_out, plain, things
from monitor.units import counted
from sync.likeness import sku_key
from sync.mapping import CARRIED_OUT, WELL, Mapped, first, id_name
from sync.records import SkuKey
from sync.settings import Settings
from sync.suggesting import Standing, Suggestion, suggest, sure

Found = Mapping[str, Sequence[Suggestion]]


def show(settings: Settings, skus: Sequence[str], at_least: float, *, confirm: bool, json: bool) -> Exit:
    """Show suggestions; with `confirm` link those that are sure."""
    items, variants = run(lambda: things(settings))
    wanted = {sku_key(sku) for sku in skus}
    seekers = [each for each in variants if not each.linked_to and (not wanted or _named(each, wanted))]
    found = suggest(items, [each for each in variants if not each.linked_to], threshold=at_least)
    found = {each.id: found[each.id] for each in seekers if each.id in found}
    mapped = _link(settings, sure(found)) if confirm else []
    if json:
        say_json([_plain(each, found.get(each.id, ()), mapped) for each in seekers])
    else:
        _tell(seekers, found)
        _tell_sure(sure(found), mapped, confirm=confirm)
    return Exit.DONE if all(each.outcome in WELL for each in mapped) else Exit.WRONG


def _named(variant: SkuKey, wanted: set[str]) -> bool:
    return bool(wanted & {sku_key(sku) for sku in variant.skus})


def _link(settings: Settings, chosen: Sequence[Suggestion]) -> Sequence[Mapped]:
    if not chosen:
        return []
    pairs = tuple((id_name(each.item), id_name(each.variant)) for each in chosen)
    return run(lambda: carry_out(settings, MapOrder(pairs=pairs, by=person())))


def _tell(seekers: Sequence[SkuKey], found: Found) -> None:
    if not seekers:
        say("Every SKU that is sold online is linked.")
    for each in seekers:
        if each.id not in found:
            continue
        say_folded(f"{_thing(each)}")
        for one in found[each.id]:
            say_folded(f"  {one.score:.2f}  {_thing(one.item)}: {'; '.join(one.reasons)}{_mark(one)}")
    nothing = [each for each in seekers if each.id not in found]
    if nothing:
        few = ", ".join(first(each) or id_name(each) for each in nothing[:5])
        more = f" and {len(nothing) - 5} more" if len(nothing) > 5 else ""  # noqa: PLR2004 - the five named
        say_folded(f"Nothing in Lightspeed looks like: {few}{more}.")


def _thing(thing: SkuKey) -> str:
    return f"{first(thing) or id_name(thing)} ({thing.title or 'without a title'})"


def _mark(one: Suggestion) -> str:
    return "" if one.standing is Standing.POSSIBLE else f" [{one.standing.value}]"


def _tell_sure(chosen: Sequence[Suggestion], mapped: Sequence[Mapped], *, confirm: bool) -> None:
    if confirm:
        made = sum(each.outcome in CARRIED_OUT for each in mapped)
        say(f"{counted(made, 'link')} made.")
        for each in mapped:
            if each.outcome not in WELL:
                complain(f"{each.wanted.item} and {each.wanted.variant}: {each.outcome.value} ({each.detail}).")
    elif chosen:
        say_folded(
            f"Sure enough to link: {counted(len(chosen), 'SKU')}.",
            "Link them with: lightspeed-sync sku suggest --confirm",
            "Link one pair with: lightspeed-sync sku map LIGHTSPEED_SKU SHOPIFY_SKU",
        )


def _plain(variant: SkuKey, found: Sequence[Suggestion], mapped: Sequence[Mapped]) -> dict[str, Any]:
    told = {
        "shopify_sku": first(variant),
        "variant_id": variant.id,
        "title": variant.title,
        "suggestions": [
            {
                "lightspeed_sku": first(one.item),
                "item_id": one.item.id,
                "title": one.item.title,
                "score": one.score,
                "standing": one.standing.name.lower(),
                "reasons": list(one.reasons),
            }
            for one in found
        ],
    }
    done = next((each for each in mapped if each.wanted.variant == id_name(variant)), None)
    return told | ({"mapped": plain(done)} if done else {})
