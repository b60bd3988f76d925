"""Plans which links a person's words would make, and says of each pair what stands against it; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sync.likeness import barcode, sku_key
from sync.matching import LINKABLE
from sync.records import SkuKey

ITEM = "item:"
VARIANT = "variant:"
"""How a person names a thing by its id, where its SKU is blank or stands on several."""
_NAMED = 3  # things named in one answer


class MapOutcome(StrEnum):
    """What becomes of a pair that a person names."""

    NEW = "is linked"
    SAME = "is linked already"
    MOVED = "is linked in place of a wrong link"
    TAKEN = "one of the two is linked to another"
    NO_ITEM = "Lightspeed has no such item in use"
    NO_VARIANT = "Shopify has no such variant in use"
    SEVERAL_ITEMS = "several items in Lightspeed have this SKU"
    SEVERAL_VARIANTS = "several variants in Shopify have this SKU"
    WRONG_KIND = "its stock in Lightspeed is not sold as such"
    TWICE = "one of the two is named in another pair, too"
    BUSY = "a stock write of its present link is on its way"


CARRIED_OUT = (MapOutcome.NEW, MapOutcome.MOVED)
"""What changes a link."""
WELL = (*CARRIED_OUT, MapOutcome.SAME)
"""What is as the person wants it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pair as a person named it: a Lightspeed SKU and a Shopify SKU, or `item:ID` and `variant:ID`."""

    item: str
    variant: str


@dataclass(frozen=True, slots=True)
class Pair:
    """What a link joins: `sku` is what people call it, `item_sku` Lightspeed's."""

    item_id: str
    variant_id: str
    inventory_item_id: str
    sku: str
    item_sku: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """What becomes of one pair, and why: `ends` names what its things are linked to now and would be no more."""

    wanted: Wanted
    outcome: MapOutcome
    pair: Pair | None = None
    detail: str = ""
    ends: tuple[str, ...] = ()


def plan_mapping(
    wanted: Sequence[Wanted], items: Sequence[SkuKey], variants: Sequence[SkuKey], *, replace: bool
) -> Sequence[Mapped]:
    """Return what becomes of each pair, in order; a wrong link is only replaced where the person says so."""
    catalogue = Catalogue(items, variants)
    found = [catalogue.judge(each, replace=replace) for each in wanted]
    named = Counter(key for each in found if each.pair for key in (each.pair.item_id, each.pair.variant_id))
    return [_once(each, named) for each in found]


def _once(each: Mapped, named: Counter[str]) -> Mapped:
    if each.pair is None or max(named[each.pair.item_id], named[each.pair.variant_id]) == 1:
        return each
    return Mapped(each.wanted, MapOutcome.TWICE)


class Catalogue:
    """Both catalogues by what a person may call their things."""

    def __init__(self, items: Sequence[SkuKey], variants: Sequence[SkuKey]) -> None:
        self._items = _named(items)
        self._variants = _named(variants)
        self._by_id = {each.id: each for each in (*items, *variants)}

    def items_named(self, text: str) -> Sequence[SkuKey]:
        """Return the items that a person may mean."""
        return self._found(text, ITEM, self._items)

    def variants_named(self, text: str) -> Sequence[SkuKey]:
        """Return the variants that a person may mean."""
        return self._found(text, VARIANT, self._variants)

    def judge(self, wanted: Wanted, *, replace: bool) -> Mapped:
        """Say what becomes of one pair, as if it were the only one."""
        found = self.items_named(wanted.item)
        if len(found) != 1:
            outcome = MapOutcome.SEVERAL_ITEMS if found else MapOutcome.NO_ITEM
            return Mapped(wanted, outcome, detail=_names(found) or wanted.item)
        shown = self.variants_named(wanted.variant)
        if len(shown) != 1:
            outcome = MapOutcome.SEVERAL_VARIANTS if shown else MapOutcome.NO_VARIANT
            return Mapped(wanted, outcome, detail=_names(shown) or wanted.variant)
        item, variant = found[0], shown[0]
        if item.item_type not in LINKABLE:
            return Mapped(wanted, MapOutcome.WRONG_KIND, detail=f"{named(item)} is of the type {item.item_type}")
        pair = Pair(item.id, variant.id, variant.inventory_item_id, first(variant) or first(item), first(item))
        if item.linked_to and variant.linked_to == item.id:
            return Mapped(wanted, MapOutcome.SAME, pair)
        ends = tuple(self._tie(each) for each in (item, variant) if each.linked_to)
        if ends and not replace:
            return Mapped(wanted, MapOutcome.TAKEN, pair, detail="; ".join(ends))
        return Mapped(wanted, MapOutcome.MOVED if ends else MapOutcome.NEW, pair, ends=ends)

    def _tie(self, thing: SkuKey) -> str:
        other = self._by_id.get(thing.linked_to)
        return f"{named(thing)} is linked to {named(other) if other else thing.linked_to}"

    def _found(self, text: str, prefix: str, index: Mapping[str, Sequence[SkuKey]]) -> Sequence[SkuKey]:
        if text.startswith(prefix):
            return index.get(text, ())
        return index.get(f"sku {sku_key(text)}") or index.get(f"code {barcode(text) or sku_key(text)}") or ()


def first(thing: SkuKey) -> str:
    """Return a thing's SKU as it was typed, "" where it has none."""
    return next((sku.strip() for sku in thing.skus if sku_key(sku)), "")


def named(thing: SkuKey) -> str:
    """Return a thing as people know it."""
    return f"{first(thing) or 'without a SKU'} ({thing.title or 'without a title'})"


def id_name(thing: SkuKey) -> str:
    """Return how a person may name a thing by its id alone."""
    return f"{VARIANT if thing.inventory_item_id else ITEM}{thing.id.rpartition('/')[2]}"


def _named(things: Iterable[SkuKey]) -> Mapping[str, Sequence[SkuKey]]:
    """Return things by their SKUs, by their other codes, and by their ids."""
    index: defaultdict[str, list[SkuKey]] = defaultdict(list)
    for thing in things:
        skus, codes = {sku_key(sku) for sku in thing.skus}, {barcode(text) or sku_key(text) for text in thing.codes}
        for name in (*(f"sku {key}" for key in skus if key), *(f"code {key}" for key in codes if key)):
            index[name].append(thing)
        index[id_name(thing)].append(thing)
    return index


def _names(things: Sequence[SkuKey]) -> str:
    more = f" and {len(things) - _NAMED} more" if len(things) > _NAMED else ""
    return ", ".join(f"{id_name(each)} {named(each)}" for each in things[:_NAMED]) + more
