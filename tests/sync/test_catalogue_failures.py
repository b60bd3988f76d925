"""Product writes that nobody answered, that were refused, or whose process died: written once, and on record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind
from sandbox.world import World
from sync.catalogue.catalogue import Catalogue
from sync.catalogue.policy import CataloguePolicy
from sync.catalogue.ports import CatalogueBook, Products, Shelves
from sync.errors import Code, OutcomeUnknown, Refused, SyncError
from sync.ports import Ledger
from sync.products import ProductChange, ProductOutcome, ProductResult, ProductUpdate
from sync.records import PauseKind
from sync.shopify.products import ShopifyProducts
from tests.sync.shop import START, Fuse, Fused, Shop, go_live, open_shop
from tests.sync.test_catalogue import KAVA, SHIRTS, WITHOUT_NEW, catalogue, read, reading

pytestmark = pytest.mark.anyio

_MOST_MOMENTS = 200
UNANSWERED = ProductOutcome.UNANSWERED


async def carry_out(shop: Shop, changes: Sequence[ProductChange]) -> list[ProductResult]:
    run_id = await shop.work.ledger.begin_run("products", shop.clock.now())
    return await catalogue(shop).carry_out(changes, run_id)


async def outcomes(shop: Shop) -> list[ProductOutcome | None]:
    """Return what is on record of every product write so far, oldest first."""
    runs = [run.run_id for run in await shop.work.ledger.runs(limit=50)]
    book = catalogue(shop).book
    return [write.outcome for run_id in sorted(runs) for write in await book.writes_in(run_id)]


def pictures(shop: Shop) -> int:
    return len(shop.world.shopify.item("KAVA-1").variant.product.media)


@pytest.mark.parametrize(
    "fault",
    [Fault(FaultKind.RESET_AFTER), Fault(FaultKind.GATEWAY_TIMEOUT), Fault(FaultKind.LATE, seconds=20)],
    ids=lambda fault: fault.kind.value,
)
async def test_a_write_that_happened_without_an_answer_is_found_and_not_repeated(tmp_path: Path, fault: Fault) -> None:
    async with reading(tmp_path) as shop:
        shop.world.shopify.picture("KAVA-1", ())
        await read(shop)
        changes = await catalogue(shop).propose()
        shop.world.faults.add("shopify", "productUpdate", fault)
        assert [each.outcome for each in await carry_out(shop, changes)] == [ProductOutcome.UNANSWERED]
        (again,) = await carry_out(shop, changes)
        assert (again.outcome, again.detail) == (
            ProductOutcome.UNANSWERED,
            "The same was written a moment ago, and nobody answered; try again in a minute.",
        )
        shop.clock.advance(90)
        assert [each.outcome for each in await carry_out(shop, changes)] == [ProductOutcome.FOUND_APPLIED]
        assert pictures(shop) == 1
        assert await outcomes(shop) == [ProductOutcome.FOUND_APPLIED]


async def test_a_write_that_never_happened_is_made_once_it_is_known(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        shop.world.shopify.picture("KAVA-1", ())
        await read(shop)
        changes = await catalogue(shop).propose()
        shop.world.faults.add("shopify", "productUpdate", Fault(FaultKind.RESET_BEFORE))
        assert [each.outcome for each in await carry_out(shop, changes)] == [ProductOutcome.UNANSWERED]
        shop.clock.advance(90)
        assert [each.outcome for each in await carry_out(shop, changes)] == [ProductOutcome.APPLIED]
        assert pictures(shop) == 1
        assert await outcomes(shop) == [ProductOutcome.FOUND_NOT_APPLIED, ProductOutcome.APPLIED]


async def test_a_write_that_is_still_on_its_way_is_left_to_whoever_sent_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading(tmp_path) as shop:
        shop.world.shopify.picture("KAVA-1", ())
        await read(shop)
        changes = await catalogue(shop).propose()
        update, meanwhile = ShopifyProducts.update, list[ProductOutcome]()

        async def slow(products: ShopifyProducts, change: ProductUpdate) -> Any:
            monkeypatch.undo()
            shop.clock.advance(90)
            meanwhile.extend(each.outcome for each in await carry_out(shop, changes))
            return await update(products, change)

        monkeypatch.setattr(ShopifyProducts, "update", slow)
        assert [each.outcome for each in await carry_out(shop, changes)] == [ProductOutcome.APPLIED]
        assert meanwhile == [ProductOutcome.UNANSWERED]
        assert await outcomes(shop) == [ProductOutcome.APPLIED]
        assert pictures(shop) == 1


async def test_a_write_is_looked_for_a_minute_after_it_was_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading(tmp_path) as shop:
        shop.world.shopify.picture("KAVA-1", ())
        await read(shop)

        async def silent(*_: object) -> Any:
            shop.clock.advance(120)
            raise OutcomeUnknown(Code.SH004)

        monkeypatch.setattr(ShopifyProducts, "update", silent)
        assert [each.outcome for each in await carry_out(shop, await catalogue(shop).propose())] == [UNANSWERED]
        shop.clock.advance(50)
        assert len(await catalogue(shop).settle()) == 1
        shop.clock.advance(10)
        assert await catalogue(shop).settle() == []
        assert await outcomes(shop) == [ProductOutcome.FOUND_NOT_APPLIED]


@pytest.mark.parametrize(
    ("sizes", "by_hand"), [(("S", "M"), "ACTIVE"), (("S",), "DRAFT")], ids=["others are sold on", "a draft by hand"]
)
async def test_goods_are_off_sale_only_once_their_stock_is(tmp_path: Path, sizes: Sequence[str], by_hand: str) -> None:
    goods = [replace(shirt, online=True) for shirt in SHIRTS[: len(sizes)]]
    async with reading(tmp_path, *goods) as shop:
        shop.world.lightspeed.archive("SHIRT-S")
        shop.clock.advance(600)
        await read(shop)
        changes = await catalogue(shop).propose()
        storefront: Any = shop.work.engine.storefront
        set_available = storefront.set_available

        async def lost(*_: object) -> Any:
            raise OutcomeUnknown(Code.SH004)

        storefront.set_available = lost
        assert [each.outcome for each in await carry_out(shop, changes)] == [UNANSWERED]
        storefront.set_available = set_available
        shop.world.shopify.edit_product("SHIRT-S", status=by_hand)
        shop.clock.advance(90)
        assert await catalogue(shop).settle() == []
        assert await outcomes(shop) == [ProductOutcome.FOUND_NOT_APPLIED]
        assert shop.world.shopify.available("SHIRT-S") == 12


async def test_goods_whose_stock_is_off_are_found_off_sale(tmp_path: Path) -> None:
    async with reading(tmp_path, *[replace(shirt, online=True) for shirt in SHIRTS]) as shop:
        shop.world.lightspeed.archive("SHIRT-S")
        shop.clock.advance(600)
        await read(shop)
        changes = await catalogue(shop).propose()
        storefront: Any = shop.work.engine.storefront
        set_available = storefront.set_available

        async def unheard(*args: Any) -> Any:
            await set_available(*args)
            raise OutcomeUnknown(Code.SH004)

        storefront.set_available = unheard
        assert [each.outcome for each in await carry_out(shop, changes)] == [UNANSWERED]
        shop.clock.advance(90)
        assert await catalogue(shop).settle() == []
        assert await outcomes(shop) == [ProductOutcome.FOUND_APPLIED]


async def test_prices_without_an_answer_are_found(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        shop.world.shopify.reprice("KAVA-1", Decimal("17.00"))
        await read(shop)
        changes = await catalogue(shop).propose()
        shop.world.faults.add("shopify", "productVariantsBulkUpdate", Fault(FaultKind.RESET_AFTER))
        assert [each.outcome for each in await carry_out(shop, changes)] == [ProductOutcome.UNANSWERED]
        shop.clock.advance(90)
        assert await catalogue(shop).settle() == []
        assert await outcomes(shop) == [ProductOutcome.FOUND_APPLIED]


async def test_a_product_made_without_an_answer_is_found_and_linked(tmp_path: Path) -> None:
    async with reading(tmp_path, KAVA, *SHIRTS) as shop:
        changes = await catalogue(shop).propose()
        shop.world.faults.add("shopify", "productSet", Fault(FaultKind.RESET_AFTER))
        assert [each.outcome for each in await carry_out(shop, changes)] == [ProductOutcome.UNANSWERED]
        assert await shop.work.ledger.count_links() == 1
        shop.clock.advance(90)
        assert await catalogue(shop).settle() == []
        assert await outcomes(shop) == [ProductOutcome.FOUND_APPLIED]
        assert await shop.work.ledger.count_links() == 4
        assert len(shop.world.shopify.shelves.products) == 2


async def test_a_refusal_is_told_in_shopifys_words_and_changes_nothing(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        shop.world.shopify.edit_product("KAVA-1", description_html="")
        await read(shop)
        changes = await catalogue(shop).propose()
        shop.world.shopify.edit_product("KAVA-1", description_html="")
        wrong = replace(changes[0], after="")
        shop.world.faults.add("shopify", "productUpdate", Fault(FaultKind.REFUSED, code="That is not allowed"))
        (result,) = await carry_out(shop, changes)
        assert (result.outcome, result.code) == (ProductOutcome.REFUSED, "SH003")
        assert "That is not allowed" in result.detail
        (refused,) = await carry_out(shop, [replace(wrong, refusal="SH003", reason="The title is blank.")])
        assert (refused.outcome, refused.code, refused.detail) == (
            ProductOutcome.REFUSED,
            "SH003",
            "The title is blank.",
        )
        assert await outcomes(shop) == [ProductOutcome.REFUSED], "what was refused before is never on its way"


async def test_a_shop_that_cannot_be_reached_ends_the_work_and_leaves_it_to_be_done(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        shop.world.shopify.reprice("KAVA-1", Decimal("17.00"))
        await read(shop)
        changes = await catalogue(shop).propose()
        shop.world.faults.add("shopify", "nodes", Fault(FaultKind.BAD_GATEWAY, times=0))
        with pytest.raises(SyncError) as caught:
            await carry_out(shop, changes)
        assert caught.value.code in (Code.SH004, Code.SH006)
        shop.world.faults.clear()
        assert [each.outcome for each in await carry_out(shop, changes)] == [ProductOutcome.APPLIED]


async def test_nothing_is_written_while_writing_is_paused_by_hand(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        shop.world.shopify.reprice("KAVA-1", Decimal("17.00"))
        await read(shop)
        changes = await catalogue(shop).propose()
        await shop.work.actions.pause(PauseKind.WRITES, "we count.")
        with pytest.raises(Refused) as caught:
            await carry_out(shop, changes)
        assert str(caught.value) == "BR004 Somebody has paused writing. Their reason: we count."
        assert shop.world.shopify.item("KAVA-1").variant.price_cents == 1_700


async def test_an_order_that_comes_between_is_compared_and_swapped_around(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        shop.world.lightspeed.archive("KAVA-1")
        shop.clock.advance(600)
        await read(shop)
        changes = await catalogue(shop).propose()
        storefront: Any = shop.work.engine.storefront
        levels_of = storefront.levels_of

        async def then_ordered(ids: Sequence[str]) -> Any:
            levels = await levels_of(ids)
            storefront.levels_of = levels_of
            shop.world.shopify.place_order({"KAVA-1": 2})
            return levels

        storefront.levels_of = then_ordered
        assert [each.outcome for each in await carry_out(shop, changes)] == [ProductOutcome.APPLIED]
        assert shop.world.shopify.available("KAVA-1") == 0
        assert shop.world.shopify.committed("KAVA-1") == 2


async def test_an_item_that_is_sold_again_is_not_taken_off_sale(tmp_path: Path) -> None:
    async with reading(tmp_path) as shop:
        shop.world.lightspeed.archive("KAVA-1")
        shop.clock.advance(600)
        await read(shop)
        changes = await catalogue(shop).propose()
        shop.world.lightspeed.edit("KAVA-1", {"archived": "false"})
        shop.clock.advance(600)
        await read(shop)
        assert [each.outcome for each in await carry_out(shop, changes)] == [ProductOutcome.MOVED]
        assert shop.world.shopify.item("KAVA-1").variant.product.status == "ACTIVE"


# --- the process dies


class Lives:
    """One world through several processes; the work on a confirmed plan dies at a moment in one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(START)
        old = replace(KAVA, sku="OLD-1", title="Old Root", handle="old")
        self.world = World([KAVA, old, *SHIRTS], clock=self.clock)

    async def run(self, moment: int) -> bool:
        """Plan, carry out and die, and then carry out what is left; return whether the moment came."""
        fuse = Fuse(moment)
        async with open_shop(self.world, self.clock, self.folder, alerts=WITHOUT_NEW) as shop:
            await go_live(shop)
            self.world.shopify.picture("KAVA-1", ())
            self.world.shopify.reprice("KAVA-1", Decimal("17.00"))
            self.world.lightspeed.archive("OLD-1")
            self.clock.advance(600)
            await read(shop)
            changes = await catalogue(shop).propose()
            assert [change.kind.value for change in changes] == ["field", "field", "create", "retire"]
            await self._dying(shop, changes, fuse)
        async with open_shop(self.world, self.clock, self.folder, alerts=WITHOUT_NEW) as shop:
            self.clock.advance(90)
            await read(shop)
            await carry_out(shop, await catalogue(shop).propose())
            await catalogue(shop).settle()
            await self._is_done(shop)
        return fuse.blown

    async def _dying(self, shop: Shop, changes: Sequence[ProductChange], fuse: Fuse) -> None:
        storefront = cast("Any", shop.work.engine.storefront)
        fused = Catalogue(
            book=cast("CatalogueBook", Fused(catalogue(shop).book, fuse)),
            products=cast("Products", Fused(storefront.products, fuse)),
            shelves=cast("Shelves", Fused(storefront, fuse)),
            ledger=cast("Ledger", Fused(shop.work.ledger, fuse)),
            clock=shop.work.clock,
            policy=CataloguePolicy(),
        )
        run_id = await shop.work.ledger.begin_run("products", self.clock.now())
        work: Callable[[], Awaitable[object]] = lambda: fused.carry_out(changes, run_id)  # noqa: E731
        try:
            await work()
        except asyncio.CancelledError:
            assert fuse.blown

    async def _is_done(self, shop: Shop) -> None:
        store = self.world.shopify
        assert await catalogue(shop).propose() == []
        assert store.item("KAVA-1").variant.price_cents == 1_990
        assert len(store.item("KAVA-1").variant.product.media) == 1
        assert (store.item("OLD-1").variant.product.status, store.available("OLD-1")) == ("DRAFT", 0)
        assert len(store.shelves.products) == 3
        assert await shop.work.ledger.count_links() == 4
        left = [each for each in await outcomes(shop) if each in (None, ProductOutcome.UNANSWERED)]
        assert left == []


@pytest.mark.parametrize(
    "stride",
    [pytest.param(7, id="every seventh moment"), pytest.param(1, id="every moment", marks=pytest.mark.slow)],
)
async def test_whenever_the_process_dies_every_change_is_made_once(tmp_path: Path, stride: int) -> None:
    moment, died = 1, True
    while died:
        died = await Lives(tmp_path / str(moment)).run(moment)
        moment += stride
        assert moment < _MOST_MOMENTS
    assert moment > 2 * stride
