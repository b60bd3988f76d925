"""What a pass does at the same time, and the order that it keeps all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault, FaultKind
from sync import stock_writes
from sync.errors import Code, Transient
from sync.records import RunOutcome
from tests.sync.shop import FULL, Shop, few, live_shop

pytestmark = pytest.mark.anyio

PATIENCE = 20.0  # seconds after which what should happen at the same time surely does not


@dataclass(slots=True)
class Watched:
    """The calls of a pass that matter for the order of reading, as they began and ended; each may be held up."""

    shop: Shop
    log: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    def item(self, sku: str) -> str:
        """Return the inventory item of a good."""
        return self.shop.world.shopify.item(sku).id

    def watch(self, name: str, before: Callable[..., Awaitable[None]] | None = None) -> None:
        """Note each call of one of Shopify's methods, with the inventory items that it names."""
        storefront: Any = self.shop.work.engine.storefront
        ask = getattr(storefront, name)

        async def call(*args: Any, **more: Any) -> Any:
            self.log.append((name, _named(name, args)))
            self.under_way += name == "set_available"
            self.most = max(self.most, self.under_way)
            try:
                if before is not None:
                    await before(*args)
                return await ask(*args, **more)
            finally:
                self.under_way -= name == "set_available"

        setattr(storefront, name, call)

    def calls(self, name: str) -> list[tuple[str, ...]]:
        """Return the items of each call of a method."""
        return [items for called, items in self.log if called == name]

    def of(self, item: str) -> list[str]:
        """Return what was called, in order, as far as it concerns one item."""
        return [name for name, items in self.log if name == "read_orders" or item in items]


def _named(name: str, args: Sequence[Any]) -> tuple[str, ...]:
    if name == "levels_of":
        return tuple(args[0])
    return tuple(change.inventory_item_id for change in args[2]) if name == "set_available" else ()


@pytest.fixture
def two_rows_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few goods make many calls."""
    monkeypatch.setattr(stock_writes, "ROWS_PER_CALL", 2)


def sell(shop: Shop, count: int) -> list[str]:
    """Sell one of each of the first goods over the till; return their SKUs."""
    skus = [good.sku for good in shop.world.goods[:count]]
    for sku in skus:
        shop.world.lightspeed.sell(sku, 1)
    return skus


# --- writes ---


@pytest.mark.usefixtures("two_rows_a_call")
async def test_some_stock_calls_are_under_way_at_once_and_never_more(tmp_path: Path) -> None:
    async with live_shop(few(12), tmp_path) as shop:
        seen, three = Watched(shop), asyncio.Barrier(stock_writes.LANES)

        async def meet(*_: object) -> None:
            async with asyncio.timeout(PATIENCE):
                await three.wait()

        seen.watch("set_available", meet)
        sell(shop, 12)
        assert (await shop.sync()).outcome is RunOutcome.OK
        assert len(seen.calls("set_available")) == 6
        assert seen.most == stock_writes.LANES
        assert shop.apart() == {}


@pytest.mark.usefixtures("two_rows_a_call")
async def test_a_stale_row_in_one_call_stops_no_other_and_is_decided_on_rows_and_orders_read_anew(
    tmp_path: Path,
) -> None:
    async with live_shop(few(12), tmp_path) as shop:
        seen, bought = Watched(shop), list[str]()
        skus = sell(shop, 12)
        stale = seen.item(skus[0])

        async def buy_first(_key: str, _reference: str, changes: Sequence[Any]) -> None:
            if not bought and stale in [change.inventory_item_id for change in changes]:
                bought.append(shop.world.shopify.place_order({skus[0]: 2}))

        seen.watch("levels_of")
        seen.watch("read_orders")
        seen.watch("set_available", buy_first)
        reply = await shop.sync()
        assert bought
        assert (reply.outcome, reply.numbers["applied"]) == (RunOutcome.OK, 12)
        assert shop.apart() == {}
        protocol = ["levels_of", "read_orders", "levels_of", "set_available"]
        assert seen.of(stale) == protocol + protocol
        for sku in skus[2:]:
            calls = [name for name in seen.of(seen.item(sku)) if name != "read_orders"]
            assert calls == ["levels_of", "levels_of", "set_available"]


async def test_what_one_call_pulls_anew_makes_no_row_quiet_that_another_has_read_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_writes, "ROWS_PER_CALL", 1)
    async with live_shop(few(), tmp_path, index_lag_seconds=30) as shop:
        seen, world, pulled_anew = Watched(shop), shop.world, asyncio.Event()
        first, second = (good.sku for good in world.goods[:2])
        hidden = world.shopify.place_order({second: 1})
        world.shopify.fulfil(hidden)  # no unit is committed any more: it looks like an edit, and would be written over
        sell(shop, 2)
        bought, pulls = list[str](), list[None]()

        async def buy_first(_key: str, _reference: str, changes: Sequence[Any]) -> None:
            if not bought and changes[0].inventory_item_id == seen.item(first):
                bought.append(world.shopify.place_order({first: 1}))

        async def wait(item_ids: Sequence[str]) -> None:
            if list(item_ids) == [seen.item(second)] and pulls:
                async with asyncio.timeout(PATIENCE):
                    await pulled_anew.wait()

        async def later(*_: object) -> None:
            pulls.append(None)
            if bought:
                shop.clock.advance(120)

        async def tell(rows: Sequence[Any], read_at: Any) -> int:
            kept = await keep_orders(rows, read_at)
            if bought:
                pulled_anew.set()
            return int(kept)

        ledger: Any = shop.work.ledger
        keep_orders = ledger.keep_orders
        ledger.keep_orders = tell
        seen.watch("set_available", buy_first)
        seen.watch("levels_of", wait)
        seen.watch("read_orders", later)
        await shop.sync()
        assert pulled_anew.is_set()
        assert world.shopify.available(second) == 18
        await shop.passes(3)
        assert shop.apart() == {}


@pytest.mark.usefixtures("two_rows_a_call")
async def test_when_a_call_fails_the_others_under_way_are_finished_and_none_is_begun(tmp_path: Path) -> None:
    async with live_shop(few(12), tmp_path) as shop:
        seen, failed, began = Watched(shop), asyncio.Event(), list[None]()

        async def fail_first(*_: object) -> None:
            began.append(None)
            if len(began) == stock_writes.LANES:
                failed.set()
                raise Transient(Code.SH004, "")
            async with asyncio.timeout(PATIENCE):
                await failed.wait()

        seen.watch("set_available", fail_first)
        sell(shop, 12)
        reply = await shop.sync()
        assert (reply.outcome, reply.code) == (RunOutcome.FAILED, "SH004")
        assert len(seen.calls("set_available")) == stock_writes.LANES
        assert len(shop.world.shopify.writes) == 2 * (stock_writes.LANES - 1)
        assert (await shop.work.ledger.standing()).unanswered_writes == 0


# --- the readings of a full pass ---


async def test_a_full_pass_reads_both_shops_at_once_and_the_orders_after_them(tmp_path: Path) -> None:
    async with live_shop(few(), tmp_path) as shop:
        seen, exporting = Watched(shop), asyncio.Event()

        async def begun(*_: object) -> None:
            exporting.set()

        pos: Any = shop.work.engine.pos
        walk = pos.read_items

        async def beside(*args: Any, **more: Any) -> Any:
            async with asyncio.timeout(PATIENCE):
                await exporting.wait()
            seen.log.append(("read_items", ()))
            return await walk(*args, **more)

        pos.read_items = beside
        seen.watch("read_everything", begun)
        seen.watch("levels_of")
        seen.watch("read_orders")
        reply = await shop.sync(FULL)
        assert reply.outcome is RunOutcome.OK
        assert [name for name, _ in seen.log] == ["read_everything", "read_items", "read_orders"]


async def test_rows_that_are_older_than_what_moved_in_lightspeed_meanwhile_are_read_anew_before_the_orders(
    tmp_path: Path,
) -> None:
    async with live_shop(few(), tmp_path) as shop:
        seen, exported, world = Watched(shop), asyncio.Event(), shop.world
        sku = world.goods[0].sku
        engine: Any = shop.work.engine
        export, walk = engine.storefront.read_everything, engine.pos.read_items

        async def first(deliver: Any, **more: Any) -> Any:
            certificate = await export(deliver, **more)
            exported.set()
            return certificate

        async def afterwards(*args: Any, **more: Any) -> Any:
            async with asyncio.timeout(PATIENCE):
                await exported.wait()
            world.shopify.place_order({sku: 2})
            world.lightspeed.sell(sku, 5)
            return await walk(*args, **more)

        engine.storefront.read_everything, engine.pos.read_items = first, afterwards
        seen.watch("levels_of")
        seen.watch("read_orders")
        reply = await shop.sync(FULL)
        assert reply.outcome is RunOutcome.OK
        assert seen.log[:2] == [("levels_of", (seen.item(sku),)), ("read_orders", ())]
        assert world.shopify.available(sku) == 13
        assert shop.apart() == {}


@pytest.mark.parametrize(("service", "operation", "code"), [("lightspeed", "Item", "LS"), ("shopify", "bulk", "SH")])
async def test_a_reading_of_a_full_pass_that_fails_calls_the_other_off_and_moves_no_watermark(
    tmp_path: Path, service: str, operation: str, code: str
) -> None:
    async with live_shop(few(), tmp_path) as shop:
        storefront: Any = shop.work.engine.storefront
        pos: Any = shop.work.engine.pos
        called_off = asyncio.Event()

        async def never(*_: object, **__: object) -> None:
            try:
                async with asyncio.timeout(PATIENCE):
                    await asyncio.Event().wait()
            except asyncio.CancelledError:
                called_off.set()
                raise

        if service == "lightspeed":
            storefront.read_everything = never
            shop.world.faults.add("lightspeed", "Item", Fault(FaultKind.HTML, times=0))
        else:
            pos.read_items = never
            shop.world.shopify.bulk.fail_next()
        reply = await shop.sync(FULL)
        assert reply.outcome is RunOutcome.FAILED
        assert reply.code is not None
        assert reply.code.startswith(code)
        assert called_off.is_set()
        assert shop.world.shopify.writes == []
