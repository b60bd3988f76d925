"""Finds which Lightspeed item and which Shopify variant are the same goods, by SKU; pure.

A SKU that is unique on both sides links by itself. A shared barcode or further SKU field is only suggested. What
stands on several items, or differs only a little, is reported for people and never linked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sync.errors import Code
from sync.likeness import SHORTEST, barcode, blurred, sku_key, within_two_edits
from sync.model import LinkState
from sync.records import Proposal, SkuKey, SkuProblem

__all__ = ["LINKABLE", "alike", "match", "sku_key"]

LINKABLE = ("default", "serialized")

_NAMED = 5  # ids named in one report
_MOST_LIKE = 3  # with more alike than this, being alike says nothing (numbered series)
_MOST_COMPARED = 4_000_000  # pairs compared letter by letter: about half a second; above, only blurred forms are


def match(items: Sequence[SkuKey], variants: Sequence[SkuKey]) -> tuple[Sequence[Proposal], Sequence[SkuProblem]]:
    """Return the links that may be made between live items and variants, and what people should look at.

    Linked ones are given too: they make a second thing of the same SKU a duplicate, and are proposed again unless a
    person linked them. What a person keeps apart is not proposed.
    """
    state = _State()
    state.done.update(thing.id for thing in (*items, *variants) if thing.by_person)
    _by_sku(items, variants, state)
    state.done.update(thing.id for thing in (*items, *variants) if thing.linked_to)
    _by_code(state.left(items), state.left(variants), state)
    _near(state.left(items), state.left(variants), state)
    for variant in state.left(variants):
        if variant.skus and sku_key(variant.skus[0]):
            state.report(Code.LS002, variant.skus[0], f"{_name(variant)} has no item in Lightspeed", [variant])
    return state.proposals, state.problems


@dataclass(slots=True)
class _State:
    """What was found so far; `done` are the things that are dealt with."""

    proposals: list[Proposal] = field(default_factory=list)
    problems: list[SkuProblem] = field(default_factory=list)
    done: set[str] = field(default_factory=set)

    def left(self, things: Sequence[SkuKey]) -> list[SkuKey]:
        return [thing for thing in things if thing.id not in self.done]

    def propose(self, item: SkuKey, variant: SkuKey, sku: str, state: LinkState, reason: str) -> None:
        self.done.update((item.id, variant.id))
        self.proposals.append(Proposal(item.id, variant.id, variant.inventory_item_id, sku, state, reason))

    def report(self, code: Code, sku: str, detail: str, things: Iterable[SkuKey]) -> None:
        self.done.update(thing.id for thing in things)
        self.problems.append(SkuProblem(code, sku, f"{detail}."))


# --- by SKU ---


def _by_sku(items: Sequence[SkuKey], variants: Sequence[SkuKey], state: _State) -> None:
    """Link what is unique on both sides; report what is not, and what is no countable item."""
    on_items = _index(items, _sku_keys)
    for key, same in _index(variants, _sku_keys).items():
        found = on_items.get(key, [])
        if not found or not state.left(same):
            continue
        sku = _typed(same[0], key)
        if len(found) > 1 or len(same) > 1 or not state.left(found):
            state.report(Code.SK001, sku, _both_sides(found, same), [*found, *same])
        elif found[0].id in same[0].apart:
            state.report(Code.SK006, sku, _both_sides(found, same), same)
        elif found[0].item_type not in LINKABLE:
            detail = f"{_name(found[0])} is of the type {found[0].item_type}, whose stock is not sold as such"
            state.report(Code.SK003, sku, detail, same)
        else:
            state.propose(found[0], same[0], sku, LinkState.CONFIRMED, "same SKU")


def _both_sides(items: Sequence[SkuKey], variants: Sequence[SkuKey]) -> str:
    return f"In Lightspeed: {_names(items)}; in Shopify: {_names(variants)}"


# --- by barcode or another field ---


def _by_code(items: Sequence[SkuKey], variants: Sequence[SkuKey], state: _State) -> None:
    """Suggest what shares any code, if that is unique on both sides."""
    on_items = _index([item for item in items if item.item_type in LINKABLE], _codes)
    for key, same in _index(variants, _codes).items():
        found = on_items.get(key, [])
        if len(found) != 1 or len(same) != 1 or state.done & {found[0].id, same[0].id}:
            continue
        if found[0].id in same[0].apart:
            continue
        sku = next((text for text in (*same[0].skus, *found[0].skus) if sku_key(text)), key)
        state.propose(found[0], same[0], sku, LinkState.SUGGESTED, f"same code {key}")


def _codes(thing: SkuKey) -> Sequence[str]:
    return [barcode(text) or _unpadded(sku_key(text)) for text in (*thing.codes, *thing.skus)]


def _unpadded(key: str) -> str:
    return key.lstrip("0") if key.isdigit() else key


# --- almost the same ---


def _near(items: Sequence[SkuKey], variants: Sequence[SkuKey], state: _State) -> None:
    """Report variants whose SKU is almost that of an item which has no variant either."""
    misread = _index(items, lambda item: [blurred(sku) for sku in item.skus])
    keys = [(key, item) for item in items for key in dict.fromkeys(_sku_keys(item)) if len(key) >= SHORTEST]
    compared = len(keys) * len(variants) <= _MOST_COMPARED
    texts = [key for key, _ in keys] if compared else []
    for variant in variants:
        sku = variant.skus[0] if variant.skus else ""
        near = misread.get(blurred(sku), []) or [keys[place][1] for place in _nearest(sku_key(sku), texts)]
        near = [item for item in near if item.id not in variant.apart]
        if 0 < len(near) <= _MOST_LIKE:
            state.report(Code.SK002, sku, f"In Shopify: {_name(variant)}; in Lightspeed: {_names(near)}", [variant])


def alike(items: Sequence[SkuKey], variants: Sequence[SkuKey]) -> frozenset[str]:
    """Return the ids of the items whose SKU is almost that of one of these variants."""
    misread = {blurred(sku) for variant in variants for sku in variant.skus if sku_key(sku)}
    found = {item.id for item in items if any(blurred(sku) in misread for sku in item.skus)}
    keys = [(key, item.id) for item in items for key in _sku_keys(item) if len(key) >= SHORTEST]
    if len(keys) * len(variants) <= _MOST_COMPARED:
        texts = [key for key, _ in keys]
        for sku in (sku for variant in variants for sku in variant.skus):
            places = _nearest(sku_key(sku), texts)
            found.update(keys[place][1] for place in places if len(places) <= _MOST_LIKE)
    return frozenset(found)


def _nearest(key: str, texts: Sequence[str]) -> Sequence[int]:
    """Return the places of the texts that an edit or two would make equal to `key`: only the nearest ones."""
    found = within_two_edits(key, texts, _MOST_LIKE + 1)
    return [place for place, edits in found if edits == found[0][1]]


# --- small things ---


def _sku_keys(thing: SkuKey) -> Sequence[str]:
    return [sku_key(text) for text in thing.skus]


def _index(things: Sequence[SkuKey], keys: Callable[[SkuKey], Sequence[str]]) -> Mapping[str, Sequence[SkuKey]]:
    """Return the things by each of their keys; blank keys say nothing.

    A lone thing, as almost all are, stands in a tuple: of a whole shop that is ten megabytes less than lists.
    """
    index: dict[str, tuple[SkuKey] | list[SkuKey]] = {}
    for thing in things:
        for key in dict.fromkeys(keys(thing)):
            known = index.get(key)
            if known is None:
                index[key] = (thing,)
            elif isinstance(known, list):
                known.append(thing)
            else:
                index[key] = [*known, thing]
    index.pop("", None)
    return index


def _typed(thing: SkuKey, key: str) -> str:
    """Return the SKU as it was typed."""
    return next(text.strip() for text in thing.skus if sku_key(text) == key)


def _name(thing: SkuKey) -> str:
    skus = ", ".join(text for text in thing.skus if text)
    return f"{thing.title or 'without a title'} ({thing.id}, SKU {skus or 'none'})"


def _names(things: Sequence[SkuKey]) -> str:
    more = len(things) - _NAMED
    return ", ".join(_name(thing) for thing in things[:_NAMED]) + (f" and {more} more" if more > 0 else "")
