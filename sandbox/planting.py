"""Plants faults in an open world: twelve ways in which two shops that should agree do not.

The faults are made as people make them, at the till or in Shopify's admin, and each is one thing wrong with one good.
The same arguments plant the same faults in the same world.
"""

from __future__ import annotations

import random
import string
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from sandbox.flaws import WHOLE_PRODUCT, Flaw, Planted
from sandbox.goods import Good
from sandbox.world import World


def plant(world: World, count: int, *, seed: int = 1, flaws: Sequence[Flaw] = tuple(Flaw)) -> list[Planted]:
    """Plant `count` faults, of each kind in turn, and return them; no good ever gets two.

    Raises ValueError, with nothing planted, where the world has too few sound goods for them.
    """
    if count < 0 or not flaws:
        raise ValueError(f"cannot plant {count} faults of {len(flaws)} kinds")
    rng = random.Random(f"planting {seed} {len(world.planted)}")
    wanted = [flaws[number % len(flaws)] for number in range(count)]
    planter = _Planter(world, rng)
    victims = _victims(world, [_of_product(flaw, wanted[: at + 1].count(flaw)) for at, flaw in enumerate(wanted)], rng)
    planted = [Planted(flaw, *planter.plant(flaw, good)) for flaw, good in zip(wanted, victims, strict=True)]
    world.planted += planted
    return planted


def _of_product(flaw: Flaw, turn: int) -> bool:
    """Tell whether the `turn`th fault of its kind is one of a whole product; an item alone can be renamed, too."""
    return flaw in WHOLE_PRODUCT and not (flaw is Flaw.TITLE and turn % 2 == 0)


def _victims(world: World, wanted: Sequence[bool], rng: random.Random) -> list[Good]:
    """Return a good for each fault; True wants one that is the only variant of its product."""
    spoilt = {each.sku for each in world.planted}
    sound = [good for good in world.goods if good.sku not in spoilt and _is_sound(world, good)]
    variants = Counter(good.handle for good in world.goods)
    rng.shuffle(sound)
    alone = [good for good in sound if variants[good.handle] == 1 and good.image_urls and good.description_html]
    needed = sum(wanted)
    singles = alone[:needed]
    taken = {good.sku for good in singles}
    others = [good for good in sound if good.sku not in taken]
    if len(singles) < needed or len(others) < len(wanted) - needed:
        raise ValueError(f"the world has too few sound goods for {len(wanted)} faults")
    for_products, for_goods = iter(singles), iter(others)
    return [next(for_products if whole else for_goods) for whole in wanted]


def _is_sound(world: World, good: Good) -> bool:
    """Tell whether a good is sold in both shops in the same way, with some left that could be missing."""
    usual = good.in_store and good.online and good.online_sku is None and not good.archived
    if not (usual and good.item_type == "default" and good.tracked and good.status == "ACTIVE"):
        return False
    try:
        return world.shopify.available(good.sku) >= _FEWEST and world.lightspeed.qoh(good.sku) >= _FEWEST
    except ValueError:
        return False


_FEWEST = 2
_MOST_MISCOUNTED = 9
_AMOUNTS = (Decimal("0.50"), Decimal("1.00"), Decimal("2.75"), Decimal("10.00"))

Done = tuple[str, str]
"""The SKU under which a fault is to be found, and what was done."""


class _Planter:
    """Does what makes a good faulty; every other fault of a kind is made in the other way there is."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._till, self._shop = world.lightspeed, world.shopify
        self._rng = rng
        self._counts: Counter[Flaw] = Counter()
        self._skus = {item.sku.casefold() for item in world.shopify.shelves.items.values()}
        self._skus |= {item.custom_sku.casefold() for item in world.lightspeed.books.items}
        self._deeds: Mapping[Flaw, Callable[[Good, int], Done]] = {
            Flaw.STOCK_HIGHER: self._higher,
            Flaw.STOCK_LOWER: self._lower,
            Flaw.PRICE: self._price,
            Flaw.TITLE: self._title,
            Flaw.DESCRIPTION: self._description,
            Flaw.IMAGES: self._images,
            Flaw.CATEGORY: self._category,
            Flaw.ONLY_IN_LIGHTSPEED: self._only_in_lightspeed,
            Flaw.ONLY_IN_SHOPIFY: self._only_in_shopify,
            Flaw.SKU_ALMOST_EQUAL: self._almost_equal,
            Flaw.SKU_DUPLICATE: self._duplicate,
            Flaw.DISCONTINUED: self._discontinued,
        }

    def plant(self, flaw: Flaw, good: Good) -> Done:
        """Make a good faulty."""
        self._counts[flaw] += 1
        return self._deeds[flaw](good, self._counts[flaw])

    def _higher(self, good: Good, _turn: int) -> Done:
        more = self._rng.randint(1, _MOST_MISCOUNTED)
        self._shop.adjust(good.sku, more)
        return good.sku, f"{more} units too many in Shopify"

    def _lower(self, good: Good, _turn: int) -> Done:
        less = self._rng.randint(1, min(_MOST_MISCOUNTED, self._shop.available(good.sku)))
        self._shop.adjust(good.sku, -less)
        return good.sku, f"{less} units too few in Shopify"

    def _price(self, good: Good, turn: int) -> Done:
        more = self._rng.choice(_AMOUNTS)
        if turn % 2 == 0:
            online = None if good.online_price is None else good.online_price + more
            self._till.reprice(good.sku, good.price + more, online=online)
            return good.sku, f"{more} dearer in the till"
        self._shop.reprice(good.sku, (good.online_price or good.price) + more, good.compare_at)
        return good.sku, f"{more} dearer in Shopify"

    def _title(self, good: Good, turn: int) -> Done:
        if turn % 2 == 0:
            self._till.edit(good.sku, {"description": f"Old {good.title} (do not use)"})
            return good.sku, "renamed in the till"
        self._shop.edit_product(good.sku, title=f"{good.title}, Summer Sale")
        return good.sku, "renamed in Shopify"

    def _description(self, good: Good, turn: int) -> Done:
        if turn % 2 == 0:
            text = "Please ask at the counter, the makers have changed what is in it."
            self._till.edit(good.sku, {"ItemECommerce": {"longDescription": text}})
            return good.sku, "another text in the till"
        self._shop.edit_product(good.sku, description_html="")
        return good.sku, "no text in Shopify"

    def _images(self, good: Good, _turn: int) -> Done:
        self._shop.picture(good.sku, ())
        return good.sku, "no picture in Shopify"

    def _category(self, good: Good, _turn: int) -> Done:
        names = {part.strip().casefold() for part in (*good.category.split("/"), good.category)}
        self._shop.edit_product(
            good.sku, product_type="", tags=tuple(tag for tag in good.tags if tag.casefold() not in names)
        )
        self._shop.collect(good.sku, ())
        return good.sku, "no category in Shopify"

    def _only_in_lightspeed(self, good: Good, turn: int) -> Done:
        if turn % 2:
            new = self._new(good, online=False)
            self._till.add(new)
            return new.sku, "a new item in the till"
        if len(self._shop.item(good.sku).variant.product.variants) > 1:
            self._shop.delete_variant(good.sku)
        else:
            self._shop.delete_product(good.sku)
        return good.sku, "deleted in Shopify"

    def _only_in_shopify(self, good: Good, _turn: int) -> Done:
        new = self._new(good, online=True)
        self._shop.add(new)
        return new.sku, "a new product in Shopify"

    def _almost_equal(self, good: Good, _turn: int) -> Done:
        typed = next((typed for typed in self._mistyped(good.sku) if typed.casefold() not in self._skus), None)
        if typed is None:
            raise ValueError(f"{good.sku!r} cannot be mistyped")
        self._skus.add(typed.casefold())
        self._shop.mistype_sku(good.sku, typed)
        return good.sku, f"the SKU is {typed} in Shopify"

    def _mistyped(self, sku: str) -> Iterator[str]:
        """Yield what people type for a SKU, in a random order: a letter O, two places changed, a dash left out."""
        ways = [sku.replace("0", "O", 1), sku.replace("-", "", 1)]
        ways += [sku[:at] + sku[at + 1] + sku[at] + sku[at + 2 :] for at in range(4, len(sku) - 1)]
        self._rng.shuffle(ways)
        yield from (typed for typed in ways if typed != sku)

    def _duplicate(self, good: Good, turn: int) -> Done:
        twin = self._new(good, online=turn % 2 == 1, sku=good.sku)
        if turn % 2 == 0:
            self._till.add(twin)
            return good.sku, "a second item with its SKU in the till"
        self._shop.add(twin)
        return good.sku, "a second variant with its SKU in Shopify"

    def _discontinued(self, good: Good, _turn: int) -> Done:
        self._till.archive(good.sku)
        return good.sku, "archived in the till"

    def _new(self, good: Good, *, online: bool, sku: str = "") -> Good:
        """Return a good that nobody has yet, of the same kind as another; its SKU is like no other."""
        letters = "".join(self._rng.choices(string.ascii_uppercase, k=6))
        name = f"{letters}-{self._rng.randint(1000, 9999)}"
        return Good(
            sku=sku or name,
            title=f"{letters.capitalize()} {good.category}",
            handle=name.lower(),
            price=good.price,
            cost=good.cost,
            vendor=good.vendor,
            category=good.category,
            description_html=good.description_html,
            tags=good.tags,
            image_urls=(f"https://images.example/{name.lower()}.jpg",),
            stock=self._rng.randint(1, 30),
            in_store=not online,
            online=online,
        )
