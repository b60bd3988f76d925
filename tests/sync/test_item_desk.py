"""Items for what is sold online only: looked for first, made once whatever happens, linked by a person's word only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from monitor.asked import CreateItemsOrder, MapOrder
from monitor.store import Store
from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind
from sandbox.world import World
from sync.errors import Code
from sync.item_making import MadeItem, MakeOutcome
from sync.storage.tables import item_makings, kept_apart
from tests.sync.shop import START, Killed, Killer, Shop, few, go_live, live_shop, open_shop

pytestmark = pytest.mark.anyio

GOODS = [replace(good, in_store=place != 0) for place, good in enumerate(few())]
SKU = GOODS[0].sku
POST = "POST Item"


async def create(shop: Shop, *skus: str, confirm: bool = True) -> Sequence[MadeItem]:
    return await shop.work.actions.create_items(CreateItemsOrder(skus=skus or (SKU,), by="ann", confirm=confirm))


def items(shop: Shop, sku: str = SKU) -> int:
    """Return how many items of a SKU Lightspeed has."""
    return len(shop.world.lightspeed.books.items.having("customSku", sku.casefold()))


def makings(connection: sa.Connection) -> Sequence[str]:
    """Return how far each item that was asked for is."""
    return connection.scalars(sa.select(item_makings.c.state)).all()


async def later(shop: Shop) -> None:
    """Let time pass until what was asked for can no longer come."""
    shop.clock.advance(150)


async def test_what_would_be_made_is_shown_and_made_only_when_that_is_confirmed(tmp_path: Path) -> None:
    async with live_shop(GOODS, tmp_path) as shop:
        (shown,) = await create(shop, confirm=False)
        assert (shown.outcome, items(shop)) == (MakeOutcome.WOULD, 0)
        assert shown.draft is not None
        assert (shown.draft.sku, shown.draft.price) == (SKU, int(GOODS[0].price * 100))
        (made,) = await create(shop)
        assert (made.outcome, items(shop)) == (MakeOutcome.CREATED, 1)
        (again,) = await create(shop)
        assert (again.outcome, again.item_id, items(shop)) == (MakeOutcome.FOUND, made.item_id, 1)
        (deed,) = await Store(shop.work.database).trail()
        assert (deed.who, deed.what, deed.subject) == ("ann", "create item", SKU)


async def test_a_new_item_without_stock_takes_nothing_off_sale_until_a_person_links_it(tmp_path: Path) -> None:
    async with live_shop(GOODS, tmp_path) as shop:
        await create(shop)
        await shop.work.engine.linking.refresh(1)
        await shop.passes(3)
        assert shop.world.shopify.available(SKU) == 20
        assert [(each.code, each.sku) for each in await shop.work.ledger.sku_problems()] == [(Code.SK006, SKU)]
        shop.world.lightspeed.receive(SKU, 18)
        shop.clock.advance(90)
        await shop.sync()
        await shop.work.actions.map_skus(MapOrder(pairs=((SKU, SKU),), by="ann", pin=True))
        await shop.passes(3)
        assert shop.world.shopify.available(SKU) == 18


async def test_an_item_whose_answer_was_lost_is_kept_apart_from_its_variant_too(tmp_path: Path) -> None:
    async with live_shop(GOODS, tmp_path) as shop:
        shop.world.faults.add("lightspeed", POST, Fault(FaultKind.RESET_AFTER))
        await create(shop)
        await later(shop)
        assert items(shop) == 1
        assert await shop.work.engine.linking.refresh(1) == 0
        assert [(each.code, each.sku) for each in await shop.work.ledger.sku_problems()] == [(Code.SK006, SKU)]
        await shop.passes(3)
        assert shop.world.shopify.available(SKU) == 20
        (found,) = await create(shop)
        assert (found.outcome, await shop.work.database.read(makings)) == (MakeOutcome.FOUND, ["found"])
        assert await shop.work.engine.linking.refresh(2) == 0


async def test_what_a_person_linked_meanwhile_is_no_open_question_any_more_and_not_kept_apart(tmp_path: Path) -> None:
    async with live_shop(GOODS, tmp_path) as shop:
        shop.world.faults.add("lightspeed", POST, Fault(FaultKind.RESET_AFTER))
        await create(shop)
        await later(shop)
        await shop.work.engine.linking.refresh(1)
        await shop.work.actions.map_skus(MapOrder(pairs=((SKU, SKU),), by="ann", pin=True))
        (linked,) = await create(shop)
        assert (linked.outcome, await shop.work.database.read(makings)) == (MakeOutcome.LINKED, ["found"])
        assert await shop.work.database.read(lambda c: c.scalars(sa.select(kept_apart.c.item_id)).all()) == []


async def test_others_have_their_turn_between_two_items(tmp_path: Path) -> None:
    goods = [replace(good, in_store=place > 2) for place, good in enumerate(few())]
    first, second, third = (good.sku for good in goods[:3])
    async with live_shop(goods, tmp_path) as shop:
        many, (between,) = await asyncio.gather(create(shop, first, third), create(shop, second))
        assert int(many[0].item_id) < int(between.item_id) < int(many[1].item_id)


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.GATEWAY_TIMEOUT, FaultKind.TRUNCATED])
async def test_what_was_made_without_an_answer_is_found_and_not_made_again(kind: FaultKind, tmp_path: Path) -> None:
    async with live_shop(GOODS, tmp_path) as shop:
        shop.world.faults.add("lightspeed", POST, Fault(kind))
        (lost,) = await create(shop)
        assert (lost.outcome, lost.code) == (MakeOutcome.MAY_COME, Code.LS015)
        (found,) = await create(shop)
        assert (found.outcome, items(shop)) == (MakeOutcome.FOUND, 1)
        await later(shop)
        (still,) = await create(shop)
        assert (still.outcome, items(shop)) == (MakeOutcome.FOUND, 1)


async def test_what_never_arrived_is_asked_for_again_only_once_it_cannot_come_any_more(tmp_path: Path) -> None:
    async with live_shop(GOODS, tmp_path) as shop:
        shop.world.faults.add("lightspeed", POST, Fault(FaultKind.RESET_BEFORE))
        (lost,) = await create(shop)
        (soon,) = await create(shop)
        assert [lost.outcome, soon.outcome, items(shop)] == [MakeOutcome.MAY_COME, MakeOutcome.MAY_COME, 0]
        await later(shop)
        (made,) = await create(shop)
        assert (made.outcome, items(shop)) == (MakeOutcome.CREATED, 1)


async def test_what_lands_late_is_found(tmp_path: Path) -> None:
    async with live_shop(GOODS, tmp_path) as shop:
        shop.world.faults.add("lightspeed", POST, Fault(FaultKind.LATE, seconds=60))
        (lost,) = await create(shop)
        (soon,) = await create(shop)
        await later(shop)
        (found,) = await create(shop)
        outcomes = [lost.outcome, soon.outcome, found.outcome]
        assert (outcomes, items(shop)) == ([MakeOutcome.MAY_COME, MakeOutcome.MAY_COME, MakeOutcome.FOUND], 1)


async def test_a_refusal_is_told_and_may_be_tried_again_at_once(tmp_path: Path) -> None:
    async with live_shop(GOODS, tmp_path) as shop:
        shop.world.faults.add("lightspeed", POST, Fault(FaultKind.THROTTLED))
        (refused,) = await create(shop)
        assert (refused.outcome, refused.code) == (MakeOutcome.REFUSED, Code.LS004)
        (made,) = await create(shop)
        assert (made.outcome, items(shop)) == (MakeOutcome.CREATED, 1)


async def test_what_cannot_be_made_is_told_for_each(tmp_path: Path) -> None:
    async with live_shop(GOODS, tmp_path) as shop:
        shop.world.lightspeed.archive(GOODS[2].sku)
        await shop.work.engine.linking.refresh(1)
        made = await create(shop, "NOSUCH", GOODS[1].sku, GOODS[2].sku)
        assert [each.outcome for each in made] == [MakeOutcome.NO_VARIANT, MakeOutcome.LINKED, MakeOutcome.ARCHIVED]


async def dies(killer: Killer, world: World, clock: ManualClock, state: Path) -> bool:
    """Ask for the item in a process that dies; tell whether it did."""
    try:
        async with open_shop(world, clock, state, killer=killer) as shop:
            await create(shop)
    except Killed:
        return True
    return False


@pytest.mark.parametrize("moment", Killer.MOMENTS)
async def test_a_process_that_dies_at_any_call_leaves_one_item_in_the_end(moment: str, tmp_path: Path) -> None:
    deaths = 0
    for call in (1, 2):  # the search and the making
        clock, state = ManualClock(START), tmp_path / f"{call}"
        world = World(GOODS, clock=clock)
        async with open_shop(world, clock, state) as shop:
            await go_live(shop)
            clock.advance(600)
        host = httpx.URL(world.settings()["LIGHTSPEED_API_URL"]).host
        deaths += await dies(Killer(call, moment, host=host), world, clock, state)
        clock.advance(600)
        async with open_shop(world, clock, state) as shop:
            assert await shop.work.engine.linking.refresh(2) == 0
            (made,) = await create(shop)
            assert made.outcome in {MakeOutcome.CREATED, MakeOutcome.FOUND}
            assert items(shop) == 1
    assert deaths >= 1
