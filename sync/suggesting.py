"""Suggests which unlinked Lightspeed items and Shopify variants are the same goods, with a score and its reasons; pure.

Nothing is linked here. What `matching` links by itself has the same SKU; this is for the rest, for people to look at.
Each piece of evidence leaves some doubt, and what the pieces leave together is the product of their doubts. What
contradicts (another barcode, another size, an unlike title) takes its share off what is believed.

A suggestion is sure enough to be linked in bulk where its score reaches the threshold, and nothing else fits nearly
as well: neither another item for the variant, nor another variant for the item. A tie is never sure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sync.likeness import (
    Slip,
    barcode,
    blurred,
    in_order,
    measures,
    sizes_differ,
    slip,
    title_likeness,
    within_two_edits,
    words,
)
from sync.records import SkuKey

THRESHOLD = 0.95
"""The score from which on a suggestion may be linked in bulk."""
TOP = 3
"""How many suggestions a variant gets."""
LEAST = 0.3
"""The score below which nothing is suggested."""

_RIVAL = 2.0  # a rival must leave so many times the doubt, else it is a tie
_NEAR = 12  # items of the nearest SKUs that are looked at
_BY_TITLE = 12  # items that share the rarest words of the title
_COMMON = 400  # a word that more titles have tells nothing apart
_MOST_COMPARED = 40_000_000  # pairs of SKUs compared letter by letter, some seconds; above, only blurred forms are

_CODE = 0.97
_SLIPS: Mapping[Slip, float] = {
    Slip.NONE: 0.96,
    Slip.SWAPPED: 0.88,
    Slip.LOST: 0.85,
    Slip.MISTYPED: 0.7,
    Slip.NUMBER: 0.35,
    Slip.TWO: 0.35,
}
_TITLE = 0.65  # belief of two equal titles ...
_SKU_WORDS = 0.45  # ... and of a SKU that spells out the other side's title
_ALIKE = 0.6  # titles less alike than this say nothing
_PRICE = 0.15
_UNLIKE = 0.3  # titles less alike than this contradict
_FAR = 2.0  # one price is more than so many times the other
_AGAINST: Mapping[str, float] = {"barcode": 0.5, "size": 0.55, "title": 0.75, "price": 0.85}


class Standing(StrEnum):
    """What a suggestion is good for."""

    SURE = "sure enough to link"
    TIE = "another fits nearly as well"
    POSSIBLE = "a person must look"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An item that may be the same goods as a variant; `score` is from 0 to 1, `reasons` say what it is made of."""

    item: SkuKey
    variant: SkuKey
    score: float
    reasons: tuple[str, ...]
    standing: Standing = Standing.POSSIBLE


@dataclass(frozen=True, slots=True)
class _Face:
    """What of one thing is compared, made once."""

    thing: SkuKey
    skus: tuple[str, ...]  # blurred
    codes: frozenset[str]
    words: tuple[str, ...]  # of title and SKU, each once
    title: str  # the title's words in order
    spelt: str  # the SKU's
    sizes: frozenset[str]


def suggest(
    items: Sequence[SkuKey], variants: Sequence[SkuKey], *, threshold: float = THRESHOLD, top: int = TOP
) -> Mapping[str, Sequence[Suggestion]]:
    """Return, by variant id, up to `top` items each unlinked variant may be, the best first; none found: missing.

    Linked things are left out on both sides, and so is what a person keeps apart.
    """
    lonely = [_face(item) for item in items if not item.linked_to]
    seekers = [_face(variant) for variant in variants if not variant.linked_to]
    shelf = _Shelf(lonely, compared=len(lonely) * len(seekers) <= _MOST_COMPARED)
    ranked: dict[str, list[Suggestion]] = {}
    rivals: defaultdict[str, list[float]] = defaultdict(list)  # of each item: the scores of all variants for it
    for seeker in seekers:
        found = sorted(_judged(seeker, shelf.candidates(seeker)), key=lambda each: (-each.score, each.item.id))
        if found:
            ranked[seeker.thing.id] = found
        for each in found:
            rivals[each.item.id].append(each.score)
    best = {item_id: sorted(scores, reverse=True)[:2] for item_id, scores in rivals.items()}
    return {key: _standing(found, best, threshold)[:top] for key, found in ranked.items()}


def sure(suggestions: Mapping[str, Sequence[Suggestion]]) -> Sequence[Suggestion]:
    """Return those that may be linked in bulk: at most one of each variant and of each item."""
    return [each for found in suggestions.values() for each in found[:1] if each.standing is Standing.SURE]


# --- who is compared with whom ---


class _Shelf:
    """The items by what a variant may find them by."""

    def __init__(self, faces: Sequence[_Face], *, compared: bool) -> None:
        self._faces = faces
        self._by_sku = _index((sku, face) for face in faces for sku in face.skus)
        self._by_code = _index((code, face) for face in faces for code in face.codes)
        self._by_word = _index((word, face) for face in faces for word in face.words)
        near = [(sku, face) for face in faces for sku in face.skus if sku] if compared else []
        self._texts = [sku for sku, _ in near]
        self._owners = [face for _, face in near]

    def candidates(self, seeker: _Face) -> Iterator[_Face]:
        """Yield the items that may be meant, each once."""
        found: dict[str, _Face] = {}
        for sku in seeker.skus:
            found.update((face.thing.id, face) for face in self._by_sku.get(sku, ()))
            near = within_two_edits(sku, self._texts, _NEAR)
            found.update((self._owners[place].thing.id, self._owners[place]) for place, _ in near)
        for code in seeker.codes:
            found.update((face.thing.id, face) for face in self._by_code.get(code, ()))
        found.update((face.thing.id, face) for face in self._of_words(seeker))
        yield from (face for key, face in found.items() if key not in seeker.thing.apart)

    def _of_words(self, seeker: _Face) -> Sequence[_Face]:
        """Return the items that share the rarest words with a variant's title and SKU."""
        weight: defaultdict[str, float] = defaultdict(float)
        faces: dict[str, _Face] = {}
        for word in seeker.words:
            sharing = self._by_word.get(word, ())
            if 0 < len(sharing) <= _COMMON:
                for face in sharing:
                    weight[face.thing.id] += 1 / len(sharing)
                    faces[face.thing.id] = face
        chosen = sorted(weight, key=lambda key: (-weight[key], key))[:_BY_TITLE]
        return [faces[key] for key in chosen]


def _index(pairs: Iterable[tuple[str, _Face]]) -> Mapping[str, list[_Face]]:
    found: defaultdict[str, list[_Face]] = defaultdict(list)
    for key, face in pairs:
        if key:
            found[key].append(face)
    return found


def _face(thing: SkuKey) -> _Face:
    codes = (barcode(text) for text in (*thing.codes, *thing.skus))
    title, spelt = words(thing.title), [word for sku in thing.skus for word in words(sku)]
    return _Face(
        thing=thing,
        skus=tuple(dict.fromkeys(blurred(sku) for sku in thing.skus if blurred(sku))),
        codes=frozenset(code for code in codes if code),
        words=tuple(dict.fromkeys((*title, *spelt))),
        title=in_order(title),
        spelt=in_order(spelt),
        sizes=measures(title),
    )


# --- how well they fit ---


def _judged(seeker: _Face, faces: Iterable[_Face]) -> Iterator[Suggestion]:
    for face in faces:
        score, reasons = _score(seeker, face)
        if score >= LEAST:
            yield Suggestion(face.thing, seeker.thing, score, reasons)


def _score(seeker: _Face, face: _Face) -> tuple[float, tuple[str, ...]]:
    """Return the score of one pair, rounded to three places, and its reasons."""
    doubt, reasons = 1.0, list[str]()
    for belief, reason in (
        _by_sku(seeker, face),
        _by_code(seeker, face),
        _by_title(seeker, face),
        _by_price(seeker, face),
    ):
        if belief:
            doubt *= 1 - belief
            reasons.append(reason)
    score = 1 - doubt
    for name, reason in _against(seeker, face):
        score *= _AGAINST[name]
        reasons.append(reason)
    return round(score, 3), tuple(reasons)


def _by_sku(seeker: _Face, face: _Face) -> tuple[float, str]:
    slips = [found for one in seeker.skus for other in face.skus if (found := slip(one, other)) is not None]
    if not slips:
        return 0.0, ""
    best = max(slips, key=lambda each: _SLIPS[each])
    return _SLIPS[best], best.value


def _by_code(seeker: _Face, face: _Face) -> tuple[float, str]:
    shared = sorted(seeker.codes & face.codes)
    return (_CODE, f"the same barcode {shared[0]}") if shared else (0.0, "")


def _by_title(seeker: _Face, face: _Face) -> tuple[float, str]:
    """Return what the titles say, or, where that is more, what a SKU says that spells out the other side's title."""
    alike = title_likeness(seeker.title, face.title)
    spelt = max(title_likeness(seeker.spelt, face.title), title_likeness(seeker.title, face.spelt))
    belief, by_sku = _share(alike) * _TITLE, _share(spelt) * _SKU_WORDS
    if belief >= by_sku:
        return belief, f"titles alike ({alike:.0%})"
    return by_sku, f"a SKU like the other's title ({spelt:.0%})"


def _share(likeness: float) -> float:
    return max(0.0, likeness - _ALIKE) / (1 - _ALIKE)


def _by_price(seeker: _Face, face: _Face) -> tuple[float, str]:
    same = seeker.thing.price is not None and seeker.thing.price == face.thing.price
    return (_PRICE, "the same price") if same else (0.0, "")


def _against(seeker: _Face, face: _Face) -> Iterator[tuple[str, str]]:
    """Yield what contradicts, and in which words."""
    if seeker.codes and face.codes and not seeker.codes & face.codes:
        yield "barcode", "but the barcodes differ"
    if sizes_differ(seeker.sizes, face.sizes):
        yield "size", "but the sizes differ"
    if seeker.title and face.title and title_likeness(seeker.title, face.title) < _UNLIKE:
        yield "title", "but the titles are unlike"
    prices = seeker.thing.price, face.thing.price
    if prices[0] and prices[1] and max(prices) > _FAR * min(prices):  # type: ignore[type-var, operator]
        yield "price", "but the prices are far apart"


# --- which of them are sure ---


def _standing(
    found: Sequence[Suggestion], best: Mapping[str, Sequence[float]], threshold: float
) -> Sequence[Suggestion]:
    """Say of a variant's suggestions, best first, which is sure: the first, if it has no rival on either side."""
    first, *rest = found
    if first.score < threshold:
        return found
    other = rest[0].score if rest else 0.0
    highest, *others = best[first.item.id]  # the item's own best scores, of which one is this
    rival = max(other, highest if highest > first.score else max(others, default=0.0))
    clear = rival < first.score and (1 - rival) >= _RIVAL * (1 - first.score)
    standing = Standing.SURE if clear else Standing.TIE
    return [replace(first, standing=standing), *rest]
