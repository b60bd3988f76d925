"""Measures what `sku suggest` makes of SKUs mangled on purpose: precision where it is sure, recall in the top three.

Of a made-up shop 2,000 goods are sold in both places, their SKUs in Shopify mangled in ten ways, as many of each.
2,000 more stand in Lightspeed only, among them sisters of the same products and neighbours of the same series, and 500
in Shopify only. Titles and prices differ as they do in real shops, most goods lack the barcode on one side. All of it
comes from one seed, so the figures are the same on every machine. What matching links by itself is counted apart.
Exits 1 where a limit is missed; `--save` writes the figures that the docs show.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.catalogue import generate
from sandbox.goods import Good
from sync.likeness import sku_key
from sync.matching import match
from sync.model import LinkState
from sync.records import SkuKey
from sync.suggesting import THRESHOLD, Standing, suggest

SAVED = Path(__file__).resolve().parent.parent / "docs" / "sku-suggestions.json"
LEAST_PRECISION = 0.99
LEAST_RECALL = 0.9

_SEED = 6
_GOODS = 2_000
_IN_STORE_ONLY = 2_000
_ONLINE_ONLY = 500

Mangle = Callable[[Good, random.Random], str]


def _case(good: Good, rng: random.Random) -> str:
    return "".join(sign.lower() if rng.random() < 0.7 else sign for sign in good.sku)


def _blanks(good: Good, rng: random.Random) -> str:
    at = rng.randrange(1, len(good.sku))
    return f" {good.sku[:at]} {good.sku[at:]}\t" if rng.random() < 0.5 else good.sku.replace("-", " ")


def _leading_zeros(good: Good, rng: random.Random) -> str:
    return re.sub(r"-0+", "-" if rng.random() < 0.7 else "-000", good.sku, count=1)


def _letter_for_digit(good: Good, rng: random.Random) -> str:
    zeros = [at for at, sign in enumerate(good.sku) if sign == "0"] or [0]
    at = rng.choice(zeros)
    return good.sku[:at] + ("O" if good.sku[at] == "0" else good.sku[at]) + good.sku[at + 1 :].replace("1", "l")


def _transposed(good: Good, rng: random.Random) -> str:
    sku = good.sku
    places = [at for at in range(len(sku) - 1) if sku[at] != sku[at + 1] and "-" not in sku[at : at + 2]]
    at = rng.choice(places)
    return sku[:at] + sku[at + 1] + sku[at] + sku[at + 2 :]


def _no_dashes(good: Good, rng: random.Random) -> str:
    return good.sku.replace("-", "" if rng.random() < 0.7 else "_")


def _one_lost(good: Good, rng: random.Random) -> str:
    letters = [at for at, sign in enumerate(good.sku) if sign.isalpha()]
    at = rng.choice(letters)
    return good.sku[:at] + good.sku[at + 1 :]


def _ean_for_upc(good: Good, _rng: random.Random) -> str:
    return f"0{good.barcode}" if len(good.barcode) == 12 else good.barcode


def _upc_without_check(good: Good, _rng: random.Random) -> str:
    return good.barcode[:-1] if len(good.barcode) == 12 else good.barcode


def _two_at_once(good: Good, rng: random.Random) -> str:
    return _case(replace(good, sku=_no_dashes(replace(good, sku=_transposed(good, rng)), rng)), rng)


MANGLES: Mapping[str, Mangle] = {
    "other case": _case,
    "blanks": _blanks,
    "leading zeros left out or added": _leading_zeros,
    "O for 0, l for 1": _letter_for_digit,
    "two neighbours exchanged": _transposed,
    "dashes left out or underscores": _no_dashes,
    "a letter left out": _one_lost,
    "EAN-13 in place of the SKU": _ean_for_upc,
    "UPC-A without its check digit": _upc_without_check,
    "exchanged, no dashes, other case": _two_at_once,
}
_BY_BARCODE = {"EAN-13 in place of the SKU", "UPC-A without its check digit"}


@dataclass(frozen=True, slots=True)
class Shops:
    """Both catalogues; `truth` is the item of each variant, `mangled` the way in which its SKU was."""

    items: Sequence[SkuKey]
    variants: Sequence[SkuKey]
    truth: Mapping[str, str]
    mangled: Mapping[str, str]

    def bare(self) -> Shops:
        """Return the same with nothing but SKUs and barcodes to go by."""

        def stripped(things: Sequence[SkuKey]) -> Sequence[SkuKey]:
            return [replace(each, title="", price=None) for each in things]

        return replace(self, items=stripped(self.items), variants=stripped(self.variants))


def shops(goods: int = _GOODS, in_store_only: int = _IN_STORE_ONLY, online_only: int = _ONLINE_ONLY) -> Shops:
    """Make both catalogues."""
    rng = random.Random(_SEED)
    made = generate(goods + in_store_only + online_only + goods // 2, _SEED, odd=False)
    first = made[: goods + in_store_only]
    both = sorted(rng.sample([at for at, good in enumerate(first) if good.barcode], goods))
    chosen = set(both)
    items = [_item(at, good, rng) for at, good in enumerate(first)][: len(first)]
    taken = {sku_key(good.sku) for good in made}
    variants, truth, mangled = [], {}, {}
    for at in both:
        name = list(MANGLES)[len(variants) % len(MANGLES)]
        sku = _mangled(name, first[at], taken, rng)
        taken.add(sku_key(sku))
        variant = _variant(at, first[at], sku, rng)
        variants.append(variant)
        truth[variant.id], mangled[variant.id] = f"i{at}", name
    assert len(chosen) == goods
    late = made[goods + in_store_only :][:online_only]
    variants += [_variant(len(first) + at, good, good.sku, rng) for at, good in enumerate(late)]
    items = [replace(item, codes=()) if rng.random() < 0.5 and not _needed(item, mangled) else item for item in items]
    return Shops(items, variants, truth, mangled)


def _needed(item: SkuKey, mangled: Mapping[str, str]) -> bool:
    return mangled.get(f"v{item.id[1:]}", "") in _BY_BARCODE


def _mangled(name: str, good: Good, taken: set[str], rng: random.Random) -> str:
    """Return the good's SKU mangled; one that is another good's own SKU by now would be no mangled one."""
    for _ in range(20):
        sku = MANGLES[name](good, rng)
        if sku_key(sku) == sku_key(good.sku) or sku_key(sku) not in taken:
            return sku
    return good.sku.lower()


def _item(at: int, good: Good, rng: random.Random) -> SkuKey:
    return SkuKey(
        id=f"i{at}",
        inventory_item_id="",
        skus=(good.sku,),
        codes=(good.barcode,) if good.barcode else (),
        title=_title_in_store(good, rng),
        price=_cents(good),
    )


def _variant(at: int, good: Good, sku: str, rng: random.Random) -> SkuKey:
    price = _cents(good)
    return SkuKey(
        id=f"v{at}",
        inventory_item_id=f"n{at}",
        skus=(sku,),
        codes=(good.barcode,) if good.barcode and rng.random() < 0.3 else (),
        title=" ".join((good.title, *_options(good))),
        price=price if rng.random() < 0.8 else round(price * rng.choice((0.8, 0.9, 1.1, 1.25))),
    )


def _cents(good: Good) -> int:
    return int(good.price * 100)


def _options(good: Good) -> tuple[str, ...]:
    return tuple(value for _, value in good.options)


def _title_in_store(good: Good, rng: random.Random) -> str:
    """Return the title as the till has it: the same, without options, in other order, shortened, or something else."""
    kind = rng.random()
    if kind < 0.45:
        return " ".join((good.title, *_options(good)))
    if kind < 0.65:
        return good.title
    if kind < 0.8:
        return ", ".join((*_options(good), good.title)).upper()
    if kind < 0.92:
        return " ".join(word[:4] for word in (*good.title.split(), *_options(good)))
    return rng.choice(("", "Misc", "New item", f"{good.category} (see shelf)"))


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of one way of mangling, or of all."""

    skus: int = 0
    matched: int = 0  # linked by matching itself, as the same SKU
    matched_wrong: int = 0
    sure: int = 0  # suggestions that may be linked in bulk ...
    sure_wrong: int = 0  # ... and those of them that are wrong
    in_top: int = 0  # not linked by itself, the right one among the suggestions

    @property
    def precision(self) -> float:
        """Return which share of the sure suggestions is right; 1 where there are none."""
        return 1 - self.sure_wrong / self.sure if self.sure else 1.0

    @property
    def recall(self) -> float:
        """Return which share of what did not link by itself has the right one among its suggestions."""
        left = self.skus - self.matched
        return self.in_top / left if left else 1.0


def measure(both: Shops) -> Mapping[str, Figures]:
    """Match and suggest; return the figures of each way of mangling, of goods of one shop only, and of all."""
    proposals, _ = match(both.items, both.variants)
    linked = {each.variant_id: each.item_id for each in proposals if each.state is LinkState.CONFIRMED}
    gone = set(linked.values())
    suggestions = suggest(
        [item for item in both.items if item.id not in gone],
        [variant for variant in both.variants if variant.id not in linked],
    )
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*MANGLES, ALONE, ALL)}
    for variant in both.variants:
        right = both.truth.get(variant.id, "")
        found = suggestions.get(variant.id, ())
        said = Counter[str](skus=1)
        if variant.id in linked:
            said.update(matched=1, matched_wrong=linked[variant.id] != right)
        if found and found[0].standing is Standing.SURE:
            said.update(sure=1, sure_wrong=found[0].item.id != right)
        said.update(in_top=any(each.item.id == right for each in found))
        counts[both.mangled.get(variant.id, ALONE)].update(said)
        counts[ALL].update(said)
    counts[ALL]["skus"] -= counts[ALONE]["skus"]
    return {name: Figures(**count) for name, count in counts.items()}


ALL = "all"
ALONE = "sold online only"


def table(saved: Mapping[str, Mapping[str, Mapping[str, int]]] | None = None) -> str:
    """Return the figures as the docs show them."""
    runs = saved or json.loads(SAVED.read_text(encoding="utf-8"))
    lines = [
        "| SKU in Shopify | SKUs | linked as the same SKU | sure | of them wrong | right one in the top three |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for title, run in runs.items():
        names = (*MANGLES, ALONE, ALL) if title == _FULL else (ALONE, ALL)
        lines += [_row(name if title == _FULL else f"{name}, {title}", Figures(**run[name])) for name in names]
    return "\n".join(lines)


def _row(name: str, found: Figures) -> str:
    share = "" if name.startswith(ALONE) or found.skus == found.matched else f"{found.recall:.1%}"
    return f"| {name} | {found.skus} | {found.matched} | {found.sure} | {found.sure_wrong} | {share} |"


_FULL = "with titles and prices"
_BARE = "without titles and prices"


def figures() -> dict[str, dict[str, dict[str, int]]]:
    """Measure both ways and return plain numbers."""
    both = shops()
    found = {_FULL: measure(both), _BARE: measure(both.bare())}
    return {
        title: {name: {key: getattr(each, key) for key in Figures.__slots__} for name, each in run.items()}
        for title, run in found.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--save", action="store_true", help="write the figures that the docs show")
    chosen = parser.parse_args()
    found = figures()
    print(table(found))
    whole = Figures(**found[_FULL][ALL])
    print(f"threshold {THRESHOLD}: precision {whole.precision:.4f}, recall in the top three {whole.recall:.4f}")
    if chosen.save:
        SAVED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if whole.precision >= LEAST_PRECISION and whole.recall >= LEAST_RECALL else 1


if __name__ == "__main__":
    raise SystemExit(main())
