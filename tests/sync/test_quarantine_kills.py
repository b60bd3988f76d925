"""The process dies at every moment while differences wait for a person, and while the person's word is carried out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.asked import DecideOrder
from sandbox.clock import ManualClock
from sandbox.world import World
from sync.records import ConflictDecision
from tests.sync.shop import START, Fuse, Shop, crash, few, go_live, open_shop
from tests.sync.storage.build import query

pytestmark = pytest.mark.anyio

_MOST_MOMENTS = 120
# What somebody changes by hand in each round, by good: the first is corrected, the others wait.
EDITS = (10, 11, -11, 15, -15)
CORRECTED, APPROVED, DISMISSED, SOLD_UP, SOLD_DOWN = range(5)


class Rounds:
    """One shop's life in rounds; in each, both the opening and the deciding pass die at the given moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(START)
        self.world = World(few(5, stock=400), clock=self.clock)
        self.skus = [good.sku for good in self.world.goods]
        self.made = 0

    async def begin(self) -> None:
        async with open_shop(self.world, self.clock, self.folder) as shop:
            await go_live(shop)
            self.clock.advance(600)
            await shop.sync()

    async def dying(self, moment: int) -> bool:
        """Make one pass that dies at a moment; return whether it did."""
        fuse = Fuse(moment)
        async with open_shop(self.world, self.clock, self.folder) as shop:
            report = await crash(shop, fuse)
            shop.no_raise_above_truth()
        assert (report is None) == fuse.blown
        return fuse.blown

    def shown(self) -> list[int]:
        """Return by how much Shopify shows more than can be sold, by good."""
        return [self.world.shopify.available(sku) - self.world.sellable(sku) for sku in self.skus]

    async def round(self, moment: int) -> bool:
        """Edit, wait, decide; return whether a pass died."""
        self.made += 1
        writes = len(self.world.shopify.writes)
        for sku, units in zip(self.skus, EDITS, strict=True):
            self.world.shopify.adjust(sku, units)
        self.clock.advance(600)
        died = await self.dying(moment)
        async with open_shop(self.world, self.clock, self.folder) as shop:
            await shop.passes(3)
            assert self.shown() == [0, 11, -11, 15, -15]
            assert await waiting(shop) == [11, -11, 15, -15]
            await decide(shop, [self.skus[APPROVED]], ConflictDecision.APPROVED)
            await decide(shop, [self.skus[DISMISSED]], ConflictDecision.DISMISSED)
        self.world.lightspeed.sell(self.skus[SOLD_UP], 2)
        self.world.lightspeed.sell(self.skus[SOLD_DOWN], 3)
        self.clock.advance(600)
        died = await self.dying(moment) or died
        async with open_shop(self.world, self.clock, self.folder) as shop:
            await shop.passes(3)
            assert self.shown() == [0, 0, -11, 15, -15], "the till's part lowers what waits, and nothing else moves it"
            assert await waiting(shop) == [15, -15]
            await decide(shop, self.skus[DISMISSED:], ConflictDecision.APPROVED)
            await shop.passes(3)
            assert self.shown() == [0, 0, 0, 0, 0]
            assert await waiting(shop) == []
            assert await on_record(shop) == self.recorded()
        made = [write.sku for write in self.world.shopify.writes[writes:]]
        assert [made.count(sku) for sku in self.skus] == [1, 1, 1, 2, 2], "each word is carried out once"
        return died

    def recorded(self) -> list[tuple[object, ...]]:
        """Return the quarantines there should have been by now: units, resolution, how many."""
        once = [(-15, "approved"), (-11, "dismissed"), (11, "approved"), (15, "approved")]
        removed = [(11, "kept no more")]
        return [(*each, self.made) for each in sorted(once + removed)]


async def waiting(shop: Shop) -> list[int]:
    """Return the units of what waits for a person, by link; the record and the links agree."""
    rows = await query(
        shop.work.database, "SELECT link_id, units FROM quarantine WHERE closed_at IS NULL ORDER BY link_id"
    )
    held = "SELECT link_id, quarantine_units FROM links WHERE quarantine_units IS NOT NULL ORDER BY link_id"
    assert rows == await query(shop.work.database, held)
    return [int(str(units)) for _, units in rows]


async def on_record(shop: Shop) -> list[tuple[object, ...]]:
    return await query(
        shop.work.database,
        "SELECT units, resolution, count(*) FROM quarantine GROUP BY units, resolution ORDER BY units, resolution",
    )


async def decide(shop: Shop, skus: Sequence[str], decision: ConflictDecision) -> None:
    order = DecideOrder(skus=tuple(skus), decision=decision, by="ann")
    assert await shop.work.actions.decide(order) == len(skus)


@pytest.mark.parametrize(
    "stride",
    [pytest.param(9, id="every ninth moment"), pytest.param(1, id="every moment", marks=pytest.mark.slow)],
)
async def test_what_waits_for_a_person_is_neither_lost_nor_doubled_whenever_the_process_dies(
    tmp_path: Path, stride: int
) -> None:
    rounds = Rounds(tmp_path)
    await rounds.begin()
    for moment in range(1, _MOST_MOMENTS, stride):
        if not await rounds.round(moment):
            break
    assert 30 < moment < _MOST_MOMENTS - stride
