"""A person's word on a difference that nothing explains, through the whole engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.asked import DecideOrder
from sync.errors import Code, Permanent
from sync.records import ConflictDecision, PauseKind
from tests.sync.shop import Shop, few, live_shop

pytestmark = pytest.mark.anyio

BY_HAND = pytest.mark.parametrize("drift", [15, -15], ids=["added by hand", "taken off by hand"])


async def in_quarantine(shop: Shop, drift: int) -> str:
    """Change Shopify's number by hand; return the SKU, in quarantine."""
    sku = shop.world.goods[0].sku
    shop.world.shopify.adjust(sku, drift)
    await shop.passes(3)
    assert (await shop.work.ledger.standing()).quarantined_skus == 1
    return sku


async def say(shop: Shop, sku: str, decision: ConflictDecision) -> None:
    assert await shop.work.actions.decide(DecideOrder(skus=(sku,), decision=decision, by="ann")) == 1


@BY_HAND
async def test_approving_takes_lightspeeds_number_and_all_goes_on_from_there(drift: int, tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = await in_quarantine(shop, drift)
        await say(shop, sku, ConflictDecision.APPROVED)
        await shop.passes(3)
        assert shop.apart() == {}
        shop.world.lightspeed.receive(sku, 30)
        await shop.passes(2)
        assert shop.apart() == {}
        assert (await shop.work.ledger.standing()).quarantined_skus == 0


@BY_HAND
async def test_dismissing_writes_nothing_and_later_changes_move_the_number_from_there(
    drift: int, tmp_path: Path
) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = await in_quarantine(shop, drift)
        await say(shop, sku, ConflictDecision.DISMISSED)
        await shop.passes(3)
        assert shop.world.shopify.writes == []
        standing = await shop.work.ledger.standing()
        assert (standing.quarantined_skus, standing.kept_skus, standing.unequal_skus) == (0, 1, 0)
        shop.world.lightspeed.sell(sku, 2)
        shop.world.shopify.place_order({sku: 1})
        await shop.passes(3)
        assert shop.world.shopify.available(sku) == 20 + drift - 3
        await say(shop, sku, ConflictDecision.APPROVED)
        await shop.passes(3)
        assert shop.apart() == {}
        assert (await shop.work.ledger.standing()).kept_skus == 0


@BY_HAND
async def test_what_the_till_sells_before_a_dismissal_is_carried_out_is_taken_off(drift: int, tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = await in_quarantine(shop, drift)
        await say(shop, sku, ConflictDecision.DISMISSED)
        shop.world.lightspeed.sell(sku, 4)
        shop.world.shopify.place_order({sku: 1})
        await shop.passes(3)
        assert shop.world.shopify.available(sku) == 20 + drift - 5


async def test_a_word_said_during_a_pause_is_carried_out_after_it(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = await in_quarantine(shop, -15)
        await shop.work.actions.pause(PauseKind.WRITES, "stock-take")
        await say(shop, sku, ConflictDecision.APPROVED)
        await shop.passes(3)
        assert shop.world.shopify.available(sku) == 5
        await shop.work.actions.resume(None)
        await shop.passes(2)
        assert shop.apart() == {}


async def test_a_sku_without_a_link_or_a_difference_is_refused(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        sku = shop.world.goods[0].sku
        for named, code in (("NOSUCH", Code.LS002), (sku, Code.SK004)):
            with pytest.raises(Permanent, match=named) as caught:
                await say(shop, named, ConflictDecision.APPROVED)
            assert caught.value.code is code
