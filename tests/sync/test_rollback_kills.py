"""The process dies at every moment of an undo: what it left is clean, and saying the same again goes on from there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from monitor.asked import DecideOrder, UndoOrder
from monitor.workshop import engine_limits
from sandbox.clock import ManualClock
from sandbox.world import World
from sync.feeds import Feeds
from sync.linking import Linking
from sync.ports import Ledger, PointOfSale, Storefront
from sync.posting import InFlight
from sync.records import ConflictDecision
from sync.restoring import Force
from sync.rollback import Report, Request, Rollback
from sync.rollback_fields import FieldsBack
from sync.rollback_ports import Rollbacks, Span
from sync.storage.mirror_book import SqlMirrorBook
from tests.sync.shop import START, Fuse, Fused, Shop, few, go_live, open_shop

pytestmark = pytest.mark.anyio

_MOST_MOMENTS = 120
LOWERED, RAISED = 5, 7  # what happens at the till before each undo


async def dying_undo(shop: Shop, run_id: int, fuse: Fuse) -> Report | None:
    """Undo a run; return None where the process died at the fuse's moment."""
    engine, clock, tell = shop.work.engine, shop.work.clock, shop.work.events
    limits = engine_limits(shop.work.alerts)
    pos, storefront = cast("PointOfSale", Fused(engine.pos, fuse)), cast("Storefront", Fused(engine.storefront, fuse))
    ledger = cast("Ledger", Fused(engine.ledger, fuse))
    feeds = Feeds(ledger=ledger, clock=clock, overlaps=limits.overlaps)
    rollback = Rollback(
        pos=pos,
        storefront=storefront,
        ledger=ledger,
        rollbacks=cast("Rollbacks", Fused(engine.rollbacks, fuse)),
        feeds=feeds,
        linking=Linking(pos=pos, storefront=storefront, ledger=ledger, feeds=feeds, clock=clock),
        in_flight=InFlight(
            bookings=engine.bookings, mirror=SqlMirrorBook(shop.work.database), till=None, clock=clock, tell=tell
        ),
        clock=clock,
        tell=tell,
        turn=asyncio.Lock(),
        policy=limits.policy,
        fields=FieldsBack(engine.catalogue),
        links=engine.rollback._links,
        secure=Fused(engine.backups, fuse).before,
    )
    try:
        return await rollback.run(Request(span=Span(run_id=run_id), force=Force(raises=True), by="ann"))
    except asyncio.CancelledError:
        return None


class Rounds:
    """One shop's life in rounds; in each, the undo of a pass dies at a given moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(START)
        self.world = World(few(2, stock=400), clock=self.clock)
        self.skus = [good.sku for good in self.world.goods]

    async def begin(self) -> None:
        async with open_shop(self.world, self.clock, self.folder) as shop:
            await go_live(shop)
            self.clock.advance(600)
            await shop.sync()

    def shown(self) -> list[int]:
        return [self.world.shopify.available(sku) for sku in self.skus]

    async def round(self, moment: int) -> bool:
        """Let a pass carry the till's changes on, undo it dying, and again; return whether it died."""
        before, fuse = self.shown(), Fuse(moment)
        async with open_shop(self.world, self.clock, self.folder) as shop:
            self.world.lightspeed.sell(self.skus[0], LOWERED)
            self.world.lightspeed.receive(self.skus[1], RAISED)
            (reply,) = await shop.passes(1)
            synced = self.shown()
            assert synced == [before[0] - LOWERED, before[1] + RAISED]
            self.clock.advance(600)
            died = await dying_undo(shop, reply.run_id, fuse) is None
        assert died == fuse.blown
        async with open_shop(self.world, self.clock, self.folder) as shop:
            await self.nothing_is_fought(shop, before, synced)
            await self.resumed(shop, reply.run_id, before)
            await self.back_in_step(shop)
        return died

    async def nothing_is_fought(self, shop: Shop, before: list[int], synced: list[int]) -> None:
        """Look that passes leave each number where the dead process left it, and know which were set back."""
        left = self.shown()
        assert left in (before, synced)
        shop.seen_writes = len(self.world.shopify.writes)
        await shop.passes(3)
        assert self.shown() == left
        standing = await shop.work.ledger.standing()
        assert (standing.held_skus, standing.unanswered_writes) == (2 if left == before else 0, 0)

    async def resumed(self, shop: Shop, run_id: int, before: list[int]) -> None:
        again = await shop.work.actions.undo(UndoOrder(run_id=run_id, by="ann", raises=True))
        assert self.shown() == before
        assert sum(again.numbers.values()) == again.numbers.get("applied", 0) + again.numbers.get("as_wanted", 0) == 2
        assert (await shop.work.ledger.standing()).held_skus == 2

    async def back_in_step(self, shop: Shop) -> None:
        """Take Lightspeed's numbers, by a person's word on the held links."""
        order = DecideOrder(skus=tuple(self.skus), decision=ConflictDecision.APPROVED, by="ann")
        await shop.work.actions.decide(order)
        shop.seen_writes = len(self.world.shopify.writes)
        await shop.passes(3)
        assert shop.apart() == {}


@pytest.mark.parametrize(
    "stride",
    [pytest.param(9, id="every ninth moment"), pytest.param(1, id="every moment", marks=pytest.mark.slow)],
)
async def test_an_undo_that_dies_at_any_moment_is_clean_and_goes_on_when_it_is_said_again(
    tmp_path: Path, stride: int
) -> None:
    rounds = Rounds(tmp_path)
    await rounds.begin()
    for moment in range(1, _MOST_MOMENTS, stride):
        if not await rounds.round(moment):
            break
    assert 20 < moment < _MOST_MOMENTS - stride
