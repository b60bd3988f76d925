"""Reservations mirrored as layaways: the till sees them, Shopify's number never moves, nothing is left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from monitor.workshop import engine_limits
from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind
from sandbox.world import World
from sync.errors import Code, SyncError
from sync.records import PauseKind
from sync.reservations import Asked, Change, Granted, Hold
from sync.storage.holds import SqlHolds
from sync.storage.tables import layaways
from tests.sync.shop import START, Killed, Killer, Shop, few, go_live, open_shop

pytestmark = pytest.mark.anyio

ON = {"LIGHTSPEED_HOLDS_CUSTOMER_ID": "2"}
MAKE, BACK = "POST SaleLine", "DELETE SaleLine"
BEAT = 15.0
CALLS = 18  # to Lightspeed, in the life of the holds that is killed


@asynccontextmanager
async def trading(state: Path, more: Mapping[str, str] = ON) -> AsyncIterator[Shop]:
    """Open a shop that has been live for a while, with mirroring on."""
    clock = ManualClock(START)
    world = World(few(), clock=clock)
    async with open_shop(world, clock, state, more=more) as shop:
        await settled(shop)
        yield shop


async def settled(shop: Shop) -> None:
    await go_live(shop)
    shop.clock.advance(600)
    await shop.sync()
    shop.clock.advance(600)


def holds_of(shop: Shop) -> SqlHolds:
    return SqlHolds(shop.work.database, limits=engine_limits(shop.work.alerts).holds, tell=lambda _: None)


async def hold(shop: Shop, units: int = 1, *, good: int = 0, cart: str = "cart") -> Hold:
    item = shop.world.lightspeed.item_id(shop.world.goods[good].sku)
    answer = await holds_of(shop).reserve(Asked(item, None, units, f"client of {cart}", shop.clock.now(), cart))
    assert isinstance(answer, Granted), answer
    return answer.hold


async def mirror(shop: Shop) -> SyncError | None:
    """Do what the daemon does at a beat of the mirror; return what it failed with."""
    work = shop.work.engine.mirror
    if await work.due():
        try:
            await work.run(0)
        except SyncError as error:
            return error
    return None


async def beats(shop: Shop, count: int = 1, *, seconds: float = BEAT) -> None:
    """Let time pass, then mirror, sync and book, each time."""
    for _ in range(count):
        shop.clock.advance(seconds)
        await mirror(shop)
        await shop.sync()
        await shop.poster.work()


def laid_away(shop: Shop) -> list[int]:
    return [line.reserved for line in shop.world.lightspeed.layaways()]


def qoh(shop: Shop, good: int = 0) -> int:
    return shop.world.lightspeed.qoh(shop.world.goods[good].sku)


def untouched(shop: Shop) -> None:
    """Fail unless Shopify was never written to and shows what the store can deliver."""
    assert shop.world.shopify.writes == []
    assert shop.apart() == {}


# --- the life of a hold ---


async def test_a_hold_is_laid_away_once_it_is_ripe_and_let_go_when_it_is_released(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        held = await hold(shop, 3)
        await mirror(shop)
        assert laid_away(shop) == []  # it may end at once
        await beats(shop)
        assert (laid_away(shop), qoh(shop)) == ([3], 17)
        await beats(shop, 8)
        untouched(shop)
        assert await holds_of(shop).release(held.hold_id, shop.clock.now())
        await beats(shop, 4)
        assert (laid_away(shop), qoh(shop)) == ([], 20)
        untouched(shop)


async def change(shop: Shop, held: Hold, units: int) -> None:
    assert isinstance(await holds_of(shop).change(Change(held.hold_id, units, shop.clock.now())), Granted)


async def release(shop: Shop, held: Hold) -> None:
    assert await holds_of(shop).release(held.hold_id, shop.clock.now())


async def order(shop: Shop, held: Hold) -> None:
    shop.world.shopify.place_order({shop.world.goods[0].sku: held.units}, cart_token="cart")


async def nothing(_shop: Shop, _held: Hold) -> None:
    """Let it expire."""


LIVES: Mapping[str, Callable[[Shop, Hold], Awaitable[None]]] = {
    "released": release,
    "expired": nothing,
    "renewed": lambda shop, held: change(shop, held, held.units),
    "made larger": lambda shop, held: change(shop, held, 4),
    "made smaller": lambda shop, held: change(shop, held, 1),
    "ordered": order,
}


@pytest.mark.parametrize("life", LIVES)
async def test_whatever_becomes_of_a_mirrored_hold_shopify_is_never_written_to(life: str, tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        held = await hold(shop, 2)
        await beats(shop, 3)
        assert laid_away(shop) == [2]
        await LIVES[life](shop, held)
        await beats(shop, 4)
        untouched(shop)
        expected = {"renewed": 2, "expired": 2, "made larger": 4, "made smaller": 1}.get(life, 0)
        assert sum(laid_away(shop)) == expected
        await beats(shop, 12, seconds=200)
        untouched(shop)
        assert laid_away(shop) == []
        assert qoh(shop) == (18 if life == "ordered" else 20)
        assert shop.world.unbooked() == {}


async def test_what_was_ordered_is_let_go_right_before_its_sale_is_completed(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        await hold(shop, 10)
        await beats(shop, 2)
        shop.world.shopify.place_order({shop.world.goods[0].sku: 10}, cart_token="cart")
        await shop.work.actions.pause(PauseKind.ORDERS, "stock-taking")
        await beats(shop, 4)
        assert laid_away(shop) == [10]  # it waits for its sale
        await shop.work.actions.resume(PauseKind.ORDERS)
        seen = len(list(shop.world.lightspeed.books.logs))
        await beats(shop)
        moves = [(log.reason, log.qoh_change) for log in shop.world.lightspeed.books.logs][seen:]
        assert moves == [("PutBackForTransaction", 10), ("RemoveForTransaction", -10)]
        await beats(shop, 4)
        untouched(shop)
        assert laid_away(shop) == []


async def test_what_is_ordered_and_cannot_be_booked_is_let_go(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        await hold(shop, 2)
        await beats(shop, 2)
        shop.world.shopify.place_order({shop.world.goods[0].sku: 2}, cart_token="cart", test=True)
        await beats(shop, 4)
        assert laid_away(shop) == []
        untouched(shop)


async def test_many_holds_are_mirrored_a_few_at_a_time_the_oldest_first(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        for number in range(8):
            await hold(shop, 1, good=number, cart=f"cart {number}")
            shop.clock.advance(1)
        spent = shop.world.lightspeed.limiter.spent
        shop.clock.advance(BEAT)
        await mirror(shop)
        items = [line.item_id for line in shop.world.lightspeed.layaways()]
        assert items == [int(shop.world.lightspeed.item_id(good.sku)) for good in shop.world.goods[:4]]
        assert shop.world.lightspeed.limiter.spent - spent < 1.4 + 4 * 2.2 + 2.1  # the list, the first one's proof
        await beats(shop, 2)
        assert len(laid_away(shop)) == 8
        untouched(shop)


async def test_a_hold_that_lasts_a_moment_costs_nothing(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        await mirror(shop)
        spent = shop.world.lightspeed.limiter.spent
        held = await hold(shop)
        shop.clock.advance(5)
        await mirror(shop)
        await release(shop, held)
        shop.clock.advance(BEAT)
        await mirror(shop)
        assert shop.world.lightspeed.limiter.spent == spent


async def test_no_hold_is_laid_away_while_an_order_waits_to_be_booked(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        await mirror(shop)
        await hold(shop)
        shop.clock.advance(BEAT)
        shop.world.shopify.place_order({shop.world.goods[1].sku: 1})
        await shop.sync()
        await mirror(shop)
        assert laid_away(shop) == []
        await shop.poster.work()
        await mirror(shop)
        assert laid_away(shop) == [1]


async def test_while_others_have_the_turn_no_run_waits_for_it(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        worker = shop.work.engine.mirror
        await hold(shop)
        shop.clock.advance(BEAT)
        async with worker._turn:
            assert not await worker.due()
        assert await worker.due()


# --- what Lightspeed has, and what people do there ---


async def test_where_the_store_has_less_only_what_is_kept_aside_counts(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        await hold(shop, 3)
        shop.world.lightspeed.count(shop.world.goods[0].sku, 2)
        await beats(shop, 3)
        assert (laid_away(shop), qoh(shop)) == ([2], 0)
        assert shop.apart() == {}
        assert [write.after for write in shop.world.shopify.writes] == [2]
        await beats(shop, 12, seconds=200)
        assert (laid_away(shop), shop.apart(), qoh(shop)) == ([], {}, 2)
        assert len(shop.world.shopify.writes) == 1


async def test_what_lightspeed_cannot_keep_aside_is_tried_once(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        await hold(shop, 3)
        shop.world.lightspeed.count(shop.world.goods[0].sku, 0)
        await beats(shop, 6)
        assert laid_away(shop) == []
        assert shop.apart() == {}
        assert shop.world.requests["lightspeed"]["POST /API/V3/Account/{id}/SaleLine.json"] == 1


@pytest.mark.parametrize("what", ["cancelled", "sold"])
async def test_a_layaway_that_people_end_at_the_till_is_missed_at_once(what: str, tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        await hold(shop, 3)
        await beats(shop, 3)
        (line,) = shop.world.lightspeed.layaways()
        lightspeed = shop.world.lightspeed
        {"cancelled": lightspeed.cancel_layaway, "sold": lightspeed.sell_layaway}[what](str(line.sale_line_id))
        shop.clock.advance(60)
        await shop.sync()  # before the lists were compared
        assert shop.apart() == {}
        assert len(shop.world.shopify.writes) == (what == "sold")
        await beats(shop, 4, seconds=300)
        assert laid_away(shop) == []  # they have decided
        assert shop.apart() == {}
        assert len(shop.world.shopify.writes) == (what == "sold")


async def test_lines_that_nobody_knows_of_are_ended_and_other_peoples_are_not(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        sku = shop.world.goods[0].sku
        shop.world.lightspeed.lay_away(sku, 2, customer_id=2)
        theirs = shop.world.lightspeed.lay_away(sku, 4, customer_id=1)
        await beats(shop, 3)
        assert laid_away(shop) == []
        assert str(shop.world.lightspeed.layaways(1)[0].sale_line_id) == theirs
        assert (qoh(shop), shop.apart()) == (16, {})


async def test_an_account_whose_layaways_leave_the_stock_alone_has_none_to_count(tmp_path: Path) -> None:
    async with trading(tmp_path, ON | {"LIGHTSPEED_LAYAWAY_LOWERS_STOCK": "no"}) as shop:
        shop.world.lightspeed.books.layaways_lower_stock = False
        held = await hold(shop, 3)
        await beats(shop, 4)
        assert (laid_away(shop), qoh(shop)) == ([3], 20)
        untouched(shop)
        await release(shop, held)
        await beats(shop, 4)
        assert laid_away(shop) == []
        untouched(shop)


@pytest.mark.parametrize("lowers", [True, False])
async def test_an_account_that_counts_otherwise_than_set_is_found_out_before_anything_counts(
    lowers: bool, tmp_path: Path
) -> None:
    async with trading(tmp_path, ON | {"LIGHTSPEED_LAYAWAY_LOWERS_STOCK": "no" if lowers else "yes"}) as shop:
        shop.world.lightspeed.books.layaways_lower_stock = lowers
        await hold(shop, 3)
        shop.clock.advance(BEAT)
        error = await mirror(shop)
        assert error is not None
        assert error.code is Code.LS014
        assert laid_away(shop) == []
        await beats(shop, 8)
        assert laid_away(shop) == []
        untouched(shop)


async def test_mirroring_that_is_turned_off_lets_go_of_what_it_kept(tmp_path: Path) -> None:
    clock = ManualClock(START)
    world = World(few(), clock=clock)
    async with open_shop(world, clock, tmp_path, more=ON) as shop:
        await settled(shop)
        await hold(shop, 3)
        await beats(shop, 2)
    async with open_shop(world, clock, tmp_path) as shop:
        await shop.sync()
        untouched(shop)  # it counts while it stands
        await beats(shop, 4)
        assert (laid_away(shop), qoh(shop)) == ([], 20)
        untouched(shop)
        await hold(shop, 1, cart="another")
        await beats(shop, 4)
        assert laid_away(shop) == []


# --- what is lost on the way ---

TROUBLES: Mapping[str, tuple[str, Fault]] = {
    "making: lost before": (MAKE, Fault(FaultKind.RESET_BEFORE)),
    "making: applied and cut": (MAKE, Fault(FaultKind.RESET_AFTER)),
    "making: applied and 504": (MAKE, Fault(FaultKind.GATEWAY_TIMEOUT)),
    "making: 502, not applied": (MAKE, Fault(FaultKind.BAD_GATEWAY)),
    "making: applied a minute later": (MAKE, Fault(FaultKind.LATE, seconds=60)),
    "making: too many": (MAKE, Fault(FaultKind.THROTTLED, times=3)),
    "making: half an answer": (MAKE, Fault(FaultKind.TRUNCATED)),
    "making: units left out": (MAKE, Fault(FaultKind.DROPPED_RELATIONS)),
    "ending: lost before": (BACK, Fault(FaultKind.RESET_BEFORE)),
    "ending: applied and cut": (BACK, Fault(FaultKind.RESET_AFTER)),
    "ending: applied and 504": (BACK, Fault(FaultKind.GATEWAY_TIMEOUT)),
    "ending: applied a minute later": (BACK, Fault(FaultKind.LATE, seconds=60)),
    "ending: too many": (BACK, Fault(FaultKind.THROTTLED, times=3)),
    "listing: no answer for long": ("GET SaleLine", Fault(FaultKind.SERVER_ERROR, times=9)),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_request_that_fails_in_any_way_leaves_one_layaway_while_held_and_none_after(
    trouble: str, tmp_path: Path
) -> None:
    async with trading(tmp_path) as shop:
        await hold(shop, 1, good=1, cart="the account was looked at before")
        await beats(shop, 2)
        operation, fault = TROUBLES[trouble]
        shop.world.faults.add("lightspeed", operation, fault)
        held = await hold(shop, 2)
        await beats(shop, 16)
        assert sorted(laid_away(shop)) == [1, 2]
        untouched(shop)
        await release(shop, held)
        await beats(shop, 12)
        assert laid_away(shop) == [1]
        untouched(shop)
        assert qoh(shop) == 20


async def test_a_layaway_that_was_surely_not_ended_holds_nothing_back(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        held = await hold(shop, 2)
        await beats(shop, 3)
        await release(shop, held)
        shop.world.faults.add("lightspeed", BACK, Fault(FaultKind.THROTTLED))
        error = await mirror(shop)
        assert error is not None
        assert error.code is Code.LS004
        shop.world.lightspeed.sell(shop.world.goods[0].sku, 1)
        shop.clock.advance(5)
        await shop.sync()
        assert [write.after for write in shop.world.shopify.writes] == [19]
        await beats(shop, 4)
        assert (laid_away(shop), shop.apart()) == ([], {})
        assert len(shop.world.shopify.writes) == 1


async def test_what_was_made_without_an_answer_is_found_and_not_made_again(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        await hold(shop, 1, good=1, cart="first")
        await beats(shop, 2)
        shop.world.faults.add("lightspeed", MAKE, Fault(FaultKind.RESET_AFTER))
        await hold(shop, 2)
        await beats(shop, 4)
        assert sorted(laid_away(shop)) == [1, 2]
        requests = shop.world.requests["lightspeed"]
        assert requests["POST /API/V3/Account/{id}/SaleLine.json"] == 2
        assert requests["DELETE /API/V3/Account/{id}/SaleLine/{id}.json"] == 0
        untouched(shop)


async def test_a_layaway_that_lands_long_after_it_was_given_up_is_found_and_ended(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        await hold(shop, 1, good=1, cart="first")
        await beats(shop, 2)
        shop.world.faults.add("lightspeed", MAKE, Fault(FaultKind.LATE, seconds=500))
        await hold(shop, 2)
        await beats(shop, 100)
        assert laid_away(shop) == []
        assert shop.apart() == {}


# --- the process dies ---


async def life(shop: Shop) -> None:
    """Let a hold be mirrored and another one be ordered."""
    first = await hold(shop, 2)
    await beats(shop, 2)
    await hold(shop, 1, good=1, cart="second")
    await beats(shop, 2)
    await release(shop, first)
    shop.world.shopify.place_order({shop.world.goods[1].sku: 1}, cart_token="second")
    await beats(shop, 4)


@pytest.mark.parametrize(
    "moment",
    [each if each == "after the effect" else pytest.param(each, marks=pytest.mark.slow) for each in Killer.MOMENTS],
)
@pytest.mark.parametrize("call", range(1, CALLS + 1))
async def test_a_process_killed_at_any_call_of_a_holds_life_leaves_no_layaway_behind(
    call: int, moment: str, tmp_path: Path
) -> None:
    clock = ManualClock(START)
    world = World(few(), clock=clock)
    async with open_shop(world, clock, tmp_path, more=ON) as shop:
        await settled(shop)
    killer = Killer(call, moment, host=httpx.URL(world.settings()["LIGHTSPEED_API_URL"]).host)
    with suppress(Killed):
        async with open_shop(world, clock, tmp_path, killer=killer, more=ON) as shop:
            await life(shop)
    async with open_shop(world, clock, tmp_path, more=ON) as shop:
        await beats(shop, 12, seconds=60)
        await beats(shop, 4, seconds=600)
        assert laid_away(shop) == []
        assert world.shopify.writes == []
        assert shop.apart() == {}
        rows = await shop.work.database.read(lambda c: c.execute(layaways.select()).mappings().all())
        assert {row["state"] for row in rows} <= {"gone"}


async def test_the_life_that_is_killed_takes_as_many_calls_as_it_is_killed_at(tmp_path: Path) -> None:
    async with trading(tmp_path) as shop:
        before = shop.world.requests["lightspeed"].total()
        await life(shop)
        assert shop.world.requests["lightspeed"].total() - before == CALLS
        assert qoh(shop, 1) == 19
