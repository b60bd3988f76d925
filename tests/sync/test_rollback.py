"""Restoring a file and undoing a run, through the whole engine over the pretend shops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.asked import (
    DecideOrder,
    LetGoOrder,
    MapOrder,
    RestoreOrder,
    RollbackReply,
    SyncOrder,
    UndoOrder,
    UnmapOrder,
)
from sandbox.world import World
from sync import backup_file
from sync.backup import backups_in
from sync.errors import Code, Permanent
from sync.events import Event, RunFinished, RunWanted
from sync.mapping import Pair
from sync.records import ConflictDecision, PauseKind, RunOutcome, WriteOutcome
from sync.restoring import Fate
from sync.rollback_ports import LinkFate, PastRow
from tests.sync.shop import FULL, Shop, few, live_shop
from tests.sync.storage.build import query

pytestmark = pytest.mark.anyio


def shown(world: World) -> dict[str, int]:
    return {good.sku: world.shopify.available(good.sku) for good in world.goods}


def on_hand(world: World) -> dict[str, int]:
    return {good.sku: world.lightspeed.qoh(good.sku) for good in world.goods}


async def undo(shop: Shop, run_id: int, *force: str, dry_run: bool = False, raises: bool = False) -> RollbackReply:
    order = UndoOrder(run_id=run_id, by="ann", dry_run=dry_run, force=force, raises=raises)
    return await shop.work.actions.undo(order)


async def restore(shop: Shop, numbers: dict[str, int], *force: str, dry_run: bool = False) -> RollbackReply:
    rows = tuple(PastRow(shop.world.shopify.item(sku).id, units, sku=sku) for sku, units in numbers.items())
    order = RestoreOrder(rows=rows, source="levels.json", by="ann", dry_run=dry_run, force=force)
    return await shop.work.actions.restore(order)


def fates(reply: RollbackReply) -> dict[str, Fate]:
    return {row.sku: row.fate for row in reply.rows}


async def let_go(shop: Shop, *skus: str) -> int:
    return await shop.work.actions.let_go(LetGoOrder(skus=skus, by="ann"))


async def move_at_the_till(shop: Shop, skus: Sequence[str]) -> int:
    """Sell 5 of the first half and take in 7 of the second, sync by a confirmed plan; return its run."""
    half = len(skus) // 2
    for sku in skus[:half]:
        shop.world.lightspeed.sell(sku, 5)
    for sku in skus[half:]:
        shop.world.lightspeed.receive(sku, 7)
    shop.clock.advance(90)
    plan = await shop.sync(SyncOrder(full=True, dry_run=True))
    reply = await shop.sync(SyncOrder(full=True, plan=plan.plan))
    assert (reply.outcome, reply.numbers["applied"]) == (RunOutcome.OK, len(skus))
    shop.clock.advance(90)
    return reply.run_id


async def test_a_confirmed_sync_that_is_undone_leaves_both_worlds_as_they_were_but_for_what_others_changed(
    tmp_path: Path,
) -> None:
    async with live_shop(few(8), tmp_path) as shop:
        world, skus = shop.world, [good.sku for good in shop.world.goods]
        before, lightspeed = shown(world), None
        run_id = await move_at_the_till(shop, skus)
        lightspeed = on_hand(world)
        world.shopify.place_order({skus[6]: 2})
        world.shopify.adjust(skus[7], 3)
        shop.clock.advance(90)
        planned = await undo(shop, run_id, dry_run=True)
        assert shown(world) != before
        done = await undo(shop, run_id, raises=True)
        assert shown(world) == before | {skus[6]: before[skus[6]] - 2, skus[7]: before[skus[7]] + 7 + 3}
        assert on_hand(world) == lightspeed
        assert fates(planned) == dict.fromkeys(skus[:4], Fate.ABOVE) | dict.fromkeys(skus[4:7], Fate.SET_BACK) | {
            skus[7]: Fate.MOVED
        }
        assert {row.sku: row.ordered for row in done.rows if row.ordered} == {skus[6]: 2}
        assert [row.sku for row in done.rows if row.outcome is None] == [skus[7]]
        assert done.numbers == {"applied": 7, "moved": 1}


async def test_what_lightspeed_has_less_of_is_raised_again_only_where_a_person_names_it(tmp_path: Path) -> None:
    async with live_shop(few(4), tmp_path) as shop:
        skus = [good.sku for good in shop.world.goods]
        run_id = await move_at_the_till(shop, skus)
        left = await undo(shop, run_id)
        assert {sku for sku, fate in fates(left).items() if fate is Fate.ABOVE} == set(skus[:2])
        assert [shop.world.shopify.available(sku) for sku in skus] == [15, 15, 20, 20]
        named = await undo(shop, run_id, skus[0])
        assert [shop.world.shopify.available(sku) for sku in skus] == [20, 15, 20, 20]
        assert named.numbers == {"applied": 1, "above": 1, "as_wanted": 2}


async def test_held_links_are_not_fought_and_follow_lightspeed_again_once_let_go_of(tmp_path: Path) -> None:
    async with live_shop(few(4), tmp_path) as shop:
        skus = [good.sku for good in shop.world.goods]
        run_id = await move_at_the_till(shop, skus)
        await undo(shop, run_id, raises=True)
        writes = shop.seen_writes = len(shop.world.shopify.writes)
        shop.world.lightspeed.sell(skus[0], 1)
        await shop.passes(3)
        full = await shop.sync(FULL)
        assert len(shop.world.shopify.writes) == writes
        standing = await shop.work.ledger.standing()
        assert (standing.held_skus, set(standing.held), standing.quarantined_skus) == (4, set(skus), 0)
        assert full.numbers["unequal"] == 4, "what is held is unequal, so it is no proof of equality"
        listed = await shop.work.ledger.conflicts()
        assert {each.sku for each in listed if each.held_since is not None} == set(skus)
        assert await let_go(shop, skus[0]) == 1
        await shop.passes(3)
        assert shop.apart(but=skus[1:]) == {}
        assert await let_go(shop) == 3
        await shop.passes(3)
        assert shop.apart() == {}
        assert (await shop.work.ledger.standing()).held_skus == 0


async def test_of_a_link_that_a_person_ends_nothing_is_held_any_more(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        await restore(shop, {sku: 12})
        assert (await shop.work.ledger.standing()).held_skus == 1
        await shop.work.actions.unmap_skus(UnmapOrder(skus=(sku,), by="ann"))
        assert await query(shop.work.database, "SELECT ending FROM held_links WHERE ended_at IS NOT NULL") == [
            ("released",)
        ]
        assert (await shop.work.ledger.standing()).held_skus == 0


async def test_a_large_difference_waits_for_a_person_once_it_is_held_no_more(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        await restore(shop, {sku: 5})
        await let_go(shop)
        await shop.passes(3)
        assert shop.world.shopify.available(sku) == 5
        assert (await shop.work.ledger.standing()).quarantined_skus == 1


@pytest.mark.parametrize(
    ("word", "shows"),
    [
        pytest.param(ConflictDecision.APPROVED, 20, id="approve"),
        pytest.param(ConflictDecision.DISMISSED, 5, id="dismiss"),
    ],
)
async def test_a_word_on_a_held_link_lets_go_of_it(word: ConflictDecision, shows: int, tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        await restore(shop, {sku: 5})
        assert await shop.work.actions.decide(DecideOrder(skus=(sku,), decision=word, by="ann")) == 1
        await shop.passes(3)
        assert shop.world.shopify.available(sku) == shows
        shop.world.lightspeed.sell(sku, 2)
        await shop.passes(3)
        assert shop.world.shopify.available(sku) == shows - 2
        standing = await shop.work.ledger.standing()
        assert (standing.held_skus, standing.quarantined_skus, standing.unequal_skus) == (0, 0, 0)


async def test_a_pause_does_not_keep_a_person_from_restoring(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        await shop.work.actions.pause(PauseKind.WRITES, "rollback")
        reply = await restore(shop, {sku: 12})
        assert (reply.numbers, shop.world.shopify.available(sku)) == ({"applied": 1}, 12)


async def test_an_order_that_arrives_while_a_row_is_set_back_is_taken_off(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        sku, orders = shop.world.goods[0].sku, iter([{shop.world.goods[0].sku: 1}])
        calls = shop.work.engine.storefront.levels_of

        async def with_an_order(ids: Sequence[str]) -> object:
            rows = await calls(ids)
            for order in orders:
                shop.world.shopify.place_order(order)
            return rows

        shop.work.engine.rollback._storefront.levels_of = with_an_order  # type: ignore[method-assign,assignment]
        item = shop.world.shopify.item(sku).id
        rows = (PastRow(item, 12, since=shop.work.clock.now(), sku=sku),)
        shop.clock.advance(1)
        reply = await shop.work.actions.restore(RestoreOrder(rows=rows, source="levels.json", by="ann"))
        assert [(row.ordered, row.wanted) for row in reply.rows] == [(1, 11)]
        assert shop.world.shopify.available(sku) == 11


async def test_a_row_without_a_link_is_named_and_one_that_nobody_knows_cannot_be_forced(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        rows = (PastRow("gid://shopify/InventoryItem/1", 4, sku="ONLINE-ONLY"),)
        order = RestoreOrder(rows=rows, source="levels.json", by="ann", dry_run=True)
        assert (await shop.work.actions.restore(order)).unlinked == ("ONLINE-ONLY",)
        with pytest.raises(Permanent) as caught:
            await restore(shop, {}, "NOSUCH")
        assert caught.value.code is Code.LS002


async def test_a_run_that_is_not_on_record_cannot_be_undone(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        with pytest.raises(Permanent) as caught:
            await undo(shop, 4711)
        assert caught.value.code is Code.BK005


async def test_a_time_is_undone_as_its_net_effect(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        sku, since = shop.world.goods[0].sku, shop.work.clock.now()
        for sold in (2, 3, 1):
            shop.world.lightspeed.sell(sku, sold)
            await shop.passes(1)
        assert shop.world.shopify.available(sku) == 14
        shop.clock.advance(1)
        order = UndoOrder(since=since, until=shop.work.clock.now(), by="ann", raises=True)
        reply = await shop.work.actions.undo(order)
        again = await shop.work.actions.undo(order.model_copy(update={"dry_run": True}))
        assert shop.world.shopify.available(sku) == 20
        assert [(row.sku, row.past, row.wanted) for row in reply.rows] == [(sku, 20, 20)]
        assert again.numbers == {"as_wanted": 1}


async def linked(shop: Shop) -> dict[str, Pair]:
    rows = await query(
        shop.work.database, "SELECT sku, item_id, variant_id, inventory_item_id FROM links WHERE state = 'confirmed'"
    )
    return {
        str(sku): Pair(str(item), str(variant), str(inventory), str(sku), str(sku))
        for sku, item, variant, inventory in rows
    }


async def test_links_of_a_backup_that_are_no_more_are_linked_again_where_both_sides_are_free(tmp_path: Path) -> None:
    async with live_shop(few(3), tmp_path) as shop:
        before = await linked(shop)
        first, second, third = before.values()
        await shop.work.actions.unmap_skus(UnmapOrder(skus=(first.sku, second.sku), by="bert"))
        crossed = MapOrder(pairs=((first.item_sku, second.sku),), by="bert", replace=True)
        await shop.work.actions.map_skus(crossed)
        gone = replace(third, item_id="4711")
        order = RestoreOrder(rows=(), links=(*before.values(), gone), source="backup", by="ann", dry_run=True)
        planned = await shop.work.actions.restore(order)
        forced = order.model_copy(update={"dry_run": False, "force": (first.sku,)})
        done = await shop.work.actions.restore(forced)
        fates = {each.sku: each.fate for each in planned.links}
        assert fates == {first.sku: LinkFate.OTHERWISE, second.sku: LinkFate.OTHERWISE, third.sku: LinkFate.GONE}
        assert {each.sku: each.joined for each in done.links} == {first.sku: True, second.sku: False, third.sku: False}
        again = await shop.work.actions.restore(forced)
        assert {each.sku: each.joined for each in again.links} == {second.sku: True, third.sku: False}
        assert await linked(shop) == before


async def parted(shop: Shop) -> tuple[Pair, RestoreOrder]:
    """End the link of the first good; return it, and the order that links it again and sets its stock to 15."""
    first, *_ = (await linked(shop)).values()
    await shop.work.actions.unmap_skus(UnmapOrder(skus=(first.sku,), by="bert"))
    rows = (PastRow(first.inventory_item_id, 15, sku=first.sku),)
    return first, RestoreOrder(rows=rows, links=(first,), source="backup", by="ann", force=(first.sku,))


async def test_a_backup_is_made_before_links_are_joined_even_where_no_number_is_set_back(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        first, order = await parted(shop)
        had = len(backups_in(tmp_path / "backups"))
        done = await shop.work.actions.restore(order.model_copy(update={"rows": ()}))
        made = backups_in(tmp_path / "backups")
        assert [each.joined for each in done.links] == [True]
        assert len(made) == had + 1
        newest = max(made, key=lambda found: found.path.stat().st_mtime_ns)
        with newest.path.open("rb") as stream:
            kept = {row["sku"] for _, row in backup_file.rows(stream, "links") if row["state"] == "confirmed"}
        assert first.sku not in kept


async def test_without_room_for_the_backup_no_link_is_joined(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        first, order = await parted(shop)
        (tmp_path / "backups").write_text("in the way")
        failed = await shop.work.actions.restore(order)
        assert (failed.outcome, failed.code) == (RunOutcome.FAILED, "BK004")
        assert [each.joined for each in failed.links] == [False]
        assert first.sku not in await linked(shop)


async def test_a_row_that_is_forced_by_a_mistyped_sku_keeps_every_link_as_it_is(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        first, order = await parted(shop)
        with pytest.raises(Permanent) as caught:
            await shop.work.actions.restore(order.model_copy(update={"force": (first.sku, "NOSUCH")}))
        assert caught.value.code is Code.LS002
        assert first.sku not in await linked(shop)


async def test_no_pass_sees_a_link_that_is_joined_again_before_its_number_is_set_back(tmp_path: Path) -> None:
    async with live_shop(few(2), tmp_path) as shop:
        first, order = await parted(shop)
        heard: list[str] = []

        def hear(event: Event) -> None:
            if isinstance(event, RunFinished | RunWanted):
                heard.append(f"{type(event).__name__} {event.job}")

        shop.work.events.join(hear)
        done = await shop.work.actions.restore(order)
        assert [(row.sku, row.wanted) for row in done.rows if row.outcome is WriteOutcome.APPLIED] == [(first.sku, 15)]
        assert heard[:2] == ["RunFinished restore", "RunWanted stock"]
        await shop.passes(2)
        assert shop.world.shopify.available(first.sku) == 15
