"""Finds which Lightspeed item and which Shopify variant are the same goods, by SKU; pure.

A SKU that is unique on both sides links by itself. A shared barcode or further SKU field is only suggested. What
stands on several items, or differs only a little, is reported for people and never linked.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import OSA

from sync.errors import Code
from sync.model import LinkState
from sync.records import Proposal, SkuKey, SkuProblem

LINKABLE = ("default", "serialized")

_NAMED = 5  # ids named in one report
_MOST_LIKE = 3  # with more alike than this, being alike says nothing (numbered series)
_SHORTEST = 4  # characters from which on one edit counts as near ...
_LONG = 8  # ... and two
_MOST_COMPARED = 4_000_000  # pairs compared letter by letter: about half a second; above, only blurred forms are
_BLANKS = re.compile(r"\s+")
_ODD = re.compile(r"[^0-9a-z]+")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
# What people read as the same: o and 0; i, l and 1; Cyrillic and Greek letters that look Latin.
_LOOKALIKES = str.maketrans(
    "oil\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0455\u043a\u043c\u0442\u0432\u043d\u0131\u03bf\u03b1\u03c1",
    "011ae0pcxy1skmtbh10ap",
)


def sku_key(text: str) -> str:
    """Return the form in which SKUs are compared: NFKC, trimmed, without case, blanks within as one."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", folded)).strip()


def match(items: Sequence[SkuKey], variants: Sequence[SkuKey]) -> tuple[Sequence[Proposal], Sequence[SkuProblem]]:
    """Return the links that may be made between live items and variants, and what people should look at.

    Linked ones are given too: they make a second thing of the same SKU a duplicate, and are proposed again.
    """
    state = _State()
    _by_sku(items, variants, state)
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
        if not found:
            continue
        sku = _typed(same[0], key)
        fresh = [item for item in found if item.id not in state.done]
        if len(found) > 1 or len(same) > 1 or not fresh:
            state.report(Code.SK001, sku, _both_sides(found, same), [*found, *same])
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
        sku = next((text for text in (*same[0].skus, *found[0].skus) if sku_key(text)), key)
        state.propose(found[0], same[0], sku, LinkState.SUGGESTED, f"same code {key}")


def _codes(thing: SkuKey) -> Sequence[str]:
    return [key.lstrip("0") if key.isdigit() else key for key in map(sku_key, (*thing.codes, *thing.skus))]


# --- almost the same ---


def _near(items: Sequence[SkuKey], variants: Sequence[SkuKey], state: _State) -> None:
    """Report variants whose SKU is almost that of an item which has no variant either."""
    blurred = _index(items, lambda item: [_blur(sku) for sku in item.skus])
    keys = [(key, item) for item in items for key in dict.fromkeys(_sku_keys(item)) if len(key) >= _SHORTEST]
    compared = len(keys) * len(variants) <= _MOST_COMPARED
    texts = [key for key, _ in keys] if compared else []
    for variant in variants:
        sku = variant.skus[0] if variant.skus else ""
        alike = blurred.get(_blur(sku), []) or [keys[place][1] for place in _edited(sku_key(sku), texts)]
        if 0 < len(alike) <= _MOST_LIKE:
            state.report(Code.SK002, sku, f"In Shopify: {_name(variant)}; in Lightspeed: {_names(alike)}", [variant])


def alike(items: Sequence[SkuKey], variants: Sequence[SkuKey]) -> frozenset[str]:
    """Return the ids of the items whose SKU is almost that of one of these variants."""
    blurred = {_blur(sku) for variant in variants for sku in variant.skus if sku_key(sku)}
    found = {item.id for item in items if any(_blur(sku) in blurred for sku in item.skus)}
    keys = [(key, item.id) for item in items for key in _sku_keys(item) if len(key) >= _SHORTEST]
    if len(keys) * len(variants) <= _MOST_COMPARED:
        texts = [key for key, _ in keys]
        for sku in (sku for variant in variants for sku in variant.skus):
            places = _edited(sku_key(sku), texts)
            found.update(keys[place][1] for place in places if len(places) <= _MOST_LIKE)
    return frozenset(found)


def _edited(key: str, texts: Sequence[str]) -> Sequence[int]:
    """Return the places of the texts that an edit or two would make equal to `key`, nearest first."""
    if len(key) < _SHORTEST or not texts:
        return []
    edits = 2 if len(key) >= _LONG else 1
    found = process.extract(key, texts, scorer=OSA.distance, score_cutoff=edits, limit=_MOST_LIKE + 1)
    nearest = min((distance for _, distance, _ in found), default=0)
    return [place for _, distance, place in found if distance == nearest]


def _blur(sku: str) -> str:
    """Return a SKU as a hurried reader sees it: look-alikes as one, no punctuation, no leading zeros."""
    return _ZEROS.sub("", _ODD.sub("", sku_key(sku).translate(_LOOKALIKES)))


# --- small things ---


def _sku_keys(thing: SkuKey) -> Sequence[str]:
    return [sku_key(text) for text in thing.skus]


def _index(things: Sequence[SkuKey], keys: Callable[[SkuKey], Sequence[str]]) -> Mapping[str, list[SkuKey]]:
    """Return the things by each of their keys; blank keys say nothing."""
    index: defaultdict[str, list[SkuKey]] = defaultdict(list)
    for thing in things:
        for key in dict.fromkeys(keys(thing)):
            if key:
                index[key].append(thing)
    return dict(index)


def _typed(thing: SkuKey, key: str) -> str:
    """Return the SKU as it was typed."""
    return next(text.strip() for text in thing.skus if sku_key(text) == key)


def _name(thing: SkuKey) -> str:
    skus = ", ".join(text for text in thing.skus if text)
    return f"{thing.title or 'without a title'} ({thing.id}, SKU {skus or 'none'})"


def _names(things: Sequence[SkuKey]) -> str:
    more = len(things) - _NAMED
    return ", ".join(_name(thing) for thing in things[:_NAMED]) + (f" and {more} more" if more > 0 else "")
