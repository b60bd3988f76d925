"""What the daemon's schedule runs, over the real engine and the pretend shops on one manual clock."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from monitor.asked import CloseOrder, DecideOrder, RetryOrder
from monitor.calls import CallCounter
from monitor.daemon import Passes, jobs, runs_that_end_all
from monitor.schedule import Daily, Every
from sandbox.catalogue import generate
from sandbox.faults import Fault, FaultKind
from sandbox.goods import Good
from sync.errors import Code, Permanent
from sync.events import Event, RunFinished, RunWanted
from sync.products import Field, ProductOutcome
from sync.records import ConflictDecision, PauseKind, RunOutcome
from sync.reservations import Asked, Granted
from tests.sync.shop import Shop, live_shop
from tests.sync.test_catalogue import KAVA, SHIRTS, carry_out, catalogue, reading

pytestmark = pytest.mark.anyio


_SELLABLE = "SELECT item_id FROM links WHERE target > 0 AND seen_available > 0 LIMIT 1"
_BASES = "SELECT base FROM links WHERE state = 'confirmed' AND sku LIKE 'SHIRT-%'"


def few() -> list[Good]:
    """Return plain goods with 20 units in both shops."""
    return [replace(good, stock=20, online_stock=None) for good in generate(4, 1, odd=False)]


class Judged:
    """Notes when the rules were judged."""

    def __init__(self) -> None:
        self.at: list[datetime] = []

    async def evaluate(self, now: datetime) -> None:
        self.at.append(now)


def passes_of(shop: Shop) -> tuple[Passes, Judged]:
    judged = Judged()
    return Passes(shop.work, judged.evaluate, CallCounter(ledger=shop.work.ledger, clock=shop.work.clock)), judged


def flood(shop: Shop, feed: str) -> None:
    """Let a feed of Shopify's hold more than its lists can show."""

    async def too_many(*_: object, **__: object) -> None:
        raise Permanent(Code.SH018, "There are 25000 rows and more.")

    setattr(shop.work.engine.storefront, feed, too_many)


@pytest.mark.parametrize(("feed", "job"), [("read_levels", "stock"), ("read_variants", "catalogue")])
async def test_more_changes_than_shopify_lists_are_met_with_a_full_pass_at_once(
    tmp_path: Path, feed: str, job: str
) -> None:
    async with live_shop(few(), tmp_path) as shop:
        passes, judged = passes_of(shop)
        sku = shop.world.goods[0].sku
        shop.world.lightspeed.sell(sku, 2)
        flood(shop, feed)
        await (passes.incremental() if job == "stock" else passes.catalogue())
        runs = await shop.work.ledger.runs(limit=2)
        assert [(run.job, run.outcome, run.code) for run in runs] == [
            ("full", RunOutcome.OK, None),
            (job, RunOutcome.FAILED, Code.SH018),
        ]
        assert shop.world.shopify.available(sku) == 18
        assert judged.at


async def test_a_full_pass_in_an_incremental_ones_place_that_failed_is_not_repeated_at_every_beat(
    tmp_path: Path,
) -> None:
    async with live_shop(few(), tmp_path) as shop:
        passes, _ = passes_of(shop)
        flood(shop, "read_levels")
        flood(shop, "read_everything")
        made = []
        for _ in range(13):
            await passes.incremental()
            shop.clock.advance(60)
            made.append(
                len([run for run in await shop.work.ledger.runs("full", 50) if run.outcome is RunOutcome.FAILED])
            )
        assert made == [1] * 10 + [2] * 3


async def test_a_persons_word_is_judged_and_carried_out_at_once(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        passes, _ = passes_of(shop)
        names = {job.name for job in jobs(shop.work.alerts, passes)}
        told: list[Event] = []
        shop.work.events.join(told.append)
        actions, sku = shop.work.actions, shop.world.goods[0].sku
        shop.world.shopify.place_order({sku: 1})
        await shop.sync()

        async def wanted(word: Awaitable[object]) -> set[str]:
            told.clear()
            await word
            return {event.job for event in told if isinstance(event, RunWanted)}

        assert await wanted(actions.retry_orders(RetryOrder(names=("1001",), by="anna"))) == {"orders", "rules"}
        assert await wanted(actions.close_order(CloseOrder(name="1001", sale_id=None, by="anna"))) == {"rules"}
        assert await wanted(actions.pause(PauseKind.ORDERS, "stock-take")) == {"rules"}
        assert await wanted(actions.resume(None)) == {"rules"}
        shop.world.shopify.adjust(sku, 40)
        await shop.passes(5)
        decided = DecideOrder(skus=(sku,), decision=ConflictDecision.APPROVED, by="anna")
        assert await wanted(actions.decide(decided)) == {"stock"}, "the rules are judged after each pass"
        assert {"orders", "rules", "stock"} <= names


async def test_old_history_is_forgotten_once_a_day_as_a_run_of_its_own(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        passes, _ = passes_of(shop)
        (job,) = [job for job in jobs(shop.work.alerts, passes) if job.name == "prune"]
        assert job.beat == Daily(time(10, 0))
        await shop.passes(3)
        shop.clock.advance(401 * 86400)
        await job.run()
        (run,) = await shop.work.ledger.runs("prune")
        assert (run.outcome, run.numbers["runs"]) == (RunOutcome.OK, 2), (
            "the last of each job stays, and where feeds stand"
        )


async def test_reservations_that_expired_are_written_down_every_minute(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        passes, _ = passes_of(shop)
        (job,) = [job for job in jobs(shop.work.alerts, passes) if job.name == "holds"]
        assert job.beat == Every(timedelta(minutes=1))
        await shop.passes(3)
        holds = shop.work.engine.holds
        item_id = await shop.work.database.read(lambda c: c.exec_driver_sql(_SELLABLE).scalar_one())
        held = await holds.reserve(Asked(item_id, None, 1, "client", shop.clock.now(), "cart"))
        assert isinstance(held, Granted)
        await job.run()
        assert (await holds.standing(shop.clock.now())).active == 1
        shop.clock.advance(15 * 60)
        await job.run()
        ended = await shop.work.database.read(lambda c: c.exec_driver_sql("SELECT ending FROM holds").scalars().all())
        assert ended == ["expired"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(Permanent(Code.SH009, "updated_at: unknown"), Code.SH009), (KeyError("sku"), Code.IN001)],
    ids=["refused by Shopify", "a mistake of ours"],
)
async def test_a_catalogue_that_cannot_be_read_is_on_record_and_counted(
    tmp_path: Path, error: Exception, code: Code
) -> None:
    async with live_shop(few(), tmp_path) as shop:
        passes, _ = passes_of(shop)
        told: list[Event] = []
        shop.work.events.join(told.append)

        async def fail(*_: object, **__: object) -> None:
            raise error

        shop.work.engine.storefront.read_variants = fail  # type: ignore[method-assign, assignment]
        await passes.catalogue()
        (run,) = await shop.work.ledger.runs("catalogue")
        assert (run.outcome, run.code) == (RunOutcome.FAILED, code)
        ended = [event for event in told if isinstance(event, RunFinished)]
        assert [(event.job, event.outcome, event.code) for event in ended] == [("catalogue", RunOutcome.FAILED, code)]


async def test_a_product_that_was_made_without_an_answer_is_linked_in_step(tmp_path: Path) -> None:
    async with reading(tmp_path, KAVA, *SHIRTS) as shop:
        shop.world.faults.add("shopify", "productSet", Fault(FaultKind.RESET_AFTER))
        made = await carry_out(shop, await catalogue(shop).propose())
        assert made == {Field.PRODUCT: ProductOutcome.UNANSWERED}
        shop.clock.advance(600)
        await passes_of(shop)[0].catalogue()
        bases = await shop.work.database.read(lambda c: c.exec_driver_sql(_BASES).scalars().all())
        assert bases == [0, 0, 0]


@pytest.mark.parametrize(
    ("code", "told"), [(Code.ST002, ["stock ST002"]), (Code.ST005, []), (None, [])], ids=["broken", "full", "well"]
)
def test_a_run_that_read_a_broken_file_ends_the_daemon(code: Code | None, told: list[str]) -> None:
    ended: list[str] = []
    hear = runs_that_end_all(lambda job, error: ended.append(f"{job} {str(error)[:5]}"))
    outcome = RunOutcome.OK if code is None else RunOutcome.FAILED
    hear(RunFinished(7, "stock", datetime(2026, 11, 24, tzinfo=UTC), outcome, 1.0, code, "page 3"))

    assert ended == told
