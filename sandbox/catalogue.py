"""Makes up a believable shop of any size: kava, kratom, THC drinks and merchandise, deterministic by seed.

Thirteen goods in a hundred are odd in a way that real shops are; `ODDITIES` is the whole list. Each stands at a
fixed place in the hundred, so that tests and people know where to look.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count as count_up
from itertools import islice, product

from sandbox.goods import Good

_ONLINE_EVERY = 10  # every tenth good is a dollar dearer in the store than online
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}  # NFKC folds these back to ASCII


@dataclass(frozen=True, slots=True)
class _Line:
    """One kind of product: how its names, variants, prices and texts are made up."""

    prefix: str
    category: str
    weight: int
    first: Sequence[str]
    second: Sequence[str]
    noun: Sequence[str]
    options: Sequence[tuple[str, Sequence[str]]]
    price: tuple[int, int]  # of the smallest variant, dollars
    steps: Mapping[str, int]  # what an option value adds, dollars
    vendors: Sequence[str]
    text: str


_LINES = (
    _Line(
        "KAV",
        "Kava",
        3,
        ("Island", "Moonlit", "Noble", "Reef", "Tidal", "Vanua", "Borogu", "Lagoon"),
        ("Calm", "Drift", "Hush", "Ritual", "Sunset", "Harbor", "Breeze"),
        ("Kava Root", "Instant Kava", "Kava Shot", "Kava Concentrate"),
        (("Flavor", ("Natural", "Mango", "Cacao", "Ginger Lime", "Coconut")), ("Size", ("2 oz", "8 oz", "1 lb"))),
        (14, 24),
        {"8 oz": 18, "1 lb": 41},
        ("WTF", "Vanuatu Growers Union", "Pacific Root Co."),
        "Noble kava from single-island growers, ground fine. Earthy, peppery, made for a slow evening.",
    ),
    _Line(
        "KRA",
        "Kratom",
        3,
        ("Red", "Green", "White", "Gold", "Maroon"),
        ("Bali", "Borneo", "Maeng Da", "Hulu", "Sunda", "Malay", "Thai"),
        ("Kratom", "Kratom Reserve", "Kratom Extract"),
        (("Format", ("Powder", "Capsules", "Gummies")), ("Size", ("30 g", "100 g", "250 g", "1 kg"))),
        (9, 16),
        {"100 g": 12, "250 g": 26, "1 kg": 74, "Capsules": 4, "Gummies": 6},
        ("WTF", "Kapuas Leaf Traders"),
        "Third-party tested leaf, lot number on every pouch. Adults 21 and over only.",
    ),
    _Line(
        "THC",
        "THC Drinks",
        3,
        ("Electric", "Velvet", "Backyard", "Neon", "Porch", "Golden Hour", "Cloudy"),
        ("Lemonade", "Blood Orange", "Black Cherry", "Yuzu", "Cola", "Peach Tea", "Paloma"),
        ("Seltzer", "Spritz", "Tonic", "Mocktail"),
        (("Strength", ("2.5 mg", "5 mg", "10 mg")), ("Pack", ("Single", "4-pack", "12-pack"))),
        (5, 8),
        {"4-pack": 13, "12-pack": 45, "5 mg": 1, "10 mg": 3},
        ("WTF", "Hazy Fields Beverage"),
        "Hemp-derived delta-9 in a cold can. Start with one, wait an hour. Keep away from children.",
    ),
    _Line(
        "MER",
        "Merchandise",
        2,
        ("Logo", "Tiki", "Retro", "Crew", "Night Shift", "Palm", "Sunburst"),
        ("Heavyweight", "Classic", "Garment-dyed", "Limited", "Everyday"),
        ("T-Shirt", "Hoodie", "Tank", "Long Sleeve"),
        (("Size", ("XS", "S", "M", "L", "XL", "2XL")), ("Color", ("Black", "Bone", "Kelp", "Sunset"))),
        (24, 48),
        {"2XL": 3},
        ("WTF",),
        "Printed in town on a shirt that survives the wash. Runs true to size.",
    ),
    _Line(
        "ACC",
        "Accessories",
        1,
        ("Coconut", "Bamboo", "Enamel", "Steel", "Cork", "Stoneware"),
        ("Traveler", "Bar", "Camp", "Home", "Gift"),
        ("Shell Cup", "Strainer Bag", "Mug", "Sticker Sheet", "Bottle Opener"),
        (),
        (4, 29),
        {},
        ("WTF", "Makers' Row"),
        "The small thing that makes the evening easier.",
    ),
)


def generate(count: int, seed: int, *, odd: bool = True) -> list[Good]:
    """Return `count` goods, the same ones for the same arguments; `odd=False` leaves the oddities out.

    Every `Good.sku` is unique and not empty, also among odd goods: it is the good's name in both pretend
    shops. What was typed into Shopify instead stands in `online_sku`. Raises ValueError on a negative count.
    """
    if count < 0:
        raise ValueError(f"a shop cannot have {count} goods")
    goods = list(islice(_goods(random.Random(seed)), count))
    return _with_oddities(goods) if odd else goods


def check_digit(digits: str) -> str:
    """Return the last digit of a GTIN (UPC-A, EAN-13 …) whose other digits are `digits`."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _goods(rng: random.Random) -> Iterator[Good]:
    """Yield goods without end, product after product."""
    weights = [line.weight for line in _LINES]
    numbers: dict[str, Iterator[int]] = {line.prefix: count_up(1) for line in _LINES}
    taken: set[str] = set()
    serial = count_up(1)
    while True:
        line = rng.choices(_LINES, weights)[0]
        title = _title(line, rng, taken)
        yield from _variants(line, title, f"{line.prefix}-{next(numbers[line.prefix]):04d}", serial, rng)


def _title(line: _Line, rng: random.Random, taken: set[str]) -> str:
    """Return a title nobody has yet; big shops run out of names and number their batches."""
    plain = f"{rng.choice(line.first)} {rng.choice(line.second)} {rng.choice(line.noun)}"
    candidates = (plain if batch == 1 else f"{plain} No. {batch}" for batch in count_up(1))
    title = next(candidate for candidate in candidates if candidate not in taken)
    taken.add(title)
    return title


def _variants(line: _Line, title: str, base: str, serial: Iterator[int], rng: random.Random) -> Iterator[Good]:
    """Yield the goods of one product."""
    handle = title.lower().replace(".", "").replace(" ", "-")
    start = Decimal(rng.randint(*line.price)) + Decimal("0.99")
    vendor = rng.choice(line.vendors)
    tags = (line.category.lower(), rng.choice(("new", "staff pick", "bestseller", "seasonal")))
    chosen = [(name, _some(values, rng)) for name, values in line.options]
    for values in product(*(values for _, values in chosen)):
        price = start + sum(line.steps.get(value, 0) for value in values)
        number = next(serial)
        yield Good(
            sku="-".join([base, *(_code(value) for value in values)]),
            title=title,
            handle=handle,
            options=tuple(zip((name for name, _ in chosen), values, strict=True)),
            price=price + 1 if number % _ONLINE_EVERY == 0 else price,
            online_price=price if number % _ONLINE_EVERY == 0 else None,
            cost=(price * Decimal(rng.randint(35, 60)) / 100).quantize(Decimal("0.01")),
            barcode=_barcode(number, rng),
            vendor=vendor,
            category=line.category,
            description_html=f"<p>{line.text}</p><ul><li>{vendor}</li><li>{line.category}</li></ul>",
            tags=tags,
            image_urls=(f"https://images.example/{handle}.jpg",),
            stock=_stock(rng),
        )


def _some(values: Sequence[str], rng: random.Random) -> Sequence[str]:
    """Return a few of the values, in their usual order."""
    kept = set(rng.sample(range(len(values)), rng.randint(1, min(3, len(values)))))
    return [value for place, value in enumerate(values) if place in kept]


def _code(value: str) -> str:
    """Return an option value as shops write it into a SKU: `Ginger Lime` is GINLIM, `2.5 mg` is 25MG."""
    words = value.upper().replace(".", "").replace("-", " ").split()
    return "".join(word[:3] for word in words)


def _barcode(number: int, rng: random.Random) -> str:
    """Return a UPC-A, sometimes an EAN-13, sometimes nothing; all from the ranges kept for in-store use."""
    kind = rng.random()
    if kind < 0.1:
        return ""
    digits = f"4{number:010d}" if kind < 0.85 else f"20{number:010d}"
    return digits + check_digit(digits)


def _stock(rng: random.Random) -> int:
    """Return what lies on the shelf: mostly a few dozen, now and then nothing or the last ones."""
    kind = rng.random()
    if kind < 0.05:
        return 0
    return rng.randint(1, 6) if kind < 0.25 else rng.randint(7, 80)


def _trailing_blank(good: Good, _before: Good) -> Good:
    return replace(good, online_sku=good.sku + " ")


def _lower_case(good: Good, _before: Good) -> Good:
    return replace(good, online_sku=good.sku.lower())


def _full_width(good: Good, _before: Good) -> Good:
    return replace(good, online_sku=good.sku.translate(_FULL_WIDTH))


def _duplicate_online(good: Good, before: Good) -> Good:
    typed = before.sku if before.online_sku is None else before.online_sku
    return replace(good, online_sku=typed, in_store=False, barcode="")


def _near_miss(good: Good, _before: Good) -> Good:
    return replace(good, online_sku=good.sku.replace("0", "O", 1))


def _no_sku_online(good: Good, _before: Good) -> Good:
    return replace(good, online_sku="")


def _alone(good: Good, title: str) -> Good:
    """Return the good as a product of its own: status and title belong to the product, not to a variant."""
    return replace(good, title=title, handle=f"single-{good.sku.lower()}", options=())


def _markup_in_title(good: Good, _before: Good) -> Good:
    return _alone(good, "<!channel> & <b>Party</b> \U0001f965 Pack")


def _archived(good: Good, _before: Good) -> Good:
    return replace(_alone(good, f"{good.title} (2024)"), archived=True, status="ARCHIVED", stock=0)


def _online_only(good: Good, _before: Good) -> Good:
    return replace(good, in_store=False)


def _store_only(good: Good, _before: Good) -> Good:
    return replace(good, online=False)


def _numbered(good: Good, _before: Good) -> Good:
    return replace(good, item_type="serialized")


def _case(good: Good, _before: Good) -> Good:
    return replace(_alone(good, f"Mixed Case {good.sku[-8:]}"), item_type="box")


def _service(good: Good, _before: Good) -> Good:
    seat = _alone(good, f"Tasting Seat {good.sku[-8:]}")
    return replace(seat, item_type="non_inventory", tracked=False, stock=0, barcode="")


ODDITIES: Mapping[int, tuple[str, Callable[[Good, Good], Good]]] = {
    4: ("a blank behind the SKU in Shopify", _trailing_blank),
    13: ("the SKU in lower case in Shopify", _lower_case),
    23: ("the SKU in full-width letters in Shopify", _full_width),
    33: ("a second Shopify variant with the SKU of the good before it", _duplicate_online),
    43: ("a letter O for a zero in Shopify: nearly the same SKU", _near_miss),
    53: ("no SKU in Shopify", _no_sku_online),
    63: ("markup, a mention and an emoji in the title", _markup_in_title),
    73: ("archived in both systems", _archived),
    78: ("sold online only", _online_only),
    83: ("sold in store only", _store_only),
    88: ("every piece has a serial number", _numbered),
    93: ("a service without stock", _service),
    98: ("a box made up of other goods", _case),
}
"""What is odd about the good at each place of a hundred (counted from 0), and how it is made so."""


def _with_oddities(goods: list[Good]) -> list[Good]:
    odd = list(goods)
    for place, good in enumerate(odd):
        oddity = ODDITIES.get(place % 100)
        if oddity is not None:
            odd[place] = oddity[1](good, odd[place - 1])
    return odd
