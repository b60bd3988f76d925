"""Planted faults: as many as asked for, each in one good, nothing else wrong, the same for the same seed."""

from __future__ import annotations

import html
import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from sandbox.catalogue import generate
from sandbox.clock import ManualClock
from sandbox.flaws import Flaw
from sandbox.goods import Good
from sandbox.lightspeed.rows import Item
from sandbox.planting import plant
from sandbox.shopify.model import Variant
from sandbox.world import World

COUNT = 120


def opened(count: int = 1_200) -> World:
    return World(generate(count, 3, odd=False), clock=ManualClock(datetime(2026, 11, 20, tzinfo=UTC)), seed=1)


@pytest.fixture(scope="module")
def spoilt() -> World:
    world = opened()
    plant(world, COUNT, seed=5)
    return world


def words(text: str) -> list[str]:
    return sorted(re.findall(r"\w+", html.unescape(re.sub(r"<[^>]*>", " ", text)).casefold()))


def differences(item: Item, variant: Variant, world: World) -> set[Flaw]:
    """Compare one good as the facts say that it is to be compared, in the plainest way there is."""
    product = variant.product
    named = " ".join([product.title, *(value for name, value in variant.options if name != "Title")])
    text = (item.ecommerce.long_description or item.ecommerce.short_description) if item.ecommerce else ""
    price = int(((item.online_price or item.price) * 100).to_integral_value())
    category = world.lightspeed.books.categories[item.category_id].name.casefold() if item.category_id else ""
    known = {product.product_type, *product.tags, *(each.title for each in product.collections)}
    stock = world.lightspeed.books.stock_rows(item.item_id)[1].qoh
    available = variant.item.levels[world.shopify.home.id].quantities["available"]
    found = {
        Flaw.TITLE: words(item.description) != words(named),
        Flaw.DESCRIPTION: words(text) != words(product.description_html),
        Flaw.IMAGES: bool(item.images) and not product.media,
        Flaw.PRICE: price != variant.price_cents,
        Flaw.CATEGORY: bool(category) and category not in {each.casefold() for each in known},
        Flaw.STOCK_HIGHER: available > max(0, stock),
        Flaw.STOCK_LOWER: available < max(0, stock),
    }
    if item.archived:
        return {Flaw.DISCONTINUED}
    return {flaw for flaw, is_there in found.items() if is_there}


def found_in(world: World) -> Counter[tuple[Flaw, str]]:
    """Return everything that is wrong in a world, by what its rows say."""
    found: Counter[tuple[Flaw, str]] = Counter()
    items: dict[str, list[Item]] = {}
    for item in world.lightspeed.books.items:
        if item.custom_sku:
            items.setdefault(item.custom_sku, []).append(item)
    variants: dict[str, list[Variant]] = {}
    for variant in world.shopify.shelves.variants.values():
        variants.setdefault(variant.item.sku, []).append(variant)
    mistyped = {
        world.shopify.item(each.sku).sku: each.sku for each in world.planted if each.flaw is Flaw.SKU_ALMOST_EQUAL
    }
    for sku in items.keys() | variants.keys():
        ours, theirs = items.get(sku, []), variants.get(sku, [])
        if len(ours) > 1 or len(theirs) > 1:
            found[Flaw.SKU_DUPLICATE, sku] += 1
        elif not ours:
            found[(Flaw.SKU_ALMOST_EQUAL, mistyped[sku]) if sku in mistyped else (Flaw.ONLY_IN_SHOPIFY, sku)] += 1
        elif not theirs and sku not in mistyped.values():
            found[Flaw.ONLY_IN_LIGHTSPEED, sku] += 1
        elif theirs:
            found.update((flaw, sku) for flaw in differences(ours[0], theirs[0], world))
    return found


def test_a_world_without_oddities_has_nothing_wrong() -> None:
    assert found_in(opened(600)) == Counter()


def test_exactly_what_was_planted_is_wrong(spoilt: World) -> None:
    assert found_in(spoilt) == Counter((each.flaw, each.sku) for each in spoilt.planted)


def test_every_kind_is_planted_as_often_as_any_other(spoilt: World) -> None:
    assert Counter(each.flaw for each in spoilt.planted) == dict.fromkeys(Flaw, COUNT // len(Flaw))


def test_no_good_gets_two_faults_by_any_number_of_plantings() -> None:
    world = opened()
    first, second = plant(world, 60, seed=1), plant(world, 60, seed=1)
    assert len({each.sku for each in first + second}) == 120
    assert world.planted == first + second


def test_the_same_seed_plants_the_same_and_another_seed_another() -> None:
    same = [plant(opened(), 60, seed=4) for _ in range(2)]
    assert same[0] == same[1] != plant(opened(), 60, seed=5)


def test_kinds_can_be_chosen() -> None:
    planted = plant(opened(300), 4, flaws=(Flaw.PRICE, Flaw.TITLE))
    assert [each.flaw for each in planted] == [Flaw.PRICE, Flaw.TITLE] * 2


def test_a_world_with_too_few_goods_stays_as_it_is() -> None:
    world = opened(30)
    with pytest.raises(ValueError, match="too few sound goods"):
        plant(world, 500)
    assert (world.planted, found_in(world)) == ([], Counter())


def test_odd_goods_are_left_alone() -> None:
    world = World(generate(600, 3), clock=ManualClock(datetime(2026, 11, 20, tzinfo=UTC)), seed=1)
    planted = {each.sku for each in plant(world, 60, flaws=(Flaw.STOCK_LOWER, Flaw.DISCONTINUED))}
    by_sku: dict[str, Good] = {good.sku: good for good in world.goods}
    assert all(by_sku[sku].online_sku is None and by_sku[sku].item_type == "default" for sku in planted)
