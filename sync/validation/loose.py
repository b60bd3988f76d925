"""Sorts out what stands in one shop without its counterpart: each thing has one reason, and no fault is told twice.

Pure. The reasons are tried in the order of what they explain: an item archived in Lightspeed, a SKU that stands on
several things, a kit, a partner whose SKU is almost the same; only what is left stands in one shop alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sync.errors import Code
from sync.findings import Finding, FindingClass, Loose, Pair, Partner
from sync.matching import LINKABLE
from sync.records import SkuKey

_NAMED = 5  # things named in one sentence


Suggest = Callable[[Sequence[SkuKey], Sequence[SkuKey]], Sequence[Partner]]
"""Returns likely partners among items and variants, each of either in one pair at most."""


@dataclass(frozen=True, slots=True)
class Sides:
    """All that no link joins, and what matters of the rest.

    `archived` are items that Lightspeed no longer sells, `linked` those names of linked goods that have a SKU of
    something loose, by `sku_key`.
    """

    items: Sequence[Loose]
    variants: Sequence[Loose]
    archived: Sequence[Loose] = ()
    linked: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Sorted:
    """What came of it: the findings, and how many things need none, by the reason."""

    findings: list[Finding] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    done: set[str] = field(default_factory=set)

    def rest(self, things: Sequence[Loose]) -> list[Loose]:
        """Return the things that nothing was said of yet."""
        return [thing for thing in things if thing.key.id not in self.done]

    def tell(self, finding: Finding, *about: Loose) -> None:
        """Keep a finding; it is all that is said of the things that it is about."""
        self.findings.append(finding)
        self.done.update(thing.key.id for thing in about)

    def leave_out(self, reason: str, *things: Loose) -> None:
        """Say nothing of some things, and count them."""
        self.left_out[reason] += len(things)
        self.done.update(thing.key.id for thing in things)


def gone(pair: Pair) -> Finding:
    """Return that a linked variant is not in Shopify any more."""
    finding = _only_in_lightspeed(pair.item)
    return replace(finding, sentence="Lightspeed sells it, and Shopify does not have it any more.")


def sort_out(sides: Sides, suggest: Suggest) -> Sorted:
    """Return one reason for everything that no link joins."""
    found = Sorted()
    _discontinued(sides, found)
    partners = _partners(sides, found, suggest)
    _duplicates(sides, partners, found)
    _kits(sides, found)
    _almost(sides, partners, found)
    _alone(sides, found)
    return found


# --- archived in Lightspeed, sold in Shopify ---


def _discontinued(sides: Sides, found: Sorted) -> None:
    by_id = {each.key.id: each for each in sides.archived}
    by_key = _index(sides.archived)
    live = {key for each in sides.items for key in each.keys} | set(sides.linked)
    for variant in sides.variants:
        same = [] if live.intersection(variant.keys) else [item for key in variant.keys for item in by_key.get(key, ())]
        was = [by_id[variant.was]] if variant.was in by_id else []
        item = next((each for each in (*was, *reversed(same)) if each.key.id not in variant.key.apart), None)
        if item is None:  # what a person keeps apart says nothing of it
            continue
        if not variant.sold:
            found.leave_out("discontinued in both shops", variant)
            continue
        found.tell(
            Finding(
                kind=FindingClass.DISCONTINUED,
                sku=variant.sku or item.sku,
                subject=variant.key.title or item.key.title,
                lightspeed="archived",
                shopify="on sale",
                sentence=f"Archived in Lightspeed (item {item.key.id}), and still on sale in Shopify.",
                remedy="Make the product a draft in Shopify, or archive it; or sell the item in Lightspeed again.",
                item_id=item.key.id,
                variant_id=variant.key.id,
                product_id=variant.product_id,
            ),
            variant,
        )


# --- the same SKU on several ---


def _duplicates(sides: Sides, partners: Mapping[str, Partner], found: Sorted) -> None:
    """Tell of each SKU that stands on several things, with those that it was taken from by mistake."""
    by_item = {each.key.id: each for each in found.rest(sides.items)}
    of_variant = {variant_id: by_item[each.item_id] for variant_id, each in partners.items() if each.item_id in by_item}
    items, variants = _index(found.rest(sides.items)), _index(found.rest(sides.variants))
    for key in dict.fromkeys((*variants, *items)):
        here, there = items.get(key, []), variants.get(key, [])
        linked = sides.linked.get(key)
        if linked is None and len(here) < 2 and len(there) < 2:  # noqa: PLR2004 - several
            continue
        robbed = [of_variant[each.key.id] for each in there if each.key.id in of_variant]
        about = [*here, *there, *robbed]
        first = (there or here)[0]
        names = [*([linked] if linked is not None else []), *map(name, [*here, *there])]
        found.tell(
            Finding(
                kind=FindingClass.SKU_DUPLICATE,
                sku=first.sku,
                subject=first.key.title,
                lightspeed=_names(here),
                shopify=_names(there),
                sentence=f"The SKU stands on {_listed(names)}, so it cannot be told which is meant.",
                remedy=Code.SK001.remedy,
                item_id=first.item_id,
                variant_id=first.variant_id,
                product_id=first.product_id,
                also=tuple(dict.fromkeys(each.sku for each in about if each.sku and each.sku != first.sku)),
            ),
            *about,
        )


def _kits(sides: Sides, found: Sorted) -> None:
    """Leave out what is sold online under the SKU of an item whose own stock says nothing."""
    items = _index([each for each in found.rest(sides.items) if each.key.item_type not in LINKABLE])
    for variant in found.rest(sides.variants):
        if any(key in items for key in variant.keys):
            found.leave_out("kits, boxes and services", variant)
    found.done.update(each.key.id for each in sides.items if each.key.item_type not in LINKABLE)


# --- almost the same, or in one shop alone ---


def _partners(sides: Sides, found: Sorted, suggest: Suggest) -> Mapping[str, Partner]:
    """Return the likely partner of each variant that has one, by the variant's id."""
    items = [each.key for each in found.rest(sides.items) if each.key.item_type in LINKABLE]
    variants = [each.key for each in found.rest(sides.variants)]
    return {each.variant_id: each for each in suggest(items, variants)} if items and variants else {}


def _almost(sides: Sides, partners: Mapping[str, Partner], found: Sorted) -> None:
    items = {each.key.id: each for each in found.rest(sides.items)}
    for variant in found.rest(sides.variants):
        partner = partners.get(variant.key.id)
        item = items.get(partner.item_id) if partner else None
        if partner is not None and item is not None and item.key.id not in found.done:
            found.tell(almost_equal(item, variant, partner.reason), item, variant)


def almost_equal(item: Loose, variant: Loose, reason: str) -> Finding:
    """Return that two things are most likely the same goods under different SKUs."""
    ours, theirs = item.sku or "no SKU", variant.sku or "no SKU"
    return Finding(
        kind=FindingClass.SKU_ALMOST_EQUAL,
        sku=variant.sku or item.sku,
        subject=variant.key.title or item.key.title,
        lightspeed=ours,
        shopify=theirs,
        sentence=f"Most likely the same goods ({reason}), but Lightspeed has {ours} and Shopify {theirs}: not synced.",
        remedy="Give both the same SKU.",
        item_id=item.key.id,
        variant_id=variant.key.id,
        product_id=variant.product_id,
        also=(item.sku,) if item.sku and item.sku != variant.sku else (),
    )


def _alone(sides: Sides, found: Sorted) -> None:
    for item in found.rest(sides.items):
        found.tell(_only_in_lightspeed(item), item)
    for variant in found.rest(sides.variants):
        if not variant.keys and not (variant.sold and variant.tracked):
            found.leave_out("no SKU, and no stock is kept of it", variant)
        else:
            found.tell(_only_in_shopify(variant), variant)


def _only_in_lightspeed(item: Loose) -> Finding:
    nothing = "" if item.keys else " It has no SKU."
    return Finding(
        kind=FindingClass.ONLY_IN_LIGHTSPEED,
        sku=item.sku,
        subject=item.key.title,
        lightspeed="on sale" if item.stock is None else f"on sale, {item.stock} in stock",
        shopify="",
        sentence=f"Lightspeed sells it and Shopify does not have it.{nothing}",
        remedy="Add it to Shopify under this SKU; or archive it in Lightspeed if it is sold no more.",
        item_id=item.key.id,
    )


def _only_in_shopify(variant: Loose) -> Finding:
    nothing = "" if variant.keys else " It has no SKU."
    return Finding(
        kind=FindingClass.ONLY_IN_SHOPIFY,
        sku=variant.sku,
        subject=variant.key.title,
        lightspeed="",
        shopify="on sale" if variant.sold else "not on sale",
        sentence=f"Shopify has it and Lightspeed does not, so its stock is not synced.{nothing}",
        remedy=Code.LS002.remedy,
        variant_id=variant.key.id,
        product_id=variant.product_id,
    )


# --- small things ---


def _index(things: Iterable[Loose]) -> Mapping[str, list[Loose]]:
    index: defaultdict[str, list[Loose]] = defaultdict(list)
    for thing in things:
        for key in thing.keys:
            index[key].append(thing)
    return dict(index)


def name(thing: Loose) -> str:
    """Return what a thing is called among others of its SKU, and where it stands."""
    return (
        f"{thing.key.title or 'goods without a title'} in {'Shopify' if thing.key.inventory_item_id else 'Lightspeed'}"
    )


def _names(things: Sequence[Loose]) -> str:
    return _listed([each.key.title or "without a title" for each in things]) if things else ""


def _listed(names: Sequence[str]) -> str:
    shown, more = names[:_NAMED], len(names) - _NAMED
    if len(names) == 1:
        return shown[0]
    last = f"{more} more" if more > 0 else shown[-1]
    return f"{', '.join(shown if more > 0 else shown[:-1])} and {last}"
